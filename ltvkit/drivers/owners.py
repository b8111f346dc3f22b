"""Whose each leaf is: where it stands against its target, and what one percent of it is worth."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ltvkit.core.i18n import _
from ltvkit.display import formats, joining
from ltvkit.drivers.change import ALL_MARGIN, Change, describe_values
from ltvkit.drivers.kpi_tree import THE_KITS, KpiTree
from ltvkit.drivers.leaves import LEAVES
from ltvkit.drivers.texts import fill

PERCENT = 0.01
# Leaves of a month's revenue that are leaves of LTV: orders per customer are those in a month with
# an order; what makes up the value of an order moves LTV as it moves that.
IN_LTV = {
    "orders_per_customer": "orders_per_active_month",
    "order_value": "order_value",
    "margin_rate": "margin_rate",
}
EMPTY = ("owner", "target", "gap_to_target", "ltv_per_percent")  # columns that may hold nothing


def list_owners(found: Change, *, ltv: Change | None = None) -> pd.DataFrame:
    """A change of a month's revenue -> a row per leaf, with who answers for it.

    leaf, label (the shop's own; empty: none), department, owner, value_before, value_after, target
    (of the later month), gap_to_target (target less value; NaN: no target), change_in_revenue, low,
    high, verdict (see `Change`), and what the later month's revenue, and `ltv` (see
    `ltv_changes.measure_ltv`), would gain if this leaf alone were one percent larger:
    `revenue_per_percent`, `ltv_per_percent` (NaN: it is no leaf of LTV; where LTV is margin, a
    higher price is all margin). Of a change of margin, both columns of money are named after that.
    """
    table, tree = found.table, found.tree
    names = list(table["leaf"])
    rows = table.assign(
        label=[tree[leaf].label for leaf in names],
        owner=[tree[leaf].owner for leaf in names],
        target=[found.find_target(leaf) for leaf in names],
        **{f"{found.of}_per_percent": _find_worth(found)},
    )
    rows["gap_to_target"] = rows["target"] - rows["value_after"]
    rows["ltv_per_percent"] = np.nan if ltv is None else _find_ltv_worth(found, ltv)
    ordered = ["leaf", "label", "department", "owner", "value_before", "value_after", "target"]
    ordered += ["gap_to_target", found.moved, "low", "high", "verdict"]
    return rows[[*ordered, f"{found.of}_per_percent", "ltv_per_percent"]]


def _find_worth(found: Change) -> list[float]:
    """What one percent more of each leaf brings in the later period."""
    return [found.find_gain(leaf, x * (1 + PERCENT)) for leaf, x in found.now.items()]


def _find_ltv_worth(found: Change, ltv: Change) -> list[float]:
    """The same of LTV: as much as its own leaf, times the leaf's part in that."""
    base, worth = float(found.formula.evaluate(found.now)), []
    for leaf, x in found.now.items():
        gain = found.formula.gain(found.now, **{leaf: x * (1 + PERCENT)})
        now, own = ltv.now, IN_LTV.get(LEAVES[leaf].get("factor", leaf), "")
        if leaf in ALL_MARGIN and "margin_rate" in now:
            now["margin_rate"] = 1.0
        whole = ltv.formula.gain(now, **{own: now[own] * (1 + PERCENT)}) if own in now else np.nan
        worth.append(whole * gain / (PERCENT * base) if base else np.nan)
    return worth


def show_owners(
    table: pd.DataFrame, *, currency: str = "", tree: KpiTree = THE_KITS
) -> pd.DataFrame:
    """The table of `list_owners` to look at: the values as texts, each in the unit of its leaf;
    without the ranges, and without columns that hold nothing."""
    rows = []
    for row in table.to_dict("records"):
        leaf = row["leaf"]
        pair = (row["value_before"], row["value_after"])
        values = describe_values(leaf, *pair, currency=currency, tree=tree)
        target = describe_values(leaf, row["target"], currency=currency, tree=tree)
        gap = formats.difference(row["gap_to_target"], leaf, "" if tree[leaf].unit else currency)
        known = not formats.is_missing(row["target"])
        row |= {"leaf": tree[leaf].label or leaf, "values": values}
        rows.append(row | {"target": target * known, "gap_to_target": gap * known})
    of = "revenue" if "change_in_revenue" in table else "margin"
    columns = ["leaf", "owner", "values", "target", "gap_to_target", f"{of}_per_percent"]
    columns += ["ltv_per_percent", f"change_in_{of}", "verdict", "department"]
    shown = pd.DataFrame(rows, columns=columns)
    empty = [c for c in EMPTY if shown[c].isna().all() or (shown[c] == "").all()]
    return shown.drop(columns=empty)


def describe_targets(table: pd.DataFrame, *, currency: str = "", tree: KpiTree = THE_KITS) -> str:
    """The table of `list_owners` -> how many targets are met, and which are not; "" without any."""
    known = table[table["target"].notna() & table["value_after"].notna()]
    down = known["leaf"].map(tree.is_less_better)
    missed = known[np.where(down, known["gap_to_target"] < 0, known["gap_to_target"] > 0)]
    if known.empty:
        return ""
    if missed.empty:
        return fill("targets_met", n=len(known))
    said = _("; ").join(_name_target(row, currency, tree) for row in missed.to_dict("records"))
    return fill("targets_missed", n=len(known), met=len(known) - len(missed), missed=said)


def describe_limits(found: Change) -> list[str]:
    """What the shop says in `kpi_tree` and this change cannot use, and why: a sentence each."""
    tree, leaves = found.tree, list(found.table["leaf"])
    said = []
    if absent := [leaf for leaf in tree.leaves if leaf not in leaves]:
        names = {"leaves": joining.items(absent), "known": joining.items(leaves)}
        said += [fill("leaves_absent", **names)]
    targets = [leaf for leaf in tree.leaves if tree[leaf].targets]
    if not targets:
        said += [fill("no_targets")]
    elif all(np.isnan(tree.find_target(leaf, found.periods[1])) for leaf in targets):
        said += [fill("no_targets_now", period=formats.period(found.periods[1]))]
    if (targets or tree.has_costs) and found.part:
        said += [fill("of_the_whole_shop")]
    elif (targets or tree.has_costs) and found.days:
        said += [fill("of_a_whole_month", n=found.days)]
    return said


def _name_target(row: dict, currency: str, tree: KpiTree) -> str:
    leaf = row["leaf"]
    now, target = (
        describe_values(leaf, row[name], currency=currency, tree=tree)
        for name in ("value_after", "target")
    )
    what = tree[leaf].label or formats.label(leaf)
    return fill("target_missed", what=what, now=now, target=target, owner=row["owner"])
