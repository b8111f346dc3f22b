"""Intervals of survival that hold what they promise, for few customers and shares near 0 or 1.

The beta product confidence procedure (Fay, Brittain & Proschan 2013, Biostatistics 14(4),
723-736), in its form by moments: survival is a product of Beta variables, one for each time at
which somebody left, and that product is close to a Beta with the same mean and variance. Without
censoring it is Clopper & Pearson's exact interval (1934): of 12 customers who all stayed, .735 to
1. Greenwood's intervals are too narrow for few customers, and have no width where nobody left.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import ArrayLike

__all__ = ["beta_product", "beta_product_mid_p"]

__dir__ = __all__.copy

TAIL = 0.025  # on either side


def beta_product(at_risk: ArrayLike, lost: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Customers at risk and lost at each time -> 95% limits of the share still there after it.

    The coverage is 95% or more, whatever the share.

    >>> low, high = beta_product([12], [0])
    >>> float(low[0].round(3)), float(high[0])
    (0.735, 1.0)
    """
    lower, upper = _moments(at_risk, lost)
    return _quantile(lower, TAIL, nothing=0.0), _quantile(upper, 1 - TAIL, nothing=1.0)


def beta_product_mid_p(at_risk: ArrayLike, lost: ArrayLike) -> tuple[float, float]:
    """The same after the last time, with mid-P limits: the coverage is 95% on average, not more.

    A limit is where the mean of both tails is 2.5% (Fay & Brittain 2016, Statistics in Medicine
    35(16), 2726-2740). For comparisons of many shares, which exact limits would all blur.
    """
    lower, upper = _moments(at_risk, lost)

    def excess(share: float, level: float) -> float:
        return (_cdf(lower, share, nothing=0.0) + _cdf(upper, share, nothing=1.0)) / 2 - level

    limits = []
    for level, end in ((TAIL, 0.0), (1 - TAIL, 1.0)):
        below, above = excess(1e-12, level), excess(1 - 1e-12, level)
        inside = below < 0 < above
        found = scipy.optimize.brentq(excess, 1e-12, 1 - 1e-12, args=(level,)) if inside else end
        limits.append(float(found))
    return limits[0], limits[1]


class _Moments(NamedTuple):
    """Mean and mean square of a product, after each time."""

    mean: np.ndarray
    square: np.ndarray

    def shape(self) -> tuple[np.ndarray, np.ndarray]:
        """Parameters of the Beta with these moments."""
        spread = np.maximum(self.square - self.mean**2, 1e-300)
        each = (self.mean - self.square) / spread
        return self.mean * each, (1 - self.mean) * each


def _moments(at_risk: ArrayLike, lost: ArrayLike) -> tuple[_Moments, _Moments]:
    """The products for the lower and for the upper limit."""
    n, d = (np.asarray(column, dtype=float) for column in (at_risk, lost))
    left = n - d
    mean = np.cumprod((left + 1) / (n + 1))
    square = np.cumprod((left + 1) * (left + 2) / ((n + 1) * (n + 2)))
    # Below, as if the next customer left at once.
    lower = _Moments(mean * left / (left + 1), square * left / (left + 2))
    return lower, _Moments(mean, square)


def _quantile(product: _Moments, level: float, *, nothing: float) -> np.ndarray:
    """A quantile after each time; `nothing` where the product does not vary."""
    varies = (product.mean > 0) & (product.mean < 1)
    safe = _Moments(np.where(varies, product.mean, 1 / 2), np.where(varies, product.square, 1 / 3))
    return np.where(varies, scipy.stats.beta.ppf(level, *safe.shape()), nothing)


def _cdf(product: _Moments, share: float, *, nothing: float) -> float:
    """How likely the product is at most `share`, after the last time."""
    if not 0 < product.mean[-1] < 1:
        return float(share >= nothing)
    a, b = product.shape()
    return float(scipy.special.betainc(a[-1], b[-1], share))  # the same as scipy.stats.beta.cdf
