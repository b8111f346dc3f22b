"""What the front page and the summary show of a month's tables."""

import math
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from ltvkit.core.i18n import N_, _
from ltvkit.display import formats, tables
from ltvkit.kpis import MEASURES
from ltvkit.quality import describe

LABELS = formats.LABELS | {"customers": N_("Active customers")}
# Code, which stays as it is; characters that Markdown reads anywhere, or at the start of a line.
_MARKDOWN = re.compile(
    r"(`[\w :]+`)|[\\`*\[\]<>|~]|(?<!\w)_|_(?!\w)|^[-+#](?= )|(?:(?<=^\d)|(?<=^\d\d))[.)](?= )"
)


def list_kpis(by_month: pd.DataFrame | None, month: str, *, currency: str) -> list[dict[str, Any]]:
    """The table kpis_month -> the report month's figures: label, value, previous, last_year.

    The latter two are changes: a text, and a direction ("up", "down", "flat", "unavailable"). A
    figure that is missing is "unavailable", not zero. Empty without a row for the month.
    """
    rows = [] if by_month is None else by_month[by_month["period"] == month].to_dict("records")
    return [
        {
            "label": _(LABELS[name]),
            "value": _format_value(row, name, currency),
            "previous": _format_change(row, f"{name}_vs_previous"),
            "last_year": _format_change(row, f"{name}_vs_last_year"),
        }
        for row in rows[:1]
        for name in MEASURES
    ]


def is_partial(by_month: pd.DataFrame | None, month: str) -> bool:
    """Whether the report month is marked as incomplete."""
    return by_month is not None and bool(by_month.loc[by_month["period"] == month, "partial"].any())


def show_quality(table: pd.DataFrame | None, *, currency: str) -> str:
    """The table data_quality -> HTML, escaped; empty without the table."""
    return "" if table is None else tables.show(table, currency=currency)._repr_html_()


def list_warnings(table: pd.DataFrame | None) -> list[str]:
    """The table data_checks -> a sentence per warning, except that of `is_partial`."""
    return [] if table is None else describe(table[table["check"] != "data_end"])


def describe_order_ids(table: pd.DataFrame | None, facts: Mapping[str, Any]) -> str:
    """The table data_checks -> how many orders there are, where each line counts as one.

    Empty where the export has order ids, or a warning says it.
    """
    if table is None or facts.get("orders_from") != "lines":
        return ""
    said = table[(table["check"] == "missing_order_ids") & (table["result"] == "ok")]["figure"]
    return "".join(f"{figure[:1].upper()}{figure[1:]}." for figure in said)


def escape_markdown(text: Any) -> str:
    """Escape a text for Markdown, on one line.

    >>> print(escape_markdown("# 5 * 3\\n[a](b) - c_d _e_ `f_g`"))
    \\# 5 \\* 3 \\[a\\](b) - c_d \\_e\\_ `f_g`
    """
    return _MARKDOWN.sub(lambda found: found[1] or f"\\{found[0]}", formats.line(text))


def _format_value(row: Mapping[str, Any], name: str, currency: str) -> str:
    x = row.get(name, math.nan)
    return _("unavailable") if pd.isna(x) else formats.value(x, name, currency)


def _format_change(row: Mapping[str, Any], name: str) -> dict[str, str]:
    x = row.get(name, math.nan)
    if pd.isna(x):
        return {"text": _("unavailable"), "direction": "unavailable"}
    text = formats.value(x, name)
    direction = {"+": "up", formats.MINUS: "down"}.get(text[0], "flat")
    return {"text": text, "direction": direction}
