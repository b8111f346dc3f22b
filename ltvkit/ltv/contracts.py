"""Contracts: two models of who renews, and the value still to come.

In both, each customer has their own chance to leave, so survivors are increasingly the loyal ones:
retention rises with tenure although nobody changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from ltvkit.display import formats, joining
from ltvkit.engines import frames
from ltvkit.errors import Alike, DataError, ParamsError, TooLittleData, one_of
from ltvkit.ltv.texts import fill
from ltvkit.periods import MONTH_DAYS

__all__ = ["YEAR_DAYS", "Contract", "fit", "is_by_chance", "remaining"]

__dir__ = __all__.copy

MODELS = {"sbg": ("alpha", "beta"), "bdw": ("alpha", "beta", "c")}
LIMITS = {"alpha": (1e-3, 1e3), "beta": (1e-3, 1e3), "c": (0.05, 5.0)}
STARTS = ((1.0, 1.0, 1.0), (0.3, 2.0, 1.5), (3.0, 10.0, 0.7))
RENEWALS = np.arange(25)
FEWEST_LOST, UNLIKELY = 5, 0.05  # of a test whether renewal rates differ from those of a model
YEAR_DAYS = 12 * MONTH_DAYS


@dataclass(frozen=True)
class Contract:
    """A fitted model: its name, `params` (alpha, beta and, for "bdw", c) and log-likelihood."""

    model: str
    params: pd.Series
    log_likelihood: float

    def survival(self, periods: ArrayLike) -> np.ndarray:
        """Share of new customers still there after so many renewals (0, 1, ...); none: 1."""
        return np.exp(_log_survival(self.params.to_numpy(), np.asarray(periods, dtype=float)))

    def describe(self, periods: Sequence[int]) -> str:
        """The share still there after each of so many renewals, in a line."""
        left = " ".join(formats.share(x) for x in self.survival(periods))
        return fill("left_after", years=joining.items(map(str, periods)), left=left)

    def hazard(self, periods: ArrayLike) -> np.ndarray:
        """Share of those asked for their 1st, 2nd, ... renewal who leave."""
        asked = np.asarray(periods, dtype=float)
        if (asked < 1).any():
            raise ParamsError("the first renewal is number 1; give periods of 1 or more.")
        log = [_log_survival(self.params.to_numpy(), t) for t in (asked - 1, asked)]
        return -np.expm1(log[1] - log[0])


def fit(survivors: pd.DataFrame, *, model: str) -> Contract:
    """Customers `at_risk` and `lost` at renewal 1, 2, ... (a row each) -> `Contract`.

    S(t) = B(alpha, beta + t^c) / B(alpha, beta); maximum of
    sum lost ln h + (at_risk - lost) ln(1 - h), with h(t) = 1 - S(t) / S(t-1).
    "sbg", shifted beta-geometric: c = 1, each customer's chance to leave is constant (Fader &
    Hardie 2007, How to project customer retention). "bdw", beta-discrete-Weibull: it rises
    (c > 1) or falls (c < 1) with time (Fader, Hardie, Liu, Davin & Steenburgh 2018).
    Raises `TooLittleData` where the table does not determine the parameters, `Alike` where that is
    because customers do not differ.

    >>> from ltvkit.ltv import survival
    >>> seven = [100, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1]
    >>> fit(survival.from_curve(seven), model="sbg").params.round(3).to_dict()
    {'alpha': 0.704, 'beta': 1.182}
    """
    one_of("model", model, MODELS)
    at_risk, lost = _checked(survivors, model)
    found, room = _searched(MODELS[model], at_risk, lost)
    params = pd.Series(np.exp(found.x), index=list(MODELS[model]))
    if room.min() < 0.3:  # along a ridge the search creeps towards a limit, and may not arrive
        name = params.index[room.argmin()]
        alike = model == "sbg" and params[name] > 1 and _leave_evenly(at_risk, lost)
        kind = Alike if alike else TooLittleData
        raise kind(fill("at_a_limit", model=model, name=name, limit=f"{params[name]:g}"))
    if not np.abs(found.jac).max() < 1e-6:
        raise TooLittleData(fill("no_best_fit", model=model))
    return Contract(model, params, float(-found.fun * at_risk.max()))


def remaining(
    contract: Contract,
    *,
    price: float,
    discount: float,
    period_days: float = MONTH_DAYS,
    horizon: int | None = None,
) -> pd.DataFrame:
    """A contract -> what is to come from a customer with 0, 1, ... 24 renewals behind them.

    - `renewals`: completed; the current period is paid for, and not counted in what is to come
    - `expected_periods`: sum of S(n+k) / S(n) over the next k = 1, 2, ... `horizon` periods
    - `value`: `price` x the same sum, period k discounted by k x `period_days` at `discount` a
      year (0.1: 10%), back to the start of the current period

    Without a `horizon` the sum has no end; for "sbg" it is (beta + n) / (alpha - 1), infinite
    where alpha <= 1, and discounted by 2F1 always finite (Fader & Hardie 2010, Customer-base
    valuation in a contractual setting). Raises `DataError` where the value is infinite, or
    ("bdw") has no closed form.
    """
    if discount < 0 or period_days <= 0 or (horizon is not None and horizon < 1):
        raise ParamsError("discount is 0 or more a year; period_days and horizon are above zero.")
    v = (1 + discount) ** (-period_days / YEAR_DAYS)
    ahead, today = (_to_come(contract, v=rate, horizon=horizon) for rate in (1.0, v))
    if not np.isfinite(today).all():
        raise DataError(fill("infinite", alpha=f"{contract.params['alpha']:.3g}"))
    table = pd.DataFrame({"renewals": RENEWALS, "expected_periods": ahead})
    return table.assign(value=price * today)


def is_by_chance(lost: np.ndarray, at_risk: np.ndarray, hazard: np.ndarray) -> bool:
    """Whether what was lost at each renewal is what a model expects, but for chance: a chi-squared
    test at 5%, of renewals at which 5 losses or more are expected, and of all others together."""
    from scipy.special import chdtrc

    expected, spread = at_risk * hazard, at_risk * hazard * (1 - hazard)
    many = expected >= FEWEST_LOST
    parts = [(each[many], each[~many].sum()) for each in (lost, expected, spread)]
    seen, wanted, varies = (np.append(*part) for part in parts)
    squares = ((seen - wanted) ** 2)[varies > 0] / varies[varies > 0]
    return bool(chdtrc(len(squares), squares.sum()) > UNLIKELY) if len(squares) else True


def _leave_evenly(at_risk: np.ndarray, lost: np.ndarray) -> bool:
    """Whether the same share leaves at each renewal: not where ever more do, which the sBG has no
    parameters for either."""
    return is_by_chance(lost, at_risk, np.full(len(lost), lost.sum() / at_risk.sum()))


def _to_come(contract: Contract, *, v: float, horizon: int | None) -> np.ndarray:
    """Sum over k = 1, 2, ... of v^k S(n+k) / S(n), for n in `RENEWALS`."""
    if horizon is not None:
        n = np.arange(len(RENEWALS) + horizon, dtype=float)
        logs = _log_survival(contract.params.to_numpy(), n)
        ahead = sliding_window_view(logs[1:], horizon) - logs[: len(RENEWALS), None]
        return np.exp(ahead + np.log(v) * np.arange(1, horizon + 1)).sum(axis=1)
    if contract.model != "sbg":
        raise DataError(f"{contract.model}: its sum over all time has no formula. Give a horizon.")
    alpha, beta = contract.params["alpha"], contract.params["beta"] + RENEWALS
    if v < 1:
        return v * beta / (alpha + beta) * _gauss(beta + 1, alpha + beta + 1, v)
    return beta / (alpha - 1) if alpha > 1 else np.full(len(RENEWALS), np.inf)


def _gauss(b: np.ndarray, c: np.ndarray, z: float) -> np.ndarray:
    """2F1(1, b; c; z), 0 < z < 1, by Gauss's continued fraction: scipy's overflows for large c."""
    value = np.ones_like(b)
    for k in range(int(20 / np.sqrt(1 - z)) + 20, -1, -1):
        even = (k + 1) * (c - b + k) / ((c + 2 * k) * (c + 2 * k + 1))
        odd = (b + k) * (c + k - 1) / ((c + 2 * k - 1) * (c + 2 * k))
        value = 1 / (1 - odd * z / (1 - even * z * value))
    return value


def _checked(survivors: pd.DataFrame, model: str) -> tuple[np.ndarray, np.ndarray]:
    frames.lazy(survivors, needs=("at_risk", "lost"))
    at_risk, lost = survivors[["at_risk", "lost"]].to_numpy(dtype=float).T
    at_risk, lost = (np.trim_zeros(at_risk, "b"), lost[: len(np.trim_zeros(at_risk, "b"))])
    if not ((lost >= 0) & (lost <= at_risk)).all():
        raise DataError("lost must lie between 0 and at_risk, in every row.")
    if not lost.any():
        raise TooLittleData(fill("nobody_left"))
    if lost[0] == at_risk[0] > 0:
        raise TooLittleData(fill("everybody_left"))
    asked = int((at_risk > 0).sum())
    if (least := len(MODELS[model])) > asked:
        raise TooLittleData(fill("few_periods", model=model, parameters=least, periods=asked))
    return at_risk, lost


def _searched(names: tuple[str, ...], *counts: np.ndarray) -> tuple[Any, np.ndarray]:
    """The best of a few searches, and how far (in logs) each parameter is from its limits."""
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    bounds = np.log([LIMITS[n] for n in names])
    how = {"args": counts, "jac": True, "method": "L-BFGS-B", "bounds": bounds}
    options = {"ftol": 1e-15, "gtol": 1e-9, "maxiter": 1000}
    starts = np.log(STARTS)[:, : len(names)]
    with threadpool_limits(1):  # a second thread costs more than it saves
        tried = [minimize(_cost, x, **how, options=options) for x in starts]
    best = min(tried, key=lambda r: r.fun)
    return best, np.abs(bounds.T - best.x).min(axis=0)


def _log_survival(params: np.ndarray, t: np.ndarray) -> np.ndarray:
    from scipy.special import betaln

    alpha, beta, c = (*params, 1.0)[:3]
    return betaln(alpha, beta + t**c) - betaln(alpha, beta)


def _cost(logs: np.ndarray, at_risk: np.ndarray, lost: np.ndarray) -> tuple[float, np.ndarray]:
    """-log-likelihood per customer, and its gradient in the logs of the parameters."""
    from scipy.special import digamma

    params = np.exp(logs)
    alpha, beta, c = (*params, 1.0)[:3]
    t = np.arange(len(lost) + 1, dtype=float)
    x = t**c
    step = np.diff(_log_survival(params, t))  # ln(1 - h)
    kept = at_risk - lost
    value = kept @ step + lost @ np.log(-np.expm1(step))
    weight = kept - lost / np.expm1(-step)
    by_alpha = -digamma(alpha + beta + x)
    by_beta = digamma(beta + x) + by_alpha
    by_c = by_beta * x * np.log(np.maximum(t, 1))
    slopes = np.diff([by_alpha, by_beta, by_c][: len(params)])
    return -value / at_risk.max(), -(slopes @ weight) * params / at_risk.max()
