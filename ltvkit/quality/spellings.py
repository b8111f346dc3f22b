"""Customer ids that are spelled in several ways, and so count as several customers."""

from __future__ import annotations

from typing import Any, NamedTuple

import narwhals.stable.v2 as nw

from ltvkit.engines import frames
from ltvkit.engines.connection import connect
from ltvkit.engines.frames import Frame
from ltvkit.engines.spark import workers
from ltvkit.ingest.parse import ids


class Spellings(NamedTuple):
    """`customers` that are written in several ways: the fold that joins most, all their `ids`, and
    the `revenue` of these.
    """

    fold: str = "none"
    customers: int = 0
    ids: int = 0
    revenue: float = 0.0


def find_spellings(customers: Frame) -> Spellings:
    """`customer_id`, `revenue` of each customer -> those whose ids one fold makes the same.

    >>> import pandas as pd
    >>> ids = pd.DataFrame({"customer_id": ["A1", "a1", "0017", "17.0", "B2"]})
    >>> find_spellings(ids.assign(revenue=10.0))
    Spellings(fold='all', customers=2, ids=4, revenue=40.0)
    """
    known = frames.lazy(customers, needs=("customer_id", "revenue"))
    known = known.select("customer_id", "revenue")
    if frames.is_spark(known):
        folded: Any = workers.map_parts(known.to_native(), _fold_part)
    else:
        held = known.implementation.is_duckdb()
        written = known.to_native() if held else connect().from_df(frames.table(known))
        folded = written.project(_select())
    fold, several = ids.propose_fold(folded)
    if not several:
        return Spellings()
    each = frames.lazy(folded).group_by(fold).agg(nw.col("revenue").sum(), ids=nw.len())
    sums = each.filter(nw.col("ids") > 1).select(nw.col("ids", "revenue").sum())
    row = frames.table(sums).iloc[0]
    return Spellings(fold, several, int(row["ids"]), float(row["revenue"]))


def _select() -> str:
    return f"{ids.select_folds('customer_id')}, revenue"


def _fold_part(connection: Any) -> Any:
    """Each id of a part in each way of folding."""
    return connection.sql(f"select {_select()} from {workers.BATCH}")
