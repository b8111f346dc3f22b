"""Join the items of an export to its orders, where it gives them in two files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ltvkit.engines.sql import quoted
from ltvkit.errors import DataError, ParamsError, nearest
from ltvkit.ingest import headers
from ltvkit.ingest.parse import values
from ltvkit.ingest.readers.part import Part
from ltvkit.ingest.schema import FAULT, LINE, RECORD, TEXT

if TYPE_CHECKING:
    from ltvkit.ingest.policies import Policies

SUFFIX = " (orders)"  # of a column of the orders whose name the items have, too


class _Orders(NamedTuple):
    """The orders: their parts, SQL for all their lines, and the header of their number."""

    parts: Sequence[Part]
    sql: str
    key: str


def join_orders(
    connection: Any, items: Sequence[Part], orders: Sequence[Part], *, on: str
) -> list[Part]:
    """Parts of items, and the parts of their orders -> the items with the columns of their orders.

    `on` is the header of the order number in all of them. An order without items in any part is
    kept once, as a line after the last. Raises `DataError` for a number that several orders have,
    and `ParamsError` where a file has no such column.
    """
    parts = [part.resolve(connection).with_line_numbers() for part in items]
    keys = [_find_key(on, part.columns, part.name) for part in parts]
    whole = [part.resolve(connection) for part in orders]
    right = _find_key(on, _list_kinds(whole), whole[0].name)
    joined = " union all by name ".join(f"select {_list_columns(p)} from ({p.sql})" for p in whole)
    _refuse_twice(connection, joined, right, whole[0].name)
    known = _Orders(whole, joined, right)
    given = [
        f"select {_write_key('i', k)} as number from ({p.sql}) i"
        for p, k in zip(parts, keys, strict=True)
    ]
    placed = f"select number from ({' union all '.join(given)}) where number is not null"
    alone = f"coalesce({_write_key('o', right)} not in ({placed}), true)"
    last = len(parts) - 1
    return [
        _join_part(part, key, known, alone=alone if n == last else "false")
        for n, (part, key) in enumerate(zip(parts, keys, strict=True))
    ]


def _join_part(items: Part, left: str, orders: _Orders, *, alone: str) -> Part:
    """A part of items with the columns of its orders, and the orders for which `alone` is true."""
    key, other = _write_key("i", left), _write_key("o", orders.key)
    kinds, taken = _list_kinds(orders.parts), set(map(str.casefold, items.columns))
    more = {c: c + SUFFIX * (c.casefold() in taken) for c in kinds if c != orders.key}
    own = [f"i.{quoted(c)}" for c in items.columns if c != left]
    own += [f"coalesce({key}, {other}) as {quoted(left)}"]
    own += [f"o.{quoted(c)} as {quoted(name)}" for c, name in more.items()]
    own += [f"i.{w}" for w in items.working if w not in RECORD]
    given = {"i": items.working, "o": [w for part in orders.parts for w in part.working]}
    faults = {w: [t for t, known in given.items() if w in known] for w in (FAULT, TEXT)}
    own += [
        f"coalesce({', '.join(f'{t}.{w}' for t in ts)}) as {w}" for w, ts in faults.items() if ts
    ]
    last = f"(select coalesce(max({LINE}), 0) from ({items.sql}))"
    sql = f"""select {", ".join(own)}, coalesce(i.{LINE}, {last} + row_number() over (
            partition by i.{LINE} is null order by {other})) as {LINE}
        from ({items.sql}) i full join ({orders.sql}) o on {key} = {other}
        where i.{LINE} is not null or {alone}"""
    columns = dict(items.columns) | {left: "VARCHAR"}
    columns |= {name: kinds[c] for c, name in more.items()}
    numbers = {c for part in orders.parts for c in part.numeric}
    numeric = [*items.numeric, *(name for c, name in more.items() if c in numbers)]
    working = dict.fromkeys([*items.working, *(w for w, ts in faults.items() if ts)])
    changed = {
        "working": [*working],
        "sql": sql,
        "columns": columns,
        "numeric": numeric,
        "plain": False,
    }
    return replace(items, **changed, expected=None, exact=None, head=None)


def refuse_join(rules: Policies, source: str) -> None:
    """Raise `ParamsError` where orders are to be joined to a source that is no file."""
    if rules.join:
        raise ParamsError(
            f"policies: join is for files, and {source} is none: join the orders and their items "
            "there, and give that as source."
        )


def _list_kinds(parts: Sequence[Part]) -> dict[str, str]:
    """The columns of several parts and their types."""
    return {c: kind for part in parts for c, kind in part.columns.items()}


def _write_key(table: str, header: str) -> str:
    """SQL for the order number of a line."""
    return values.strip_blanks(f"{table}.{quoted(header)}::varchar")


def _list_columns(part: Part) -> str:
    known = (*part.columns, *(w for w in (FAULT, TEXT) if w in part.working))
    return ", ".join(map(quoted, known))


def _find_key(on: str, found: Any, name: str) -> str:
    key = headers.match_header(on, found)
    if key is None:
        raise ParamsError(
            f"policies: join_on: {on!r} is not a header of {name}."
            f"{nearest(on, headers.drop_data(found))} It has: {headers.list_found(found)}."
        )
    return key


def _refuse_twice(connection: Any, joined: str, key: str, name: str) -> None:
    number = _write_key("o", key)
    sql = f"select count(*) - count(distinct {number}) from ({joined}) o where {number} is not null"
    if twice := connection.sql(sql).fetchall()[0][0]:
        raise DataError(
            f"policies: join: {twice:,} of the lines of {name} repeat the {key!r} of another line: "
            "give the file of the orders, one line each, as join, and that of the items as source."
        )
