"""In a report, a step that has too little data says so, and the rest of its page stands.

Notebooks are plain: a step that finds too little data raises `TooLittleData`. While somebody
explores, that is what they should see. A report loads this module into its kernel (it is an
IPython extension): there, every call in a cell that raises it gives `Absent` instead, and so does
every call that would need what is absent. What can be computed is; `results.save` keeps it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, NoReturn

from ltvkit.core.i18n import _
from ltvkit.errors import NothingYet, TooLittleData


class Absent:
    """What a step would have given, had there been enough data; so is every part of it.

    It is false, so that a cell can name what to take in its place.

    >>> tested = Absent("a backtest needs 100 customers.")
    >>> print(tested.table["skill"], "|", tested.best_model or "bg_nbd")
    Too little data for this: a backtest needs 100 customers. | bg_nbd
    """

    def __init__(self, why: str) -> None:
        self._why = why

    def __getattr__(self, name: str) -> Absent:
        if name.startswith("_"):  # what Python and Jupyter look for in any object
            raise AttributeError(name)
        return self

    def __getitem__(self, _key: Any) -> Absent:
        return self

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return _("Too little data for this: {why}").format(why=self._why)

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Absent) and str(self) == str(other)

    def _refuse(self, *_any: Any) -> NoReturn:
        raise TooLittleData(self._why)

    __iter__ = __format__ = _refuse


def load_ipython_extension(shell: Any) -> None:
    """Let the shell's cells go on where there is too little data."""
    last: tuple[Any, Any] = None, None

    def show(value: Any) -> Any:
        """The value of a line, as it is; of an absent one, why: in full when it is news."""
        nonlocal last
        if not isinstance(value, Absent):
            return value
        if last != (value, shell.execution_count):
            print(_("Not shown, for the same reason.") if last[0] == value else value)
        last = value, shell.execution_count
        return None

    known = {"_attempt": attempt, "_present": present, "_say": say, "_show": show}
    shell.push(known, interactive=False)
    shell.ast_transformers.append(_Calls())


def attempt(call: Callable[[], Any]) -> Any:
    """What `call` gives; `Absent` where it finds too little data. `NothingYet` ends the page.

    >>> print(attempt(lambda: len(present(Absent("no customers.")))))
    Too little data for this: no customers.
    """
    try:
        return call()
    except NothingYet:
        raise
    except TooLittleData as error:
        return Absent(str(error))


def present(value: Any) -> Any:
    """`value` itself; raises `TooLittleData` where it is absent."""
    return value._refuse() if isinstance(value, Absent) else value


def say(*parts: Any, **options: Any) -> None:
    """`print`, which gives each reason for what is absent once.

    >>> say("a", Absent("no b."), "a", Absent("no b."), sep=", ")
    a, Too little data for this: no b., a
    """
    repeated = [isinstance(p, Absent) and p in parts[:n] for n, p in enumerate(parts)]
    print(*(p for p, again in zip(parts, repeated, strict=True) if not again), **options)


class _Calls(ast.NodeTransformer):
    """f(a) becomes _attempt(lambda: f(_present(a))), and a line by itself _show(...)."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = ast.unparse(node.func)
        self.generic_visit(node)
        if name == "print":
            node.func = _name("_say")
        elif name == "results.save":  # it keeps what is there
            return _around(node)
        node.func = _call("_present", node.func)
        node.args = [a if isinstance(a, ast.Starred) else _call("_present", a) for a in node.args]
        for keyword in node.keywords:
            keyword.value = _call("_present", keyword.value)
        return _around(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        self.generic_visit(node)
        node.value = _call("_show", node.value)
        return ast.fix_missing_locations(node)


def _around(node: ast.Call) -> ast.Call:
    nothing = ast.arguments([], [], None, [], [], None, [])
    tried = ast.copy_location(_call("_attempt", ast.Lambda(nothing, node)), node)
    return ast.fix_missing_locations(tried)


def _call(name: str, *args: ast.expr) -> ast.Call:
    return ast.Call(_name(name), list(args), [])


def _name(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())
