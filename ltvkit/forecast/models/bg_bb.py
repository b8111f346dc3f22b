"""BG/BB: customers who buy or do not buy on fixed occasions, as a catalogue or a yearly appeal."""

from __future__ import annotations

from collections.abc import Mapping

import lifetimes
import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from lifetimes.generate_data import beta_geometric_beta_binom_model
from scipy.special import betaln, psi

from ltvkit import periods
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.forecast.models.fitting import DistinctFitter
from ltvkit.ingest import daily
from ltvkit.periods import Day

HISTORY = ["frequency", "recency", "n_periods"]


class BetaGeoBetaBinomFitter(DistinctFitter, lifetimes.BetaGeoBetaBinomFitter):
    """BG/BB (Fader, Hardie & Shang 2010, Marketing Science 29(6), 1086-1108).

    While active, a customer buys on each occasion with probability ~ Beta(alpha, beta); before
    each occasion the customer leaves for good with probability ~ Beta(gamma, delta).
    """

    _model = "bg_bb"
    _too_few = "few_second_periods"
    _names = ("alpha", "beta", "gamma", "delta")
    _end = "n_periods"
    _generator = staticmethod(beta_geometric_beta_binom_model)

    def fit(self, frequency, recency, n_periods, weights=None, **options):
        """Occasions with a purchase, the number of the last of them, and how many occasions there
        were (all after the first purchase) -> the fitter, fitted. `weights` counts customers;
        `options`: initial_params, tol, verbose and prior_sd.
        """
        history = {"frequency": frequency, "recency": recency, "n_periods": n_periods}
        self._fit_distinct(history, weights, **options)
        self.data = self.data.astype({"recency": "int64", "n_periods": "int64"})
        return self

    def _start(self, data: pd.DataFrame) -> np.ndarray:
        share = (data["frequency"] * data["weights"]).sum()
        share = min(max(share / (data["n_periods"] * data["weights"]).sum(), 0.02), 0.9)
        return np.array([2 * share, 2 * (1 - share), 0.6, 3.0])

    def _scores(self, params: np.ndarray, history: Mapping) -> tuple[np.ndarray, list[np.ndarray]]:
        alpha, beta, gamma, delta = params
        x, t_x, n = (history[c] for c in ("frequency", "recency", "n_periods"))
        last = _last_active(t_x, n)
        buys, leaves = (alpha + x)[:, None], gamma + (last < n[:, None])
        passes, stays = beta + last - x[:, None], delta + last
        height = betaln(buys, passes) + betaln(leaves, stays)
        height -= betaln(alpha, beta) + betaln(gamma, delta)
        height[np.isnan(last)] = -np.inf
        value = np.logaddexp.reduce(height, axis=1)
        shares = np.exp(height - value[:, None])
        buying, leaving = psi(buys + passes), psi(leaves + stays)
        slopes = [
            (psi(buys) - buying) - (psi(alpha) - psi(alpha + beta)),
            (psi(passes) - buying) - (psi(beta) - psi(alpha + beta)),
            (psi(leaves) - leaving) - (psi(gamma) - psi(gamma + delta)),
            (psi(stays) - leaving) - (psi(delta) - psi(gamma + delta)),
        ]
        return value, [np.where(shares > 0, s * shares, 0).sum(axis=1) for s in slopes]

    def conditional_probability_alive(self, m_periods_in_future, frequency, recency, n_periods):
        """Probability of still being active on occasion `n_periods` + `m_periods_in_future`."""
        alpha, beta, gamma, delta = self._unload_params(*self._names)
        x, t_x, n = (np.atleast_1d(v) for v in (frequency, recency, n_periods))
        history = {"frequency": x, "recency": t_x, "n_periods": n}
        whole, _slopes = self._scores(self.params_.to_numpy(), history)
        alive = betaln(alpha + x, beta + n - x) + betaln(gamma, delta + n + m_periods_in_future)
        return np.exp(alive - betaln(alpha, beta) - betaln(gamma, delta) - whole)

    def conditional_expected_number_of_purchases_up_to_time(
        self, m_periods_in_future, frequency, recency, n_periods
    ):
        """Occasions with a purchase expected among the next `m_periods_in_future`.

        Of 2.5 occasions, the third counts by half.
        """
        alpha, beta, gamma, delta = self._unload_params(*self._names)
        x, n = np.atleast_1d(frequency), np.atleast_1d(n_periods)
        future = np.arange(1, np.ceil(np.max(m_periods_in_future)) + 1)
        counted = (np.atleast_1d(m_periods_in_future)[:, None] + 1 - future).clip(0, 1)
        stays = betaln(gamma, delta + n[:, None] + future) - betaln(gamma, delta + n)[:, None]
        occasions = (counted * np.exp(stays)).sum(axis=1)
        alive = self.conditional_probability_alive(0, frequency, recency, n_periods)
        return alive * (alpha + x) / (alpha + beta + n) * occasions


def _last_active(t_x: np.ndarray, n: np.ndarray) -> np.ndarray:
    """The occasions that may have been a customer's last while active: t_x ... n, NaN beyond."""
    steps = t_x[:, None] + np.arange((n - t_x).max() + 1.0)
    return np.where(steps <= n[:, None], steps, np.nan)


def occasions(lines: Frame, *, as_of: Day, every: str = "month") -> pd.DataFrame:
    """Order lines -> distinct histories for BG/BB: frequency, recency, n_periods, customers.

    The occasions are the periods (`every`: "week", "month", "quarter" or "year") after the one of
    the first purchase; only those that have ended by `as_of` count. `BetaGeoBetaBinomFitter().fit(
    frequency, recency, n_periods, weights=customers)` takes the columns.
    """
    each = count_occasions(lines, as_of=as_of, every=every).filter(nw.col("n_periods") > 0)
    return frames.table(each.group_by(HISTORY).agg(customers=nw.len()).sort(HISTORY))


def count_occasions(lines: Frame, *, as_of: Day, every: str) -> nw.LazyFrame:
    """Order lines -> customer_id and a history for BG/BB; not collected yet."""
    last = periods.last_whole(as_of, every)
    return (
        daily.select_purchases(lines, as_of=as_of)
        .select("customer_id", period=periods.index("order_date", every))
        .filter(nw.col("period") <= last)
        .unique()
        .group_by("customer_id")
        .agg(active=nw.len(), first=nw.col("period").min(), latest=nw.col("period").max())
        .select(
            "customer_id",
            frequency=nw.col("active").cast(nw.Int64) - 1,
            recency=nw.col("latest") - nw.col("first"),
            n_periods=last - nw.col("first"),
        )
    )
