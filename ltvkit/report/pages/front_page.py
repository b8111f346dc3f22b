"""What the front page and the summary show of a month's tables."""

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from ltvkit import periods
from ltvkit.core.i18n import N_, _
from ltvkit.display import formats, joining, tables
from ltvkit.ingest.records import INVITATIONS, Records
from ltvkit.kpis import MEASURES
from ltvkit.quality import check_finding, describe, describe_later, finding, records
from ltvkit.report.pages import glossary, sparklines
from ltvkit.report.results import Result

HEADLINE = "drivers_previous"  # the table of the page whose first finding is the headline
OF_LEAVES = {"order_value": "average_order_value"}  # leaves of drivers that are key figures
LABELS = formats.LABELS | {"customers": N_("Active customers")}
# Code, which stays as it is; characters that Markdown reads anywhere, or at the start of a line.
_MARKDOWN = re.compile(
    r"(`[\w :]+`)|[\\`*\[\]<>|~]|(?<!\w)_|_(?!\w)|^[-+#](?= )|(?:(?<=^\d)|(?<=^\d\d))[.)](?= )"
)
# Marks that an address may have for a dot; the Japanese full stop between Latin letters alone.
_LATIN = "[A-Za-z0-9\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]"
_DOT = rf"(?:[.\u2024\ufe52\uff0e]|(?<={_LATIN})[\u3002\uff61](?={_LATIN}))"
_DOTTED = re.compile(rf"(?<!\w)\w+(?:{_DOT}\w+)+")
# One dot, and behind it what ends no address: a number, a name in params, a file of the kit.
_HARMLESS = re.compile(r"(?!(?i:www)\.)\w+\.(\w*[\d_]\w*|yaml|csv|json|xlsx|ipynb|html)")
# The colon of a scheme, two backslashes, and the signs of mentions and tags.
_SIGN = re.compile(r"(?<!\w)[A-Za-z][\w+-]+:(?=[\w/\\+])|\\\\(?=\S)|[@#\uff20\uff03](?=\w)")


def list_kpis(
    by_month: pd.DataFrame | None,
    month: str,
    *,
    currency: str,
    owners: pd.DataFrame | None = None,
) -> list[dict[str, Any]]:
    """The table kpis_month -> the report month's figures: label, value, previous, last_year, line.

    `previous` and `last_year` are changes: a text, and a direction ("up", "down", "flat",
    "unavailable"). A figure that is missing is "unavailable", not zero. `line` is a sparkline of
    the whole months up to this one, `cells` the same for mail; `target`, where the table
    drivers_owners has one for the figure. Empty without a row for the month.
    """
    targets = _find_targets(owners)
    rows = [] if by_month is None else by_month[by_month["period"] == month].to_dict("records")
    return [
        {
            "label": _(LABELS[name]),
            "value": _format_value(row, name, currency),
            "previous": _format_change(row, f"{name}_vs_previous"),
            "last_year": _format_change(row, f"{name}_vs_last_year"),
            "line": _draw_line(sparklines.draw, by_month, name, month, currency),
            "target": formats.value(targets[name], name, currency) if name in targets else "",
            "cells": _draw_line(sparklines.draw_cells, by_month, name, month, currency),
        }
        for row in rows[:1]
        for name in MEASURES
    ]


def _find_targets(owners: pd.DataFrame | None) -> dict[str, float]:
    """The targets of leaves that are key figures."""
    if owners is None or not {"leaf", "target"} <= set(owners):
        return {}
    named = owners.assign(measure=owners["leaf"].replace(OF_LEAVES))
    known = named[named["measure"].isin(MEASURES)].dropna(subset="target")
    return dict(zip(known["measure"], known["target"], strict=True))


def make_linker(kpis: Sequence[Mapping[str, Any]]) -> glossary.Linker:
    """The links of the front page, which knows the terms that its key figures are called by."""
    linker = glossary.Linker()
    for kpi in kpis:
        linker.note(kpi["label"])
    return linker


def list_findings(found: Sequence[Result], *, headline: str = "") -> list[list[str]]:
    """What each page found, in the order of the pages, without what the headline says, or an
    earlier page."""
    said = {headline}
    listed = []
    for result in found:
        listed.append([text for text in result.findings if text not in said])
        said |= set(result.findings)
    return listed


def find_headline(found: Sequence[Result]) -> str:
    """What changed since last month, and why: the first finding of the page of drivers."""
    pages = (r for r in found if HEADLINE in r.tables and r.findings)
    return next((r.findings[0] for r in pages), "")


def describe_first_month(by_month: pd.DataFrame | None, month: str, *, currency: str) -> str:
    """The table kpis_month -> what a shop's first month brought, which can be compared with none;
    empty for any other month, and without the table."""
    if by_month is None or by_month.empty or by_month["period"].min() != month:
        return ""
    row = by_month[by_month["period"] == month].iloc[0]
    text = _(
        "{month} is the first month of these orders, so there is none to compare it with: "
        "{customers} customers brought {revenue} in {orders} orders."
    )
    counts = {name: formats.count(row[name]) for name in ("customers", "orders")}
    revenue = formats.money(row["revenue"], currency)
    return text.format(month=formats.month(month), revenue=revenue, **counts)


