"""Whether an export begins in the middle of a shop's life, so that old customers look new.

Every customer's first purchase in the data looks like the first of all. Where a shop is older than
its export, that is wrong for those who had bought before: their purchase in the data is a later one
of theirs, and comes as soon as the time between two purchases of a customer lets it. From these
times follows how many old customers look new in each month. The export is taken to begin in the
middle if the months without them are as even as the later ones, and if those who look new at first
buy again as old customers do. A shop that opens with a campaign, or customers who were all won in
one quarter, have no such months, or no such customers.
"""

from __future__ import annotations

from typing import NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.ingest import daily
from ltvkit.ingest.old_customers import (
    FIRST,
    SPAN,
    count,
    estimate_growth,
    estimate_old,
    spread,
    sum_spans,
)
from ltvkit.ingest.span import find_core
from ltvkit.periods import Day

LEAST = 6  # spans; with fewer, no later ones to compare the first with
MOST_OLD = 0.05  # of those who look new, where who is new counts as known
FEW_OLD = 0.25  # of those who look new, where they are mostly new, and can be counted less the old
AGAIN = 60  # days within which a next purchase tells old customers from new ones
# Two plausible months of one shop differ by this share, beside chance.
USUAL = 0.15
# Standard errors by which customers who look new at first must buy again more often than later
# new ones do, and what that is of the difference to expect.
SURE, RATIO, FEW = 2.8, (0.4, 2.5), 20
# Mean squared deviation of the corrected spans, and as a share of that of the uncorrected ones.
EVEN, BETTER = 3.0, 0.5


class Truncation(NamedTuple):
    """An export that begins in the middle of a shop's life.

    Of the `new` customers who seem to be won in the `days` from `begins` on, `old` had probably
    bought before. From `known_from` on at most 5% had; before that day nobody can tell who is new.
    """

    begins: pd.Timestamp
    days: int
    new: int
    old: float
    known_from: pd.Timestamp


class Beginning(NamedTuple):
    """Who looks new in an export, by spans of 30 days from day number `start` to `last`.

    `new`: customers who look new; `old`: those of them who had bought before, and `cautious`: those
    who may have, if the shop is older than the export; `sure`: whether it is.
    """

    start: int
    last: int
    new: np.ndarray
    old: np.ndarray
    cautious: np.ndarray
    sure: bool

    def find_from(self, share: float, *, cautious: bool = False) -> int:
        """The first day number from which at most this share of who looks new is old."""
        old = np.minimum(self.cautious if cautious else self.old, self.new)
        unknown = np.flatnonzero(old > share * self.new)
        first = int(unknown[-1]) + 1 if len(unknown) else 0
        return self.start + first * SPAN if first < len(self.new) else self.last + 1


def find_truncation(lines: Frame, *, as_of: Day, export_begins: str = "") -> Truncation | None:
    """Order lines, or their `days`, up to `as_of` -> `Truncation`; None: no sign of one.

    `export_begins` is the policy: "opening" (with the shop's first order), "later" (in the middle
    of its life), or "": found out, which takes 180 days.
    """
    found = examine(lines, as_of=as_of, export_begins=export_begins)
    return describe(found) if found else None


def examine(
    lines: Frame, *, as_of: Day, export_begins: str = "", quick: bool = True
) -> Beginning | None:
    """Order lines, or their `days`, up to `as_of` -> who looks new; None without a purchase.

    `export_begins` as in `find_truncation`. `quick`: old customers are not counted where the number
    of those who look new shows no sign of any.
    """
    bought = daily.select_purchases(lines, as_of=as_of)
    placed = bought.select("customer_id", _day=periods.number("order_date"))
    first = placed.group_by("customer_id").agg(_day=nw.col("_day").min())
    began = frames.table(first.group_by("_day").agg(customers=nw.len()))
    if began.empty:
        return None
    start, last = _find_start(began), periods.number_of(as_of)
    began, placed = began[began["_day"] >= start], placed.filter(nw.col("_day") >= start)
    new = sum_spans(spread(began["_day"] - start, began["customers"], last - start + 1))
    declared, half = export_begins == "later", len(new) // 2
    more = len(new) >= LEAST and new[:2].mean() > new[half:].mean()
    if export_begins == "opening" or not len(new) or (quick and not (declared or more)):
        return Beginning(start, last, new, 0 * new, 0 * new, sure=declared)
    with frames.materialized(_find_neighbours(placed.unique()), like=lines) as beside:
        counts = count(beside, start, last)
        growth = estimate_growth(counts.all)
        old, cautious = estimate_old(counts, growth)
        found = Beginning(start, last, new, old, cautious, sure=declared)
        if declared or not more:
            return found
        sure = _is_even(new, old, growth) and _behave_as_old(beside, new, old, start, last)
    return found._replace(sure=sure)


