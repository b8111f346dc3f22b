"""What the models of purchases at any time share: their history, and what follows from it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ltvkit.forecast.models.fitting import DistinctFitter


class TimedFitter(DistinctFitter):
    """A fitter of purchases at any time: it reads how many, the last of them, and the time since
    the first. A subclass says how likely a history is (`_scores`) and a customer is alive, and
    what to expect of one who is (`expected_while_alive`)."""

    _end = "T"
    _scattered = ("recency", "T")
    _generator: Any  # of lifetimes: times, parameters -> simulated customers

    def fit(
        self,
        frequency,
        recency,
        T,
        weights=None,
        initial_params=None,
        verbose=False,
        tol=1e-7,
        index=None,
        prior_sd=None,
    ):
        """Customers' repeat purchases, time from first to last purchase, and time from the first
        to now (one unit of time for both) -> the fitter, fitted. `weights` counts customers.
        """
        history = {"frequency": frequency, "recency": recency, "T": T}
        options = {"weights": weights, "initial_params": initial_params, "index": index}
        options |= {"prior_sd": prior_sd, "search": {"tol": tol, "verbose": verbose}}
        self._fit_distinct(history, options)
        self.generate_new_data = lambda size=1: type(self)._generator(
            self.each("T"), *self.params_, size=size
        )
        return self

    @staticmethod
    def pace(data: pd.DataFrame) -> float:
        """Repeat purchases per unit of time, over all customers."""
        return (data["frequency"] * data["weights"]).sum() / (data["T"] * data["weights"]).sum()

    def conditional_expected_number_of_purchases_up_to_time(self, t, frequency, recency, T):
        """Purchases expected in the next `t`."""
        alive = self.conditional_probability_alive(frequency, recency, T)
        return alive * self.expected_while_alive(t, frequency, T)

    def expected_number_of_purchases_up_to_time(self, t):
        """Repeat purchases expected of a new customer by age `t`."""
        return self.conditional_expected_number_of_purchases_up_to_time(t, 0, 0.0, 0.0)
