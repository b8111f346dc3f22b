"""Tracking: repeat purchases week by week, as they came and as the models would have had them."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import customers, periods
from ltvkit.engines import frames
from ltvkit.forecast import model
from ltvkit.forecast.backtesting.holdout import Backtest
from ltvkit.ingest import daily


def tracking(lines: Any, tested: Backtest, *, as_of: Any) -> pd.DataFrame:
    """Order lines, a backtest -> start (of the week), actual, and a column per model: repeat
    purchases so far of the customers known at the split, week by week from the first order."""
    born = frames.lazy(customers.summarize(lines, as_of=tested.split)).select(
        "customer_id", "first_order"
    )
    bought = (
        daily.select_purchases(lines, as_of=as_of)
        .unique()
        .join(born, on="customer_id")
        .with_columns(week=periods.index("order_date", "week"))
    )
    repeats = bought.filter(nw.col("order_date") > nw.col("first_order"))
    counts = frames.table(repeats.group_by("week").agg(repeats=nw.len())).set_index("week")
    firsts = frames.table(born.group_by("first_order").agg(customers=nw.len()))
    first = periods.index_of(firsts["first_order"].min(), "week")
    weeks = range(first, periods.index_of(as_of, "week") + 1)
    ends = pd.Series([periods.end(w, "week") for w in weeks]).clip(
        upper=pd.Timestamp(periods.day(as_of))
    )
    ages = (ends.to_numpy()[:, None] - firsts["first_order"].to_numpy()) / np.timedelta64(1, "D")
    table = pd.DataFrame({"start": [periods.start(w, "week") for w in weeks]})
    table["actual"] = counts["repeats"].reindex(weeks).fillna(0).cumsum().to_numpy()
    values, place = np.unique(np.clip(ages, 0, None), return_inverse=True)
    for name, fitted in tested.fitted.items():
        spans = values / model.DAYS[fitted.unit]
        each = fitted.buying.expected_number_of_purchases_up_to_time(spans)
        table[name] = each[place.reshape(ages.shape)] @ firsts["customers"].to_numpy()
    return table
