"""Orders from a table of a database by its URL: DuckDB, SQLite, PostgreSQL.

Databases are opened for reading only. A table is copied in batches to a Parquet file of plain
types: text, numbers, dates and times. `ingest.parse` reads the values, as for text.

Each kind of database is a module with `connect(url)`, a context manager that gives a `Database`.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ltvkit.core import paths, redaction
from ltvkit.core.files import list_names
from ltvkit.engines.sql import literal, quoted
from ltvkit.errors import DataError, ParamsError, nearest

_SERVERS = ("postgresql", "postgres")
KINDS = {"duckdb": "duckdb_file", "sqlite": "sqlite_file"} | dict.fromkeys(_SERVERS, "postgresql")
_SHOWN = 20


@dataclass(frozen=True)
class Database:
    """An open database: its `version`, and the (schema, name) of its tables and views.

    `read` takes the schema and name of one: its Arrow schema, and its rows in record batches.
    """

    version: str
    tables: list[tuple[str, str]]
    read: Callable[[str, str], tuple[Any, Iterable[Any]]]


def is_address(source: str) -> bool:
    """Whether a source is the URL of a database.

    >>> [is_address(s) for s in ("sqlite:///shop.db", "postgresql://host/shop", "shop.csv")]
    [True, True, False]
    """
    kind, mark, _rest = source.partition("://")
    return bool(mark) and kind in KINDS


def is_file(source: str) -> bool:
    """Whether a source is the URL of a database that is a file."""
    return is_address(source) and not is_on_server(source)


def is_on_server(source: str) -> bool:
    """Whether a source is the URL of a database that has no file here.

    >>> is_on_server("postgresql://host/shop"), is_on_server("postgresql")
    (True, False)
    """
    return is_address(source) and source.partition("://")[0] in _SERVERS


def redact_url(url: str) -> str:
    """A URL without user, password and options.

    >>> redact_url("postgresql://me@db.example:5433/shop?sslmode=require")
    'postgresql://db.example:5433/shop'
    """
    kind, _mark, rest = url.partition("://")
    if kind not in _SERVERS:
        return url
    return f"{kind}://{rest.partition('?')[0].rpartition('@')[2]}"


def export_table(url: str, target: Path, *, table: str = "") -> dict[str, Any]:
    """A table or view of a database -> the Parquet file `target`, and facts about it.

    `table` is "name" or "schema.name"; empty: the only one. Facts: source, table, database
    (its version), read_at, rows, digest (of the rows, whatever their order). Raises `DataError`
    for what is not there or cannot be read, `ParamsError` for a password in the URL.
    """
    import pyarrow.parquet as pq

    refuse_password(url)
    read_at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    place = redact_url(url)
    kind = import_module(f"{__name__}.{KINDS[url.partition('://')[0]]}")
    with kind.connect(url) as database:
        schema, name = _choose_table(database.tables, table, place)
        columns, batches = database.read(schema, name)
        _refuse_twins(columns.names, name)
        with pq.ParquetWriter(target, columns) as file:
            for batch in _translate_errors(batches, place):
                file.write_batch(batch)
    facts = {"source": place, "table": f"{schema}.{name}", "database": database.version}
    return facts | {"read_at": read_at, "encoding": None} | _digest(target)


def list_files(url: str) -> list[Path]:
    """The files of a database: its own, and its log of changes; none of a server."""
    if is_on_server(url):
        return []
    path = find_file(url)
    beside = (path.with_name(path.name + end) for end in ("-wal", "-journal", ".wal"))
    # SQLite makes an empty log where it reads.
    return [path, *(log for log in beside if log.is_file() and log.stat().st_size)]


def find_file(url: str) -> Path:
    """The file that a URL names: sqlite:///shop.db below the project, sqlite:////tmp/a.db not.

    Raises `DataError` naming the nearest where there is none.
    """
    kind, _mark, rest = url.partition("://")
    if not rest.startswith("/"):
        raise DataError(f"source {url!r}: write three slashes, as in {kind}:///{rest}.")
    path = paths.resolve(rest[1:])
    if not path.is_file():
        hint = nearest(path.name, list_names(path))
        if Path(rest).is_file():
            hint = f" Did you mean '{kind}:///{rest}' (four slashes: from the root)?"
        raise DataError(f"source {url!r}: there is no file at {path}.{hint}")
    return path


def refuse_password(url: str) -> None:
    """Raise `ParamsError` for a server's URL with a password in it; nothing of it is repeated."""
    kind, _mark, rest = url.partition("://")
    if kind not in _SERVERS:
        return
    options = {n.lower() for n, _value in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    # Whatever marks an unescaped password may hold, it stands between a colon and the last @.
    if ":" in rest.rpartition("@")[0] or options & {"password", "sslpassword"}:
        raise ParamsError(
            "the source has a password in its URL, and params are printed in reports: take it out, "
            "and set PGPASSWORD (or PGPASSFILE) in the environment."
        )


def describe_failure(error: BaseException) -> str:
    """The message of a database's error on one line, without what it quotes of the rows.

    >>> describe_failure(ValueError('ERROR: value "17" is out of range for type smallint'))
    'value *** is out of range for type smallint'
    """
    text = re.sub(r"^.*?\[libpq\] ", "", str(error), flags=re.S)
    found = re.search(r"(?:FATAL|ERROR):\s*(.+)", text)
    return redaction.foreign(found[1] if found else text).rstrip(".")


def _translate_errors(batches: Iterable[Any], place: str) -> Iterator[Any]:
    import pyarrow as pa

    try:
        yield from batches
    except (OSError, pa.ArrowException) as error:  # as Arrow hands on what a database raises
        raise DataError(f"{place} cannot be read: {describe_failure(error)}.") from error


def _choose_table(tables: list[tuple[str, str]], wanted: str, place: str) -> tuple[str, str]:
    found = [t for t in tables if wanted in ("", t[1], ".".join(t))]
    if len(found) == 1:
        return found[0]
    plain = len({name for _schema, name in tables}) == len(tables)
    names = sorted(name if plain else f"{schema}.{name}" for schema, name in tables)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    listed = f"It has: {', '.join(names[:_SHOWN])}{more}." if names else "It has none to read."
    if not wanted:
        raise DataError(f"{place} has {len(names)} tables: say `policies: table`. {listed}")
    if found:
        raise DataError(f"{place} has several tables {wanted!r}: say which schema. {listed}")
    raise DataError(f"{place} has no table {wanted!r}.{nearest(wanted, names)} {listed}")


def _refuse_twins(names: list[str], table: str) -> None:
    alike = [name.casefold() for name in names]
    twins = [name for name in names if alike.count(name.casefold()) > 1]
    if twins:
        raise DataError(
            f"table {table!r} has columns that differ in case only: {', '.join(twins)}. "
            "Make a view in which they have names of their own."
        )


def _digest(path: Path) -> dict[str, Any]:
    """Rows of a Parquet file, and a digest of them in which their order doesn't count.

    By DuckDB's hashes, the same in all its versions so far; MD5 would take as long as reading.
    """
    import duckdb

    with duckdb.connect() as connection:
        rows = connection.read_parquet(str(path))
        described = [*zip(rows.columns, map(str, rows.types), strict=True)]
        columns = ", ".join(map(quoted, rows.columns))
        counted = connection.sql(
            f"select count(*), sum(hash({columns})) from read_parquet({literal(str(path))})"
        )
        count, total = counted.fetchall()[0]
    said = repr((described, count, total))
    return {"rows": count, "digest": hashlib.sha256(said.encode()).hexdigest()}
