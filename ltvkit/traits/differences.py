"""Customers with a value against the rest: the difference of LTV, its range and its significance.

LTV is skewed: a few customers bring much more than the others. The difference is of plain means,
which is the money; whether it is more than chance is tested on LTV cut at the shop's own 97% point,
where single large customers decide nothing. Two tests must agree: that of Welch, and the
permutation test, by the first three moments of its exact distribution, which is Pearson's type III
then (P. W. Mielke, K. J. Berry, "Permutation Methods", 2007). The first holds where both sides are
spread differently, the second where a side is small and LTV is skewed.

Many differences are estimated at once, so the largest are partly luck. Each is moved towards zero
by the share of its variance that is chance (empirical Bayes; the spread of true differences is
estimated for each trait: R. DerSimonian, N. Laird, "Meta-analysis in clinical trials", 1986), but
by half a standard error at most, as one value that is really different would otherwise be shrunk
like those that are not (limited translation: B. Efron, C. Morris, "Limiting the risk of Bayes and
empirical Bayes estimators", 1972). The range reaches from its shrunk end to the end that is
farther from zero as it was: moved as a whole, it would hold the truth less often where values
really differ.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import special, stats

FEWEST = 30  # customers on each side
CUT = 0.97  # the quantile of LTV at which it is cut to be tested
LEVEL = 0.05  # of false discoveries
WIDTH = float(stats.norm.ppf(0.95))  # standard errors on each side of a 90% range
MOVED = 0.5  # standard errors by which a difference is shrunk at most
TINY = 1e-12
NORMAL = 1e-4  # a skewness below which it is a normal distribution


def measure(members: np.ndarray, ltv: np.ndarray) -> pd.DataFrame:
    """Customers x groups (whether each is a member), and LTV -> a row per group.

    customers, ltv, ltv_of_rest, ltv_difference (not shrunk), error (standard error), p. NaN where
    fewer than 30 customers are on a side.

    >>> members = np.repeat([[True, False], [False, True]], 40, axis=0)
    >>> found = measure(members, np.r_[np.full(40, 10.0), np.full(40, 12.0)])
    >>> found[["customers", "ltv", "ltv_of_rest"]].to_dict("list")
    {'customers': [40, 40], 'ltv': [10.0, 12.0], 'ltv_of_rest': [12.0, 10.0]}
    """
    x, n = members.astype(float), len(ltv)
    own = x.sum(axis=0)
    rest = n - own
    means, variances = _summarize(x, ltv, own)
    chance = ltv.var(ddof=1) * (1 / np.maximum(own, 1) + 1 / np.maximum(rest, 1))
    spread = sum(v / np.maximum(m, 1) for v, m in zip(variances, (own, rest), strict=True))
    table = pd.DataFrame(
        {
            "customers": own.astype("int64"),
            "ltv": means[0],
            "ltv_of_rest": means[1],
            "ltv_difference": means[0] - means[1],
            "error": np.sqrt(np.maximum(chance, spread)),  # a few alike are not known exactly
            "p": find_p(x, np.minimum(ltv, np.quantile(ltv, CUT))),
        }
    )
    enough = np.minimum(own, rest) >= FEWEST
    columns = ["ltv_difference", "error", "p"]
    table.loc[~enough, columns] = np.nan
    return table


def find_p(members: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Customers x groups, and a value of each -> p of each group against the rest, two-sided."""
    x, own = members.astype(float), members.sum(axis=0).astype(float)
    # Where all members of a side are alike, as are all others, Welch's test cannot tell.
    return np.fmax(_test_welch(x, values, own), _test_permutation(x, values, own))


def _summarize(x: np.ndarray, values: np.ndarray, own: np.ndarray) -> tuple[list, list]:
    """The means and variances of the members of each group, and of all others."""
    n, centre = len(values), values.mean()
    values = values - centre  # or squares of large amounts lose what tells them apart
    sums, squares = x.T @ values, x.T @ values**2
    sides = ((own, sums, squares), (n - own, values.sum() - sums, (values**2).sum() - squares))
    means, variances = [], []
    for m, total, square in sides:
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / m
            variances.append(np.maximum(square - m * mean**2, 0) / (m - 1))
        means.append(mean + centre)
    return means, variances


