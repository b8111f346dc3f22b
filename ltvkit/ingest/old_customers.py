"""How many old customers look new in an export, if the shop was there before it begins.

Their first purchase in the data is a later one of theirs, and comes as soon as the time between two
purchases of a customer lets it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np

from ltvkit.engines import frames

SPAN = 30  # days that are counted together
FIRST = 3  # spans, the "first months"
MOST_GROWTH = 1 / 365  # of purchases a day, by which a shop may grow or shrink in each
LONGER = 3  # lengths of the export, for which the times between purchases are continued
_POWERS = np.linspace(0.01, 12, 1200)


class Counts(NamedTuple):
    """Per day since the first purchase: `first` purchases of customers and `all` purchase days;
    per number of days: `gaps` between two purchase days, and `open` ones, up to the last day.
    """

    first: np.ndarray
    all: np.ndarray
    gaps: np.ndarray
    open: np.ndarray


def count(beside: nw.LazyFrame, start: int, last: int) -> Counts:
    """Purchase days of customers with `_before` and `_next` (days to the neighbours) -> `Counts`
    of the days from number `start` to `last`."""
    length = last - start + 1

    def add_up(rows: nw.LazyFrame, column: str, less: int) -> np.ndarray:
        table = frames.table(rows.group_by(column).agg(customers=nw.len()))
        return spread((table[column] - less).abs(), table["customers"], length)

    again, final = ~nw.col("_before").is_null(), nw.col("_next").is_null()
    return Counts(
        first=add_up(beside.filter(~again), "_day", start),
        all=add_up(beside, "_day", start),
        gaps=add_up(beside.filter(again), "_before", 0),
        open=add_up(beside.filter(final), "_day", last),
    )


def spread(at: Any, counts: Any, length: int) -> np.ndarray:
    """Counts at whole numbers -> an array of them, zero where nothing was counted."""
    return np.bincount(np.asarray(at, int), weights=np.asarray(counts, float), minlength=length)


def sum_spans(per_day: np.ndarray) -> np.ndarray:
    """Sums over spans of `SPAN` days; days after the last whole one are left out."""
    whole = len(per_day) // SPAN * SPAN
    return per_day[:whole].reshape(-1, SPAN).sum(axis=1)


def estimate_growth(per_day: np.ndarray) -> float:
    """By what share purchases grow a day, from the trend of their logarithm over the spans."""
    each = sum_spans(per_day)
    if len(each) < FIRST:
        return 0.0
    place = np.arange(len(each)) * SPAN
    trend = np.polyfit(place, np.log(each + 1), 1, w=np.sqrt(each + 1))[0]
    return float(np.clip(trend, -MOST_GROWTH, MOST_GROWTH))


def estimate_old(counts: Counts, growth: float) -> tuple[np.ndarray, np.ndarray]:
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
        sum_spans(
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
