"""Read the events of a shop: what visitors and customers did, before the first order and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ltvkit.ingest import records
from ltvkit.ingest.records import Records


def read_events(
    events: Mapping[str, Any], *, engine: str = "duckdb", spark: Mapping[str, Any] | None = None
) -> Records:
    """`events` of the params -> `Records`, whose `rows` have one row per event.

    Columns: `visitor_id`, `customer_id` (one of both is there), `event_time` by the shop's clock,
    `event_date` (its midnight), `event` as it was recorded, `stage` (None where no stage is mapped
    to its name), and where they are mapped `channel`, `campaign`, `order_id` and `referred_by` (the
    customer who introduced this one). Raises `NotRecorded` for {}, and what `records.read` raises.

    >>> read_events({})
    Traceback (most recent call last):
    ltvkit.errors.NotRecorded: No events are recorded yet. ...
    """
    return records.read(events, table="events", engine=engine, spark=spark)
