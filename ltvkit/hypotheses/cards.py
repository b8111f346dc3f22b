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
from matplotlib.axes import Axes
from PIL import Image

from ltvkit import hypotheses
from ltvkit.core.i18n import N_, _
from ltvkit.display import formats, plots
from ltvkit.display.tables import Display
from ltvkit.hypotheses import card_tables
from ltvkit.hypotheses.board import Board

PERIODS = {
    "day": N_("Day"), "week": N_("Week"), "month": N_("Month"), "year": N_("Year"),
    "past": N_("Past dates"),
}  # fmt: skip
OPEN, PAST, DPI, COLOURS = "month", "past", 80, 64
COMPARISONS = {
    "randomized": N_("a control group drawn at random"),
    "control_segment": N_("another segment"),
    "same_period_last_year": N_("the same period last year"),
    "before_after": N_("the time before"),
}
LOOKS = {"adopt": "good", "drop": "bad"}  # of a verdict


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
        first = next((card.png for card in self.cards if card.png), "")
        return Card(html, repr(self), first)._repr_mimebundle_()

    def __repr__(self) -> str:
        texts = [card.text for card in self.cards]
        return "\n\n\n".join(texts) or _("There is no hypothesis to show.")


def deck(cards: Iterable[Card]) -> Deck:
    """Several cards as one thing to look at."""
    return Deck(tuple(cards))


def board(found: Board, *, currency: str = "") -> Deck:
    """All hypotheses of a board, a card each, the latest first."""
    return deck(
        show(
            each,
            text=hypotheses.finding(each, currency=currency),
            timelines=hypotheses.timelines(each, found.histories),
            currency=currency,
        )
        for each in reversed(found.evaluations)
    )


def show(
    evaluation: Any,
    *,
    text: str,
    timelines: Mapping[str, pd.DataFrame],
    currency: str = "",
) -> Card:
    """An evaluation, with its tables of figures and checks -> its card.

    `text` is the finding, a line per paragraph. `timelines`: "day", "week", "month" and "year" ->
    a table for `plots.timeline`; one that is empty, or not given, is left out. Where there are
    replays, they are one more picture.
    """
    about, lines = evaluation.hypothesis, text.splitlines()
    standing, facts = _standing(evaluation), _facts(about, evaluation.extras, currency)
    told = card_tables.figures(evaluation.table, about.comparison, currency)
    held = card_tables.checks(evaluation.checks)
    pngs = _pictures(evaluation, timelines, currency)
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


def _facts(about: Any, counted: Mapping[str, float], currency: str) -> dict[str, str]:
    """What was planned, for whom, and what was decided in the end."""
    dates = _("{start} to {end}")
    facts = {
        formats.label("hypothesis"): about.hypothesis,
        formats.label("measure"): about.measure,
        formats.label("customers"): _customers(about.target, counted),
        _("Dates"): dates.format(start=formats.date(about.start), end=formats.date(about.until)),
        _("Compared with"): _compared(about),
        _("Worth having"): formats.difference(about.smallest_effect, about.metric, currency),
        formats.label("owner"): ", ".join(filter(None, (about.owner, about.department))),
    }
    for last in about.standing.decisions[-1:]:
        said = f"{formats.date(last.day)}, {formats.cell(last.decision, 'word')}: {last.reason}"
        facts[_("Decision")] = said
    return facts


def _compared(about: Any) -> str:
    said = _(COMPARISONS[about.comparison])
    return f"{said}: {_picked(about.control)}" if about.control else said


def _picked(target: Any) -> str:
    """A rule and its values; a list is not written out."""
    rule, values = formats.label(target.rule).lower(), ", ".join(target.values)
    return _("a list") if target.rule == "customers" else f"{rule} {values}"


def _customers(target: Any, counted: Mapping[str, float]) -> str:
    """By which rule they were picked, and how many."""
    said = _picked(target)
    if not counted:
        return said
    text = _("{who}: {treated} treated, {control} compared with")
    numbers = {name: formats.count(counted[name]) for name in ("treated", "control")}
    return (
        text.format(who=said, **numbers) if counted["control"] else f"{said}: {numbers['treated']}"
    )


def _badges(standing: Mapping[str, str], verdict: str) -> str:
    looks = (LOOKS.get(verdict, "open"), "plain", "plain")
    return (
        '<p class="ltv-card-badges">'
        + " ".join(
            f'<span class="ltv-card-badge ltv-card-{look}">{escape(name)}: '
            f"<strong>{escape(said)}</strong></span>"
            for (name, said), look in zip(standing.items(), looks, strict=True)
        )
        + "</p>"
    )


def _list(facts: Mapping[str, str]) -> str:
    rows = [f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts.items() if v]
    return '<dl class="ltv-card-facts">\n' + "\n".join(rows) + "\n</dl>"


def _table(table: Display) -> str:
    """A table that scrolls by itself, with what is bad marked."""
    html = table._repr_html_()
    for word in card_tables.bad():
        mark = f'<strong class="ltv-card-mark">{escape(word)}</strong>'
        html = html.replace(f">{escape(word)}</div>", f">{mark}</div>")
    return f'<div class="ltv-card-scroll">\n{html}\n</div>'


def _times(pngs: Mapping[str, str], about: Any) -> str:
    """Pictures of which one is open at a time, as they share a name."""
    if not pngs:
        return ""
    # Where the past was replayed, it says more than the months do.
    first = next((name for name in (PAST, OPEN) if name in pngs), next(iter(pngs)))
    alt = _("{measure} of the treated and of those they are compared with, by {period}")
    parts = []
    for every, png in pngs.items():
        period, open_ = _(PERIODS[every]), " open" if every == first else ""
        said = alt.format(measure=formats.label(about.metric), period=period.lower())
        parts.append(
            f'<details name="ltv-card-{escape(about.id)}"{open_}>'
            f"<summary>{escape(period)}</summary>\n<figure>"
            f'<img alt="{escape(said)}" src="data:image/png;base64,{png}"></figure></details>'
        )
    return '<div class="ltv-card-times">\n' + "\n".join(parts) + "\n</div>"


def _pictures(evaluation: Any, timelines: Mapping[str, Any], currency: str) -> dict[str, str]:
    """Each picture in base64, by its period."""
    about, natural, pngs = evaluation.hypothesis, evaluation.natural, {}
    for every in (e for e in PERIODS if len(timelines.get(e, ()))):
        table = timelines[every]
        look = {"metric": table["metric"].iloc[0], "start": about.start, "end": about.until}
        pngs[every] = _png(plots.timeline(table, currency=currency, **look))
    if len(natural):
        look = {"change": evaluation.primary["raw_effect"], "metric": about.metric}
        pngs[PAST] = _png(plots.replays(natural, currency=currency, **look))
    return pngs


def _png(ax: Axes) -> str:
    """A chart in base64; its figure is closed, so that no notebook shows it."""
    drawn, written = io.BytesIO(), io.BytesIO()
    ax.figure.savefig(drawn, format="png", dpi=DPI)
    plt.close(ax.figure)
    # A chart of few colours: with a palette it takes a third of the room.
    few = Image.open(drawn).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(written, format="png", optimize=True)
    return base64.b64encode(written.getvalue()).decode()


def _plain(table: Display) -> list[str]:
    """A table as lines of text: none is too wide for it."""
    rows = [
        "; ".join([row[0], *map(": ".join, zip(table.header[1:], row[1:], strict=True))])
        for row in table.body
    ]
    return ["", table.caption, *[f"- {row}" for row in rows]] if rows else []
