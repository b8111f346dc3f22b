"""Count customer ids that are spelled in several ways, and so count as several customers."""

from __future__ import annotations

from typing import Any

from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.engines.spark import workers
from ltvkit.ingest.parse import ids


def count_collisions(lines: Frame) -> int:
    """Lines -> how many customers have several ids that differ only in width or case.

    >>> import pandas as pd
    >>> count_collisions(pd.DataFrame({"customer_id": ["A1", "a1", "００１７", "0017", "B2"]}))
    2
    """
    import duckdb

    known = frames.lazy(lines, needs=("customer_id",)).select("customer_id").unique()
    if frames.is_spark(known):
        return ids.propose_fold(workers.map_parts(known.to_native(), _fold_part))[1]
    held = known.implementation.is_duckdb()
    written = known.to_native() if held else duckdb.connect().from_df(frames.table(known))
    return ids.propose_fold(written.project(ids.select_folds("customer_id")))[1]


def _fold_part(connection: Any) -> Any:
    """Each id of a part in each way of folding."""
    return connection.sql(f"select {ids.select_folds('customer_id')} from {workers.BATCH}")
