"""Pareto/NBD: customers buy at random while alive, and may leave at any moment."""

from collections.abc import Callable, Mapping
from functools import partial

import lifetimes
import numpy as np
import pandas as pd
from lifetimes.generate_data import pareto_nbd_model
from scipy.special import expit, gammaln, psi

from ltvkit.forecast.models.continuous_time import ContinuousTimeFitter

NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)
CHUNK = 2048  # histories at a time, so that histories x nodes fit a processor's cache
FADED = 45.0  # below e^-45 of its maximum, an integrand adds less than a float can hold


class ParetoNBDFitter(ContinuousTimeFitter, lifetimes.ParetoNBDFitter):
    """Pareto/NBD (Schmittlein, Morrison & Colombo 1987, Management Science 33(1), 1-24).

    While alive, purchases are Poisson at rate lambda ~ Gamma(r, alpha); the time to leaving is
    exponential at rate mu ~ Gamma(s, beta). The likelihood of having left between the last
    purchase and now is an integral over the moment of leaving. It is computed by Gauss-Legendre
    quadrature on a logarithmic time scale: the same nodes give the gradient, and it stays exact
    where the difference of the usual two 2F1 functions loses its digits.
    """

    _model = "pareto_nbd"
    _names = ("r", "alpha", "s", "beta")
    _generator = staticmethod(pareto_nbd_model)

    def _start(self, data: pd.DataFrame) -> np.ndarray:
        return np.array([0.5, 0.3 / self.pace(data), 0.6, data["T"].mean() / 2])

    def _scores(self, params: np.ndarray, history: Mapping) -> tuple[np.ndarray, list[np.ndarray]]:
        columns = [history[c] for c in ("frequency", "recency", "T")]
        parts = _in_chunks(partial(_scores, params), *columns)
        slopes = [np.concatenate(s) for s in zip(*(p[1] for p in parts), strict=True)]
        return np.concatenate([p[0] for p in parts]), slopes

    def conditional_probability_alive(self, frequency, recency, T):
        """Probability that customers with these histories have not left yet."""
        history = [np.asarray(v, dtype=float) for v in (frequency, recency, T)]
        x, t_x, end = (np.atleast_1d(v) for v in np.broadcast_arrays(*history))
        parts = _in_chunks(partial(_odds_gone, self.params_.to_numpy()), x, t_x, end)
        return expit(-np.concatenate([odds for odds, *_moments in parts]))

    def expected_while_alive(self, t, frequency, T):
        """Purchases expected in the next `t`, of customers known to be alive."""
        r, alpha, s, beta = self._unload_params(*self._names)
        end, x = np.asarray(T, dtype=float), np.asarray(frequency)
        grown = np.log1p(np.asarray(t) / (beta + end))
        stays = grown if abs(s - 1) < 1e-9 else -np.expm1(-(s - 1) * grown) / (s - 1)
        return np.atleast_1d((r + x) / (alpha + end) * (beta + end) * stays)

    def probability_of_no_purchase(self, t, frequency, recency, T):
        """Probability that nothing is bought in the next `t`: gone, leaving, or not yet back.

        One minus the integral of the density of the next purchase, computed as in `_odds_gone`.
        """
        r, alpha, s, beta = self._unload_params(*self._names)
        history = [np.asarray(v, dtype=float)[..., None] for v in (t, frequency, T)]
        span, x, end = np.broadcast_arrays(*history)
        buys, leaves = alpha + end, beta + end
        m = np.minimum(buys, leaves)
        fall = m * ((r + x + 1) / buys + s / leaves) - 1
        reach = np.minimum(np.log1p(span / m), FADED / np.maximum(fall, 1e-9))
        moment = reach * (1 + NODES) / 2
        waited = m * np.expm1(moment)
        height = moment - (r + x + 1) * np.log1p(waited / buys) - s * np.log1p(waited / leaves)
        back = (np.exp(height) * reach * m * (r + x) / buys) @ WEIGHTS / 2
        return 1 - self.conditional_probability_alive(frequency, recency, T) * back

    def simulate(self, ends, frequency, recency, T, *, rng):
        """Random purchases, customers x spans; the spans end at the times `ends` from now.

        Draws whether the customer is active, then the customer's own rates, then the purchases.
        """
        r, alpha, s, beta = self._unload_params(*self._names)
        x, end = np.asarray(frequency), np.asarray(T)
        alive = rng.random(x.size) < self.chance_alive(frequency, recency, T)
        rate = rng.gamma(r + x, 1 / (alpha + end))
        leaves = rng.exponential(1 / np.maximum(rng.gamma(s, 1 / (beta + end)), 1e-300))
        until = np.minimum(np.asarray(ends), np.where(alive, leaves, 0)[:, None])
        return rng.poisson(rate[:, None] * np.diff(until, axis=1, prepend=0))


