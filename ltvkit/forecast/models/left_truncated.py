"""Two groups of customers in one model: those known from their first purchase, and those not.

Where the orders begin in the middle of a shop's life, customers who are first seen early had mostly
bought before: they are those who stayed, and buy more often than a new customer will. Each group
has parameters of its own, so that the value of a new customer is that of new ones.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import ArrayLike

from ltvkit.forecast.models.continuous_time import ContinuousTimeFitter

EARLIER = "_earlier"  # behind the names of the parameters of those who had bought before


class LeftTruncatedFitter:
    """A fitted model of each group behind the methods of one `ContinuousTimeFitter`.

    `later`: of customers first seen at most `known` units of time before the last day, and of all
    new ones; `earlier`: of the others. Of the first purchase that is seen of them nothing but the
    time is known, so it counts as the first of all: given how often a customer buys, and how soon
    they leave, what comes after one purchase does not depend on those before it.
    """

    def __init__(
        self, later: ContinuousTimeFitter, earlier: ContinuousTimeFitter, known: float
    ) -> None:
        self.later, self.earlier, self.known = later, earlier, known

    @property
    def _model(self) -> str:
        """Its name in tables, that of either group."""
        return self.later._model

    @property
    def params_(self) -> pd.Series:
        """The parameters of both groups."""
        return pd.concat([self.later.params_, self.earlier.params_.add_suffix(EARLIER)])

    @params_.setter
    def params_(self, params: pd.Series) -> None:
        self.later, self.earlier = copy.copy(self.later), copy.copy(self.earlier)
        self.later.params_ = params[self.later.params_.index]
        self.earlier.params_ = params[[name for name in params.index if name.endswith(EARLIER)]]
        self.earlier.params_.index = self.later.params_.index

    @property
    def summary(self) -> pd.DataFrame:
        """Estimates and 95% limits, a row per parameter."""
        earlier = self.earlier.summary.rename(index=lambda name: name + EARLIER)
        return pd.concat([self.later.summary, earlier])

    @property
    def data(self) -> pd.DataFrame:
        """The distinct histories of both groups, with their `weights`."""
        return pd.concat([self.later.data, self.earlier.data], ignore_index=True)

    def of(self, T: float) -> ContinuousTimeFitter:
        """The model of a customer first seen `T` ago."""
        return self.earlier if self.known < T else self.later

    def groups(self, T: ArrayLike) -> list[tuple[np.ndarray, ContinuousTimeFitter]]:
        """Pairs of rows and their model, for customers first seen `T` ago."""
        earlier = np.asarray(T) > self.known
        return [(~earlier, self.later), (earlier, self.earlier)]

    def moved(self, t: float) -> LeftTruncatedFitter:
        """The model of the same customers, `t` later."""
        return LeftTruncatedFitter(self.later, self.earlier, self.known + t)

    def coarse(self) -> LeftTruncatedFitter:
        """Both groups with nearby histories merged (see `DistinctFitter.coarse`)."""
        return LeftTruncatedFitter(self.later.coarse(), self.earlier.coarse(), self.known)

    def reweighted(self, weights: np.ndarray) -> pd.Series:
        """The parameters if the histories in `data` had these `weights`."""
        n = len(self.later.data)
        earlier = self.earlier.reweighted(weights[n:]).add_suffix(EARLIER)
        return pd.concat([self.later.reweighted(weights[:n]), earlier])

    def conditional_probability_alive(self, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike):
        """Probability of being still active."""
        return self._join("conditional_probability_alive", frequency, recency, T)

    def expected_purchases(self, ends: Any, frequency: Any, recency: Any, T: Any):
        """Purchases expected until `ends` from now: histories x ends."""
        return self._join("expected_purchases", frequency, recency, T, first=(ends,))

    def probability_of_no_purchase(self, t: Any, frequency: Any, recency: Any, T: Any):
        """Probability that nothing is bought in the next `t`."""
        return self._join("probability_of_no_purchase", frequency, recency, T, first=(t,))

    def expected_number_of_purchases_up_to_time(self, t: ArrayLike):
        """Repeat purchases expected of a new customer by age `t`."""
        return self.later.expected_number_of_purchases_up_to_time(t)

    def simulate(self, ends: Any, frequency: Any, recency: Any, T: Any, *, rng: Generator):
        """Random purchases, customers x spans; the spans end at the times `ends` from now."""
        return self._join("simulate", frequency, recency, T, first=(ends,), rng=rng)

    def _join(self, method: str, *columns: ArrayLike, first: tuple = (), **options: Any):
        """What each group's model says of its rows, put together; the last column is T."""
        arrays = [np.asarray(c) for c in columns]
        last, joined = arrays[-1], None
        for rows, fitter in self.groups(last):
            if rows.any() or not len(rows):
                part = getattr(fitter, method)(*first, *(a[rows] for a in arrays), **options)
                if joined is None:
                    joined = np.empty((len(rows), *part.shape[1:]), dtype=part.dtype)
                joined[rows] = part
        return joined
