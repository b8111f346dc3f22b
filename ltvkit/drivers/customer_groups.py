"""Groups of customers by which a change is split: what was known of each before it happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import cohorts, customers, periods, rfm
from ltvkit.core.i18n import N_, _
from ltvkit.drivers.leaves import Span
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, TooLittleData
from ltvkit.ingest import schema

SEGMENT, FIRST = "rfm_segment", "first_"
NEW, NOT_KNOWN = N_("(new)"), N_("(not known)")
ONE_DAY = pd.Timedelta(1, "D")


def is_group(by: str) -> bool:
    """Whether a name is that of a group: rfm_segment, or first_ and a column, as first_channel.

    >>> [is_group(name) for name in ("rfm_segment", "first_product", "channel")]
    [True, True, False]
    """
    return by == SEGMENT or (by.startswith(FIRST) and by != FIRST)


def check_group(name: str, column: str) -> None:
    """Raise `ParamsError` for a column whose values tell single customers or orders."""
    plain = column.removeprefix(FIRST)
    if plain == "customer_id":
        raise ParamsError(f"{name}: pages show no customer ids; give another column.")
    if plain in schema.NO_GROUPS:
        raise ParamsError(
            f"{name}: {plain} tells single orders, and no group; give a column such as channel."
        )


def add_group(
    lines: Frame,
    *,
    by: str,
    spans: Sequence[Span],
    lapse_days: int,
    recent_days: int = rfm.RECENT_DAYS,
    cuts: Mapping | None = None,
    edges: str = "below",
    export_begins: str = "",
    all_days: Frame | None = None,
) -> Any:
    """Order lines, and the spans before and after -> the lines with the column `by`, of their
    customer; lazy.

    - "rfm_segment": the segment on the day before each span begins, so that it is known beforehand
      and means the same in both (see `rfm.score` for `cuts` and `edges`, `rfm.segment` for
      `lapse_days` and `recent_days`). At the end of the first span, nobody who bought in it would
      be at risk. Who had not bought by then is "(new)".
    - "first_channel", or any column: its value on the largest line of the customer's first day (see
      `cohorts.build`), in all orders up to the last span. Of who came in a month of which the
      orders do not tell who was new (see `cohorts.find_known`; `export_begins` is the policy;
      `all_days`: of all orders, where the lines are a part), it is "(not known)".

    Raises `ColumnError` for a column that is not there.
    """
    opened = frames.lazy(lines, needs=("customer_id", "order_date", "amount"))
    if by == SEGMENT:
        facts = {"lapse_days": lapse_days, "recent_days": recent_days}
        scores = {"cuts": cuts, "edges": edges}
        return _add_segments(opened, lines, spans=spans, scores=scores, facts=facts)
    last = max(periods.day(end) for _start, end in spans)
    born = cohorts.members(lines, as_of=last, by=by.removeprefix(FIRST), every="month")
    whole = lines if all_days is None else all_days
    known = nw.col("born") >= _find_known(whole, last, export_begins=export_begins)
    value = nw.col("cohort").cast(nw.String)
    group = nw.when(known).then(value).otherwise(nw.lit(_(NOT_KNOWN)))
    return opened.join(born.select("customer_id", group.alias(by)), on="customer_id", how="left")


def _find_known(days: Frame, last: Any, *, export_begins: str) -> int:
    """The first month of which it is known who is new; the one after the last, where none is."""
    try:
        return cohorts.find_known(days, as_of=last, every="month", export_begins=export_begins) or 0
    except TooLittleData:
        return periods.index_of(last, "month") + 1


def _add_segments(
    opened: nw.LazyFrame,
    lines: Frame,
    *,
    spans: Sequence[Span],
    scores: Mapping[str, Any],
    facts: Mapping[str, int],
) -> nw.LazyFrame:
    """Each line with its customer's segment before the span that it is in (or is nearest to)."""
    for n, (start, _end) in enumerate(spans):
        seen = customers.summarize(lines, as_of=pd.Timestamp(periods.day(start)) - ONE_DAY)
        if not frames.count(frames.lazy(seen)):  # the shop began with this span: all are new
            opened = opened.with_columns(nw.lit(_(NEW)).alias(f"_segment{n}"))
            continue
        segmented = frames.lazy(rfm.segment(rfm.score(seen, **scores), **facts))
        named = segmented.select("customer_id", nw.col("segment").alias(f"_segment{n}"))
        opened = opened.join(named, on="customer_id", how="left")
    later = periods.number("order_date") >= periods.number_of(spans[1][0])
    segment = nw.when(later).then(nw.col("_segment1")).otherwise(nw.col("_segment0"))
    named = opened.with_columns(segment.alias(SEGMENT))
    return named.with_columns(nw.col(SEGMENT).fill_null(_(NEW))).drop("_segment0", "_segment1")
