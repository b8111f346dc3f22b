"""A first look at an export of events or enquiries: the block of a params file that reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import chain
from typing import Any

from ltvkit.core.i18n import N_, _
from ltvkit.display import formats, joining, tables
from ltvkit.errors import ColumnError, LtvkitError
from ltvkit.ingest import records
from ltvkit.ingest.records import columns as known
from ltvkit.ingest.records.options import FORMATS, STAGES, Options
from ltvkit.inspection import date_forms, days, drafts
from ltvkit.inspection.layout import Layout
from ltvkit.quality import records as told

_WHAT = {
    "events": N_("These are no orders, but events: what visitors and customers did."),
    "enquiries": N_("These are no orders, but enquiries: what customers wrote to support."),
}
STAGES_OF_EVENTS = list(dict.fromkeys(STAGES.values()))
MOST_NAMES = 20  # of events that are shown


def recognise(opened: Layout) -> str:
    """The table of records that an opened source holds; "" where it may be orders."""
    return known.recognise_table(list(opened.raw.columns))


def describe(source: str, opened: Layout, table: str) -> str:
    """An export of a table as text: what it holds, what is to decide, and its block of params."""
    options: dict[str, Any] = {"source": source}
    if form := known.recognise(opened.raw.columns) * (table == "events"):
        options["format"] = form
    checks: list[str] = list(opened.checks.values())
    options["columns"], asked = _propose_columns(opened, options, table)
    more, dated = _propose_times(opened, options, table)
    options["policies"] = _keep_known(opened.policies, table) | more
    said, options["stages"] = _try_reading(options, table)
    parts = [[_(_WHAT[table])], *said]
    checks += asked + dated
    if checks:
        wrapped = (drafts.wrap(note, first="  - ", rest="    ") for note in checks)
        parts.append([_("To decide:"), *chain(*wrapped)])
    put = _(
        "Put this into the params file of the shop, "
        "in place of the line `{table}: {{}}` if there is one:"
    )
    parts.append([put.format(table=table), "", *_write(options, table)])
    return "\n\n".join("\n".join(part) for part in parts)


def _propose_columns(
    opened: Layout, options: Mapping[str, Any], table: str
) -> tuple[dict[str, str], list[str]]:
    """Canonical column -> header of an opened source, and questions about those that are open."""
    checked = Options.of(options, table)
    part = opened.raw.parts[0]
    try:
        mapped, ambiguous = known.map_columns(part, checked)
    except ColumnError as error:
        found = known.find_columns(records.TABLES[table]["columns"], list(part.columns), table)
        return found[0], [str(error)]
    question = _("{headers} fit {column} equally well: choose one, or it is not recorded.")
    asked = [
        question.format(headers=joining.items(map(repr, fits)), column=name)
        for name, fits in ambiguous.items()
    ]
    ordered = [name for name in records.TABLES[table]["columns"] if name in mapped]
    return {name: mapped[name] for name in ordered}, asked


def _propose_times(
    opened: Layout, options: Mapping[str, Any], table: str
) -> tuple[dict[str, Any], list[str]]:
    """The policies that read the times, and questions about them."""
    header = options["columns"].get(records.TABLES[table]["time"])
    if not header:
        return {}, []
    asked = []
    if options.get("format") and FORMATS[options["format"]].get("zone") == "UTC":
        asked.append(_("Times are in UTC: give the shop's clock as policies: timezone."))
    written = days.list_dates(opened.raw, header)
    fits = date_forms.guess_formats(written)
    if not any(fits) or all(form.startswith("unix") for form in fits):
        return {}, asked  # read without one
    if len(fits) == 1:
        return {"date_format": fits[0]}, asked
    question = _("{example} can be read as {formats}: choose one, as policies: date_format.")
    listed = _(" or ").join(f'"{form}"' for form in fits)
    return {}, [*asked, question.format(example=written[0], formats=listed)]


def _keep_known(policies: Mapping[str, Any], table: str) -> dict[str, Any]:
    """The policies of an opened file that the table has as well."""
    kept = {}
    for name, value in policies.items():
        try:
            records.check({"source": "a.csv", "policies": {name: value}}, table=table)
        except LtvkitError:
            continue
        kept[name] = value
    return kept


def _try_reading(options: Mapping[str, Any], table: str) -> tuple[list[list[str]], list[str]]:
    """How many rows would be used, why others would not, and the names of events; and those of them
    that have no stage."""
    allowed = {**options, "policies": {**options["policies"], "max_quarantined": 1.0}}
    try:
        found = records.read(allowed, table=table)
    except LtvkitError as error:
        why = drafts.wrap(str(error), first="  ", rest="  ")
        return [[_("Cannot be read yet:"), *why]], []
    aside = found.quality[found.quality["status"] == "quarantined"].itertuples()
    listed = [f"  {formats.count(row.lines):>9}  {drafts.name_reason(row.reason)}" for row in aside]
    said = [[*drafts.wrap(told.describe(found), first="", rest=""), *listed]]
    if table != "events":
        return said, []
    names = records.list_events(found, rare=True).head(MOST_NAMES)
    said.append([_("Names of events, and their stage:"), tables.show(names).text()])
    return said, names.loc[names["stage"].isna(), "event"].tolist()


def _write(options: Mapping[str, Any], table: str) -> list[str]:
    """The block of a params file."""
    lines = [f"{table}:\n", drafts.write_line("source", options["source"], "", indent=2)]
    if form := options.get("format"):
        lines.append(drafts.write_line("format", form, "", indent=2))
    if options["columns"]:
        lines.append(drafts.write_line("columns", None, "", indent=2))
        lines += [drafts.write_line(n, h, "", indent=4) for n, h in options["columns"].items()]
    if options["stages"]:
        known = ", ".join(
            f"{stage} ({formats.label(f'stage_{stage}')})" for stage in STAGES_OF_EVENTS
        )
        note = _('Choose a stage for each, or leave it "" for none: {stages}.')
        lines += [
            f"  {line}\n" for line in drafts.wrap(note.format(stages=known), first="# ", rest="# ")
        ]
        lines.append(drafts.write_line("stages", None, "", indent=2))
        lines += [f'    {json.dumps(n, ensure_ascii=False)}: ""\n' for n in options["stages"]]
    if options["policies"]:
        lines.append(drafts.write_line("policies", None, "", indent=2))
        lines += [drafts.write_line(n, to, "", indent=4) for n, to in options["policies"].items()]
    return "".join(lines).rstrip("\n").split("\n")
