"""What was done to customers of the sample shop: measures whose true effects are known.

Each has its hypothesis in params/hypotheses/shop/, which must be read rightly. The groups of
those drawn at random are drawn again here, from the same customers with the same seeds.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import numpy as np
import pandas as pd

from ltvkit import rfm
from ltvkit.hypotheses.design import assignment
from ltvkit.hypotheses.hypothesis import TREATED

FEWEST = 100  # customers of a shop in which anything is done


class Measure(NamedTuple):
    """One measure: `rule` with its `values` names the target on the day before the start.

    Each treated customer places one more order within the days with probability `extra`, worth
    `worth` times one of their earlier orders; all their orders in these days are worth `worth`
    times as much. Where `seed` is given, half of the target is treated, drawn by it. With
    probability `season`, what any customer would order in as many days after comes in these days.
    """

    id: str
    rule: str
    values: tuple[str, ...]
    start: str
    end: str
    extra: float = 0.0
    worth: float = 1.0
    seed: int | None = None
    season: float = 0.0


# In the order of time, as one measure changes whom the next one meets.
MEASURES = (
    Measure(
        "catalogue-gifts", "channel", ("catalogue",), "2023-11-15", "2023-12-31",
        extra=0.15, season=0.7,
    ),
    # Nothing is planted: those who had paid little so far pay more per order later anyway.
    Measure("low-decile-mail", "decile", ("9", "10"), "2024-02-01", "2024-03-31"),
    Measure(
        "win-back-letter", "segment", ("about to sleep", "hibernating", "lost"),
        "2024-04-01", "2024-05-31", extra=0.06, seed=1,
    ),
    Measure(
        "parcel-leaflet", "segment", ("new", "promising"), "2024-05-01", "2024-06-30", seed=5
    ),
    Measure(
        "summer-coupon", "segment", ("champions", "loyal", "at risk", "can't lose"),
        "2024-07-01", "2024-08-31", extra=0.15, worth=0.3, seed=3,
    ),
    Measure(
        "welcome-set", "segment", ("new", "promising"), "2024-09-02", "2024-11-30",
        extra=0.08, seed=4,
    ),
)  # fmt: skip


def apply(
    rng: np.random.Generator, sales: pd.DataFrame, *, start: dt.date, days: int
) -> pd.DataFrame:
    """True orders (customer_id, channel, `at` in days since `start`, value) -> with all measures.

    Measures that begin after the `days` of the window, or in a shop of too few, are not taken.
    """
    for measure, stream in zip(MEASURES, rng.spawn(len(MEASURES)), strict=True):
        first, last = (
            (dt.date.fromisoformat(d) - start).days for d in (measure.start, measure.end)
        )
        known = sales[sales["at"] < first]
        if first < days and known["customer_id"].nunique() >= FEWEST:
            window = (first, min(last + 1, days))
            sales = _act(stream, sales, known, measure, window, length=last + 1 - first)
    return sales


def _act(rng, sales, known, measure: Measure, window, *, length: int) -> pd.DataFrame:
    treated = _treated(known, measure, first=window[0])
    sales = _hasten(rng, sales, known, window, measure.season)
    open_ = (window[1] - window[0]) / length  # of the days, the share that the shop has seen
    hit = sales["customer_id"].isin(treated) & sales["at"].between(*window, inclusive="left")
    worth = np.maximum(np.rint(sales["value"] * measure.worth), 1).astype("int64")
    changed = sales.assign(value=sales["value"].where(~hit, worth))
    more = _orders(rng, known, treated, window, measure.extra * open_, measure.worth)
    return pd.concat([changed, more], ignore_index=True)


def _hasten(rng, sales, known, window, chance: float) -> pd.DataFrame:
    """Orders of a season: some of those that known customers would place right after it."""
    first, end = window
    late = sales["at"].between(end, 2 * end - first, inclusive="left")
    moved = late & sales["customer_id"].isin(known["customer_id"])
    moved &= rng.random(len(sales)) < chance
    when = rng.uniform(first, end, len(sales))
    return sales.assign(at=sales["at"].where(~moved, when))


def _treated(known: pd.DataFrame, measure: Measure, *, first: int) -> pd.Series:
    if measure.rule == "channel":
        return known.loc[known["channel"].isin(measure.values), "customer_id"].drop_duplicates()
    if measure.seed is None:
        return known["customer_id"].iloc[:0]
    # Segments read recency and orders alone, which returns and cancelled orders do not touch.
    day = known["at"].astype("int64")
    each = known.assign(day=day).groupby("customer_id")
    customers = each.agg(last=("day", "max"), orders=("day", "size"), revenue=("value", "sum"))
    customers = customers.assign(recency_days=first - 1 - customers["last"]).reset_index()
    segmented = rfm.segment(rfm.score(customers))
    chosen = segmented[segmented["segment"].isin(measure.values)]
    drawn = assignment.assign(chosen, seed=measure.seed)
    return drawn.loc[drawn["group"] == TREATED, "customer_id"]


def _orders(rng, known, who: pd.Series, window, chance: float, worth: float) -> pd.DataFrame:
    """One more order each, for those whom chance picks, like one of their earlier ones."""
    picked = who[rng.random(len(who)) < chance]
    like = known[known["customer_id"].isin(picked)].sample(frac=1, random_state=rng)
    like = like.drop_duplicates("customer_id").sort_values("customer_id")
    value = np.maximum(np.rint(like["value"] * worth), 1).astype("int64")
    return like.assign(at=rng.uniform(*window, len(like)), value=value)
