"""Whether a comparison may be trusted: what must hold, and whether it does."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy

from ltvkit.core.i18n import N_
from ltvkit.display import formats
from ltvkit.hypotheses import precision
from ltvkit.hypotheses.effects import comparisons, outcomes, placebo
from ltvkit.hypotheses.effects.comparisons import Comparison
from ltvkit.hypotheses.effects.customer_days import Histories
from ltvkit.hypotheses.effects.estimates import BUYERS, FEWEST, Estimate, orthogonalize
from ltvkit.hypotheses.effects.placebo import NaturalChange
from ltvkit.hypotheses.hypothesis import Hypothesis
from ltvkit.hypotheses.texts import fill

RATIO, BALANCE, TREND = N_("sample ratio"), N_("balance"), N_("parallel trend")
ROBUST, SIZE, OTHERS = N_("robustness"), N_("size"), N_("other measures")
NATURAL, REGISTERED, OUTCOMES = N_("natural change"), N_("registered"), N_("outcomes")
LOST = 0.05  # share of a list that may be missing from the orders
BROKEN = 0.001  # p of the counts or of the balance below which no chance is blamed
COVARIATES = ("revenue", "orders", "recency_days", "tenure_days")


class Check(NamedTuple):
    """One check: whether it `holds` (None: not known), and what was found, in words."""

    check: str
    holds: bool | None
    found: str


def run_checks(
    compared: Comparison, hypothesis: Hypothesis, estimate: Estimate, natural: NaturalChange
) -> list[Check]:
    """The checks of a comparison; `estimate` and `natural` are of the metric that decides."""
    if compared.kind == "randomized":
        checks = [check_ratio(compared, hypothesis), check_balance(compared)]
    elif compared.kind == "control_segment":
        checks = [check_trend(natural)]
        checks += [check_replays(natural, hypothesis)] if hypothesis.lists else []
    else:
        checks = [check_replays(natural, hypothesis)]
    checks += check_outcomes(compared)
    checks += [check_registration(hypothesis), check_robustness(estimate, hypothesis.metric)]
    return checks if estimate.sufficient else [*checks, check_size(estimate, compared)]


def check_ratio(compared: Comparison, hypothesis: Hypothesis) -> Check:
    """Sample ratio: are there as many treated and control customers as planned?

    All customers of the list count; in a sample, the number of those without an order is estimated.
    """
    share, (histories, _kind, groups, _window) = hypothesis.treated_share, compared
    counts = np.array(comparisons.count_groups(histories, hypothesis, groups))
    planned = counts.sum() * np.array([share, 1 - share])
    p = float(scipy.stats.chisquare(counts, planned).pvalue)
    found = fill("ratio", treated=counts[0], control=counts[1], share=share, p=_describe_p(p))
    missing = int((np.concatenate(groups) >= len(histories.ids)).sum())
    missing = histories.scale_up(missing, hypothesis.assigned["customer_id"])
    if missing:
        found += fill("missing", n=missing)
    # Customers selected by what they bought are in the orders, unless their ids differ.
    strange = hypothesis.target.rule != "customers" and missing > LOST * counts.sum()
    return Check(RATIO, p >= BROKEN and not strange, found)


def check_balance(compared: Comparison) -> Check:
    """Were both groups alike before the start? All covariates together, and the largest gap."""
    from statsmodels.regression.linear_model import OLS

    who = np.concatenate(compared.groups)
    rows = read_covariates(compared.histories, who, compared.window.start - 1)
    treated = np.repeat([1.0, 0.0], [len(group) for group in compared.groups])
    design = np.column_stack([np.ones(len(rows)), orthogonalize(rows.to_numpy())])
    enough = len(design) > 2 * design.shape[1] > 2
    p = float(OLS(treated, design).fit().f_pvalue) if enough else 1.0
    scaled = rows / rows.std().replace(0, np.nan)
    apart = (scaled[treated == 1].mean() - scaled[treated == 0].mean()).abs().fillna(0.0)
    d, measure = formats.number(apart.max(), decimals=2), formats.label_inside(apart.idxmax())
    return Check(BALANCE, p >= BROKEN, fill("balance", d=d, measure=measure, p=_describe_p(p)))


def read_covariates(histories: Histories, who: np.ndarray, day: int) -> pd.DataFrame:
    """The `COVARIATES` of customers at the end of a day, a row each."""
    known = histories.customers_on(day).set_index("customer_id")
    never = {"revenue": 0.0, "orders": 0.0, **known[["recency_days", "tenure_days"]].max()}
    return known.reindex(who)[list(COVARIATES)].fillna(never)


def check_trend(natural: NaturalChange) -> Check:
    """Parallel trend: did both groups move alike on past dates?"""
    n, p = len(natural.table), natural.trend_p
    if not natural.enough:
        return Check(TREND, None, fill("trend_unknown", n=n, needed=placebo.FEWEST_REPLAYS))
    alike = p >= placebo.TREND
    found = fill("trend_alike" if alike else "trend_apart", n=n, p=_describe_p(p))
    return Check(TREND, alike, found + _describe_overlap(natural))


def check_replays(natural: NaturalChange, hypothesis: Hypothesis) -> Check:
    """Are there enough replays to know what would have happened anyway?"""
    n, needed = len(natural.table), placebo.FEWEST_REPLAYS
    if not hypothesis.lists:
        found = fill("replays", n=n, needed=needed)
    else:
        found = _describe_matches(natural)
    return Check(NATURAL, natural.enough, found + _describe_overlap(natural))


def _describe_matches(natural: NaturalChange) -> str:
    """On how many past dates customers resembled those of a list, and in what they differed."""
    tried, needed = natural.matches, placebo.FEWEST_REPLAYS
    alike = [one for one in tried if one.alike]
    if len(tried) < needed:
        return fill("few_dates", n=len(tried), needed=needed)
    name = "list_alike" if natural.enough else "list_unlike"
    shown = alike if natural.enough else [one for one in tried if not one.alike] or tried
    worst = max(shown, key=lambda one: one.gap)
    words = {"d": formats.number(worst.gap, decimals=2), "needed": needed}
    feature = formats.label_inside(worst.feature)
    return fill(name, n=len(alike), of=len(tried), measure=feature, **words)


def check_robustness(estimate: Estimate, metric: str) -> Check:
    """Does the sign of the observed change hold when customers are re-sampled?

    Not known where both intervals hold zero: then there is no sign.
    """
    ends = estimate.bootstrap()
    shown = precision.of_values(metric, ends, [0.0], like=map(abs, ends))
    found = fill("bootstrap", low=shown.change(ends[0]), high=shown.change(ends[1]))
    if 0 <= estimate.top_share <= 1:
        found += fill("top_share", share=formats.share(estimate.top_share, decimals=0))
    if estimate.variance_saved > 0.005:
        found += fill("variance_saved", share=formats.share(estimate.variance_saved, decimals=0))
    signs = [np.sign(span).tolist() for span in (estimate.interval, ends)]
    signless = all(low <= 0 <= high for low, high in signs)
    found += fill("no_sign_to_hold") if signless else ""
    known = estimate.sufficient and not signless
    return Check(ROBUST, signs[0] == signs[1] if known else None, found)


def check_size(estimate: Estimate, compared: Comparison) -> Check:
    """There is too little to conclude anything."""
    n, buyers = sum(map(len, compared.groups)), (estimate.sizes > 0).sum()
    return Check(SIZE, False, fill("too_few", n=n, buyers=buyers, least=FEWEST, most=BUYERS))


def check_outcomes(compared: Comparison) -> list[Check]:
    """Was the table of outcomes read whole, and does it reach to the end?"""
    found = []
    for name, outcome in compared.histories.outcomes.items():
        late = compared.window.end - outcome.last > comparisons.LATE
        holds = not late and not outcome.refused
        found.append(Check(OUTCOMES, holds, outcomes.describe(outcome, name)))
    return found


def check_registration(hypothesis: Hypothesis) -> Check:
    """Was it registered before it started, and unchanged since?"""
    record, name = hypothesis.record, "registered"
    if record.registered is None:
        name = "never_registered"
    elif not record.preregistered:
        name = "registered_late" if record.late else "edited"
    return Check(REGISTERED, record.preregistered, fill(name, day=record.registered))


def _describe_overlap(natural: NaturalChange) -> str:
    busy = int(natural.table["busy"].sum())
    return fill("overlap", n=busy) if busy else ""


def _describe_p(p: float) -> str:
    if p < BROKEN:
        return fill("p_small")
    decimals = formats.distinct_decimals([p], [BROKEN, placebo.TREND], least=3)
    return fill("p", p=formats.number(p, decimals=decimals))
