"""What the front page of a report and its summary show of the month's tables, in words."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from ltvkit.core.i18n import N_, _
from ltvkit.display import formats, tables
from ltvkit.kpis import MEASURES
from ltvkit.quality import describe

LABELS = formats.LABELS | {"customers": N_("Active customers")}
# Code, which stays; what Markdown reads anywhere ("_" not within a word), or where a line begins.
_MARKDOWN = re.compile(
    r"(`[\w :]+`)|[\\`*\[\]<>|~]|(?<!\w)_|_(?!\w)|^[-+#](?= )|(?:(?<=^\d)|(?<=^\d\d))[.)](?= )"
)


class Change(NamedTuple):
    """A change in words, and its direction: "up", "down", "flat" or "unavailable"."""

    text: str
    direction: str


class Kpi(NamedTuple):
    """One figure of the strip."""

    label: str
    value: str
    previous: Change
    last_year: Change


def list_kpis(by_month: pd.DataFrame | None, month: str, *, currency: str) -> list[Kpi]:
    """The table kpis_month -> the report month's figures, each with its two changes.

    A figure that is not there is "unavailable", which is not zero. Without the month: no figures.
    """
    rows = [] if by_month is None else by_month[by_month["period"] == month].to_dict("records")
    return [
        Kpi(
            _(LABELS[name]),
            _format_value(row, name, currency),
            _format_change(row, f"{name}_vs_previous"),
            _format_change(row, f"{name}_vs_last_year"),
        )
        for row in rows[:1]
        for name in MEASURES
    ]


def is_partial(by_month: pd.DataFrame | None, month: str) -> bool:
    """Whether the report month is marked as not over yet."""
    return by_month is not None and bool(by_month.loc[by_month["period"] == month, "partial"].any())


def show_quality(table: pd.DataFrame | None, *, currency: str) -> str:
    """The table data_quality -> HTML, escaped; empty without the table."""
    return "" if table is None else tables.show(table, currency=currency)._repr_html_()


def list_warnings(table: pd.DataFrame | None) -> list[str]:
    """The table data_checks -> what warns, a sentence each, but what `is_partial` says already."""
    return [] if table is None else describe(table[table["check"] != "data_end"])


def escape_markdown(text: Any) -> str:
    """Text that Markdown leaves as it is, on one line.

    >>> print(escape_markdown("# 5 * 3\\n[a](b) - c_d _e_ `f_g`"))
    \\# 5 \\* 3 \\[a\\](b) - c_d \\_e\\_ `f_g`
    """
    return _MARKDOWN.sub(lambda found: found[1] or f"\\{found[0]}", formats.line(text))


def _format_value(row: Mapping[str, Any], name: str, currency: str) -> str:
    x = row.get(name, math.nan)
    return _("unavailable") if pd.isna(x) else formats.value(x, name, currency)


def _format_change(row: Mapping[str, Any], name: str) -> Change:
    x = row.get(name, math.nan)
    if pd.isna(x):
        return Change(_("unavailable"), "unavailable")
    text = formats.value(x, name)
    direction = {"+": "up", formats.MINUS: "down"}.get(text[0], "flat")
    return Change(text, direction)
