"""Tables of a card: the figures of a hypothesis in the unit of each metric, and its checks."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from ltvkit.core.i18n import _
from ltvkit.display import formats
from ltvkit.display.tables import Display
from ltvkit.hypotheses.texts import TEXTS, fill

LEVELS = ("before", "after", "control_before", "control_after")


def show_figures(table: pd.DataFrame, comparison: str, currency: str) -> Display:
    """One row per metric: what was found, then what it comes from.

    Left out: columns without a value, and the observed change where it is the effect.
    """
    numbers = table[[*LEVELS, "raw_effect", "natural_change", "effect"]].astype(float)
    columns = [c for c in numbers.columns[:-1] if numbers[c].notna().any()]
    if numbers["raw_effect"].equals(numbers["effect"]):
        columns = [c for c in columns if c != "raw_effect"]
    labels = {c: formats.label(c) for c in columns}
    if comparison == "same_period_last_year" and "control_after" in columns:
        labels["control_after"] = _("A year before")
    first = [formats.label("metric"), formats.label("role"), formats.label("effect")]
    header = (*first, _("Likely range (95%)"), *labels.values())
    body = tuple(_row(row, columns, currency) for row in table.to_dict("records"))
    notes = []
    if "natural_change" in columns:
        notes.append(_("effect = observed change less the change expected anyway"))
    if any(formats.MISSING in row for row in body):
        notes.append(f"{formats.MISSING} {_('not known')}")
    right = tuple(place > 1 for place in range(len(header)))
    return Display(_("Figures"), header, body, right, 0, tuple(notes))


def _row(row: Mapping[str, Any], columns: list[str], currency: str) -> tuple[str, ...]:
    """The cells of one metric: changes are signed, all have as many decimals."""
    name = row["metric"]
    decimals = _decimals(row, currency)
    change = partial(formats.difference, column=name, decimals=decimals)
    share = formats.kind(name) == "share"
    level = formats.share if share else partial(formats.number, decimals=decimals)
    role = _guardrail(row["outcome"]) if row["outcome"] else _("main figure")
    effect, interval = change(row["effect"]), formats.MISSING
    if pd.notna(row["relative_effect"]):
        effect += f" ({formats.change(row['relative_effect'])})"
    if pd.notna(row["lowest"]):
        interval = fill("interval", low=change(row["lowest"]), high=change(row["highest"]))
    rest = [(level if c in LEVELS else change)(row[c]) for c in columns]
    return formats.label(name, currency), role, effect, interval, *rest


def _guardrail(outcome: str) -> str:
    return fill("guardrail", outcome=formats.cell(outcome, "word"))


def _decimals(row: Mapping[str, Any], currency: str) -> int:
    levels = [row[name] for name in LEVELS if pd.notna(row[name])]
    if formats.kind(row["metric"]) == "money":
        return formats.money_decimals(levels, currency)
    return 2 if max(levels, default=0) >= 1 else 3  # of few orders, hundredths are too coarse


def show_checks(table: pd.DataFrame) -> Display:
    """One row per check: yes, no, or not known where it could not be made."""
    names = ("check", "holds", "found")
    body = []
    for check, holds, found in table[list(names)].itertuples(index=False):
        passed = _("not known") if pd.isna(holds) else formats.cell(bool(holds), "text")
        for text, plain in TEXTS["plainer"].items():
            found = found.replace(_(text), _(plain))
        body.append((_(TEXTS["check_names"][check]), passed, found))
    header = tuple(map(formats.label, names))
    return Display(_("Checks"), header, tuple(body), (False,) * 3, 0, ())


def warnings() -> tuple[str, str]:
    """The cells that must stand out."""
    return _guardrail("harmed"), formats.cell(False, "text")
