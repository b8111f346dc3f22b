"""What automatic answers save: minutes of work a year, and money where a minute has a cost."""

from __future__ import annotations

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, is_number
from ltvkit.support.cuts import Choice

YEAR = 365.25  # days
WORK = "handling_minutes"


def add(
    table: pd.DataFrame,
    test: pd.DataFrame,
    judged: pd.DataFrame,
    chosen: dict[str, Choice],
    enquiries: Frame,
) -> pd.DataFrame:
    """Intents, and the part of enquiries that tested them -> with what is saved in a year.

    - `automatic_a_year`: enquiries answered automatically, and rightly, at the pace of the days of
      the test
    - `minutes_each`: of work on one of those that the test answered rightly (mean; NaN: not
      recorded, or none was)
    - `minutes_saved`: a year
    """
    start, until = (test["enquiry_time"].iloc[n] for n in (0, -1))
    days = max((until - start).days + 1, 1)
    when = nw.col("enquiry_time")
    window = frames.lazy(enquiries).filter(when >= start, when <= until)
    pace = frames.count(window) / len(test) * YEAR / days  # a year's enquiries for one of the test
    cut = judged["intent"].map({name: one.cut for name, one in chosen.items()})
    answered = judged["intent"].where(judged["open"] & (judged["sure"] >= cut) & judged["right"])
    taken = answered.value_counts()
    passed = table["verdict"] == "automatic"
    a_year = table["intent"].map(taken).fillna(0.0).where(passed, 0.0) * pace
    each = pd.Series(np.nan, index=table.index)
    if WORK in test:
        each = table["intent"].map(test[WORK].groupby(answered.to_numpy()).mean()).astype(float)
    saved = (a_year * each).where(a_year > 0, 0.0)
    return table.assign(automatic_a_year=a_year, minutes_each=each, minutes_saved=saved)


def price(table: pd.DataFrame, *, minute_cost: float) -> pd.DataFrame:
    """Rows with `minutes_saved` -> the same with `money_saved` (NaN: no cost of a minute)."""
    if not is_number(minute_cost, 0):
        raise ParamsError(f"minute_cost={minute_cost!r}: give money per minute, 0 or more.")
    rate = minute_cost or np.nan
    return table.assign(money_saved=table["minutes_saved"] * rate)
