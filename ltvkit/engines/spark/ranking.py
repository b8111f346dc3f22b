"""Ranks and running sums over all rows of a Spark frame, without one task that sorts them all.

Rows are split into buckets by ranges of their keys. A small table holds the count and the sums of
each bucket, and a window ranks the rows within their bucket. The result is exact: the ends of the
buckets only decide how even they are.
"""

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw

from ltvkit.engines import frames, persistence

SAMPLE, BUCKETS = 512, 64
FEW = 10_000  # rows; up to so many, one task is faster
_BUCKET = "ltvkit_bucket"


def rank(frame: Any, *, keys: Sequence[str], running: Sequence[str]) -> Any:
    """A Spark frame -> the same with `rank` in ascending order of `keys`, and `<column>_upto` for
    each of `running`. No two rows may have the same keys.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    frame = persistence.keep(frame)
    ends = _ends(frame, keys)
    placed = frame.withColumn(_BUCKET, _bucket(keys, ends))
    offsets = _offsets(placed, running, buckets=len(ends) + 1)
    inside = Window.partitionBy(_BUCKET).orderBy(*keys)
    upto = inside.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    found = {"rank": F.row_number().over(inside)}
    found |= {f"{name}_upto": F.sum(name).over(upto) for name in running}
    before = {name: F.get(F.array(*map(F.lit, offsets[name])), F.col(_BUCKET)) for name in found}
    return placed.withColumns({n: within + before[n] for n, within in found.items()}).drop(_BUCKET)


def _ends(frame: Any, keys: Sequence[str]) -> list[tuple]:
    """The keys at which buckets end, from a sample of up to `SAMPLE` rows picked by their hash."""
    from pyspark.sql import functions as F

    picked = F.pmod(F.xxhash64(*keys), F.lit(SAMPLE)).alias("picked")
    some = F.any_value(F.struct(*keys)).alias("some")
    groups = frame.groupBy(picked).agg(some, F.count("*").alias("rows"))
    sample = frames.table(nw.from_native(groups.select("some.*", "rows")))
    if sample["rows"].sum() <= FEW:
        return []
    known = sorted(sample[list(keys)].itertuples(index=False, name=None))
    step = -(-len(known) // BUCKETS)
    return known[step - 1 : -1 : step]


def _bucket(keys: Sequence[str], ends: list[tuple], first: int = 0) -> Any:
    """The number of a row's bucket: a binary search as an expression."""
    from pyspark.sql import functions as F

    if not ends:
        return F.lit(first)
    half = len(ends) // 2
    end = [F.lit(value).alias(key) for key, value in zip(keys, ends[half], strict=True)]
    beyond = F.struct(*keys) > F.struct(*end)
    left, right = ends[:half], ends[half + 1 :]
    return F.when(beyond, _bucket(keys, right, first + half + 1)).otherwise(
        _bucket(keys, left, first)
    )


def _offsets(placed: Any, running: Sequence[str], buckets: int) -> dict[str, list]:
    """The rows before each bucket, and their sums of each column of `running`."""
    from pyspark.sql import functions as F

    names = ["rank", *(f"{name}_upto" for name in running)]
    if buckets == 1:
        return {name: [0] for name in names}
    sums = [F.count("*"), *map(F.sum, running)]
    named = [total.alias(name) for total, name in zip(sums, names, strict=True)]
    sizes = frames.table(nw.from_native(placed.groupBy(_BUCKET).agg(*named))).set_index(_BUCKET)
    upto = sizes.reindex(range(buckets), fill_value=0).cumsum()
    return {name: [0, *upto[name].tolist()] for name in names}
