"""What the sample shop did for its customers: measures whose true effects are known.

Each has its hypothesis in params/hypotheses/shop/, and the report must judge it correctly. Random
groups are drawn again here, from the same customers with the same seeds.
"""

import datetime as dt
from typing import NamedTuple

import numpy as np
import pandas as pd

from ltvkit import rfm
from ltvkit.core import files
from ltvkit.hypotheses.design import assignment
from ltvkit.hypotheses.hypothesis import TREATED

MIN_CUSTOMERS = 100  # a smaller shop does nothing


class Measure(NamedTuple):
    """One measure, as measures.yaml explains it."""

    id: str
    rule: str
    values: list[str]
    start: str
    end: str
    extra: float = 0.0
    worth: float = 1.0
    seed: int | None = None
    season: float = 0.0


MEASURES = tuple(Measure(**facts) for facts in files.read_yaml(__name__, "measures.yaml"))


def apply(
    rng: np.random.Generator, sales: pd.DataFrame, *, start: dt.date, days: int
) -> pd.DataFrame:
    """True orders (customer_id, channel, `at` in days since `start`, value) -> with all measures.

    Without measures that begin after the `days` of the window, or when there are few customers.
    """
    for measure, stream in zip(MEASURES, rng.spawn(len(MEASURES)), strict=True):
        first, last = (
            (dt.date.fromisoformat(d) - start).days for d in (measure.start, measure.end)
        )
        known = sales[sales["at"] < first]
        if first < days and known["customer_id"].nunique() >= MIN_CUSTOMERS:
            window = (first, min(last + 1, days))
            sales = _apply_one(stream, sales, known, measure, window, length=last + 1 - first)
    return sales


def _apply_one(rng, sales, known, measure: Measure, window, *, length: int) -> pd.DataFrame:
    treated = _treated(known, measure, first=window[0])
    sales = _move_into_season(rng, sales, known, window, measure.season)
    observed = (window[1] - window[0]) / length  # share of the measure's days
    hit = sales["customer_id"].isin(treated) & sales["at"].between(*window, inclusive="left")
    worth = np.maximum(np.rint(sales["value"] * measure.worth), 1).astype("int64")
    changed = sales.assign(value=sales["value"].where(~hit, worth))
    more = _extra_orders(rng, known, treated, window, measure.extra * observed, measure.worth)
    return pd.concat([changed, more], ignore_index=True)


def _move_into_season(rng, sales, known, window, chance: float) -> pd.DataFrame:
    """Move orders into a season: some that known customers would place right after it."""
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
    # Segments depend on recency and orders only, which returns and cancelled orders do not change.
    day = known["at"].astype("int64")
    each = known.assign(day=day).groupby("customer_id")
    customers = each.agg(last=("day", "max"), orders=("day", "size"), revenue=("value", "sum"))
    customers = customers.assign(recency_days=first - 1 - customers["last"]).reset_index()
    scored = rfm.score(customers)[["customer_id", "r_score", "f_score"]]
    segmented = rfm.segment(scored)  # by scores alone: this shop chose so
    chosen = segmented[segmented["segment"].isin(measure.values)]
    drawn = assignment.assign(chosen, seed=measure.seed)
    return drawn.loc[drawn["group"] == TREATED, "customer_id"]


def _extra_orders(rng, known, who: pd.Series, window, chance: float, worth: float) -> pd.DataFrame:
    """One more order each for a random part of `who`, like one of their earlier orders."""
    picked = who[rng.random(len(who)) < chance]
    like = known[known["customer_id"].isin(picked)].sample(frac=1, random_state=rng)
    like = like.drop_duplicates("customer_id").sort_values("customer_id")
    value = np.maximum(np.rint(like["value"] * worth), 1).astype("int64")
    return like.assign(at=rng.uniform(*window, len(like)), value=value)
