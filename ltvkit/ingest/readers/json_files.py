"""JSON files, a record in each line or a list of records: all values are read as text."""

from __future__ import annotations

import json
from typing import Any

from ltvkit.core import redaction
from ltvkit.engines.sql import literal, one_file, quoted
from ltvkit.errors import DataError
from ltvkit.ingest.readers import nested
from ltvkit.ingest.readers.part import File, Part, make_distinct
from ltvkit.ingest.schema import LINE

LARGEST = 1 << 24  # bytes of one record


def read(connection: Any, file: File, work: Any, rules: Any) -> Part:
    """A JSON file as `Part`, with records within records flattened as `nested` does; raises
    `DataError` for one that is broken or empty. Its lines are its records, counted from 1."""
    import duckdb

    source = f"{one_file(file.path)}, maximum_object_size={LARGEST}"
    try:
        asked = f"select json_group_structure(json) from read_json_objects({source})"
        [[found]] = connection.execute(asked).fetchall()
        known = json.loads(found or "{}")
        if not isinstance(known, dict) or not known:
            raise DataError(f"{file.name} has no records: give a JSON object in each line.")
        kinds = ", ".join(f"{literal(n)}: {literal(_name_type(k))}" for n, k in known.items())
        opened = f"from read_json({source}, columns={{{kinds}}})"
        relation = connection.sql(opened)
        flat = nested.flatten(relation)
        names, twins = make_distinct([*relation.columns, *flat])
        chosen = [*(f"{quoted(c)}::varchar" for c in relation.columns), *flat.values()]
        listed = ", ".join(f"{x} as {quoted(n)}" for x, n in zip(chosen, names, strict=True))
        sql = f"select {listed}, row_number() over () as {LINE} {opened}"
        return Part.from_query(connection, file.name, sql, twins=twins, facts={"encoding": None})
    except duckdb.Error as error:
        reason = redaction.foreign(error)
        raise DataError(f"{file.name} cannot be read as JSON ({reason}).") from error


def _name_type(kind: Any) -> str:
    """What json_structure says of a value -> a DuckDB type whose single values are all texts.

    >>> _name_type({"a": "BIGINT", "b": [{"c": "DOUBLE"}], "d": ["NULL"]})
    'STRUCT("a" VARCHAR, "b" STRUCT("c" VARCHAR)[], "d" VARCHAR[])'
    """
    if isinstance(kind, list):
        return f"{_name_type(kind[0])}[]"
    if isinstance(kind, dict) and kind:
        inner = ", ".join(f"{quoted(name)} {_name_type(of)}" for name, of in kind.items())
        return f"STRUCT({inner})"
    return "VARCHAR"
