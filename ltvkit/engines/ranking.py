"""Ranks, quantiles and running sums, with ties broken the same way on every engine."""

from collections.abc import Mapping, Sequence

import narwhals.stable.v2 as nw

from ltvkit.engines import frames
from ltvkit.engines.spark import ranking


def find_quantiles(
    frame: nw.LazyFrame, *, shares: Mapping[str, Sequence[float]], rows: int = 0
) -> dict[str, list[float]]:
    """By column, for each of its `shares`, the smallest value that at least this share of the rows
    do not exceed: a value that occurs. `rows`: how many there are, where that is known.

    Counted in the engine, by distinct value, all columns in one pass; NaN of a frame without rows.
    """
    if not any(shares.values()):
        return {name: [] for name in shares}
    rows = rows or frames.count(frame)
    # The values of the first column come first, then those of the second: each has all rows.
    values = [
        frame.select(column=nw.lit(n).cast(nw.Int64), value=nw.col(name).cast(nw.Float64))
        for n, name in enumerate(shares)
    ]
    counted = nw.concat(values).group_by("column", "value").agg(n=nw.len())
    reached = rank(counted, by="column", ties="value", ascending=True, running=["n"])
    # A share that is a float a little too high must not take the next value.
    found = {
        f"q{n}_{k}": nw.when(
            (nw.col("column") == n) & (nw.col("n_upto") >= (n + share) * rows - 1e-6)
        )
        .then(nw.col("value"))
        .min()
        for n, wanted in enumerate(shares.values())
        for k, share in enumerate(wanted)
    }
    row = frames.table(reached.select(**found)).astype(float).iloc[0]
    return {
        name: [float(row[f"q{n}_{k}"]) for k in range(len(wanted))]
        for n, (name, wanted) in enumerate(shares.items())
    }


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


def number_within(rows: nw.LazyFrame, *by: str, order: tuple[str, ...]) -> nw.LazyFrame:
    """Rows -> the same with `rank` 1, 2, ... within `by`, in ascending `order`, which has no
    ties."""
    one = rows.with_columns(rank=nw.lit(1).cast(nw.Int64))
    ranked = one.with_columns(nw.col("rank").cum_sum().over(*by, order_by=order))
    return ranked.with_columns(nw.col("rank").cast(nw.Int64))
