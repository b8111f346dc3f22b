"""How far to look ahead from an earlier date, so that what came after it is known."""

from __future__ import annotations

import math

import pandas as pd

from ltvkit import periods
from ltvkit.archetypes.texts import fill
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, TooLittleData
from ltvkit.ingest import truncation
from ltvkit.periods import Day

AHEAD = (12, 6, 3)  # months; the longest that fits is taken
HISTORY = 0.5  # of the months ahead: how many must lie before the earliest date, to tell types by
SLACK = 15  # days of them that may be without an order at the beginning


def move_back(as_of: Day, months: int) -> pd.Timestamp:
    """The day so many months earlier; of the last day of a month, the last day.

    >>> move_back("2024-09-30", 6), move_back("2024-09-15", 1)
    (Timestamp('2024-03-31 00:00:00'), Timestamp('2024-08-15 00:00:00'))
    """
    day, step = pd.Timestamp(periods.day(as_of)), pd.Timedelta(1, "D")
    return day + step - pd.DateOffset(months=months) - step


def find_months(lines: Frame, *, as_of: Day, times: int, months: int | None = None) -> int:
    """Order lines, or their `days` -> 12, 6 or 3 months: the most that fit `times` times into the
    orders up to `as_of`, with half as many before them; or `months`, if they fit.

    Raises `TooLittleData` where none does.
    """
    if months is not None and (not isinstance(months, int) or months < 1):
        raise ParamsError(f"months={months!r}: give a whole number of months, 1 or more.")
    began = truncation.examine(lines, as_of=as_of)
    asked: tuple[int, ...] = AHEAD if months is None else (months,)
    start = began.start if began else periods.number_of(as_of) + 1
    for ahead in asked:
        first = move_back(as_of, times * ahead + _count_history(ahead))
        if periods.number_of(first) + 1 + SLACK >= start:
            return ahead
    least = asked[-1] * times + _count_history(asked[-1])
    known = (periods.number_of(as_of) - start + 1) / periods.MONTH_DAYS
    raise TooLittleData(fill("too_few_months", least=least, n=int(known)))


def _count_history(ahead: int) -> int:
    return math.ceil(HISTORY * ahead)
