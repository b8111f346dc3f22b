"""Steps that are written once and run on any engine, through Narwhals.

A frame of orders or customers may be pandas, Polars, a DuckDB relation or a Spark DataFrame.
Concept modules open it with `lazy`, write one chain, and end it with `materialize` (the kind that
came in) or `table` (a pandas summary). A long list is read by `chunks`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import narwhals.stable.v2 as nw
import pandas as pd
from narwhals.stable.v2.typing import IntoFrame

from ltvkit.core import files
from ltvkit.core.i18n import _
from ltvkit.engines import persistence, temporary_tables
from ltvkit.errors import ColumnError, nearest

Frame: TypeAlias = IntoFrame | nw.LazyFrame
"""A table of any supported engine: a pandas, Polars or Spark frame, or a DuckDB relation."""

NAMES = ("duckdb", "pandas", "polars", "spark")
DAY = "order_date"
MONEY = ("amount", "revenue", "margin", "_paid")
STEPS = files.read_yaml(__name__, "steps.yaml")
SMALL, BATCH = 2_000, 100_000  # rows


def lazy(frame: Frame, *, needs: tuple[str, ...] = ()) -> nw.LazyFrame:
    """Any supported frame -> a Narwhals LazyFrame, once it holds the columns in `needs`.

    An `order_date` becomes the midnight that starts its day, without a time zone.
    Raises `ColumnError` naming the missing column and those found.
    """
    opened = nw.from_native(frame).lazy()
    schema = opened.collect_schema()
    found = schema.names()
    for column in needs:
        if column not in found:
            why = _("the data have no column '{column}', which this step needs.")
            rest = f"There is {', '.join(found)}.{nearest(column, found)} {_explain_source(column)}"
            raise ColumnError(f"{why.format(column=column)} {rest}")
    kind, day = schema.get(DAY), nw.col(DAY)
    if kind == nw.Date:
        return opened.with_columns(day.cast(nw.Datetime("us")))
    if not isinstance(kind, nw.Datetime):
        return opened
    day = day.dt.replace_time_zone(None) if kind.time_zone else day
    if opened.implementation.is_duckdb() or is_spark(opened):  # to a date and back is free there
        return opened.with_columns(day.cast(nw.Date).cast(nw.Datetime("us")))
    return opened.with_columns(day.dt.truncate("1d"))


def _explain_source(column: str) -> str:
    """Where a missing column comes from: a step before, or the shop's orders."""
    named = "Map it under `columns:` in the params file, or read the frame by "
    named += f"orders.read(frame, columns={{'{column}': its column}})."
    step = next((step for step, added in STEPS.items() if column in added), None)
    if step:
        return f"Pass the result of {step}, which has it."
    return f"{named} One that holds people is left out (see policies: shown)."


def without(frame: nw.LazyFrame, *names: str) -> nw.LazyFrame:
    """The frame without its columns of these names, written large or small.

    A step that adds columns calls it first: a column of the user that is named like one of them
    is replaced. DuckDB and Spark take `Rank` and `rank` for the same name, so all engines do.
    """
    added = {name.casefold() for name in names}
    return frame.drop([c for c in frame.collect_schema().names() if c.casefold() in added])


def unused(name: str, found: Iterable[str]) -> str:
    """A name for a working column: `name`, or where a column in `found` has it, one like it.

    >>> unused("first", ["customer_id", "First"])
    '_first'
    """
    taken = {column.casefold() for column in found}
    while name.casefold() in taken:
        name = f"_{name}"
    return name


def materialize(result: nw.LazyFrame, *, like: Frame) -> Any:
    """A result as the kind of frame that `like` is.

    A DuckDB result is computed now, into a temporary table of its connection; Spark keeps one
    when it is first computed. Otherwise each step that reads it would compute it again.
    """
    result = _plain(result)
    native = result.to_native()
    if result.implementation.is_duckdb():
        return temporary_tables.store(native)
    if is_spark(result):
        return persistence.keep(native)
    if in_memory(like):
        collected = result.collect().to_native()
        return nw.to_native(nw.maybe_reset_index(nw.from_native(collected)))
    return native


@contextmanager
def materialized(result: nw.LazyFrame, *, like: Frame) -> Iterator[nw.LazyFrame]:
    """A result that is computed once for the steps of a `with` block.

    DuckDB drops it after the block. Spark keeps it while there is room, for lazy steps.
    """
    kept = materialize(result, like=like)
    try:
        yield lazy(kept)
    finally:
        if nw.from_native(kept).implementation.is_duckdb():
            kept.query("dropped", f"drop table {kept.alias}")


def bring(frame: Frame, *, like: Frame) -> Frame:
    """A frame that can be joined to `like`: a DuckDB relation of another connection is stored in
    that of `like`, in batches; any other frame comes back as it is."""
    import duckdb

    one, other = (nw.from_native(each).lazy() for each in (frame, like))
    if not (one.implementation.is_duckdb() and other.implementation.is_duckdb()):
        return frame
    relation: Any = one.to_native()
    held: Any = other.to_native()
    try:
        relation.limit(0).set_alias("one").cross(held.limit(0).set_alias("other"))
    except duckdb.InvalidInputException:  # they are of different connections
        return temporary_tables.store(held, relation.to_arrow_reader(BATCH))
    return frame


def to_native(result: nw.LazyFrame, *, like: Frame) -> Any:
    """A result as the kind of frame that `like` is; outside memory it is not computed yet."""
    return materialize(result, like=like) if in_memory(like) else result.to_native()


def in_memory(frame: Frame) -> bool:
    """Whether a frame is held in memory, as pandas and Polars do."""
    return isinstance(nw.from_native(frame), nw.DataFrame)


