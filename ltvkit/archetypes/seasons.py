"""In which quarters of the year the customers of a type buy more than the shop's seasons explain.

Who has been a customer for long has lived through more winters than who came in summer, and the
first and the last order lie at the ends of a relationship by definition. So only days of purchase
between them count, and what is expected of a customer is what the shop's seasons bring within that
time: of purchases that come at random, those between the first and the last lie in it as the rate
of purchases does.
"""

from __future__ import annotations

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.ingest import daily
from ltvkit.periods import Day

QUARTERS = ("Q1", "Q2", "Q3", "Q4")


def count_quarters(lines: Frame, assigned: Frame, *, as_of: Day) -> pd.DataFrame:
    """Order lines, and customers with their type -> a row per quarter and type.

    Columns: value (Q1 to Q4), archetype; n: customers with a day of purchase between the first and
    the last; customers: those of them with one in the quarter; share: the sum of each one's share
    of such days in it; expected: the sum of what the shop's seasons make of it; squares: of their
    differences.
    """
    bounds = frames.lazy(assigned, needs=("customer_id", "archetype", "first_order", "last_order"))
    bounds = bounds.select(
        "customer_id", "archetype", _first=periods.number("first_order"),
        _last=periods.number("last_order"),
    ).filter(nw.col("_last") > nw.col("_first"))  # fmt: skip
    bought = daily.select_purchases(lines, as_of=as_of).unique()
    dated = bought.select(
        "customer_id", _day=periods.number("order_date"),
        _quarter=periods.index("order_date", "quarter") % 4,
    ).join(bounds, on="customer_id")  # fmt: skip
    inner = dated.filter(nw.col("_day") > nw.col("_first"), nw.col("_day") < nw.col("_last"))
    reached = _add_rates(bounds, inner)
    if reached is None:
        return pd.DataFrame(columns=["value", "archetype", "n", "customers", "share", "expected",
                                     "squares"])  # fmt: skip
    return _sum_quarters(inner, frames.from_pandas(reached, like=bounds.to_native()))


def _add_rates(bounds: nw.LazyFrame, inner: nw.LazyFrame) -> pd.DataFrame | None:
    """The rate of purchases of the shop, added up by day and quarter: a row per day, with the sums
    `before0` to `before3` of all days before it, and `upto0` to `upto3` with the day itself."""
    counts = {
        name: frames.table(frame.group_by(name).agg(n=nw.len())).set_index(name)["n"]
        for name, frame in {"_first": bounds, "_last": bounds, "_day": inner}.items()
    }
    if counts["_day"].empty:
        return None
    days = pd.RangeIndex(int(counts["_first"].index.min()), int(counts["_last"].index.max()) + 1)
    came, left, bought = (c.reindex(days, fill_value=0).astype(float) for c in counts.values())
    at_risk = came.cumsum().shift(1, fill_value=0.0) - left.cumsum()
    dates = pd.DatetimeIndex(pd.to_datetime(days.to_numpy(), unit="D"))
    month = dates.to_period("M")
    rate = bought.groupby(month).transform("sum") / at_risk.groupby(month).transform("sum").clip(
        lower=1
    )
    table = pd.DataFrame({"_day": days.to_numpy()})
    for k in range(len(QUARTERS)):
        upto = np.cumsum(np.where(dates.quarter == k + 1, rate.to_numpy(), 0.0))
        table[f"upto{k}"], table[f"before{k}"] = upto, np.r_[0.0, upto[:-1]]
    return table


def _sum_quarters(inner: nw.LazyFrame, rates: nw.LazyFrame) -> pd.DataFrame:
    marks = {f"in{k}": frames.one_if(nw.col("_quarter") == k) for k in range(4)}
    each = inner.select("customer_id", "archetype", "_first", "_last", **marks)
    each = each.group_by("customer_id", "archetype", "_first", "_last").agg(
        nw.col(*marks).sum(), days=nw.len()
    )
    starts = rates.select(_first=nw.col("_day"), **{f"s{k}": nw.col(f"upto{k}") for k in range(4)})
    ends = rates.select(_last=nw.col("_day"), **{f"e{k}": nw.col(f"before{k}") for k in range(4)})
    each = each.join(starts, on="_first").join(ends, on="_last")
    each = each.with_columns(**{f"r{k}": nw.col(f"e{k}") - nw.col(f"s{k}") for k in range(4)})
    each = each.with_columns(_whole=nw.sum_horizontal(*(nw.col(f"r{k}") for k in range(4))))
    found = []
    for k, value in enumerate(QUARTERS):
        share = nw.col(f"in{k}").cast(nw.Float64) / nw.col("days")
        one = each.select("archetype", share=share, expected=nw.col(f"r{k}") / nw.col("_whole"))
        apart = nw.col("share") - nw.col("expected")
        one = one.with_columns(squares=apart * apart, customers=frames.one_if(nw.col("share") > 0))
        sums = ("share", "expected", "squares", "customers")
        found.append(frames.add_up(one, "archetype", sums=sums, n=nw.len()).assign(value=value))
    return pd.concat(found, ignore_index=True)
