"""Placebo replays: the same comparison on past dates, when nothing was done.

Customers selected for a low figure tend to rise, and those selected for a high one to fall,
whatever is done (regression to the mean); and months differ. What the same rule and the same number
of days gave at other times is the natural change, and how much it varies is the error.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import scipy

from ltvkit import periods
from ltvkit.hypotheses.effects import comparisons, matching
from ltvkit.hypotheses.effects.comparisons import Comparison, Window
from ltvkit.hypotheses.effects.customer_days import Histories
from ltvkit.hypotheses.effects.estimates import FEWEST, contrast, t_interval, t_test
from ltvkit.hypotheses.effects.matching import Match
from ltvkit.hypotheses.hypothesis import Hypothesis

FEWEST_REPLAYS = 6  # replays, to know a natural change, how it drifts and how it varies
MOST_REPLAYS = 12
TREND = 0.05  # below this p, the past says that the two groups do not move alike


@dataclass(frozen=True)
class NaturalChange:
    """The results of replays: `table` has back (days earlier), start, customers, change, se, busy
    (another measure ran).

    `change` is what a line through them, weighted by their precision, predicts for the time of the
    measure (natural changes drift as a shop grows older), with its error `se`; `spread` is how much
    more they vary than the customers in them account for (1: no more). `matches` has, for lists
    that were not drawn, what resembled them on each date that was tried (see `matching`).
    """

    table: pd.DataFrame
    change: float = np.nan
    se: float = np.nan
    spread: float = np.nan
    matches: tuple[Match, ...] = ()

    @property
    def enough(self) -> bool:
        """Whether there are enough of them."""
        return len(self.table) >= FEWEST_REPLAYS

    def subtract(self, effect: float, se: float) -> tuple[float, float, float, float]:
        """A change with its error -> effect, lowest, highest, p without the natural change.

        If nothing was done, it is one more draw from where the replays came from.
        """
        rest, error = effect - self.change, self.error(se)
        return (rest, *t_interval(rest, error, self.df), t_test(rest, error, self.df))

    def error(self, se: float) -> float:
        """The error of what is left of a change whose own is `se`."""
        return float(np.sqrt(self.spread * se**2 + self.se**2))

    @property
    def df(self) -> int:
        """Degrees of freedom: replays, less the two ends of the line through them."""
        return len(self.table) - 2

    @property
    def trend_p(self) -> float:
        """The p-value of the replays under the hypothesis that both groups move alike.

        Two tests, combined by Bonferroni: do replays vary more than their customers account for,
        and does the line through them lead to a change now? Neighbouring replays share a window
        with opposite signs, so they are correlated at -1/2; their sum of squares is compared with
        a chi-squared distribution of the same mean and variance (Satterthwaite).
        """
        if not self.enough:
            return np.nan
        n, z = len(self.table), self.table["change"] / self.table["se"]
        scale = (3 * n - 1) / (2 * n)
        stray = float(scipy.stats.chi2.sf((z**2).sum() / scale, n / scale))
        return min(1.0, 2 * min(stray, t_test(self.change, self.se, self.df)))


def replay(
    histories: Histories,
    hypothesis: Hypothesis,
    metrics: Iterable[str],
    *,
    days: Window,
    busy: Sequence[Window] = (),
) -> dict[str, NaturalChange]:
    """A hypothesis -> for each metric, the natural change.

    Replays lie whole windows apart, rounded up to weeks so that weekdays match, the latest twelve
    that the orders reach. Those in a time when another measure ran (`busy`) are left out where
    enough are left without them.
    """
    rows: dict[str, list] = {metric: [] for metric in metrics}
    matches: list[Match] = []
    for back, met in _choose_dates(histories, hypothesis, days, busy):
        matches += _match_lists(histories, hypothesis, back, days.days)
        found = comparisons.select_groups(histories, hypothesis, back=back, length=days.days)
        if len(found.treated) < FEWEST or 0 < len(found.control) < FEWEST:
            continue
        compared = Comparison(histories, hypothesis.comparison, found, days.back(back))
        earliest = compared.window.start - comparisons.lookback_days(compared.kind, days.days)
        for metric, kept in rows.items():
            if earliest < histories.first_day(metric):
                continue
            made = contrast(compared.terms(metric))
            change = made.effect + _correct(compared, hypothesis, metric, days)
            if made.se > 0 and np.isfinite(change):
                size = len(found.treated)
                kept.append((back, days.start - back, size, change, made.se, met))
    known = days.start - histories.first - comparisons.lookback_days(hypothesis.comparison, 0)
    fitted = {metric: _fit(kept, known=known) for metric, kept in rows.items()}
    return {metric: replace(one, matches=tuple(matches)) for metric, one in fitted.items()}


def _correct(past: Comparison, hypothesis: Hypothesis, metric: str, days: Window) -> float:
    """What is added to a change on a past date, so that it begins at the level of the list itself.

    Nobody of the past resembles a list to the last yen, and who had bought a little less before it
    rises by so much more: after a match, only what came after it is taken from the past.
    """
    if past.kind not in ("before_after", "control_segment"):
        return 0.0
    now, rest = comparisons.select_groups(past.histories, hypothesis), 0.0
    for target, who, like, sign in zip(
        (hypothesis.target, hypothesis.control), now, past.groups, (1, -1), strict=True
    ):
        if target in hypothesis.lists:
            before = past.term(metric, like, past.window.before).figure
            rest += sign * (before - past.term(metric, who, days.before).figure)
    return rest


def _match_lists(
    histories: Histories, hypothesis: Hypothesis, back: int, length: int
) -> list[Match]:
    """Who resembles the lists of a hypothesis on a past date: of two lists, the worse match."""
    on, lists = periods.number_of(hypothesis.selected), hypothesis.lists
    each = [matching.match(histories, one, on=on, back=back, length=length) for one in lists]
    return [max(each, key=lambda one: one.gap)] if each else []


def _choose_dates(
    histories: Histories, hypothesis: Hypothesis, days: Window, busy: Sequence[Window]
) -> list[tuple[int, bool]]:
    """How far back replays lie, and whether another measure ran then."""
    if hypothesis.comparison == "randomized":
        return []
    step = -(-days.days // 7) * 7
    # As many days before the first, to know customers by.
    further = days.days + comparisons.lookback_days(hypothesis.comparison, 0)
    reach = days.before.start - histories.first - further
    over = days.end - histories.last  # before the measure, the last of them may be yet to come
    every = [back for back in range(step, max(reach, 0) + 1, step) if back >= over][:MOST_REPLAYS]
    whole = Window(days.before.start, days.end)
    dates = [(back, any(map(whole.back(back).meets, busy))) for back in every]
    quiet = [date for date in dates if not date[1]]
    return quiet if len(quiet) >= FEWEST_REPLAYS else dates


def _fit(rows: list, *, known: int) -> NaturalChange:
    """`known`: days of orders before the measure; replays have fewer.

    Among customers selected by a rule, the share of new ones falls as 1 / days known, and the
    natural change with it: the line is fitted over that.
    """
    from statsmodels.regression.linear_model import WLS

    table = pd.DataFrame(rows, columns=["back", "start", "customers", "change", "se", "busy"])
    if len(table) < FEWEST_REPLAYS:
        return NaturalChange(table)
    aside = 1 / (known - table["back"]) - 1 / known
    line = np.column_stack([np.ones(len(table)), aside])
    fitted = WLS(table["change"].to_numpy(), line, weights=table["se"] ** -2).fit()
    return NaturalChange(table, float(fitted.params[0]), float(fitted.bse[0]), float(fitted.scale))
