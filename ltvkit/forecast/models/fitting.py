"""What the fitters share: distinct histories with counts, an analytic gradient, plain refusals."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from ltvkit.errors import DataError, NoOptimum, TooLittleData

FEWEST = 10  # customers with a repeat purchase; below, the parameters are anybody's guess
COARSE = 3_000  # distinct histories from which on a coarser grid finds the neighbourhood first
FINE = 2_000  # distinct histories that are few enough to fit a hundred times
GRID = 32  # its cells along each column
NEAR = 1e-6  # tolerance of such a fit: far below what a resample moves
ROUGH = 14  # and where only the movement of the parameters counts
PRIOR_SD = 2.0  # of log parameters: a factor of 50 either way is nothing strange
REACH = 10.0  # how far log parameters may go from their start; beyond lies nothing but a limit
NORMAL_95 = 1.959963984540054


class DistinctFitter:
    """A lifetimes fitter that sees each distinct history once, with the number of its customers.

    The likelihood of a history is the same for all who share it, so the fit is exact, and its
    cost grows with the kinds of customers and not with their number. Mixed in before a fitter
    of lifetimes, whose API it keeps; `data` holds the distinct histories with their `weights`,
    `initial_params` are the parameters themselves, and confidence intervals are taken on the
    log scale, so that none reaches below zero. `prior_sd`, where it is given, holds the log
    parameters around those of a usual shop with that standard deviation. Raises `DataError` when
    the data are too few or the fit does not converge, and says what to do.
    """

    _names: tuple[str, ...]
    _scattered: tuple[str, ...] = ()  # columns whose values may be merged with their neighbours
    _end: str | None = None  # the column that says how long customers are known
    _scale = staticmethod(np.asarray)  # on which neighbours are near

    def _prepared(self, history: Mapping) -> Mapping:
        """What `_scores` reads of the histories, computed once for many parameters."""
        return history

    def _scores(self, params: np.ndarray, history: Mapping) -> tuple[np.ndarray, list[np.ndarray]]:
        """Log likelihood of each history, and its derivative by each parameter."""
        raise NotImplementedError

    def _start(self, data: pd.DataFrame) -> np.ndarray:
        """Parameters near enough to begin with."""
        raise NotImplementedError

    def _fit_distinct(self, history: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
        index = options.get("index")
        if index is not None:
            raise DataError("the fit keeps distinct histories, not customers: leave `index` out.")
        data = distinct(history, options.get("weights"))
        self._check(data)
        first = options.get("initial_params")
        usual = np.log(self._start(data))
        start = usual if first is None else np.log(np.asarray(first, dtype=float))
        sd = options.get("prior_sd")
        self._prior = (usual, 0.0 if sd is None else sd**-2 / data["weights"].sum())
        found = self._search(data, start, warm=first is not None, **options.get("search", {}))
        self._negative_log_likelihood_ = found.fun
        self._hessian_ = _hessian(self._objective(data), found.x)
        # A top so flat that a standard error passes the reach of the search is none: where on it
        # the search stops is a matter of rounding, and of the machine.
        if not np.linalg.eigvalsh(self._hessian_).min() * data["weights"].sum() > REACH**-2:
            raise NoOptimum(self._no_optimum(found.x))
        self._keep(data, np.exp(found.x))
        return self

    def _check(self, data: pd.DataFrame) -> None:
        if self._end:
            _check_times(data, self._end)
        repeaters = float(data.loc[data["frequency"] > 0, "weights"].sum())
        if repeaters < FEWEST:
            raise TooLittleData(
                f"{repeaters:,.0f} customers bought again, and the model needs {FEWEST} at the "
                "very least: take a longer span of orders, or a simpler method."
            )

    def _objective(self, data: pd.DataFrame) -> Any:
        """log parameters -> mean negative log likelihood (penalized), and its gradient."""
        history = self._prepared({name: data[name].to_numpy() for name in data})
        weights = history["weights"] / history["weights"].sum()
        usual, pull = self._prior

        @np.errstate(all="ignore")  # a search may step far out; it is judged by where it ends
        def objective(theta):
            params = np.exp(theta)
            each, scores = self._scores(params, history)
            away = theta - usual
            penalty = self.penalizer_coef * (params**2).sum() + pull * (away**2).sum() / 2
            slope = 2 * self.penalizer_coef * params - np.array(
                [(s * weights).sum() for s in scores]
            )
            return penalty - (each * weights).sum(), params * slope + pull * away

        return objective

    def _search(self, data, start, *, warm=False, tol=1e-7, curvature=None, verbose=False):
        merge = self._scattered and len(data) > COARSE
        coarse = _coarser(data, self._scattered, self._scale) if merge else data
        theta, near = start, self._objective(coarse)
        if not warm:
            edges = [(v - REACH, v + REACH) for v in start]
            found = minimize(
                near, start, jac=True, method="L-BFGS-B", bounds=edges, options={"maxiter": 2000}
            )
            theta = found.x
            if (np.abs(theta - start) > REACH - 0.01).any() or not np.isfinite(found.fun):
                raise NoOptimum(self._no_optimum(theta))
        if curvature is None:
            curvature = _inverse(_hessian(near, theta))
        polish = {"gtol": tol * 10, "maxiter": 200, "hess_inv0": curvature, "disp": verbose}
        found = minimize(self._objective(data), theta, jac=True, method="BFGS", options=polish)
        settled = found.success or _gain(found.jac, curvature) * data["weights"].sum() < 1e-3
        if not (settled and np.isfinite(found.x).all() and (np.abs(found.x - start) < REACH).all()):
            raise NoOptimum(self._no_optimum(found.x))
        return found

    def _no_optimum(self, theta: np.ndarray) -> str:
        with np.errstate(over="ignore"):
            ends = zip(self._names, np.exp(theta), strict=True)
        reached = ", ".join(f"{name} = {value:.3g}" for name, value in ends)
        return (
            f"{type(self).__name__} did not converge; it stopped at {reached}. A parameter without "
            "bound means that these customers do not differ in what it describes, or are too few: "
            "take another model, more orders, or a weak prior, `prior_sd=2`."
        )

    def _keep(self, data: pd.DataFrame, params: np.ndarray) -> None:
        self.data = data
        self.params_ = pd.Series(params, index=list(self._names))
        self.log_likelihood_ = -self._negative_log_likelihood_ * data["weights"].sum()
        self.variance_matrix_ = self._compute_variance_matrix()
        self.standard_errors_ = self._compute_standard_errors()
        spread = np.exp(NORMAL_95 * self.standard_errors_ / self.params_)
        self.confidence_intervals_ = pd.DataFrame(
            {"lower 95% bound": self.params_ / spread, "upper 95% bound": self.params_ * spread}
        )
        if hasattr(self, "conditional_expected_number_of_purchases_up_to_time"):
            self.predict = self.conditional_expected_number_of_purchases_up_to_time

    def each(self, column: str) -> np.ndarray:
        """A column of `data`, once for every customer."""
        return np.repeat(self.data[column].to_numpy(), self.data["weights"].astype(int))

    def coarse(self) -> Any:
        """This fitter on nearby histories merged, with the parameters that fit those: to see how
        parameters move with the weights, where many fits are needed."""
        if not self._scattered or len(self.data) <= FINE:
            return self
        other = copy.copy(self)
        other.data = _coarser(self.data, self._scattered, self._scale, cells=ROUGH)
        other.params_ = other.reweighted(other.data["weights"].to_numpy())
        return other

    def reweighted(self, weights: np.ndarray) -> pd.Series:
        """The parameters if the histories of `data` had these `weights`; a few steps from here."""
        data = self.data.assign(weights=weights)
        curvature = _inverse(self._hessian_)
        start = np.log(self.params_.to_numpy())
        found = self._search(data, start, warm=True, curvature=curvature, tol=NEAR)
        return pd.Series(np.exp(found.x), index=self.params_.index)


def settled(fitter: DistinctFitter, *history: Any, weights: Any = None) -> bool:
    """Fit, and whether the data settle it; if not, it is held by a weak prior."""
    try:
        fitter.fit(*history, weights=weights)
    except NoOptimum:
        fitter.fit(*history, weights=weights, prior_sd=PRIOR_SD)
        return False
    return True


def distinct(history: Mapping[str, Any], weights: Any = None) -> pd.DataFrame:
    """Columns of customers -> one row per distinct history, `weights`: how many share it."""
    frame = pd.DataFrame({name: np.asarray(values) for name, values in history.items()})
    if not len(frame):
        raise TooLittleData("there are no customers to fit.")
    if not all(np.isfinite(frame[name].to_numpy().sum()) for name in frame):
        raise DataError("a history has a missing or infinite number; leave it out.")
    key = np.zeros(len(frame), dtype="int64")
    for name in frame:
        codes, values = pd.factorize(frame[name])
        key = pd.factorize(key * len(values) + codes)[0] if key.any() else codes
    counts = np.bincount(key, weights=None if weights is None else np.asarray(weights, dtype=float))
    first = np.flatnonzero(np.diff(np.maximum.accumulate(key), prepend=-1))  # codes come in order
    table = frame.iloc[first].reset_index(drop=True)
    if (table < 0).any(axis=None):
        raise DataError("a history has a negative number; leave it out.")
    if (table["frequency"] % 1 != 0).any():
        raise DataError("frequency counts purchases after the first: whole numbers.")
    return table.astype({"frequency": "int64"}).assign(weights=counts.astype(float))


def _check_times(data: pd.DataFrame, end: str) -> None:
    x, t = data["frequency"], data["recency"]
    if (t > data[end]).any():
        raise DataError("recency (first to last purchase) is longer than T (first to now).")
    if ((x == 0) != (t == 0)).any():
        raise DataError(
            "recency must be 0 for customers who bought once, and above 0 for all others: "
            "purchases of one day are merged, and recency counts from the first to the last."
        )


def _coarser(
    data: pd.DataFrame, columns: tuple[str, ...], scale: Any, *, cells: int = GRID
) -> pd.DataFrame:
    """Nearby histories merged to their mean, so that the neighbourhood is found cheaply."""
    places = [scale(data[c]) for c in columns]
    keys = [np.ceil(cells * (p - p.min()) / (np.ptp(p) or 1)) for p in places]
    weighted = data.assign(**{c: data[c] * data["weights"] for c in columns})
    sums = weighted.groupby([data["frequency"], *keys], sort=False)[[*columns, "weights"]].sum()
    merged = sums.assign(**{c: sums[c] / sums["weights"] for c in columns})
    return merged.assign(frequency=sums.index.get_level_values(0)).reset_index(drop=True)


def _hessian(objective: Any, theta: np.ndarray) -> np.ndarray:
    """Second derivatives, from the gradient a step to either side along each parameter."""
    step = 1e-4  # wide enough that what is left of rounding stays far below a flat top's slope
    sides = (
        (objective(theta + step * e)[1], objective(theta - step * e)[1]) for e in np.eye(len(theta))
    )
    rows = np.array([(above - below) / (2 * step) for above, below in sides])
    return (rows + rows.T) / 2


def _inverse(hessian: np.ndarray) -> np.ndarray:
    """Its inverse with curvature held above zero: a safe first guess for the search."""
    if not np.isfinite(hessian).all():
        return np.eye(len(hessian))
    values, vectors = np.linalg.eigh(hessian)
    safe = np.maximum(values, max(values.max(), 1e-12) * 1e-8)
    half = vectors / np.sqrt(safe)
    return half @ half.T


def _gain(gradient: np.ndarray, curvature: np.ndarray) -> float:
    """How much log likelihood, per customer, a further step could still gain."""
    return float(gradient @ curvature @ gradient) / 2
