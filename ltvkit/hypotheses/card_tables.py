"""Tables of a card: the figures of a hypothesis in the unit of each metric, and its checks."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ltvkit.core.i18n import _
from ltvkit.display import formats, joining
from ltvkit.display.tables import Display
from ltvkit.hypotheses import precision
from ltvkit.hypotheses.hypothesis import Hypothesis
from ltvkit.hypotheses.precision import LEVELS
from ltvkit.hypotheses.texts import TEXTS, fill


def show_figures(table: pd.DataFrame, about: Hypothesis, currency: str) -> Display:
    """One row per metric: what was found, then what it comes from.

    Left out: columns without a value, and the observed change where it is the effect.
    """
    numbers = table[[*LEVELS, "raw_effect", "natural_change", "effect"]].astype(float)
    columns = [c for c in numbers.columns[:-1] if numbers[c].notna().any()]
    if numbers["raw_effect"].equals(numbers["effect"]):
        columns = [c for c in columns if c != "raw_effect"]
    labels = {c: formats.label(c) for c in columns}
    if about.comparison == "same_period_last_year" and "control_after" in columns:
        labels["control_after"] = _("A year before")
    first = [formats.label("metric"), formats.label("role"), formats.label("effect")]
    header = (*first, _("Likely range (95%)"), *labels.values())
    body = tuple(_row(row, columns, about, currency) for row in table.to_dict("records"))
    notes = []
    if "natural_change" in columns:
        notes.append(_("effect = observed change less the change expected anyway"))
    if any(formats.MISSING in row for row in body):
        notes.append(formats.MISSING + " " + _("not known"))
    right = tuple(place > 1 for place in range(len(header)))
    return Display(_("Figures"), header, body, right, 0, tuple(notes))


def _row(
    row: Mapping[str, Any], columns: list[str], about: Hypothesis, currency: str
) -> tuple[str, ...]:
    """The cells of one metric: changes are signed, all have as many decimals."""
    shown = precision.of_row(row, precision.find_marks(row, about), currency=currency)
    shown = shown._replace(currency="")  # it stands beside the metric
    role = _guardrail(row["outcome"]) if row["outcome"] else _("main figure")
    effect, interval = shown.change(row["effect"]), formats.MISSING
    if pd.notna(relative := row["relative_effect"]):
        decimals = formats.distinct_decimals([100 * relative], [0], least=1)
        effect = joining.aside(effect, formats.change(relative, decimals=decimals))
    if pd.notna(row["lowest"]):
        interval = shown.span(row["lowest"], row["highest"])
    rest = [(shown.level if c in LEVELS else shown.change)(row[c]) for c in columns]
    return formats.label(row["metric"], currency), role, effect, interval, *rest


def _guardrail(outcome: str) -> str:
    return fill("guardrail", outcome=formats.cell(outcome, "word"))


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
