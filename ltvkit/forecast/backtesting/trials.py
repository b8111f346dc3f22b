"""What the models say of customers whose future is known, and whether their intervals held."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.engines import frames
from ltvkit.forecast import model, predictions, uncertainty
from ltvkit.forecast.models import bg_bb
from ltvkit.forecast.models.fitting import settled

FUTURES = 60  # of each customer, for the interval of their number of purchases


def forecast(known: pd.DataFrame, fitted: model.Fitted, days: int) -> pd.DataFrame:
    """Purchases and revenue that a model expects of each customer within `days`."""
    each = frames.table(model.with_history(frames.lazy(known)))
    count = predictions.orders_by(fitted, each, np.array([float(days)]))[:, 0]
    return _worth(known, count, fitted)


def by_months(known, past, *, split, days: int, fitted: model.Fitted) -> pd.DataFrame:
    """BG/BB on calendar months: those with a purchase, as many purchases in each as before.

    Where the `days` after `split` end within a month, that month counts by the share of its days.
    """
    each = frames.table(bg_bb.by_customer(past, as_of=split, every="month"))
    each = each.set_index("customer_id").loc[known["customer_id"]]
    history = each.loc[each["n_periods"] > 0, bg_bb.HISTORY].to_numpy().T
    fitter = bg_bb.BetaGeoBetaBinomFitter()
    settled(fitter, *history)
    months = np.full(len(each), _months_after(split, days))
    active = fitter.predict(months, *(each[c].to_numpy() for c in bg_bb.HISTORY))
    a_month = known["purchase_days"].sum() / (each["frequency"] + 1).sum()
    return _worth(known, active * a_month, fitted)


def _months_after(split: Any, days: int) -> float:
    """The months of the `days` after the month that ends on `split`.

    >>> _months_after("2024-03-31", 183), _months_after("2024-03-31", 15)
    (6.0, 0.5)
    """
    end = pd.Timestamp(split) + pd.Timedelta(days=days)
    whole = periods.index_of(end, "month") - periods.index_of(split, "month") - 1
    return whole + end.day / end.days_in_month


def covered(known, triples, fitted, actual, days, *, draws, seed) -> dict[str, Any]:
    """Whether the intervals of a model held: of the total, and of each customer's purchases."""
    rng = np.random.default_rng(seed)
    horizon = np.array([float(days)])
    drawn = uncertainty.parameters(fitted, draws=draws, seed=seed)
    total = uncertainty.paths(triples, fitted, horizon).sum(axis=0)
    factor = uncertainty.moved(triples, fitted, horizon, drawn, rng=rng)
    chance = uncertainty.futures(triples, fitted, horizon, rng=rng)
    (low,), (high,) = uncertainty.band(total, factor, chance)
    part = slice(None, None, -(-len(known) // uncertainty.SAMPLE))
    rows = frames.table(model.with_history(frames.lazy(known.iloc[part])))
    history = model.in_unit(rows, fitted.unit)
    ends = horizon / model.DAYS[fitted.unit]
    counts = [fitted.buying.simulate(ends, *history, rng=rng)[:, 0] for _draw in range(FUTURES)]
    least, most = np.quantile(counts, uncertainty.INTERVAL, axis=0)
    bought = actual["orders"].to_numpy()[part]
    return {
        "total_in_interval": bool(low <= actual["revenue"].sum() <= high),
        "coverage": float(((least <= bought) & (bought <= most)).mean()),
        "low": low,
        "high": high,
    }


def _worth(known: pd.DataFrame, count: np.ndarray, fitted: model.Fitted) -> pd.DataFrame:
    spend = fitted.spend_of(known["purchase_days"], known["revenue"].clip(lower=0)).to_numpy()
    return pd.DataFrame(
        {"orders": count, "revenue": count * spend}, index=known["customer_id"].to_numpy()
    )
