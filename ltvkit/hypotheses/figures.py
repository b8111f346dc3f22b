"""The figures of a hypothesis: one row per metric, and what it brought in money."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ltvkit.hypotheses import verdicts
from ltvkit.hypotheses.design import power
from ltvkit.hypotheses.effects import comparisons, sequential
from ltvkit.hypotheses.effects.comparisons import Groups, Window
from ltvkit.hypotheses.effects.customer_days import Histories
from ltvkit.hypotheses.effects.estimates import Estimate, Side
from ltvkit.hypotheses.effects.placebo import Natural
from ltvkit.hypotheses.hypothesis import Hypothesis

COLUMNS = [
    "metric", "role", "before", "after", "control_before", "control_after",
    "raw_effect", "raw_lowest", "raw_highest", "natural_change",
    "effect", "lowest", "highest", "relative_effect", "p", "outcome",
]  # fmt: skip
UNKNOWN = (np.nan,) * 4


class Judging(NamedTuple):
    """How figures are to be read: the grade, and whether somebody looks before the end."""

    grade: str
    running: bool
    every_look: bool


def empty() -> pd.DataFrame:
    """The table of a hypothesis that has not begun."""
    return pd.DataFrame(columns=COLUMNS)


def table(rows: Mapping[str, dict[str, Any]], hypothesis: Hypothesis) -> pd.DataFrame:
    """One row per metric, the one that decides first, then the guardrails.

    - `before`, `after`: the figure of the treated in the window, and in as many days before it
    - `control_before`, `control_after`: of what they are compared with; a year before, the
      `after` of then
    - `raw_effect`, its interval `raw_lowest` to `raw_highest`: the comparison as it stands, and
      how far the chance of customers goes
    - `natural_change`: what replays gave, where it is taken out
    - `effect`, `lowest`, `highest`, `p`: what is left, NaN where it cannot be told;
      `relative_effect`: by what would have been without it
    - `outcome`: of a guardrail, harmed, held or unclear
    """
    metrics = (hypothesis.metric, *hypothesis.guardrails)
    roles = ["primary", *["guardrail"] * len(hypothesis.guardrails)]
    told = [rows[m] | {"role": role} for m, role in zip(metrics, roles, strict=True)]
    for row_ in told[1:]:
        ends = row_["lowest"], row_["highest"]
        row_["outcome"] = verdicts.guardrail(
            *ends, row_["after"] - row_["effect"], hypothesis.tolerance
        )
    return pd.DataFrame(told, columns=COLUMNS)


def row(
    known: Histories,
    hypothesis: Hypothesis,
    metric: str,
    found: Groups,
    days: Window,
    made: Estimate,
    natural: Natural,
    judging: Judging,
) -> dict[str, Any]:
    """One metric: the levels, the change, and the effect that is left of it."""
    low, high = made.interval
    effect, lowest, highest, p = _effect(
        known, hypothesis, metric, found, days, made, natural, judging
    )
    levels = _levels(known, hypothesis, metric, found, days)
    without = levels["after"] - effect
    taken_out = hypothesis.comparison != "randomized" and natural.enough
    return levels | {
        "metric": metric,
        "raw_effect": made.effect,
        "raw_lowest": low,
        "raw_highest": high,
        "natural_change": natural.change if taken_out else np.nan,
        "effect": effect,
        "lowest": lowest,
        "highest": highest,
        "relative_effect": effect / without if without > 0 else np.nan,
        "p": p,
        "outcome": "",
    }


def returns(row: Mapping[str, Any], money: str, treated: int, cost: float) -> dict[str, Any]:
    """The row of a metric of money -> what all treated brought, less the cost, with its interval.

    `gain` = effect per customer x treated customers; `net` = gain - cost; `roi` = net / cost.
    """
    ends = {"": "effect", "_lowest": "lowest", "_highest": "highest"}
    gains = {f"gain{end}": row[name] * treated for end, name in ends.items()}
    nets = {f"net{end}": gains[f"gain{end}"] - cost for end in ends}
    roi = nets["net"] / cost if cost else np.nan
    return {"money": money, **gains, "cost": cost, **nets, "roi": roi}


def _effect(known, hypothesis, metric, found, days, made, natural, judging) -> tuple:
    """Effect, lowest, highest, p. What was drawn at random stands as it is; of others, what is
    left when the natural change is taken out, and nothing where that is not known, or the end is
    to come. A test of the trend that is passed by luck would let the rest of a drift through."""
    if not made.settled:
        return UNKNOWN
    if judging.grade != "A":
        if judging.running or not natural.enough:
            return UNKNOWN
        return natural.left(made.effect, made.se)
    if not judging.every_look:
        return made.effect, *made.interval, made.p
    length = (hypothesis.end - hypothesis.start).days + 1
    planned = power.foreseen(known, hypothesis, metric, length=length).se
    per = float(known.parts(metric, found.treated, *days)[:, 1].mean())
    return made.effect, *sequential.interval(made.effect, made.se, planned=planned, scale=per)


def _levels(known, hypothesis, metric, found, days) -> dict[str, float]:
    spans = {"before": days.before, "after": days}
    if days.before.start < known.first:
        spans.pop("before")  # not known is not zero
    levels = {"before": np.nan} | {
        n: Side(1, found.treated, known.parts(metric, found.treated, *s)).figure
        for n, s in spans.items()
    }
    if hypothesis.comparison == "same_period_last_year":
        spans = {"after": days.back(comparisons.YEAR)}
    controls = {
        f"control_{n}": Side(1, found.control, known.parts(metric, found.control, *s)).figure
        for n, s in spans.items()
        if len(found.control)
    }
    return levels | controls
