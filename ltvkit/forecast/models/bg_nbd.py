"""BG/NBD and MBG/NBD: customers buy at random while active, and leave right after a purchase."""

from collections.abc import Mapping

import lifetimes
import numpy as np
import pandas as pd
from lifetimes.generate_data import beta_geometric_nbd_model, modified_beta_geometric_nbd_model
from scipy.linalg import eigh_tridiagonal
from scipy.special import betaln, expit, gammaln, psi

from ltvkit.forecast.models.continuous_time import ContinuousTimeFitter

NODES = 64  # at most
EXACT = 1e-16  # relative error of an average over them, where fewer do
ELLIPSES = 1 + np.geomspace(0.02, 50, 60)[:, None]  # sums of their half-axes


class _LeavingAfterAPurchase(ContinuousTimeFitter):
    """While active, purchases are Poisson at rate lambda ~ Gamma(r, alpha); after a purchase the
    customer leaves with probability p ~ Beta(a, b).

    The two models differ in one thing: a customer can leave after the first purchase (MBG/NBD),
    or only after a repeat purchase (BG/NBD, where a customer who bought once is active for sure).
    """

    _names = ("r", "alpha", "a", "b")
    _chances = 0  # how often one can leave, beyond the number of repeat purchases

    def _start(self, data: pd.DataFrame) -> np.ndarray:
        return np.array([0.5, 0.3 / self.pace(data), 0.8, 2.5])

    def _prepared(self, history: Mapping) -> Mapping:
        """The history, and for each time its distinct values and which of them a history has."""
        values = {f"{c}_at": pd.factorize(np.asarray(history[c])) for c in self._scattered}
        return {**history, **values}

    def _scores(self, params: np.ndarray, history: Mapping) -> tuple[np.ndarray, list[np.ndarray]]:
        history = history if "T_at" in history else self._prepared(history)
        r, alpha, a, _b = params
        x, (last, t_x), (now, end) = (history[c] for c in ("frequency", "recency_at", "T_at"))
        each = _tables(params, x.max(), self._chances)
        from_last, from_end = np.log(alpha + t_x)[last], np.log(alpha + end)[now]
        odds = each["leave"][x] + (r + x) * (from_end - from_last)
        small = np.exp(-np.abs(odds))
        gone = np.where(odds > 0, 1, small) / (1 + small)
        either = np.maximum(odds, 0) + np.log1p(small)
        value = each["value"][x] - (r + x) * from_end + either
        left, stayed = gone * (1 / (alpha + t_x))[last], (1 - gone) * (1 / (alpha + end))[now]
        slopes = [
            each["r"][x] - from_end + gone * (from_end - from_last),
            r / alpha - (r + x) * (left + stayed),
            each["a"][x] + gone / a,
            each["b"][x] - gone * each["next"][x],
        ]
        return value, slopes

    def conditional_probability_alive(self, frequency, recency, T):
        """Probability that customers with these histories will ever buy again."""
        r, alpha, a, b = self._unload_params(*self._names)
        x, t_x, end = (np.asarray(v, dtype=float) for v in (frequency, recency, T))
        chances = x + self._chances
        with np.errstate(divide="ignore"):
            leave = np.log(a * (chances > 0)) - np.log(b + np.maximum(chances, 1) - 1)
        odds = leave + (r + x) * (np.log(alpha + end) - np.log(alpha + t_x))
        return np.atleast_1d(expit(-odds))

    def expected_while_alive(self, t, frequency, T):
        """Purchases expected in the next `t`, of customers who are active; arrays broadcast.

        E[(1 - (1 + p t / (alpha + T))^-(r + x)) / p] over
        p ~ Beta(a, b + chances): Gauss-Jacobi quadrature, exact where the closed form with its
        2F1 / (a - 1) loses its digits (a near 1, x in the thousands).
        """
        r, alpha, a, b = self._unload_params(*self._names)
        t, x, end = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (t, frequency, T)))
        pace = np.atleast_1d(t / (alpha + end))
        counts = np.atleast_1d(x)
        result = np.empty(pace.shape)
        each, place = np.unique(counts, return_inverse=True)
        fastest = np.zeros(len(each))
        np.maximum.at(fastest, place, pace)
        for number, nodes in enumerate(_count_nodes(r + each, fastest)):
            count, chosen = each[number], place == number
            leave, weight = _beta_nodes(a, b + count + self._chances, nodes)
            grown = np.log1p(pace[chosen][:, None] * leave)
            result[chosen] = (-np.expm1(-(r + count) * grown) / leave) @ weight
        return result

    def probability_of_no_purchase(self, t, frequency, recency, T):
        """Probability that nothing is bought in the next `t`: gone, or alive and not yet back."""
        r, alpha, _, _ = self._unload_params(*self._names)
        wait = (r + np.asarray(frequency)) * np.log1p(np.asarray(t) / (alpha + np.asarray(T)))
        alive = self.conditional_probability_alive(frequency, recency, T)
        return 1 + alive * np.expm1(-wait)

    def simulate(self, ends, frequency, recency, T, *, rng):
        """Random purchases, customers x spans; the spans end at the times `ends` from now.

        Draws whether the customer is active, then the customer's own rates, then the purchases.
        """
        r, alpha, a, b = self._unload_params(*self._names)
        x = np.asarray(frequency)
        alive = rng.random(x.size) < self.chance_alive(frequency, recency, T)
        rate = rng.gamma(r + x, 1 / (alpha + np.asarray(T)))
        leave = np.maximum(rng.beta(a, b + x + self._chances), 1e-12)
        bought = rng.poisson(rate[:, None] * np.diff(ends, prepend=0.0)).cumsum(axis=1)
        last = np.where(alive, rng.geometric(leave), 0)
        return np.diff(np.minimum(bought, last[:, None]), axis=1, prepend=0)


