"""Formulas of key figures: sums, products and quotients of named leaves, read from a text."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ltvkit.errors import ParamsError

Values = Mapping[str, Any]

_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
LONGEST = 1000  # characters


@dataclass(frozen=True)
class Formula:
    """A key figure as a formula of leaves, with + - * / and brackets.

    Raises `ParamsError` where the text is something else.

    >>> sales = Formula("(new + kept) * orders * value")
    >>> sales.leaves
    ('new', 'kept', 'orders', 'value')
    >>> float(sales.evaluate({"new": 20, "kept": 80, "orders": 1.5, "value": 30}))
    4500.0
    """

    text: str

    def __post_init__(self) -> None:
        for node in ast.walk(self._tree):
            _check(node, self.text)
        if not self.leaves:
            raise ParamsError(f"formula '{self.text}' names no leaf.")

    @cached_property
    def _tree(self) -> ast.expr:
        try:
            if len(self.text) > LONGEST:
                raise ValueError
            return ast.parse(self.text.strip(), mode="eval").body
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            raise ParamsError(
                f"formula '{self.text[:80]}' cannot be read: write one such as "
                "customers * orders_per_customer * order_value."
            ) from None

    @cached_property
    def leaves(self) -> tuple[str, ...]:
        """The names in it, each once, in the order of the text."""
        names = [node for node in ast.walk(self._tree) if isinstance(node, ast.Name)]
        return tuple(dict.fromkeys(n.id for n in sorted(names, key=lambda n: n.col_offset)))

    @property
    def is_sum(self) -> bool:
        """Whether it is a sum or a difference, so that it takes brackets in a product."""
        return isinstance(self._tree, ast.BinOp) and isinstance(self._tree.op, ast.Add | ast.Sub)

    def evaluate(self, values: Values) -> np.ndarray:
        """Values of the leaves, numbers or arrays of one shape -> that of the formula."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(_evaluate(self._tree, values), dtype=float)

    def gain(self, values: Values, **changed: float) -> float:
        """By how much the formula rises where some leaves have other values, and the rest stay.

        >>> Formula("(new + kept) * value").gain({"new": 2, "kept": 6, "value": 10}, new=3)
        10.0
        """
        return float(self.evaluate({**values, **changed}) - self.evaluate(values))


def _check(node: ast.AST, text: str) -> None:
    plain = (ast.BinOp, ast.Name, ast.Load, *_OPERATORS)
    number = isinstance(node, ast.Constant) and type(node.value) in (int, float)
    if not isinstance(node, plain) and not number:
        raise ParamsError(
            f"formula '{text}' may have names, numbers, + - * / and brackets; it has "
            f"{type(node).__name__}."
        )


def _evaluate(node: ast.AST, values: Values) -> Any:
    if isinstance(node, ast.Name):
        return np.asarray(values[node.id], dtype=float)
    if isinstance(node, ast.Constant):
        return float(node.value)  # type: ignore[arg-type]
    assert isinstance(node, ast.BinOp)
    left, right = _evaluate(node.left, values), _evaluate(node.right, values)
    return _OPERATORS[type(node.op)](left, right)
