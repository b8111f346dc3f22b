"""How exactly the figures of a hypothesis are shown: one decision for sentences, tables and checks.

Rounding never moves a figure across what it is compared with. An interval that excludes zero does
not begin at 0.0, and one that ends below the smallest effect that matters does not end at it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from ltvkit.display import formats
from ltvkit.hypotheses.hypothesis import Hypothesis
from ltvkit.hypotheses.texts import fill

LEVELS = ("before", "after", "control_before", "control_after")
KNOWN = ("effect", "lowest", "highest", "raw_effect")
UNKNOWN = ("raw_effect", "raw_lowest", "raw_highest")  # what is shown without an effect


class Precision(NamedTuple):
    """The decimals of a metric's figures, and the currency beside money ("" in a table)."""

    metric: str
    decimals: int
    currency: str = ""

    def change(self, x: float) -> str:
        """A difference, signed."""
        return formats.difference(x, self.metric, self.currency, decimals=self.decimals)

    def level(self, x: float) -> str:
        """A figure by itself."""
        kind = formats.kind(self.metric)
        if kind == "money":
            return formats.money(x, self.currency, decimals=self.decimals)
        form = formats.share if kind == "share" else formats.number
        return form(x, decimals=self.decimals)

    def amount(self, x: float) -> str:
        """A difference without its sign."""
        return self.change(abs(x)).removeprefix("+")

    def span(self, low: float, high: float) -> str:
        """From one difference to another."""
        return fill("interval", low=self.change(low), high=self.change(high))


def of_row(row: Mapping[str, Any], marks: Iterable[float], *, currency: str = "") -> Precision:
    """A row of figures -> how exactly to show them; `marks` are what they are compared with."""
    metric, levels = row["metric"], [row[name] for name in LEVELS]
    changes = [row[name] for name in (KNOWN if pd.notna(row["lowest"]) else UNKNOWN)]
    return of_values(metric, changes, marks, like=levels, currency=currency)


def of_values(
    metric: str,
    values: Iterable[float],
    marks: Iterable[float],
    *,
    like: Iterable[float] = (),
    currency: str = "",
) -> Precision:
    """Differences of a metric -> how exactly to show them, beside levels `like` theirs."""
    kind, like = formats.kind(metric), [x for x in like if pd.notna(x)]
    scale, least = 1.0, 2 if max(like, default=0) >= 1 else 3  # of few orders, more
    if kind == "share":
        scale, least = 100.0, 1
    elif kind == "money":
        least = formats.money_decimals(like, currency)
    scaled = [[scale * x for x in given] for given in (values, marks)]
    return Precision(metric, formats.distinct_decimals(*scaled, least=least), currency)


def find_marks(row: Mapping[str, Any], hypothesis: Hypothesis) -> list[float]:
    """What the figures of a row are compared with: zero, and the least effect or loss that matters
    where the rule looks at it. A reader must see on which side of it a figure lies.
    """
    worth = hypothesis.smallest_effect
    if row["role"] == "guardrail":
        return [0.0, -tolerated_loss(row, hypothesis)]
    if hypothesis.decision_rule == "non_inferiority":
        return [0.0, -worth]
    by_margin = hypothesis.decision_rule == "superiority_by_margin"
    return [0.0, worth] if by_margin or row["highest"] < worth else [0.0]


def tolerated_loss(row: Mapping[str, Any], hypothesis: Hypothesis) -> float:
    """How much of a guardrail metric may be lost, in its unit."""
    return hypothesis.tolerance * abs(row["after"] - row["effect"])
