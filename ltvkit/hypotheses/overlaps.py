"""Two measures on the same customers at the same time: whose effect is it?

What matters is whether the groups that are compared differ in the other measure. Two draws that
know nothing of each other spread it evenly, and it does no harm. The same draw used twice, or
another measure on the treated alone, adds the other's effect to this one's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy

from ltvkit.hypotheses import verdicts
from ltvkit.hypotheses.effects import validity
from ltvkit.hypotheses.effects.validity import Check
from ltvkit.hypotheses.evaluation import Evaluation
from ltvkit.hypotheses.texts import fill

LEAST = 0.05  # share of the treated from which on another measure is mentioned
LASTING = 365  # days for which an earlier measure on the same draw may still work
AT_ONCE = ("randomized", "control_segment")  # whose control lives in the same days
MEANWHILE, EARLIER, LATER = "also_treated", "treated_before", "treated_after"


class Overlap(NamedTuple):
    """Another measure, when it ran, and the shares of both groups that it treated; `control` is
    None where there is no control in the same days."""

    other: Evaluation
    when: str
    treated: float
    control: float | None
    by_chance: bool

    @property
    def difference(self) -> float:
        """By how much the groups that are compared differ in the other measure."""
        return abs(self.treated - (self.control or 0.0))

    @property
    def told(self) -> bool:
        """Whether it is mentioned: of measures at other times, only on the same draw."""
        if self.when == MEANWHILE:
            return max(self.treated, self.difference) > LEAST
        return self.difference >= verdicts.MOST_SHARED

    @property
    def mixes(self) -> bool:
        """Whether a part of the effect may be the other's."""
        return self.when != LATER and self.difference > LEAST and not self.by_chance


def mark(found: Evaluation, every: Iterable[Evaluation]) -> Evaluation:
    """An evaluation and all of them -> the same with a check for each measure on its customers.

    Where the groups that are compared differ in another measure by more than chance explains
    (p < 0.001) and than 5% of them, the grade is one lower; from half of them on it is C at best,
    and nothing is adopted. The same draw, used again within a year, counts like this too.
    """
    if found.window is None:
        return found
    others = (_compare(found, other) for other in every if other is not found and other.window)
    told = [overlap for overlap in others if overlap and overlap.told]
    if not told:
        return found
    rows = [_check(overlap) for overlap in told]
    mixed = {o.other.hypothesis.title: o.difference for o in told if o.mixes}
    return replace(
        found,
        checks=pd.concat([found.checks, pd.DataFrame(rows)], ignore_index=True),
        mixed=mixed,
        grade=verdicts.lower(found.grade, max(mixed.values(), default=0.0)),
    )


def _compare(found: Evaluation, other: Evaluation) -> Overlap | None:
    when = _when(found, other)
    if not when:
        return None
    treated, control = (np.isin(who, other.groups.treated) for who in found.groups)
    if found.hypothesis.comparison not in AT_ONCE:
        return Overlap(other, when, treated.mean(), None, by_chance=False)
    return Overlap(other, when, treated.mean(), control.mean(), _is_chance(treated, control))


def _when(found: Evaluation, other: Evaluation) -> str:
    """Whether the other measure ran meanwhile; on groups that were drawn also up to a year before
    or after, as they are used again; "" else."""
    if found.window.meets(other.window):
        return MEANWHILE
    if found.hypothesis.comparison != "randomized":
        return ""
    since, until = found.window.start - other.window.end, other.window.start - found.window.end
    if 0 < since <= LASTING:
        return EARLIER
    return LATER if 0 < until <= LASTING else ""


def _is_chance(treated: np.ndarray, control: np.ndarray) -> bool:
    """Whether two groups that were drawn may differ so much (chi-squared, p of 0.001 or more)."""
    counts = np.array([[g.sum(), len(g) - g.sum()] for g in (treated, control)])
    some = counts.sum(axis=0).all()
    return not some or bool(scipy.stats.chi2_contingency(counts).pvalue >= validity.BROKEN)


def _check(overlap: Overlap) -> Check:
    known = overlap.other.hypothesis
    words = {"share": overlap.treated, "title": known.title, "start": known.start}
    text = fill(overlap.when, **words, end=known.until)
    if overlap.control is not None:
        text += fill("and_control", share=overlap.control)
    return Check(validity.OTHERS, not overlap.mixes, text)
