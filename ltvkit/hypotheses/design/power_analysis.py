"""Before it starts: what a measure of this size and length can show.

The error to expect is estimated from the target's own past: the same rule a few weeks earlier, as
many days, and nothing done.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.display import formats
from ltvkit.engines.frames import Frame
from ltvkit.errors import DataError, LtvkitError
from ltvkit.hypotheses.design.detection import POWER, PowerInputs, compute_power, find_smallest
from ltvkit.hypotheses.effects import (
    comparisons,
    customer_days,
    metrics,
    outcomes,
    placebo,
    targets,
)
from ltvkit.hypotheses.effects.comparisons import Comparison, Groups, Window
from ltvkit.hypotheses.effects.customer_days import Histories
from ltvkit.hypotheses.hypothesis import Hypothesis
from ltvkit.hypotheses.registry.store import Registry
from ltvkit.hypotheses.texts import fill
from ltvkit.periods import Day

PAST, FEWEST_PAST = 6, 3  # windows that the error of a draw is the median of; for a line
# Degrees of freedom of the expectation that replays vary as their customers account for: by itself
# their spread is known so little that power would be too high.
PRIOR = 5
WEEKS = (2, 4, 8, 13, 26)
COLUMNS = [
    "weeks", "customers", "baseline", "error", "smallest_detectable", "power", "customers_needed",
]  # fmt: skip


def power(
    hypothesis: Hypothesis,
    lines: Frame | Histories,
    *,
    as_of: Day,
    weeks: Sequence[int] = WEEKS,
) -> pd.DataFrame:
    """A hypothesis and the orders up to `as_of` -> what it can show, by its length.

    One row for the planned length and for each of `weeks`, with NaN where the orders do not reach
    back far enough:

    - `weeks`; `planned`: whether it is the planned length
    - `customers`: of the target as it is now, in the whole shop
    - `baseline`: the metric without any effect
    - `error`: the standard error of the smallest effect that matters
    - `smallest_detectable`: the effect that is detected with 80% power, at 5%
    - `power`: to detect the smallest effect that matters (a rule with a margin needs more)
    - `customers_needed`: for a power of 80%; NaN where replays make up the error, as it does not
      shrink with more customers

    Raises `DataError` where the target is empty.
    """
    histories = outcomes.attach(customer_days.prepare(lines, as_of=as_of), hypothesis)
    if not _count_customers(histories, hypothesis)[0]:
        channels = () if histories.channels is None else histories.channels.categories
        raise DataError(f"{hypothesis.id}: {targets.explain_empty(hypothesis.target, channels)}")
    lengths = sorted({hypothesis.days, *(7 * w for w in weeks)})
    return pd.DataFrame([_row(histories, hypothesis, length) for length in lengths])


def drafts(register: Registry, lines: Frame | Histories, *, as_of: Day) -> pd.DataFrame:
    """What the hypotheses of a register that have not started can show, a row each: `title`,
    `metric`, `smallest_effect`, then the columns of `power` for the planned length.

    Where the orders cannot say, the columns of `power` are NaN: one bad draft does not hide others.
    """
    histories = customer_days.prepare(lines, as_of=as_of)
    fields, rows = ["title", "metric", "smallest_effect"], []
    for plan in (h for h in register.hypotheses if h.start > periods.day(as_of).date()):
        row = {"weeks": plan.days / 7}
        with suppress(LtvkitError):
            row = _row(outcomes.attach(histories, plan), plan, plan.days)
        rows.append({name: getattr(plan, name) for name in fields} | row)
    return pd.DataFrame(rows, columns=[*fields, *COLUMNS])


def finding(table: pd.DataFrame, hypothesis: Hypothesis, *, currency: str = "") -> str:
    """A table of `power` -> what the planned length can show, in a sentence or two."""
    row = table[table["planned"]].iloc[0]
    if np.isnan(row["power"]):
        return fill("power_unknown")
    show = partial(formats.difference, column=hypothesis.metric, currency=currency)
    return fill(
        "power",
        customers=int(row["customers"]),
        days=round(7 * row["weeks"]),
        worth=show(hypothesis.smallest_effect),
        power=formats.share(row["power"], decimals=0),
        aim=formats.share(POWER, decimals=0),
        least=show(row["smallest_detectable"]),
    )


def estimate_inputs(
    histories: Histories, hypothesis: Hypothesis, metric: str, *, length: int
) -> PowerInputs:
    """What to expect of `length` days, from the last such windows before the start.

    NaN where the orders do not reach back for it.
    """
    start = periods.number_of(hypothesis.start)
    whole = Window(start, start + length - 1)
    back = -(-(whole.end - min(whole.start - 1, histories.last)) // 7) * 7
    now, everybody = _count_customers(histories, hypothesis)
    past = _look_back(histories, hypothesis, metric, whole, back)
    if past is None:
        return PowerInputs(customers=everybody)
    baseline = past.term(metric, past.groups.treated, past.window).figure
    if hypothesis.comparison == "randomized":
        error = _typical_error(histories, hypothesis, metric, whole, back)
        growth = _growth(past, metric, now * hypothesis.treated_share)
        return PowerInputs(baseline, error, max(now - 2, 1), everybody, growth)
    natural = placebo.replay(histories, hypothesis, [metric], days=whole)[metric]
    if not natural.enough:
        return PowerInputs(baseline, customers=everybody)
    spread = (natural.df * natural.spread + PRIOR) / (natural.df + PRIOR)
    if hypothesis.comparison == "control_segment":
        se = _typical_error(histories, hypothesis, metric, whole, back)
    else:
        se = past.estimate(metric).se * _scale_to_now(histories, hypothesis, past.groups)
    error = np.sqrt(spread * (se**2 + natural.se**2 / (natural.spread or 1.0)))
    growth = spread * _growth(past, metric, now)
    return PowerInputs(baseline, float(error), natural.df, everybody, growth, natural.df + PRIOR)


def _look_back(
    histories: Histories, hypothesis: Hypothesis, metric: str, whole: Window, back: int
) -> Comparison | None:
    """The same comparison `back` days earlier; None where there are too few, or no orders yet."""
    kind = hypothesis.comparison
    groups = _past_groups(histories, hypothesis, back, whole.days)
    past = Comparison(histories, kind, groups, whole.back(back))
    few = min(map(len, groups[: 1 if kind == "before_after" else 2])) < placebo.FEWEST
    looks = past.window.start - comparisons.lookback_days(kind, whole.days)
    return None if few or looks < histories.first_day(metric) else past


def _typical_error(
    histories: Histories, hypothesis: Hypothesis, metric: str, whole: Window, back: int
) -> float:
    """The error of groups of today's size, beside a control of the same days: the median of up to
    six windows before.

    One window alone may have an order that is larger than all others, and its power would be too
    low. As customers buy less when they grow older, the variance of each window is taken in
    proportion to its days with an order, and those of the next one are where a line leads.
    """
    on, step, found = periods.number_of(hypothesis.selected), -(-whole.days // 7) * 7, []
    for earlier in range(back, back + PAST * step, step):
        past = _look_back(histories, hypothesis, metric, whole, earlier)
        if past is None:
            break
        there, strata = np.concatenate(past.groups), None
        if past.kind == "randomized":
            strata = targets.read_segments(histories, there, on=on - earlier)
        bought = histories.rows(there)["day"].between(*past.window).sum() / len(there)
        scale = _scale_to_now(histories, hypothesis, past.groups)
        found.append((past.estimate(metric, strata).se * scale, bought or np.nan))
    errors, bought = np.array(found).T
    expected = bought[0]
    if len(found) >= FEWEST_PAST and np.isfinite(bought).all():
        slope, level = np.polyfit(np.arange(len(found)), np.log(bought), 1)
        expected = np.exp(level - slope)
    return float(np.nanmedian(errors * np.sqrt(expected / bought)))


def _scale_to_now(histories: Histories, hypothesis: Hypothesis, then: Groups) -> float:
    """By how much an error shrinks from groups of the past to those of today."""
    if hypothesis.comparison == "randomized":
        listed = _count_customers(histories, hypothesis)[0]
        return float(np.sqrt(sum(map(len, then)) / max(listed, 1)))
    # Customers selected later are as many as on the last day of the orders; a list is what it is.
    ahead = max(periods.number_of(hypothesis.selected) - histories.last, 0)
    ahead *= not hypothesis.lists
    now = comparisons.select_groups(histories, hypothesis, back=ahead, length=hypothesis.days)
    spread = [sum(1 / len(who) for who in groups if len(who)) for groups in (now, then)]
    return float(np.sqrt(spread[0] / spread[1]))


def _growth(past: Comparison, metric: str, treated: float) -> float:
    """By how much the variance grows for each unit of effect, by the number treated.

    More orders vary as orders do: mean square by mean of what one brings. A rate that rises from
    p varies as p (1 - p) does. Zero for a figure per order, which may move by itself.
    """
    of, per, _definition = metrics.find(metric)
    if per == "orders" or not treated:
        return 0.0
    who, days = past.groups.treated, past.window
    if formats.kind(metric) == "share":
        counted = past.histories.column(per, who, *days).mean()
        return max(0.0, 1 - 2 * past.term(metric, who, days).figure) / (treated * counted or np.inf)
    rows = past.histories.rows_of(metric, who)
    each = rows.loc[rows["day"].between(*days), of]
    each = each[each > 0]
    return float((each**2).mean() / each.mean() / treated) if len(each) else 0.0


def _count_customers(histories: Histories, hypothesis: Hypothesis) -> tuple[int, int]:
    """How many customers take part, of those evaluated and of the whole shop: those of the list,
    treated or not, else those of the target now."""
    if hypothesis.assigned is not None:
        listed = comparisons.assigned_customers(histories, hypothesis)
        return len(listed), len(hypothesis.assigned)
    on = min(periods.number_of(hypothesis.selected), histories.last)
    who = targets.select(histories, hypothesis.target, on=on)
    return len(who), targets.count(histories, hypothesis.target, who)


def _past_groups(histories: Histories, hypothesis: Hypothesis, back: int, length: int) -> Groups:
    """The groups that the same rules would have given `back` days earlier."""
    if hypothesis.comparison != "randomized":
        return comparisons.select_groups(histories, hypothesis, back=back, length=length)
    on = periods.number_of(hypothesis.selected)
    who = targets.select(histories, hypothesis.target, on=on, back=back)
    drawn = np.random.default_rng(0).permutation(len(who)) < hypothesis.treated_share * len(who)
    return Groups(who[drawn], who[~drawn])


def _row(histories: Histories, hypothesis: Hypothesis, length: int) -> dict[str, Any]:
    inputs = estimate_inputs(histories, hypothesis, hypothesis.metric, length=length)
    return _compute_power(hypothesis, inputs, length)


def _compute_power(hypothesis: Hypothesis, inputs: PowerInputs, length: int) -> dict[str, Any]:
    effect = hypothesis.smallest_effect
    error, reach = inputs.error(effect), find_smallest(inputs._replace(se=1.0, growth=0.0))
    needed = np.ceil(inputs.customers * (reach * error / effect) ** 2)
    return {
        "weeks": length / 7,
        "customers": inputs.customers,
        "baseline": inputs.baseline,
        "error": error,
        "smallest_detectable": find_smallest(inputs),
        "power": compute_power(inputs, effect),
        "customers_needed": needed if hypothesis.comparison == "randomized" else np.nan,
        "planned": length == hypothesis.days,
    }
