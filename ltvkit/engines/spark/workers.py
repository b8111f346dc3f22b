"""DuckDB on the workers of a cluster: its SQL is run on each part of a Spark frame."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

from ltvkit.engines.connection import connect

# Takes a connection that has the rows as `batch`, and returns a relation.
Making = Callable[[Any], Any]
BATCH = "batch"


def map_parts(frame: Any, make: Making) -> Any:
    """A Spark frame -> the results of `make` on each of its parts, as one Spark frame.

    `make` runs in the workers' Python, which needs the packages of requirements.txt. A part is
    streamed and never held whole.
    """
    import pyarrow as pa
    from pyspark.sql.pandas.types import from_arrow_schema

    made = _made(make, read_nothing(frame))[1].schema

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        first = next(batches, None)
        if first is None:
            return
        rows = (batch for group in ([first], batches) for batch in group)
        _held, reader = _made(make, pa.RecordBatchReader.from_batches(first.schema, rows))
        for batch in reader:
            yield batch.cast(made)

    return _in_arrow(frame, work, from_arrow_schema(made, prefer_timestamp_ntz=True))


def map_batches(frame: Any, change: Callable[[Any], Any]) -> Any:
    """A Spark frame -> the same with `change` applied to each Arrow batch of its rows."""

    def work(batches: Iterator[Any]) -> Iterator[Any]:
        return map(change, batches)

    return _in_arrow(frame, work, frame.schema)


def _in_arrow(frame: Any, work: Callable[[Iterator], Iterator], schema: Any) -> Any:
    with warnings.catch_warnings():
        # It warns about pandas, which is not used here.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
        return frame.mapInArrow(work, schema)


def read_nothing(frame: Any) -> Any:
    """A reader with the columns of a frame and no row."""
    import pyarrow as pa
    from pyspark.sql.pandas.types import to_arrow_schema

    return pa.RecordBatchReader.from_batches(to_arrow_schema(frame.schema, timezone="UTC"), [])


def _made(make: Making, rows: Any) -> tuple[Any, Any]:
    """The connection, which must be kept while the rows are read, and the rows."""
    connection = connect(threads=1)
    connection.register(BATCH, rows)
    return connection, make(connection).to_arrow_reader()