def list_measures(table: pd.DataFrame | None, month: str, *, as_of: Any) -> str:
    """The table hypotheses -> what began or ended in the month (up to `as_of`) or in the one
    before, in a sentence. Empty where there is none, or no such table."""
    if table is None or not {"title", "start", "until"} <= set(table):
        return ""
    index = periods.index_of(f"{month}-01", "month")
    first, last = periods.start(index - 1, "month"), periods.end(index, "month")
    last = min(last, pd.Timestamp(periods.day(as_of)))
    said = []
    for column, text in (("start", _("Begun: {titles}.")), ("until", _("Ended: {titles}."))):
        days = pd.to_datetime(table[column], errors="coerce")
        rows = table[days.between(first, last)]
        titles = [_name_measure(row, column) for row in rows.to_dict("records")]
        said += [text.format(titles=joining.clauses(titles))] if titles else []
    return joining.sentences(said)


def is_partial(by_month: pd.DataFrame | None, month: str, *, as_of: Any) -> bool:
    """Whether the month is not over, or kpis_month marks it as incomplete.

    >>> is_partial(None, "2024-02", as_of="2024-02-28")
    True
    """
    marked = by_month is not None and by_month.loc[by_month["period"] == month, "partial"].any()
    return bool(marked) or not periods.is_over(month, as_of=as_of)


def show_quality(table: pd.DataFrame | None, *, currency: str) -> str:
    """The table data_quality -> HTML, escaped; empty without the table."""
    return "" if table is None else tables.show(table, currency=currency)._repr_html_()


def show_records(read: Mapping[str, Records], lists: Collection[str] = ()) -> list[dict[str, str]]:
    """Events and enquiries -> for each a sentence on what was used of it (and which of `lists` has
    the rest), and its reconciliation as HTML, escaped."""
    return [
        {
            "text": records.describe(one, lists=lists),
            "table": show_quality(records.label(one), currency=""),
        }
        for one in read.values()
    ]


def list_invitations(names: Sequence[str]) -> list[str]:
    """A sentence for each input that a page waits for: what to record, and where to put it."""
    return [_(INVITATIONS[name]) for name in names if name in INVITATIONS]


def describe_data(quality: pd.DataFrame | None, checks: pd.DataFrame | None) -> list[str]:
    """The tables data_quality and data_checks -> a sentence each, those of the overview."""
    said = [] if quality is None else [finding(quality), *filter(None, [describe_later(quality)])]
    return said if checks is None else [*said, check_finding(checks)]


def list_warnings(table: pd.DataFrame | None) -> list[str]:
    """The table data_checks -> a sentence per warning, except that of `is_partial`."""
    return [] if table is None else describe(drop_data_end(table))


def _name_measure(row: Mapping[str, Any], column: str) -> str:
    """Its title and day; of one that has ended also the verdict."""
    judged = column == "until" and row.get("status") in ("ended", "decided")
    verdict = [formats.cell(row["verdict"], "word")] if judged else []
    return joining.aside(row["title"], joining.items([formats.day(row[column]), *verdict]))


def drop_data_end(table: pd.DataFrame) -> pd.DataFrame:
    """The table data_checks without the warning that `is_partial` gives."""
    return table[table["check"] != "data_end"]


def describe_order_ids(table: pd.DataFrame | None, facts: Mapping[str, Any]) -> str:
    """The table data_checks -> how many orders there are, where each line counts as one.

    Empty where the export has order ids, or a warning says it.
    """
    if table is None or facts.get("orders_from") != "lines":
        return ""
    said = table[(table["check"] == "missing_order_ids") & (table["result"] == "ok")]["figure"]
    return "".join(joining.stop(figure[:1].upper() + figure[1:]) for figure in said)


def escape_markdown(text: Any) -> str:
    """Escape a text for Markdown, on one line.

    >>> print(escape_markdown("# 5 * 3\\n[a](b) - c_d _e_ `f_g`"))
    \\# 5 \\* 3 \\[a\\](b) - c_d \\_e\\_ `f_g`
    """
    plain = break_links(formats.line(text))
    return _MARKDOWN.sub(lambda found: found[1] or f"\\{found[0]}", plain)


def break_links(text: str) -> str:
    """Put spaces into what mail and chat programs take for an address, a mention or a tag.

    They do so by the letters, whatever Markdown says. Numbers and files of the kit stay.

    >>> break_links("https://a.example.com/x, www.b.org, me@c.net, #sale: 3.5x, 1,200.50 and 12.5%")
    'https: //a. example. com/x, www. b. org, me@ c. net, # sale: 3.5x, 1,200.50 and 12.5%'
    """
    return _SIGN.sub(r"\g<0> ", _DOTTED.sub(_part, text))


def _part(found: re.Match[str]) -> str:
    return found[0] if _HARMLESS.fullmatch(found[0]) else re.sub(_DOT, r"\g<0> ", found[0])


def _draw_line(
    draw: Callable[..., str], by_month: pd.DataFrame | None, name: str, month: str, currency: str
) -> str:
    if by_month is None or name not in by_month:
        return ""
    past = by_month[by_month["period"] <= month]
    whole = past[~past["partial"].astype(bool)] if "partial" in past else past
    return draw(whole[name], whole["period"], measure=name, currency=currency)


def _format_value(row: Mapping[str, Any], name: str, currency: str) -> str:
    x = row.get(name, math.nan)
    return _("unavailable") if formats.is_missing(x) else formats.value(x, name, currency)


def _format_change(row: Mapping[str, Any], name: str) -> dict[str, str]:
    x = row.get(name, math.nan)
    if formats.is_missing(x):
        return {"text": _("unavailable"), "direction": "unavailable"}
    text = formats.value(x, name)
    direction = {"+": "up", formats.MINUS: "down"}.get(text[0], "flat")
    return {"text": text, "direction": direction}
