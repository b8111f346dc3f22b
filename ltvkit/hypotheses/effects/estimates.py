"""An effect, and how far chance alone could have brought it.

Every comparison is a signed sum of group figures: treated after - treated before, or that minus
the same of a control. `contrast` adds them up, customer by customer, so that one who stands in
several groups (before and after; this year and last) is counted as one, and the error is robust
against unequal spread.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import scipy

LEVEL = 0.95  # of every interval
MAX_LEVERAGE = 0.5  # leverage from which a fitted value follows one customer more than all others
PER_SLOPE = 20  # customers of a group for each slope, or none is fitted
DRAWS = 1000  # of the bootstrap
FEWEST, BUYERS = 30, 10  # customers of a group, and buyers in all, to conclude anything from
TOP = 0.01  # share of customers whose part of the effect is told
_TAIL, _CELLS = 200, 400  # of many customers, the largest one by one, the rest in cells


class Term(NamedTuple):
    """One figure of a comparison: +1 or -1, the customers, and the two columns it is counted by."""

    sign: int
    who: np.ndarray
    parts: np.ndarray

    @property
    def figure(self) -> float:
        """The group's figure: sum by sum; NaN where there is nothing to count by."""
        of, per = self.parts.sum(axis=0)
        return float(of / per) if per else float("nan")

    @property
    def each(self) -> np.ndarray:
        """Each customer's value, so that their mean is the figure (the delta method)."""
        of, per = self.parts.T
        return self.figure + (of - self.figure * per) / (per.mean() or np.nan)


@dataclass(frozen=True)
class Estimate:
    """An effect with its standard error, and what each customer adds to it.

    One row per customer of `who`: `contributions` add up to `effect`; the squares of `influence`
    (how far each customer moves the effect) add up to the variance; customers of the same `groups`
    are drawn together; `sizes` is how much each brought, or cost. `unadjusted_se` is the standard
    error without the covariates.
    """

    effect: float
    se: float
    df: float
    who: np.ndarray
    contributions: np.ndarray
    influence: np.ndarray
    groups: np.ndarray
    sizes: np.ndarray
    unadjusted_se: float

    @property
    def p(self) -> float:
        """Two-sided, against no effect at all."""
        return t_test(self.effect, self.se, self.df)

    @property
    def interval(self) -> tuple[float, float]:
        """95%, by the t distribution."""
        return t_interval(self.effect, self.se, self.df)

    @property
    def sufficient(self) -> bool:
        """Whether there are enough customers in each group, enough buyers, and some variation."""
        least = np.unique(self.groups, return_counts=True)[1].min()
        buyers = (self.sizes > 0).sum()
        varies = self.se > 1e-9 * max(abs(self.effect), np.abs(self.contributions).max())
        return bool(least >= FEWEST and buyers >= BUYERS and varies)

    @property
    def variance_saved(self) -> float:
        """The share of the variance that the covariates have taken away."""
        return 1 - (self.se / self.unadjusted_se) ** 2 if self.unadjusted_se else np.nan

    @property
    def top_share(self) -> float:
        """The part of the effect that is due to the 1% of customers who bought most, and those who
        bought as much. NaN where these are more than 2%, as in a rate: nobody bought most; and of
        fewer than 100 customers, of whom nobody is 1%.
        """
        if TOP * len(self.sizes) < 1:
            return np.nan
        most = round(TOP * len(self.sizes))
        top = self.sizes >= -np.partition(-self.sizes, most - 1)[most - 1]
        if top.sum() > 2 * most or not self.effect:
            return np.nan
        return float(self.contributions[top].sum() / self.effect)

    def bootstrap(self, *, draws: int = DRAWS, seed: int = 1) -> tuple[float, float]:
        """The 95% percentile interval when customers are re-sampled within their groups."""
        rng = np.random.default_rng(seed)
        drawn = np.full(draws, self.effect)
        for group in np.unique(self.groups):
            influence = self.influence[self.groups == group]
            values, counts = _group_values(influence - influence.mean())
            drawn += rng.multinomial(counts.sum(), counts / counts.sum(), size=draws) @ values
        low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return float(low), float(high)


def contrast(terms: Iterable[Term]) -> Estimate:
    """Signed figures of groups -> their sum as an `Estimate`.

    The variance is that of a sum over customers of what each adds, centred within its groups and
    scaled by n / (n - 1): of two groups it is Welch's, of a before and an after that of pairs.
    """
    terms = list(terms)
    who, at = _positions([t.who for t in terms])
    signed = [(t.sign, t.each) for t in terms]
    contributions = _by_customer(at, [sign * each / len(each) for sign, each in signed])
    influence = _by_customer(
        at, [s * (u - u.mean()) / np.sqrt(len(u) * max(len(u) - 1, 1)) for s, u in signed]
    )
    sizes, brought = np.zeros(len(who)), np.concatenate([t.parts[:, 0] for t in terms])
    np.maximum.at(sizes, at, np.abs(brought))
    groups = _code_terms(at, [len(t.who) for t in terms], len(who))
    se = float(np.sqrt((influence**2).sum()))
    return Estimate(
        effect=sum(t.sign * t.figure for t in terms),
        se=se,
        df=_degrees_of_freedom(influence, groups),
        who=who,
        contributions=contributions,
        influence=influence,
        groups=groups,
        sizes=sizes,
        unadjusted_se=se,
    )


