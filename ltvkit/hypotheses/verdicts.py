"""Rules that turn figures and checks into a grade of evidence and a verdict."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ltvkit.hypotheses.effects.estimates import LEVEL
from ltvkit.hypotheses.effects.validity import BALANCE, RATIO, TREND, Check
from ltvkit.hypotheses.hypothesis import COMPARISONS, Hypothesis

GRADES = dict(zip(COMPARISONS, "ABCD", strict=True))
REQUIRED_CHECKS = {"A": (RATIO, BALANCE), "B": (TREND,), "C": (), "D": ()}  # checks that must hold
ADOPT, DROP, INCONCLUSIVE = "adopt", "drop", "inconclusive"
RUNNING, DRAFT = "still running", "not started"
HARMED, HELD, UNCLEAR = "harmed", "held", "unclear"
ALPHA = 1 - LEVEL


def grade_evidence(hypothesis: Hypothesis, checks: Sequence[Check]) -> str:
    """The strength of the evidence, from A (drawn at random) to D (before and after alone).

    Where the drawing went wrong, or the trends of two segments differ or are not known, it is C:
    the groups may differ by themselves.
    """
    best = GRADES[hypothesis.comparison]
    needed = [c.holds for c in checks if c.check in REQUIRED_CHECKS[best]]
    return best if all(needed) else "C"


def rate_guardrail(low: float, high: float, level: float, tolerance: float) -> str:
    """The interval of a guardrail's change -> harmed, held (within tolerance) or unclear."""
    if low > -tolerance * abs(level):
        return HELD
    return HARMED if high < 0 else UNCLEAR


def reach_verdict(hypothesis: Hypothesis, table: pd.DataFrame, *, q: float | None = None) -> str:
    """A table of figures -> adopt, drop or inconclusive, by the registered rule.

    By the interval of the metric that decides:

    - superiority: adopt above zero, drop below the smallest effect that matters
    - superiority_by_margin: adopt above the smallest effect, drop below it
    - non_inferiority: adopt above minus the smallest effect, drop below zero

    Whatever the rule, a harmed guardrail means drop, and without an interval the verdict is
    inconclusive. So it is with a false discovery rate `q`, over the whole register, above 5%.
    """
    low, high = table.iloc[0][["lowest", "highest"]]
    if np.isnan([low, high]).any():
        return INCONCLUSIVE
    worth = hypothesis.smallest_effect
    adopt, drop = {
        "superiority": (0.0, worth),
        "superiority_by_margin": (worth, worth),
        "non_inferiority": (-worth, 0.0),
    }[hypothesis.decision_rule]
    if high < drop or (table["outcome"] == HARMED).any():
        return DROP
    stands = hypothesis.decision_rule == "non_inferiority" or q is None or q <= ALPHA
    return ADOPT if low > adopt and stands else INCONCLUSIVE
