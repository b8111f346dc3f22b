"""A regression discontinuity: whether an outcome jumps where a score reaches a threshold.

Who just reached it and who just missed it are alike but for that. On each side a line is fitted to
those near the threshold (triangular kernel); the jump between the lines is the estimate. Bandwidth:
Imbens & Kalyanaraman (2012), "Optimal bandwidth choice for the regression discontinuity estimator",
Review of Economic Studies 79(3). Interval: Calonico, Cattaneo & Titiunik (2014), "Robust
nonparametric confidence intervals for regression-discontinuity designs", Econometrica 82(6), with
both bandwidths equal: that of a fit by parabolas, as a line alone leaves out too much. Whether
people gather above the threshold: McCrary (2008), Journal of Econometrics 142(2), as a binomial
test of those nearest to it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy

FEWEST = 50  # on each side, within the bandwidth
NEAREST = 100  # of whom it is seen on which side they are
COVERED = 0.9  # of the interval
KERNEL = 3.4375  # of the triangular kernel at an edge, in the bandwidth's formula
TINY = 1e-12


class Jump(NamedTuple):
    """A jump at the threshold, its 90% interval, its p-value; how wide, and how many were used.

    All NaN where fewer than 50 are within the bandwidth on a side.
    """

    estimate: float
    low: float
    high: float
    p: float
    bandwidth: float
    below: int
    above: int


def find_jump(score: np.ndarray, outcome: np.ndarray, *, bandwidth: float | None = None) -> Jump:
    """Scores less the threshold, and outcomes -> the jump of the outcome from below 0 to 0 and up.

    >>> rng = np.random.default_rng(1)
    >>> x = rng.uniform(-1, 1, 4000)
    >>> jump = find_jump(x, 2 * x + 3 * (x >= 0) + rng.normal(0, 1, 4000))
    >>> jump.low < 3 < jump.high
    True
    """
    score, outcome = (np.asarray(values, dtype=float) for values in (score, outcome))
    width = find_bandwidth(score, outcome) if bandwidth is None else bandwidth
    near = np.abs(score) < width
    below, above = int((near & (score < 0)).sum()), int((near & (score >= 0)).sum())
    if min(below, above) < FEWEST:
        return Jump(np.nan, np.nan, np.nan, np.nan, width, below, above)
    x, y = score[near], outcome[near]
    estimate, *_ = _fit(x, y, width, degree=1)
    middle, error, carried = _fit(x, y, width, degree=2)
    if not error > 0:  # all outcomes on a parabola, as where all are the same
        return Jump(estimate, middle, middle, float(abs(middle) < TINY), width, below, above)
    reach = scipy.stats.t.ppf((1 + COVERED) / 2, carried) * error
    p = 2 * scipy.stats.t.sf(abs(middle) / error, carried)
    ends = float(middle - reach), float(middle + reach)
    return Jump(estimate, *ends, float(p), width, below, above)


def _fit(x: np.ndarray, y: np.ndarray, width: float, *, degree: int) -> tuple[float, float, float]:
    """The jump at 0 between polynomials on both sides, its standard error (HC3), and the number of
    outcomes that carry it."""
    values, variances = [], []
    for side in (x < 0, x >= 0):
        powers = np.vander(x[side] / width, degree + 1, increasing=True)
        weights = 1 - np.abs(x[side]) / width
        bread = np.linalg.pinv(powers.T @ (weights[:, None] * powers))
        pull = bread[0] @ (weights[:, None] * powers).T  # of each outcome on the value at 0
        coefficients = bread @ (powers.T @ (weights * y[side]))
        leverage = np.einsum("ij,jk,ik->i", powers, bread, powers) * weights
        residual = (y[side] - powers @ coefficients) / np.maximum(1 - leverage, 0.05)
        values.append(coefficients[0])
        variances.append((pull * residual) ** 2)
    each = np.concatenate(variances)
    carried = each.sum() ** 2 / (each**2).sum() if each.any() else np.inf
    return float(values[1] - values[0]), float(np.sqrt(each.sum())), float(carried)


def find_bandwidth(score: np.ndarray, outcome: np.ndarray) -> float:
    """Scores less the threshold, and outcomes -> the bandwidth of Imbens & Kalyanaraman (2012).

    It is no wider than the scores, and 0 where a side has fewer than 50.
    """
    x, y = score, outcome
    sides = (x < 0, x >= 0)
    if min(side.sum() for side in sides) < FEWEST:
        return 0.0
    n, most = len(x), float(np.abs(x).max()) * (1 + 1e-9)
    pilot = 1.84 * float(x.std()) * n**-0.2
    near = [side & (np.abs(x) <= pilot) for side in sides]
    density = sum(part.sum() for part in near) / (2 * n * pilot)
    if min(part.sum() for part in near) < 3 or not density > 0:
        return most
    spread = [float(y[part].var(ddof=1)) for part in near]
    if not sum(spread) > 0:
        return most
    third = _find_third(x, y)
    bends, penalty = [], 0.0
    for side, variance in zip(sides, spread, strict=True):
        wide = 3.56 * (variance / (density * max(third**2, TINY))) ** (1 / 7)
        wide = min(wide * side.sum() ** (-1 / 7), most)
        part = side & (np.abs(x) <= wide)
        part = part if part.sum() >= FEWEST else side
        wide = float(np.abs(x[part]).max())
        bends.append(2 * np.polynomial.polynomial.polyfit(x[part] / wide, y[part], 2)[2] / wide**2)
        penalty += 2160 * variance / (part.sum() * wide**4)
    bent = (bends[1] - bends[0]) ** 2 + penalty
    if not bent > 0:
        return most
    return float(min(KERNEL * (sum(spread) / (density * bent)) ** 0.2 * n**-0.2, most))


def _find_third(x: np.ndarray, y: np.ndarray) -> float:
    """The third derivative of a cubic with a jump, fitted between the medians of both sides."""
    ends = np.median(x[x < 0]), np.median(x[x >= 0])
    part = (x >= ends[0]) & (x <= ends[1])
    scale = float(np.abs(x[part]).max()) or 1.0
    z = x[part] / scale
    design = np.column_stack([np.ones(len(z)), z >= 0, z, z**2, z**3]).astype(float)
    return float(6 * np.linalg.lstsq(design, y[part], rcond=None)[0][4] / scale**3)


def check_density(score: np.ndarray) -> float:
    """Scores less the threshold -> the p-value of a binomial test that those nearest to it are on
    both sides as often as the slope of their density would have it; NaN for fewer than 50.

    Of the 100 nearest (a quarter of all at most), those from 0 on are counted. The slope is that
    between the two strips beside them, each as wide as one side.
    """
    size = np.sort(np.abs(score))
    nearest = min(NEAREST, len(size) // 4)
    if nearest < FEWEST:
        return float("nan")
    width = float(size[nearest - 1])
    low, high = (((score < 0) & (score >= -2 * width)), (score >= 0) & (score < 2 * width))
    inner = np.abs(score) <= width
    beside = [(side & ~inner).sum() + 0.5 for side in (low, high)]
    odds = (beside[1] / beside[0]) ** (1 / 3)  # their middles are three times as far apart
    above, n = int((high & inner).sum()), int(inner.sum())
    return float(scipy.stats.binomtest(above, n, odds / (1 + odds)).pvalue)
