"""The fields of a hypothesis file as data: what each is for, an example, and what it may hold.

The check of a file and the template for a new one both follow this table. A field with a default
in `Hypothesis` may be left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, NamedTuple

from ltvkit.hypotheses.effects.metrics import METRICS
from ltvkit.hypotheses.hypothesis import COMPARISONS, DECISION_RULES, RULES, Hypothesis
from ltvkit.hypotheses.registry.field_types import (
    parse_choice,
    parse_day,
    parse_metrics,
    parse_number,
    parse_slug,
    parse_target,
    parse_text,
)
from ltvkit.rfm import SEGMENT_NAMES

DEFAULTS = {f.name: f.default for f in fields(Hypothesis) if f.default is not MISSING}
DEFAULTS["assignment"] = None  # read into `assigned`


class Field(NamedTuple):
    """What a field is for, an example as a file has it, and its check: value -> value."""

    about: str
    example: str
    check: Callable[[Any], Any]


_TARGET = "{segment: [at risk, can't lose]}"
_DECISION = (
    "When to adopt: the interval of the effect lies above zero (superiority), above the smallest "
    "effect (superiority_by_margin) or above minus that effect (non_inferiority)"
)
_COMPARISON = (
    "How the effect is told from what would have happened anyway, the best evidence first: "
    f"{', '.join(COMPARISONS)}"
)

# In the order of the template.
FIELDS = {
    "id": Field("Its id, which is also the name of the file", "win-back", parse_slug),
    "title": Field("A name for tables, in a few words", "Win-back mail", parse_text),
    "hypothesis": Field(
        "What you believe, in a sentence that can turn out wrong",
        "A personal mail brings quiet customers back.",
        parse_text,
    ),
    "owner": Field("Who answers for it", "A. Sato", parse_text),
    "department": Field("The team that acts", "CRM", parse_text),
    "measure": Field("What is done to the customers", "One mail with a 10% voucher", parse_text),
    "target": Field(
        f"Who: one rule ({', '.join(RULES)}) and its values, as in {{decile: [9, 10]}}, "
        "{abc_class: A}, {cohort: 2024-03}, {channel: search} or {customers: lists/quiet.csv} "
        "(in the folder lists beside this file, with the column customer_id). Segments: "
        f"{', '.join(SEGMENT_NAMES)}",
        _TARGET,
        parse_target,
    ),
    "selected": Field(
        "The day up to which orders decide who is selected; before the start",
        "2024-02-29",
        parse_day,
    ),
    "start": Field("The first day that counts", "2024-03-01", parse_day),
    "end": Field("The last day that counts", "2024-03-31", parse_day),
    "metric": Field(
        "What is judged: " + "; ".join(f"{name}, {m.definition}" for name, m in METRICS.items()),
        "retention_rate",
        parse_choice(METRICS),
    ),
    "guardrails": Field(
        "Other metrics that may not suffer", "[average_order_value]", parse_metrics
    ),
    "comparison": Field(_COMPARISON, "control_segment", parse_choice(COMPARISONS)),
    "control": Field(
        "Whom to compare with, written like target; only with comparison: control_segment",
        "{segment: [about to sleep]}",
        parse_target,
    ),
    "assignment": Field(
        "Who was drawn: a file in the folder lists beside this one, with the columns customer_id "
        "and group (treated or control); only with comparison: randomized, and there, left out, "
        "lists/<id>.csv, which `hypothesis assign` draws",
        "lists/win-back.csv",
        parse_text,
    ),
    "treated_share": Field(
        "The share of the assigned customers that is treated",
        "0.5",
        parse_number(lambda x: 0 < x < 1, "a share between 0 and 1, as in 0.5"),
    ),
    "smallest_effect": Field(
        "The smallest effect worth having, in the unit of the metric: money, orders, or a share "
        "(0.03 for three points)",
        "0.03",
        parse_number(lambda x: x > 0, "a number above 0, in the unit of the metric"),
    ),
    "decision_rule": Field(_DECISION, "superiority", parse_choice(DECISION_RULES)),
    "tolerance": Field(
        "The share of a guardrail metric that may be lost",
        "0.05",
        parse_number(lambda x: 0 <= x < 1, "a share from 0 to below 1, as in 0.05"),
    ),
    "cost": Field(
        "What the measure costs in all, in the shop's currency",
        "1200",
        parse_number(lambda x: x >= 0, "an amount of 0 or more"),
    ),
    "notes": Field("Anything else; may be changed at any time", "Mail sent at 9:00", parse_text),
}  # fmt: skip


def describe(name: str) -> str:
    """What a field is for, and an example of it.

    >>> describe("start")
    'the first day that counts; as in `start: 2024-03-01`'
    """
    field = FIELDS[name]
    return f"{field.about[0].lower()}{field.about[1:]}; as in `{name}: {field.example}`"
