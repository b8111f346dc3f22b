"""Gamma-Gamma: what a customer spends per purchase, between their own mean and that of all."""

from collections.abc import Mapping
from typing import Any

import lifetimes
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import gammaln, psi

from ltvkit.errors import DataError, ParamsError
from ltvkit.forecast.models.fitting import DistinctFitter
from ltvkit.forecast.texts import fill


class GammaGammaFitter(DistinctFitter, lifetimes.GammaGammaFitter):
    """Gamma-Gamma spend per purchase (Fader & Hardie 2013, brucehardie.com/notes/025).

    A customer's purchases are Gamma(p, nu) around their own mean, nu ~ Gamma(q, v) across
    customers; the mean over customers is p v / (q - 1) and exists for q > 1 only.
    """

    _model = "gamma_gamma"
    _names = ("p", "q", "v")
    _scattered = ("monetary_value",)
    _scale = staticmethod(np.log)

    def fit(self, frequency: ArrayLike, monetary_value: ArrayLike, weights=None, **options):
        """Customers' number of purchases and their mean amount -> the fitter, fitted.

        Both above zero. `weights` counts customers; `options`: initial_params, tol, verbose and
        prior_sd.
        """
        if (np.asarray(frequency) <= 0).any() or (np.asarray(monetary_value) <= 0).any():
            raise DataError(fill("nothing_paid"))
        history = {"frequency": frequency, "monetary_value": monetary_value}
        return self._fit_distinct(history, weights, **options)

    def _start(self, data: pd.DataFrame) -> np.ndarray:
        level = np.exp(np.average(np.log(data["monetary_value"]), weights=data["weights"]))
        return np.array([4.0, 4.0, level])

    def _scores(self, params: np.ndarray, history: Mapping) -> tuple[np.ndarray, list[np.ndarray]]:
        p, q, v = params
        x, mean = history["frequency"], history["monetary_value"]
        numbers = np.arange(x.max() + 1.0)
        with np.errstate(invalid="ignore"):
            table = gammaln(p * numbers + q) - gammaln(p * numbers) - gammaln(q) + q * np.log(v)
            slope = psi(p * numbers + q) - psi(p * numbers)
        rise = (psi(p * numbers + q) - psi(q))[x]
        paid, whole = np.log(x * mean), np.log(x * mean + v)
        value = table[x] + p * x * paid - np.log(mean) - (p * x + q) * whole
        slopes = [
            x * (slope[x] + paid - whole),
            rise + np.log(v) - whole,
            q / v - (p * x + q) / (x * mean + v),
        ]
        return value, slopes

    def conditional_expected_average_profit(self, frequency=None, monetary_value=None):
        """Expected amount per purchase of customers with these histories (default: all fitted).

        p (v + x m) / (p x + q - 1). Raises `DataError` if q <= 1: the mean over all customers
        does not exist then.
        """
        p, q, v = self._unload_params(*self._names)
        if q <= 1:
            raise DataError(fill("no_mean", q=f"{q:.3g}"))
        x = self.data["frequency"] if frequency is None else frequency
        m = self.data["monetary_value"] if monetary_value is None else monetary_value
        return p * (v + x * m) / (p * x + q - 1)

    def customer_lifetime_value(self, *args: Any, freq: str | None = None, **options: Any):
        """LTV as lifetimes computes it, but `freq`, the unit of T, has no default.

        "D": days, "W": weeks, "M": months. The default of lifetimes, days, gives a wrong result
        that looks plausible where T counts weeks.
        """
        if freq not in ("D", "W", "M"):
            raise ParamsError(fill("unit_of_time", freq=repr(freq)))
        return super().customer_lifetime_value(*args, freq=freq, **options)
