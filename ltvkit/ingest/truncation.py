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

from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.ingest import daily
from ltvkit.ingest.span import find_core
from ltvkit.periods import Day

SPAN = 30  # days that are counted together
LEAST = 6  # spans; with fewer, no later ones to compare the first with
FIRST = 3  # spans, the "first months"
MOST_OLD = 0.05  # of those who look new, where who is new counts as known
FEW_OLD = 0.15  # of those who look new, where the number of new ones can be estimated
SOME_OLD = 0.25  # of those who look new, where they buy like new ones
AGAIN = 60  # days within which a next purchase tells old customers from new ones
# Two plausible months of one shop differ by this share, beside chance.
USUAL = 0.15
MOST_GROWTH = 1 / 365  # of purchases a day, by which a shop may grow or shrink in each
# Standard errors by which customers who look new at first must buy again more often than later
# new ones do, and what that is of the difference to expect.
SURE, RATIO, FEW = 2.8, (0.4, 2.5), 20
# Mean squared deviation of the corrected spans, and as a share of that of the uncorrected ones.
EVEN, BETTER = 3.0, 0.5


LONGER = 3  # lengths of the export, for which the times between purchases are continued
_POWERS = np.linspace(0.01, 12, 1200)


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


class _Counts(NamedTuple):
    """Per day since the first purchase: `first` purchases of customers and `all` purchase days;
    per number of days: `gaps` between two purchase days, and `open` ones, up to the last day.
    """

    first: np.ndarray
    all: np.ndarray
    gaps: np.ndarray
    open: np.ndarray


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
        old = self.cautious if cautious else self.old
        unknown = np.flatnonzero(old > share * self.new)
        first = int(unknown[-1]) + 1 if len(unknown) else 0
        return self.start + first * SPAN if first < len(self.new) else self.last + 1


def find_truncation(lines: Frame, *, as_of: Day, export_begins: str = "") -> Truncation | None:
    """Order lines, or their `days`, up to `as_of` -> `Truncation`; None: no sign of one.

    `export_begins` is the policy: "opening" (with the shop's first order), "later" (in the middle
    of its life), or "": found out, which takes 180 days.
    """
    found = examine(lines, as_of=as_of, export_begins=export_begins)
    return _describe(found) if found and found.sure else None


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
    new = _sum_spans(_spread(began["_day"] - start, began["customers"], last - start + 1))
    declared, half = export_begins == "later", len(new) // 2
    more = len(new) >= LEAST and new[:2].mean() > new[half:].mean()
    if export_begins == "opening" or not len(new) or (quick and not (declared or more)):
        return Beginning(start, last, new, 0 * new, 0 * new, sure=declared)
    with frames.materialized(_find_neighbours(placed.unique()), like=lines) as beside:
        counts = _count(beside, start, last)
        growth = _estimate_growth(counts.all)
        old, cautious = _estimate_old(counts, growth)
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


def _count(beside: nw.LazyFrame, start: int, last: int) -> _Counts:
    length = last - start + 1

    def add_up(rows: nw.LazyFrame, column: str, less: int) -> np.ndarray:
        table = frames.table(rows.group_by(column).agg(customers=nw.len()))
        return _spread((table[column] - less).abs(), table["customers"], length)

    again, final = ~nw.col("_before").is_null(), nw.col("_next").is_null()
    return _Counts(
        first=add_up(beside.filter(~again), "_day", start),
        all=add_up(beside, "_day", start),
        gaps=add_up(beside.filter(again), "_before", 0),
        open=add_up(beside.filter(final), "_day", last),
    )


def _spread(at: Any, counts: Any, length: int) -> np.ndarray:
    return np.bincount(np.asarray(at, int), weights=np.asarray(counts, float), minlength=length)


def _sum_spans(per_day: np.ndarray) -> np.ndarray:
    """Sums over spans of `SPAN` days; days after the last whole one are left out."""
    whole = len(per_day) // SPAN * SPAN
    return per_day[:whole].reshape(-1, SPAN).sum(axis=1)


def _estimate_growth(per_day: np.ndarray) -> float:
    """By what share purchases grow a day, from the trend of their logarithm over the spans."""
    each = _sum_spans(per_day)
    if len(each) < FIRST:
        return 0.0
    place = np.arange(len(each)) * SPAN
    trend = np.polyfit(place, np.log(each + 1), 1, w=np.sqrt(each + 1))[0]
    return float(np.clip(trend, -MOST_GROWTH, MOST_GROWTH))


