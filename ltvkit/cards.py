"""One card per hypothesis: who did what to whom, whether it worked, and the figures behind that.

A card is HTML without script. What cannot show it gets the picture by month, or text.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd
from matplotlib import pyplot as plt

from ltvkit import formats, plots
from ltvkit.i18n import N_, _
from ltvkit.tables import Display

PERIODS = {"day": N_("Day"), "week": N_("Week"), "month": N_("Month"), "year": N_("Year")}
OPEN, DPI = "month", 80
LEVELS = ("before", "after", "control_before", "control_after")
COMPARISONS = {
    "randomized": N_("a control group drawn at random"),
    "control_segment": N_("another segment"),
    "same_period_last_year": N_("the same period last year"),
    "before_after": N_("the time before"),
}
LOOKS = {"adopt": "good", "drop": "bad"}  # of a verdict
BAD = ("harmed", "no")  # words of a table that must stand out


@dataclass(frozen=True, repr=False)
class Card:
    """One hypothesis to look at; `png` is its timeline by month in base64, "" if there is none."""

    html: str
    text: str
    png: str = ""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        picture = {"image/png": self.png} if self.png else {}
        return {"text/html": self.html, **picture, "text/plain": self.text}

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True, repr=False)
class Deck:
    """Cards one after the other."""

    cards: tuple[Card, ...]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        html = "\n".join(card.html for card in self.cards) or f"<p>{escape(repr(self))}</p>"
        first = self.cards[0].png if self.cards else ""
        return Card(html, repr(self), first)._repr_mimebundle_()

    def __repr__(self) -> str:
        texts = [card.text for card in self.cards]
        return "\n\n\n".join(texts) or _("There is no hypothesis to show.")


def deck(cards: Iterable[Card]) -> Deck:
    """Several cards as one thing to look at."""
    return Deck(tuple(cards))


def show(
    evaluation: Any,
    *,
    text: str,
    figures: pd.DataFrame,
    checks: pd.DataFrame,
    timelines: Mapping[str, pd.DataFrame],
    currency: str = "",
) -> Card:
    """An evaluation and its finished tables -> its card.

    `text` is the finding, a line per paragraph. `figures` has a row per metric, the one that
    decides first; `checks` one per check. `timelines`: "day", "week", "month" and "year" -> a
    table for `plots.timeline`; one that is empty, or not given, is left out.
    """
    about, lines = evaluation.hypothesis, text.splitlines()
    standing, facts = _standing(evaluation), _facts(about)
    told, held = _figures(figures, about.comparison, currency), _checks(checks)
    drawn = [every for every in PERIODS if len(timelines.get(every, ()))]
    pngs = {every: _png(timelines[every], about, currency) for every in drawn}
    parts = [
        f'<h3 class="ltv-card-title">{escape(about.title)}</h3>',
        _badges(standing, evaluation.verdict),
        _list(facts),
        *[f'<p class="ltv-card-finding">{escape(line)}</p>' for line in lines],
        *[_table(table) for table in (told, held) if table.body],
        _times(pngs, about),
    ]
    html = '<div class="ltv-card">\n' + "\n".join(filter(None, parts)) + "\n</div>"
    plain = [about.title, ", ".join(map(": ".join, standing.items()))]
    plain += [": ".join(fact) for fact in facts.items()] + ["", *lines]
    return Card(html, "\n".join([*plain, *_plain(told), *_plain(held)]), pngs.get(OPEN, ""))


def _standing(evaluation: Any) -> dict[str, str]:
    names = ("verdict", "status", "grade")
    return {formats.label(n): formats.cell(getattr(evaluation, n), "word") for n in names}


def _facts(about: Any) -> dict[str, str]:
    """What was planned, and what was decided in the end."""
    dates = _("{start} to {end}")
    facts = {
        formats.label("hypothesis"): about.hypothesis,
        formats.label("measure"): about.measure,
        _("Dates"): dates.format(start=formats.date(about.start), end=formats.date(about.until)),
        _("Compared with"): _(COMPARISONS[about.comparison]),
        formats.label("owner"): ", ".join(filter(None, (about.owner, about.department))),
    }
    for last in about.standing.decisions[-1:]:
        said = f"{formats.date(last.day)}, {formats.cell(last.decision, 'word')}: {last.reason}"
        facts[_("Decision")] = said
    return facts


def _figures(figures: pd.DataFrame, comparison: str, currency: str) -> Display:
    """Levels, change and effect of each metric, in its own format; what is not known of any is
    left out, and so is the change as it stands where the effect is the same."""
    numbers = figures.drop(columns=["metric", "role", "outcome"]).astype(float)
    told = [c for c in (*LEVELS, "raw_effect", "natural_change") if numbers[c].notna().any()]
    if numbers["raw_effect"].equals(numbers["effect"]):
        told = [c for c in told if c != "raw_effect"]
    labels = {c: formats.label(c) for c in ("metric", *told, "effect")}
    if comparison == "same_period_last_year":
        labels["control_after"] = _("A year before")
    header = (*labels.values(), _("95% interval"), formats.label("role"))
    body = tuple(_row(row, told, currency) for row in figures.to_dict("records"))
    notes = []
    if "natural_change" in told:
        notes.append(_("effect = change as it stands, less the natural change"))
    if any(formats.MISSING in row for row in body):
        notes.append(f"{formats.MISSING} " + _("not available"))
    right = (False, *[True] * (len(header) - 2), False)
    return Display(_("Figures"), header, body, right, 0, tuple(notes))


def _row(row: Mapping[str, Any], told: list[str], currency: str) -> tuple[str, ...]:
    metric = row["metric"]
    share = formats.kind(metric) == "share"
    decimals = _decimals(row, currency)

    def level(x: float) -> str:
        return formats.share(x) if share else formats.number(x, decimals=decimals)
