"""One card per hypothesis: who did what to whom, whether it worked, and the figures behind that.

A card is HTML without script (`card.html.j2`). Where HTML cannot be shown, it is the chart by
month, or text.
"""

import base64
import functools
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from PIL import Image

from ltvkit import hypotheses
from ltvkit.core.i18n import _
from ltvkit.display import formats, joining, plots
from ltvkit.display.tables import Display
from ltvkit.hypotheses import card_tables
from ltvkit.hypotheses.board import Board
from ltvkit.hypotheses.evaluation import ENDED, Evaluation
from ltvkit.hypotheses.hypothesis import Hypothesis, Target
from ltvkit.hypotheses.texts import fill

__all__ = ["Card", "join", "render", "show"]

__dir__ = __all__.copy

DPI, COLOURS = 80, 64
LOOKS = {"adopt": "good", "drop": "bad"}  # of a verdict


@dataclass(frozen=True, repr=False)
class Card:
    """HTML with its text; `png` is a chart in base64, "" if there is none."""

    html: str
    text: str
    png: str = ""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        picture = {"image/png": self.png} if self.png else {}
        return {"text/html": self.html, **picture, "text/plain": self.text}

    def __repr__(self) -> str:
        return self.text


def show(board: Board, *, currency: str = "") -> Card:
    """All hypotheses of a board, one card below the other, the latest first."""
    return join(
        render(
            each,
            text=hypotheses.finding(each, currency=currency),
            timelines=hypotheses.timelines(each, board.histories),
            currency=currency,
        )
        for each in reversed(board.evaluations)
    )


def join(cards: Iterable[Card]) -> Card:
    """Several cards as one; it has the first chart."""
    cards = list(cards)
    text = "\n\n\n".join(card.text for card in cards) or _("There is no hypothesis to show.")
    html = "\n".join(card.html for card in cards) or f"<p>{escape(text)}</p>"
    return Card(html, text, next((card.png for card in cards if card.png), ""))


def render(
    evaluation: Evaluation,
    *,
    text: str,
    timelines: Mapping[str, pd.DataFrame],
    currency: str = "",
) -> Card:
    """An evaluation, with its tables of figures and checks -> its card.

    `text` is the finding, one paragraph per line. `timelines`: "day", "week", "month" and "year"
    -> a table for `plots.timeline`; an empty or missing one is left out. Where past dates were
    replayed, they are one more chart, which is open first.
    """
    about = evaluation.hypothesis
    looks = {"verdict": LOOKS.get(evaluation.verdict, "open"), "status": "plain", "grade": "plain"}
    looks |= {"status": "open"} if evaluation.status == ENDED else {}
    tables = [
        card_tables.show_figures(evaluation.table, about, currency),
        card_tables.show_checks(evaluation.checks),
    ]
    tables = [table for table in tables if table.body]
    pngs = _pictures(evaluation, timelines, currency)
    facts = _facts(about, evaluation, currency)
    shown = {"evaluation": evaluation, "about": about, "looks": looks, "facts": facts}
    shown |= {"lines": text.splitlines(), "pngs": pngs}
    marks = joining.rules()
    shown |= {"item": marks["item"], "clause": marks["clause"], "between": marks["colon"]}
    html = _template("card.html.j2").render(**shown, tables=map(_marked, tables))
    plain = _template("card.txt.j2").render(**shown, tables=tables)
    return Card(html, plain, pngs.get("month", ""))


@functools.cache
def _template(name: str) -> jinja2.Template:
    loader, escape = jinja2.FileSystemLoader(Path(__file__).parent), name.endswith(".html.j2")
    environment = jinja2.Environment(loader=loader, autoescape=escape)
    words = {"colon": joining.colon, "label": formats.label, "cell": formats.cell, "fill": fill}
    return environment.get_template(name, globals=words)


def _facts(about: Hypothesis, found: Evaluation, currency: str) -> dict[str, str]:
    """What was planned, for whom, what it cost, and what was decided in the end."""
    worth = formats.difference(about.smallest_effect, about.metric, currency)
    compared = [fill(about.comparison), *map(_describe, filter(None, [about.control]))]
    facts = {
        formats.label("hypothesis"): about.hypothesis,
        _("What is done"): about.measure,
        formats.label("customers"): _customers(about, found.extras),
        _("Dates"): fill("span", start=about.start, end=about.until),
        _("Compared with"): joining.colon(*compared),
        formats.label("cost"): _cost(about, currency),
        formats.label("smallest_effect"): worth,
        formats.label("owner"): joining.items(filter(None, (about.owner, about.department))),
    }
    for last in about.record.decisions[-1:]:
        decision = formats.cell(last.decision, "word")
        facts[_("Decision")] = joining.colon(
            joining.items([formats.date(last.day), decision]), last.reason
        )
    if found.status == ENDED:
        facts[_("Decision")] = fill("decide", until=about.until)
    return facts


def _cost(about: Hypothesis, currency: str) -> str:
    """A cost that was not declared is not nothing."""
    if about.cost is None:
        return _("not declared")
    return formats.money(about.cost, currency)


def _describe(target: Target) -> str:
    """A rule and its values; the customers of a list are not named."""
    rule, values = formats.label_inside(target.rule), joining.items(map(_, target.values))
    return _("a list") if target.rule == "customers" else f"{rule} {values}"


def _customers(about: Hypothesis, counts: Mapping[str, float]) -> str:
    """The rule that selected them, and how many they are.

    Segments of a list are by scores alone (see `targets.select_all`), unlike those of a report.
    """
    numbers = {n: formats.count(counts[n]) for n in ("treated", "control") if counts.get(n)}
    counted = fill("counts", **numbers) if len(numbers) == 2 else numbers.get("treated")
    text = joining.colon(*filter(None, [_describe(about.target), counted]))
    targets = filter(None, [about.target, about.control])
    by_scores = any(target.rule == "segment" for target in targets)
    return joining.sentences([joining.stop(text), fill("by_scores")]) if by_scores else text


def _marked(table: Display) -> Markup:
    """The HTML of a table, with what is bad standing out."""
    html = table._repr_html_()
    for word in card_tables.warnings():
        mark = f'<strong class="ltv-card-mark">{escape(word)}</strong>'
        html = html.replace(f">{escape(word)}</div>", f">{mark}</div>")
    return Markup(html)


def _pictures(
    evaluation: Evaluation, timelines: Mapping[str, pd.DataFrame], currency: str
) -> dict[str, str]:
    """Each chart in base64, by its period."""
    about, pngs = evaluation.hypothesis, {}
    for every, table in ((e, t) for e, t in timelines.items() if len(t)):
        look = {"metric": table["metric"].iloc[0], "start": about.start, "end": about.until}
        pngs[every] = _png(plots.timeline(table, currency=currency, **look))
    if len(evaluation.natural):
        look = {"change": evaluation.primary["raw_effect"], "metric": about.metric}
        pngs["past"] = _png(plots.replays(evaluation.natural, currency=currency, **look))
    return pngs


def _png(ax: Axes) -> str:
    """A chart in base64; its figure is closed, so that no notebook shows it."""
    drawn, written = io.BytesIO(), io.BytesIO()
    ax.figure.savefig(drawn, format="png", dpi=DPI)
    plt.close(ax.figure)
    # A chart has few colours: a palette makes the file three times smaller.
    few = Image.open(drawn).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(written, format="png", optimize=True)
    return base64.b64encode(written.getvalue()).decode()
