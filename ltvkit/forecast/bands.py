"""Bands: how far the months ahead may be from their forecast, as far as past forecasts were."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from ltvkit.forecast.models.fitting import NORMAL_95

USUAL_MISS_OF_ALL, WORTH_OF_ALL = 0.08, 0.5  # of a year, with the weight of half a year
USUAL_MISS, WORTH = 0.15, 4  # relative error of a month, assumed with the weight of so many months
COVERED = 0.95  # of the months tested


class Band(NamedTuple):
    """Factors of the expected revenue by month ahead, and how many past months would have been in
    such a band, `held` of `tested`, each date judged by the errors of the others."""

    low: np.ndarray
    high: np.ndarray
    held: int
    tested: int


def widen(table: pd.DataFrame, own: np.ndarray) -> Band:
    """Forecasts of past months (origin, lead, forecast, actual), and the model's `own` relative
    standard deviation by lead -> `Band`.

    What a month misses beside parameters and chance (a changed market, a season) is measured: the
    mean squared error of the logarithm, less the squared `own`, together with 4 months of an error
    of 15%, so that few lucky months prove nothing. The band reaches so many standard deviations as
    held 95% of the past months (split conformal; Lei et al. 2018, JASA 113), 1.96 at least. Months
    of one date are not independent: `held` of `tested` says how it would have done.
    """
    each = _find_errors(table)
    reach = _reach(each, own)
    held = sum(
        int((group["error"].abs() <= _reach(each.drop(group.index), own)[group["lead"] - 1]).sum())
        for _origin, group in each.groupby("origin")
    )
    return Band(np.exp(-reach), np.exp(reach), held, len(each))


def widen_total(table: pd.DataFrame, own: float) -> tuple[float, float]:
    """The same for all months ahead together: factors of their sum that hold it in 95 of 100 cases.

    A date counts by the sum of its months, and as much as they are of a year: a single month may
    be far off by chance. So few dates call for Student's t.
    """
    sums = table.groupby("origin").agg(
        forecast=("forecast", "sum"), actual=("actual", "sum"), months=("lead", "size")
    )
    sums = sums[(sums > 0).all(axis=1)].astype(float)
    weight = sums["months"] / 12
    missed = weight * (np.log(sums["actual"] / sums["forecast"]) ** 2 - own**2)
    variance = (missed.sum() + WORTH_OF_ALL * USUAL_MISS_OF_ALL**2) / (weight.sum() + WORTH_OF_ALL)
    spread = np.sqrt(own**2 + max(variance, 0.0))
    reach = stats.t.ppf(0.975, len(sums) + 2) * spread
    return float(np.exp(-reach)), float(np.exp(reach))


def _find_errors(table: pd.DataFrame) -> pd.DataFrame:
    both = table[(table["forecast"] > 0) & (table["actual"] > 0)]
    error = np.log(both["actual"].astype(float) / both["forecast"].astype(float))
    return both[["origin", "lead"]].assign(error=error)


def _reach(each: pd.DataFrame, own: np.ndarray) -> np.ndarray:
    """How far the logarithm of a month may be from the expected one, by lead."""
    known = own[each["lead"] - 1]
    error = each["error"].to_numpy()
    missed = (error**2 - known**2).sum() + WORTH * USUAL_MISS**2
    spread = np.sqrt(own**2 + max(missed, 0.0) / (len(each) + WORTH))
    scores = np.abs(error) / spread[each["lead"] - 1]
    covered = np.quantile(scores, COVERED) if len(scores) else 0.0
    return max(NORMAL_95, covered) * spread
