"""Renewals: each customer pays at every due month, and leaves for good at one of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import ArrayLike

from ltvkit import periods
from ltvkit.periods import MONTH_DAYS, Day


class Rhythm(NamedTuple):
    """How customers pay: `usual`, the most common gap in months; `late`, how many months after its
    due month a payment still comes; `pays`, the share of due months that are paid; `survival`, the
    share still there after 0, 1, ... renewals; `back`, the share who pay of those who are late."""

    usual: int
    late: int
    pays: float
    survival: np.ndarray
    back: float

    def left(self, number: np.ndarray) -> np.ndarray:
        """The share still there after so many renewals: beyond `survival` at its last rate, which
        is rather too little than too much, as the rate of leaving falls with each renewal."""
        known = self.survival
        most = int(np.max(number, initial=0))
        beyond = np.arange(1, max(most - len(known) + 1, 0) + 1)
        return np.append(known, known[-1] * (known[-1] / known[-2]) ** beyond)[number]


class Due(NamedTuple):
    """What is expected of histories: `alive`, and by month ahead (histories x months) whether a
    payment is due in it (`due`), which one it is (`number`, from 1), and the share of those who are
    alive now who are there then (`stays`)."""

    alive: np.ndarray
    due: np.ndarray
    number: np.ndarray
    stays: np.ndarray


def find_gap(first: Any, last: Any, times: Any) -> Any:
    """Months of the first and the last payment, and how many came after the first -> the mean gap
    in whole months, one at least; missing where `times` is."""
    return np.maximum((2 * (last - first) + times) // (2 * times), 1)


def find_due(
    last: np.ndarray, gap: np.ndarray, renewed: np.ndarray, rhythm: Rhythm, *, now: int, months: int
) -> Due:
    """Months of the last payment, gaps in months, renewals behind them -> `Due`; month 1 is the one
    after `now`, the last that is over. Who is later than payments come has left."""
    due = last + gap
    open_ = due > now - rhythm.late
    alive = np.where(open_ & (due <= now), rhythm.back, open_)
    wait = np.maximum(due - now, 1)[:, None]
    later, rest = np.divmod(np.arange(1, months + 1)[None, :] - wait, gap[:, None])
    is_due = (rest == 0) & (later >= 0)
    number = np.where(is_due, later + 1, 0)
    before = renewed[:, None]
    return Due(alive, is_due, number, rhythm.left(before + number) / rhythm.left(before))


class RenewalFitter:
    """The rhythm of a shop behind the methods of a `ContinuousTimeFitter`; time is in days.

    It reads purchase days after the first, days from the first to the last, and from the first to
    `as_of`. It counts in calendar months, as `forecast.subscriptions` does.
    """

    _model = "renewal_rates"

    def __init__(self, rhythm: Rhythm, as_of: Day) -> None:
        self.rhythm, self.today = rhythm, np.datetime64(periods.day(as_of), "D")

    @property
    def summary(self) -> pd.DataFrame:
        """Estimates of parameters: none, as the rates are those observed."""
        return pd.DataFrame(columns=["coef", "se(coef)", "lower 95% bound", "upper 95% bound"])

    def of(self, T: float) -> RenewalFitter:
        """The model of a customer first seen `T` ago: the same for all."""
        return self

    def moved(self, t: float) -> RenewalFitter:
        """The model of the same customers, `t` later."""
        return RenewalFitter(self.rhythm, self.today + np.timedelta64(round(t), "D"))

    def conditional_probability_alive(self, frequency: Any, recency: Any, T: Any) -> np.ndarray:
        """Probability that customers with these histories have not left yet."""
        return self._find(1, frequency, recency, T).alive

    def expected_purchases(self, ends: ArrayLike, frequency: Any, recency: Any, T: Any):
        """Payments expected until `ends` from now: histories x ends; of a month that ends later,
        its share."""
        ends = np.atleast_1d(np.asarray(ends, dtype=float)) / MONTH_DAYS
        found = self._find(ends.max(), frequency, recency, T)
        paid = found.alive[:, None] * np.where(found.due, found.stays, 0) * self.rhythm.pays
        return _add_up(paid, ends)

    def probability_of_no_purchase(self, t: float, frequency: Any, recency: Any, T: Any):
        """Probability that nothing is paid in the next `t`."""
        months = np.array([float(t) / MONTH_DAYS])
        found, pays = self._find(months.max(), frequency, recency, T), self.rhythm.pays
        skipped = (1 - pays) ** np.maximum(found.number - 1, 0)  # due payments before
        first = found.alive[:, None] * np.where(found.due, found.stays * skipped, 0) * pays
        return 1 - _add_up(first, months)[:, 0]

    def expected_number_of_purchases_up_to_time(self, t: ArrayLike) -> np.ndarray:
        """Renewals expected of a new customer by age `t`; what is due at its end comes after it."""
        spans, usual = np.atleast_1d(np.asarray(t, dtype=float)) / MONTH_DAYS, self.rhythm.usual
        number = np.arange(1, int(spans.max(initial=0)) // usual + 1)
        within = number * usual < spans[:, None] - 1e-9
        return (within * self.rhythm.left(number)).sum(axis=1) * self.rhythm.pays

    def simulate(
        self, ends: ArrayLike, frequency: Any, recency: Any, T: Any, *, rng: Generator
    ) -> np.ndarray:
        """Random payments, customers x spans; the spans end at the times `ends` from now."""
        ends = np.atleast_1d(np.asarray(ends, dtype=float)) / MONTH_DAYS
        found = self._find(ends.max(), frequency, recency, T)
        alive = rng.random(len(found.alive)) < found.alive
        stays = rng.random((len(alive), 1)) < np.where(found.due, found.stays, 0)
        paid = alive[:, None] & stays & (rng.random(stays.shape) < self.rhythm.pays)
        span = np.searchsorted(ends, np.arange(paid.shape[1]) + 0.5)
        counts = [paid[:, span == n].sum(axis=1) for n in range(len(ends))]
        return np.column_stack(counts)

    def gaps(self, frequency: Any, recency: Any, T: Any) -> np.ndarray:
        """The mean gap between the payments of each, in whole months; the usual one after one."""
        x, t_x, end = (np.asarray(v) for v in (frequency, recency, T))
        own = find_gap(self._month(end), self._month(end - t_x), np.maximum(x, 1))
        return np.where(x > 0, own, self.rhythm.usual).astype(int)

    def _find(self, months: float, frequency: Any, recency: Any, T: Any) -> Due:
        x, t_x, end = np.broadcast_arrays(*(np.atleast_1d(v) for v in (frequency, recency, T)))
        first, last, gap = self._month(end), self._month(end - t_x), self.gaps(x, t_x, end)
        renewed = np.round((last - first) / gap).astype(int)
        over = self.today + np.timedelta64(1, "D")  # a month that ends today is over
        now = int(over.astype("datetime64[M]").astype(int)) - 1
        ahead = max(int(np.ceil(months - 1e-9)), 1)
        return find_due(last, gap, renewed, self.rhythm, now=now, months=ahead)

    def _month(self, ago: np.ndarray) -> np.ndarray:
        """The number of the calendar month so many days ago."""
        days = self.today - np.round(ago).astype("timedelta64[D]")
        return days.astype("datetime64[M]").astype(int)


def _add_up(by_month: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Values by month -> their sums up to each end, in months; of a part of a month, its share."""
    sums = np.concatenate([np.zeros((len(by_month), 1)), by_month.cumsum(axis=1)], axis=1)
    whole = np.minimum(ends.astype(int), by_month.shape[1])
    rest = np.minimum(whole + 1, by_month.shape[1])
    return sums[:, whole] + (sums[:, rest] - sums[:, whole]) * (ends - whole)
