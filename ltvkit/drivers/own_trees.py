"""A shop's own formula of revenue, held against the orders of both periods."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import narwhals.stable.v2 as nw
import numpy as np

from ltvkit.display import formats
from ltvkit.drivers.calendars import Calendar, weigh
from ltvkit.drivers.formula import Formula
from ltvkit.drivers.leaves import BY_DAY, BY_SPAN, LEAVES, MIXES, Span, Tree
from ltvkit.drivers.texts import fill
from ltvkit.engines.frames import Frame
from ltvkit.errors import ColumnError, ParamsError, TooLittleData, Undefined

BACK = ("returned_share", "sent_back")
KINDS = {*BY_SPAN.values(), *BY_DAY.values()}  # leaves that tell who is new
CENT, NEAR = 0.005, 1e-9  # a difference that is none, and a relative one
FORMS = ("{text} * {leaf}", "{text} * (1 - {leaf})", "{text} - {leaf}", "{text} / {leaf}")


def build_own_tree(
    text: str,
    totals: Mapping[str, float],
    *,
    spans: Sequence[Span],
    names: Sequence[str],
    known: bool,
    calendar: Calendar,
    lines: Frame | None,
) -> Tree:
    """The formula of a shop, and the sums of both spans (see `leaves.count`) -> its tree.

    The value of orders and items is after what was sent back, unless that is a leaf of its own;
    customers a day are by plain days, unless the mix of weekdays (and holidays) is one. Raises
    `ColumnError` for a leaf whose column the lines do not have, `TooLittleData` where a leaf cannot
    be told, and `ParamsError` where the formula does not give the revenue of both periods, to the
    cent.
    """
    formula = Formula(text)
    _check_leaves(formula, totals, known=known, lines=lines)
    if MIXES[1] in formula.leaves:
        if not len(calendar.holidays):
            raise TooLittleData(fill("leaf_needs_holidays", leaf=MIXES[1]))
    else:
        weekdays = calendar.weights[:7] if MIXES[0] in formula.leaves else np.ones(7)
        calendar = Calendar(weekdays)
    weighed = [weigh(span, calendar) for span in spans]
    tree = Tree(formula, weighed, net=not set(BACK) & set(formula.leaves))
    for n, name in enumerate(names):
        if totals[f"revenue{n}"] and not totals[f"orders{n}"]:
            raise Undefined(fill("nothing_bought", period=formats.period(name)))
    _check_revenue(tree, totals, names)
    return tree


def _check_leaves(
    formula: Formula, totals: Mapping[str, float], *, known: bool, lines: Frame | None
) -> None:
    columns = [] if lines is None else nw.from_native(lines).lazy().collect_schema().names()
    for leaf in formula.leaves:
        column = LEAVES[leaf].get("needs", "")
        if column and column not in columns:
            raise ColumnError(fill("leaf_needs_column", leaf=leaf, column=column))
        if column and totals["unknown0"] + totals["unknown1"]:
            n = int(totals["unknown0"] + totals["unknown1"])
            raise TooLittleData(fill("leaf_needs_items", leaf=leaf, n=n))
        if leaf in BACK and lines is None:
            raise ColumnError(fill("leaf_needs_lines", leaf=leaf))
        if leaf in KINDS and not known:
            raise TooLittleData(fill("leaf_needs_beginning", leaf=leaf))


def _check_revenue(tree: Tree, totals: Mapping[str, float], names: Sequence[str]) -> None:
    """Raise `ParamsError` where the formula gives another revenue: by how much, and what is
    missing."""
    for n, name in enumerate(names):
        found = float(_evaluate(tree.formula, tree, totals)[n])
        if not _is_near(found, totals[f"revenue{n}"]):
            figures = {"given": found, "revenue": totals[f"revenue{n}"]}
            figures["gap"] = abs(found - totals[f"revenue{n}"])
            said = {key: formats.money(x, decimals=2) for key, x in figures.items()}
            raise ParamsError(
                fill("not_revenue", formula=tree.formula.text, period=formats.period(name), **said)
                + _find_missing(tree, totals)
            )


def _find_missing(tree: Tree, totals: Mapping[str, float]) -> str:
    """What makes the formula give the revenue: a kind of customers beside the others, one known
    leaf, or two, by which to multiply or that are taken off; else the classical one."""
    text = tree.formula.text
    known = [leaf for leaf in tree.compute_all(totals)[0] if leaf not in (MIXES[1], "margin_rate")]
    for tried in _add_kinds(tree.formula):
        if _reconciles(tried, tree, totals):
            return fill("adds_up_with", formula=tried)
    single = [(leaf, form) for leaf in known if leaf not in tree.formula.leaves for form in FORMS]
    # A quotient of two leaves can give the right revenue by chance in two periods.
    plain = [(leaf, form) for leaf, form in single if "/" not in form]
    for ways in (combinations(single, 1), combinations(plain, 2)):
        for way in ways:
            tried = f"({text})" if tree.formula.is_sum else text
            for leaf, form in way:
                tried = form.format(text=tried, leaf=leaf)
            if _reconciles(tried, tree, totals):
                return fill("adds_up_with", formula=tried)
    return fill("adds_up_as")


def _add_kinds(formula: Formula) -> Iterator[str]:
    """The formula with the kinds of customers that it lacks beside the last that it has: one of
    them, or all."""
    for kinds in (BY_SPAN.values(), BY_DAY.values()):
        here = [kind for kind in formula.leaves if kind in kinds]
        missing = [kind for kind in kinds if kind not in formula.leaves]
        for more in [[kind] for kind in missing] + [missing] * (len(missing) > 1) if here else []:
            added = " + ".join([here[-1], *more])
            for form in (added, f"({added})"):
                yield re.sub(rf"\b{here[-1]}\b", form, formula.text)


def _reconciles(text: str, tree: Tree, totals: Mapping[str, float]) -> bool:
    net = not set(BACK) & set(Formula(text).leaves)
    values = _evaluate(Formula(text), tree._replace(net=net), totals)
    return all(_is_near(float(values[n]), totals[f"revenue{n}"]) for n in (0, 1))


def _evaluate(formula: Formula, tree: Tree, totals: Mapping[str, float]) -> list[np.ndarray]:
    """What a formula gives in both spans; a leaf that is not known is 0."""
    sides = tree.compute_all(totals)
    return [formula.evaluate({k: np.nan_to_num(x) for k, x in side.items()}) for side in sides]


def _is_near(found: float, revenue: float) -> bool:
    return abs(found - revenue) <= CENT + NEAR * abs(revenue)
