"""Before it starts: what a measure of this size and length can show, and who is drawn for it.

What errors to expect is taken from the target's own past: the same rule a few weeks earlier, as
many days, and nothing done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy

from ltvkit.core.i18n import _
from ltvkit.display import formats
from ltvkit.errors import DataError, LtvkitError
from ltvkit.hypotheses import verdicts
from ltvkit.hypotheses.effects import comparisons, customer_days, placebo, targets
from ltvkit.hypotheses.effects.comparisons import Groups, Window
from ltvkit.hypotheses.effects.customer_days import Histories, day
from ltvkit.hypotheses.effects.estimates import Side
from ltvkit.hypotheses.hypothesis import Hypothesis
from ltvkit.hypotheses.registry.registry import Register

POWER = 0.8  # the chance to see an effect of the smallest size worth having
WEEKS = (2, 4, 8, 13, 26)
COLUMNS = [
    "weeks", "customers", "baseline", "error", "smallest_detectable", "power", "customers_needed",
]  # fmt: skip


class Foreseen(NamedTuple):
    """What to expect at the end: the figure without any effect, the error of the effect, its
    degrees of freedom, how many customers are in it, and how the error grows with the effect."""

    baseline: float
    se: float
    df: float
    customers: int
    grows: float = 0.0

    def error(self, effect: float) -> float:
        """The error once there is an effect: it comes as orders of some customers more, which
        vary like the orders of those who buy anyway."""
        return float(np.sqrt(self.se**2 + max(effect * self.grows, 0.0))) or np.nan


def power(
    hypothesis: Hypothesis, lines: Any, *, as_of: Any, weeks: Sequence[int] = WEEKS
) -> pd.DataFrame:
    """A hypothesis and the orders known by `as_of` -> what it can show, by its length.

    One row for the planned length and for each of `weeks`: `weeks`, `customers` (of the target
    as it is now, in the whole shop; where a sample is judged, its part of them makes the error),
    `baseline` (the metric without any effect), the `error` of the smallest effect
    worth having, `smallest_detectable`
    (the effect told from none in 80 of 100 cases, at 5%), `power` to tell the smallest effect
    worth having from none (to adopt it, a rule with a margin asks for more),
    `customers_needed` for a power of 80% (NaN where replays make up the error, which more
    customers do not shrink), `planned`. Lengths that the orders do not reach back for are NaN.
    Raises `DataError` where the target is empty.
    """
    known = customer_days.of(lines, as_of=as_of)
    if not _sizes(known, hypothesis)[0]:
        channels = () if known.channels is None else known.channels.categories
        raise DataError(f"{hypothesis.id}: {targets.nobody(hypothesis.target, channels)}")
    lengths = sorted({hypothesis.days, *(7 * w for w in weeks)})
    return pd.DataFrame([_row(known, hypothesis, length) for length in lengths])


def drafts(register: Register, lines: Any, *, as_of: Any) -> pd.DataFrame:
    """What the hypotheses of a register that have not begun can show, a row each: `title`,
    `metric`, `smallest_effect`, then the columns of `power` for the planned length.

    Where the orders cannot say, the columns of `power` are NaN: one bad draft does not hide others.
    """
    known = customer_days.of(lines, as_of=as_of)
    plans = [h for h in register.hypotheses if day(h.start) > day(as_of)]
    fields = ["title", "metric", "smallest_effect"]
    rows = [{n: getattr(p, n) for n in fields} | _planned(known, p) for p in plans]
    return pd.DataFrame(rows, columns=[*fields, *COLUMNS])


def _planned(known: Histories, plan: Hypothesis) -> dict[str, Any]:
    """The row of the planned length; no figures where the orders cannot give them."""
    try:
        return _row(known, plan, plan.days)
    except LtvkitError:
        return {"weeks": plan.days / 7}


def foreseen(known: Histories, hypothesis: Hypothesis, metric: str, *, length: int) -> Foreseen:
    """The error of an effect over `length` days, from the last such window before the start.

    NaN where the orders do not reach back for it.
    """
    kind = hypothesis.comparison
    whole = Window(day(hypothesis.start), day(hypothesis.start) + length - 1)
    back = -(-(whole.end - min(whole.start - 1, known.last)) // 7) * 7
    days = whole.back(back)
    now, everybody = _sizes(known, hypothesis)
    then = _groups(known, hypothesis, back)
    few = min(len(who) for who in then[: 1 if kind == "before_after" else 2]) < placebo.FEWEST
    if few or days.start - comparisons.looks_back(kind, length) < known.first:
        return Foreseen(np.nan, np.nan, np.nan, everybody)
    bought = Side(1, then.treated, known.parts(metric, then.treated, *days))
    on = day(hypothesis.selected) - back
    strata = targets.segments(known, np.concatenate(then), on=on) if kind == "randomized" else None
    baseline = bought.figure
    made = comparisons.estimate(known, kind, metric, then, days, strata)
    grows = _grows(bought, now * (hypothesis.treated_share if kind == "randomized" else 1))
    if kind == "randomized":
        size = len(then.treated) + len(then.control)
        shrunk = made.se * np.sqrt(size / max(now, 1))
        return Foreseen(baseline, shrunk, max(now - 2, 1), everybody, grows)
    natural = placebo.replays(known, hypothesis, [metric], days=whole)[metric]
    if not natural.enough:
        return Foreseen(baseline, np.nan, np.nan, everybody)
    error = natural.error(made.se)
    return Foreseen(baseline, error, natural.df, everybody, natural.spread * grows)


def _grows(bought: Side, treated: float) -> float:
    """By how much the variance grows for each unit of effect: mean square by mean of what those
    who buy spend, by the number treated. None for a figure per order, which may move by itself."""
    of, per = bought.parts.T
    spent = of[of > 0]
    if not len(spent) or not treated or (per != per[0]).any():
        return 0.0
    return float((spent**2).mean() / spent.mean() / treated)


def _sizes(known: Histories, hypothesis: Hypothesis) -> tuple[int, int]:
    """How many customers are in it, of those known and of the whole shop: those drawn, treated
    or not, else those of the target now."""
    if hypothesis.assigned is not None:
        return len(comparisons.listed(known, hypothesis)), len(hypothesis.assigned)
    on = min(day(hypothesis.selected), known.last)
    who = targets.select(known, hypothesis.target, on=on)
    return len(who), targets.raised(known, hypothesis.target, who)


def _groups(known: Histories, hypothesis: Hypothesis, back: int) -> Groups:
    """The groups that the same rules would have given `back` days earlier."""
    if hypothesis.comparison != "randomized":
        return comparisons.groups(known, hypothesis, back=back)
    who = targets.select(known, hypothesis.target, on=day(hypothesis.selected), back=back)
    drawn = np.random.default_rng(0).permutation(len(who)) < hypothesis.treated_share * len(who)
    return Groups(who[drawn], who[~drawn])


def finding(table: pd.DataFrame, hypothesis: Hypothesis, *, currency: str = "") -> str:
    """What the planned length can show, in a sentence or two."""
    row = table[table["planned"]].iloc[0]
    if np.isnan(row["power"]):
        return _(
            "What this can show is not known: the orders do not reach back far enough, or nobody "
            "of the target bought in as many days of the past."
        )
    text = _(
        "With {customers} customers over {days} days, an effect of {worth} has a chance of "
        "{power} to be told from none; the smallest that is in four of five cases is {least}."
    )
    return text.format(
        customers=formats.count(row["customers"]),
        days=formats.count(7 * row["weeks"]),
        worth=formats.difference(hypothesis.smallest_effect, hypothesis.metric, currency),
        power=formats.share(row["power"], decimals=0),
        least=formats.difference(row["smallest_detectable"], hypothesis.metric, currency),
    )


def _row(known: Histories, hypothesis: Hypothesis, length: int) -> dict[str, Any]:
    seen = foreseen(known, hypothesis, hypothesis.metric, length=length)
    return _power(hypothesis, seen, length)


def _power(hypothesis: Hypothesis, seen: Foreseen, length: int) -> dict[str, Any]:
    worth = hypothesis.smallest_effect
    edge, error = scipy.stats.t.ppf(1 - verdicts.ALPHA / 2, seen.df), seen.error(worth)
    away = worth / error
    chance = scipy.stats.nct.sf(edge, seen.df, away) + scipy.stats.nct.cdf(-edge, seen.df, away)
    reach = edge + scipy.stats.t.ppf(POWER, seen.df)
    # The effect that lies `reach` errors from zero, when its error grows with it.
    least = (reach**2 * seen.grows + np.hypot(reach**2 * seen.grows, 2 * reach * seen.se)) / 2
    needed = np.ceil(seen.customers * (reach / away) ** 2)
    return {
        "weeks": length / 7,
        "customers": seen.customers,
        "baseline": seen.baseline,
        "error": error,
        "smallest_detectable": least,
        "power": chance,
        "customers_needed": needed if hypothesis.comparison == "randomized" else np.nan,
        "planned": length == hypothesis.days,
    }
