"""Parquet files: their columns under their own names, and text that is stored as bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ltvkit.core import redaction
from ltvkit.engines.sql import one_file, quoted
from ltvkit.errors import DataError
from ltvkit.ingest.parse import values
from ltvkit.ingest.readers import nested
from ltvkit.ingest.readers.part import File, Part, make_distinct, select_raw
from ltvkit.ingest.schema import LINE

_PLAIN = ("VARCHAR", "BLOB", "BOOLEAN", "DATE", "TIME", "UUID")


def read(connection: Any, file: File, work: Any, rules: Any) -> Part:
    """A Parquet file as `Part`; raises `DataError` for one that is broken.

    Bytes that are text in UTF-8 are read as text, as are times of day with a zone. Records are
    flattened as `nested` says.
    """
    import duckdb

    path = one_file(file.path)
    try:
        found = connection.sql(f"from read_parquet({path})")
        columns = found.columns
        flat = nested.flatten(found)
        names, twins = make_distinct([*_list_names(connection, path, columns), *flat])
        numbered = "file_row_number" not in map(str.casefold, columns)
        line = "file_row_number + 1" if numbered else "row_number() over ()"
        option = ", file_row_number = true" * numbered
        chosen = select_raw(columns, names=names[: len(columns)], casts=cast_texts(found))
        added = zip(flat.values(), names[len(columns) :], strict=True)
        chosen = ", ".join([chosen, *(f"{value} as {quoted(name)}" for value, name in added)])
        sql = f"select {chosen}, {line} as {LINE} from read_parquet({path}{option})"
        return Part.from_query(connection, file.name, sql, twins=twins, facts={"encoding": None})
    except (duckdb.Error, RuntimeError) as error:  # the latter: names that are no text
        reason = redaction.foreign(error)
        raise DataError(f"{file.name} cannot be read as Parquet ({reason}).") from error


def cast_texts(relation: Any) -> dict[str, str]:
    """Column -> SQL for its text, of columns of bytes that are UTF-8, and of types that are neither
    number, text, day nor time: lists, mappings, intervals, times of day with a zone.

    >>> import duckdb
    >>> cast_texts(duckdb.sql("select encode('é') as a, '\\\\xE9'::blob as b, 1 as c, [1] as d"))
    {'d': '"d"::varchar', 'a': 'decode("a")'}
    """
    kinds = dict(zip(relation.columns, map(str, relation.types), strict=True))
    casts = {c: f"{quoted(c)}::varchar" for c, kind in kinds.items() if not _is_plain(kind)}
    stored = [c for c, kind in kinds.items() if kind == "BLOB"]
    if stored:
        spoilt = (
            f"bool_or({quoted(c)} is not null and try(decode({quoted(c)})) is null)" for c in stored
        )
        found = relation.aggregate(", ".join(spoilt)).fetchall()[0]
        casts |= {
            c: f"decode({quoted(c)})" for c, bad in zip(stored, found, strict=True) if not bad
        }
    return casts


def _is_plain(kind: str) -> bool:
    """Whether values of a DuckDB type are single ones that pandas holds as such."""
    single = kind in _PLAIN or kind.startswith(("TIMESTAMP", "ENUM(")) or values.is_number(kind)
    return single and not kind.endswith("]")


def _list_names(connection: Any, path: str, columns: Sequence[str]) -> Sequence[str]:
    """The names in the file: DuckDB changes those that differ from another in case only."""
    rows = iter(connection.sql(f"select name, num_children from parquet_schema({path})").fetchall())
    names = list(_walk(rows))
    return names if len(names) == len(columns) else columns


def _walk(rows: Iterator[tuple[str, int | None]]) -> Iterator[str]:
    """A file's schema, in depth first order -> the names of its columns."""
    _root, count = next(rows)
    for _column in range(count or 0):
        name, children = next(rows)
        yield name
        within = children or 0
        while within:
            _name, children = next(rows)
            within += (children or 0) - 1
