"""Days between a customer's purchases: gamma gaps at a personal pace, and an end after any of them.

While a customer stays, gaps are Gamma(k, lambda): random as by a Poisson process for k = 1, more
regular above, in bursts below. The pace lambda is Gamma(r, alpha) among customers. After each
purchase, the first included, the customer leaves with probability p ~ Beta(a, b). This is
MBG/CNBD-k (Reutterer, Platzer & Schroeder 2021, IJRM 38(1), 194-215) with a k that need not be a
whole number; k = 1 is MBG/NBD.

So after x gaps over t_x days the pace is Gamma(r + k x, alpha + t_x), and the next gap y is beta
prime: P(y > t) = I_z(r + k x, k), z = B / (B + t), B = alpha + t_x, I the regularized incomplete
beta function. A gap that is still open counts as "left, or longer than this"; without it, short
gaps would be overrated, as long ones are seldom over when the data end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import betainc, betaincinv, betaln, gammaln
from threadpoolctl import threadpool_limits

from ltvkit.errors import TooLittleData
from ltvkit.forecast.models.fitting import MIN_REPEATERS, PRIOR_SD
from ltvkit.forecast.texts import fill

# Of k; of r; of the mean gap over that observed; of a; of b. Where gaps are all alike, k has no
# upper end: 400 is a deviation of 5% of a gap.
BOUNDS = [(0.1, 400.0), (0.05, 500.0), (0.01, 100.0), (0.01, 1e3), (0.01, 1e4)]
USUAL = [1.0, 1.5, 1.5, 0.8, 2.5]  # the same of a usual shop: where the search starts
FADED = 1e-200  # a chance that small is computed by the power law that the tail follows
YEAR = 365
HALF = 0.5  # a gap of n whole days is one between n - 1/2 and n + 1/2


@dataclass(frozen=True)
class GapModel:
    """k (regularity), r and alpha (how paces differ), a and b (the chance to leave), and the mean
    of the gaps that were observed, in days."""

    k: float
    r: float
    alpha: float
    a: float
    b: float
    mean_gap: float

    @property
    def within_days(self) -> int:
        """The days within which a customer who comes back is waited for: whole years of 365 days.

        One year, or about twice the mean gap where that is more. Beyond, a forecast would rest on
        the form of the tail alone, as few gaps so long have been observed.
        """
        return YEAR * max(1, round(2 * self.mean_gap / YEAR))

    def chance_longer(self, days, frequency, span) -> np.ndarray:
        """P(the next gap is longer than `days`) after `frequency` gaps over `span` days."""
        shape, scale = self.r + self.k * np.asarray(frequency), self.alpha + np.asarray(span)
        return betainc(shape, self.k, scale / (scale + np.asarray(days)))

    def quantile(self, q, frequency, span, *, silence, within) -> np.ndarray:
        """The days since the last purchase by which a share `q` of customers have come back: of
        those who do so after more than `silence` days, and at most `within` days later. Several
        shares, as a column, give a row each."""
        shape, scale = self.r + self.k * np.asarray(frequency), self.alpha + np.asarray(span)
        start = np.asarray(silence) + HALF
        now = self.chance_longer(start, frequency, span)
        end = self.chance_longer(start + within, frequency, span)
        faded = now < FADED
        fading = (1 + within / (start + scale)) ** -shape
        later = np.where(faded, fading, end / np.where(faded, 1, now))
        left = 1 - q * (1 - later)
        z = np.where(
            faded,
            scale / (start + scale) * left ** (1 / shape),
            betaincinv(shape, self.k, np.where(faded, HALF, left * now)),
        )
        return scale / z - scale


def fit(table: pd.DataFrame) -> GapModel:
    """frequency, t_x_days, T_days, customers, log_gaps (a sum) -> the model, by maximum likelihood.

    A weak prior as strong as one customer (see `fitting.PRIOR_SD`) keeps parameters finite that
    the data do not determine, as r where all customers are alike. Raises `TooLittleData`.
    """
    again = int(table.loc[table["frequency"] > 0, "customers"].sum())
    if again < MIN_REPEATERS:
        raise TooLittleData(fill("few_gaps", n=again, least=MIN_REPEATERS))
    x, span, whole, weights = (table[c].to_numpy(dtype=float) for c in table.columns[:4])
    mean = (weights * span).sum() / (weights * x).sum()
    log_gaps, usual = table["log_gaps"].sum(), np.log(USUAL)

    def objective(theta: np.ndarray) -> float:
        model = _model(np.exp(theta), mean)
        each = _log_likelihood(model, x, span, whole - span)
        prior = ((theta - usual) ** 2).sum() / 2 / PRIOR_SD**2
        return (prior - (weights * each).sum() - (model.k - 1) * log_gaps) / weights.sum()

    with threadpool_limits(1):  # a second thread costs more than it saves
        found = minimize(objective, usual, method="L-BFGS-B", bounds=np.log(BOUNDS), tol=1e-7)
    return _model(np.exp(found.x), mean)


def _model(params: np.ndarray, mean: float) -> GapModel:
    k, r, relative, a, b = params
    return GapModel(*map(float, (k, r, relative * mean * r / k, a, b, mean)))


def _log_likelihood(model: GapModel, x, span, silence) -> np.ndarray:
    """Of each history, less the part (k - 1) x the sum of the logarithms of its gaps."""
    k, r, alpha, a, b = model.k, model.r, model.alpha, model.a, model.b
    shape = r + k * x
    gaps = gammaln(shape) - gammaln(r) - x * gammaln(k) + r * np.log(alpha)
    gaps -= shape * np.log(alpha + span)
    stayed = betaln(a, b + x) - betaln(a, b)
    still = (b + x) * model.chance_longer(silence + HALF, x, span)
    return gaps + stayed + np.log((a + still) / (a + b + x))