def adjust(treated: Term, control: Term, before: Sequence[Sequence[np.ndarray]]) -> Estimate:
    """Two groups drawn at random -> their difference, what was known `before` taken out.

    `before`: for the treated and for the control, blocks of covariates, the most telling first;
    the first of them are used that leave enough customers for each slope, and in which nobody
    stands alone (a leverage of more than a half). The regression
    has a slope per group on centred covariates (ANCOVA with interactions; one covariate and one
    slope would be CUPED), and errors robust against unequal spread (HC3).

    Sources: Deng, Xu, Kohavi & Walker (2013), WSDM, 123-132; Lin (2013), Annals of Applied
    Statistics 7(1), 295-318.
    """
    from statsmodels.regression.linear_model import OLS

    plain = contrast([treated, control])
    outcome = np.r_[treated.each, control.each]
    given = np.repeat([1.0, 0.0], [len(treated.who), len(control.who)])
    known, leverage = _choose_covariates(before, given)
    design = _design(known, given)
    fitted = OLS(outcome, design).fit(cov_type="HC3", use_t=True)
    slopes = fitted.params[2:].reshape(2, -1)
    rest = outcome - known @ slopes[0] - given * (known @ slopes[1])
    signed = np.where(given == 1, 1 / len(treated.who), -1 / len(control.who)) * rest
    influence = fitted.model.pinv_wexog[1] * fitted.resid / (1 - leverage)
    order = np.argsort(np.r_[treated.who, control.who])
    return replace(
        plain,
        effect=float(fitted.params[1]),
        se=float(fitted.bse[1]),
        df=float(fitted.df_resid),
        contributions=signed[order],
        influence=influence[order],
    )


def _choose_covariates(
    before: Sequence[Sequence[np.ndarray]], given: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The first blocks of covariates that both groups can carry, and each customer's leverage."""
    blocks = [np.vstack(pair) for pair in zip(*before, strict=True)]
    customers = min(given.sum(), (1 - given).sum())
    for n in range(len(blocks), 0, -1):
        known = orthogonalize(np.hstack(blocks[:n]))
        if customers >= PER_SLOPE * known.shape[1]:
            basis, weights, _rest = np.linalg.svd(_design(known, given), full_matrices=False)
            leverage = (basis**2).sum(axis=1)
            if weights.min() > 1e-6 * weights.max() and leverage.max() <= MAX_LEVERAGE:
                return known, leverage
    sizes = np.where(given == 1, given.sum(), (1 - given).sum())
    return np.empty((len(given), 0)), 1 / sizes


def _design(known: np.ndarray, given: np.ndarray) -> np.ndarray:
    """A level and a slope per covariate, for each of the two groups."""
    return np.column_stack([np.ones_like(given), given, known, known * given[:, None]])


def orthogonalize(columns: np.ndarray) -> np.ndarray:
    """Covariates -> as many columns as say something of their own, centred, of spread 1."""
    varied = columns[:, columns.std(axis=0) > 0]
    scaled = (varied - varied.mean(axis=0)) / varied.std(axis=0)
    basis, weights, _rest = np.linalg.svd(scaled, full_matrices=False)
    return basis[:, weights > 1e-8 * weights.max(initial=0)] * np.sqrt(len(columns))


def t_interval(effect: float, se: float, df: float) -> tuple[float, float]:
    """The 95% interval of an effect with this standard error, by the t distribution."""
    reach = scipy.stats.t.ppf((1 + LEVEL) / 2, df) * se
    return float(effect - reach), float(effect + reach)


def t_test(effect: float, se: float, df: float) -> float:
    """Two-sided, against no effect at all; NaN where nothing varies."""
    return float(2 * scipy.stats.t.sf(abs(effect) / se, df)) if se > 0 else np.nan


def _degrees_of_freedom(influence: np.ndarray, groups: np.ndarray) -> float:
    """Degrees of freedom of a sum of independent groups (Welch and Satterthwaite)."""
    _names, at, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    parts = np.bincount(at, weights=influence**2)
    rest = (parts**2 / np.maximum(sizes - 1, 1)).sum()
    return float(parts.sum() ** 2 / rest) if rest else float(max(len(influence) - len(sizes), 1))


def _positions(groups: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Who is in any of the groups, in order, and where each member stands among them."""
    joined = np.concatenate(groups)
    there = np.zeros(joined.max() + 1, dtype=bool)
    there[joined] = True
    return np.flatnonzero(there), (np.cumsum(there) - 1)[joined]


def _code_terms(at: np.ndarray, lengths: list[int], size: int) -> np.ndarray:
    """By customer, a number for the terms they stand in; those of the same are drawn together."""
    codes = np.zeros(size)
    for n, members in enumerate(np.split(at, np.cumsum(lengths)[:-1])):
        codes[np.unique(members)] += 2.0**n  # once, also where a match stands in a term twice
    return codes


def _by_customer(at: np.ndarray, values: list[np.ndarray]) -> np.ndarray:
    return np.bincount(at, weights=np.concatenate(values))


def _group_values(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct values and how many have each; of many, the middle in cells."""
    values, counts = np.unique(values, return_counts=True)
    middle = slice(_TAIL, len(values) - _TAIL)
    if len(values) <= 2 * _TAIL + _CELLS:
        return values, counts
    cells = np.array_split(np.arange(len(values))[middle], _CELLS)
    starts = np.array([c[0] for c in cells]) - _TAIL
    n = np.add.reduceat(counts[middle], starts)
    means = np.add.reduceat((values * counts)[middle], starts) / n
    joined = [values[:_TAIL], means, values[-_TAIL:]]
    return np.concatenate(joined), np.concatenate([counts[:_TAIL], n, counts[-_TAIL:]])
