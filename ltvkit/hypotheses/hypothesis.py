"""A hypothesis: what is done to whom, when, and how the result is judged."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import pandas as pd

# What a target may select customers by; the values are those of the kit's own tables.
RULES = ("segment", "decile", "abc_class", "cohort", "channel", "customers")
# What the treated are compared with, the best evidence first.
COMPARISONS = ("randomized", "control_segment", "same_period_last_year", "before_after")
# When to adopt: the interval of the effect lies above zero, above the smallest effect that
# matters, or above minus that effect (it does no harm that matters).
DECISION_RULES = ("superiority", "superiority_by_margin", "non_inferiority")
DECISIONS = ("adopt", "drop", "extend")
TREATED, CONTROL = "treated", "control"  # the groups of an assignment


class Target(NamedTuple):
    """Who: customers whose `rule` (one of `RULES`) has one of `values` on the selection date.

    With the rule "customers", `values` are the ids of a list.
    """

    rule: str
    values: tuple[str, ...]


class Decision(NamedTuple):
    """What was decided, when (a day), why and by whom; `until`: the new end, if extended."""

    decision: str
    day: dt.date
    reason: str
    by: str = ""
    until: dt.date | None = None


@dataclass(frozen=True)
class Record:
    """What the ledger says about a hypothesis.

    `registered`: the day of its last registration before the start (else of its first), None if
    never; `late`: that day is not before the start; `edited`: the file has changed since it was
    registered; `decisions`, the oldest first.
    """

    registered: dt.date | None = None
    late: bool = False
    edited: bool = False
    decisions: tuple[Decision, ...] = ()

    @property
    def preregistered(self) -> bool:
        """Whether it was registered before it started, and not edited since."""
        return self.registered is not None and not (self.late or self.edited)


@dataclass(frozen=True)
class Hypothesis:
    """One hypothesis, checked. Days are inclusive at both ends; effects are in the metric's unit.

    `assigned` holds the customers of a randomized comparison: customer_id, group ("treated" or
    "control"), segment (the stratum). `control` is the target of a control segment.
    """

    id: str
    title: str
    hypothesis: str
    owner: str
    department: str
    measure: str
    target: Target
    selected: dt.date
    start: dt.date
    end: dt.date
    metric: str
    comparison: str
    smallest_effect: float
    guardrails: tuple[str, ...] = ()
    tolerance: float = 0.05  # how much of a guardrail metric, relative, may be lost
    decision_rule: str = "superiority"
    cost: float | None = None  # in all; None: not declared
    control: Target | None = None
    assigned: pd.DataFrame | None = field(default=None, compare=False, repr=False)
    outcomes: str = ""  # a table of other outcomes than orders
    treated_share: float = 0.5  # of the assigned customers, as planned
    notes: str = ""
    record: Record = Record()

    @property
    def lists(self) -> tuple[Target, ...]:
        """The lists of customers that it is about, unless they were drawn at random."""
        given = [] if self.comparison == "randomized" else [self.target, self.control]
        return tuple(t for t in given if t and t.rule == "customers")

    @property
    def until(self) -> dt.date:
        """The last day that counts: the end, a new end if it was extended, or the day of a
        decision to adopt or drop it before then."""
        last = self.end
        for decision in self.record.decisions:
            last = decision.until or min(last, decision.day)
        return last

    def as_of(self, day: dt.date) -> Hypothesis:
        """The hypothesis as the ledger had it at the end of `day`."""
        decisions = tuple(d for d in self.record.decisions if d.day <= day)
        registered = self.record.registered and self.record.registered <= day
        record = self.record if registered else Record()
        return replace(self, record=replace(record, decisions=decisions))

    @property
    def days(self) -> int:
        """How long it runs."""
        return (self.until - self.start).days + 1
