"""Ranks, quantiles and running sums, with ties broken the same way on every engine."""

from collections.abc import Sequence

import narwhals.stable.v2 as nw

from ltvkit.engines import frames
from ltvkit.engines.spark import ranking


def find_quantiles(
    frame: nw.LazyFrame, *, of: str, shares: Sequence[float], rows: int = 0
) -> list[float]:
    """For each of `shares`, the smallest value of a column that at least this share of the rows do
    not exceed: a value that occurs. `rows`: how many there are, where that is known.

    Counted in the engine, by distinct value; NaN of a frame without rows.
    """
    rows = rows or frames.count(frame)
    counted = frame.group_by(of).agg(n=nw.len())
    reached = rank(counted, by=of, ascending=True, running=["n"])
    # A share that is a float a little too high must not take the next value.
    found = {
        f"q{k}": nw.when(nw.col("n_upto") >= share * rows - 1e-6).then(nw.col(of)).min()
        for k, share in enumerate(shares)
    }
    if not found:
        return []
    return [float(v) for v in frames.table(reached.select(**found)).astype(float).iloc[0]]


def rank(
    frame: nw.LazyFrame,
    *,
    by: str,
    ties: str | None = None,
    ascending: bool = False,
    running: Sequence[str] = (),
) -> nw.LazyFrame:
    """Adds `rank` 1, 2, ...: largest `by` first; equal values in the order of `ties`.

    `ascending`: smallest first. For each column of `running`, `<column>_upto` is its sum from the
    first rank to this one, to a millionth. Columns of these names that are there already are
    replaced. On Spark no task holds all rows (see `engines.spark.ranking`).
    """
    upto = [f"{name}_upto" for name in running]
    frame = frames.without(frame, "rank", *upto)
    names = frame.collect_schema().names()
    first = by if ascending else frames.unused("first", names)
    keys = [key for key in (first, ties) if key]
    keyed = frame if ascending else frame.with_columns((-nw.col(by)).alias(first))
    if frames.is_spark(frame):
        placed = nw.from_native(ranking.rank(keyed.to_native(), keys=keys, running=running))
    else:
        sums = [nw.col(n).cum_sum().over(order_by=keys).alias(f"{n}_upto") for n in running]
        placed = keyed.with_columns(*sums) if sums else keyed
        placed = placed.with_row_index("rank", order_by=keys).with_columns(nw.col("rank") + 1)
    return placed.select(nw.col("rank").cast(nw.Int64), *names, *map(frames.round_money, upto))
