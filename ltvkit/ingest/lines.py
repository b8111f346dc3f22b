"""Filters of order lines: up to a day, and purchases alone."""

from __future__ import annotations

import datetime as dt
from typing import Any

import narwhals.stable.v2 as nw

from ltvkit import periods
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import ColumnError
from ltvkit.periods import Day


def select_until(lines: Frame, *, as_of: Day) -> Any:
    """The lines up to and including the day `as_of`, as the kind of frame that went in."""
    return frames.to_native(filter_until(frames.lazy(lines), as_of), like=lines)


def filter_until(lines: nw.LazyFrame, as_of: Day) -> nw.LazyFrame:
    """The lines up to and including the day `as_of`, still lazy; raises `ColumnError`."""
    schema = lines.collect_schema()
    for column in ("order_date", "amount"):
        if isinstance(schema.get(column), nw.String | nw.Categorical | nw.Enum):
            raise ColumnError(
                f"column '{column}' holds text: read the order lines by orders.read(frame) first, "
                "and use its `.lines`."
            )
    return lines.filter(nw.col("order_date") < nw.lit(periods.day(as_of) + dt.timedelta(days=1)))


def filter_purchases(lines: nw.LazyFrame) -> nw.LazyFrame:
    """The lines that are purchases: zero or more."""
    return lines.filter(is_purchase("amount"))


def is_purchase(amount: str) -> nw.Expr:
    """Whether the line with this amount, or one of the lines whose largest it is, is a purchase."""
    return nw.col(amount) >= 0
