"""Loyalty tiers audited: who moves, what a tier costs, and whether it goes with more afterwards.

A tier is held by who brought so much in the last 12 months. Tiers are given as a mapping, or as a
table with columns tier, at_least (money) and cost_rate (the share of their revenue that members are
given back, as points or discounts).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import customers as customer_table
from ltvkit import periods, transitions
from ltvkit.archetypes import discontinuity, factors, horizons
from ltvkit.archetypes.texts import fill
from ltvkit.core.i18n import N_, _
from ltvkit.display import formats
from ltvkit.engines import frames, sampling
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, TooLittleData, Undefined, check_share, is_number
from ltvkit.ingest import daily
from ltvkit.periods import Day

MONTHS, LATER = 12, 6  # by which a tier is held; in which it is seen what came after
MAX_CUSTOMERS = 50_000  # near a threshold; of more, a sample
BUNCHED, UNBALANCED = 0.05, 0.01  # p-values below which both sides are no longer alike
NONE = N_("no tier")
Tiers: TypeAlias = pd.DataFrame | Mapping[str, Mapping[str, float]]

__all__ = [
    "assign", "compare", "describe_comparison", "describe_costs", "migrate", "read_tiers", "weigh",
]  # fmt: skip

__dir__ = __all__.copy


def read_tiers(tiers: Tiers) -> pd.DataFrame:
    """Tiers as a mapping or a table -> tier, at_least, cost_rate, the lowest first; below the first
    "no tier", from minus infinity on, at no cost. Raises `ParamsError`.

    >>> read_tiers({"gold": {"at_least": 50_000, "cost_rate": 0.05}})
          tier  at_least  cost_rate
    0  no tier      -inf       0.00
    1     gold   50000.0       0.05
    """
    if isinstance(tiers, pd.DataFrame):
        given = frames.table(frames.lazy(tiers, needs=("tier", "at_least", "cost_rate")))
        rows = given[["tier", "at_least", "cost_rate"]].to_numpy().tolist()
    else:
        rows = [[name, t.get("at_least"), t.get("cost_rate", 0.0)] for name, t in tiers.items()]
    rows = [row for row in rows if row[1] != -np.inf]
    for name, least, rate in rows:
        if not is_number(least) or not least > 0:
            raise ParamsError(f"tiers: {name}: at_least={least!r}; give money above 0.")
        check_share(f"tiers: {name}: cost_rate", rate)
    if not rows:
        raise Undefined(fill("no_tiers"))
    if len({row[1] for row in rows}) < len(rows):
        raise ParamsError("tiers: give one or more, each with another at_least.")
    rows = [[_(NONE), -np.inf, 0.0], *sorted(rows, key=lambda row: row[1])]
    table = pd.DataFrame(rows, columns=["tier", "at_least", "cost_rate"])
    return table.astype({"at_least": float, "cost_rate": float})


def assign(lines: Frame, *, as_of: Day, tiers: Tiers, months: int = MONTHS) -> Frame:
    """Order lines, or their `days` -> customer_id, spent, tier, of all who had bought by `as_of`.

    `spent`: revenue of the `months` up to `as_of`, returns netted; `tier`: the highest whose
    at_least it reaches. Comes back as the kind of frame that went in.
    """
    known = read_tiers(tiers)
    spent = _spend(lines, as_of=as_of, months=months).select("customer_id", "spent")
    tier = nw.lit(known["tier"].iloc[0])
    for name, least in known[["tier", "at_least"]].iloc[1:].itertuples(index=False):
        tier = nw.when(nw.col("spent") >= least).then(nw.lit(name)).otherwise(tier)
    return frames.materialize(spent.with_columns(tier=tier), like=lines)


def _spend(lines: Frame, *, as_of: Day, months: int) -> nw.LazyFrame:
    """customer_id, tenure_days, and spent: in the months up to a day; lazy."""
    seen = frames.lazy(customer_table.summarize(lines, as_of=as_of))
    begin = horizons.move_back(as_of, months)
    brought = factors.sum_later(lines, after=begin, until=as_of)
    both = seen.select("customer_id", "tenure_days").join(brought, on="customer_id", how="left")
    spent = nw.col("later").fill_null(0.0).alias("spent")
    rounded = both.select("customer_id", "tenure_days", spent)
    return rounded.with_columns(frames.round_money("spent"))


def migrate(before: Frame, after: Frame, *, tiers: Tiers) -> pd.DataFrame:
    """Customers with their tier at two dates -> how many moved from which tier to which
    (`transitions.count`)."""
    absent = (_("not yet a customer"), _("gone"))
    labels = read_tiers(tiers)["tier"].tolist()
    names: dict[str, Any] = {"item": "customer_id", "label": "tier", "labels": labels}
    return transitions.count(before, after, **names, absent=absent)


def weigh(
    lines: Frame, *, as_of: Day, tiers: Tiers, margin_rate: float, months: int = MONTHS
) -> pd.DataFrame:
    """Order lines, or their `days` -> what tiers cost in the `months` up to `as_of`, and how much
    more revenue would pay for it.

    A row per tier, by what customers held when these months began:

    - tier, at_least, cost_rate; customers, and their revenue of these months
    - cost: cost_rate x revenue; margin: margin_rate x revenue
    - extra_revenue: how much of the revenue must be what without the tier would not have come, for
      the tier to pay: cost / margin_rate, as each unit of it leaves that much margin (NaN: no
      margin rate); extra_share: of the revenue (above 1: the tier cannot pay)

    Raises `ParamsError`.
    """
    known = read_tiers(tiers)
    check_share("margin_rate", None if np.isnan(margin_rate) else margin_rate)
    begin = horizons.move_back(as_of, months)
    held = frames.lazy(assign(lines, as_of=begin, tiers=known))
    later = factors.sum_later(lines, after=begin, until=as_of)
    both = held.join(later, on="customer_id", how="left")
    both = both.with_columns(revenue=nw.col("later").fill_null(0.0))
    sums = frames.add_up(both, "tier", sums=("revenue",), customers=nw.len()).set_index("tier")
    sums = sums.reindex(known["tier"]).fillna(0.0).reset_index(drop=True)
    table = known.assign(customers=sums["customers"].astype("int64"), revenue=sums["revenue"])
    cost = table["cost_rate"] * table["revenue"]
    extra = cost / (margin_rate or np.nan)
    whole = table["revenue"].where(table["revenue"] > 0)
    return table.assign(
        cost=cost, margin=margin_rate * table["revenue"], extra_revenue=extra,
        extra_share=extra / whole,
    )  # fmt: skip


def compare(
    lines: Frame,
    *,
    as_of: Day,
    tiers: Tiers,
    of: str = "revenue",
    months: int = LATER,
    held_months: int = MONTHS,
) -> pd.DataFrame:
    """Order lines, or their `days` -> whether those who just reached a tier brought more in the
    `months` up to `as_of` than those who just missed it.

    Who reached it is seen when these months began, from what they spent in the `held_months`
    before. A row per tier: tier, at_least, and

    - just_missed, just_reached: customers within `bandwidth` of the threshold
    - brought_more, low, high (90%): money `of` each of those who reached it, less that of those who
      missed it, at the threshold (see `discontinuity`)
    - p_crowded, p_alike: p-values of as many customers just above it as the density beside it has,
      and of the same tenure on both sides

    grade:

    - "too_few": fewer than 50 just missed or just reached it (no difference is then given)
    - "not_alike": more (or fewer) than chance are just above it (p up to 0.05: some buy up to the
      tier), or have another tenure (p up to 0.01): the difference is not that of the tier
    - "clear": the interval leaves out zero; "unclear": it does not

    Nobody beyond the next tier or below the one before is compared. Of more than 50,000 such
    customers, a sample. Who just missed it may reach it later in these months, which makes a
    difference smaller. Raises `TooLittleData` where the orders span too little.
    """
    known = read_tiers(tiers)
    start = horizons.move_back(as_of, months)
    _check_span(lines, start=start, months=held_months)
    spent = _spend(lines, as_of=start, months=held_months)
    later = factors.sum_later(lines, after=start, until=as_of, of=of)
    both = spent.join(later, on="customer_id", how="left")
    both = both.with_columns(nw.col("later").fill_null(0.0))
    ends = [0.0, *known["at_least"].iloc[1:], np.inf]
    with frames.materialized(both, like=lines) as people:
        rows = [
            {"tier": tier} | _compare(people, *ends[k : k + 3])
            for k, tier in enumerate(known["tier"].iloc[1:])
        ]
    return pd.DataFrame(rows)


def _check_span(lines: Frame, *, start: pd.Timestamp, months: int) -> None:
    bought = daily.select_purchases(lines, as_of=start).select(nw.col("order_date").min())
    first = frames.table(bought)["order_date"].iloc[0]
    begin = horizons.move_back(start, months) + pd.Timedelta(1, "D")
    if pd.isna(first) or pd.Timestamp(first) > begin + pd.Timedelta(31, "D"):
        raise TooLittleData(fill("too_few_for_tiers", day=periods.day(begin)))


def _compare(people: nw.LazyFrame, lower: float, least: float, upper: float) -> dict[str, Any]:
    """The customers between the tiers around a threshold, compared at it."""
    part = people.filter(nw.col("spent") > lower, nw.col("spent") < min(upper, 1e300))
    part = part.filter(nw.col("spent") < 2 * least)  # as far above as below
    among = frames.count(part)
    drawn, _share = sampling.draw(part.to_native(), most=MAX_CUSTOMERS, among=among)
    table = frames.table(frames.lazy(drawn).select("spent", "tenure_days", "later"))
    score = table["spent"].to_numpy(dtype=float) - least
    jump = discontinuity.find_jump(score, table["later"].to_numpy(dtype=float))
    tenure = discontinuity.find_jump(score, table["tenure_days"].to_numpy(dtype=float))
    row: dict[str, Any] = {"at_least": least, "just_missed": jump.below, "just_reached": jump.above}
    row |= {"bandwidth": jump.bandwidth, "brought_more": jump.estimate, "low": jump.low}
    row |= {"high": jump.high, "p_crowded": discontinuity.check_density(score)}
    row |= {"p_alike": tenure.p}
    return row | {"grade": _grade(row)}


def _grade(row: Mapping[str, Any]) -> str:
    if np.isnan(row["low"]):
        return "too_few"
    if row["p_crowded"] <= BUNCHED or row["p_alike"] <= UNBALANCED:
        return "not_alike"
    return "clear" if row["low"] > 0 or row["high"] < 0 else "unclear"


def describe_costs(table: pd.DataFrame, *, currency: str = "") -> list[str]:
    """The table of `weigh` in sentences: what each tier costs, and what would pay for it."""
    said = []
    for row in table[table["cost"] > 0].to_dict("records"):
        money = {n: formats.money(row[n], currency) for n in ("cost", "extra_revenue", "revenue")}
        figures = {"tier": row["tier"], "share": float(row["extra_share"]), **money}
        name = "tier_no_margin" if np.isnan(row["extra_revenue"]) else "tier_cost"
        name = "tier_never" if row["extra_share"] > 1 else name
        said.append(fill(name, n=int(row["customers"]), **figures))
    return said or [fill("tiers_cost_nothing")]


def describe_comparison(
    table: pd.DataFrame, *, currency: str = "", of: str = "revenue", months: int = LATER
) -> list[str]:
    """The table of `compare` in sentences, each with how far it can be trusted."""
    of = _("margin") if of == "margin" else _("revenue")
    said = []
    for row in table.to_dict("records"):
        limits = {n: formats.difference(row[n], "revenue", currency) for n in ("low", "high")}
        amount = formats.money(abs(row["brought_more"]), currency)
        counts = {"missed": int(row["just_missed"]), "reached": int(row["just_reached"])}
        way = _way(row)
        least = formats.money(row["at_least"], currency)
        figures: dict[str, Any] = {"tier": row["tier"], "least": least, "amount": amount, "of": of}
        said.append(fill(f"tier_{way}", n=months, fewest=discontinuity.FEWEST, **figures, **limits,
                         **counts))  # fmt: skip
    return said


def _way(row: Mapping[str, Any]) -> str:
    if row["grade"] != "clear":
        return str(row["grade"])
    return "more" if row["low"] > 0 else "less"
