"""Tables of a card: the figures of a hypothesis in the unit of each metric, and its checks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from ltvkit.core.i18n import _
from ltvkit.display import formats
from ltvkit.display.tables import Display

LEVELS = ("before", "after", "control_before", "control_after")


def figures(table: pd.DataFrame, comparison: str, currency: str) -> Display:
    """A row per metric, what was found first and then what it comes from. Left out: what is known
    of none, and the change as it stands where it is the effect."""
    numbers = table[[*LEVELS, "raw_effect", "natural_change", "effect"]].astype(float)
    told = [c for c in numbers.columns[:-1] if numbers[c].notna().any()]
    if numbers["raw_effect"].equals(numbers["effect"]):
        told = [c for c in told if c != "raw_effect"]
    labels = {c: formats.label(c) for c in told}
    if comparison == "same_period_last_year" and "control_after" in told:
        labels["control_after"] = _("A year before")
    words = (formats.label("metric"), formats.label("role"), formats.label("effect"))
    header = (*words, _("95% interval"), *labels.values())
    body = tuple(_metric(row, told, currency) for row in table.to_dict("records"))
    noted = {
        _("effect = change as it stands, less the natural change"): "natural_change" in told,
        f"{formats.MISSING} {_('not known')}": any(formats.MISSING in row for row in body),
    }
    right = tuple(place > 1 for place in range(len(header)))
    return Display(_("Figures"), header, body, right, 0, tuple(n for n in noted if noted[n]))


def _metric(row: Mapping[str, Any], told: list[str], currency: str) -> tuple[str, ...]:
    """The cells of one metric: levels as they are, changes signed, all with as many decimals."""
    name = row["metric"]
    decimals = _decimals(row, currency)
    change = partial(formats.difference, column=name, decimals=decimals)
    share = formats.kind(name) == "share"
    level = formats.share if share else partial(formats.number, decimals=decimals)
    role = _guarded(row["outcome"]) if row["outcome"] else _("decides")
    effect, interval = change(row["effect"]), formats.MISSING
    if pd.notna(row["relative_effect"]):
        effect += f" ({formats.change(row['relative_effect'])})"
    if pd.notna(row["lowest"]):
        ends = {"low": change(row["lowest"]), "high": change(row["highest"])}
        interval = _("{low} to {high}").format(**ends)
    rest = [(level if c in LEVELS else change)(row[c]) for c in told]
    return formats.label(name, currency), role, effect, interval, *rest


def _guarded(outcome: str) -> str:
    return _("guardrail, {outcome}").format(outcome=formats.cell(outcome, "word"))


def _decimals(row: Mapping[str, Any], currency: str) -> int:
    levels = [row[name] for name in LEVELS if pd.notna(row[name])]
    if formats.kind(row["metric"]) == "money":
        return formats.money_decimals(levels, currency)
    return 2 if max(levels, default=0) >= 1 else 3  # of few orders, hundredths are too coarse


def checks(table: pd.DataFrame) -> Display:
    """A check that could not be made is neither yes nor no."""
    names = ("check", "holds", "found")
    body = []
    for check, holds, found in table[list(names)].itertuples(index=False):
        said = _("not known") if pd.isna(holds) else formats.cell(bool(holds), "text")
        body.append((formats.cell(check, "word"), said, found))
    header = tuple(map(formats.label, names))
    return Display(_("Checks"), header, tuple(body), (False,) * 3, 0, ())


def bad() -> tuple[str, str]:
    """The cells that must stand out."""
    return _guarded("harmed"), formats.cell(False, "text")
