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
from ltvkit.errors import DataError, LtvkitError, ParamsError, nearest
from ltvkit.exercises.reading import CHOICE, differ, read_answer

CATALOGUE: Mapping[str, Mapping[str, Any]] = files.read_yaml(__name__, "catalogue.yaml")
NAMES = tuple(CATALOGUE)


@dataclass(frozen=True)
class Answers:
    """The right answer to an exercise, what each known mistake gives, and figures that the hint and
    the solution name."""

    right: float | str
    wrong: Mapping[str, float | str]
    figures: Mapping[str, Any]


@dataclass(frozen=True)
class Reply:
    """What `check` says: whether the answer is right, and a text; a notebook shows the text."""

    right: bool
    text: str

    def __repr__(self) -> str:
        return self.text


def check(name: str, answer: Any = None, /, **given: Any) -> Reply:
    """An exercise and an answer -> `Reply`: right, or which known mistake it looks like, or whether
    it is too low or too high.

    Answers may be numbers or texts, as "12,345", "24.9%" or "¥3,000"; a share also 24.9 for 24.9%.
    Counts must be exact; other figures may be off by half a percent. `given`: what the answer is
    computed from (`book`, `as_of`), in place of the notebook's variables of these names. Raises
    `ParamsError` for an exercise that there is not, or where something is missing.
    """
    entry = _find(name)
    if answer is None or answer is ... or (isinstance(answer, str) and not answer.strip()):
        return Reply(False, joining.sentences([_("No answer yet."), _help(name)]))
    try:
        found = _compute(entry, name, given)
    except DataError as error:
        return Reply(False, _cannot(error))
    kind = entry["kind"]
    try:
        said = read_answer(answer, kind)
    except ValueError as error:
        return Reply(False, joining.sentences([str(error), _help(name)]))
    far = differ(said, found.right, kind)
    off = {mistake: differ(said, value, kind) for mistake, value in found.wrong.items()}
    likely = min(off, key=off.__getitem__)
    if far <= min(1, off[likely]):
        return Reply(True, joining.sentences([_("Right."), _explain(entry, found, given)]))
    if off[likely] <= 1:
        why = _fill(entry["wrong"][likely], found, entry, given)
        return Reply(False, joining.sentences([_("Not yet."), why, _help(name)]))
    if kind == CHOICE:
        return Reply(False, joining.sentences([_("Not yet."), _help(name)]))
    way = _("The answer is lower.") if float(said) > found.right else _("The answer is higher.")
    return Reply(False, joining.sentences([_("Not yet."), way, _help(name)]))


def hint(name: str, /, **given: Any) -> Reply:
    """An exercise -> how to go about it. Raises as `check`."""
    entry = _find(name)
    text = _(entry["hint"])
    if "{" not in text:
        return Reply(False, text)
    try:
        return Reply(False, _fill(entry["hint"], _compute(entry, name, given), entry, given))
    except DataError as error:
        return Reply(False, _cannot(error))


def solution(name: str, /, **given: Any) -> Reply:
    """An exercise -> the right answer of the reader's own orders, and why. Raises as `check`."""
    entry = _find(name)
    try:
        return Reply(False, _explain(entry, _compute(entry, name, given), given))
    except DataError as error:
        return Reply(False, _cannot(error))


def compute(name: str, /, **given: Any) -> Answers:
    """An exercise -> its `Answers`. Raises as `check`, and `DataError` where orders are too few."""
    return _compute(_find(name), name, given)


def _find(name: str) -> Mapping[str, Any]:
    if name not in CATALOGUE:
        raise ParamsError(f"There is no exercise '{name}'.{nearest(name, NAMES)}")
    return CATALOGUE[name]


def _compute(entry: Mapping[str, Any], name: str, given: Mapping[str, Any]) -> Answers:
    module, _dot, function = entry["of"].partition(".")
    solve = getattr(importlib.import_module(f"ltvkit.exercises.answers.{module}"), function)
    known = {**_read_notebook(), **given}
    needs = inspect.signature(solve).parameters.values()
    missing = [p.name for p in needs if p.default is p.empty and p.name not in known]
    if missing:
        named = " and ".join(f"`{n}`" for n in missing)
        raise ParamsError(f"{name} needs {named}: run the notebook's cells above first.")
    right, wrong, *figures = solve(**{p.name: known[p.name] for p in needs if p.name in known})
    return Answers(right, wrong, dict(*figures))


def _read_notebook() -> Mapping[str, Any]:
    """The variables of the notebook that asks; none outside of one."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    return shell.user_ns if shell else {}


def _explain(entry: Mapping[str, Any], found: Answers, given: Mapping[str, Any]) -> str:
    return _fill(entry["solution"], found, entry, given)


def _fill(text: str, found: Answers, entry: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """A text with the answer (`right`) and the figures of the exercise; whole ones are counts."""
    right = _show(found.right, entry["kind"], {**_read_notebook(), **given}.get("currency", ""))
    return formats.fill(_(text), right=right, **found.figures)


def _show(value: float | str, kind: str, currency: str) -> str:
    if isinstance(value, str):
        return _(value)
    if kind == "money":
        return formats.money(value, currency)
    return {"share": formats.share, "count": formats.count}.get(kind, formats.number)(value)


def _help(name: str) -> str:
    said = _("For a hint: {hint}; for the answer: {solution}.")
    ways = {way: f'exercises.{way}("{name}")' for way in ("hint", "solution")}
    return said.format(**ways)


def _cannot(error: LtvkitError) -> str:
    said = _("These orders cannot answer it: {reason} Take the sample shop, `demo:shop`.")
    return said.format(reason=joining.sentences([str(error)]))