def _test_welch(x: np.ndarray, values: np.ndarray, own: np.ndarray) -> np.ndarray:
    means, variances = _summarize(x, values, own)
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = [v / m for v, m in zip(variances, (own, len(values) - own), strict=True)]
        below = sum(p**2 / (m - 1) for p, m in zip(parts, (own, len(values) - own), strict=True))
        t = (means[0] - means[1]) / np.sqrt(parts[0] + parts[1])
        return 2 * stats.t.sf(np.abs(t), (parts[0] + parts[1]) ** 2 / below)


def _test_permutation(x: np.ndarray, values: np.ndarray, own: np.ndarray) -> np.ndarray:
    """By the sum of a group of customers drawn without replacement: its mean, variance and third
    moment are exact, whatever the values."""
    n, centred = len(values), values - values.mean()
    square, cube = (centred**2).mean(), (centred**3).mean()
    if square <= (TINY * np.abs(values).max()) ** 2 or n < 3:
        return np.full(x.shape[1], np.nan)
    rest = n - own
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = own * rest / (n - 1) * square
        third = own * rest * (rest - own) / ((n - 1) * (n - 2)) * cube
        z, skew = x.T @ centred / np.sqrt(variance), third / variance**1.5
    ends = _find_tail(z, skew), _find_tail(-z, -skew)
    return np.minimum(2 * np.minimum(*ends), 1.0)


def _find_tail(z: np.ndarray, skew: np.ndarray) -> np.ndarray:
    """The chance of more than z under Pearson's type III, which is a gamma distribution, moved."""
    with np.errstate(invalid="ignore", divide="ignore"):
        shape, at = 4 / skew**2, 4 / skew**2 + 2 * z / skew
        above = special.gammaincc(shape, np.maximum(at, 0))
        below = special.gammainc(shape, np.maximum(at, 0))
    return np.where(np.abs(skew) < NORMAL, special.ndtr(-z), np.where(skew > 0, above, below))


def adjust(p: np.ndarray) -> np.ndarray:
    """p-values -> adjusted for the number of tests (Benjamini, Hochberg 1995); NaN stays NaN.

    >>> adjust(np.array([0.01, np.nan, 0.04, 0.03])).tolist()
    [0.03, nan, 0.04, 0.04]
    """
    found, known = np.full(len(p), np.nan), np.isfinite(p)
    if known.any():
        found[known] = stats.false_discovery_control(p[known])
    return found


def shrink(
    difference: np.ndarray, error: np.ndarray, kinds: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Differences, their standard errors and the trait of each -> shrunk, low, high (90%).

    The range holds that of the difference as it is, so a difference that is not shrunk enough, or
    too much, is still in it.

    >>> shrunk, low, high = shrink(np.array([4.0, -4.0]), np.array([2.0, 2.0]), ["a", "a"])
    >>> shrunk.round(2).tolist()
    [3.5, -3.5]
    """
    spread = _estimate_spread(difference, error, kinds)
    with np.errstate(invalid="ignore", divide="ignore"):
        kept = np.where(error > 0, spread / (spread + error**2), 1.0)
    move = np.minimum(np.abs(difference) * (1 - kept), MOVED * error)
    shrunk = difference - np.sign(difference) * move
    ends = (np.minimum(difference, shrunk), np.maximum(difference, shrunk))
    return shrunk, ends[0] - WIDTH * error, ends[1] + WIDTH * error


def _estimate_spread(difference: np.ndarray, error: np.ndarray, kinds: Sequence[str]) -> np.ndarray:
    """The variance of the true differences around zero, of the values of the trait of each."""
    known = np.isfinite(error) & (error > 0)
    weight = np.where(known, 1 / np.where(known, error, 1) ** 2, 0.0)
    seen = np.where(known, difference, 0.0)
    table = pd.DataFrame({"n": known, "w": weight, "ww": weight**2, "wd": weight * seen**2})
    sums = table.astype(float).groupby(list(kinds)).transform("sum")
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (sums["wd"] - sums["n"] + 1) / (sums["w"] - sums["ww"] / sums["w"])
    return np.where(sums["n"] > 1, np.maximum(found, 0.0), 0.0)
