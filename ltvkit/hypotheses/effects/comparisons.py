"""What the treated are compared with: a group drawn at random, another segment, last year, before.

A comparison can be made at the time of the measure, or as a replay `back` days earlier, when
nothing was done: the same rules select, the same windows count.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ltvkit.errors import DataError
from ltvkit.hypotheses.effects import targets
from ltvkit.hypotheses.effects.customer_days import Histories, day
from ltvkit.hypotheses.effects.estimates import EACH, Estimate, Side, adjusted, contrast
from ltvkit.hypotheses.hypothesis import CONTROL, TREATED, Hypothesis
from ltvkit.periods import YEAR_BEFORE

YEAR = YEAR_BEFORE["day"]  # 52 weeks, so that weekdays match
PAST = 365  # days before the start that a randomized comparison learns from


class Groups(NamedTuple):
    """The places of those treated, and of those they are compared with (else nobody)."""

    treated: np.ndarray
    control: np.ndarray


class Window(NamedTuple):
    """The days counted, both ends included, and as many before them."""

    start: int
    end: int

    @property
    def days(self) -> int:
        return self.end - self.start + 1

    @property
    def before(self) -> Window:
        return self.back(self.days)

    def back(self, days: int) -> Window:
        """The same window some days earlier."""
        return Window(self.start - days, self.end - days)

    def meets(self, other: Window) -> bool:
        """Whether they share a day."""
        return self.start <= other.end and other.start <= self.end


def window(hypothesis: Hypothesis, histories: Histories) -> Window:
    """The days of a hypothesis that the orders cover so far."""
    return Window(day(hypothesis.start), min(day(hypothesis.until), histories.last))


def groups(histories: Histories, hypothesis: Hypothesis, *, back: int = 0) -> Groups:
    """Who is compared with whom; a customer who is in both segments counts as treated."""
    on, nobody = day(hypothesis.selected), np.array([], dtype="int64")
    if hypothesis.comparison == "randomized":
        drawn = listed(histories, hypothesis)
        places, group = histories.place(drawn["customer_id"]), drawn["group"].to_numpy()
        return Groups(places[group == TREATED], places[group == CONTROL])
    treated = targets.select(histories, hypothesis.target, on=on, back=back)
    if hypothesis.comparison == "control_segment":
        others = targets.select(histories, hypothesis.control, on=on, back=back)
        return Groups(treated, np.setdiff1d(others, treated))
    if hypothesis.comparison == "same_period_last_year":
        return Groups(
            treated, targets.select(histories, hypothesis.target, on=on, back=back + YEAR)
        )
    return Groups(treated, nobody)


def listed(histories: Histories, hypothesis: Hypothesis) -> pd.DataFrame:
    """The list of a randomized hypothesis; of a sample of customers, those of the list in it.

    Who is outside the sample is not known, and must not be taken for one who never bought.
    """
    return hypothesis.assigned[histories.holds(hypothesis.assigned["customer_id"])]


def sizes(histories: Histories, hypothesis: Hypothesis, found: Groups) -> tuple[int, int]:
    """How many customers of the whole shop are treated, and compared with."""
    if hypothesis.comparison == "randomized":
        group = hypothesis.assigned["group"]
        return int((group == TREATED).sum()), int((group == CONTROL).sum())
    rules = (hypothesis.target, hypothesis.control or hypothesis.target)
    return tuple(
        targets.raised(histories, rule, who) for rule, who in zip(rules, found, strict=True)
    )


def looks_back(kind: str, length: int) -> int:
    """How many days before the start a comparison over `length` days looks."""
    return {"randomized": 0, "same_period_last_year": YEAR}.get(kind, length)


def checked(found: Groups, histories: Histories, hypothesis: Hypothesis, days: Window) -> Groups:
    """`found` itself, once there is somebody in each group and the orders reach back far enough.

    Raises `DataError`, naming the hypothesis, what is missing and the remedy.
    """
    both = hypothesis.comparison != "before_after"
    where = "the orders" if histories.share == 1 else "the sample of the orders"
    for name, who in zip((TREATED, CONTROL), found, strict=True):
        if len(who) < 2 and (both or name == TREATED):
            raise DataError(
                f"{hypothesis.id}: {len(who)} {name} customers are in {where}, and an effect "
                "takes two at the least: widen the target, or check its date and its list."
            )
    if hypothesis.comparison == "same_period_last_year" and days.days > YEAR:
        raise DataError(
            f"{hypothesis.id}: {days.days} days and the same days a year before overlap: shorten "
            "the window."
        )
    back = looks_back(hypothesis.comparison, days.days)
    if days.start - back < histories.first:
        raise DataError(
            f"{hypothesis.id}: {hypothesis.comparison} looks {back} days back from the start, and "
            f"the orders begin {days.start - histories.first} days before it: shorten the window, "
            "or take another comparison."
        )
    return found


def sides(histories: Histories, kind: str, metric: str, found: Groups, days: Window) -> list[Side]:
    """The signed figures that make up the effect; the treated as they were then come first."""
    counted = [
        (1, found.treated, days),
        *{
            "randomized": [(-1, found.control, days)],
            "control_segment": [
                (-1, found.treated, days.before),
                (-1, found.control, days),
                (1, found.control, days.before),
            ],
            "same_period_last_year": [(-1, found.control, days.back(YEAR))],
            "before_after": [(-1, found.treated, days.before)],
        }[kind],
    ]
    return [Side(sign, who, histories.parts(metric, who, *span)) for sign, who, span in counted]


def estimate(
    histories: Histories,
    kind: str,
    metric: str,
    found: Groups,
    days: Window,
    strata: pd.Series | None = None,
) -> Estimate:
    """The effect of a comparison, before any natural change is taken out.

    `strata`: by place, the stratum within which a customer was drawn.
    """
    made = sides(histories, kind, metric, found, days)
    if kind != "randomized":
        return contrast(made)
    known = [[_past(histories, metric, who, days)] for who in found]
    if strata is not None:
        for block, drawn in zip(known, _drawn_within(strata, found), strict=True):
            block.append(drawn)
    return adjusted(*made, before=known)


def strata(histories: Histories, hypothesis: Hypothesis) -> pd.Series | None:
    """By place, the stratum that the list of a randomized hypothesis names; None: it names none."""
    if hypothesis.assigned is None or hypothesis.assigned["segment"].eq("").all():
        return None
    drawn = listed(histories, hypothesis)
    return pd.Series(drawn["segment"].to_numpy(), index=histories.place(drawn["customer_id"]))


def _past(histories: Histories, metric: str, who: np.ndarray, days: Window) -> np.ndarray:
    """A metric before the start: over as many days, and over a year."""
    year = Window(days.start - PAST, days.start - 1)
    return np.hstack([histories.parts(metric, who, *span) for span in (days.before, year)])


def _drawn_within(strata: pd.Series, found: Groups) -> list[np.ndarray]:
    """A column per stratum that both groups have enough customers of; of the rest, none."""
    named = [strata.reindex(who) for who in found]
    counts = pd.concat([n.value_counts() for n in named], axis=1).fillna(0).min(axis=1)
    large = counts.index[counts >= EACH]
    return [np.column_stack([n == name for name in large] or [n != n]).astype(float) for n in named]
