"""Whether a comparison may be trusted: what must hold, and whether it does."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy

from ltvkit.core.i18n import N_, _
from ltvkit.display import formats
from ltvkit.hypotheses.effects import comparisons, placebo
from ltvkit.hypotheses.effects.comparisons import Groups, Window
from ltvkit.hypotheses.effects.customer_days import Histories
from ltvkit.hypotheses.effects.estimates import BUYERS, FEWEST, Estimate, independent
from ltvkit.hypotheses.hypothesis import Hypothesis

RATIO, BALANCE, TREND = N_("sample ratio"), N_("balance"), N_("parallel trend")
ROBUST, SIZE, OTHERS = N_("robustness"), N_("size"), N_("other measures")
PAST, REGISTERED = N_("natural change"), N_("registered")
LOST = 0.05  # share of a list that may be missing from the orders
BROKEN = 0.001  # p of the counts or of the balance below which no chance is blamed
COVARIATES = ("revenue", "orders", "recency_days", "tenure_days")


class Check(NamedTuple):
    """One check: whether it `holds` (None: not known), and what was found, in words."""

    check: str
    holds: bool | None
    found: str


def ratio(histories: Histories, found: Groups, hypothesis: Hypothesis) -> Check:
    """Sample ratio: are there as many treated and control customers as were to be drawn?

    All of the list are counted; how many of them are not in the orders is told by those found.
    """
    share = hypothesis.treated_share
    counts = np.array(comparisons.sizes(histories, hypothesis, found))
    planned = counts.sum() * np.array([share, 1 - share])
    p = float(scipy.stats.chisquare(counts, planned).pvalue)
    text = _("{treated} treated and {control} control customers; {share} were to be treated")
    said = text.format(
        treated=formats.count(counts[0]),
        control=formats.count(counts[1]),
        share=formats.share(share),
    )
    said += f", {_p(p)}"
    lost = histories.raised(
        int((np.concatenate(found) >= len(histories.ids)).sum()),
        hypothesis.assigned["customer_id"],
    )
    if lost:
        text = _("{n} of the list are not in the orders")
        said += "; " + text.format(n=formats.count(lost))
    # Who was picked by what they bought is in the orders, or their ids are written otherwise.
    strange = hypothesis.target.rule != "customers" and lost > LOST * counts.sum()
    return Check(RATIO, p >= BROKEN and not strange, said)


def balance(histories: Histories, found: Groups, days: Window) -> Check:
    """Were both groups alike before the start? Together, and by the largest difference."""
    from statsmodels.regression.linear_model import OLS

    rows = covariates(histories, np.concatenate(found), days)
    given = np.repeat([1.0, 0.0], [len(group) for group in found])
    design = np.column_stack([np.ones(len(rows)), independent(rows.to_numpy())])
    enough = len(design) > 2 * design.shape[1] > 2
    p = float(OLS(given, design).fit().f_pvalue) if enough else 1.0
    scaled = rows / rows.std().replace(0, np.nan)
    apart = (scaled[given == 1].mean() - scaled[given == 0].mean()).abs().fillna(0.0)
    text = _("largest difference before the start: {d} standard deviations of {measure}")
    said = text.format(
        d=formats.number(apart.max(), decimals=2), measure=formats.label(apart.idxmax()).lower()
    )
    return Check(BALANCE, p >= BROKEN, f"{said}, {_p(p)}")


def covariates(histories: Histories, who: np.ndarray, days: Window) -> pd.DataFrame:
    """What was known of customers on the day before the start, a row each."""
    known = histories.known(days.start - 1).set_index("customer_id")
    never = {"revenue": 0.0, "orders": 0.0, **known[["recency_days", "tenure_days"]].max()}
    return known.reindex(who)[list(COVARIATES)].fillna(never)


def trend(natural: placebo.Natural) -> Check:
    """Did both groups move alike at other times?"""
    n = len(natural.table)
    if not natural.enough:
        text = _("{n} past dates to look at, {needed} are needed")
        return Check(TREND, None, text.format(n=n, needed=placebo.ENOUGH))
    text = _("on {n} past dates both groups moved alike, {p}")
    if natural.trend_p < placebo.TREND:
        text = _("on {n} past dates the groups moved apart without this measure, {p}")
    said = text.format(n=n, p=_p(natural.trend_p))
    return Check(TREND, natural.trend_p >= placebo.TREND, said + _busy(natural))


def past(natural: placebo.Natural, hypothesis: Hypothesis) -> Check:
    """Are there enough replays to know what would have happened anyway?"""
    text = _("{n} past dates with the same rule and as many days; {needed} are needed")
    if hypothesis.target.rule == "customers":
        text = _("a list cannot be drawn up again for past dates: the natural change is unknown")
    said = text.format(n=len(natural.table), needed=placebo.ENOUGH)
    return Check(PAST, natural.enough, said + _busy(natural))


def robustness(made: Estimate, metric: str) -> Check:
    """Does the change as it stands rest on a few, or on the form of the error?"""
    low, high = made.bootstrap()
    ends = [formats.difference(x, metric) for x in (low, high)]
    text = _("drawn anew, {low} to {high}").format(low=ends[0], high=ends[1])
    if 0 <= made.top_share <= 1:
        more = _("{share} of the change is due to the 1% who bought most")
        text += "; " + more.format(share=formats.share(made.top_share, decimals=0))
    if made.variance_saved > 0.005:
        more = _("knowing the time before saved {share} of the variance")
        text += "; " + more.format(share=formats.share(made.variance_saved, decimals=0))
    alike = [np.sign(x) for x in made.interval] == [np.sign(low), np.sign(high)]
    return Check(ROBUST, alike if made.settled else None, text)


def size(made: Estimate, found: Groups) -> list[Check]:
    """Only where there is too little to conclude anything from."""
    if made.settled:
        return []
    text = _(
        "{n} customers, {buyers} of them bought; {least} of a group and {most} buyers are needed"
    )
    said = text.format(
        n=formats.count(sum(map(len, found))),
        buyers=formats.count((made.sizes > 0).sum()),
        least=FEWEST,
        most=BUYERS,
    )
    return [Check(SIZE, False, said)]


def _busy(natural: placebo.Natural) -> str:
    met = int(natural.table["busy"].sum())
    text = _("; another measure ran on {n} of them")
    return text.format(n=met) if met else ""


def registration(hypothesis: Hypothesis) -> Check:
    """Was it written down before it began, and left alone since?"""
    known = hypothesis.standing
    if known.registered is None:
        return Check(
            REGISTERED, False, _("never registered: it may have been written after the fact")
        )
    text = _("on {day}, by the start")
    if known.late:
        text = _("on {day}, not before the start: the result may have been known")
    elif known.edited:
        text = _("on {day}; edited after its start")
    return Check(REGISTERED, known.in_time, text.format(day=formats.date(known.registered)))


def _p(p: float) -> str:
    return _("p = {p}").format(p=formats.number(p, decimals=3)) if p >= 0.001 else _("p < 0.001")
