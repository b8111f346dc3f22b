"""From when on enquiries are recorded: an order before that day did not bring none."""

from __future__ import annotations

import datetime as dt

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import periods
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.periods import Day
from ltvkit.support.texts import fill

SOON = 7  # days after the first order: nothing to say of


def find_start(enquiries: Frame, *, as_of: Day, column: str = "enquiry_date") -> dt.datetime:
    """Enquiries up to `as_of` -> the day of the first one; without any, the day after `as_of`."""
    first = _find_first(enquiries, column, as_of=as_of)
    return periods.day(as_of) + dt.timedelta(days=1) if pd.isna(first) else first


def describe_recording(enquiries: Frame, lines: Frame, *, as_of: Day) -> str:
    """Enquiries and order lines -> from when on orders count; "" where that is nearly from the
    first."""
    start = find_start(enquiries, as_of=as_of)
    first = _find_first(lines, "order_date", as_of=as_of)
    late = not pd.isna(first) and start - first > dt.timedelta(days=SOON)
    return fill("recorded_since", start=start.date(), first=first.date()) if late else ""


def _find_first(frame: Frame, column: str, *, as_of: Day) -> dt.datetime:
    opened = frames.lazy(frame, needs=(column,))
    until = opened.filter(nw.col(column) <= periods.day(as_of))
    first = pd.Timestamp(frames.table(until.select(first=nw.col(column).min()))["first"].iloc[0])
    return first if pd.isna(first) else first.to_pydatetime()
