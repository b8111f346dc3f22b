"""Did it work? A hypothesis and the orders -> figures, checks, grade, verdict and return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.hypotheses import figures, verdicts
from ltvkit.hypotheses.effects import comparisons, customer_days, placebo, validity
from ltvkit.hypotheses.effects.comparisons import Groups, Window
from ltvkit.hypotheses.effects.customer_days import Histories, day
from ltvkit.hypotheses.effects.estimates import Estimate
from ltvkit.hypotheses.effects.validity import Check
from ltvkit.hypotheses.hypothesis import Hypothesis

DRAFT, RUNNING, ENDED, DECIDED = "draft", "running", "ended", "decided"


@dataclass(frozen=True)
class Evaluation:
    """What the orders say of one hypothesis on a day.

    `status`: draft, running, ended or decided; a draft has no figures yet. `table`: see
    `figures.table`, one row per metric, the one that decides first. `checks`: check, holds,
    found. `natural`: the replays of that metric. `returns`: what it brought, cost and left, with
    intervals. `extras`: customers (of the whole shop), the part of the top 1%, the variance that
    knowing the time before has saved. `sampled`: a sentence, where a sample was judged.
    `every_look`: the interval is valid however often one looks. `q`: p
    corrected for all hypotheses of the register.
    """

    hypothesis: Hypothesis
    as_of: Any
    status: str
    grade: str
    verdict: str = verdicts.DRAFT
    table: pd.DataFrame = field(default_factory=figures.empty)
    checks: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=Check._fields))
    natural: pd.DataFrame = field(default_factory=pd.DataFrame)
    returns: Mapping[str, float] = field(default_factory=dict)
    extras: Mapping[str, float] = field(default_factory=dict)
    every_look: bool = False
    q: float = np.nan
    groups: Groups | None = None
    window: Window | None = None
    sampled: str = ""

    @property
    def primary(self) -> pd.Series:
        """The row of the metric that decides."""
        return self.table.iloc[0]


def evaluate(
    hypothesis: Hypothesis, lines: Any, *, as_of: Any, busy: Sequence[Window] = ()
) -> Evaluation:
    """A hypothesis and the order lines -> what they say of it on the day `as_of`.

    `lines` are order lines of any engine, or `histories.build` of them where several hypotheses
    are evaluated. `busy` are windows in which other measures ran, to be left out of replays.
    Raises `DataError` where nobody is selected or the orders do not reach back far enough, and
    `ParamsError` for what the orders cannot answer.

    - randomized: the difference of the groups, adjusted for the time before (ANCOVA)
    - control segment: difference in differences per customer, the natural one taken out
    - same period last year, before and after: the change, the natural change taken out

    While it runs, and where it was extended, the interval of a randomized one is valid at every
    look; others have none before the end.
    """
    known = customer_days.of(lines, as_of=as_of)
    hypothesis = hypothesis.known_on(periods.day(as_of).date())
    status = _status(hypothesis, as_of)
    if status == DRAFT or hypothesis.until < hypothesis.start:
        return Evaluation(hypothesis, as_of, status, verdicts.GRADES[hypothesis.comparison])
    days = comparisons.window(hypothesis, known)
    found = comparisons.checked(comparisons.groups(known, hypothesis), known, hypothesis, days)
    metrics = (hypothesis.metric, *hypothesis.guardrails)
    money = "margin_per_customer" if known.has_margin else "revenue_per_customer"
    asked = list(dict.fromkeys((*metrics, money)))
    natural = placebo.replays(known, hypothesis, asked, days=days, busy=busy)
    strata = comparisons.strata(known, hypothesis)
    made = {
        m: comparisons.estimate(known, hypothesis.comparison, m, found, days, strata) for m in asked
    }
    first, sizes = made[hypothesis.metric], comparisons.sizes(known, hypothesis, found)
    held = _checks(known, hypothesis, found, days, natural[hypothesis.metric])
    held += [validity.robustness(first, hypothesis.metric), *validity.size(first, found)]
    judging = figures.Judging(
        grade=verdicts.grade(hypothesis, held),
        running=status == RUNNING,
        every_look=_looked_at(hypothesis, status),
    )
    rows = {
        m: figures.row(known, hypothesis, m, found, days, made[m], natural[m], judging)
        for m in asked
    }
    table = figures.table(rows, hypothesis)
    return Evaluation(
        hypothesis=hypothesis,
        as_of=as_of,
        status=status,
        grade=judging.grade,
        verdict=verdicts.RUNNING if judging.running else verdicts.verdict(hypothesis, table),
        table=table,
        checks=pd.DataFrame(held, columns=list(Check._fields)),
        natural=natural[hypothesis.metric].table,
        returns=figures.returns(rows[money], money, sizes[0], hypothesis.cost),
        extras=_extras(sizes, first),
        every_look=judging.every_look,
        groups=found,
        window=days,
        sampled=known.note,
    )


def _status(hypothesis: Hypothesis, as_of: Any) -> str:
    """Draft before the start, running up to the last day that counts, then ended or decided."""
    today, until = day(as_of), day(hypothesis.until)
    if today < min(day(hypothesis.start), until):
        return DRAFT
    if today < until:
        return RUNNING
    final = any(d.decision != "extend" for d in hypothesis.standing.decisions)
    return DECIDED if final else ENDED


def _looked_at(hypothesis: Hypothesis, status: str) -> bool:
    """Whether somebody looks before the end: while it runs, to extend it, or to stop it early."""
    early = status == RUNNING or hypothesis.until != hypothesis.end
    return early and hypothesis.comparison == "randomized"


def _checks(
    known: Histories, hypothesis: Hypothesis, found: Groups, days: Window, natural: placebo.Natural
) -> list[Check]:
    registered = validity.registration(hypothesis)
    if hypothesis.comparison == "randomized":
        ratio = validity.ratio(known, found, hypothesis)
        return [ratio, validity.balance(known, found, days), registered]
    if hypothesis.comparison == "control_segment":
        return [validity.trend(natural), registered]
    return [validity.past(natural, hypothesis), registered]


def _extras(sizes: tuple[int, int], made: Estimate) -> dict[str, float]:
    return {
        "treated": sizes[0],
        "control": sizes[1],
        "top_share": made.top_share,
        "variance_saved": made.variance_saved,
    }
