"""What is said of events and enquiries: their reconciliation, and facts about the source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from ltvkit.core.i18n import _
from ltvkit.engines.sql import literal, quoted
from ltvkit.errors import DataError
from ltvkit.ingest.readers import Raw
from ltvkit.ingest.records import columns as headers
from ltvkit.ingest.records import validation, values
from ltvkit.ingest.records.options import FORMATS, Options
from ltvkit.ingest.schema import FILE, LINE

MOST_NAMES = 1_000  # of events that the facts count one by one
MOST_VALUES, LONGEST = 10, 20  # of those not understood that are named; letters of one
OTHER = "(other names)"
FEWEST = 5  # people who tell a name of events from one that names a person


def list_events(records: Any, *, rare: bool = False) -> pd.DataFrame:
    """`Records` of events -> their names: event, stage (None: no stage is mapped to it), events and
    share of all, and how many `names` a row stands for; those without a stage first, then by number
    and name.

    Names without a stage of fewer than `FEWEST` people, as view_user_C0123, and names beyond
    `MOST_NAMES` are one row, `OTHER`. `rare` also names those of few people: for the terminal, not
    for a page; it needs rows of DuckDB.
    """
    names = records.facts["event_names"]
    if rare:
        named = records.rows.aggregate("event, stage, count(*) as events").order("events desc")
        names = named.limit(MOST_NAMES).fetchall()
    table = pd.DataFrame(names, columns=["event", "stage", "events"])
    table["share"] = table["events"] / max(table["events"].sum(), 1)
    table["names"] = [records.facts["other_names"] if e == OTHER else 1 for e in table["event"]]
    unknown = table["stage"].notna()
    table = table.assign(_known=unknown).sort_values(
        ["_known", "events", "event"], ascending=[True, False, True], ignore_index=True
    )
    return table.drop(columns="_known")


def describe_source(
    raw: Raw, sql: str, names: Sequence[Mapping[str, str]], options: Options
) -> dict[str, Any]:
    """Facts about the source and its kept rows; raises `DataError` where none could be kept."""
    time, ask = options.table["time"], raw.connection.execute
    kept = f"from ({sql}) where reason is null"
    lines, first, last, customers = ask(
        f"select count(*), min({time})::date::varchar, max({time})::date::varchar, "
        f"count(customer_id) {kept}"
    ).fetchall()[0]
    if not lines:
        raise _explain_nothing_kept(ask, sql, options)
    [read_] = ask(f"select count(*) from ({sql})").fetchall()[0]
    form = options.format or headers.recognise(raw.columns) if options.name == "events" else ""
    unread = _list_unreadable(ask, sql, names, options)
    facts = raw.facts | {
        "lines_read": read_,
        "kept": lines,
        "first": first,
        "last": last,
        "with_customer": customers,
        "columns": {n: h for found in names for n, h in found.items()},
        "headers": {h: n for found in names for n, h in found.items()},
        "format": FORMATS[form]["name"] if form else "",
        "unreadable": {n: sum(x for _v, x in values_) for n, values_ in unread.items()},
        "unreadable_values": {n: values_[:MOST_VALUES] for n, values_ in unread.items()},
        "first_lines": _find_first_lines(raw, sql),
    }
    if options.name == "events":
        return facts | _describe_events(ask, kept, options)
    return facts | _describe_enquiries(ask, sql, kept, names, options)


def _find_first_lines(raw: Raw, sql: str) -> dict[str, str]:
    """Reason -> where the first row stands that was rejected for it."""
    place = validation.find_place(raw.connection, sql)
    file = f"{FILE} || ', " if FILE in place else "'"
    found = raw.connection.execute(
        f"select reason, arg_min({file}line ' || {LINE}, ({place})) from ({sql}) "
        "where reason is not null group by 1 order by 1"
    ).fetchall()
    return dict(found)


def _describe_events(ask: Callable[[str], Any], kept: str, options: Options) -> dict[str, Any]:
    # What the shop's params name is no secret of a person; of the rest, few people may tell one.
    said = ", ".join(map(literal, options.stages)) or "null"
    named = f"stage is not null or coalesce({values.write_key('event')} in ({said}), false)"
    people = f"count(distinct coalesce(visitor_id, customer_id)) >= {FEWEST}"
    listed = ask(
        f"select event, stage, count(*) as lines {kept} group by all "
        f"having {people} or bool_or({named}) order by lines desc, event limit {MOST_NAMES}"
    ).fetchall()
    lines, names, unknown, visitors = ask(
        "select count(*), count(distinct event), count(*) filter (stage is null), "
        f"count(visitor_id) {kept}"
    ).fetchall()[0]
    found = [list(row) for row in listed]
    if rest := lines - sum(row[2] for row in listed):
        found.append([OTHER, None, rest])
    facts = {"event_names": found, "other_names": names - len(listed)}
    return facts | {"without_stage": unknown, "with_visitor": visitors}


def _describe_enquiries(
    ask: Callable[[str], Any],
    sql: str,
    kept: str,
    names: Sequence[Mapping[str, str]],
    options: Options,
) -> dict[str, Any]:
    reason = literal(validation.LATER_MESSAGE)
    [later] = ask(f"select count(*) from ({sql}) where reason = {reason}").fetchall()[0]
    [by_line] = ask(
        f"select count(*) {kept} and regexp_matches(enquiry_id, '(^| )line [0-9]+$')"
    ).fetchall()[0]
    durations = [n for n, kind in options.kinds.items() if kind == "minutes"]
    units = {
        n: options.unit or values.find_unit(found[n]) or "minutes"
        for found in names
        for n in durations
        if n in found
    }
    return {"ids_by_line": by_line, "later_messages": later, "units": units}


def _list_unreadable(
    ask: Callable[[str], Any], sql: str, names: Sequence[Mapping[str, str]], options: Options
) -> dict[str, list[list[Any]]]:
    """Of kept rows: column -> values that are written and were not understood, so count as none,
    each with its number, the most frequent first; masked as labels are, and no long text."""
    listed = {}
    for name, kind in options.kinds.items():
        found = [*dict.fromkeys(n[name] for n in names if name in n)]
        if kind not in ("minutes", "flag", "score") or not found:
            continue
        said = f"coalesce({', '.join(f'_written[{literal(h)}]' for h in found)})"
        unknown = f"{quoted(name)} is null{' and open is null' if name == 'solved' else ''}"
        shown = values.parse_word("said", "VARCHAR")
        rows = ask(
            f"select case when length(said) > {LONGEST} then '(long texts)' else {shown} end as v, "
            f"count(*) as n from (select {said} as said from ({sql}) where reason is null and "
            f"{unknown} and {said} is not null and not {values.is_unanswered(said)}) "
            "group by 1 order by n desc, v"
        ).fetchall()
        listed |= {name: [list(row) for row in rows]} if rows else {}
    return listed


def _explain_nothing_kept(ask: Callable[[str], Any], sql: str, options: Options) -> DataError:
    time = options.table["time"]
    found = ask(f"select reason, count(*) from ({sql}) group by all order by 2 desc, 1").fetchall()
    if not found:
        return DataError(f"{options.source} has no rows of data.")
    reasons = ", ".join(f"{reason}: {lines:,}" for reason, lines in found)
    remedy = ""
    if any(reason == f"{time} is unreadable" for reason, _lines in found):
        remedy = (
            ' Declare how times are written under policies: date_format, as in "%d/%m/%Y %H:%M".'
        )
    return DataError(f"no row of {options.source} could be kept ({reasons}).{remedy}")


def reconcile(connection: Any, sql: str, options: Options) -> pd.DataFrame:
    """Validated rows -> the reconciliation: status, reason, lines, share (of rows read)."""
    if options.name == "events":
        labels = [
            ("stage is not null", _("events with a stage")),
            ("true", _("events without a stage")),
        ]
    else:
        labels = [
            ("customer_id is not null", _("enquiries of customers")),
            ("true", _("enquiries without a customer")),
        ]
    label = " ".join(f"when {holds} then {literal(text)}" for holds, text in labels)
    counted = connection.execute(
        "select case when reason is null then 'kept' else 'quarantined' end as status, "
        f"coalesce(reason, case {label} end) as reason, count(*) as lines "
        f"from ({sql}) group by all order by status desc, lines desc, reason"
    ).df()
    whole = pd.DataFrame({"status": ["read"], "reason": [_("all lines")]})
    table = pd.concat([whole.assign(lines=counted["lines"].sum()), counted], ignore_index=True)
    table["lines"] = table["lines"].astype("int64")
    return table.assign(share=table["lines"] / max(table["lines"].iloc[0], 1))
