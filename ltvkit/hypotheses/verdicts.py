"""Rules that turn figures and checks into a grade of evidence and a verdict."""

from collections.abc import Mapping, Sequence
from typing import Any

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
LOSES, SHARED = "loses money", "shared"  # beside HARMED, what stands against the rule
MOST_SHARED = 0.5  # of the customers compared: from here on two measures cannot be told apart
ALPHA = 1 - LEVEL


def grade_evidence(hypothesis: Hypothesis, checks: Sequence[Check]) -> str:
    """The strength of the evidence, from A (drawn at random) to D (before and after alone).

    Where the drawing went wrong, or the trends of two segments differ or are not known, it is C:
    the groups may differ by themselves. So it is with a list that was not drawn, as its reasons are
    not known.
    """
    best = GRADES[hypothesis.comparison]
    if hypothesis.lists:
        return max(best, "C")
    needed = [c.holds for c in checks if c.check in REQUIRED_CHECKS[best]]
    return best if all(needed) else "C"


def lower(grade: str, difference: float) -> str:
    """The grade where groups differ in another measure, by this share of their customers.

    >>> lower("A", 0.0), lower("A", 0.2), lower("A", 1.0), lower("D", 1.0)
    ('A', 'B', 'C', 'D')
    """
    if not difference:
        return grade
    if difference >= MOST_SHARED:
        return max(grade, "C")
    return "ABCD"[min("ABCD".index(grade) + 1, 3)]


def rate_guardrail(low: float, high: float, tolerated: float) -> str:
    """The interval of a guardrail's change -> harmed, held (within what may be lost) or unclear."""
    if low > -tolerated:
        return HELD
    return HARMED if high < 0 else UNCLEAR


def apply_rule(hypothesis: Hypothesis, table: pd.DataFrame, *, q: float | None = None) -> str:
    """A table of figures -> adopt, drop or inconclusive, by the registered rule alone.

    By the interval of the metric that decides:

    - superiority: adopt above zero, drop below the smallest effect that matters
    - superiority_by_margin: adopt above the smallest effect, drop below it
    - non_inferiority: adopt above minus the smallest effect, drop below zero

    Without an interval it is inconclusive, and so is what would be adopted with a false discovery
    rate `q`, over the whole register, above 5%.
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
    if high < drop:
        return DROP
    stands = hypothesis.decision_rule == "non_inferiority" or q is None or not q > ALPHA
    return ADOPT if low > adopt and stands else INCONCLUSIVE


def find_objections(
    table: pd.DataFrame, *, returns: Mapping[str, Any], shared: float = 0.0
) -> list[str]:
    """What overrules the registered rule, the gravest first; nothing where nothing is known.

    - harmed: a guardrail is
    - loses money: all of the interval of the net result lies below zero (before costs, where the
      cost is not declared)
    - shared: for most of the customers compared, the effect may be that of another measure
    """
    if table.iloc[0][["lowest", "highest"]].isna().any():
        return []
    net = returns.get("gain_highest" if returns.get("cost") is None else "net_highest", np.nan)
    found = {
        HARMED: (table["outcome"] == HARMED).any(),
        LOSES: net < 0,
        SHARED: shared >= MOST_SHARED,
    }
    return [name for name, applies in found.items() if applies]


def reach_verdict(
    hypothesis: Hypothesis,
    table: pd.DataFrame,
    *,
    q: float | None = None,
    returns: Mapping[str, Any] | None = None,
    shared: float = 0.0,
) -> str:
    """The verdict: that of the rule (`apply_rule`), unless something stands against it.

    Where a guardrail is harmed or money is clearly lost, it is to drop. Where another measure was
    taken on the same customers (see `find_objections`), it cannot be to adopt.
    """
    verdict = apply_rule(hypothesis, table, q=q)
    against = find_objections(table, returns=returns or {}, shared=shared)
    if HARMED in against or LOSES in against:
        return DROP
    return INCONCLUSIVE if against and verdict == ADOPT else verdict
