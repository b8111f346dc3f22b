"""The clock of a model: how much time has passed between two days, as purchases see it.

Without a season, time passes evenly. With one, a day counts by how much is bought on such days:
a day of a month in which customers buy 1.5 times as often is 1.5 days long. In this operational
time a customer buys at an even rate, so the models keep their form, and a customer's history stays
three numbers: as all histories end today, the time of the first and of the last purchase follow
from the days since the first, and the days between both. (For rescaling a Poisson process to an
even one see Daley & Vere-Jones 2003, An Introduction to the Theory of Point Processes, 7.4.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ltvkit.periods import MONTH_DAYS

DAYS = {"day": 1.0, "week": 7.0, "month": MONTH_DAYS}
HISTORY = ["frequency", "t_x_days", "T_days"]


@dataclass(frozen=True)
class Clock:
    """Time in `unit`s ("day", "week", "month" of 30.4375 days) before and after the last day.

    `passed`: with a season, the operational days that have passed by the end of each day;
    `today`: the place of the last day of the orders in it.
    """

    unit: str = "week"
    passed: np.ndarray | None = None
    today: int = 0

    def between(self, start: ArrayLike, end: ArrayLike) -> np.ndarray:
        """Time from `start` to `end`, both in days before the last day; below zero: after it."""
        first, last = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
        if self.passed is None:
            return (first - last) / DAYS[self.unit]
        return (self._read(last) - self._read(first)) / DAYS[self.unit]

    def history(self, triples: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Distinct histories -> frequency, recency (first to last purchase) and T (to today)."""
        frequency, t_x, whole = (triples[c].to_numpy() for c in HISTORY)
        return frequency, self.between(whole, whole - t_x), self.between(whole, 0)

    def ahead(self, days: ArrayLike) -> np.ndarray:
        """Time from today until so many days later."""
        return self.between(0, -np.asarray(days, dtype=float))

    def _read(self, before: np.ndarray) -> np.ndarray:
        assert self.passed is not None
        return np.interp(self.today - before, np.arange(len(self.passed)), self.passed)