def _estimate_old(counts: _Counts, growth: float) -> tuple[np.ndarray, np.ndarray]:
    """How many old customers look new in each span, if the shop was there before; likely, and with
    caution.

    Customers buy on `rate` days a day at first, and before the export on exp(-growth u) times as
    many, u days earlier. Those of a day before the export look new on a day that is t later with
    the chance that their next purchase comes after t days or more: Kaplan and Meier's estimate of
    the times between purchases. How many come back after more days than the data have follows from
    the last two thirds of these times: it falls off by the same share in each third; with caution,
    half of it falls off as a power of the time.
    """
    length = len(counts.gaps)
    known = (counts.gaps + counts.open)[::-1].cumsum()[::-1]
    still = np.cumprod(1 - counts.gaps / np.maximum(known, 1))
    third = length // 3
    middle, end = still[third] - still[2 * third], still[2 * third] - still[-1]
    decay = min(end / middle, 0.9) if middle > 0 else 0.0
    slower = 1.5**_POWERS
    power = int(np.abs((slower - 1) / (slower * (2**_POWERS - 1)) - decay).argmin())
    rate = counts.all[: FIRST * SPAN].mean()
    ahead = np.arange(1, LONGER * length + 1) / length
    evenly = end * decay / (1 - decay) * np.append(1.0, decay ** (ahead * length / max(third, 1)))
    slowly = end / (slower[power] - 1) * np.append(1.0, (1 + ahead) ** -_POWERS[power])
    likely, most = (
        _sum_spans(
            rate * _weigh_past(np.append(still - still[-1] + tail[0], tail[1:]), growth)[:length]
        )
        for tail in (evenly, slowly)
    )
    return likely, (likely + np.maximum(likely, most)) / 2


def _weigh_past(still: np.ndarray, growth: float) -> np.ndarray:
    """Integral over u >= 0 of exp(-growth u) times the density of `still` at t + u, by days t."""
    days = np.arange(len(still))
    later = (still * np.exp(-growth * days))[::-1].cumsum()[::-1] * np.exp(growth * days)
    return np.maximum(still - growth * later, 0)


def _is_even(new: np.ndarray, old: np.ndarray, growth: float) -> bool:
    """Whether the first half without old customers is like the second, and with them is not."""
    half = len(new) // 2
    trend = np.exp(growth * SPAN * (np.arange(half) - (len(new) + half - 1) / 2))
    level, usual = np.maximum(new[half:] - old[half:], 0).mean(), new[half:].mean()

    def deviate(expected: np.ndarray) -> float:
        spread = expected + (USUAL * expected) ** 2 + 1
        return float(((new[:half] - expected) ** 2 / spread).mean())

    corrected = deviate(level * trend + old[:half])
    raw = min(deviate(np.full(half, usual)), deviate(usual * trend))
    return corrected < EVEN and corrected < BETTER * raw


def _behave_as_old(
    beside: nw.LazyFrame, new: np.ndarray, old: np.ndarray, start: int, last: int
) -> bool:
    """Whether those who look new in the first two spans buy again as old customers do.

    Compared with those who look new in the second half, and with its purchases that come after a
    span or more. Not where hardly anybody looks new later, as when a fixed group is followed.
    """
    length = last - start + 1
    again = min(AGAIN, length // LEAST)
    seems_new, day = nw.col("_before").is_null(), nw.col("_day")
    late = (day >= start + length // 2) & (day <= last - again)
    early, later, known = (
        _measure_return(beside.filter(group), again)
        for group in (
            seems_new & (day < start + 2 * SPAN),
            seems_new & late,
            late & (nw.col("_before") >= SPAN),
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


def _describe(found: Beginning) -> Truncation:
    """What the estimates say; a span is known if few are old in it and in all later ones."""
    start, last, new, old, *_rest = found
    if len(new) < LEAST:
        return Truncation(_date(start), last - start + 1, int(new.sum()), np.nan, _date(last + 1))
    looked = new[:FIRST].sum()
    probably = min(old[:FIRST].sum(), looked)
    known = _date(found.find_from(MOST_OLD, cautious=True))
    return Truncation(_date(start), FIRST * SPAN, int(looked), float(probably), known)


def _date(number: int) -> pd.Timestamp:
    return periods.start(number, "day")
