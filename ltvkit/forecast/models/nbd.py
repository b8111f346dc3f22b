"""NBD: customers buy at random, each at a rate of their own, and nobody ever leaves."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from lifetimes.fitters import BaseFitter
from numpy.typing import ArrayLike
from scipy.special import gammaln, psi

from ltvkit.forecast.models.continuous_time import ContinuousTimeFitter


class NBDFitter(ContinuousTimeFitter, BaseFitter):
    """NBD (Ehrenberg 1959, The Pattern of Consumer Purchases, Applied Statistics 8(1), 26-41).

    Purchases are Poisson at rate lambda ~ Gamma(r, alpha). It is what the models with a lifetime
    become where nobody leaves, and the baseline that shows whether leaving matters. When customers
    last bought makes no difference, so the histories are the distinct pairs of frequency and T.
    """

    _model = "nbd"
    _names = ("r", "alpha")
    _scattered = ("T",)

    def __init__(self, penalizer_coef: float = 0.0) -> None:
        self.penalizer_coef = penalizer_coef

    def fit(self, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike, weights=None, **options):
        """As `ContinuousTimeFitter.fit`; `recency` is not looked at."""
        repeated = np.asarray(frequency) > 0
        return super().fit(frequency, np.where(repeated, T, 0), T, weights, **options)

    def _start(self, data: pd.DataFrame) -> np.ndarray:
        return np.array([0.5, 0.5 / self.pace(data)])

    def _scores(self, params: np.ndarray, history: Mapping) -> tuple[np.ndarray, list[np.ndarray]]:
        r, alpha = params
        x, observed = history["frequency"], alpha + history["T"]
        numbers = np.arange(x.max() + 1.0)
        counts, rise = gammaln(r + numbers) - gammaln(r), psi(r + numbers) - psi(r)
        spent = np.log(alpha) - np.log(observed)
        value = counts[x] + r * spent - x * np.log(observed)
        return value, [rise[x] + spent, r / alpha - (r + x) / observed]

    def conditional_probability_alive(self, frequency, recency, T):
        """1: this model knows no leaving. So it is never asked who has left."""
        return np.ones(np.broadcast(frequency, recency, T).shape or 1)

    def expected_while_alive(self, t, frequency, T):
        """Purchases expected in the next `t`: (r + x) t / (alpha + T); arrays broadcast."""
        r, alpha = self._unload_params(*self._names)
        t, x, end = np.broadcast_arrays(t, frequency, T)
        return np.atleast_1d((r + x) * t / (alpha + end))

    def probability_of_no_purchase(self, t, frequency, recency, T):
        """Probability that nothing is bought in the next `t`."""
        r, alpha = self._unload_params(*self._names)
        wait = np.log1p(np.asarray(t) / (alpha + np.asarray(T)))
        return np.exp(-(r + np.asarray(frequency)) * wait)

    def simulate(self, ends, frequency, recency, T, *, rng):
        """Random purchases, customers x spans; the spans end at the times `ends` from now."""
        r, alpha = self._unload_params(*self._names)
        rate = rng.gamma(r + np.asarray(frequency), 1 / (alpha + np.asarray(T)))
        return rng.poisson(rate[:, None] * np.diff(ends, prepend=0.0))
