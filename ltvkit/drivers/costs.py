"""What a better leaf may cost: the gain and the loss of so many percent, and when a cost pays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import scipy

from ltvkit import periods
from ltvkit.display import formats, joining
from ltvkit.drivers.change import ALL_MARGIN, Change, describe_values, show_values
from ltvkit.drivers.kpi_tree import KpiTree
from ltvkit.drivers.texts import fill
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.ingest import margins
from ltvkit.ingest.lines import filter_until
from ltvkit.periods import Day

# Who is won or won back buys after the month, too; what that brings is no part of its margin.
BUY_LATER = ("new_customers", "new_customers_a_day", "won_back_customers", "won_back_a_day")
MOST = 10.0  # an improvement of 1,000% at most, or to the target
FAR = 1e6  # of a leaf that is 0, and so can be no percent better


def find_margin_rate(lines: Frame, *, as_of: Day, margin_rate: float = 0.0) -> float:
    """The share of revenue that is left after goods: `margin_rate`, or where that is 0, that of the
    order lines in the month up to `as_of` which know their margin. NaN where neither is known.

    >>> lines = pd.DataFrame({"customer_id": ["a"], "order_id": ["1"], "amount": [50.0],
    ...     "order_date": pd.to_datetime(["2024-01-05"]), "margin": [20.0]})
    >>> find_margin_rate(lines, as_of="2024-01-31")
    0.4
    """
    if margin_rate:
        return margin_rate
    first = periods.number_of(periods.start(periods.index_of(as_of, "month"), "month"))
    seen = filter_until(frames.lazy(lines), as_of).with_columns(_day=periods.number("order_date"))
    return margins.find_rate(seen.filter(nw.col("_day") >= first))


def weigh_costs(found: Change, *, share: float = 0.1, margin_rate: float = np.nan) -> pd.DataFrame:
    """A change -> what each leaf brings where it alone is better or worse by `share`, and when the
    cost of making it better pays.

    A row per leaf that somebody can change, in the order of the tree: leaf, department, owner,
    value_after, value_then (better by `share`), gain, loss (of the later period's revenue), cost
    (money a month; NaN: none, see `Change.find_cost`), pays_from (the value of the leaf from which
    the cost comes back within the month; NaN: none is, up to 1,000% better or the target),
    break_even (the share by which that is better; NaN also where the leaf is 0), target,
    gain_at_target, net_at_target (less the cost) and `pays` ("pays", "does_not_pay", of new
    customers and those won back "not_within_month", "met", or empty). Costs are paid from margin:
    gains times `margin_rate`, and all of what a higher price brings. Where the rate is not known
    (NaN), they are paid from revenue. Gains of a change of margin are margin.
    """
    rate = 1.0 if np.isnan(margin_rate) or found.of == "margin" else margin_rate
    owned = [leaf for leaf in found.now if found.tree.name_department(leaf)]
    rows = [_weigh(found, leaf, share=share, rate=rate) for leaf in owned]
    columns = ["leaf", "department", "owner", "value_after", "value_then", "gain", "loss", "cost"]
    columns += ["pays_from", "break_even", "target", "gain_at_target", "net_at_target", "pays"]
    return pd.DataFrame(rows, columns=columns)


def _weigh(found: Change, leaf: str, *, share: float, rate: float) -> dict[str, Any]:
    now, target, cost = found.now[leaf], found.find_target(leaf), found.find_cost(leaf)
    less, kept = found.tree.is_less_better(leaf), 1.0 if leaf in ALL_MARGIN else rate

    def gain(value: float) -> float:
        return found.find_gain(leaf, value)

    met = target >= now if less else target <= now
    ahead = [] if met or np.isnan(target) else [target]
    at_target = gain(target) if ahead else np.nan
    net = kept * at_target - cost
    ends = [*ahead, 0.0 if less else now * (1 + MOST) if now else FAR]
    least = _solve(lambda value: kept * gain(value) - cost, now, ends)
    then = found.better(leaf, share)
    return {
        "leaf": leaf,
        "department": found.tree.name_department(leaf),
        "owner": found.tree[leaf].owner,
        "value_after": now,
        "value_then": then,
        "gain": gain(then),
        "loss": gain(found.better(leaf, -share)),
        "cost": cost,
        "pays_from": least,
        "break_even": abs(least / now - 1) if now else np.nan,
        "target": target,
        "gain_at_target": at_target,
        "net_at_target": net,
        "pays": "met" if met else _judge(leaf, net),
    }


def _judge(leaf: str, net: float) -> str:
    if np.isnan(net):
        return ""
    return "pays" if net >= 0 else "not_within_month" if leaf in BUY_LATER else "does_not_pay"


def _solve(excess: Callable[[float], float], now: float, ends: Sequence[float]) -> float:
    """The value from which on the excess of gain over cost is not below zero, up to the first of
    the ends at which it is not."""
    start = excess(now)
    if start >= 0:
        return now
    for end in ends:
        if end != now and excess(end) >= 0:
            return float(scipy.optimize.brentq(excess, now, end, xtol=1e-12))
    return np.nan


def show_costs(
    table: pd.DataFrame, *, currency: str = "", tree: KpiTree, margin_rate: float = np.nan
) -> pd.DataFrame:
    """The table of `weigh_costs` to look at, the largest gain first: values in the unit of their
    leaf, and no columns that hold nothing. From which value on a cost pays stands only where no
    share says so. Below a `margin_rate` of zero gains and losses are of margin, so that more sales
    are no gain."""
    if margin_rate < 0:
        kept = np.where(table["leaf"].isin(ALL_MARGIN), 1.0, margin_rate)
        table = table.assign(gain=table["gain"] * kept, loss=table["loss"] * kept)
    named = table.assign(pays_from=table["pays_from"].where(table["break_even"].isna()))
    texts = {
        column: [
            "" if np.isnan(x) else describe_values(leaf, x, currency=currency, tree=tree)
            for leaf, x in zip(named["leaf"], named[column], strict=True)
        ]
        for column in ("pays_from", "target")
    }
    shown = show_values(named.assign(**texts), currency=currency, tree=tree)
    shown = shown.sort_values("gain", ascending=False, ignore_index=True, kind="stable")
    ordered = ["leaf", "values", *(c for c in shown if c not in ("leaf", "values"))]
    empty = [c for c in shown if (shown[c].isna() | (shown[c] == "")).all()]
    return shown[ordered].drop(columns=empty)


def describe_costs(
    table: pd.DataFrame,
    *,
    tree: KpiTree,
    margin_rate: float,
    of: str = "revenue",
    currency: str = "",
) -> list[str]:
    """The table of `weigh_costs` of a change `of` revenue or margin -> a sentence for each leaf
    with a cost, and what pays for it; first, that goods cost more than they bring, if so."""
    costly = table[table["cost"].notna()].to_dict("records")
    at_a_loss = [fill("sold_at_a_loss", share=-margin_rate)] if margin_rate < 0 else []
    if not costly:
        return [*at_a_loss, fill("costs_not_used" if tree.has_costs else "no_costs")]
    known = not np.isnan(margin_rate)
    paid = fill("paid_from_margin", rate=margin_rate) if known else fill("paid_from_revenue")
    paid = fill("gains_are_margin") if of == "margin" else paid
    return [*at_a_loss, *(_describe_cost(row, tree, currency) for row in costly), paid]


def _describe_cost(row: dict[str, Any], tree: KpiTree, currency: str) -> str:
    leaf, share = row["leaf"], row["break_even"]
    value = describe_values(leaf, row["pays_from"], currency=currency, tree=tree)
    figures = {
        "what": tree[leaf].label or formats.label(leaf),
        "cost": formats.money(row["cost"], currency),
        "least": value if np.isnan(share) else fill("better_by", share=float(share)),
        "net": formats.difference(row["net_at_target"], "revenue", currency),
    }
    judged = row["pays"] in ("pays", "does_not_pay", "not_within_month")
    never = np.isnan(row["pays_from"])
    kind = "never" if never else row["pays"] if judged else "alone"
    later = leaf in BUY_LATER and row["pays"] != "pays"
    said = [fill(f"cost_{kind}", **figures), fill("buy_later") if later else ""]
    return joining.sentences(said)
