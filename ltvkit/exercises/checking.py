"""Compare a reader's answer with the right one and with those that known mistakes lead to.

`catalogue.yaml` has each exercise: which function computes its answers, what kind of figure the
answer is, a hint, the solution, and what to say of each mistake.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ltvkit.core import files
from ltvkit.core.i18n import _
from ltvkit.display import formats, joining
from ltvkit.errors import DataError, ParamsError, nearest
from ltvkit.exercises.reading import differ, read_answer

_ENTRIES: Mapping[str, Mapping[str, Any]] = files.read_yaml(__name__, "catalogue.yaml")
CATALOGUE = {name: _ENTRIES[facts.get("like", name)] for name, facts in _ENTRIES.items()}
NAMES = tuple(CATALOGUE)
ANSWERS = "ltvkit.exercises.answers"
SHOWN = {"share": formats.share, "count": formats.count}


@dataclass(frozen=True)
class Answers:
    """The right answer to an exercise, what each known mistake gives, and figures that its texts
    name."""

    right: float | str
    wrong: Mapping[str, float | str]
    figures: Mapping[str, Any]


@dataclass(frozen=True)
class Reply:
    """A text, which a notebook shows; of `check` also whether the answer is right."""

    text: str
    right: bool | None = None

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True)
class _Exercise:
    """An exercise of the catalogue, and the variables that its answer is computed from."""

    name: str
    facts: Mapping[str, Any]
    variables: Mapping[str, Any]

    def compute(self) -> Answers:
        module, _dot, function = self.facts["of"].partition(".")
        solve = getattr(importlib.import_module(f"{ANSWERS}.{module}"), function)
        needs, known = inspect.signature(solve).parameters.values(), self.variables
        if missing := [p.name for p in needs if p.default is p.empty and p.name not in known]:
            named = " and ".join(f"`{n}`" for n in missing)
            raise ParamsError(f"{self.name} needs {named}: run the cells above it first.")
        return Answers(*solve(**{p.name: known[p.name] for p in needs if p.name in known}))

    def fill(self, text: str, found: Answers) -> str:
        """A text with the answer (`right`) and the figures that it names; whole ones are counts."""
        right, kind = found.right, self.facts["kind"]
        if isinstance(right, str):
            said = _(right)
        elif kind == "money":
            said = formats.money(right, self.variables.get("currency", ""))
        else:
            said = SHOWN.get(kind, formats.number)(right)
        return formats.fill(_(text), right=said, **found.figures)

    def reply(self, *parts: str) -> Reply:
        """That an answer is not right, and what helps."""
        ways = {way: f'exercises.{way}("{self.name}")' for way in ("hint", "solution")}
        helped = _("For a hint: {hint}; for the answer: {solution}.").format(**ways)
        return Reply(joining.sentences([*parts, helped]), right=False)


def check(name: str, answer: Any = None, /, **given: Any) -> Reply:
    """An exercise and an answer -> `Reply`: right, or which known mistake it looks like, or whether
    it is too low or too high.

    Answers may be numbers or texts, as "12,345", "24.9%" or "¥3,000"; a share also 24.9 for 24.9%.
    Counts must be exact; other figures may be off by half a percent. `given`: what the answer is
    computed from (`book`, `as_of`), in place of the notebook's variables of these names. Raises
    `ParamsError` for an exercise that there is not, or where something is missing.
    """
    exercise = _find(name, given)
    if answer is None or answer is ... or (isinstance(answer, str) and not answer.strip()):
        return exercise.reply(_("No answer yet."))
    kind = exercise.facts["kind"]
    try:
        said = read_answer(answer, kind)
    except ParamsError as error:
        return exercise.reply(str(error))
    try:
        found = exercise.compute()
    except DataError as error:
        return Reply(_explain(error), right=False)
    far = differ(said, found.right, kind)
    off = {mistake: differ(said, value, kind) for mistake, value in found.wrong.items()}
    likely = min(off, key=off.__getitem__)
    if far <= min(1, off[likely]):
        solved = exercise.fill(exercise.facts["solution"], found)
        return Reply(joining.sentences([_("Right."), solved]), right=True)
    if off[likely] <= 1:
        why = exercise.fill(exercise.facts["wrong"][likely], found)
    elif isinstance(said, str) or isinstance(found.right, str):
        why = ""
    else:
        why = _("The answer is lower.") if said > found.right else _("The answer is higher.")
    return exercise.reply(_("Not yet."), why)


def hint(name: str, /, **given: Any) -> Reply:
    """An exercise -> how to go about it. Raises as `check`."""
    exercise = _find(name, given)
    text = exercise.facts["hint"]
    return _tell(exercise, "hint") if "{" in text else Reply(_(text))


def solution(name: str, /, **given: Any) -> Reply:
    """An exercise -> the right answer of the reader's own orders, and why. Raises as `check`."""
    return _tell(_find(name, given), "solution")


def compute(name: str, /, **given: Any) -> Answers:
    """An exercise -> its `Answers`. Raises as `check`, and `DataError` where orders are too few."""
    return _find(name, given).compute()


def _find(name: str, given: Mapping[str, Any]) -> _Exercise:
    if name not in CATALOGUE:
        raise ParamsError(f"There is no exercise '{name}'.{nearest(name, NAMES)}")
    return _Exercise(name, CATALOGUE[name], {**_read_notebook(), **given})


def _read_notebook() -> Mapping[str, Any]:
    """The variables of the notebook that asks; none outside of one."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    return shell.user_ns if shell else {}


def _tell(exercise: _Exercise, what: str) -> Reply:
    try:
        return Reply(exercise.fill(exercise.facts[what], exercise.compute()))
    except DataError as error:
        return Reply(_explain(error))


def _explain(error: DataError) -> str:
    said = _("These orders cannot answer it: {reason} Take the sample shop, `demo:shop`.")
    return said.format(reason=error)
