"""Predictions per customer: still active or not, how many orders, how much, and by when."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit.display import formats, joining
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import DataError, ParamsError, TooLittleData, Undefined, check_share
from ltvkit.forecast import estimation, subscriptions
from ltvkit.forecast.clock import DAYS, HISTORY, Clock
from ltvkit.forecast.estimation import Fitted, histories
from ltvkit.forecast.texts import fill
from ltvkit.ltv.formulas import LEAST_SEEN
from ltvkit.periods import MONTH_DAYS, Day

HORIZONS = (3, 6, 12, 24)
NEAREST, FARTHEST = 3, 12  # of them, that are shown of single customers
LIST_MODELS = ("mbg_nbd", "pareto_nbd")  # also customers who bought once may have left
RENEWALS = "renewal_rates"  # of customers who pay in a regular rhythm


def predict(
    customers: Frame,
    fitted: Fitted,
    *,
    months: tuple[int, ...] = HORIZONS,
    quiet_days: int = 90,
    discount: float = 0.0,
    margin_rate: float = 1.0,
) -> Frame:
    """Customers -> the same with what is expected of each, for the horizons in `months`.

    - `p_alive`: probability that the customer is still active (has not left for good)
    - `p_quiet`: probability of no purchase in the next `quiet_days`
    - `expected_spend`: amount per purchase
    - `orders_3m`, `ltv_3m`, ...: purchases expected in the next 3 months, and their value today

    A month is 30.4375 days. LTV = margin_rate x expected_spend x the purchases expected in each
    month / (1 + discount)^(months / 12), where a month's purchases count at its end; `discount`
    is a rate per year. All but the spend is computed once per distinct history and joined to the
    customers in the engine. Returns the kind of frame that it got. Raises `ParamsError`,
    `ColumnError`.
    """
    check_share("discount", discount)
    if margin_rate >= 0:  # what is sold below its cost has a margin below zero
        check_share("margin_rate", margin_rate)
    by_history = predict_histories(
        histories(customers), fitted, months=months, quiet_days=quiet_days, discount=discount
    )
    orders, discounted = [f"orders_{m}m" for m in months], [f"_{m}" for m in months]
    chances, ltv_names = ["p_alive", "p_quiet"], [f"ltv_{m}m" for m in months]
    lazy = frames.lazy(customers, needs=estimation.NEEDS)
    lazy = frames.without(lazy, *chances, "expected_spend", *orders, *ltv_names)
    found = lazy.collect_schema().names()
    # A column of the shop may be called like a working column, which takes another name then.
    working = {name: frames.unused(name, found) for name in (*HISTORY, *discounted)}
    columns = by_history[[*HISTORY, *chances, *orders, *discounted]].rename(columns=working)
    history = {working[name]: value for name, value in estimation.history_columns().items()}
    paid = fitted.spend_of(nw.col("purchase_days"), estimation.positive_revenue())
    ltv = {
        name: nw.col(working[today]) * nw.col("expected_spend") * margin_rate
        for name, today in zip(ltv_names, discounted, strict=True)
    }
    predicted = (
        lazy.with_columns(**history)
        .join(frames.from_pandas(columns, like=customers), on=list(history))
        .with_columns(expected_spend=paid)
        .with_columns(**ltv)
        .select(*found, *chances, "expected_spend", *orders, *ltv)
        .sort("customer_id")
    )
    return frames.materialize(predicted, like=customers)


def predict_histories(
    triples: pd.DataFrame,
    fitted: Fitted,
    *,
    months: tuple[int, ...] = HORIZONS,
    quiet_days: int = 90,
    discount: float = 0.0,
) -> pd.DataFrame:
    """Distinct histories -> with p_alive, p_quiet, orders_<n>m, and _<n>: those, discounted."""
    if min(months, default=0) < 1 or quiet_days < 1:
        raise ParamsError(f"months={months}, quiet_days={quiet_days}: at least 1 each.")
    history = fitted.clock.history(triples)
    number = np.arange(1, max(months) + 1)
    by_month = np.diff(expected_orders(fitted, triples, number * MONTH_DAYS), axis=1, prepend=0)
    today = by_month * (1 + discount) ** -(number / 12)
    quiet = fitted.clock.ahead(quiet_days)
    table = triples.assign(
        p_alive=fitted.buying.conditional_probability_alive(*history),
        p_quiet=fitted.buying.probability_of_no_purchase(quiet, *history),
        **{f"orders_{m}m": by_month[:, :m].sum(axis=1) for m in months},
        **{f"_{m}": today[:, :m].sum(axis=1) for m in months},
    )
    if not np.isfinite(table.to_numpy(dtype=float)).all():
        raise DataError(fill("not_finite"))
    return table


def expected_orders(fitted: Fitted, triples: pd.DataFrame, days: np.ndarray) -> np.ndarray:
    """Purchases expected of each distinct history within so many `days`: histories x days."""
    history = fitted.clock.history(triples)
    return fitted.buying.expected_purchases(fitted.clock.ahead(days), *history)


def fit_for_lists(
    customers: Frame,
    fitted: Fitted | None,
    *,
    model: str = "mbg_nbd",
    lines: Frame | None = None,
    as_of: Day | None = None,
) -> Fitted:
    """Customers, the model of the totals -> the model of what is said of single customers.

    Lists must be able to say who has left. In BG/NBD nobody leaves before the second purchase, so
    that all who bought once are active for sure: it forecasts totals, but no list. Then, and where
    no model of totals fits (None), `model` is fitted (of those in `LIST_MODELS` the best of a
    backtest: `Backtest.list_model`), or another of these where it cannot be. Else `fitted` comes
    back. "renewal_rates" is of customers who pay in a regular rhythm, and needs the order `lines`
    (or their days) up to `as_of`. Raises `DataError`, as `fit`.
    """
    if model == RENEWALS and lines is not None and as_of is not None:
        with suppress(TooLittleData):
            buying = subscriptions.fit_renewals(lines, as_of=as_of)
            spent = estimation.fit_spending(customers)
            return Fitted(model, Clock("day"), buying, spent.fitter, spent.mean, spent.notes)
    if fitted is not None and fitted.model in LIST_MODELS:
        return fitted
    first, *others = sorted(LIST_MODELS, key=lambda name: name != model)
    fit = partial(estimation.fit, customers)
    if fitted is not None:
        fit = partial(fit, clock=fitted.clock, known_days=fitted.known_days)
    try:
        return fit(model=first)
    except TooLittleData:
        return fit(model=others[0])


def explain_lists(fitted: Fitted | None, listed: Fitted, *, customers: Frame | None = None) -> str:
    """Which models totals and lists use, in a sentence; none where no model of totals fits. With
    `customers`, also which horizons are far beyond the time that their orders span."""
    if listed.model == RENEWALS:
        said = fill("lists_by_renewals", n=listed.buying.rhythm.usual)
    elif fitted is None:
        said = ""
    else:
        said = fill("same_for_lists" if fitted.model == listed.model else "other_for_lists")
    far = "" if customers is None else _explain_far(customers)
    return joining.sentences([said, far])


def reach(customers: Frame, *, months: int = 12) -> bool:
    """Whether the orders of customers span a fifth of so many `months` ahead, or more."""
    return _months_seen(customers) >= LEAST_SEEN * months


def choose_horizon(customers: Frame) -> int:
    """The longest of 3, 6 and 12 months ahead of which the orders of customers span a fifth, for
    what is shown of single ones; 3 where they span less."""
    return _choose(_months_seen(customers))


def _choose(seen: float) -> int:
    return max((n for n in HORIZONS if n <= FARTHEST and seen >= LEAST_SEEN * n), default=NEAREST)


def _months_seen(customers: Frame) -> float:
    oldest = frames.lazy(customers, needs=("tenure_days",)).select(nw.col("tenure_days").max())
    return (float(frames.table(oldest).iloc[0, 0]) + 1) / MONTH_DAYS


def _explain_far(customers: Frame) -> str:
    """A sentence where the orders span less than a fifth of a horizon."""
    seen = _months_seen(customers)
    far = [n for n in HORIZONS if seen < LEAST_SEEN * n]
    if not far:
        return ""
    words = {"seen": formats.number(seen, decimals=1), "far": far[0], "near": _choose(seen)}
    return fill("lists_too_far", **words)


def new_customer(fitted: Fitted, *, months: tuple[int, ...] = (12, 24)) -> pd.Series:
    """A model -> revenue expected of a new customer, by horizon in months; not discounted.

    The first purchase, and the repeat purchases expected after it.
    """
    if min(months, default=0) < 1:
        raise ParamsError(f"months={months}: at least one, of 1 and more.")
    ends = np.array(months) * MONTH_DAYS / DAYS[fitted.clock.unit]
    repeats = fitted.buying.expected_number_of_purchases_up_to_time(ends)
    return pd.Series((1 + repeats) * float(fitted.spend_of(0, 0.0)), index=list(months))


def best(predicted: Frame, *, of: str) -> str:
    """The customer_id with the highest `of` in a predicted frame; of equals, the first by id.

    Raises `TooLittleData` where that is zero or less: then none is worth a look.
    """
    columns = frames.lazy(predicted, needs=("customer_id", of)).select("customer_id", of)
    ranked = columns.sort(of, "customer_id", descending=[True, False])
    highest = frames.table(ranked.head(1)).iloc[0]
    if not highest[of] > 0:
        raise Undefined(fill("none_is_best"))
    return str(highest["customer_id"])
