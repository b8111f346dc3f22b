"""Predictions per customer: alive or gone, how many orders, how much, and by when."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit.engines import frames
from ltvkit.errors import DataError, ParamsError, check_share
from ltvkit.forecast import model
from ltvkit.forecast.model import DAYS, HISTORY, MONTH, Fitted, histories, in_unit

HORIZONS = (3, 6, 12, 24)


def predict(
    customers: Any,
    fitted: Fitted,
    *,
    months: tuple[int, ...] = HORIZONS,
    quiet_days: int = 90,
    discount: float = 0.0,
    margin_rate: float = 1.0,
) -> Any:
    """Customers -> the same with what is expected of each, for the horizons in `months`.

    - `p_alive`: probability of not having left for good
    - `p_quiet`: probability of no purchase in the next `quiet_days`
    - `expected_spend`: amount per purchase
    - `orders_3m`, `ltv_3m`, ...: purchases expected in the next 3 months, and their value today

    A month is 30.4375 days. LTV = margin_rate x expected_spend x the purchases expected in each
    month / (1 + discount)^(months / 12), a month's purchases counted at its end; `discount` is a
    rate per year. All but the spend is computed once per distinct history, and joined back in the
    engine; comes back as the kind of frame that went in. Raises `ParamsError`, `ColumnError`.
    """
    check_share("discount", discount)
    check_share("margin_rate", margin_rate)
    table = expected(
        histories(customers), fitted, months=months, quiet_days=quiet_days, discount=discount
    )
    kept = ["p_alive", "p_quiet", *(f"orders_{m}m" for m in months)]
    brought = frames.bring(table[[*HISTORY, *kept, *(f"_{m}" for m in months)]], like=customers)
    each = {"expected_spend": fitted.spend_of(nw.col("purchase_days"), model.paid())}
    worth = {f"ltv_{m}m": nw.col(f"_{m}") * nw.col("expected_spend") * margin_rate for m in months}
    opened = frames.lazy(customers, needs=model.NEEDS)
    found = opened.collect_schema().names()
    predicted = (
        model.with_history(opened)
        .join(brought, on=HISTORY)
        .with_columns(**each)
        .with_columns(**worth)
        .select(*found, *kept[:2], *each, *kept[2:], *worth)
        .sort("customer_id")
    )
    return frames.back(predicted, like=customers)


def expected(
    triples: pd.DataFrame,
    fitted: Fitted,
    *,
    months: tuple[int, ...] = HORIZONS,
    quiet_days: int = 90,
    discount: float = 0.0,
) -> pd.DataFrame:
    """Distinct histories -> with p_alive, p_quiet, orders_<n>m, and _<n>: those discounted."""
    if min(months, default=0) < 1 or quiet_days < 1:
        raise ParamsError(f"months={months}, quiet_days={quiet_days}: at least 1 each.")
    x, t_x, age = in_unit(triples, fitted.unit)
    ends = np.arange(1, max(months) + 1) * MONTH
    by_month = np.diff(orders_by(fitted, triples, ends), axis=1, prepend=0)
    today = by_month * (1 + discount) ** -(np.arange(1, max(months) + 1) / 12)
    quiet = quiet_days / DAYS[fitted.unit]
    columns = {
        "p_alive": fitted.buying.conditional_probability_alive(x, t_x, age),
        "p_quiet": fitted.buying.probability_of_no_purchase(quiet, x, t_x, age),
        **{f"orders_{m}m": by_month[:, :m].sum(axis=1) for m in months},
        **{f"_{m}": today[:, :m].sum(axis=1) for m in months},
    }
    return _sound(triples.assign(**columns))


def orders_by(fitted: Fitted, triples: pd.DataFrame, days: np.ndarray) -> np.ndarray:
    """Purchases expected of each distinct history within so many `days`: histories x days.

    Given that a customer is alive, when they bought last says no more: the expectation is
    computed once per pair of frequency and age.
    """
    x, t_x, age = in_unit(triples, fitted.unit)
    alive = fitted.buying.conditional_probability_alive(x, t_x, age)
    pairs = triples[["frequency", "T_days"]].drop_duplicates()
    place = triples.groupby(["frequency", "T_days"], sort=False).ngroup().to_numpy()
    spans = np.asarray(days) / DAYS[fitted.unit]
    frequency, whole = (pairs[c].to_numpy()[:, None] for c in pairs)
    each = fitted.buying.expected_while_alive(spans, frequency, whole / DAYS[fitted.unit])
    return alive[:, None] * each[place]


def new_customer(fitted: Fitted, *, months: tuple[int, ...] = (12, 24)) -> pd.Series:
    """A model -> revenue expected of a newly won customer, by horizon in months.

    The first purchase, and what is expected to follow; not discounted.
    """
    if min(months, default=0) < 1:
        raise ParamsError(f"months={months}: at least one, of 1 and more.")
    ends = np.array(months) * MONTH / DAYS[fitted.unit]
    repeats = fitted.buying.expected_number_of_purchases_up_to_time(ends)
    return pd.Series((1 + repeats) * float(fitted.spend_of(0, 0.0)), index=list(months))


def best(predicted: Any, *, of: str) -> str:
    """The customer_id with the highest `of` of a predicted frame; equal: the first by id."""
    opened = frames.lazy(predicted, needs=("customer_id", of)).select("customer_id", of)
    ranked = opened.sort(of, "customer_id", descending=[True, False])
    return str(frames.table(ranked.head(1))["customer_id"].iloc[0])


def _sound(table: pd.DataFrame) -> pd.DataFrame:
    if not np.isfinite(table.to_numpy(dtype=float)).all():
        raise DataError(
            "the model gives no finite forecast for some histories: its parameters are extreme. "
            "Take another model, or a longer span of orders."
        )
    return table