def find_known_from(lines: Frame, *, as_of: Day, export_begins: str = "") -> pd.Timestamp | None:
    """The day from which the data tell who is new (see `find_truncation`); None: from the first."""
    found = find_truncation(lines, as_of=as_of, export_begins=export_begins)
    return found.known_from if found else None


def _find_start(began: pd.DataFrame) -> int:
    """The first day, without a few that lie more than a year before all others (typing errors)."""
    days = began.sort_values("_day").set_index("_day").rename(columns={"customers": "lines"})
    core = find_core(days.set_axis(pd.to_datetime(days.index, unit="D")))
    return periods.number_of(core.index[0])


def _find_neighbours(placed: nw.LazyFrame) -> nw.LazyFrame:
    """Purchase days of customers -> the same with the days since the last, and to the next one."""
    day, customer = nw.col("_day"), {"order_by": "_day"}
    return placed.with_columns(
        _before=day - day.shift(1).over("customer_id", **customer),
        _next=day.shift(-1).over("customer_id", **customer) - day,
    )


def _is_even(new: np.ndarray, old: np.ndarray, growth: float) -> bool:
    """Whether the first half without old customers is like the second, and with them is not."""
    half = len(new) // 2
    trend = np.exp(growth * SPAN * (np.arange(half) - (len(new) + half - 1) / 2))
    level, usual = np.maximum(new[half:] - old[half:], 0).mean(), new[half:].mean()

    def deviate(expected: np.ndarray) -> float:
        variance = expected + (USUAL * expected) ** 2 + 1
        return float(((new[:half] - expected) ** 2 / variance).mean())

    corrected = deviate(level * trend + old[:half])
    raw = min(deviate(np.full(half, usual)), deviate(usual * trend))
    return corrected < EVEN and corrected < BETTER * raw


def _behave_as_old(
    beside: nw.LazyFrame, new: np.ndarray, old: np.ndarray, start: int, last: int
) -> bool:
    """Whether those who look new in the first two spans buy again as old customers do.

    Compared with those who look new in the second half, and with old customers who would look new
    if the export began in the middle. Not where hardly anybody looks new later, as when a fixed
    group is followed.
    """
    length = last - start + 1
    middle = start + length // 2
    again = min(AGAIN, length // LEAST)
    seems_new, day = nw.col("_before").is_null(), nw.col("_day")
    late = (day >= middle) & (day <= last - again)
    early, later, known = (
        _measure_return(beside.filter(group), again)
        for group in (
            seems_new & (day < start + 2 * SPAN),
            seems_new & late,
            late & (day < middle + 2 * SPAN) & (nw.col("_before") > day - middle),
        )
    )
    if later.customers < FEW:
        return False
    error = np.hypot(early.error, later.error)
    more = early.rate - later.rate
    expected = min(1.0, old[:2].sum() / max(new[:2].sum(), 1)) * (known.rate - later.rate)
    return bool(more > SURE * error and expected > 0 and RATIO[0] < more / expected < RATIO[1])


class _Return(NamedTuple):
    """How many bought, and the share of them who bought again soon, with its standard error."""

    customers: int
    rate: float
    error: float


def _measure_return(bought: nw.LazyFrame, again: int) -> _Return:
    soon = (nw.col("_next") <= again).cast(nw.Int64).fill_null(0)
    sums = bought.select(soon=soon).select(nw.col("soon").sum(), customers=nw.len())
    row = frames.table(sums).fillna(0).iloc[0]
    n = int(row["customers"])
    rate = (float(row["soon"]) + 0.5) / (n + 1)
    return _Return(n, rate, float(np.sqrt(rate * (1 - rate) / max(n, 1))))


def describe(found: Beginning) -> Truncation | None:
    """What the estimates say; a span is known if few are old in it and in all later ones. None:
    the export does not begin in the middle of the shop's life."""
    if not found.sure:
        return None
    start, last, new, old, *_rest = found
    if len(new) < LEAST:
        return Truncation(_date(start), last - start + 1, int(new.sum()), np.nan, _date(last + 1))
    looked = new[:FIRST].sum()
    probably = min(old[:FIRST].sum(), looked)
    known = _date(found.find_from(MOST_OLD, cautious=True))
    return Truncation(_date(start), FIRST * SPAN, int(looked), float(probably), known)


def _date(number: int) -> pd.Timestamp:
    return periods.start(number, "day")
