"""What a reader is told of events and enquiries: what was used of them, and what was not."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pandas as pd

from ltvkit.core import pseudonyms
from ltvkit.core.i18n import N_, _, n_
from ltvkit.display import formats, joining
from ltvkit.engines.sql import quoted
from ltvkit.ingest import pipeline
from ltvkit.ingest.records import TABLES, Records

_USED = {
    "events": N_("Events: {kept} of {lines} lines used, {first} to {last}."),
    "enquiries": N_("Enquiries: {kept} of {lines} lines used, {first} to {last}."),
}

_REMEDIES = {
    "solved": N_(
        "Say what they mean in the params file: enquiries: {policies: {solved: {word: true}}}, or "
        "false, or open for an enquiry that still waits."
    ),
    "satisfaction": N_(
        "The scale is that of most answers, or enquiries: {policies: {scale: [1, 5]}}. Words count "
        "only where all answers are good or bad."
    ),
    "answer_minutes": N_("Durations are numbers, 1:30 or 1h 30m."),
    "handling_minutes": N_("Durations are numbers, 1:30 or 1h 30m."),
}

_LISTED = {
    "events": N_("The list events_left_out has those that were left out, each with its reason."),
    "enquiries": N_("The list enquiries_left_out has those that were left out, with the reason."),
}

UNLISTED = ("text", "answered_by")  # what customers wrote, and who answered them
FIRST = 10  # lines of a reason that are named
_MORE = ", ..."
_PLACES = {
    on: f"array_to_string(list({place} order by {order})[1:{FIRST}], ', ')"
    for on, place, order in (
        (False, "'line ' || line", "line"),
        (True, "file || ' line ' || line", "file, line"),
    )
}


def label(records: Records) -> pd.DataFrame:
    """The reconciliation under names that tables show, as its lines are no order lines."""
    return records.quality.rename(columns={"lines": "rows"})


def describe(records: Records, *, lists: Collection[str] = ()) -> str:
    """How many rows of an input were used, of which days; and what of them was not understood,
    with the values and what to do. `lists`: names of those that the report has.

    A sentence each.
    """
    facts, table = records.facts, _name(records)
    span = {name: formats.day(facts[name]) for name in ("first", "last")}
    counts = {"kept": facts["kept"], "lines": facts["lines_read"]}
    said = [formats.fill(_(_USED[table]), **counts, **span)]
    if f"{table}_left_out" in lists:
        said.append(_(_LISTED[table]))
    if unknown := facts.get("without_stage", 0):
        text = n_(
            "The name of {n} event has no stage (events: stages in the params file gives it one).",
            "The names of {n} events have no stage (events: stages in the params file gives them "
            "one).",
            unknown,
        )
        said.append(formats.fill(text, n=unknown))
    for column, n in facts["unreadable"].items():
        text = n_(
            "{n} value of {column} was not understood, and counts as not recorded.",
            "{n} values of {column} were not understood, and count as not recorded.",
            n,
        )
        said.append(formats.fill(text, n=n, column=column))
        if listed := facts.get("unreadable_values", {}).get(column):
            named = joining.items(f"{value}: {formats.count(lines)}" for value, lines in listed)
            said.append(formats.fill(_("These are {values}."), values=named))
        if column in _REMEDIES:
            said.append(_(_REMEDIES[column]))
    return joining.sentences(said)


def list_left_out(records: Records) -> dict[str, Any]:
    """Rows that were left out, as a list of the report: {"events_left_out": a frame} or
    {"enquiries_left_out": a frame}; {} where nothing was.

    Of each its file (of several), line and reason, and of mapped columns what the export says, by
    the name of what they are mapped to, as in `event_time (raw)`; but nothing that customers wrote.
    With pseudonyms, only file, line and reason: a raw row could name somebody.
    """
    refused, table = records.quarantine, _name(records)
    if records.facts["lines_read"] == records.facts["kept"]:
        return {}
    headers = records.facts["headers"]
    spelled: dict[str, list[str]] = {}
    for header, label in pipeline.label_raw([*headers]).items():
        spelled.setdefault(headers[header], []).append(quoted(label))
    shown = [n for n in TABLES[table]["columns"] if n in spelled and n not in UNLISTED]
    raw = [f"coalesce({', '.join(spelled[n])}) as {quoted(f'{n} (raw)')}" for n in shown]
    placed = [n for n in ("file", "line", "reason") if n in refused.columns]
    whole = [] if pseudonyms.key() else [*raw, *(["text"] if table == "events" else [])]
    return {f"{table}_left_out": refused.project(", ".join([*placed, *whole]))}


def _name(records: Records) -> str:
    return "events" if "event_names" in records.facts else "enquiries"


def locate(records: Records) -> str:
    """Where the rows stand that were left out: the first lines of each reason; "" of none."""
    left = records.quarantine.project("*").aggregate(
        f"reason, count(*) as rows, {_PLACES[('file' in records.quarantine.columns)]} as places"
    )
    return "\n".join(
        formats.fill(_("{reason}: {places}"), reason=reason, places=places + _MORE * (rows > FIRST))
        for reason, rows, places in left.order("rows desc, reason").fetchall()
    )
