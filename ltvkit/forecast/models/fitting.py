"""Fitting by maximum likelihood: distinct histories with counts, and an analytic gradient."""

import copy
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from ltvkit.display import formats, joining
from ltvkit.errors import DataError, NoOptimum, TooLittleData
from ltvkit.forecast.texts import fill

MIN_REPEATERS = 10  # customers with a repeat purchase; with fewer, the parameters mean nothing
COARSE = 3_000  # with more distinct histories, the search starts on a coarser grid
FINE = 2_000  # so few distinct histories are fitted a hundred times as they are
GRID = 32  # cells of the coarse grid along each column
ROUGH = 14  # its cells where only the movement of the parameters counts
NEAR = 1e-6  # tolerance of a fit to new weights: far below what a resample changes
PRIOR_SD = 2.0  # of log parameters, for the weak prior: a factor of 50 either way is plausible
REACH = 10.0  # how far log parameters may move from their start; further out is only a limit
NORMAL_95 = 1.959963984540054
RESAMPLED = 0.9  # of resamples that must have a fit; with fewer, an interval would mean nothing
TRIED = 20  # resamples, enough to see whether a fit holds


class DistinctFitter:
    """A lifetimes fitter that sees each distinct history once, with its number of customers.

    The likelihood of a history is the same for all customers who share it, so the fit is exact,
    and its cost depends on the number of distinct histories only. To be mixed in before a fitter
    of lifetimes, whose API it keeps, with these differences: `data` holds the distinct histories
    with their `weights`; `initial_params` are the parameters themselves, not their logarithms;
    confidence intervals are computed on the log scale, so none reaches below zero; `prior_sd`
    adds a normal prior with that standard deviation to the log parameters, centred on those of
    a usual shop. Raises `DataError` if there are too few data or the fit does not converge.
    """

    _model: str  # its name in tables; pages show its label
    _names: tuple[str, ...]
    _scattered: tuple[str, ...] = ()  # columns whose values may be merged with nearby ones
    _end: str | None = None  # the column with the length of the observation
    _scale = staticmethod(np.asarray)  # the scale on which "nearby" is measured
    _generator: Callable[..., pd.DataFrame]  # of lifetimes: draws customers from parameters
    _too_few = "few_repeaters"  # says that hardly anybody has a frequency above 0
    _known: tuple[pd.DataFrame, Mapping] | None = None  # the histories that were prepared last

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or a file gets: not the histories that were prepared."""
        return {n: value for n, value in vars(self).items() if n not in ("_known", "_lately")}

    def _prepared(self, history: Mapping) -> Mapping:
        """What `_scores` needs of the histories, computed once for many parameters."""
        return history

    def _scores(self, params: np.ndarray, history: Mapping) -> tuple[np.ndarray, list[np.ndarray]]:
        """Log likelihood of each history, and its derivative by each parameter."""
        raise NotImplementedError

    def _start(self, data: pd.DataFrame) -> np.ndarray:
        """Plausible parameters, from which the search starts."""
        raise NotImplementedError

    def _fit_distinct(
        self, history, weights=None, *, initial_params=None, index=None, prior_sd=None, **search
    ):
        """Columns of a history -> the fitter, fitted. `search`: tol and verbose."""
        if index is not None:
            raise DataError("the fit keeps distinct histories, not customers: leave `index` out.")
        data = distinct(history, weights)
        self._check(data)
        usual = np.log(self._start(data))
        warm = initial_params is not None
        start = np.log(np.asarray(initial_params, dtype=float)) if warm else usual
        pull = 0.0 if prior_sd is None else prior_sd**-2 / data["weights"].sum()
        self._prior = (usual, pull)
        with threadpool_limits(1):  # a second thread costs more than it saves
            found = self._search(data, start, warm=warm, **search)
        self._negative_log_likelihood_ = found.fun
        self._hessian_ = _hessian(self._objective(data), found.x)
        # On a very flat top, where the search stops depends on rounding, and so on the machine:
        # if a standard error is larger than the reach of the search, there is no optimum.
        if not np.linalg.eigvalsh(self._hessian_).min() * data["weights"].sum() > REACH**-2:
            raise NoOptimum(self._no_optimum(found.x))
        self._keep(data, np.exp(found.x))
        return self

    def _check(self, data: pd.DataFrame) -> None:
        if self._end and (data["recency"] > data[self._end]).any():
            raise DataError("recency (first to last purchase) is longer than T (first to now).")
        if self._end and ((data["frequency"] == 0) != (data["recency"] == 0)).any():
            raise DataError(fill("recency_of_one"))
        repeaters = float(data.loc[data["frequency"] > 0, "weights"].sum())
        if repeaters < MIN_REPEATERS:
            raise TooLittleData(fill(self._too_few, n=round(repeaters), least=MIN_REPEATERS))

    def _prepare(self, data: pd.DataFrame) -> Mapping:
        """Distinct histories as `_scores` reads them, computed once for many weights."""
        if self._known is None or self._known[0] is not data:
            columns = {name: data[name].to_numpy() for name in data}
            self._known = (data, self._prepared(columns))
        return self._known[1]

    def _objective(self, data: pd.DataFrame, weights: ArrayLike | None = None) -> Callable:
        """log parameters -> mean negative log likelihood (penalized), and its gradient."""
        history = self._prepare(data)
        counts = np.asarray(history["weights"] if weights is None else weights)
        weights = counts / counts.sum()
        usual, pull = self._prior

        @np.errstate(all="ignore")  # a search may step far out; only where it ends counts
        def objective(theta):
            params = np.exp(theta)
            each, scores = self._scores(params, history)
            away = theta - usual
            penalty = self.penalizer_coef * (params**2).sum() + pull * (away**2).sum() / 2
            rise = np.array([(s * weights).sum() for s in scores])
            slope = 2 * self.penalizer_coef * params - rise
            return penalty - (each * weights).sum(), params * slope + pull * away

        return objective

    def _search(self, data, start, *, warm=False, tol=1e-7, verbose=False):
        merge = self._scattered and len(data) > COARSE
        theta, near = start, self._objective(self._coarser(data) if merge else data)
        if not warm:
            how = {"bounds": [(v - REACH, v + REACH) for v in start], "options": {"maxiter": 2000}}
            found = minimize(near, start, jac=True, method="L-BFGS-B", **how)
            theta = found.x
            if (np.abs(theta - start) > REACH - 0.01).any() or not np.isfinite(found.fun):
                raise NoOptimum(self._no_optimum(theta))
        rule = {"curvature": _inverse(_hessian(near, theta)), "tol": tol, "verbose": verbose}
        n = data["weights"].sum()
        return self._polish(self._objective(data), theta, start=start, customers=n, **rule)

    def _polish(self, objective, theta, *, start, customers, curvature, tol, verbose=False):
        """The optimum near `theta`, in a few steps."""
        steps = {"gtol": tol * 10, "maxiter": 200, "hess_inv0": curvature, "disp": verbose}
        found = minimize(objective, theta, jac=True, method="BFGS", options=steps)
        gain = found.jac @ curvature @ found.jac / 2  # of likelihood per customer, by another step
        converged = found.success or gain * customers < 1e-3
        inside = np.isfinite(found.x).all() and (np.abs(found.x - start) < REACH).all()
        if not (converged and inside):
            raise NoOptimum(self._no_optimum(found.x))
        return found

    def _no_optimum(self, theta: np.ndarray) -> str:
        with np.errstate(over="ignore"):
            ends = zip(self._names, np.exp(theta), strict=True)
        reached = joining.items(f"{name} = {value:.3g}" for name, value in ends)
        return fill("no_optimum", model=formats.label(self._model), reached=reached)

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
        if self._end:
            self.predict = self.conditional_expected_number_of_purchases_up_to_time
            self.generate_new_data = lambda size=1: type(self)._generator(
                np.repeat(self.data[self._end].to_numpy(), self.data["weights"].astype(int)),
                *self.params_,
                size=size,
            )

    def coarse(self) -> Any:
        """This fitter with nearby histories merged, and the parameters that fit those.

        It shows how parameters move with the weights, where many fits are needed.
        """
        if not self._scattered or len(self.data) <= FINE:
            return self
        other = copy.copy(self)
        other.data = self._coarser(self.data, cells=ROUGH)
        other.params_ = other.reweighted(other.data["weights"].to_numpy())
        return other

    def reweighted(self, weights: np.ndarray) -> pd.Series:
        """The parameters if the histories in `data` had these `weights`; takes a few steps only."""
        start, objective = np.log(self.params_.to_numpy()), self._objective(self.data, weights)
        rule = {"curvature": _inverse(self._hessian_), "customers": np.sum(weights), "tol": NEAR}
        found = self._polish(objective, start, start=start, **rule)
        return pd.Series(np.exp(found.x), index=self.params_.index)

    def holds(self) -> bool:
        """Whether the fit is one of these orders, and not of chance: resamples have one, too."""
        rng, fits = np.random.default_rng(1), 0
        with suppress(DataError), threadpool_limits(1):  # of nearby histories: then none fits
            other = self.coarse()
            for _draw in range(TRIED):
                with suppress(DataError):
                    other.reweighted(rng.gamma(other.data["weights"]))
                    fits += 1
        return fits >= RESAMPLED * TRIED

    def _coarser(self, data: pd.DataFrame, *, cells: int = GRID) -> pd.DataFrame:
        """Nearby histories merged to their mean."""
        columns = self._scattered
        places = [self._scale(data[c]) for c in columns]
        keys = [np.ceil(cells * (p - p.min()) / (np.ptp(p) or 1)) for p in places]
        weighted = data.assign(**{c: data[c] * data["weights"] for c in columns})
        sums = weighted.groupby([data["frequency"], *keys], sort=False)[[*columns, "weights"]].sum()
        merged = sums.assign(**{c: sums[c] / sums["weights"] for c in columns})
        return merged.assign(frequency=sums.index.get_level_values(0)).reset_index(drop=True)


def fit_with_fallback(
    fitter: DistinctFitter, *history: ArrayLike, weights: ArrayLike | None = None
) -> bool:
    """Fit, with a weak prior if the data alone do not determine the parameters; without: True."""
    try:
        fitter.fit(*history, weights=weights)
    except NoOptimum:
        fitter.fit(*history, weights=weights, prior_sd=PRIOR_SD)
        return False
    return True


def distinct(history: Mapping[str, ArrayLike], weights: ArrayLike | None = None) -> pd.DataFrame:
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


def _hessian(objective: Callable, theta: np.ndarray) -> np.ndarray:
    """Second derivatives, from the gradient a step to either side along each parameter."""
    step = 1e-4  # so wide that rounding errors stay far below the slope of a flat top
    sides = (
        (objective(theta + step * e)[1], objective(theta - step * e)[1]) for e in np.eye(len(theta))
    )
    rows = np.array([(above - below) / (2 * step) for above, below in sides])
    return (rows + rows.T) / 2


def _inverse(hessian: np.ndarray) -> np.ndarray:
    """The inverse, with curvature kept above zero: a safe first guess for the search."""
    if not np.isfinite(hessian).all():
        return np.eye(len(hessian))
    values, vectors = np.linalg.eigh(hessian)
    safe = np.maximum(values, max(values.max(), 1e-12) * 1e-8)
    half = vectors / np.sqrt(safe)
    return half @ half.T
