"""Whether a comparison may be trusted: what must hold, and whether it does."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from ltvkit import formats
from ltvkit.hypotheses import replays
from ltvkit.hypotheses.comparisons import Groups, Window
from ltvkit.hypotheses.estimates import independent
from ltvkit.hypotheses.histories import Histories
from ltvkit.hypotheses.hypothesis import Hypothesis
from ltvkit.i18n import N_, _

RATIO, BALANCE, TREND = N_("sample ratio"), N_("balance"), N_("parallel trend")
PAST, REGISTERED = N_("natural change"), N_("registered")
BROKEN = 0.001  # p of the counts or of the balance below which no chance is blamed
COVARIATES = ("revenue", "orders", "recency_days", "tenure_days")


class Check(NamedTuple):
    """One check: whether it `holds` (None: not known), and what was found, in words."""

    check: str
    holds: bool | None
    found: str


def ratio(found: Groups, hypothesis: Hypothesis) -> Check:
    """Sample ratio: are there as many treated and control customers as were to be drawn?"""
    share = hypothesis.treated_share
    counts = np.array([len(found.treated), len(found.control)])
    planned = counts.sum() * np.array([share, 1 - share])
    p = float(stats.chisquare(counts, planned).pvalue)
    text = _("{treated} treated and {control} control customers; {share} were to be treated")
    said = text.format(
        treated=formats.count(counts[0]),
        control=formats.count(counts[1]),
        share=formats.share(share),
    )
    if lost := len(hypothesis.assigned) - counts.sum():
        text = _("{n} of the list are not in the orders")
        said += "; " + text.format(n=formats.count(lost))
    return Check(RATIO, p >= BROKEN, f"{said}, {_p(p)}")


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
    return known.reindex(who)[list(COVARIATES)].fillna(0.0)


def trend(natural: replays.Natural) -> Check:
    """Did both groups move alike at other times?"""
    n = len(natural.table)
    if not natural.enough:
        text = _("{n} past dates to look at, {needed} are needed")
        return Check(TREND, None, text.format(n=n, needed=replays.ENOUGH))
    text = _("on {n} past dates both groups moved alike, {p}")
    if natural.trend_p < replays.TREND:
        text = _("on {n} past dates the groups moved apart without any measure, {p}")
    said = text.format(n=n, p=_p(natural.trend_p))
    return Check(TREND, natural.trend_p >= replays.TREND, said)


def past(natural: replays.Natural, hypothesis: Hypothesis) -> Check:
    """Are there enough replays to know what would have happened anyway?"""
    text = _("{n} past dates with the same rule and as many days; {needed} are needed")
    if hypothesis.target.rule == "customers":
        text = _("a list cannot be drawn up again for past dates: the natural change is unknown")
    said = text.format(n=len(natural.table), needed=replays.ENOUGH)
    return Check(PAST, natural.enough, said)


def registration(hypothesis: Hypothesis) -> Check:
    """Was it written down before it began, and left alone since?"""
    known = hypothesis.standing
    if known.registered is None:
        return Check(
            REGISTERED, False, _("never registered: it may have been written after the fact")
        )
    text = _("on {day}, before the start")
    if known.late:
        text = _("on {day}, after the start: the result may have been known")
    elif known.edited:
        text = _("on {day}; edited after its start")
    holds = not (known.late or known.edited)
    return Check(REGISTERED, holds, text.format(day=formats.date(known.registered)))


def _p(p: float) -> str:
    return _("p = {p}").format(p=formats.number(p, decimals=3)) if p >= 0.001 else _("p < 0.001")
