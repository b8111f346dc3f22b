"""How good a forecast per customer was: its level, its ranking, and both together."""

import numpy as np
import pandas as pd

POWER = 1.5  # of the Tweedie deviance: proper for means of amounts that are mostly zero
FLOOR = 0.01  # of the mean, instead of a forecast of zero, whose deviance may be infinite


def score(actual: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """What customers did, and what was forecast -> the scores of the forecast.

    - `mae`: mean absolute error per customer, in the unit of the amounts. If most customers buy
      nothing, it favours forecasts that are too low, so do not judge by it alone
    - `bias`: the forecast total over the true one, minus 1
    - `rank_correlation`: Spearman's; ties share their rank
    - `gini`: Gini of the actual amounts in the order of the forecast, over that in their own
      order: 1 for the perfect ranking, 0 for a random one
    - `skill`: the share of the Tweedie deviance (power 1.5) that the forecast explains: 1 for a
      perfect forecast, 0 for the same value for everybody, below 0 for worse than that. Forecasts
      are raised to a hundredth of their mean, as one purchase after a forecast of zero would give
      an infinite deviance; so 1 is reached only if everybody buys

    NaN if a score does not exist (nobody bought, or all forecasts are equal).
    """
    from sklearn.metrics import d2_tweedie_score

    positive, varies = np.maximum(actual, 0), np.ptp(actual) > 0 and np.ptp(predicted) > 0
    ranks = pd.Series(predicted).corr(pd.Series(actual), method="spearman") if varies else np.nan
    return {
        "mae": float(np.abs(predicted - actual).mean()),
        "bias": float(predicted.sum() / actual.sum() - 1) if actual.sum() else np.nan,
        "rank_correlation": ranks,
        "gini": gini(actual, predicted),
        "skill": float(d2_tweedie_score(positive, apply_floor(predicted), power=POWER))
        if positive.any()
        else np.nan,
    }


def deviance(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Tweedie deviance of each customer, power 1.5; the smaller the better."""
    y, mean, p = np.maximum(actual, 0), apply_floor(predicted), POWER
    return 2 * (
        y ** (2 - p) / ((1 - p) * (2 - p))
        - y * mean ** (1 - p) / (1 - p)
        + mean ** (2 - p) / (2 - p)
    )


def apply_floor(predicted: np.ndarray) -> np.ndarray:
    """Raise forecasts to a hundredth of the mean forecast."""
    return np.maximum(predicted, max(FLOOR * predicted.mean(), 1e-9))


def gini(actual: np.ndarray, predicted: np.ndarray) -> float:
    """Normalized Gini coefficient: how well `predicted` ranks `actual`.

    >>> gini(np.array([0.0, 1.0, 5.0]), np.array([1.0, 2.0, 3.0]))
    1.0
    """
    best = _area(actual, actual)
    return float(_area(actual, predicted) / best) if best else np.nan


def calibration(actual: np.ndarray, predicted: np.ndarray) -> pd.DataFrame:
    """-> decile (1: highest forecast), customers, predicted, actual (means per customer).

    Customers with the same forecast stay in one group, so groups may differ in size.
    """
    rank = pd.Series(-predicted).rank(method="average")
    decile = np.ceil(rank / len(rank) * 10).clip(1, 10).astype(int)
    table = pd.DataFrame({"decile": decile, "predicted": predicted, "actual": actual})
    means = table.groupby("decile").agg(
        customers=("actual", "size"), predicted=("predicted", "mean"), actual=("actual", "mean")
    )
    return means.reset_index()


def _area(actual: np.ndarray, by: np.ndarray) -> float:
    """Between the diagonal and the Lorenz curve of `actual` ordered by `by`; ties share a mean."""
    frame = pd.DataFrame({"actual": actual, "by": by})
    shared = frame.groupby("by")["actual"].transform("mean").to_numpy()
    ordered = shared[np.argsort(-by, kind="stable")]
    total = ordered.sum()
    if not total:
        return 0.0
    return float((ordered.cumsum() / total).sum() - (len(ordered) + 1) / 2)
