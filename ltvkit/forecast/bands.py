"""Bands: how far the months ahead may be from their forecast, as far as past forecasts were."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy

from ltvkit.forecast.models.fitting import NORMAL_95

USUAL_MISS, WORTH = 0.15, 4  # relative error of a month, assumed with the weight of so many months
USUAL_MISS_OF_ALL, WORTH_OF_ALL = 0.08, 0.5  # of a year, with the weight of half a year
COVERED = 0.95  # of the months tested


class Band(NamedTuple):
    """Factors of the expected revenue by month ahead, and how forecasts of past months would have
    done in such a band: `held` of `tested`, from so many `dates`. `missed`: of each date, by what
    share its total was forecast too high."""

    low: np.ndarray
    high: np.ndarray
    held: int
    tested: int
    dates: int
    missed: tuple[float, ...] = ()


def widen(table: pd.DataFrame, own: np.ndarray) -> Band:
    """Forecasts of past months (origin, month, lead, forecast, actual), and the model's `own`
    relative standard deviation by lead -> `Band`.

    What a month misses beside parameters and chance (a changed market, a season) is measured: the
    mean squared error of the logarithm, less the squared `own`, together with 4 months of an error
    of 15%, so that few lucky months prove nothing. The band reaches so many standard deviations as
    held 95% of the past months, 1.96 at least; beyond the longest lead that was tried, its square
    grows with the lead. Each past date is judged by the errors of others, in months that it does
    not forecast. A month that brought nothing counts as not held.
    """
    tried = table[(table["forecast"] > 0) & (table["lead"] <= len(own))]
    each = measure_errors(tried)
    reach = _reach(each, own)
    held = 0
    for _origin, group in each.groupby("origin"):
        others = each[~each["month"].isin(group["month"])]
        held += int((group["error"].abs() <= _reach(others, own)[group["lead"] - 1]).sum())
    missed = sum_by_date(tried)["bias"]
    tested = {"held": held, "tested": len(tried), "dates": len(missed)}
    return Band(np.exp(-reach), np.exp(reach), **tested, missed=tuple(missed.dropna()))


def widen_total(table: pd.DataFrame, own: float, *, months: int) -> tuple[float, float]:
    """The same for all `months` ahead together: factors of their sum that hold it in 95 of 100
    cases; the upper one is infinite where a past date brought nothing.

    A date counts by the sum of its months, and as much as they are of a year: a single month may
    be far off by chance. So few dates call for Student's t.
    """
    tried = table[table["lead"] <= months]
    sums = sum_by_date(tried)
    if not (sums[["forecast", "actual"]] > 0).all(axis=None):
        return 0.0, np.inf
    sums = sums.astype(float)
    weight = sums["months"] / 12
    missed = weight * (np.log(sums["actual"] / sums["forecast"]) ** 2 - own**2)
    variance = (missed.sum() + WORTH_OF_ALL * USUAL_MISS_OF_ALL**2) / (weight.sum() + WORTH_OF_ALL)
    farther = max(1.0, months / max(sums["months"].max(), 1)) if len(sums) else 1.0
    spread = np.sqrt(own**2 + max(variance, 0.0) * farther)
    reach = scipy.stats.t.ppf(0.975, len(sums) + 2) * spread
    return float(np.exp(-reach)), float(np.exp(reach))


def sum_by_date(table: pd.DataFrame) -> pd.DataFrame:
    """Forecasts of past months -> by origin: months, forecast, actual, and bias (by what share the
    total was forecast too high; NaN where nothing came)."""
    sums = table.groupby("origin").agg(
        months=("lead", "size"), forecast=("forecast", "sum"), actual=("actual", "sum")
    )
    return sums.assign(bias=sums["forecast"] / sums["actual"].where(sums["actual"] > 0) - 1)


def measure_errors(table: pd.DataFrame) -> pd.DataFrame:
    """Forecasts of past months -> the same with `error`, the logarithm of actual over forecast, of
    the months in which both are above zero."""
    both = table[(table["forecast"] > 0) & (table["actual"] > 0)]
    ratio = both["actual"].astype(float) / both["forecast"].astype(float)
    return both.assign(error=np.log(ratio))


def _reach(each: pd.DataFrame, own: np.ndarray) -> np.ndarray:
    """How far the logarithm of a month may be from the expected one, by lead."""
    known = own[each["lead"] - 1]
    error = each["error"].to_numpy()
    missed = max((error**2 - known**2).sum() + WORTH * USUAL_MISS**2, 0.0) / (len(each) + WORTH)
    scores = np.abs(error) / np.sqrt(known**2 + missed)
    covered = np.quantile(scores, COVERED) if len(scores) else 0.0
    longest = each["lead"].max() if len(each) else len(own)
    farther = np.maximum(1.0, np.arange(1, len(own) + 1) / longest)
    return max(NORMAL_95, covered) * np.sqrt(own**2 + missed * farther)
