"""The revenue of the shop in the months to come: of today's customers, and of new ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.core.i18n import _
from ltvkit.display import formats
from ltvkit.errors import ParamsError
from ltvkit.forecast.model import DAYS, MONTH, Fitted, histories
from ltvkit.forecast.uncertainty import band, futures, moved, paths


def revenue(
    customers: Any,
    fitted: Fitted,
    drawn: pd.DataFrame,
    *,
    history: pd.DataFrame,
    as_of: Any,
    months: int = 12,
    acquisition: float = 1.0,
    seed: int = 1,
) -> pd.DataFrame:
    """Customers, their model and its drawn parameters -> the revenue of past and coming months.

    Columns: month, actual (of `history`, the series of `kpis.series` by month; NaN to come),
    existing_revenue (expected of today's customers), new_revenue (of those still to be won),
    expected (both), low, high (95%). The coming months are the calendar months after the one that
    holds `as_of`.

    `acquisition`: how many customers will be won a month, as a multiple of the mean of the last
    twelve whole months (0: none; nor where no month is whole). They buy when won, in the middle of
    the month, and then as the model says. The interval holds what is unsure about the parameters
    and what is left to chance, given that many new customers; it knows nothing of seasons,
    campaigns, or a changed offer.
    Raises `ParamsError` for months below 1 or an acquisition below 0.
    """
    if months < 1 or acquisition < 0:
        raise ParamsError(f"months={months}, acquisition={acquisition}: 1 and 0 at least.")
    rng = np.random.default_rng(seed)
    triples = histories(customers)
    first = periods.index_of(as_of, "month") + 1
    names = [periods.label(first + m, "month") for m in range(months)]
    starts = _days_from(as_of, [periods.end(first + m - 1, "month") for m in range(months + 1)])
    existing = paths(triples, fitted, starts).sum(axis=0)[1:]
    new = acquisition * _won(history) * _of_one_new(fitted, starts)
    chance = futures(triples, fitted, starts, rng=rng)[:, 1:]
    chance = chance * np.sqrt(1 + new / np.maximum(existing, 1e-9))
    factor = moved(triples, fitted, starts[1:], drawn, rng=rng)
    low, high = band(existing + new, factor, chance)
    ahead = {
        "existing_revenue": existing,
        "new_revenue": new,
        "expected": existing + new,
        "low": low,
        "high": high,
    }
    past = history.loc[~history["partial"], ["period", "revenue"]]
    past = past.set_axis(["month", "actual"], axis=1)
    return pd.concat([past, pd.DataFrame({"month": names, **ahead})], ignore_index=True)


def finding(table: pd.DataFrame, *, currency: str) -> str:
    """What the coming months bring, against as many of the past."""
    ahead, past = table[table["expected"].notna()], table[table["actual"].notna()]
    text = _(
        "In the next {n} months today's customers are expected to bring {existing}, "
        "new ones {new}; the last {m} months brought {actual}."
    )
    last = past.tail(len(ahead))
    return text.format(
        n=len(ahead),
        m=len(last),
        existing=formats.money(ahead["existing_revenue"].sum(), currency),
        new=formats.money(ahead["new_revenue"].sum(), currency),
        actual=formats.money(last["actual"].sum(), currency),
    )


def _days_from(as_of: Any, ends: list[pd.Timestamp]) -> np.ndarray:
    today = pd.Timestamp(periods.day(as_of))
    return np.array([(end - today).days for end in ends], dtype=float)


def _won(history: pd.DataFrame) -> float:
    """New customers a month, over the last twelve whole months."""
    whole = history.loc[~history["partial"], "new_customers"].tail(12)
    return float(whole.mean()) if len(whole) else 0.0


def _of_one_new(fitted: Fitted, starts: np.ndarray) -> np.ndarray:
    """Revenue by month of winning one customer every month: the first purchase, and repeats.

    Where the months begin later than today (`starts[0]` days), the customers of the rest of this
    month come again too.
    """
    middle = np.append((starts[1:] + starts[:-1]) / 2, starts[0] / 2)
    share = np.append(np.ones(len(starts) - 1), starts[0] / MONTH)
    ages = np.clip(starts[None, :] - middle[:, None], 0, None) / DAYS[fitted.unit]
    repeats = fitted.buying.expected_number_of_purchases_up_to_time(ages.ravel())
    by_month = share @ np.diff(repeats.reshape(ages.shape), axis=1)
    return (1 + by_month) * float(fitted.spend_of(0, 0.0))
