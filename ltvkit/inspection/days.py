"""Proposals for how dates are written, and questions about the days of orders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from ltvkit.core.i18n import _, n_
from ltvkit.display import formats, joining
from ltvkit.errors import LtvkitError
from ltvkit.ingest import validation
from ltvkit.ingest.parse import date_formats, values
from ltvkit.inspection import date_forms, day_counts, zones

if TYPE_CHECKING:
    from ltvkit.inspection.result import Inspection

Proposal: TypeAlias = tuple[dict[str, Any], dict[str, str]]  # policies, and questions by key
DAYS = 3000  # different days on which the form of dates is tried
FORMAT, UNTIL = "policies.date_format", "policies.data_until"


def propose(raw: Any, columns: Mapping, policies: Mapping, currency: str) -> Proposal:
    """A source -> the policies `date_format` and `timezone` that read its dates, and questions."""
    header = columns.get("order_date")
    if not header:
        return {}, {}
    known, asked = _propose_format(raw, columns, policies, currency)
    return zones.propose(raw, columns, policies) | known, asked


def _propose_format(raw: Any, columns: Mapping, policies: Mapping, currency: str) -> Proposal:
    """Dates that are not year first: the only format that reads them, or a question."""
    written = list_dates(raw, columns["order_date"])
    fits = date_forms.guess_formats(written)
    if len(fits) < 2:
        return ({"date_format": fits[0]} if any(fits) else {}), {}
    question = _("{example} can be read as {formats}: choose one.")
    example = next((d for d in written if not re.match(r"\d{4}\D", d)), written[0])
    said = question.format(example=example, formats=_(" or ").join(f'"{f}"' for f in fits))
    with suppress(LtvkitError):  # what else is to decide comes first
        rules = {**policies, "date_format": fits[0]}
        [moves] = day_counts.count_moves(raw, columns, rules, [{"date_format": fits[1]}])
        text = _(' With "{second}" instead of "{first}": {moves}.')
        said += text.format(first=fits[0], second=fits[1], moves=moves.describe(currency))
        in_order = day_counts.find_sorted(raw, columns, rules, fits)
        if len(in_order) == 1:
            said += _(' Only with "{form}" are the lines in order of time.').format(
                form=in_order[0]
            )
    return {}, {FORMAT: said}


def list_dates(raw: Any, header: str) -> list[str]:
    """Dates as they are written: one of each day, by its first characters without a weekday.

    The order of day and month shows only from the 13th on.
    """
    kind = raw.columns[header]
    if kind != "VARCHAR" and not values.is_number(kind):
        return []
    day = values.parse_text(header, kind)
    first = "left(regexp_replace(d, '^[A-Za-z]+, ', ''), 10)"
    sql = f"select min(d) from (select {day} d from raw) group by {first} order by 1 limit {DAYS}"
    rows = raw.ask(sql)
    return [d for (d,) in rows if re.search(r"\d", d or "")]


def examine(seen: Inspection, raw: Any) -> Inspection:
    """An inspection with its `book` -> the same with what is to decide and to know of its days."""
    checks = zones.ask(seen, raw) | _ask_format(seen) | _ask_late(seen)
    checks = {key: joining.sentences([seen.checks.get(key), checks[key]]) for key in checks}
    notes = [*_note_forms(seen, raw), *_note_placeholders(seen, raw)]
    return replace(seen, checks={**seen.checks, **checks}, notes=(*seen.notes, *notes))


def _ask_format(seen: Inspection) -> dict[str, str]:
    """A question where dates are months, or of Buddhist years."""
    forms = date_formats.split_formats(seen.policies.get("date_format", ""))
    asked = []
    if any(map(date_formats.names_months, forms)):
        asked.append(
            _(
                "The dates name a month and no day: lines are dated its first day. If a line is a "
                "monthly total, it counts as one order, and numbers of orders, days between orders "
                "and days since the last one are not those of the shop."
            )
        )
    if any(form.startswith(date_formats.BUDDHIST) for form in forms):
        asked.append(_("Years such as 2567 are read as Buddhist: 2567 is 2024. Is that right?"))
    return {FORMAT: joining.sentences(asked)} if asked else {}


def _ask_late(seen: Inspection) -> dict[str, str]:
    """A question where a few lines are dated long after all others."""
    if "late" not in seen.book.facts:
        return {}
    lines, money, day = seen.book.facts["late"]
    text = n_(
        "{n} line ({money}) is dated {day} or later, more than a year after all others, which end "
        "on {last}. It does not count for the latest month. If it is a typing error, correct it, "
        "or write the last day that is right.",
        "{n} lines ({money}) are dated {day} or later, more than a year after all others, which "
        "end on {last}. They do not count for the latest month. If they are typing errors, "
        "correct them, or write the last day that is right.",
        lines,
    )
    figures = {"money": formats.money(money, seen.currency), "last": seen.book.facts["last"]}
    return {UNTIL: formats.fill(text, n=lines, day=day, **figures)}


def _note_forms(seen: Inspection, raw: Any) -> list[str]:
    """How many lines are in each of several formats, and from when to when."""
    forms = date_formats.split_formats(seen.policies.get("date_format", ""))
    if len(forms) < 2:
        return []
    lines = day_counts.read_lines(
        raw, seen.columns, seen.policies, [{"date_format": form} for form in forms]
    ).filter("reason is null")
    # The first format that reads a date counts.
    first = [
        f"coalesce({', '.join(f'day_{k}' for k in range(n))}) is null" for n in range(1, len(forms))
    ]
    sums = [
        ", ".join(f"{sum}(day_{n}) filter ({only})" for sum in ("count", "min", "max"))
        for n, only in enumerate(["true", *first])
    ]
    found = lines.aggregate(", ".join(sums)).fetchall()[0]
    each = _('"{form}" on {n} lines, from {first} to {last}')
    listed = [
        formats.fill(each, form=form, n=n, first=one, last=last)
        for form, n, one, last in zip(forms, found[::3], found[1::3], found[2::3], strict=True)
        if n
    ]
    return [_("Dates are written in several forms: {forms}.").format(forms=joining.clauses(listed))]


def _note_placeholders(seen: Inspection, raw: Any) -> list[str]:
    """Lines dated with a day that means none, such as 9999-12-31."""
    if validation.PLACEHOLDER not in set(seen.book.quality["reason"]):
        return []
    lines, money, written = day_counts.count_placeholders(raw, seen.columns, seen.policies)
    if not lines:
        return []
    text = n_(
        "{n} line ({money}) is dated {days}, which programs write where there is no date: it is "
        "left out. Correct it, if it is an order.",
        "{n} lines ({money}) are dated {days}, which programs write where there is no date: they "
        "are left out. Correct them, if they are orders.",
        lines,
    )
    days = joining.items(sorted(written))
    return [formats.fill(text, n=lines, money=formats.money(money, seen.currency), days=days)]
