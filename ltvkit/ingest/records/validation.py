"""Validate records: rules for each row first, then rules that compare rows.

A row has at most one reject reason; without one it is kept.

- An event needs a time, a name, and a visitor or a customer; an enquiry a time, and a text or an
  intent. An enquiry without an id gets its line as id.
- A row that repeats an earlier one in all columns (or its event_id, or an enquiry's id and text) is
  left out as repeated, unless `policies: repeated` keeps it. Events of a day without a time of day
  are all kept: two views of a product on a day are two.
- An enquiry's id with another text is a later message of it, and left out: the first one, by its
  time, is the enquiry. With another customer, the id is not one: the later ones are broken rows.
- A few rows dated more than a year from all others are left out as typing errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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


def build_reason(options: Options, written: Mapping[str, str], raw: Mapping[str, str]) -> str:
    """SQL for the reject reason of a row of typed values; NULL where there is none.

    `written` is canonical column -> SQL for its text as written, `raw` the same of all columns of
    the file.
    """
    time, until = options.table["time"], options.rules.data_until
    cells = f"coalesce({', '.join(strip_blanks(text) for text in raw.values())})"
    said = written[time]
    # Rejected rows are few, so only there an empty row, a total and a header are told apart.
    unread = f"""case when {cells} is null then 'empty row'
        when regexp_full_match({narrow(cells)}, '{TOTAL}', 'i') then '{TOTAL_ROW}'
        when {_repeats_header(said, written, time)} then 'repeated header'
        when {strip_blanks(said)} is null then {literal(_MISSING.format(time))}
        when {is_placeholder(said)} then {literal(_means_no_day(time))}
        else {literal(_UNREADABLE.format(time))} end"""
    rules = [(f"{FAULT} is not null", FAULT), (f"{quoted(time)} is null", unread)]
    if until:
        after = f"{quoted(time)}::date > date {literal(until)}"
        rules.append((after, literal(f"{time} is after data_until")))
    for group in _list_needs(options):
        there = [name for name in group if name in written]
        nothing = " and ".join(f"{quoted(name)} is null" for name in there)
        rules.append((nothing, literal(_name_missing(group))))
    return f"case {' '.join(f'when {holds} then {text}' for holds, text in rules)} end"


def _means_no_day(time: str) -> str:
    return validation.PLACEHOLDER.replace("order_date", time)


def _repeats_header(said: str, written: Mapping[str, str], time: str) -> str:
    return f"trim({narrow(said)}) = {literal(written.get('_header', time))}"


def compare(connection: Any, sql: str, columns: Sequence[str], options: Options) -> str:
    """SQL for validated rows -> SQL for them after the rules that need more than one row; the same
    text where these change nothing. `columns` are the canonical ones that the rows have.
    """
    given = sql
    place = find_place(connection, sql)
    files = f"{FILE} || ' ' || " * (FILE in place)
    key = options.table.get("id")
    if key and _ask(connection, sql, f"{quoted(key)} is null and reason is null"):
        name = (
            f"coalesce({quoted(key)}, case when reason is null then {files}'line ' || {LINE} end)"
        )
        sql = f"select * replace ({name} as {quoted(key)}) from ({sql})"
    elif key and key not in columns:
        columns = [*columns, key]
    first, last = find_bounds(connection, sql, options)
    time = quoted(options.table["time"])
    if first is not None:
        far = (
            f"case when {time} < timestamp {literal(str(first))} then {literal(FAR_BEFORE)} "
            f"when {time} >= timestamp {literal(str(last))} then {literal(FAR_AFTER)} end"
        )
        sql = _reject(sql, far)
    if reason := _build_repeats(connection, sql, columns, options, place):
        sql = _reject(sql, reason)
    return sql if sql != given else given


def find_bounds(connection: Any, sql: str, options: Options) -> tuple[Any, Any]:
    """The first day of rows, and the day after the last, without a few far from all others; none
    where no row lies far."""
    time = quoted(options.table["time"])
    daily = connection.execute(
        f"select {time}::date as day, count(*) as lines from ({sql}) where reason is null "
        "group by 1 order by 1"
    ).df()
    daily = daily.assign(day=pd.to_datetime(daily["day"])).set_index("day")
    if daily.empty or (daily.index[-1] - daily.index[0]).days <= APART_DAYS:
        return None, None
    core = find_core(daily)
    if len(core) == len(daily):
        return None, None
    return core.index[0], core.index[-1] + pd.Timedelta(days=1)


def _reject(sql: str, reason: str) -> str:
    """Rows with a further reason for those that have none."""
    return f"select * replace (coalesce(reason, {reason}) as reason) from ({sql})"


def _build_repeats(
    connection: Any, sql: str, columns: Sequence[str], options: Options, place: str
) -> str:
    """SQL for the reason of rows that repeat others; "" where none does."""
    if options.name == "enquiries":
        return _build_messages(connection, sql, columns, options, place)
    if options.repeated == "keep":
        return ""
    same = [quoted(c) for c in columns if c != "event_id"]
    if "event_id" in columns:
        by = f"event_id, {_unless('event_id', same)}"
    elif _ask(connection, sql, "reason is null and event_time <> event_time::date"):
        by = ", ".join(same)
    else:
        return ""
    again = f"row_number() over (partition by reason is null, {by} order by {place}) > 1"
    if not _has_twice(connection, sql, by):
        return ""
    return f"case when {again} then {literal(REPEATED)} end"


def _unless(key: str, columns: Iterable[str]) -> str:
    """Columns that count only where there is no key."""
    return ", ".join(f"case when {key} is null then {column} end" for column in columns)


def _build_messages(
    connection: Any, sql: str, columns: Sequence[str], options: Options, place: str
) -> str:
    same = [quoted(c) for c in columns if c not in ("enquiry_id", "enquiry_time", "text")]
    order = ", ".join(["enquiry_time", "text", *same, place])
    one = f"partition by reason is null, enquiry_id order by {order}"
    whole = f"partition by reason is null, enquiry_id, text, intent_ order by {order}"
    intent = "intent" if "intent" in columns else "null"
    whole = whole.replace("intent_", f"case when text is null then {intent} end")
    # Rows that had no id have their line as one: there the customer, the time and the text tell.
    alike = ", ".join(quoted(c) for c in columns if c != "enquiry_id")
    copy = (
        f"row_number() over (partition by reason is null, {alike} order by enquiry_id, {place}) > 1"
    )
    unnamed = "(enquiry_id is null or regexp_matches(enquiry_id, '(^| )line [0-9]+$'))"
    twice = _has_twice(connection, sql, "enquiry_id") or _has_twice(connection, sql, alike)
    if not twice:
        return ""
    first = f"first_value(customer_id) over ({one})"
    repeated = (
        ""
        if options.repeated == "keep"
        else f"""
        when {unnamed} and text is not null and customer_id is not null and {copy}
        then {literal(REPEATED)}
        when row_number() over ({whole}) > 1 then {literal(REPEATED)}"""
    )
    return f"""case {repeated}
        when row_number() over ({one}) > 1 and customer_id <> {first} then {literal(OTHERS_ID)}
        when row_number() over ({one}) > 1 then {literal(LATER_MESSAGE)} end"""


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