class BetaGeoFitter(_LeavingAfterAPurchase, lifetimes.BetaGeoFitter):
    """BG/NBD (Fader, Hardie & Lee 2005, Marketing Science 24(2), 275-284)."""

    _model = "bg_nbd"
    _generator = staticmethod(beta_geometric_nbd_model)


class ModifiedBetaGeoFitter(_LeavingAfterAPurchase, lifetimes.ModifiedBetaGeoFitter):
    """MBG/NBD (Batislam, Denizel & Filiztekin 2007, IJRM 24(3), 201-209)."""

    _model = "mbg_nbd"
    _chances = 1
    _generator = staticmethod(modified_beta_geometric_nbd_model)


def _tables(params: np.ndarray, most: int, first: int) -> dict[str, np.ndarray]:
    """What depends on the number of purchases only, for 0, 1, ... `most` of them."""
    r, alpha, a, b = params
    x = np.arange(most + 1.0)
    k = x + first
    stays = np.maximum(b + k - 1, b * (k == 0))
    common = psi(a + b) - psi(a + b + k)
    return {
        "value": gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + k) - betaln(a, b),
        "leave": np.where(k > 0, np.log(a) - np.log(stays), -np.inf),
        "next": np.where(k > 0, 1 / stays, 0),
        "r": psi(r + x) - psi(r) + np.log(alpha),
        "a": common,
        "b": common + psi(b + k) - psi(b),
    }


def _count_nodes(shape: np.ndarray, pace: np.ndarray) -> np.ndarray:
    """How many nodes average (1 - (1 + p pace)^-shape) / p over p, exactly to what a float holds.

    A function that is regular within an ellipse around (0, 1), the sum of whose half-axes is rho
    times the interval's half, is off by at most 4 M rho^(1 - 2 n) / (rho - 1) with n nodes, M being
    its largest absolute value there (Trefethen 2013, Approximation Theory, theorems 8.2 and 19.3):
    that at the left end, p = -(rho - 1)^2 / (4 rho). The rho that asks for the fewest is taken.
    """
    pace = np.maximum(pace, 1e-9)
    left = -((ELLIPSES - 1) ** 2) / (4 * ELLIPSES)
    with np.errstate(invalid="ignore", divide="ignore"):
        rise = -shape * np.log1p(left * pace)  # NaN: the function's pole is within
        most = rise + np.log(-np.expm1(-rise)) - np.log(-left)
        least = np.log(-np.expm1(-shape * np.log1p(pace)))
        wanted = np.log(4 / EXACT) + most - least - np.log(ELLIPSES - 1)
    nodes = np.nan_to_num(np.ceil((1 + wanted / np.log(ELLIPSES)) / 2), nan=np.inf).min(axis=0)
    return np.clip(nodes, 2, NODES).astype(int)


def _beta_nodes(a: float, b: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Points in (0, 1) and weights that average a function over Beta(a, b): Golub & Welsch 1969.

    From eigenvectors, whose squares add up to one: scipy's weights overflow from b = 1,020 on.
    """
    k = np.arange(1.0, n)
    twice = 2 * k + a + b - 2
    middle = (1 + (a - b) * (a + b - 2) / (twice * (twice + 2))) / 2
    k, below = k[1:], twice[1:]
    rest = k * (k + a - 1) * (k + b - 1) * (k + a + b - 2) / (below**2 * (below**2 - 1))
    spread = a * b / (a + b) ** 2 / (a + b + 1)
    points, vectors = eigh_tridiagonal([a / (a + b), *middle], np.sqrt([spread, *rest]))
    return np.maximum(points, 1e-12), vectors[0] ** 2
