"""How sure a forecast is: parameters as the data might have given them, and futures drawn."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit.engines import frames
from ltvkit.errors import DataError, ParamsError, TooLittleData
from ltvkit.forecast import predictions
from ltvkit.forecast.model import DAYS, HISTORY, MONTH, Fitted, histories, in_unit, with_history
from ltvkit.forecast.models.fitting import NORMAL_95

INTERVAL = [0.025, 0.975]
SAMPLE = 2000  # customers whose futures are drawn, to stand for all
CHANCES = 150  # times
RATIO = 400  # of them: enough to say how a total moves with the parameters


def parameters(fitted: Fitted, *, draws: int = 100, seed: int = 1) -> pd.DataFrame:
    """A fitted model -> one row of parameters per draw of a weighted bootstrap.

    Each customer weighs Exp(1) (the Bayesian bootstrap, Rubin 1981), so a distinct history
    weighs Gamma(customers, 1): as exact as drawing customers, at the cost of the histories; where
    these are many, nearby ones are merged, and the estimate moves as theirs does. Each fit begins
    at the estimate. Raises `DataError` where more than a tenth of them fail.
    """
    if draws < 2:
        raise ParamsError(f"draws={draws}: give 2 at least, 100 for an interval.")
    rng = np.random.default_rng(seed)
    fitters = [f for f in (fitted.buying, fitted.spend) if f is not None]
    coarse = [f.coarse() for f in fitters]
    to_estimate = pd.concat([f.params_ / c.params_ for f, c in zip(fitters, coarse, strict=True)])
    rows = []
    for _draw in range(draws):
        try:
            parts = [c.reweighted(rng.gamma(c.data["weights"])) for c in coarse]
        except DataError:
            continue
        rows.append(pd.concat(parts) * to_estimate)
    if len(rows) < 0.9 * draws:
        raise TooLittleData(
            f"only {len(rows)} of {draws} resamples could be fitted: the data do not settle the "
            "parameters, so no interval is honest. Take another model, or more orders."
        )
    return pd.DataFrame(rows).reset_index(drop=True)


def at(fitted: Fitted, params: pd.Series) -> Fitted:
    """The same model with other parameters."""
    return replace(fitted, buying=_with(fitted.buying, params), spend=_with(fitted.spend, params))


def interval(
    customers: Any, fitted: Fitted, drawn: pd.DataFrame, *, months: int = 12, discount: float = 0.0
) -> Any:
    """Customers -> what `predict` gives for one horizon, with `ltv_low` and `ltv_high`.

    The 95% interval of each customer's *expected* LTV over the parameters in `drawn`; what the
    customer then pays varies far more (see `explain_customer`). Its width, relative to the LTV,
    is computed once per distinct history. Comes back as the kind of frame that went in.
    """
    triples = histories(customers)
    horizon = np.array([months * MONTH])
    each_drawn = np.array(
        [paths(triples, at(fitted, row), horizon)[:, 0] for _, row in drawn.iterrows()]
    )
    estimate = np.maximum(paths(triples, fitted, horizon)[:, 0], 1e-300)
    low, high = np.quantile(each_drawn / estimate, INTERVAL, axis=0)
    predicted = predictions.predict(customers, fitted, months=(months,), discount=discount)
    widths = frames.bring(triples[HISTORY].assign(ltv_low=low, ltv_high=high), like=predicted)
    ltv = nw.col(f"ltv_{months}m")
    each = (
        with_history(frames.lazy(predicted))
        .join(widths, on=HISTORY)
        .select("customer_id", ltv_low=nw.col("ltv_low") * ltv, ltv_high=nw.col("ltv_high") * ltv)
    )
    joined = frames.lazy(predicted).join(each, on="customer_id").sort("customer_id")
    return frames.back(joined, like=predicted)


def paths(triples: pd.DataFrame, fitted: Fitted, days: np.ndarray) -> np.ndarray:
    """Revenue expected of each distinct history in the spans that end after so many `days`."""
    orders = np.diff(predictions.orders_by(fitted, triples, days), axis=1, prepend=0)
    return orders * spends(triples, fitted)[:, None]


def spends(triples: pd.DataFrame, fitted: Fitted) -> np.ndarray:
    """The amounts per purchase of all customers of a distinct history, added up.

    The expected amount is linear in revenue, so the sum over customers needs their sums only.
    """
    customers = triples["customers"].to_numpy()
    mean = triples["revenue"].to_numpy() / customers
    return customers * fitted.spend_of(triples["frequency"].to_numpy() + 1, mean)


def futures(
    triples: pd.DataFrame, fitted: Fitted, days: np.ndarray, *, rng: Any, draws: int = CHANCES
) -> np.ndarray:
    """How far the revenue of all customers may lie from its expectation: draws x spans.

    The futures of a sample of customers, drawn purchase by purchase, less their mean; scaled to
    the spread of all customers.
    """
    rows, scale = _sample(triples, rng)
    x, t_x, age = in_unit(rows, fitted.unit)
    ends = np.asarray(days) / DAYS[fitted.unit]
    paid = _spreading(rows, fitted)
    totals = np.array(
        [
            amounts(fitted, fitted.buying.simulate(ends, x, t_x, age, rng=rng), x + 1, paid, rng)
            for _draw in range(draws)
        ]
    ).sum(axis=1)
    return (totals - totals.mean(axis=0)) * scale


def band(expected: np.ndarray, factor: np.ndarray, chance: np.ndarray) -> tuple:
    """The 95% interval of totals: `expected`, that moves by `factor` and lies off by `chance`.

    Both are draws x spans, and independent. 1.96 standard deviations: totals of many customers
    are nearly normal, and the quantiles of a few hundred draws lie too near.
    """
    spread = np.sqrt((expected * factor).var(axis=0, ddof=1) + chance.var(axis=0, ddof=1))
    return np.maximum(expected - NORMAL_95 * spread, 0), expected + NORMAL_95 * spread


def _spreading(rows: pd.DataFrame, fitted: Fitted) -> np.ndarray:
    """What one customer would have paid whose future spreads as those of the history on average.

    A future is proportional to v + revenue, so its variance goes by the mean square of that.
    """
    v = 0.0 if fitted.spend is None else fitted.spend.params_["v"]
    return np.sqrt(v**2 + 2 * v * rows["revenue"] + rows["squares"]).to_numpy() - v


def amounts(fitted: Fitted, counts, purchases, revenue, rng) -> np.ndarray:
    """What so many purchases (customers x spans) come to, drawn by each customer's spending."""
    if fitted.spend is None:
        return counts * fitted.mean_spend
    p, q, v = fitted.spend.params_
    rate = rng.gamma(q + p * purchases, 1 / (v + revenue))
    who, when = np.nonzero(counts)
    paid = np.zeros(counts.shape)
    paid[who, when] = rng.gamma(p * counts[who, when]) / rate[who]
    return paid


