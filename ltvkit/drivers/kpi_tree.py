"""A shop's own tree of revenue: the formula, and of each leaf its owner, target and cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ltvkit.core.i18n import _
from ltvkit.drivers.leaves import LEAVES, describe_move


@dataclass(frozen=True)
class Target:
    """A value to reach in each month from `first` to `last`; empty: without end."""

    value: float
    first: str = ""
    last: str = ""

    def holds(self, month: str) -> bool:
        return self.first <= month and (not self.last or month <= self.last)


@dataclass(frozen=True)
class Leaf:
    """What a shop says of a leaf; what is empty is as the kit has it. `cost`: money a month."""

    label: str = ""
    unit: str = ""
    department: str = ""
    owner: str = ""
    better: str = ""
    targets: tuple[Target, ...] = ()
    cost: float = math.nan


@dataclass(frozen=True)
class KpiTree:
    """The formula of a shop (empty: the kit's), and what it says of its leaves."""

    formula: str = ""
    leaves: Mapping[str, Leaf] = field(default_factory=dict)

    def __getitem__(self, leaf: str) -> Leaf:
        return self.leaves.get(leaf, Leaf())

    def name_department(self, leaf: str) -> str:
        """Who can change a leaf; empty: nobody."""
        return self[leaf].department or LEAVES[leaf]["department"]

    def find_target(self, leaf: str, period: str) -> float:
        """The target of a leaf in a month; NaN where there is none."""
        held = (each.value for each in self[leaf].targets if each.holds(period))
        return next(held, math.nan)

    @property
    def has_costs(self) -> bool:
        return not all(math.isnan(leaf.cost) for leaf in self.leaves.values())

    def is_less_better(self, leaf: str) -> bool:
        return (self[leaf].better or LEAVES[leaf].get("better", "up")) == "down"

    def describe_move(self, row: Mapping[str, Any]) -> str:
        """What a leaf did, in words, by the shop's own name of it where it has one."""
        return name_move(row, self[row["leaf"]].label)


def name_move(row: Mapping[str, Any], label: str = "") -> str:
    """What a leaf did, in words, by its label, or where that is empty, in the kit's."""
    if not label:
        return describe_move(row)
    rose = row["value_after"] > row["value_before"]
    return (_("more of: {label}") if rose else _("less of: {label}")).format(label=label)


THE_KITS = KpiTree()
