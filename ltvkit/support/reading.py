"""Read the enquiries of a shop: what customers wrote to support, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw

from ltvkit import periods
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.ingest import records
from ltvkit.ingest.records import Records
from ltvkit.periods import Day


def read_enquiries(
    enquiries: Mapping[str, Any], *, engine: str = "duckdb", spark: Mapping[str, Any] | None = None
) -> Records:
    """`enquiries` of the params -> `Records`, whose `rows` have one row per enquiry.

    Columns: `enquiry_id`, `customer_id` (None where nobody knows), `enquiry_time` by the shop's
    clock, `enquiry_date` (its midnight), `text` without personal data, and where they are mapped
    `intent`, `product_id`, `order_id`, `channel`, `carrier`, `lot`, `campaign`, `answered_by`,
    `answer_minutes` (until the answer), `handling_minutes` (time worked on it),
    `satisfaction`, `solved` (None while it waits) and, with `solved`, `open` (whether it waits;
    None where only yes or no is recorded). Raises `NotRecorded` for {}, and what `records.read`
    raises.

    >>> read_enquiries({})
    Traceback (most recent call last):
    ltvkit.errors.NotRecorded: No enquiries are recorded yet. ...
    """
    return records.read(enquiries, table="enquiries", engine=engine, spark=spark)


def select_until(enquiries: Frame, *, as_of: Day) -> Frame:
    """Enquiries -> those written by the end of the day `as_of`, as the kind that went in.

    An earlier month is built again from the enquiries as they are now: what is known of one only
    since then, as its outcome, is not taken away.
    """
    opened = frames.lazy(enquiries, needs=("enquiry_date",))
    kept = opened.filter(nw.col("enquiry_date") <= periods.day(as_of))
    return frames.materialize(kept, like=enquiries)
