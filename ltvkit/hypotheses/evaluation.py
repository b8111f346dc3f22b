"""Did it work? A hypothesis and the orders -> figures, checks, grade, verdict and return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.engines.frames import Frame
from ltvkit.hypotheses import figures, verdicts
from ltvkit.hypotheses.effects import comparisons, customer_days, outcomes, placebo, validity
from ltvkit.hypotheses.effects.comparisons import Groups, Window
from ltvkit.hypotheses.effects.customer_days import Histories
from ltvkit.hypotheses.effects.validity import Check
from ltvkit.hypotheses.hypothesis import Hypothesis
from ltvkit.periods import Day

DRAFT, RUNNING, ENDED, DECIDED = "draft", "running", "ended", "decided"


@dataclass(frozen=True)
class Evaluation:
    """What the orders say of one hypothesis on a day.

    - `status`: draft, running, ended or decided; a draft has no figures yet
    - `table`: one row per metric, the one that decides first (see `figures.tabulate`)
    - `checks`: check, holds, found
    - `natural`: the replays of the metric that decides
    - `returns`: gain, cost and net result in money, with intervals (see `figures.compute_return`)
    - `extras`: treated and control customers of the whole shop, the share of the effect due to the
      top 1%, the share of the variance saved by covariates
    - `mixed`: other measures that the groups differ in, and by which share of their customers (see
      `overlaps`)
    - `always_valid`: whether the interval is valid however often one looks
    - `q`: p adjusted for all hypotheses of the register
    - `sampled`: a sentence, where a sample of customers was evaluated
    """

    hypothesis: Hypothesis
    as_of: Day
    status: str
    grade: str
    verdict: str = verdicts.DRAFT
    table: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=figures.COLUMNS))
    checks: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=Check._fields))
    natural: pd.DataFrame = field(default_factory=pd.DataFrame)
    returns: Mapping[str, Any] = field(default_factory=dict)
    extras: Mapping[str, float] = field(default_factory=dict)
    mixed: Mapping[str, float] = field(default_factory=dict)
    always_valid: bool = False
    q: float = np.nan
    groups: Groups | None = None
    window: Window | None = None
    sampled: str = ""

    @property
    def primary(self) -> pd.Series:
        """The row of the metric that decides."""
        return self.table.iloc[0]

    @property
    def clear(self) -> bool:
        """Whether the effect differs from chance, by itself and among all that was tested."""
        row = self.primary
        return bool((row["lowest"] > 0 or row["highest"] < 0) and not self.q > verdicts.ALPHA)

    @property
    def objections(self) -> list[str]:
        """What stands against the registered rule (see `verdicts.find_objections`)."""
        return verdicts.find_objections(self.table, returns=self.returns, shared=self.shared)

    @property
    def shared(self) -> float:
        """The share of customers by which the groups differ most in another measure."""
        return max(self.mixed.values(), default=0.0)


def evaluate(
    hypothesis: Hypothesis,
    lines: Frame | Histories,
    *,
    as_of: Day,
    busy: Sequence[Window] = (),
    margin_rate: float = 0.0,
) -> Evaluation:
    """A hypothesis and the order lines -> what they say of it on the day `as_of`.

    `lines` are order lines of any engine, or `customer_days.build` of them where several
    hypotheses are evaluated. `busy` are windows of other measures, which replays leave out.
    `margin_rate` is the share of revenue left after goods; 0: the margin of the orders.
    Raises `DataError` where nobody is selected or the orders do not reach back far enough, and
    `ParamsError` for what the orders cannot answer.

    - randomized: the difference of the groups, adjusted for the time before (ANCOVA)
    - control segment: difference in differences per customer, less the natural change
    - same period last year, before and after: the change, less the natural change

    While it runs, and where it was extended or stopped early, the interval of a randomized one is
    valid at every look; others have none before the end.
    """
    histories = customer_days.prepare(lines, as_of=as_of)
    plan = hypothesis.as_of(periods.day(as_of).date())
    status = _status(plan, as_of)
    if status == DRAFT or plan.until < plan.start:
        return Evaluation(plan, as_of, status, verdicts.GRADES[plan.comparison])
    histories = outcomes.attach(histories, plan)
    compared = comparisons.compare(histories, plan)
    of, money = figures.choose_money(histories, margin_rate)
    metrics = list(dict.fromkeys((plan.metric, *plan.guardrails, money)))
    natural = placebo.replay(histories, plan, metrics, days=compared.window, busy=busy)
    strata = comparisons.read_strata(histories, plan)
    estimates = {metric: compared.estimate(metric, strata) for metric in metrics}
    first = estimates[plan.metric]
    sizes = comparisons.count_groups(histories, plan, compared.groups)
    checks = validity.run_checks(compared, plan, first, natural[plan.metric])
    grade, running = verdicts.grade_evidence(plan, checks), status == RUNNING
    early = running or plan.until != plan.end  # somebody looks before the planned end
    always_valid = early and plan.comparison == "randomized"
    how = figures.interpretation(grade, running=running, always_valid=always_valid)
    rows = {m: figures.measure(compared, plan, m, estimates[m], natural[m], how) for m in metrics}
    table = figures.tabulate(rows, plan)
    paid = {"of": of, "treated": sizes[0], "cost": plan.cost, "rate": margin_rate or 1.0}
    returns = figures.compute_return(rows[money], **paid)
    verdict = verdicts.reach_verdict(plan, table, returns=returns)
    shares = {"top_share": first.top_share, "variance_saved": first.variance_saved}
    return Evaluation(
        hypothesis=plan,
        as_of=as_of,
        status=status,
        grade=grade,
        verdict=verdicts.RUNNING if running else verdict,
        table=table,
        checks=pd.DataFrame(checks, columns=list(Check._fields)),
        natural=natural[plan.metric].table,
        returns=returns,
        extras={"treated": sizes[0], "control": sizes[1], **shares},
        always_valid=always_valid,
        groups=compared.groups,
        window=compared.window,
        sampled=histories.note,
    )


def _status(hypothesis: Hypothesis, as_of: Day) -> str:
    """Draft before the start, running up to the last day that counts, then ended or decided."""
    today, until = periods.number_of(as_of), periods.number_of(hypothesis.until)
    if today < min(periods.number_of(hypothesis.start), until):
        return DRAFT
    if today < until:
        return RUNNING
    final = any(d.decision != "extend" for d in hypothesis.record.decisions)
    return DECIDED if final else ENDED
