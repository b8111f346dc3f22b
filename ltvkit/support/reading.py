"""Read the enquiries of a shop: what customers wrote to support, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ltvkit.ingest import records
from ltvkit.ingest.records import Records


def read_enquiries(
    enquiries: Mapping[str, Any], *, engine: str = "duckdb", spark: Mapping[str, Any] | None = None
) -> Records:
    """`enquiries` of the params -> `Records`, whose `rows` have one row per enquiry.

    Columns: `enquiry_id`, `customer_id` (None where nobody knows), `enquiry_time` by the shop's
    clock, `enquiry_date` (its midnight), `text` without personal data, and where they are mapped
    `intent`, `product_id`, `order_id`, `channel`, `carrier`, `lot`, `campaign`, `answered_by`,
    `answer_minutes` (until the answer), `handling_minutes` (time worked on it), `solved`,
    `satisfaction`. Raises `NotRecorded` for {}, and what `records.read` raises.

    >>> read_enquiries({})
    Traceback (most recent call last):
    ltvkit.errors.NotRecorded: No enquiries are recorded yet. ...
    """
    return records.read(enquiries, table="enquiries", engine=engine, spark=spark)
