"""How sure a forecast is: parameters that the data also allow, and simulated futures."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import replace
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from numpy.random import Generator
from threadpoolctl import threadpool_limits

from ltvkit.display import formats
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import DataError, ParamsError, TooLittleData
from ltvkit.forecast import estimation, predictions
from ltvkit.forecast.clock import HISTORY
from ltvkit.forecast.estimation import Fitted, histories
from ltvkit.forecast.models.fitting import NORMAL_95, RESAMPLED
from ltvkit.forecast.texts import fill
from ltvkit.periods import MONTH_DAYS

INTERVAL = [0.025, 0.975]
SAMPLE = 2000  # customers whose futures are simulated, to stand for all
DRAWS = 150  # futures of each
FACTOR_SAMPLE = 400  # customers, enough to see how a total moves with the parameters


def parameters(fitted: Fitted, *, draws: int = 100, seed: int = 1) -> pd.DataFrame:
    """A fitted model -> one row of parameters per draw of a weighted bootstrap.

    Each customer gets a weight ~ Exp(1) (the Bayesian bootstrap, Rubin 1981), so a distinct
    history gets Gamma(customers, 1): as exact as drawing customers, at the cost of the distinct
    histories. If these are many, nearby ones are merged, and the estimate moves as theirs does.
    Each fit starts at the estimate. Raises `DataError` if more than a tenth of the fits fail.
    """
    if draws < 2:
        raise ParamsError(f"draws={draws}: give 2 at least, 100 for an interval.")
    rng = np.random.default_rng(seed)
    coarse, rows, failed = [], list[pd.Series](), Counter[Any]()
    for fitter in fitted.fitters:
        try:
            coarse.append(fitter.coarse())
        except DataError as error:
            raise _too_few(0, draws, fitter) from error
    pairs = zip(fitted.fitters, coarse, strict=True)
    to_estimate = pd.concat([f.params_ / c.params_ for f, c in pairs])
    with threadpool_limits(1):  # a second thread costs more than it saves
        for _draw in range(draws):
            parts = []
            for fitter in coarse:
                try:
                    parts.append(fitter.reweighted(rng.gamma(fitter.data["weights"])))
                except DataError:
                    failed[fitter] += 1
                    break
            else:
                rows.append(pd.concat(parts) * to_estimate)
    if len(rows) < RESAMPLED * draws:
        [(fitter, _times)] = failed.most_common(1)
        raise _too_few(len(rows), draws, fitter)
    return pd.DataFrame(rows).reset_index(drop=True)


def draw(fitted: Fitted, *, draws: int) -> tuple[Fitted, pd.DataFrame]:
    """The model and its drawn `parameters`; with the average spend if only so they can be drawn."""
    try:
        return fitted, parameters(fitted, draws=draws)
    except TooLittleData:
        if fitted.spend is None:
            raise
    plain = replace(fitted, spend=None, notes=(*fitted.notes, fill("average_spend_alike")))
    return plain, parameters(plain, draws=draws)


def _too_few(n: int, draws: int, fitter: Any) -> TooLittleData:
    model = formats.label(fitter._model)
    return TooLittleData(fill("few_resamples", n=n, draws=draws, model=model))


def with_parameters(fitted: Fitted, params: pd.Series) -> Fitted:
    """The same model with other parameters."""
    changed = [copy.copy(fitter) for fitter in fitted.fitters]
    for fitter in changed:
        fitter.params_ = params[fitter.params_.index]
    return replace(fitted, buying=changed[0], spend=changed[1] if fitted.spend else None)


def interval(
    customers: Frame, fitted: Fitted, drawn: pd.DataFrame, *, months: int = 12, discount: float = 0
) -> Frame:
    """Customers -> what `predict` gives for one horizon, with `ltv_low` and `ltv_high`.

    The 95% interval of each customer's *expected* LTV over the parameters in `drawn`; what the
    customer then pays varies far more (see `explain_customer`). Its width, relative to the LTV,
    is computed once per distinct history. Returns the kind of frame that it got.
    """
    triples = histories(customers)
    horizon = np.array([months * MONTH_DAYS])
    each_drawn = np.array(revenue_by_draw(triples, fitted, horizon, drawn))[:, :, 0]
    estimate = np.maximum(expected_revenue(triples, fitted, horizon)[:, 0], 1e-300)
    low, high = np.quantile(each_drawn / estimate, INTERVAL, axis=0)
    predicted = predictions.predict(customers, fitted, months=(months,), discount=discount)
    opened = frames.without(frames.lazy(predicted), "ltv_low", "ltv_high")
    widths = frames.from_pandas(triples[HISTORY].assign(ltv_low=low, ltv_high=high), like=predicted)
    ltv = nw.col(f"ltv_{months}m")
    each = (
        estimation.add_history(opened.select("customer_id", *estimation.NEEDS, ltv))
        .join(widths, on=HISTORY)
        .select("customer_id", ltv_low=nw.col("ltv_low") * ltv, ltv_high=nw.col("ltv_high") * ltv)
    )
    joined = opened.join(each, on="customer_id").sort("customer_id")
    return frames.materialize(joined, like=predicted)


def expected_revenue(triples: pd.DataFrame, fitted: Fitted, days: np.ndarray) -> np.ndarray:
    """Revenue expected of each distinct history in the spans that end after so many `days`."""
    orders = np.diff(predictions.expected_orders(fitted, triples, days), axis=1, prepend=0)
    return orders * total_spend(triples, fitted)[:, None]


def total_spend(triples: pd.DataFrame, fitted: Fitted) -> np.ndarray:
    """The amounts per purchase of all customers of a distinct history, added up.

    The expected amount is linear in revenue, so the sum over customers needs their sums only.
    """
    customers = triples["customers"].to_numpy()
    mean = triples["revenue"].to_numpy() / customers
    return customers * fitted.spend_of(triples["frequency"].to_numpy() + 1, mean)


def simulate_deviations(
    triples: pd.DataFrame, fitted: Fitted, days: np.ndarray, *, rng: Generator, draws: int = DRAWS
) -> np.ndarray:
    """How far the revenue of all customers may be from its expectation: draws x spans.

    The futures of a sample of customers, simulated purchase by purchase, less their mean, and
    scaled to the spread of all customers.
    """
    rows, scale = draw_customers(triples, rng)
    totals = simulate_futures(rows, fitted, days, rng=rng, draws=draws).sum(axis=1)
    return (totals - totals.mean(axis=0)) * scale


def simulate_futures(
    rows: pd.DataFrame, fitted: Fitted, days: np.ndarray, *, rng: Generator, draws: int
) -> np.ndarray:
    """Customers, a row each (as of `draw_customers`) -> what they pay in simulated futures: draws x
    customers x spans."""
    history = fitted.clock.history(rows)
    purchases, paid = history[0] + 1, _equivalent_revenue(rows, fitted)
    futures = []
    for _draw in range(draws):
        counts = fitted.buying.simulate(fitted.clock.ahead(days), *history, rng=rng)
        futures.append(simulate_amounts(fitted, counts, purchases, paid, rng))
    return np.array(futures)


def total_interval(expected: np.ndarray, factor: np.ndarray, chance: np.ndarray) -> tuple:
    """The 95% interval of totals: `expected`, times `factor` (parameters), plus `chance`.

    Both are draws x spans, and independent. 1.96 standard deviations, as totals of many customers
    are nearly normal, and the quantiles of a few hundred draws are too close together.
    """
    spread = np.sqrt((expected * factor).var(axis=0, ddof=1) + chance.var(axis=0, ddof=1))
    return np.maximum(expected - NORMAL_95 * spread, 0), expected + NORMAL_95 * spread


def simulate_amounts(
    fitted: Fitted,
    counts: np.ndarray,
    purchases: np.ndarray,
    revenue: np.ndarray,
    rng: Generator,
) -> np.ndarray:
    """What `counts` purchases (customers x spans) amount to, drawn from each customer's spending.

    `purchases` and `revenue`: of each customer so far.
    """
    if fitted.spend is None:
        return counts * fitted.mean_spend
    p, q, v = fitted.spend.params_
    rate = rng.gamma(q + p * purchases, 1 / (v + revenue))
    who, when = np.nonzero(counts)
    paid = np.zeros(counts.shape)
    paid[who, when] = rng.gamma(p * counts[who, when]) / rate[who]
    return paid


def parameter_factors(
    triples: pd.DataFrame, fitted: Fitted, days: np.ndarray, drawn: pd.DataFrame, *, rng: Generator
) -> np.ndarray:
    """By what factor the expected revenue of all customers changes with the parameters: draws x
    spans, from a sample of customers."""
    rows, _scale = draw_customers(triples, rng, size=FACTOR_SAMPLE)
    each = [revenue.sum(axis=0) for revenue in revenue_by_draw(rows, fitted, days, drawn)]
    return np.array(each) / expected_revenue(rows, fitted, days).sum(axis=0)


def revenue_by_draw(
    triples: pd.DataFrame, fitted: Fitted, days: np.ndarray, drawn: pd.DataFrame
) -> list[np.ndarray]:
    """The `expected_revenue` with each row of the drawn parameters."""
    models = (with_parameters(fitted, params) for _row, params in drawn.iterrows())
    return [expected_revenue(triples, model, days) for model in models]


def _equivalent_revenue(rows: pd.DataFrame, fitted: Fitted) -> np.ndarray:
    """The revenue of one customer whose future varies as those of the history do on average.

    A future is proportional to v + revenue, so its variance is to the mean of the square of that.
    """
    v = 0.0 if fitted.spend is None else fitted.spend.params_["v"]
    return np.sqrt(v**2 + 2 * v * rows["revenue"] + rows["squares"]).to_numpy() - v


def draw_customers(triples: pd.DataFrame, rng: Generator, size: int = SAMPLE) -> tuple:
    """Customers, a row each, and the factor from the spread of their sum to that of all."""
    counts = triples["customers"].to_numpy()
    chosen = np.repeat(np.arange(len(triples)), counts)
    if counts.sum() > size:
        chosen = rng.choice(len(triples), size, p=counts / counts.sum())
    rows = triples.iloc[np.sort(chosen)]
    each = rows[["revenue", "squares"]].div(rows["customers"], axis=0)
    return rows.assign(**each, customers=1), np.sqrt(counts.sum() / len(rows))
