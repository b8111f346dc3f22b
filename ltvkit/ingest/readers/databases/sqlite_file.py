"""Tables of a SQLite file, where a column may hold values of any kind.

A first look finds which kinds of values each column holds; then all of them are taken as numbers,
or all as text that loses nothing. In a column declared as a date or time, numbers are what
https://www.sqlite.org/lang_datefunc.html says: Unix time or Julian days, in UTC.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

from ltvkit.core import redaction
from ltvkit.engines.sql import quoted
from ltvkit.errors import DataError
from ltvkit.ingest.readers import databases

BATCH = 50_000
_EXACT = 2**53  # whole numbers up to here are exact as floating point
_WAIT = 30  # seconds, for another program that writes


@contextmanager
def connect(url: str) -> Iterator[databases.Database]:
    """A SQLite file, for reading only; raises `DataError` for what goes wrong meanwhile."""
    path = databases.find_file(url)
    try:
        address = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=_WAIT)) as connection:
            connection.execute("begin")  # all that is read is of one moment
            named = connection.execute(
                "select name from sqlite_master where type in ('table', 'view') "
                r"and name not like 'sqlite\_%' escape '\'"
            ).fetchall()
            tables = [("main", name) for (name,) in named]
            version = f"SQLite {sqlite3.sqlite_version}"
            yield databases.Database(version, tables, partial(read_table, connection))
    except sqlite3.Error as error:
        said = redaction.foreign(error)
        raise DataError(f"{path.name} cannot be read as a SQLite database: {said}.") from error


def read_table(
    connection: sqlite3.Connection, _schema: str, name: str
) -> tuple[Any, Iterable[Any]]:
    """The Arrow schema of a table, and its rows in record batches."""
    import pyarrow as pa

    table, declared = quoted(name), _list_declared(connection, name)
    looked = ", ".join(f"group_concat(distinct typeof({quoted(c)}))" for c in declared)
    seen = connection.execute(f"select {looked} from {table}").fetchone()
    chosen, kinds = [], []
    for column, found in zip(declared, seen, strict=True):
        held = set((found or "").split(",")) - {"", "null"}
        sql, kind = _choose_kind(connection, table, quoted(column), declared[column], held)
        chosen.append(sql)
        kinds.append(kind)
    schema = pa.schema(zip(declared, kinds, strict=True))
    return schema, _read_rows(connection, f"select {', '.join(chosen)} from {table}", schema)


def _list_declared(connection: sqlite3.Connection, name: str) -> dict[str, str]:
    """Column -> the type it was declared with."""
    columns = connection.execute(f"select * from {quoted(name)} limit 0").description
    told = dict(connection.execute("select name, type from pragma_table_xinfo(?)", [name]))
    return {c[0]: (told.get(c[0]) or "").upper() for c in columns}


def _choose_kind(
    connection: sqlite3.Connection, table: str, column: str, declared: str, kinds: set[str]
) -> tuple[str, Any]:
    """SQL for a column that holds values of `kinds`, and the Arrow type for all of them."""
    import pyarrow as pa

    if kinds & {"integer", "real"} and ("DATE" in declared or "TIME" in declared):
        return _moment(column, timed="TIME" in declared), pa.string()
    if kinds == {"integer"}:
        return column, pa.int64()
    if kinds == {"integer", "real"}:
        whole = f"from {table} where typeof({column}) = 'integer'"
        ends = connection.execute(f"select min({column}), max({column}) {whole}").fetchone()
        return column, pa.float64() if max(map(abs, ends)) <= _EXACT else pa.string()
    return column, pa.float64() if kinds == {"real"} else pa.string()


def _read_rows(connection: sqlite3.Connection, sql: str, schema: Any) -> Iterator[Any]:
    import pyarrow as pa

    cursor = connection.execute(sql)
    while rows := cursor.fetchmany(BATCH):
        columns = zip(zip(*rows, strict=True), schema.types, strict=True)
        arrays = [pa.array(map(_text, v) if kind == "string" else v, kind) for v, kind in columns]
        yield pa.record_batch(arrays, schema=schema)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    return str(int(value)) if value == value // 1 and abs(value) < _EXACT else repr(value)


def _moment(column: str, *, timed: bool) -> str:
    """SQL for a date as text, where numbers are 20240105, Julian days, or Unix time."""
    form = "'%Y-%m-%dT%H:%M:%SZ'" if timed else "'%Y-%m-%d'"
    return (
        f"case when typeof({column}) not in ('integer', 'real') then {column} "
        f"when {column} between 19000101 and 21001231 then {column} "
        f"when {column} between 0 and 5373484 then strftime({form}, {column}) "
        f"when abs({column}) >= 1e11 then strftime({form}, {column} / 1000, 'unixepoch') "
        f"else strftime({form}, {column}, 'unixepoch') end"
    )
