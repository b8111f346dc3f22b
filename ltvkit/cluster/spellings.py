"""Customer ids of several spellings, found on the workers of a cluster."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw

from ltvkit import engine, ids
from ltvkit.cluster import workers


def alike(known: Any) -> int:
    """A Spark frame with each `customer_id` once -> what `ids.alike` counts."""
    from pyspark.sql import functions as F

    folded = workers.each(known.select("customer_id"), _folded)
    counts = folded.select(*(F.count_distinct(fold).alias(fold) for fold in ids.FOLDS))
    left = engine.table(nw.from_native(counts)).iloc[0]
    fold = left.idxmin()
    if fold == "none":
        return 0
    several = folded.groupBy(fold).count().filter("count > 1")
    return engine.count(several)


def _folded(connection: Any) -> Any:
    """Each id of a part in each way of folding."""
    ways = ", ".join(f'{ids.folded("customer_id", fold)} as "{fold}"' for fold in ids.FOLDS)
    return connection.sql(f"select {ways} from {workers.BATCH}")
