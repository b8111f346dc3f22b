"""How sure a model must be before it answers: a cut chosen on some enquiries, tested on later ones.

The cut of an intent is chosen on one part of the enquiries. A later part, which nothing was chosen
on, tests it once, by the exact binomial bound (C. J. Clopper, E. S. Pearson 1934, Biometrika 26(4),
404-413). Where several intents are tested, each is tested at its part of the error (Bonferroni), so
that all that pass hold what is promised together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

KEPT = 0.95  # of right answers that a cut keeps at most: those least sure are like unknown intents
LIKELY = 0.5  # of passing the test, or an intent is not put to it
MOST_NEEDED = 20_000  # enquiries; who needs more is never sure enough


class Choice(NamedTuple):
    """A cut, how likely it passes its test, and how many enquiries it is expected to answer."""

    cut: float
    power: float
    answers: float


def find_lower(right: float, n: float, *, error: float) -> float:
    """The share that is right, at least, with a confidence of 1 - `error`; 0 where none is.

    >>> round(find_lower(59, 59, error=0.05), 4), find_lower(0, 5, error=0.05)
    (0.9505, 0.0)
    """
    return float(stats.beta.ppf(error, right, n - right + 1)) if right > 0 else 0.0


def count_allowed(n: int, *, promise: float, error: float) -> int:
    """How many of `n` may be wrong for the lower end to reach `promise`; -1: not even none.

    >>> [count_allowed(n, promise=0.95, error=0.05) for n in (58, 59, 92, 93)]
    [-1, 0, 0, 1]
    """
    wrong = int(stats.binom.ppf(error, n, 1 - promise))
    while wrong >= 0 and stats.binom.cdf(wrong, n, 1 - promise) > error:
        wrong -= 1
    return wrong


def count_needed(*, promise: float, error: float, wrong: float = 0.0) -> float:
    """How many tested answers it takes, if the share `wrong` of them is wrong; NaN: no number does.

    >>> count_needed(promise=0.95, error=0.05), count_needed(promise=0.95, error=0.05, wrong=0.01)
    (59.0, 93.0)
    >>> count_needed(promise=0.95, error=0.05, wrong=0.06)
    nan
    """
    if wrong >= 1 - promise:
        return np.nan
    n = np.arange(1, MOST_NEEDED + 1)
    enough = stats.binom.cdf(np.ceil(wrong * n - 1e-9), n, 1 - promise) <= error
    return float(n[enough.argmax()]) if enough.any() else np.nan


def choose_cut(
    sure: np.ndarray, right: np.ndarray, *, times: float, promise: float, error: float
) -> Choice:
    """How sure the model was of enquiries, and whether it was right -> the cut at which most
    answers are expected to pass a test on `times` as many enquiries; it gives up 5% of those that
    are right, as texts of unknown intents are among them.

    Expected answers are the enquiries at or above the cut, times their chance to pass; of equal
    ones the highest cut. The share of errors is taken as (errors + 1/2) / (enquiries + 1).
    """
    order = np.argsort(-sure, kind="stable")
    sure, right = sure[order], right[order]
    last = np.append(sure[1:] != sure[:-1], True)[: len(sure)]  # as sure of one another: together
    n = np.arange(1, len(sure) + 1)[last]
    wrong = np.cumsum(~right)[last]
    inside = np.append(0, (n - wrong)[:-1]) < KEPT * right.sum()
    tested = np.floor(n * times).astype(int)
    allowed = np.array([count_allowed(k, promise=promise, error=error) for k in tested])
    power = stats.binom.cdf(allowed, tested, (wrong + 0.5) / (n + 1))
    best = int(np.argmax(tested * power * inside)) if len(n) else -1
    if best < 0 or power[best] <= 0:
        return Choice(np.inf, 0.0, 0.0)
    return Choice(float(sure[last][best]), float(power[best]), float(tested[best]))


def choose_cuts(
    parts: dict[str, tuple[np.ndarray, np.ndarray]], *, times: float, promise: float, error: float
) -> dict[str, Choice]:
    """For each intent how sure and whether right (see `choose_cut`) -> those to put to the test.

    The more are tested, the less error each may take: as many as possible of which each passes with
    a chance of a half or more.
    """
    for n in range(len(parts), 0, -1):
        chosen = {
            name: choose_cut(sure, right, times=times, promise=promise, error=error / n)
            for name, (sure, right) in sorted(parts.items())
        }
        likely = {name: one for name, one in chosen.items() if one.power >= LIKELY}
        if len(likely) >= n:
            return likely
    return {}
