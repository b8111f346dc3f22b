"""Calendar arithmetic: days, ISO weeks, months, quarters and years as whole numbers.

A period is an integer, one more than the period before: the ordinal that pandas gives it. So an
age is a subtraction, on every engine.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, TypeAlias

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit.errors import ParamsError, one_of

__all__ = [
    "EVERY", "MONTH_DAYS", "YEAR_BEFORE", "Day", "day", "end", "index", "index_of", "is_over",
    "label", "last_day", "last_whole", "month_before", "number", "number_of", "start",
]  # fmt: skip

__dir__ = __all__.copy

Day: TypeAlias = str | dt.date
"""A day: text as "1998-06-30", a date, a datetime or a pandas Timestamp."""

EVERY = ("day", "week", "month", "quarter", "year")
_FREQUENCIES = dict(zip(EVERY, "DWMQY", strict=True))  # as pandas names them

# Periods from one to the same a year later. Days and weeks step 52 whole weeks, so that a Saturday
# is compared with a Saturday.
YEAR_BEFORE = {"day": 364, "week": 52, "month": 12, "quarter": 4, "year": 1}

MONTH_DAYS = 30.4375  # of an average month: 365.25 / 12

_FIRST = dt.datetime(1970, 1, 1)  # day 0, as in NumPy and pandas


def day(date: Day) -> dt.datetime:
    """A date in any usual form as the midnight that starts it.

    >>> day("1998-06-30")
    datetime.datetime(1998, 6, 30, 0, 0)
    """
    try:
        if isinstance(date, int | float):
            raise TypeError("a number")
        return pd.Timestamp(date).tz_localize(None).normalize().to_pydatetime()
    except (ValueError, TypeError, AttributeError) as error:
        raise ParamsError(f"{date!r} is not a date; write it as '1998-06-30'.") from error


def index(column: str, every: str) -> nw.Expr:
    """The period that holds the date in `column`, as an engine expression."""
    date = nw.col(column)
    year, month = date.dt.year().cast(nw.Int64), date.dt.month().cast(nw.Int64)
    return _place(number(column), year, month, every).cast(nw.Int64)


def number(column: str) -> nw.Expr:
    """The day in `column` as a whole number, so that days between are a subtraction.

    By the rule of the Gregorian calendar, which engines add up faster than they subtract dates.
    Day 0 is 1 January 1970.
    """
    date = nw.col(column)
    past, day = date.dt.year().cast(nw.Int64) - 1, date.dt.ordinal_day().cast(nw.Int64)
    return past * 365 + past // 4 - past // 100 + past // 400 + day - _FIRST.toordinal()


def number_of(date: Day) -> int:
    """The day `date` as the whole number that `number` gives.

    >>> number_of("1970-01-31")
    30
    """
    return (day(date) - _FIRST).days


def index_of(date: Day, every: str) -> int:
    """The period that holds `date`.

    >>> index_of("1998-06-30", "month") - index_of("1997-06-01", "month")
    12
    """
    date = day(date)
    return _place(number_of(date), date.year, date.month, every)


def _place(number: Any, year: Any, month: Any, every: str) -> Any:
    """The period of a day, by its number, year and month: whole numbers or expressions of them."""
    one_of("every", every, EVERY)
    years = year - _FIRST.year
    months = years * 12 + month - 1
    # Day 0 is a Thursday.
    indices = (number, (number + 3) // 7 + 1, months, months // 3, years)
    return dict(zip(EVERY, indices, strict=True))[every]


def start(index: int, every: str) -> pd.Timestamp:
    """The first day of a period.

    >>> start(index_of("1998-06-30", "quarter"), "quarter")
    Timestamp('1998-04-01 00:00:00')
    """
    return pd.Period(ordinal=index, freq=_FREQUENCIES[every]).start_time


def end(index: int, every: str) -> pd.Timestamp:
    """The last day of a period."""
    return start(index + 1, every) - pd.Timedelta(days=1)


def label(index: int, every: str) -> str:
    """A period's name; names sort in the order of time.

    >>> [label(index_of("1998-06-30", every), every) for every in EVERY]
    ['1998-06-30', '1998-W27', '1998-06', '1998-Q2', '1998']
    """
    first = start(index, every)
    forms = ("%Y-%m-%d", "%G-W%V", "%Y-%m", f"%Y-Q{first.quarter}", "%Y")
    return first.strftime(dict(zip(EVERY, forms, strict=True))[every])


def last_whole(as_of: Day, every: str) -> int:
    """The latest period that has ended by the end of the day `as_of`.

    >>> last_whole("1998-06-30", "month") - last_whole("1998-06-29", "month")
    1
    """
    return index_of(day(as_of) + dt.timedelta(days=1), every) - 1


def month_before(as_of: Day) -> dt.date:
    """The last day of the month before the one that holds `as_of`.

    >>> month_before("1998-06-30")
    datetime.date(1998, 5, 31)
    """
    return end(index_of(as_of, "month") - 1, "month").date()


def last_day(month: str, *, first: Day, until: Day) -> dt.date:
    """The last day that a report of `month` counts, in data that span `first` to `until`.

    `month` is "1998-06", or "last": the latest month that the data cover to its end, or the first
    month if there is none. In a month that they do not cover to its end, it is the last day of the
    data, so that customers do not seem to have lapsed.

    >>> last_day("last", first="2010-12-01", until="2011-12-09")
    datetime.date(2011, 11, 30)
    >>> last_day("2011-12", first="2010-12-01", until="2011-12-09")
    datetime.date(2011, 12, 9)
    """
    first, until = day(first), day(until)
    if month == "last":
        chosen = max(last_whole(until, "month"), index_of(first, "month"))
    else:
        chosen = _month(month)
    if not index_of(first, "month") <= chosen <= index_of(until, "month"):
        raise ParamsError(
            f"month {month} is outside the data: they run from {first:%Y-%m-%d} to "
            f"{until:%Y-%m-%d}. Name a month in that span, or 'last'."
        )
    return min(end(chosen, "month"), pd.Timestamp(until)).date()


def is_over(month: str, *, as_of: Day) -> bool:
    """Whether `as_of` is the last day of a month, or later.

    >>> is_over("2024-02", as_of="2024-02-28"), is_over("2024-02", as_of="2024-02-29")
    (False, True)
    """
    return day(as_of) >= end(_month(month), "month")


def _month(month: str) -> int:
    try:
        return index_of(dt.datetime.strptime(str(month), "%Y-%m"), "month")
    except ValueError as error:
        raise ParamsError(f"month {month!r} is not a month; write 1998-06, or 'last'.") from error
