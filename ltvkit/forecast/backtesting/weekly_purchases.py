"""Repeat purchases week by week: what customers did, and what the models expected."""

from __future__ import annotations

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import customers, periods
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.forecast.backtesting.holdout import Backtest
from ltvkit.forecast.clock import DAYS
from ltvkit.ingest import daily
from ltvkit.periods import Day


def tracking(lines: Frame, tested: Backtest, *, as_of: Day) -> pd.DataFrame:
    """Order lines, a backtest -> start (of the week), actual, and a column per model.

    Cumulative repeat purchases of the customers known at the split, from the first order on.
    """
    known = frames.lazy(customers.summarize(lines, as_of=tested.split))
    known = known.select("customer_id", "first_order")
    bought = daily.select_purchases(lines, as_of=as_of).unique().join(known, on="customer_id")
    repeats = bought.filter(nw.col("order_date") > nw.col("first_order"))
    weekly = repeats.with_columns(week=periods.index("order_date", "week")).group_by("week")
    counts = frames.table(weekly.agg(repeats=nw.len())).set_index("week")["repeats"]
    firsts = frames.table(known.group_by("first_order").agg(customers=nw.len()))
    first = periods.index_of(firsts["first_order"].min(), "week")
    weeks = range(first, periods.index_of(as_of, "week") + 1)
    ends = pd.Series([periods.end(w, "week") for w in weeks])
    ends = ends.clip(upper=pd.Timestamp(periods.day(as_of)))
    ages = (ends.to_numpy()[:, None] - firsts["first_order"].to_numpy()) / np.timedelta64(1, "D")
    table = pd.DataFrame({"start": [periods.start(w, "week") for w in weeks]})
    table["actual"] = counts.reindex(weeks).fillna(0).cumsum().to_numpy()
    values, place = np.unique(np.clip(ages, 0, None), return_inverse=True)
    for name, fitted in tested.fitted.items():
        each = fitted.buying.expected_number_of_purchases_up_to_time(
            values / DAYS[fitted.clock.unit]
        )
        table[name] = each[place.reshape(ages.shape)] @ firsts["customers"].to_numpy()
    return table
