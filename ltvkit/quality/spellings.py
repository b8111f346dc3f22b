"""Count customer ids that are spelled in several ways, and so count as several customers."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw

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

    known = frames.lazy(lines, needs=("customer_id",)).group_by("customer_id").agg(lines=nw.len())
    if frames.is_spark(known):
        return _count_on_workers(known.to_native())
    if known.implementation.is_duckdb():
        spelled = known.to_native()
    else:
        spelled = duckdb.connect().from_df(frames.table(known))
    return ids.propose_fold(spelled, "customer_id")[1]


def _count_on_workers(known: Any) -> int:
    """The same for a Spark frame with each `customer_id` once."""
    from pyspark.sql import functions as F

    folded = workers.map_parts(known.select("customer_id"), _fold_part)
    counts = folded.select(*(F.count_distinct(fold).alias(fold) for fold in ids.FOLDS))
    left = frames.table(nw.from_native(counts)).iloc[0]
    fold = left.idxmin()
    if fold == "none":
        return 0
    several = folded.groupBy(fold).count().filter("count > 1")
    return frames.count(several)


def _fold_part(connection: Any) -> Any:
    """Each id of a part in each way of folding."""
    ways = ", ".join(f'{ids.fold_id("customer_id", fold)} as "{fold}"' for fold in ids.FOLDS)
    return connection.sql(f"select {ways} from {workers.BATCH}")
