"""Columns that hold records, flattened: traffic_source.source, event_params.transaction_id.

So Google Analytics 4 exports events to BigQuery: `event_params` is a list of records of a key and a
value, and a value is in one of string_value, int_value, float_value and double_value. A table that
has no such list stays as it is, and so does a list of so many keys that they are data, not names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ltvkit.core import notices
from ltvkit.engines.sql import literal, quoted

KEY, VALUE = "key", "value"
MOST_KEYS = 1000  # of one list: each is a column


def flatten(relation: Any) -> dict[str, str]:
    """A relation -> column: SQL, for each value within its records and each key of its lists of
    keys and values; {} where there is no such list. Keys are sorted.

    >>> import duckdb
    >>> value = "{'string_value': null::varchar, 'int_value': 3}"
    >>> rows = duckdb.sql(f"select [{{'key': 'n', 'value': {value}}}] as p, {{'b': 1}} as a")
    >>> columns = flatten(rows)
    >>> list(columns), rows.project(", ".join(columns.values())).fetchall()
    (['p.n', 'a.b'], [('3', 1)])
    """
    kinds = dict(zip(relation.columns, relation.types, strict=True))
    lists = {name: kind for name, kind in kinds.items() if _find_values(kind)}
    if not lists:
        return {}
    found: dict[str, str] = {}
    for name, kind in kinds.items():
        if name in lists:
            found |= _pick(relation, name, _find_values(kind))
        elif kind.id == "struct":
            found |= {".".join(at): sql for at, sql in _walk([name], quoted(name), kind)}
    return {name: sql for name, sql in found.items() if name not in kinds}


def _find_values(kind: Any) -> list[str]:
    """The fields of a value, of a list of keys and values; [] of another type."""
    record = kind.children[0][1] if kind.id == "list" else None
    if record is None or record.id != "struct":
        return []
    fields = dict(record.children)
    if not {KEY, VALUE} <= set(fields) or fields[VALUE].id != "struct":
        return []
    return [name for name, _kind in fields[VALUE].children if name.endswith("_value")]


def _pick(relation: Any, name: str, fields: list[str]) -> dict[str, str]:
    """Of a list of keys and values: a column for each key, with its first value as text."""
    keys = f"unnest(list_distinct(list_transform({quoted(name)}, lambda x: x.{KEY})))"
    found = relation.project(f"{keys} as k").aggregate("k").order("k")
    listed = found.limit(MOST_KEYS + 1).fetchall()
    if len(listed) > MOST_KEYS:
        notices.tell(f"{name} has more than {MOST_KEYS:,} keys: it is read as one column of text.")
        return {}
    columns = {}
    for [key] in listed:
        first = f"list_filter({quoted(name)}, lambda x: x.{KEY} = {literal(key)})[1].{VALUE}"
        texts = ", ".join(f"({first}).{quoted(f)}::varchar" for f in fields)
        columns[f"{name}.{key}"] = f"coalesce({texts})"
    return columns


def _walk(at: list[str], sql: str, kind: Any) -> Iterator[tuple[list[str], str]]:
    for name, inner in kind.children:
        place, value = [*at, name], f"({sql}).{quoted(name)}"
        if inner.id == "struct":
            yield from _walk(place, value, inner)
        elif inner.id != "list":
            yield place, value
