"""Tables of a DuckDB file."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from ltvkit.engines.connection import CLOSED
from ltvkit.engines.sql import quoted
from ltvkit.errors import DataError
from ltvkit.ingest.readers import databases

# A view may name files or addresses; the tables of the file are all that is asked for.
_ALONE = CLOSED | {"enable_external_access": False}
_PLAIN = (
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"),
    *("DOUBLE", "BOOLEAN", "VARCHAR"),
)


@contextmanager
def connect(url: str) -> Iterator[databases.Database]:
    """A DuckDB file, for reading only; raises `DataError` for what goes wrong meanwhile."""
    import duckdb

    path = databases.find_file(url)
    try:
        with duckdb.connect(str(path), read_only=True, config=_ALONE) as connection:
            tables = connection.execute(
                "select table_schema, table_name from information_schema.tables"
            ).fetchall()
            version = f"DuckDB {duckdb.__version__}"
            yield databases.Database(version, tables, partial(read_table, connection))
    except duckdb.Error as error:
        reason = databases.describe_failure(error)
        if re.search(r"\block\b|different configuration", reason):  # and not a damaged "block"
            raise DataError(
                f"{path.name} is open elsewhere, and DuckDB lets nobody else read meanwhile: close "
                f"it there (a notebook, a command line), or read a copy. ({reason})"
            ) from error
        raise DataError(f"{path.name} cannot be read as a DuckDB database: {reason}.") from error


def read_table(connection: Any, schema: str, name: str) -> tuple[Any, Iterable[Any]]:
    """The Arrow schema of a table, and its rows in record batches."""
    import pyarrow as pa

    table = f"{quoted(schema)}.{quoted(name)}"
    found = connection.sql(f"select * from {table}")
    pairs = zip(found.columns, map(str, found.types), strict=True)
    chosen = ", ".join(f"{_cast_plain(quoted(c), kind)} as {quoted(c)}" for c, kind in pairs)
    reader = pa.RecordBatchReader.from_stream(connection.sql(f"select {chosen} from {table}"))
    return reader.schema, reader


def _cast_plain(column: str, kind: str) -> str:
    """SQL for a column as one of the plain types; dates without an end are NULL."""
    if kind in _PLAIN or (kind.startswith("DECIMAL") and not kind.endswith("]")):
        return column
    if kind == "FLOAT":
        return f"{column}::varchar::double"  # 0.1 as it reads, not the nearest float
    if kind in ("DATE", "TIMESTAMP WITH TIME ZONE"):
        return f"case when isfinite({column}) then {column} end"
    if kind.startswith("TIMESTAMP") and not kind.endswith("]"):
        return f"case when isfinite({column}) then {column}::timestamp end"
    return f"{column}::varchar"
