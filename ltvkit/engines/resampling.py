"""Intervals by drawing customers anew: dealt into 256 groups (`sampling.deal`), of which as many
are drawn with replacement (B. Efron 1979, The Annals of Statistics 7(1), 1-26)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ltvkit.engines import sampling

COVERED = 0.95  # of an interval
NAMES = [f"{n:02x}" for n in range(sampling.GROUPS)]


def draw_weights(*, draws: int, seed: int, groups: int = sampling.GROUPS) -> np.ndarray:
    """How often each group is drawn: a row per draw, a column per group."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(groups, np.full(groups, 1 / groups), size=draws)


def resample(sums: pd.DataFrame, *, draws: int, seed: int) -> dict[str, np.ndarray]:
    """Sums by group of customers -> sums of all, in each draw. The same seed draws the same."""
    weights = draw_weights(draws=draws, seed=seed)
    drawn = weights @ sums.reindex(NAMES, fill_value=0.0).to_numpy()
    return dict(zip(sums.columns, drawn.T, strict=True))


def find_limits(drawn: Any, *, covered: float = COVERED) -> tuple[float, float]:
    """The middle part of the draws that are known; NaN where none is."""
    known = np.asarray(drawn, dtype=float)
    known = known[np.isfinite(known)]
    if not len(known):
        return np.nan, np.nan
    low, high = np.quantile(known, [(1 - covered) / 2, (1 + covered) / 2])
    return float(low), float(high)
