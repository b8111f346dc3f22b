"""From figures to a grade of evidence, a verdict, and words that cannot contradict them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ltvkit.hypotheses.effects.estimates import LEVEL
from ltvkit.hypotheses.effects.validity import BALANCE, RATIO, TREND, Check
from ltvkit.hypotheses.hypothesis import Hypothesis

GRADES = {
    "randomized": "A",
    "control_segment": "B",
    "same_period_last_year": "C",
    "before_after": "D",
}
NEEDED = {"A": (RATIO, BALANCE), "B": (TREND,), "C": (), "D": ()}  # checks that must hold
ADOPT, DROP, OPEN, RUNNING, DRAFT = "adopt", "drop", "inconclusive", "still running", "not started"
HARMED, HELD, UNCLEAR = "harmed", "held", "unclear"
ALPHA = 1 - LEVEL


def grade(hypothesis: Hypothesis, checks: Sequence[Check]) -> str:
    """The evidence, from A (drawn at random) to D (before and after alone).

    A drawing that went wrong, or a control segment whose trend does not hold, or cannot be
    looked at, is C: a comparison of groups that may differ by themselves.
    """
    best = GRADES[hypothesis.comparison]
    needed = [c.holds for c in checks if c.check in NEEDED[best]]
    return best if all(needed) else "C"


def guardrail(low: float, high: float, level: float, tolerance: float) -> str:
    """What the interval of a guardrail's change says: harmed, held (within tolerance), unclear."""
    if low > -tolerance * abs(level):
        return HELD
    return HARMED if high < 0 else UNCLEAR


def verdict(hypothesis: Hypothesis, table: pd.DataFrame, *, q: float | None = None) -> str:
    """A table of figures -> adopt, drop or inconclusive, by the registered rule.

    By the interval of the metric that decides:

    - superiority: adopt above zero, drop below the smallest effect worth having
    - superiority_by_margin: adopt above the smallest effect, drop below it
    - non_inferiority: adopt above minus the smallest effect, drop below zero

    Whatever the rule, a harmed guardrail means drop, and an interval that is not known leaves it
    open. So does a false discovery rate `q`, over all hypotheses of the register, above 5%.
    """
    low, high = table.iloc[0][["lowest", "highest"]]
    if np.isnan([low, high]).any():
        return OPEN
    worth = hypothesis.smallest_effect
    adopt, drop = {
        "superiority": (0.0, worth),
        "superiority_by_margin": (worth, worth),
        "non_inferiority": (-worth, 0.0),
    }[hypothesis.decision_rule]
    if high < drop or (table["outcome"] == HARMED).any():
        return DROP
    stands = hypothesis.decision_rule == "non_inferiority" or q is None or q <= ALPHA
    return ADOPT if low > adopt and stands else OPEN
