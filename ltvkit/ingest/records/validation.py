"""Validate records: rules for each row first, then rules that compare rows.

A row has at most one reject reason; without one it is kept.

- An event needs a time, a name, and a visitor or a customer; an enquiry a time, and a text or an
  intent. An enquiry without an id gets its line as id.
- A row that repeats an earlier one in all columns (or its event_id, or an enquiry's id and text) is
  left out as repeated; `policies: repeated` keeps events. Events of a day without a time of day
  are all kept: two views of a product on a day are two.
- An enquiry's id with another text is a later message of it, and left out: the first one, by its
  time, is the enquiry. With another customer, the id is not one: the later ones are broken rows.
- A few rows dated more than a year from all others are left out as typing errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from ltvkit.engines.sql import literal, quoted
from ltvkit.ingest import validation
from ltvkit.ingest.parse.placeholder_days import is_placeholder
from ltvkit.ingest.parse.values import narrow, strip_blanks
from ltvkit.ingest.readers.csv_records import NOT_CLOSED, NUL, RAGGED, STRAY, TOTAL, TOTAL_ROW
from ltvkit.ingest.schema import FAULT, FILE, LINE
from ltvkit.ingest.span import APART_DAYS, find_core

if TYPE_CHECKING:
    from ltvkit.ingest.records.options import Options

_FAULTS = (RAGGED, NOT_CLOSED, STRAY, NUL)
REPEATED = "repeated: an earlier row is the same"
LATER_MESSAGE = "later message of an enquiry"
OTHERS_ID = "enquiry_id is that of another customer's enquiry"
FAR_BEFORE = "more than a year before all others (a typing error?)"
FAR_AFTER = "more than a year after all others (a typing error?)"
NOBODY = "nobody: neither visitor_id nor customer_id"
_UNREADABLE, _MISSING = "{} is unreadable", "{} is missing"


def list_broken(options: Options) -> list[str]:
    """The reasons that mean a broken row; too many of them stop a report."""
    time = options.table["time"]
    found = [*_FAULTS, _UNREADABLE.format(time), _MISSING.format(time), OTHERS_ID]
    return [*found, *(_name_missing(group) for group in _list_needs(options) if group != _WHO)]


_WHO = ["visitor_id", "customer_id"]


def _list_needs(options: Options) -> list[list[str]]:
    """The groups of columns that a row needs, but for its time."""
    return [group for group in options.table["needs"] if group != [options.table["time"]]]


def _name_missing(group: Sequence[str]) -> str:
    if group == _WHO:
        return NOBODY
    return f"neither {' nor '.join(group)}" if group[1:] else _MISSING.format(group[0])


def build_reason(options: Options, mapped: Mapping[str, str], raw: Mapping[str, str]) -> str:
    """SQL for the reject reason of a row of typed values; NULL where there is none.

    `mapped` is canonical column -> header, `raw` header -> SQL for its text as written.
    """
    time, until = options.table["time"], options.rules.data_until
    cells = f"coalesce({', '.join(strip_blanks(text) for text in raw.values())})"
    said = raw[mapped[time]]
    means_none = validation.PLACEHOLDER.replace("order_date", time)
    # Rejected rows are few, so only there an empty row, a total and a header are told apart.
    unread = f"""case when {cells} is null then 'empty row'
        when regexp_full_match({narrow(cells)}, '{TOTAL}', 'i') then '{TOTAL_ROW}'
        when trim({narrow(said)}) = {literal(mapped[time])} then 'repeated header'
        when {strip_blanks(said)} is null then {literal(_MISSING.format(time))}
        when {is_placeholder(said)} then {literal(means_none)}
        else {literal(_UNREADABLE.format(time))} end"""
    rules = [(f"{FAULT} is not null", FAULT), (f"{quoted(time)} is null", unread)]
    if until:
        after = f"{quoted(time)}::date > date {literal(until)}"
        rules.append((after, literal(f"{time} is after data_until")))
    for group in _list_needs(options):
        nothing = " and ".join(f"{quoted(name)} is null" for name in group if name in mapped)
        rules.append((nothing, literal(_name_missing(group))))
    return f"case {' '.join(f'when {holds} then {text}' for holds, text in rules)} end"


def compare(connection: Any, sql: str, columns: Sequence[str], options: Options) -> str:
    """SQL for validated rows -> SQL for them after the rules that need more than one row; the same
    text where these change nothing. `columns` are the canonical ones that are mapped.
    """
    place, key = find_place(connection, sql), options.table.get("id")
    if key and _ask(connection, sql, f"{quoted(key)} is null and reason is null"):
        file = f"{FILE} || ' " if FILE in place else "'"
        named = f"case when reason is null then {file}line ' || {LINE} end"
        named = f"coalesce({quoted(key)}, {named})"
        sql = f"select * replace ({named} as {quoted(key)}) from ({sql})"
    if far := _build_far(connection, sql, quoted(options.table["time"])):
        sql = _reject(sql, far)
    build = _build_messages if options.name == "enquiries" else _build_repeats
    if options.repeated != "keep" and (reason := build(connection, sql, columns, place)):
        sql = _reject(sql, reason)
    return sql


def _build_far(connection: Any, sql: str, time: str) -> str:
    """SQL for the reason of a few rows that lie far from all others in time; "" where none does."""
    daily = connection.execute(
        f"select {time}::date as day, count(*) as lines from ({sql}) where reason is null "
        "group by 1 order by 1"
    ).df()
    daily = daily.assign(day=pd.to_datetime(daily["day"])).set_index("day")
    if daily.empty or (daily.index[-1] - daily.index[0]).days <= APART_DAYS:
        return ""
    core = find_core(daily)
    if len(core) == len(daily):
        return ""
    first, last = (literal(str(day.date())) for day in (core.index[0], core.index[-1]))
    return (
        f"case when {time}::date < date {first} then {literal(FAR_BEFORE)} "
        f"when {time}::date > date {last} then {literal(FAR_AFTER)} end"
    )


def _reject(sql: str, reason: str) -> str:
    """Rows with a further reason for those that have none."""
    return f"select * replace (coalesce(reason, {reason}) as reason) from ({sql})"


def _build_repeats(connection: Any, sql: str, columns: Sequence[str], place: str) -> str:
    """SQL for the reason of events that repeat others; "" where none does."""
    same = [quoted(c) for c in columns if c != "event_id"]
    if "event_id" in columns:
        alone = (f"case when event_id is null then {column} end" for column in same)
        by = ", ".join(["event_id", "event", "visitor_id", *alone])
    elif _ask(connection, sql, "reason is null and event_time <> event_time::date"):
        by = ", ".join(same)
    else:
        return ""
    if not _has_twice(connection, sql, by):
        return ""
    again = f"row_number() over (partition by reason is null, {by} order by {place}) > 1"
    return f"case when {again} then {literal(REPEATED)} end"


def _build_messages(connection: Any, sql: str, columns: Sequence[str], place: str) -> str:
    """SQL for the reason of rows of an enquiry that an earlier row is of; "" where none is."""
    alike = ", ".join(quoted(c) for c in columns if c != "enquiry_id")
    if not any(_has_twice(connection, sql, by) for by in ("enquiry_id", alike)):
        return ""
    same = [quoted(c) for c in columns if c not in ("enquiry_id", "enquiry_time", "text")]
    order = ", ".join(["enquiry_time", "text", *same, place])
    intent = ", case when text is null then intent end" if "intent" in columns else ""
    one = f"(partition by reason is null, enquiry_id order by {order})"
    text = f"(partition by reason is null, enquiry_id, text{intent} order by {order})"
    # A row without an id has its line as one: there all that is written tells.
    copy = f"(partition by reason is null, {alike} order by enquiry_id, {place})"
    unnamed = "regexp_matches(enquiry_id, '(^| )line [0-9]+$') and text is not null"
    customer = "customer_id is not null and " if "customer_id" in columns else "false and "
    return f"""case
        when {customer}{unnamed} and row_number() over {copy} > 1 then {literal(REPEATED)}
        when row_number() over {text} > 1 then {literal(REPEATED)}
        when row_number() over {one} > 1 and customer_id <> first_value(customer_id) over {one}
        then {literal(OTHERS_ID)}
        when row_number() over {one} > 1 then {literal(LATER_MESSAGE)} end"""


def _has_twice(connection: Any, sql: str, by: str) -> bool:
    """Whether several kept rows have the same values of `by`."""
    asked = f"select count(*) > count(distinct hash({by})) from ({sql}) where reason is null"
    return bool(connection.execute(asked).fetchall()[0][0])


def _ask(connection: Any, sql: str, holds: str) -> bool:
    """Whether it holds for any row."""
    return bool(connection.execute(f"select 1 from ({sql}) where {holds} limit 1").fetchall())


def find_place(connection: Any, sql: str) -> str:
    """The columns that say where a row stands in the source."""
    return f"{FILE}, {LINE}" if FILE in connection.sql(sql).columns else LINE
