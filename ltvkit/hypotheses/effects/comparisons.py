"""What the treated are compared with: a group drawn at random, another segment, last year, before.

A comparison can be made at the time of the measure, or as a replay `back` days earlier, when
nothing was done: the same rules select, the same windows count.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.errors import DataError
from ltvkit.hypotheses.effects import matching, targets
from ltvkit.hypotheses.effects.customer_days import Histories
from ltvkit.hypotheses.effects.estimates import PER_SLOPE, Estimate, Term, adjust, contrast
from ltvkit.hypotheses.effects.metrics import table_of
from ltvkit.hypotheses.hypothesis import CONTROL, TREATED, Hypothesis, Target
from ltvkit.hypotheses.texts import fill
from ltvkit.periods import YEAR_BEFORE

YEAR = YEAR_BEFORE["day"]  # 52 weeks, so that weekdays match
LATE = 7  # days of a window in which a table of outcomes may begin: not every day has a row
COVARIATE_DAYS = 365  # days before the start that a randomized comparison learns from


class Groups(NamedTuple):
    """The positions of the treated, and of those they are compared with (else nobody)."""

    treated: np.ndarray
    control: np.ndarray


class Window(NamedTuple):
    """The days counted, both ends included."""

    start: int
    end: int

    @property
    def days(self) -> int:
        """How many they are."""
        return self.end - self.start + 1

    @property
    def before(self) -> Window:
        """As many days before them."""
        return self.back(self.days)

    def back(self, days: int) -> Window:
        """The same window some days earlier."""
        return Window(self.start - days, self.end - days)

    def meets(self, other: Window) -> bool:
        """Whether they share a day."""
        return self.start <= other.end and other.start <= self.end


class Comparison(NamedTuple):
    """Groups of customers in a window of days; `kind` is one of `hypothesis.COMPARISONS`."""

    histories: Histories
    kind: str
    groups: Groups
    window: Window

    def term(self, metric: str, who: np.ndarray, window: Window, sign: int = 1) -> Term:
        """The figure of some customers in a window."""
        return Term(sign, who, self.histories.parts(metric, who, *window))

    def terms(self, metric: str) -> list[Term]:
        """The signed figures that make up the effect; the treated in the window come first."""
        (treated, control), days = self.groups, self.window
        others = {
            "randomized": [(-1, control, days)],
            "control_segment": [
                (-1, treated, days.before),
                (-1, control, days),
                (1, control, days.before),
            ],
            "same_period_last_year": [(-1, control, days.back(YEAR))],
            "before_after": [(-1, treated, days.before)],
        }[self.kind]
        signed = [(1, treated, days), *others]
        return [self.term(metric, who, span, sign) for sign, who, span in signed]

    def estimate(self, metric: str, strata: pd.Series | None = None) -> Estimate:
        """The effect, before any natural change is taken out.

        `strata`: by position, the stratum within which a customer was drawn.
        """
        terms = self.terms(metric)
        if self.kind != "randomized":
            return contrast(terms)
        known = [[self._before_start(metric, who)] for who in self.groups]
        if strata is not None:
            columns = _stratum_columns(strata, self.groups)
            for block, drawn in zip(known, columns, strict=True):
                block.append(drawn)
        return adjust(*terms, before=known)

    def _before_start(self, metric: str, who: np.ndarray) -> np.ndarray:
        """A metric before the start: over as many days, and over a year."""
        start = self.window.start
        spans = self.window.before, Window(start - COVARIATE_DAYS, start - 1)
        return np.hstack([self.histories.parts(metric, who, *span) for span in spans])


def observed_window(hypothesis: Hypothesis, histories: Histories) -> Window:
    """The days of a hypothesis that the orders cover so far."""
    until = min(periods.number_of(hypothesis.until), histories.last)
    return Window(periods.number_of(hypothesis.start), until)


def compare(histories: Histories, hypothesis: Hypothesis) -> Comparison:
    """A hypothesis -> its comparison, over the days that the orders cover so far.

    Raises `DataError` where a group has fewer than two customers, and where the orders do not
    reach back far enough.
    """
    kind, id = hypothesis.comparison, hypothesis.id
    groups, window = select_groups(histories, hypothesis), observed_window(hypothesis, histories)
    where = fill("all_orders" if histories.share == 1 else "sampled_orders")
    for name, who in zip((TREATED, CONTROL), groups, strict=True):
        if len(who) < 2 and (kind != "before_after" or name == TREATED):
            group = fill(f"group_{name}")
            raise DataError(fill("few_customers", id=id, n=len(who), group=group, where=where))
    if kind == "same_period_last_year" and window.days > YEAR:
        raise DataError(fill("years_overlap", id=id, days=window.days))
    back = lookback_days(kind, window.days)
    if window.start - back < histories.first:
        known, other = window.start - histories.first, fill(kind)
        raise DataError(fill("too_far_back", id=id, comparison=other, back=back, known=known))
    for metric in (hypothesis.metric, *hypothesis.guardrails):
        _check_outcomes(histories, hypothesis, metric, window.back(back))
    return Comparison(histories, kind, groups, window)


def _check_outcomes(
    histories: Histories, hypothesis: Hypothesis, metric: str, earliest: Window
) -> None:
    """Refuse a table of outcomes that begins too late for a comparison, or ends before it."""
    outcome = histories.outcomes.get(table_of(metric))
    named = {"id": hypothesis.id, "table": hypothesis.outcomes}
    if outcome and outcome.days.first > earliest.start + LATE:
        first, needed = (periods.start(d, "day") for d in (outcome.days.first, earliest.start))
        raise DataError(fill("outcomes_begin", **named, first=first.date(), needed=needed.date()))
    if outcome and outcome.last < periods.number_of(hypothesis.start):
        last = periods.start(outcome.last, "day").date()
        raise DataError(fill("outcomes_end", **named, last=last, start=hypothesis.start))


def select_groups(
    histories: Histories, hypothesis: Hypothesis, *, back: int = 0, length: int = 0
) -> Groups:
    """Who is compared with whom; a customer who is in both segments counts as treated.

    `back` days earlier, a list that was not drawn is replaced by customers who resemble it, where
    there are any; `length` is the number of days of the measure.
    """
    on, nobody = periods.number_of(hypothesis.selected), np.array([], dtype="int64")
    if hypothesis.comparison == "randomized":
        drawn = assigned_customers(histories, hypothesis)
        who, group = histories.positions(drawn["customer_id"]), drawn["group"].to_numpy()
        return Groups(who[group == TREATED], who[group == CONTROL])

    def select(target: Target) -> np.ndarray:
        if back and target.rule == "customers":
            like = matching.match(histories, target, on=on, back=back, length=length)
            return like.who if like.alike else nobody
        return targets.select(histories, target, on=on, back=back)

    treated = select(hypothesis.target)
    if hypothesis.comparison == "control_segment":
        return Groups(treated, np.setdiff1d(select(hypothesis.control), treated))
    if hypothesis.comparison == "same_period_last_year":
        return Groups(treated, _select_last_year(histories, hypothesis, treated, on - back))
    return Groups(treated, nobody)


def _select_last_year(
    histories: Histories, hypothesis: Hypothesis, treated: np.ndarray, on: int
) -> np.ndarray:
    """Whom the rule selects a year before day `on`; of a list, those of it who were known then."""
    if hypothesis.target.rule != "customers":
        return targets.select(histories, hypothesis.target, on=on, back=YEAR)
    known = histories.customers_on(on - YEAR)
    return treated[np.isin(treated, known["customer_id"])]


def assigned_customers(histories: Histories, hypothesis: Hypothesis) -> pd.DataFrame:
    """The list of a randomized hypothesis; of a sample of customers, those of the list in it.

    What a customer outside the sample bought is not known, and must not count as nothing.
    """
    return hypothesis.assigned[histories.contains(hypothesis.assigned["customer_id"])]


def count_groups(histories: Histories, hypothesis: Hypothesis, groups: Groups) -> tuple[int, int]:
    """How many customers of the whole shop are treated, and compared with."""
    if hypothesis.comparison == "randomized":
        group = hypothesis.assigned["group"]
        return int((group == TREATED).sum()), int((group == CONTROL).sum())
    rules = (hypothesis.target, hypothesis.control or hypothesis.target)
    return tuple(targets.count(histories, *pair) for pair in zip(rules, groups, strict=True))


def lookback_days(kind: str, length: int) -> int:
    """How many days before the start a comparison over `length` days looks."""
    return {"randomized": 0, "same_period_last_year": YEAR}.get(kind, length)


def read_strata(histories: Histories, hypothesis: Hypothesis) -> pd.Series | None:
    """By position, the stratum in the list of a randomized hypothesis; None where it has none."""
    if hypothesis.assigned is None or hypothesis.assigned["segment"].eq("").all():
        return None
    drawn = assigned_customers(histories, hypothesis)
    return drawn["segment"].set_axis(histories.positions(drawn["customer_id"]))


def _stratum_columns(strata: pd.Series, groups: Groups) -> list[np.ndarray]:
    """A column per stratum that both groups have enough customers of; the others have none."""
    named = [strata.reindex(who) for who in groups]
    counts = pd.concat([n.value_counts() for n in named], axis=1).fillna(0).min(axis=1)
    large = counts.index[counts >= PER_SLOPE]
    return [np.column_stack([n == name for name in large] or [n != n]).astype(float) for n in named]
