"""The figures of a hypothesis: one row per metric, and what it brought in money."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ltvkit.hypotheses import precision, verdicts
from ltvkit.hypotheses.design import power_analysis
from ltvkit.hypotheses.effects import comparisons, sequential
from ltvkit.hypotheses.effects.comparisons import Comparison
from ltvkit.hypotheses.effects.customer_days import Histories
from ltvkit.hypotheses.effects.estimates import Estimate
from ltvkit.hypotheses.effects.placebo import NaturalChange
from ltvkit.hypotheses.hypothesis import Hypothesis

COLUMNS = [
    "metric", "role", "before", "after", "control_before", "control_after",
    "raw_effect", "raw_lowest", "raw_highest", "natural_change",
    "effect", "lowest", "highest", "relative_effect", "p", "outcome",
]  # fmt: skip
MARGIN, AT_RATE, REVENUE = "margin", "margin at a rate", "revenue"  # what a result is of
# How the effect follows from the comparison; see `interpretation`.
AS_OBSERVED, ALWAYS_VALID, NET, UNKNOWN = "as observed", "always valid", "net", "unknown"


def interpretation(grade: str, *, running: bool, always_valid: bool) -> str:
    """How the effect follows from the comparison.

    Randomized groups (grade A) are compared as observed, with an interval that is valid at every
    look where somebody looks early. Elsewhere the natural change is subtracted, and while the
    measure runs nothing is concluded. A lucky test of the trend would otherwise hide a drift.
    """
    if grade == "A":
        return ALWAYS_VALID if always_valid else AS_OBSERVED
    return UNKNOWN if running else NET


def tabulate(rows: Mapping[str, dict[str, Any]], hypothesis: Hypothesis) -> pd.DataFrame:
    """One row per metric, the one that decides first, then the guardrails.

    - `before`, `after`: the figure of the treated in as many days before the window, and in it
    - `control_before`, `control_after`: of what they are compared with; for a year before, the
      `after` of then
    - `raw_effect`, its interval `raw_lowest` to `raw_highest`: the comparison as observed, with the
      chance of customers
    - `natural_change`: the change on past dates, where it is subtracted
    - `effect`, `lowest`, `highest`, `p`: what is left, NaN where it is not known;
      `relative_effect`: relative to the figure without it, NaN where that is so small that the
      interval reaches below -100%
    - `outcome`: of a guardrail, harmed, held or unclear
    """
    first = rows[hypothesis.metric] | {"role": "primary"}
    guards = [rows[metric] | {"role": "guardrail"} for metric in hypothesis.guardrails]
    for row in guards:
        tolerated = precision.tolerated_loss(row, hypothesis)
        row["outcome"] = verdicts.rate_guardrail(row["lowest"], row["highest"], tolerated)
    return pd.DataFrame([first, *guards], columns=COLUMNS)


def measure(
    compared: Comparison,
    hypothesis: Hypothesis,
    metric: str,
    estimate: Estimate,
    natural: NaturalChange,
    how: str,
) -> dict[str, Any]:
    """One metric: the levels, the observed change, and the effect, which follows as `how` says."""
    effect, *rest = (np.nan,) * 4
    if estimate.sufficient and how == AS_OBSERVED:
        effect, *rest = estimate.effect, *estimate.interval, estimate.p
    elif estimate.sufficient and how == ALWAYS_VALID:
        effect, *rest = estimate.effect, *_always_valid(compared, hypothesis, metric, estimate)
    elif estimate.sufficient and how == NET and natural.enough:
        effect, *rest = natural.subtract(estimate.effect, estimate.se)
    levels = _levels(compared, metric)
    without = levels["after"] - effect
    subtracted = compared.kind != "randomized" and natural.enough
    return {
        **levels,
        "metric": metric,
        "raw_effect": estimate.effect,
        **dict(zip(("raw_lowest", "raw_highest"), estimate.interval, strict=True)),
        "natural_change": natural.change if subtracted else np.nan,
        "effect": effect,
        **dict(zip(("lowest", "highest", "p"), rest, strict=True)),
        "relative_effect": effect / without if without > 0 and rest[0] >= -without else np.nan,
        "outcome": "",
    }


def compute_return(
    row: Mapping[str, Any], *, of: str, treated: int, cost: float | None, rate: float = 1.0
) -> dict[str, Any]:
    """The row of a metric of money -> what all treated brought, less the cost, with its interval.

    `gain` = effect per customer x treated customers x `rate` (the share of revenue that is margin,
    where the orders do not know it); `net` = gain - cost; `roi` = net / cost. `of` names the money:
    margin, margin at a rate, or revenue. Without a declared `cost`, net and roi are NaN: a cost
    that is not known is not zero.
    """
    ends = {"": "effect", "_lowest": "lowest", "_highest": "highest"}
    gains = {f"gain{end}": row[name] * treated * rate for end, name in ends.items()}
    spent = np.nan if cost is None else cost
    nets = {f"net{end}": gains[f"gain{end}"] - spent for end in ends}
    roi = nets["net"] / cost if cost else np.nan
    return {"of": of, "rate": rate, **gains, "cost": cost, **nets, "roi": roi}


def choose_money(histories: Histories, margin_rate: float) -> tuple[str, str]:
    """What a result in money is of, and the metric it comes from."""
    if margin_rate > 0:
        return AT_RATE, "revenue_per_customer"
    name = MARGIN if histories.has_margin else REVENUE
    return name, f"{name}_per_customer"


def _always_valid(
    compared: Comparison, hypothesis: Hypothesis, metric: str, estimate: Estimate
) -> tuple[float, float, float]:
    """Lowest, highest and p that hold however often one looks."""
    histories, treated = compared.histories, compared.groups.treated
    length = (hypothesis.end - hypothesis.start).days + 1
    planned = power_analysis.estimate_inputs(histories, hypothesis, metric, length=length).se
    per = float(histories.parts(metric, treated, *compared.window)[:, 1].mean())
    return sequential.confidence_sequence(estimate.effect, estimate.se, planned=planned, scale=per)


def _levels(compared: Comparison, metric: str) -> dict[str, float]:
    (treated, control), days = compared.groups, compared.window
    spans = {"before": days.before, "after": days}
    if days.before.start < compared.histories.first_day(metric):
        spans.pop("before")  # not known is not zero
    levels = {"before": np.nan}
    levels |= {n: compared.term(metric, treated, span).figure for n, span in spans.items()}
    if compared.kind == "same_period_last_year":
        spans = {"after": days.back(comparisons.YEAR)}
    if len(control):
        levels |= {
            f"control_{n}": compared.term(metric, control, s).figure for n, s in spans.items()
        }
    return levels
