"""What the models forecast for customers whose future is known, and how their intervals did."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.engines import frames
from ltvkit.forecast import estimation, predictions, subscriptions, uncertainty
from ltvkit.forecast.clock import Clock
from ltvkit.forecast.estimation import Fitted, Spending
from ltvkit.forecast.models import bg_bb
from ltvkit.forecast.models.fitting import fit_with_fallback
from ltvkit.forecast.models.nbd import NBDFitter
from ltvkit.ingest.lines import filter_purchases, filter_until
from ltvkit.periods import Day

WEEKS = Clock("week")
FUTURES = 60  # simulated for each customer, for the interval of their number of purchases


def forecast_orders(known: pd.DataFrame, fitted: Fitted, days: int) -> pd.DataFrame:
    """Purchases (`orders`) and revenue that a model expects of each customer within `days`."""
    each = frames.table(estimation.add_history(frames.lazy(known)))
    count = predictions.expected_orders(fitted, each, np.array([float(days)]))[:, 0]
    return _with_revenue(known, count, fitted)


def forecast_by_months(
    known: pd.DataFrame, past: pd.DataFrame, *, split: Day, days: int, spent: Spending
) -> pd.DataFrame:
    """The same by BG/BB: the calendar months with a purchase, times purchases per such month.

    If the `days` after `split` end within a month, that month counts by the share of its days.
    """
    each = frames.table(bg_bb.count_occasions(past, as_of=split, every="month"))
    each = each.set_index("customer_id").loc[known["customer_id"]]
    history = each.loc[each["n_periods"] > 0, bg_bb.HISTORY].to_numpy().T
    fitter = bg_bb.BetaGeoBetaBinomFitter()
    fit_with_fallback(fitter, *history)
    months = np.full(len(each), months_after(split, days))
    active = fitter.predict(months, *(each[c].to_numpy() for c in bg_bb.HISTORY))
    a_month = known["purchase_days"].sum() / (each["frequency"] + 1).sum()
    return _with_revenue(known, active * a_month, _spending(spent))


def forecast_without_leaving(
    known: pd.DataFrame, _past: pd.DataFrame, *, split: Day, days: int, spent: Spending
) -> pd.DataFrame:
    """The same by NBD: nobody leaves. A baseline, so it has no intervals, and makes no lists."""
    triples, buying = estimation.sample_histories(estimation.histories(known)), NBDFitter()
    history = WEEKS.history(triples)
    fit_with_fallback(buying, *history, weights=triples["customers"])
    fitted = replace(_spending(spent), buying=buying)
    return forecast_orders(known, fitted, days)


def forecast_renewals(
    known: pd.DataFrame, past: pd.DataFrame, *, split: Day, days: int, spent: Spending
) -> pd.DataFrame:
    """The same by contracts that are renewed, where customers pay in a regular rhythm."""
    months = months_after(split, days)
    each = subscriptions.forecast_customers(past, as_of=split, months=months)
    each = each.set_index("customer_id").reindex(known["customer_id"]).fillna(0.0)
    a_month = known["purchase_days"].sum() / _count_months(past, split)
    return pd.DataFrame({"orders": each["paid"] * a_month, "revenue": each["revenue"]})


def months_after(split: Day, days: int) -> float:
    """The calendar months in the `days` after `split`, which is the last day of a month.

    >>> months_after("2024-03-31", 183), months_after("2024-03-31", 15)
    (6.0, 0.5)
    """
    end = pd.Timestamp(periods.day(split)) + pd.Timedelta(days=days)
    whole = periods.index_of(end, "month") - periods.index_of(split, "month") - 1
    return whole + end.day / end.days_in_month


def check_intervals(
    known: pd.DataFrame, fitted: Fitted, actual: pd.DataFrame, days: int, *, draws: int
) -> dict[str, Any]:
    """Whether a model's intervals held: of the total revenue, and of each customer's purchases."""
    rng = np.random.default_rng(1)
    triples = estimation.histories(known)
    horizon = np.array([float(days)])
    fitted, drawn = uncertainty.draw(fitted, draws=draws)
    total = uncertainty.expected_revenue(triples, fitted, horizon).sum(axis=0)
    factor = uncertainty.parameter_factors(triples, fitted, horizon, drawn, rng=rng)
    chance = uncertainty.simulate_deviations(triples, fitted, horizon, rng=rng)
    (low,), (high,) = uncertainty.total_interval(total, factor, chance)
    part = slice(None, None, -(-len(known) // uncertainty.SAMPLE))
    rows = frames.table(estimation.add_history(frames.lazy(known.iloc[part])))
    history = fitted.clock.history(rows)
    ends = fitted.clock.ahead(horizon)
    counts = [fitted.buying.simulate(ends, *history, rng=rng)[:, 0] for _draw in range(FUTURES)]
    least, most = np.quantile(counts, uncertainty.INTERVAL, axis=0)
    bought = actual["orders"].to_numpy()[part]
    return {
        "total_in_interval": bool(low <= actual["revenue"].sum() <= high),
        "coverage": float(((least <= bought) & (bought <= most)).mean()),
        "low": low,
        "high": high,
    }


def _spending(spent: Spending) -> Fitted:
    """How customers spend, whatever the model of how they buy."""
    return Fitted("nbd", WEEKS, NBDFitter(), spent.fitter, spent.mean, ())


def _count_months(past: pd.DataFrame, split: Day) -> int:
    """The months of customers in which they bought."""
    bought = filter_purchases(filter_until(frames.lazy(past), split))
    months = bought.select("customer_id", month=periods.index("order_date", "month"))
    return frames.count(months.unique())


def _with_revenue(known: pd.DataFrame, count: np.ndarray, fitted: Fitted) -> pd.DataFrame:
    spend = fitted.spend_of(known["purchase_days"], known["revenue"].clip(lower=0)).to_numpy()
    ids = known["customer_id"].to_numpy()
    return pd.DataFrame({"orders": count, "revenue": count * spend}, index=ids)
