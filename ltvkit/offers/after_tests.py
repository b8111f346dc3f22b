"""Whom to treat next time: for each randomized measure that has ended, the rule that its own
customers show, or that nobody can tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from ltvkit import periods
from ltvkit.display import formats, joining
from ltvkit.errors import TooLittleData
from ltvkit.hypotheses import figures
from ltvkit.hypotheses.board import FINISHED, Board
from ltvkit.hypotheses.effects import comparisons, targets
from ltvkit.hypotheses.effects.customer_days import Histories
from ltvkit.hypotheses.evaluation import Evaluation
from ltvkit.offers.findings import describe_rule
from ltvkit.offers.texts import fill
from ltvkit.offers.uplift import Rule, find_rule

FIGURES = {
    "effect_all": "effect_all", "effect_in": "effect_in", "effect_in_low": "effect_in_low",
    "effect_out": "effect_out",
    "difference": "effect_difference", "difference_low": "effect_difference_low",
    "difference_high": "effect_difference_high",
    "qini": "qini", "qini_low": "qini_low", "qini_high": "qini_high", "p": "q",
}  # fmt: skip
COLUMNS = ["id", "title", "rule", "share", *FIGURES.values(), "cost", "whom"]
BY = ("segment", "decile", "channel")  # on the day when the customers were selected
YES, NO = "named", "cannot_tell"
LEVEL = 0.05  # of all measures together


@dataclass(frozen=True)
class Rules:
    """`table`: see `find_rules`; `texts`: a sentence or more per measure, its title first."""

    table: pd.DataFrame
    texts: tuple[str, ...]

    @property
    def advice(self) -> list[str]:
        """The texts of measures that brought more than they cost to the customers of their rule."""
        return self._choose(self.table["effect_in_low"] > self.table["cost"])

    @property
    def text(self) -> str:
        """The named ones, a line each, and how many others there are."""
        if self.table.empty:
            return fill("no_random_measure")
        named, others = self._choose(True), int((self.table["whom"] == NO).sum())
        return "\n".join([*named, *[fill("no_measure_named", n=others)] * (others > 0)])

    def _choose(self, which: pd.Series | bool) -> list[str]:
        chosen = (self.table["whom"] == YES) & which
        return [text for text, known in zip(self.texts, chosen, strict=True) if known]


def find_rules(board: Board, *, margin_rate: float = 0.0, currency: str = "") -> Rules:
    """All hypotheses of a register -> for which customers each randomized measure worked.

    Of those that have ended, the latest first: `id`, `title`, `rule` (the customers for whom it
    worked best: a column and values, as of the selection), `share` (of the customers judged),
    effect_all, effect_in, effect_out and effect_difference (in money per customer: of all, inside
    and outside the rule, and in less out), with effect_in_low, effect_difference_low and
    effect_difference_high (90%), `qini` with qini_low and qini_high (see `find_rule`), `q` (the
    chance of such a difference where there is none, adjusted for the number of measures by Holm),
    the `cost` of one treated customer, and `whom`: "named" where q is 0.05 at most, else
    "cannot_tell". Money is the margin of the window, by `margin_rate` or as the orders have it,
    else revenue. A measure with fewer than 30 treated or control customers in a half has a row
    without figures, and its reason in `texts`.
    """
    found: list[tuple[Evaluation, Rule | TooLittleData]] = []
    for evaluation in reversed(board.evaluations):
        plan = evaluation.hypothesis
        if evaluation.status not in FINISHED or plan.comparison != "randomized":
            continue
        try:
            found.append((evaluation, _find(board.histories, evaluation, margin_rate=margin_rate)))
        except TooLittleData as error:
            found.append((evaluation, error))
    adjusted = _adjust([rule.figures["p"] for _e, rule in found if isinstance(rule, Rule)])
    rows, texts = [], []
    for evaluation, rule in found:
        plan = evaluation.hypothesis
        row: dict[str, object] = {"id": plan.id, "title": plan.title, "whom": NO}
        if isinstance(rule, Rule):
            q = next(adjusted)
            row |= {**_describe(rule), "q": q, "whom": YES if q <= LEVEL else NO}
            said = describe_rule(rule, named=q <= LEVEL, unit=currency)
        else:
            said = _capitalize(str(rule))
        rows.append(row)
        texts.append(fill("of_measure", title=plan.title, said=said))
    table = pd.DataFrame(rows, columns=COLUMNS)
    return Rules(
        table.astype(dict.fromkeys(("share", *FIGURES.values(), "cost"), float)), tuple(texts)
    )


def _adjust(p: list[float]) -> Iterator[float]:
    """p of several measures -> adjusted for their number (Holm), in their order."""
    from statsmodels.stats.multitest import multipletests

    return iter(multipletests(p, method="holm")[1].tolist() if p else [])


def collect_customers(
    histories: Histories, evaluation: Evaluation, *, margin_rate: float = 0.0
) -> pd.DataFrame:
    """The customers of a randomized measure: customer_id, group, outcome (money in its window), and
    their segment, decile and first channel on the day of selection (missing: had not bought)."""
    plan, window = evaluation.hypothesis, evaluation.window
    assert window is not None
    drawn = comparisons.assigned_customers(histories, plan)
    who, on = histories.positions(drawn["customer_id"]), periods.number_of(plan.selected)
    _of, metric = figures.choose_money(histories, margin_rate)
    money = histories.parts(metric, who, window.start, window.end)[:, 0] * (margin_rate or 1.0)
    known = histories.customers_on(on)["customer_id"]
    labels = {
        name: pd.Series(targets.label(histories, name, on=on), index=known).reindex(who).to_numpy()
        for name in ("segment", "decile")
    }
    if histories.channels is not None:
        first = pd.Series(histories.channels.astype(object)).reindex(who)
        labels["channel"] = first.to_numpy()
    return drawn[["customer_id", "group"]].assign(outcome=money, **labels).reset_index(drop=True)


def _find(histories: Histories, evaluation: Evaluation, *, margin_rate: float) -> Rule:
    people = collect_customers(histories, evaluation, margin_rate=margin_rate)
    people = people.astype({name: "str" for name in BY if name in people})
    by = tuple(name for name in BY if name in people)
    treated = evaluation.extras["treated"]
    return find_rule(people, by=by, cost=(evaluation.hypothesis.cost or 0.0) / max(treated, 1))


def _describe(rule: Rule) -> dict[str, object]:
    named = fill("rule", column=formats.label(rule.column), values=joining.items(rule.values))
    found = {column: rule.figures[name] for name, column in FIGURES.items()}
    return {"rule": named, "share": rule.share, "cost": rule.cost, **found}


def _capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]