def moved(
    triples: pd.DataFrame, fitted: Fitted, days: np.ndarray, drawn: pd.DataFrame, *, rng: Any
) -> np.ndarray:
    """By what factor the expected revenue of all customers moves with the parameters: draws x
    spans, from a sample of customers."""
    rows, _scale = _sample(triples, rng, size=RATIO)
    at_estimate = paths(rows, fitted, days).sum(axis=0)
    each = [paths(rows, at(fitted, p), days).sum(axis=0) for _, p in drawn.iterrows()]
    return np.array(each) / at_estimate


def _sample(triples: pd.DataFrame, rng: Any, size: int = SAMPLE) -> tuple[pd.DataFrame, float]:
    """Customers, a row each, and the factor from the spread of their sum to that of all."""
    counts = triples["customers"].to_numpy()
    chosen = np.repeat(np.arange(len(triples)), counts)
    if counts.sum() > size:
        chosen = rng.choice(len(triples), size, p=counts / counts.sum())
    rows = triples.iloc[np.sort(chosen)]
    each = rows[["revenue", "squares"]].div(rows["customers"], axis=0)
    return rows.assign(**each, customers=1), np.sqrt(counts.sum() / len(rows))


def _with(fitter: Any, params: pd.Series) -> Any:
    if fitter is None:
        return None
    other = copy.copy(fitter)
    other.params_ = params[fitter.params_.index]
    return other
