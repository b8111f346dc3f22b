"""Groups of customers by which a change is split: what was known of each before it happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import cohorts, customers, periods, rfm
from ltvkit.core.i18n import N_, _
from ltvkit.drivers.leaves import Span
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame

SEGMENT, FIRST = "rfm_segment", "first_"
NEW = N_("(new)")
ONE_DAY = pd.Timedelta(1, "D")


def is_group(by: str) -> bool:
    """Whether a name is that of a group: rfm_segment, or first_ and a column, as first_channel.

    >>> [is_group(name) for name in ("rfm_segment", "first_product", "channel")]
    [True, True, False]
    """
    return by == SEGMENT or (by.startswith(FIRST) and by != FIRST)


def add_group(lines: Frame, *, by: str, spans: Sequence[Span], lapse_days: int) -> Any:
    """Order lines, and the spans before and after -> the lines with the column `by`, of their
    customer; lazy.

    - "rfm_segment": the segment on the day before each span begins, so that it is known beforehand
      and means the same in both (see `rfm.segment`; `lapse_days` as there). At the end of the first
      span, nobody who bought in it would be at risk. Who had not bought by then is "(new)".
    - "first_channel", or any column: its value on the largest line of the customer's first day (see
      `cohorts.build`), in all orders up to the last span.

    Raises `ColumnError` for a column that is not there.
    """
    opened = frames.lazy(lines, needs=("customer_id", "order_date", "amount"))
    if by == SEGMENT:
        return _add_segments(opened, lines, spans=spans, lapse_days=lapse_days)
    last = max(periods.day(end) for _start, end in spans)
    born = cohorts.members(lines, as_of=last, by=by.removeprefix(FIRST), every="month")
    groups = born.select("customer_id", nw.col("cohort").alias(by))
    return opened.join(groups, on="customer_id", how="left")


def _add_segments(
    opened: nw.LazyFrame, lines: Frame, *, spans: Sequence[Span], lapse_days: int
) -> nw.LazyFrame:
    """Each line with its customer's segment before the span that it is in (or is nearest to)."""
    for n, (start, _end) in enumerate(spans):
        seen = customers.summarize(lines, as_of=pd.Timestamp(periods.day(start)) - ONE_DAY)
        segmented = frames.lazy(rfm.segment(rfm.score(seen), lapse_days=lapse_days))
        named = segmented.select("customer_id", nw.col("segment").alias(f"_segment{n}"))
        opened = opened.join(named, on="customer_id", how="left")
    later = periods.number("order_date") >= periods.number_of(spans[1][0])
    segment = nw.when(later).then(nw.col("_segment1")).otherwise(nw.col("_segment0"))
    named = opened.with_columns(segment.alias(SEGMENT))
    return named.with_columns(nw.col(SEGMENT).fill_null(_(NEW))).drop("_segment0", "_segment1")
