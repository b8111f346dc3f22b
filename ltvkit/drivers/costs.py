"""What a better leaf may cost: the gain and the loss of so many percent, and when a cost pays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.display import formats
from ltvkit.drivers.change import Change
from ltvkit.drivers.kpi_tree import KpiTree
from ltvkit.drivers.texts import fill
from ltvkit.drivers.what_if import ALL_MARGIN, find_gain
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.ingest import daily
from ltvkit.periods import Day

MOST = 10.0  # an improvement of 1,000% at most; by half of 200%, nothing is left of what is less


def find_margin_rate(days: Frame, *, as_of: Day, margin_rate: float = 0.0) -> float:
    """The share of revenue that is left after goods: `margin_rate`, or where that is 0, that of the
    orders in the month up to `as_of`. NaN where neither is known.

    >>> lines = pd.DataFrame({"customer_id": ["a"], "order_id": ["1"], "amount": [50.0],
    ...     "order_date": pd.to_datetime(["2024-01-05"]), "margin": [20.0]})
    >>> find_margin_rate(lines, as_of="2024-01-31")
    0.4
    """
    if margin_rate:
        return margin_rate
    seen = daily.select_days(days, as_of=as_of)
    if "margin" not in seen.collect_schema().names():
        return float("nan")
    first = periods.number_of(periods.start(periods.index_of(as_of, "month"), "month"))
    seen = seen.with_columns(_day=periods.number("order_date")).filter(nw.col("_day") >= first)
    sums = frames.table(seen.select(nw.col("margin", "revenue").sum())).iloc[0]
    return float(sums["margin"] / sums["revenue"]) if sums["revenue"] > 0 else float("nan")


def weigh_costs(found: Change, *, share: float = 0.1, margin_rate: float = np.nan) -> pd.DataFrame:
    """A change -> what each leaf brings where it alone is better or worse by `share`, and when the
    cost of making it better pays.

    A row per leaf that somebody can change, in the order of the tree: leaf, owner, gain, loss (of
    the later period's revenue), cost (money a month, of its `kpi_tree`), break_even (by which share
    it must be better so that the cost comes back; NaN: never, or no cost), target, gain_at_target,
    net_at_target (less the cost) and `pays` ("pays", "does_not_pay", "met", or empty). Costs are
    paid from margin: gains times `margin_rate`, and all of what a higher price brings. Where the
    rate is not known (NaN), they are paid from revenue. Gains of a change of margin are margin.
    """
    rate = 1.0 if np.isnan(margin_rate) or found.of == "margin" else margin_rate
    now = dict(zip(found.table["leaf"], found.table["value_after"].fillna(0.0), strict=True))
    known = {leaf for leaf in now if found.tree.name_department(leaf)}
    rows = [_weigh(found, now, leaf, share=share, rate=rate) for leaf in now if leaf in known]
    columns = ["leaf", "owner", "gain", "loss", "cost", "break_even", "target"]
    return pd.DataFrame(rows, columns=[*columns, "gain_at_target", "net_at_target", "pays"])


def _weigh(
    found: Change, now: dict[str, float], leaf: str, *, share: float, rate: float
) -> dict[str, Any]:
    own = found.tree[leaf]
    kept = 1.0 if leaf in ALL_MARGIN else rate
    way, most = (-1.0, 1.0) if found.tree.is_less_better(leaf) else (1.0, MOST)
    target = found.tree.find_target(leaf, found.periods[1])

    def gain(better: float) -> float:
        return find_gain(found, now, leaf, now[leaf] * (1 + way * better))

    row: dict[str, Any] = {
        "leaf": leaf,
        "owner": own.owner,
        "gain": gain(share),
        "loss": gain(-share),
    }
    row |= {"cost": own.cost, "target": target, "pays": "", "gain_at_target": np.nan}
    if (target - now[leaf]) * way <= 0:
        row["pays"] = "met"
    elif not np.isnan(target):
        row["gain_at_target"] = find_gain(found, now, leaf, target)
    row["net_at_target"] = kept * row["gain_at_target"] - own.cost
    if not np.isnan(row["net_at_target"]):
        row["pays"] = "pays" if row["net_at_target"] >= 0 else "does_not_pay"
    return row | {"break_even": _solve(lambda s: kept * gain(s) - own.cost, most)}


def _solve(excess: Callable[[float], float], most: float) -> float:
    """The improvement from which on the excess of gain over cost is not below zero."""
    from scipy import optimize

    low, high = excess(0.0), excess(most)
    if np.isnan(low) or high < 0:
        return np.nan
    return 0.0 if low >= 0 else float(optimize.brentq(excess, 0.0, most, xtol=1e-12))


def show_costs(table: pd.DataFrame, *, currency: str = "", tree: KpiTree) -> pd.DataFrame:
    """The table of `weigh_costs` to look at: targets in the unit of their leaf, and no columns that
    hold nothing."""
    shown = table.assign(
        leaf=[tree[leaf].label or leaf for leaf in table["leaf"]],
        target=[
            "" if np.isnan(x) else formats.value(x, leaf, currency)
            for leaf, x in zip(table["leaf"], table["target"], strict=True)
        ],
    )
    return shown.drop(columns=[c for c in shown if (shown[c].isna() | (shown[c] == "")).all()])


def describe_costs(
    table: pd.DataFrame,
    *,
    tree: KpiTree,
    margin_rate: float,
    of: str = "revenue",
    currency: str = "",
) -> list[str]:
    """The table of `weigh_costs` of a change `of` revenue or margin -> a sentence for each leaf
    with a cost, and what pays for it."""
    costly = table[table["cost"].notna()].to_dict("records")
    if not costly:
        return [fill("no_costs")]
    known = not np.isnan(margin_rate)
    paid = fill("paid_from_margin", rate=margin_rate) if known else fill("paid_from_revenue")
    paid = fill("gains_are_margin") if of == "margin" else paid
    return [*(_describe_cost(row, tree, currency) for row in costly), paid]


def _describe_cost(row: dict[str, Any], tree: KpiTree, currency: str) -> str:
    figures = {
        "what": tree[row["leaf"]].label or formats.label(row["leaf"]),
        "cost": formats.money(row["cost"], currency),
        "least": formats.share(row["break_even"]),
        "net": formats.difference(row["net_at_target"], "revenue", currency),
    }
    kinds = {"pays": "cost_pays", "does_not_pay": "cost_does_not_pay"}
    never = np.isnan(row["break_even"])
    return fill("cost_never" if never else kinds.get(row["pays"], "cost_alone"), **figures)
