"""Tables of a SQLite file, where a column may hold values of any kind.

A first look finds which kinds of values each column holds; then all of them are taken as numbers,
or all as text that loses nothing. In a column declared as a date or time, numbers are what
https://www.sqlite.org/lang_datefunc.html says: Unix time or Julian days, in UTC.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from ltvkit.engines.sql import quoted
from ltvkit.errors import DataError
from ltvkit.ingest.readers import databases

BATCH = 50_000
_EXACT = 2**53  # whole numbers up to here are exact as floating point
_WAIT = 30  # seconds, for another program that writes


@contextmanager
def connect(url: str) -> Iterator[SQLite]:
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
            yield SQLite(connection, f"SQLite {sqlite3.sqlite_version}", tables)
    except sqlite3.Error as error:
        # The message about text in another encoding holds that text.
        said = str(error).partition(" with text")[0]
        raise DataError(f"{path.name} cannot be read as a SQLite database: {said}.") from error


@dataclass(frozen=True)
class SQLite:
    """An open SQLite file: `databases.Database`."""

    connection: sqlite3.Connection
    version: str
    tables: list[tuple[str, str]]

    def batches(self, _schema: str, name: str) -> tuple[Any, Iterable[Any]]:
        """The Arrow schema of a table, and its rows in record batches."""
        import pyarrow as pa

        table = quoted(name)
        declared = self._declared(name)
        looked = ", ".join(f"group_concat(distinct typeof({quoted(c)}))" for c in declared)
        seen = self.connection.execute(f"select {looked} from {table}").fetchone()
        columns = [
            self._column(table, c, declared[c], set((kinds or "").split(",")) - {"", "null"})
            for c, kinds in zip(declared, seen, strict=True)
        ]
        schema = pa.schema(zip(declared, [kind for _sql, kind in columns], strict=True))
        return schema, self._rows(
            f"select {', '.join(s for s, _kind in columns)} from {table}", schema
        )

    def _declared(self, name: str) -> dict[str, str]:
        """Column -> the type it was declared with."""
        columns = self.connection.execute(f"select * from {quoted(name)} limit 0").description
        told = dict(self.connection.execute("select name, type from pragma_table_xinfo(?)", [name]))
        return {c[0]: (told.get(c[0]) or "").upper() for c in columns}

    def _column(self, table: str, name: str, declared: str, kinds: set[str]) -> tuple[str, Any]:
        """SQL for a column that holds values of `kinds`, and the Arrow type for all of them."""
        import pyarrow as pa

        column = quoted(name)
        if kinds & {"integer", "real"} and ("DATE" in declared or "TIME" in declared):
            return _moment(column, timed="TIME" in declared), pa.string()
        if kinds == {"integer"}:
            return column, pa.int64()
        if kinds == {"real"} or (kinds == {"integer", "real"} and self._exact(table, column)):
            return column, pa.float64()
        return column, pa.string()

    def _exact(self, table: str, column: str) -> bool:
        whole = f"from {table} where typeof({column}) = 'integer'"
        ends = self.connection.execute(f"select min({column}), max({column}) {whole}").fetchone()
        return max(map(abs, ends)) <= _EXACT

    def _rows(self, sql: str, schema: Any) -> Iterator[Any]:
        import pyarrow as pa

        cursor = self.connection.execute(sql)
        while rows := cursor.fetchmany(BATCH):
            columns = zip(
                map(_written, zip(*rows, strict=True), schema.types), schema.types, strict=True
            )
            arrays = [pa.array(values, kind) for values, kind in columns]
            yield pa.record_batch(arrays, schema=schema)


def _written(values: tuple, kind: Any) -> Iterable[Any]:
    """The values of a column of text as text; those of other columns as they are."""
    if kind != "string" or set(map(type, values)) <= {str, type(None)}:
        return values
    return map(_text, values)


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