def collect_as(relation: Any, kind: Any) -> Any:
    """A DuckDB relation as an eager frame of a `kind`: "pandas", "polars", or as Narwhals says."""
    return nw.from_native(relation).collect(kind).to_native()


def hold_small(frame: Frame, *, rows: int | None = None, most: int = SMALL) -> Frame:
    """A DuckDB relation of at most `most` rows as pandas; any other frame as it is.

    Planning a step then takes DuckDB longer than pandas takes to compute it. `rows`: how many there
    are, where that is known.
    """
    if not nw.from_native(frame).implementation.is_duckdb():
        return frame
    few = (count(frame) if rows is None else rows) <= most
    return collect_as(frame, "pandas") if few else frame


def number_ids(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """A pandas table with ids as whole numbers that sort alike, which it groups by much sooner.

    >>> number_ids(pd.DataFrame({"id": ["b", "a", "b"]}), "id")["id"].tolist()
    [1, 0, 1]
    """
    return table.assign(**{c: pd.factorize(table[c], sort=True)[0] for c in columns})


def from_pandas(table: pd.DataFrame, *, like: Any) -> nw.LazyFrame:
    """A pandas table in the engine of `like`, ready to be joined."""
    kind = nw.from_native(like).implementation
    if kind.is_duckdb():
        return nw.from_native(temporary_tables.store(like, table)).lazy()
    if is_spark(nw.from_native(like)):
        import pyarrow as pa

        sent = pa.Table.from_pandas(table, preserve_index=False)
        return nw.from_native(like.sparkSession.createDataFrame(sent)).lazy()
    columns: dict[str, Any] = {name: table[name].to_numpy() for name in table}
    for name in table if table.empty else ():
        if table[name].dtype in ("object", "str"):  # of no values nothing says that they are texts
            columns[name] = nw.new_series(name, [], nw.String, backend=kind)
    return nw.from_dict(columns, backend=kind).lazy()


def table(result: nw.LazyFrame) -> pd.DataFrame:
    """A summary as pandas, with a fresh index."""
    if result.implementation.is_duckdb():
        temporary_tables.drop_unread()
    result = _plain(result)
    if is_spark(result):  # by Arrow, as PySpark is not sure of this pandas
        return result.collect("pyarrow").to_pandas()
    collected = result.collect("pandas").to_native()
    return collected.reset_index(drop=True).rename_axis(columns=None)


def add_up(frame: nw.LazyFrame, *by: str, sums: Sequence[str], **more: nw.Expr) -> pd.DataFrame:
    """A row per group of `by`, in ascending order: the sums of columns, and `more`, as pandas.

    Sums of money are rounded (see `round_money`).
    """
    summed = frame.group_by(*by).agg(nw.col(*sums).sum(), **more)
    money = [name for name in sums if name in MONEY]
    rounded = summed.with_columns(round_money(*money)) if money else summed
    return table(rounded).sort_values([*by], ignore_index=True)


def count(frame: Frame) -> int:
    """How many rows a frame of any engine has, counted there."""
    return int(table(lazy(frame).select(n=nw.len()))["n"].iloc[0])


def chunks(frame: Frame, *, rows: int) -> Iterator[pd.DataFrame]:
    """A long frame as one or more pandas frames, in its order.

    A DuckDB relation comes `rows` at a time, after an empty frame, and is never held whole; any
    other frame comes at once.
    """
    result = _plain(lazy(frame))
    decimals = [name for name, kind in result.collect_schema().items() if kind.is_decimal()]
    result = result.with_columns(nw.col(*decimals).cast(nw.Float64)) if decimals else result
    if result.implementation.is_duckdb():
        reader = result.to_native().to_arrow_reader(rows)
        yield _pandas(reader.schema.empty_table())
        yield from map(_pandas, reader)
    elif is_spark(result):
        yield _pandas(result.collect("pyarrow").to_native())
    else:
        yield table(result)


def is_spark(frame: nw.LazyFrame) -> bool:
    """Whether a frame lives on a Spark cluster, in this process's session or by Spark Connect."""
    return frame.implementation.is_pyspark() or frame.implementation.is_pyspark_connect()


def one_if(holds: nw.Expr) -> nw.Expr:
    """1 where it holds, else 0 (also where it is not known): to be added up."""
    return nw.when(holds).then(nw.lit(1)).otherwise(nw.lit(0)).cast(nw.Int64)


def above_zero(column: str) -> nw.Expr:
    """Money above zero, to take shares of.

    What returns push below zero counts as nothing, so that no part is more than the whole.
    """
    return nw.when(nw.col(column) > 0).then(nw.col(column)).otherwise(0.0)


def round_money(*columns: str) -> nw.Expr:
    """Sums of money to a millionth of the currency's unit.

    A floating-point sum depends on the order of addition. Rounding makes equal sums equal on
    every engine, so that ties stay ties.
    """
    return nw.col(*columns).round(6)


def _pandas(rows: Any) -> pd.DataFrame:
    """Arrow as pandas, with the types that DuckDB's own conversion gives."""
    import pyarrow as pa

    kinds = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    return rows.to_pandas(types_mapper=kinds.get, date_as_object=False)


def _plain(result: nw.LazyFrame) -> nw.LazyFrame:
    # Integers get one width. DuckDB sums them into 128 bits, which pandas would turn into floats,
    # and Polars counts in 32.
    schema = result.collect_schema().items()
    others = [name for name, kind in schema if kind.is_integer() and kind != nw.Int64]
    return result.with_columns(nw.col(*others).cast(nw.Int64)) if others else result
