"""Read the orders of a shop: a source or a frame in, checked order lines out.

Every line read is either kept or quarantined with a reason. The canonical frame `lines` has one
row per order line: `customer_id` str, `order_id` str, `order_date` (midnight), `amount` float
(revenue of the line, one currency, returns negative), then what else the params map.

**A purchase** is an order with a line of zero or more; a line below zero is a return (or a
discount), which lowers revenue and is never a purchase of its own.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw

from ltvkit.engines import frames as engines
from ltvkit.engines.frames import Frame
from ltvkit.errors import LtvkitWarning, one_of
from ltvkit.ingest import cache, personal_columns, pipeline, readers
from ltvkit.ingest.book import Orders
from ltvkit.ingest.policies import check_options
from ltvkit.ingest.spark import orders as on_cluster

__all__ = ["read"]

__dir__ = __all__.copy


def read(
    source: str | Path | Frame,
    *,
    columns: Mapping[str, str] | None = None,
    policies: Mapping[str, Any] | None = None,
    engine: str = "duckdb",
    spark: Mapping[str, Any] | None = None,
) -> Orders:
    """A source ("exports/2024-*.csv", "demo:cdnow") or a frame of raw order lines -> `Orders`.

    `columns` maps canonical names to the export's headers ({"customer_id": "CustomerID"}); a
    canonical name that the export already uses needs no mapping. Where `amount` is not mapped,
    it is quantity x unit_price. Where no `order_id` is, each line is an order (a frame then gets
    an `LtvkitWarning`). `policies` are the fields of `Policies`.

    `engine` computes with what a source holds: "duckdb" (from disk, larger than memory), "pandas"
    or "polars" (in memory), or "spark", a cluster that `spark` names (see
    `engines.spark.settings`). A frame in memory comes back as the kind that went in, whatever the
    engine.

    Raises `ColumnError` for a header that is not there, `ParamsError` for an option, `DataError`
    for a source that cannot be read or keeps no line, `ClusterError` for a cluster that does not
    work.

    >>> import pandas as pd
    >>> raw = pd.DataFrame({"customer_id": ["1", "1", None], "order_id": ["A", "B", "C"],
    ...                     "order_date": ["2024-01-05"] * 3, "amount": ["1,200", "n/a", "10"]})
    >>> read(raw).quality[["status", "reason", "lines", "amount"]]
            status                 reason  lines  amount
    0         read              all lines      3  1210.0
    1  quarantined   amount is unreadable      1     NaN
    2  quarantined  guest: no customer_id      1    10.0
    3         kept                  sales      1  1200.0
    """
    one_of("engine", engine, engines.NAMES)
    if not isinstance(source, str | Path):
        return _read_frame(source, columns=columns, policies=policies)
    if engine == "spark":
        return on_cluster.open_orders(
            str(source), columns=columns, policies=policies, spark=spark or {}
        )
    return cache.open_orders(str(source), columns=columns, policies=policies, engine=engine)


def _read_frame(frame: Any, *, columns: Mapping | None, policies: Mapping | None) -> Orders:
    rules = check_options(columns=columns, policies=policies)
    raw = readers.open_frame(frame, rules)
    rows = pipeline.validate_source(
        raw, columns=columns or {}, rules=rules, keep=pipeline.store_in_memory
    )
    if rows.facts["orders_from"] == "lines":
        warnings.warn(
            f"the frame has no order_id, so each of its {rows.facts['lines_read']:,} lines counts "
            "as an order. Give columns={'order_id': its column}, or policies={'same_day': "
            "'one_order'} to count a customer's lines of one day as one order.",
            LtvkitWarning,
            stacklevel=3,
        )
    if hidden := personal_columns.list_hidden(rows.facts):
        warnings.warn(
            f"left out, as they hold people: {', '.join(hidden)}. If tables and charts may show "
            "one, give policies={'shown': [its name]}.",
            LtvkitWarning,
            stacklevel=3,
        )
    book = pipeline.open_rows(raw.connection, rows, returns=rules.returns)
    kind = nw.from_native(frame, eager_only=True).implementation
    frames = ("lines", "returns", "quarantine", "refused")
    return replace(book, **{f: engines.collect_as(getattr(book, f), kind) for f in frames})
