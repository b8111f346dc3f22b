"""What comes by an age on average, where some were seen for a short time only.

A mean of sums that go on (Nelson 1988, Journal of Quality Technology 20(1), 24-35): what came at
each age is divided by those who were there at that age. Customers are dealt into 256 groups, to be
drawn anew (`resampling`).
"""

from __future__ import annotations

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.engines import frames, resampling
from ltvkit.engines.frames import Frame
from ltvkit.ingest import daily
from ltvkit.periods import Day

DRAWS, SEED = 1000, 1


def count_there(dealt: nw.LazyFrame, *, until: int, within: int) -> np.ndarray:
    """People (`group`, `first`: a day number) -> how many were there at each age, by group."""
    seen = dealt.with_columns(age=until - nw.col("first")).group_by("group", "age")
    there = spread(frames.table(seen.agg(n=nw.len())), "n", within)
    return there[:, ::-1].cumsum(axis=1)[:, ::-1]


def count_paid(
    lines: Frame, dealt: nw.LazyFrame, *, as_of: Day, of: str, until: int, within: int
) -> np.ndarray:
    """Order lines, or their days, and people (customer_id, group, first) -> what they brought at
    each age, from day `first` on, by group. Raises `ColumnError` without the column `of`."""
    days = daily.select_days(lines, as_of=as_of)
    paid = frames.lazy(days.to_native(), needs=(of,)).join(dealt, on="customer_id")
    aged = paid.with_columns(age=periods.number("order_date") - nw.col("first"))
    counted = select_seen(aged, until=until, within=within).group_by("group", "age")
    return spread(frames.table(counted.agg(nw.col(of).sum())), of, within)


def select_seen(aged: nw.LazyFrame, *, until: int, within: int) -> nw.LazyFrame:
    """Rows (`first`, `age`) -> those of an age up to `within`, by day `until`."""
    age = nw.col("age")
    return aged.filter(age >= 0, age <= within, nw.col("first") + age <= until)


def spread(table: pd.DataFrame, column: str, within: int) -> np.ndarray:
    """group, age and a column -> an array, group x age; ages above `within` count as that."""
    place = pd.Categorical(table["group"], categories=resampling.NAMES).codes
    age = np.minimum(table["age"].to_numpy(dtype=int), within)
    found = np.zeros((len(resampling.NAMES), within + 1))
    np.add.at(found, (place, age), table[column].to_numpy(dtype=float))
    return found


def add_up(came: np.ndarray, there: np.ndarray) -> tuple[float, np.ndarray]:
    """What came and who was there, group x age -> the mean by the last age, and that of each draw
    of groups. NaN: nobody was there at that age."""
    every = np.ones((1, len(there)))
    weights = resampling.draw_weights(draws=DRAWS, seed=SEED)
    (found,), drawn = (_add_up(each, came, there) for each in (every, weights))
    return float(found), drawn


def _add_up(weights: np.ndarray, came: np.ndarray, there: np.ndarray) -> np.ndarray:
    sums, n = weights @ came, weights @ there
    with np.errstate(invalid="ignore", divide="ignore"):
        return (sums / n).sum(axis=1)
