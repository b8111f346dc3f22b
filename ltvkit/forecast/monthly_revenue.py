"""The revenue of the shop in the coming months: from today's customers, and from new ones."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.display import formats
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, TooLittleData
from ltvkit.forecast import uncertainty
from ltvkit.forecast.clock import DAYS
from ltvkit.forecast.estimation import Fitted, histories
from ltvkit.forecast.texts import fill
from ltvkit.periods import MONTH_DAYS, Day


def revenue(
    customers: Frame,
    fitted: Fitted,
    drawn: pd.DataFrame,
    *,
    history: pd.DataFrame,
    as_of: Day,
    months: int = 12,
    acquisition: float = 1.0,
    seed: int = 1,
) -> pd.DataFrame:
    """Customers, their model and its drawn parameters -> revenue by month, past and coming.

    Columns: month, actual (of `history`, the series of `kpis.series` by month; NaN to come),
    existing_revenue (expected of today's customers), new_revenue (of customers still to be won),
    expected (both), low, high (95%). The coming months are the calendar months after the one that
    holds `as_of`.

    `acquisition`: how many customers will be won a month, as a multiple of the mean of the last
    twelve whole months of which it is known (0: none; also none if no month is whole). They buy
    when won, in the middle of the month, and then as the model says. The interval covers uncertain
    parameters and chance, for that number of new customers; it knows nothing of seasons,
    campaigns, or a changed offer.
    Raises `ParamsError` for months below 1 or an acquisition below 0; `TooLittleData` where it is
    not known in `history` who is new.
    """
    if months < 1 or acquisition < 0:
        raise ParamsError(f"months={months}, acquisition={acquisition}: 1 and 0 at least.")
    rng = np.random.default_rng(seed)
    triples = histories(customers)
    today, first = pd.Timestamp(periods.day(as_of)), periods.index_of(as_of, "month") + 1
    ends = [periods.end(first + m - 1, "month") for m in range(months + 1)]
    days = np.array([(end - today).days for end in ends], dtype=float)
    existing = uncertainty.expected_revenue(triples, fitted, days).sum(axis=0)[1:]
    past = history[~history["partial"]]
    won = past["new_customers"].tail(12).mean() if len(past) and acquisition else 0.0
    if np.isnan(won):
        raise TooLittleData(fill("unknown_new"))
    new = acquisition * won * _revenue_of_one_new(fitted, days)
    chance = uncertainty.simulate_deviations(triples, fitted, days, rng=rng)[:, 1:]
    chance = chance * np.sqrt(1 + new / np.maximum(existing, 1e-9))
    factor = uncertainty.parameter_factors(triples, fitted, days[1:], drawn, rng=rng)
    low, high = uncertainty.total_interval(existing + new, factor, chance)
    ahead = {"existing_revenue": existing, "new_revenue": new, "expected": existing + new}
    ahead = pd.DataFrame({**ahead, "low": low, "high": high})
    ahead.insert(0, "month", [periods.label(first + m, "month") for m in range(months)])
    past = past[["period", "revenue"]].set_axis(["month", "actual"], axis=1)
    return pd.concat([past, ahead], ignore_index=True)


def finding(table: pd.DataFrame, *, currency: str) -> str:
    """What the coming months bring, next to as many of the past."""
    ahead = table[table["expected"].notna()]
    past = table[table["actual"].notna()].tail(len(ahead))
    existing, new = ahead["existing_revenue"].sum(), ahead["new_revenue"].sum()
    amounts = {"total": existing + new, "existing": existing, "new": new}
    amounts = {name: formats.money(value, currency) for name, value in amounts.items()}
    text = fill("ahead", span=fill("months", n=len(ahead)), **amounts)
    if past.empty:
        return text
    actual = formats.money(past["actual"].sum(), currency)
    last = fill("past", span=fill("months", n=len(past)), actual=actual)
    return f"{text} {last}"


def _revenue_of_one_new(fitted: Fitted, days: np.ndarray) -> np.ndarray:
    """Revenue by month if one customer is won every month: the first purchase, and repeats.

    If the months begin later than today (`days[0]`), the customers won in the rest of this month
    buy again too.
    """
    middle = np.append((days[1:] + days[:-1]) / 2, days[0] / 2)
    share = np.append(np.ones(len(days) - 1), days[0] / MONTH_DAYS)
    ages = np.clip(days[None, :] - middle[:, None], 0, None) / DAYS[fitted.clock.unit]
    repeats = fitted.buying.expected_number_of_purchases_up_to_time(ages.ravel())
    by_month = share @ np.diff(repeats.reshape(ages.shape), axis=1)
    return (1 + by_month) * float(fitted.spend_of(0, 0.0))
