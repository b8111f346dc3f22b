"""Join the items of an export to its orders, where it gives them in two files."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ltvkit.engines.sql import literal, quoted
from ltvkit.errors import DataError, ParamsError, nearest
from ltvkit.ingest import headers
from ltvkit.ingest.parse import values
from ltvkit.ingest.readers.part import Part
from ltvkit.ingest.schema import LINE, RECORD

SUFFIX = " (orders)"  # of a column of the orders whose name the items have, too


def join_orders(connection: Any, items: Part, orders: Sequence[Part], *, on: str) -> Part:
    """A part of items, and the parts of their orders -> the items with the columns of their orders.

    `on` is the header of the order number in both. An order without items is kept, as a line after
    the last. Raises `DataError` for a number that several orders have, and `ParamsError` where a
    file has no such column.
    """
    items = items.resolve(connection).with_line_numbers()
    whole = [part.resolve(connection) for part in orders]
    joined = " union all by name ".join(f"select {_list_columns(p)} from ({p.sql})" for p in whole)
    known = dict.fromkeys(c for part in whole for c in part.columns)
    left, right = (_find_key(on, found, name) for found, name in _name_files(items, whole, known))
    _refuse_twice(connection, joined, right, whole[0].name)
    key = values.strip_blanks(f"i.{quoted(left)}::varchar")
    other = values.strip_blanks(f"o.{quoted(right)}::varchar")
    more = {c: c + SUFFIX * (c in items.columns) for c in known if c != right}
    chosen = ", ".join(f"o.{quoted(c)} as {quoted(name)}" for c, name in more.items())
    last = f"(select max({LINE}) from ({items.sql}))"
    rest = ", ".join(f"i.{w}" for w in items.working if w not in (LINE,))
    own = ", ".join(f"i.{quoted(c)}" for c in items.columns if c != left)
    sql = f"""select {own}, coalesce({key}, {other}) as {quoted(left)}{", " * bool(chosen)}{chosen}
        {", " * bool(rest)}{rest}, coalesce(i.{LINE}, {last} + row_number() over (
            partition by i.{LINE} is null order by {other})) as {LINE}
        from ({items.sql}) i full join ({joined}) o on {key} = {other}"""
    kinds = {part_column: kind for part in whole for part_column, kind in part.columns.items()}
    columns = dict(items.columns) | {left: "VARCHAR"}
    columns |= {name: kinds[c] for c, name in more.items()}
    return replace(items, sql=sql, columns=columns, expected=None, exact=None, plain=False)


def _list_columns(part: Part) -> str:
    return ", ".join(quoted(c) for c in part.columns if c not in RECORD)


def _name_files(items: Part, whole: Sequence[Part], known: Any) -> list[tuple[Any, str]]:
    return [(items.columns, items.name), (known, whole[0].name)]


def _find_key(on: str, found: Any, name: str) -> str:
    key = headers.match_header(on, found)
    if key is None:
        raise ParamsError(
            f"policies: join_on: {on!r} is not a header of {name}.{nearest(on, found)} It has: "
            f"{', '.join(found)}."
        )
    return key


def _refuse_twice(connection: Any, joined: str, key: str, name: str) -> None:
    number = values.strip_blanks(f"{quoted(key)}::varchar")
    sql = f"select count(*) - count(distinct {number}) from ({joined}) where {number} is not null"
    if twice := connection.sql(sql).fetchall()[0][0]:
        raise DataError(
            f"policies: join: {name} has {twice} lines with a {literal(key)} that stands before: "
            "give the file of the orders, one line each, as join, and that of the items as source."
        )
