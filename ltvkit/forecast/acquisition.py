"""How many customers are won a month, where old customers may look new."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.engines.frames import Frame
from ltvkit.ingest.truncation import FEW_OLD, SOME_OLD, SPAN, Beginning, examine
from ltvkit.periods import MONTH_DAYS, Day

MONTHS = 12  # the last ones, that a mean is taken over


class Acquisition(NamedTuple):
    """`a_month`: customers won in a month (NaN: not known); `known_days`: customers first seen at
    most so many days before the last one are mostly new (None: all are)."""

    a_month: float
    known_days: int | None


def estimate(
    lines: Frame, *, as_of: Day, history: pd.DataFrame, export_begins: str = ""
) -> Acquisition:
    """Order lines, or their `days`, and `kpis.series` by month -> who was won.

    The mean of the last twelve whole months in which at most 15% of the customers who look new had
    bought before, if the shop is older than its orders (see `ingest.truncation`). Where it is, the
    old ones are taken off; where nobody can tell, the months before do not count.
    """
    found = examine(lines, as_of=as_of, export_begins=export_begins, quick=False)
    if found is None:
        return Acquisition(np.nan, None)
    counted = found.find_from(FEW_OLD)
    if not found.sure:
        whole = history[~history["partial"] & (history["start"] >= periods.start(counted, "day"))]
        past = history[~history["partial"]] if counted == found.start else whole
        return Acquisition(float(past["new_customers"].tail(MONTHS).mean()), None)
    won = (found.new - found.cautious)[(counted - found.start) // SPAN :][-MONTHS:]
    a_month = float(won.mean()) / SPAN * MONTH_DAYS if len(won) else np.nan
    return Acquisition(a_month, _find_known_days(found))


def _find_known_days(found: Beginning) -> int | None:
    known = found.find_from(SOME_OLD)
    return None if known > found.last else found.last - known
