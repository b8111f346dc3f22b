"""How many customers are won a month, where old customers may look new."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ltvkit.engines.frames import Frame
from ltvkit.ingest.truncation import FEW_OLD, SPAN, examine
from ltvkit.periods import MONTH_DAYS, Day

SPANS = 12  # the last ones, that a mean is taken over
DAMPED = 0.9  # of the growth of one month, that the next one grows by
MOST_GROWTH = np.log(2)  # a year
UNSURE = 0.15  # of those who look new may be old, where it is not known whether any is


class Acquisition(NamedTuple):
    """`a_month`: customers won in a month of 30.4375 days (NaN: not known); `known_days`: customers
    first seen at most so many days before the last one are mostly new (None: all are); `growth`:
    of their number within a year, as a logarithm (NaN: known for less than two years)."""

    a_month: float
    known_days: int | None
    growth: float = np.nan

    def win(self, months: int, *, trend: bool = False) -> np.ndarray:
        """Customers won in this month and in each of the `months` after it: as many as lately, or
        with `trend` more or fewer, by a growth that fades (a tenth a month).

        The mean of the last twelve months is that of half a year ago.
        """
        ahead = np.append(0.0, DAMPED ** np.arange(months)).cumsum()
        growth = (SPANS / 2 + ahead) * self.growth / SPANS if trend else 0 * ahead
        return self.a_month * np.exp(growth)


def estimate(lines: Frame, *, as_of: Day, export_begins: str = "") -> Acquisition:
    """Order lines, or their `days`, up to `as_of` -> who was won.

    The mean of the last twelve spans of 30 days for which it is known. Where the shop is older than
    its orders (see `ingest.truncation`), those are the spans in which at most a quarter of the
    customers who look new had bought before, and these are taken off. Where nobody can tell, they
    are the last spans with 15% of them at most, all together, if it was older. NaN where there are
    none, as in the first months of an export that does not say that the shop opened in it
    (`export_begins`).
    """
    found = examine(lines, as_of=as_of, export_begins=export_begins, quick=False)
    if found is None:
        return Acquisition(np.nan, None)
    if not found.sure:
        old = np.minimum(found.old, found.new)
        many = np.flatnonzero(_add_from_end(old) > UNSURE * _add_from_end(found.new))
        won = found.new[many[-1] + 1 if len(many) else 0 :]
        return Acquisition(_average(won), None, _measure_growth(won))
    known = found.find_from(FEW_OLD)
    won = (found.new - found.cautious)[(known - found.start) // SPAN :]
    days = found.last - known if known <= found.last else None
    return Acquisition(_average(won), days, _measure_growth(won))


def _add_from_end(spans: np.ndarray) -> np.ndarray:
    return spans[::-1].cumsum()[::-1]


def _average(won: np.ndarray) -> float:
    """Customers a month, from those of the last spans."""
    return float(won[-SPANS:].mean()) / SPAN * MONTH_DAYS if len(won) else np.nan


def _measure_growth(won: np.ndarray) -> float:
    """The last twelve spans against the twelve before, as a logarithm.

    Less of it the more the ratio to the span a year before varies (at least as counts do), by the
    share of the variance of chance in its square; none where that is all of it. So it is less than
    what was counted, and a season, which is in both years, counts as no chance.
    """
    before, lately = won[-2 * SPANS : -SPANS], won[-SPANS:]
    if len(before) < SPANS or not (before.mean() > 0 and lately.mean() > 0):
        return np.nan
    ratio = lately.mean() / before.mean()
    growth, counts = np.log(ratio), lately.mean() + ratio**2 * before.mean()
    chance = max((lately - ratio * before).var(ddof=1), counts) / SPANS / lately.mean() ** 2
    drawn = growth * max(0.0, 1 - chance / growth**2) if growth else 0.0
    return float(np.clip(drawn, -MOST_GROWTH, MOST_GROWTH))
