"""What the models of purchases at any time share: their history, and what follows from it."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ltvkit.forecast.models.fitting import DistinctFitter


class ContinuousTimeFitter(DistinctFitter):
    """A fitter for purchases at any time.

    It reads the number of repeat purchases, the time of the last one, and the time since the
    first purchase. A subclass says how likely a history is (`_scores`), how likely a customer is
    still active, and how many purchases to expect of one who is (`expected_while_alive`).
    """

    _end = "T"
    _scattered = ("recency", "T")
    _lately: tuple = ()  # parameters, histories and chances of `chance_alive` when last asked

    def fit(self, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike, weights=None, **options):
        """Customers' repeat purchases, time from first to last purchase, and time from the first
        to now (both in one unit of time) -> the fitter, fitted. `weights` counts customers;
        `options`: initial_params, tol, verbose and prior_sd.
        """
        history = {"frequency": frequency, "recency": recency, "T": T}
        return self._fit_distinct(history, weights, **options)

    def of(self, T: float) -> "ContinuousTimeFitter":
        """The model of a customer first seen `T` ago: the same for all."""
        return self

    def groups(self, T: ArrayLike) -> list:
        """Pairs of rows and their model, for customers first seen `T` ago."""
        return [(np.ones(len(np.asarray(T)), dtype=bool), self)]

    def moved(self, t: float) -> "ContinuousTimeFitter":
        """The model of the same customers, `t` later: the same."""
        return self

    def chance_alive(self, *history: ArrayLike) -> np.ndarray:
        """The `conditional_probability_alive`, computed once for many futures of the same arrays
        frequency, recency and T."""
        asked = (self.params_, *history)
        known = self._lately
        if not known or any(a is not b for a, b in zip(asked, known[0], strict=True)):
            self._lately = known = (asked, self.conditional_probability_alive(*history))
        return known[1]

    @staticmethod
    def pace(data: pd.DataFrame) -> float:
        """Repeat purchases per unit of time, over all customers."""
        return (data["frequency"] * data["weights"]).sum() / (data["T"] * data["weights"]).sum()

    def conditional_expected_number_of_purchases_up_to_time(self, t, frequency, recency, T):
        """Purchases expected in the next `t`."""
        alive = self.conditional_probability_alive(frequency, recency, T)
        return alive * self.expected_while_alive(t, frequency, T)

    def expected_purchases(self, ends, frequency, recency, T):
        """Purchases expected until `ends` from now: histories x ends.

        For an active customer, the time of the last purchase does not matter: the expectation is
        computed once per pair of frequency and age.
        """
        alive = self.conditional_probability_alive(frequency, recency, T)
        (of_x, counts), (of_age, ages) = (pd.factorize(np.asarray(v)) for v in (frequency, T))
        place, pairs = pd.factorize(of_x * len(ages) + of_age)
        x, age = counts[pairs // len(ages), None], ages[pairs % len(ages), None]
        return alive[:, None] * self.expected_while_alive(ends, x, age)[place]

    def expected_number_of_purchases_up_to_time(self, t):
        """Repeat purchases expected of a new customer by age `t`."""
        return self.conditional_expected_number_of_purchases_up_to_time(t, 0, 0.0, 0.0)