def _in_chunks(function: Callable, *columns: np.ndarray) -> list:
    """What `function` gives for each chunk of the columns."""
    starts = range(0, max(len(columns[0]), 1), CHUNK)  # of nobody, one empty chunk
    return [function(*(c[i : i + CHUNK] for c in columns)) for i in starts]


def _scores(params, x, t_x, end):
    r, alpha, s, beta = params
    odds, shares, until_alpha, until_beta, log_alpha, log_beta = _odds_gone(params, x, t_x, end)
    gone = expit(odds)
    numbers = np.arange(x.max() + 1.0)
    counts = (gammaln(r + numbers) - gammaln(r))[x]
    stayed = -(r + x) * np.log(alpha + end) - s * np.log(beta + end)
    value = counts + r * np.log(alpha) + s * np.log(beta) + stayed + np.logaddexp(0, odds)
    # Averages over the moment of leaving.
    mean_alpha, mean_beta = _average(shares, log_alpha), _average(shares, log_beta)
    by_alpha, by_beta = _average(shares, 1 / until_alpha), _average(shares, 1 / until_beta)
    slopes = [
        (psi(r + numbers) - psi(r))[x]
        + np.log(alpha)
        - np.where(gone > 0, gone * mean_alpha, 0)
        - (1 - gone) * np.log(alpha + end),
        r / alpha - (r + x) * (gone * by_alpha + (1 - gone) / (alpha + end)),
        np.log(beta) + gone * (1 / s - mean_beta) - (1 - gone) * np.log(beta + end),
        s / beta - gone * (s + 1) * by_beta - (1 - gone) * s / (beta + end),
    ]
    return value, slopes


def _average(shares: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Of each history, over its nodes."""
    return np.einsum("ij,ij->i", shares, values)


def _odds_gone(params, x, t_x, end):
    """Log odds of having left; and nodes over the moment tau of leaving between t_x and `end`:
    their shares of the chance, alpha + tau, beta + tau, and the logarithms of both, histories x
    nodes.

    Left: the integral of s (alpha + tau)^-(r + x) (beta + tau)^-(s + 1). Its logarithm is concave
    in p = log((m + tau) / (m + t_x)), with m the smaller of alpha and beta. So if it starts with a
    slope of -K in p, what lies beyond p = 45 / K is negligible.
    """
    r, alpha, s, beta = params
    m = min(alpha, beta)
    fall = (m + t_x) * ((r + x) / (alpha + t_x) + (s + 1) / (beta + t_x)) - 1
    span = np.log((m + end) / (m + t_x))
    span = np.minimum(span, FADED / np.maximum(fall, 1e-9))[:, None]
    near = np.log(m + t_x)[:, None] + span * ((1 + NODES) / 2)  # log(m + tau)
    until_near = np.exp(near)
    until_far = until_near + abs(alpha - beta)
    nodes = [(until_near, near), (until_far, np.log(until_far))]
    (until_alpha, log_alpha), (until_beta, log_beta) = nodes if alpha <= beta else nodes[::-1]
    height = near - (r + x)[:, None] * log_alpha - (s + 1) * log_beta
    top = height.max(axis=1, keepdims=True)
    parts = np.exp(height - top) * WEIGHTS
    whole = parts.sum(axis=1)
    with np.errstate(divide="ignore"):
        left = np.log(s) + top[:, 0] + np.log(whole * span[:, 0] / 2)
    odds = left + (r + x) * np.log(alpha + end) + s * np.log(beta + end)
    return odds, parts / whole[:, None], until_alpha, until_beta, log_alpha, log_beta
