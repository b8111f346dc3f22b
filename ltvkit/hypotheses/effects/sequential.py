"""An interval that holds however often one looks: a confidence sequence.

While a measure runs, the difference of two groups is a sum that grows day by day. An interval made
for one look is passed by chance sooner or later if one looks often. This one is not, at any number
of looks: it is the bound of a normal mixture over a Brownian motion (Robbins 1970, Annals of
Mathematical Statistics 41(5), 1397-1409; Howard, Ramdas, McAuliffe & Sekhon 2021, Annals of
Statistics 49(2), 1055-1080). Sums of customers who differ lastingly move less freely than a
Brownian motion of the same variance, so that the bound errs on the safe side.
"""

import numpy as np
from scipy.special import lambertw

from ltvkit.hypotheses.effects.estimates import LEVEL


def confidence_sequence(
    effect: float, se: float, *, planned: float, scale: float = 1
) -> tuple[float, float, float]:
    """The 95% interval of `effect` and its p, valid at all looks together.

    `planned` is the standard error expected for the end, known before the start: where the
    interval is to be narrowest. `scale`, for a figure per something that grows too (value per
    order), is how much of it there is per customer by now. NaN where either error is not known.

    >>> low, high, p = confidence_sequence(1.0, 0.5, planned=0.5)  # for one look: 0.02 to 1.98
    >>> f"{low:.2f} to {high:.2f}"
    '-0.52 to 2.52'
    """
    if not planned > 0 or not se > 0:
        return np.nan, np.nan, np.nan
    alpha = 1 - LEVEL
    spread = (se * scale) ** 2
    tuned = (planned * scale) ** 2 / (-lambertw(-(alpha**2) / np.e, -1).real - 1)
    reach = np.sqrt((spread + tuned) * (np.log((spread + tuned) / tuned) - 2 * np.log(alpha)))
    away = (effect * scale) ** 2 / (2 * (spread + tuned))
    p = min(1.0, float(np.sqrt((spread + tuned) / tuned) * np.exp(-away)))
    return float(effect - reach / scale), float(effect + reach / scale), p
