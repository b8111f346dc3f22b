"""What a reader is told of events and enquiries: what was used of them, and what was not."""

from __future__ import annotations

import pandas as pd

from ltvkit.core.i18n import N_, _, n_
from ltvkit.display import formats, joining
from ltvkit.ingest.records import Records

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


def describe(records: Records) -> str:
    """How many rows of an input were used, of which days; and what of them was not understood,
    with the values and what to do.

    A sentence each.
    """
    facts = records.facts
    span = {name: formats.day(facts[name]) for name in ("first", "last")}
    table = "events" if "event_names" in facts else "enquiries"
    counts = {"kept": facts["kept"], "lines": facts["lines_read"]}
    said = [formats.fill(_(_USED[table]), **counts, **span)]
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


def locate(records: Records) -> str:
    """Where the rows stand that were left out: the first lines of each reason; "" of none."""
    left = records.quarantine.project("*").aggregate(
        f"reason, count(*) as rows, {_PLACES[('file' in records.quarantine.columns)]} as places"
    )
    return "\n".join(
        formats.fill(_("{reason}: {places}"), reason=reason, places=places + _MORE * (rows > FIRST))
        for reason, rows, places in left.order("rows desc, reason").fetchall()
    )
