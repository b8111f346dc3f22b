"""Whether an effect will be detected, given the error to expect of it."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import scipy

from ltvkit.hypotheses import verdicts

POWER = 0.8  # the power to aim at
_QUANTILES = 24  # of what the error may be


class PowerInputs(NamedTuple):
    """What to expect at the end: the figure without any effect, the error of the effect, its
    degrees of freedom, how many customers take part, how the error grows with the effect, and with
    how many degrees of freedom the error itself is foreseen (none of its own: as if known)."""

    baseline: float = np.nan
    se: float = np.nan
    df: float = np.nan
    customers: int = 0
    growth: float = 0.0
    foreseen_df: float = np.inf

    def error(self, effect: float) -> float:
        """The error once there is an effect: the additional orders vary as orders of buyers do."""
        return float(np.sqrt(self.se**2 + max(effect * self.growth, 0.0))) or np.nan


def compute_power(inputs: PowerInputs, effect: float) -> float:
    """The chance of p < 5% where the true effect is `effect`.

    An error that a few past windows foretell may come out smaller or larger: the power is the mean
    over what it may be (a scaled inverse chi-squared variance), and not that of the middle.
    """
    edge = scipy.stats.t.ppf(1 - verdicts.ALPHA / 2, inputs.df)
    away = effect / inputs.error(effect) * _spread_precision(inputs.foreseen_df)
    # The square of a noncentral t. SciPy 1.17 gives no far tail of t itself (NaN), and of F not
    # where the effect is exactly zero.
    return float(scipy.stats.ncf.sf(edge**2, 1, inputs.df, np.maximum(away**2, 1e-12)).mean())


def find_smallest(inputs: PowerInputs) -> float:
    """The effect above zero that is detected with a power of 80%; NaN where nothing is foreseen."""
    if not inputs.se > 0 or np.isnan(inputs.df):
        return np.nan
    highest = inputs.se
    while compute_power(inputs, highest) < POWER:
        highest *= 2
    return float(
        scipy.optimize.brentq(lambda x: compute_power(inputs, x) - POWER, 0.0, highest, rtol=1e-6)
    )


@lru_cache(maxsize=64)
def _spread_precision(df: float) -> np.ndarray:
    """What the error foreseen may be divided by, in equally likely steps."""
    if np.isinf(df):
        return np.ones(1)
    steps = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    return np.sqrt(scipy.stats.chi2.ppf(steps, df) / df)
