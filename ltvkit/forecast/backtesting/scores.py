"""How good a forecast per customer was: level, order, and both together."""

from __future__ import annotations

import numpy as np
import pandas as pd

POWER = 1.5  # of the Tweedie deviance: proper for means of amounts that are mostly zero
FLOOR = 0.01  # of the mean: a forecast of nothing is read as this, or one purchase would refute it


def scores(actual: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """What customers did, and what was forecast -> the scores of the forecast.

    - `mae`: mean absolute error per customer, in the unit of the amounts. Where most customers
      buy nothing it favours forecasts that are too low: it is no judge alone.
    - `bias`: the forecast total over the true one, less 1
    - `rank_correlation`: Spearman's, ties sharing their rank
    - `gini`: of the actual amounts in the order of the forecast, over that in their own order:
      1 for the perfect order, 0 for a random one
    - `skill`: the share of the Tweedie deviance (power 1.5) that the forecast explains, 0 for
      the same value for everybody, 1 for a perfect one, below 0 for worse than none. A forecast of
      nothing is read as a hundredth of the mean: sure that nobody comes back, it would be refuted
      by one who does, so that 1 is reached only where everybody buys

    NaN where a score does not exist (nobody bought, all forecast alike).
    """
    from sklearn.metrics import d2_tweedie_score

    positive = np.maximum(actual, 0)
    return {
        "mae": float(np.abs(predicted - actual).mean()),
        "bias": float(predicted.sum() / actual.sum() - 1) if actual.sum() else np.nan,
        "rank_correlation": _spearman(actual, predicted),
        "gini": gini(actual, predicted),
        "skill": float(d2_tweedie_score(positive, floored(predicted), power=POWER))
        if positive.any()
        else np.nan,
    }


def _spearman(actual: np.ndarray, predicted: np.ndarray) -> float:
    if np.ptp(actual) == 0 or np.ptp(predicted) == 0:
        return np.nan
    return float(pd.Series(predicted).corr(pd.Series(actual), method="spearman"))


def deviance(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Tweedie deviance of each customer, power 1.5; the smaller the better."""
    y, mean, p = np.maximum(actual, 0), floored(predicted), POWER
    return 2 * (
        y ** (2 - p) / ((1 - p) * (2 - p))
        - y * mean ** (1 - p) / (1 - p)
        + mean ** (2 - p) / (2 - p)
    )


def floored(predicted: np.ndarray) -> np.ndarray:
    """A forecast of zero is read as a hundredth of the mean forecast."""
    return np.maximum(predicted, max(FLOOR * predicted.mean(), 1e-9))


def gini(actual: np.ndarray, predicted: np.ndarray) -> float:
    """Normalized Gini coefficient: how well `predicted` orders `actual`.

    >>> gini(np.array([0.0, 1.0, 5.0]), np.array([1.0, 2.0, 3.0]))
    1.0
    """
    best = _area(actual, actual)
    return float(_area(actual, predicted) / best) if best else np.nan


def calibration(actual: np.ndarray, predicted: np.ndarray, *, groups: int = 10) -> pd.DataFrame:
    """-> decile (1: highest forecast), customers, predicted, actual (means per customer).

    Customers with the same forecast are never parted, so groups may differ in size.
    """
    rank = pd.Series(-predicted).rank(method="average")
    decile = np.ceil(rank / len(rank) * groups).clip(1, groups).astype(int)
    table = pd.DataFrame({"decile": decile, "predicted": predicted, "actual": actual})
    means = table.groupby("decile").agg(
        customers=("actual", "size"), predicted=("predicted", "mean"), actual=("actual", "mean")
    )
    return means.reset_index()


def _area(actual: np.ndarray, by: np.ndarray) -> float:
    """Between the Lorenz curve of `actual`, ordered by `by`, and the diagonal; equal `by` share."""
    frame = pd.DataFrame({"actual": actual, "by": by})
    shared = frame.groupby("by")["actual"].transform("mean").to_numpy()
    ordered = shared[np.argsort(-by, kind="stable")]
    total = ordered.sum()
    if not total:
        return 0.0
    return float((ordered.cumsum() / total).sum() - (len(ordered) + 1) / 2)
