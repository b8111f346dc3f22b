"""The parameter `kpi_tree` of a params file, read strictly.

kpi_tree:
  formula: customers * orders_per_customer * order_value     # empty: the kit's own tree
  leaves:
    orders_per_customer:
      owner: R. Tanaka            # who answers for it: one person or team
      department: CRM             # in place of the kit's
      label: Orders each          # in place of the kit's name for it
      unit: orders                # behind its values
      better: up                  # or down; as the kit has it where it is left out
      target: 1.2                 # a month; or {value: 1.2, from: 2024-04, until: 2024-09}
                                  # of a share: 0.03 for 3%
      cost: 60000                 # money a month of what shall make it better
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ltvkit.display import formats
from ltvkit.drivers.formula import Formula
from ltvkit.drivers.kpi_tree import KpiTree, Leaf, Target
from ltvkit.drivers.leaves import LEAVES, OF_REVENUE
from ltvkit.errors import ParamsError, collecting, is_number, nearest

RATE = "margin_rate"  # a leaf of margin: behind the formula, which gives revenue
TEXTS = ("label", "unit", "department", "owner")
FIELDS = (*TEXTS, "better", "target", "cost")
WAYS = ("up", "down")
OF_TARGET = ("value", "from", "until")
LONGEST = 100  # letters
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def read_tree(given: Mapping[str, Any], *, of: str = "revenue") -> KpiTree:
    """The parameter `kpi_tree` -> `KpiTree`; {} is the kit's own tree. Where it is one `of` margin,
    margin_rate is a leaf, too, by which what the formula gives is multiplied.

    Raises `ParamsError`, with a line for each that is wrong: the key, and the nearest known name.

    >>> read_tree({"leaves": {"items_per_order": {"owner": "R. Tanaka", "target": 6}}}
    ...     ).find_target("items_per_order", "2024-09")
    6.0
    >>> read_tree({"formula": "customers * order_valu"})
    Traceback (most recent call last):
    ltvkit.errors.ParamsError: kpi_tree: formula: 'order_valu' is no leaf.
    Did you mean 'order_value'?
    """
    problems: list[str] = []
    formula, leaves = "", {}
    with collecting(problems):
        _check_names("kpi_tree", given, ("formula", "leaves"))
    with collecting(problems):
        formula = _read_formula(given.get("formula", ""))
    declared = given.get("leaves", {})
    with collecting(problems):
        _expect("kpi_tree: leaves", declared, isinstance(declared, Mapping), "a mapping of leaves")
        for name, said in declared.items():
            with collecting(problems):
                leaves[name] = _read_leaf(name, said, of)
    named = Formula(formula).leaves if formula else tuple(leaves)
    problems += _find_without_owner(named, leaves, unreadable=set(declared) - set(leaves))
    problems += _find_unused((*named, RATE), leaves)
    if problems:
        raise ParamsError("\n".join(problems))
    return KpiTree(formula, leaves)


def _read_formula(text: Any) -> str:
    _expect("kpi_tree: formula", text, isinstance(text, str), "a formula of leaves")
    for leaf in Formula(text).leaves if text else ():
        _check_leaf("kpi_tree: formula", leaf)
    return text


def _read_leaf(name: str, said: Any, of: str) -> Leaf:
    if of != "margin" or name != RATE:
        _check_leaf("kpi_tree: leaves", name)
    where = f"kpi_tree: {name}"
    _expect(where, said, isinstance(said, Mapping), "a mapping, as in {owner: R. Tanaka}")
    _check_names(where, said, FIELDS)
    for key in TEXTS:
        if key in said:
            text = said[key]
            fits = isinstance(text, str) and 0 < len(text.strip()) <= LONGEST
            _expect(f"{where}: {key}", text, fits, f"one text of up to {LONGEST} letters")
    better, cost = said.get("better", "up"), said.get("cost", 0)
    _expect(f"{where}: better", better, better in WAYS, "up or down")
    _expect(f"{where}: cost", cost, is_number(cost, 0), "money a month, 0 or more")
    texts = {key: said[key].strip() for key in TEXTS if key in said}
    targets = tuple(_read_targets(f"{where}: target", said.get("target", [])))
    if formats.kind(name) == "share":
        for each in targets:
            _expect(f"{where}: target", each.value, 0 <= each.value <= 1, "a share, as 0.03 for 3%")
    cost = float(cost) if "cost" in said else math.nan
    return Leaf(**texts, better=said.get("better", ""), targets=targets, cost=cost)


def _read_targets(where: str, said: Any) -> Iterator[Target]:
    """A number, or a mapping with months, or several."""
    found: list[Target] = []
    for each in said if isinstance(said, list) else [said]:
        parts = each if isinstance(each, Mapping) else {"value": each}
        _check_names(where, parts, OF_TARGET)
        value, months = parts.get("value"), [parts.get(key, "") for key in OF_TARGET[1:]]
        _expect(where, value, is_number(value), "a number, as 1.2")
        for month in months:
            fits = month == "" or (isinstance(month, str) and bool(_MONTH.fullmatch(month)))
            _expect(where, month, fits, "a month, as 2024-06")
        target = Target(float(value), *months)  # type: ignore[arg-type]
        ordered = not target.last or target.first <= target.last
        _expect(where, target.last, ordered, "an end that is not before its beginning")
        if any(_overlap(target, other) for other in found):
            raise ParamsError(f"{where}: two targets hold in the same month; give each its months.")
        found += [target]
    yield from found


def _overlap(one: Target, other: Target) -> bool:
    first = max(one.first, other.first)
    return one.holds(first) and other.holds(first)


def _find_without_owner(
    named: Sequence[str], leaves: Mapping[str, Leaf], unreadable: Collection[str]
) -> Iterator[str]:
    """Leaves that somebody can change, and that nobody answers for."""
    for leaf in named:
        owned = leaf in unreadable or (leaf in leaves and leaves[leaf].owner)
        if LEAVES[leaf]["department"] and not owned:
            yield f"kpi_tree: {leaf} has no owner: give it one, as in {leaf}: {{owner: R. Tanaka}}."


def _find_unused(named: Sequence[str], leaves: Mapping[str, Leaf]) -> Iterator[str]:
    for leaf in leaves:
        if leaf not in named:
            yield f"kpi_tree: {leaf} is not in the formula.{nearest(leaf, named)}"


def _check_leaf(where: str, name: str) -> None:
    if name == RATE:
        raise ParamsError(
            f"{where}: '{RATE}' is a leaf of margin, to be named under leaves: set drivers_of to "
            "margin, or leave it out."
        )
    if name not in OF_REVENUE:
        hint = nearest(name, OF_REVENUE) or f" Known: {', '.join(OF_REVENUE)}."
        raise ParamsError(f"{where}: '{name}' is no leaf.{hint}")


def _check_names(where: str, given: Mapping[str, Any], known: Sequence[str]) -> None:
    for name in given:
        if name not in known:
            hint = nearest(name, known)
            raise ParamsError(f"{where}: '{name}' is not known.{hint} Known: {', '.join(known)}.")


def _expect(where: str, found: Any, fits: bool, expected: str) -> None:
    if not fits:
        raise ParamsError(f"{where}: found {found!r}, expected {expected}.")
