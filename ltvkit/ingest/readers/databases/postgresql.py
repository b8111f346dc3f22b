"""Tables of a PostgreSQL server, read in a transaction that can write nothing.

User, password and the like come from the environment, as PostgreSQL's own programs take them:
PGUSER, PGPASSWORD, PGPASSFILE, PGSERVICE, PGSSLMODE and so on.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from ltvkit.engines.sql import literal, quoted
from ltvkit.errors import DataError
from ltvkit.ingest.readers import databases

_WAIT = "30"  # seconds to connect
_BEGIN = (
    "set transaction isolation level repeatable read, read only",
    "set local timezone = 'UTC'",
    "set local synchronize_seqscans = off",  # else a scan may begin anywhere
)
_TABLES = """
    select nspname::text, relname::text
    from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    where relkind in ('r', 'v', 'm', 'p', 'f') and not relispartition
    and nspname !~ '^pg_' and nspname <> 'information_schema'
    and has_schema_privilege(relnamespace, 'usage') and has_table_privilege(pg_class.oid, 'select')
"""
# A domain counts as the type it is of.
_COLUMNS = """
    select attname::text, case typtype when 'd' then format_type(typbasetype, typtypmod)
    else format_type(atttypid, atttypmod) end::text
    from pg_attribute join pg_type on pg_type.oid = atttypid
    where attrelid = {}::regclass and attnum > 0 and not attisdropped order by attnum
"""
_PLAIN = ("smallint", "integer", "bigint", "double precision", "boolean")


@contextmanager
def connect(url: str) -> Iterator[databases.Database]:
    """A PostgreSQL database, for reading only; raises `DataError` for what goes wrong meanwhile."""
    import adbc_driver_postgresql.dbapi as adbc

    place = databases.redact_url(url)
    try:
        connection = adbc.connect(_address(url))
    except adbc.Error as error:
        raise DataError(
            f"{place} cannot be reached: {databases.describe_failure(error)}. Is the server "
            "running, and are PGUSER and PGPASSWORD (or PGPASSFILE) set in the environment?"
        ) from error
    try:
        with connection, connection.cursor() as cursor:
            for statement in _BEGIN:
                cursor.execute(statement)
            cursor.execute("select current_setting('server_version')")
            version = f"PostgreSQL {cursor.fetchone()[0].split()[0]}"
            cursor.execute(_TABLES)
            yield databases.Database(version, cursor.fetchall(), partial(read_table, cursor))
    except adbc.Error as error:
        raise DataError(f"{place} cannot be read: {databases.describe_failure(error)}.") from error


def read_table(cursor: Any, schema: str, name: str) -> tuple[Any, Iterable[Any]]:
    """The Arrow schema of a table, and its rows in record batches."""
    import pyarrow as pa

    table = f"{quoted(schema)}.{quoted(name)}"
    cursor.execute(_COLUMNS.format(literal(table)))
    kinds = dict(cursor.fetchall())
    pairs = kinds.items()
    chosen = ", ".join(f"{_cast_plain(quoted(c), kind)} as {quoted(c)}" for c, kind in pairs)
    cursor.execute(f"select {chosen} from {table}")
    reader = cursor.fetch_record_batch()
    columns = pa.schema([(f.name, _decimal(kinds[f.name]) or f.type) for f in reader.schema])
    return columns, (batch.cast(columns) for batch in reader)


def _cast_plain(column: str, kind: str) -> str:
    """SQL for a column as one of the plain types; dates without an end are NULL."""
    if kind in _PLAIN:
        return column
    if kind == "real":
        return f"{column}::text::float8"  # 0.1 as it reads, not the nearest float
    if kind == "money":
        return f"{column}::numeric::text"
    if kind == "date" or kind.startswith("timestamp"):
        return f"case when isfinite({column}) then {column} end"
    if _decimal(kind):
        return f"nullif({column}, 'NaN')::text"
    return f"{column}::text"


def _decimal(kind: str) -> Any:
    """The Arrow type of "numeric(12,2)"; None for other kinds, and for more than it can hold."""
    import pyarrow as pa

    found = re.fullmatch(r"numeric\((\d+),(\d+)\)", kind)
    digits, places = map(int, found.groups()) if found else (99, 0)
    return pa.decimal128(digits, places) if places <= digits <= 38 else None


def _address(url: str) -> str:
    """The URL for libpq: with a limit of time, and to no other host than it names."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    added = {"connect_timeout": _WAIT, "client_encoding": "UTF8", "application_name": "ltvkit"}
    if parts.netloc.rpartition("@")[2] or "host" in options:
        added["hostaddr"] = ""  # of the environment or a service, it would count more than the host
    query = urlencode(added | options, quote_via=quote)
    return f"{parts.scheme}://{parts.netloc}{parts.path}?{query}"
