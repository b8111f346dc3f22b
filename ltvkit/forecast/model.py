"""Fitting: the customer table -> a model of how customers buy and of what they spend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit.core.i18n import N_, _
from ltvkit.display import formats
from ltvkit.engines import frames, sampling
from ltvkit.errors import DataError, TooLittleData, one_of
from ltvkit.forecast.models.bg_nbd import BetaGeoFitter, ModifiedBetaGeoFitter
from ltvkit.forecast.models.fitting import settled
from ltvkit.forecast.models.gamma_gamma import GammaGammaFitter
from ltvkit.forecast.models.pareto_nbd import ParetoNBDFitter
from ltvkit.periods import MONTH_DAYS as MONTH

DAYS = {"day": 1.0, "week": 7.0, "month": MONTH}
BUYING = {"bg_nbd": BetaGeoFitter, "mbg_nbd": ModifiedBetaGeoFitter, "pareto_nbd": ParetoNBDFitter}
HISTORY = ["frequency", "t_x_days", "T_days"]
NEEDS = ("purchase_days", "recency_days", "tenure_days", "revenue")
MOST = 1_000_000  # customers to learn from; of more, a sample
MOST_HISTORIES, FITTED = 250_000, 100_000  # distinct; of more, customers stay by the share
FEW = 200  # repeat customers; with fewer, intervals are wide enough to be mentioned
CORRELATED = 0.3  # of purchases and spend; what the literature calls weak ends about here

MEANINGS = {
    "r": N_("how alike customers are in how often they buy (small: very unlike)"),
    "alpha": N_("the time scale of buying; r / alpha is the mean number of purchases per {unit}"),
    "a": N_("with b: the chance to leave after a purchase, a / (a + b) on average"),
    "b": N_("with a: the chance to leave after a purchase, a / (a + b) on average"),
    "s": N_("how alike customers are in how soon they leave (small: very unlike)"),
    "beta": N_("the time scale of leaving; s / beta is the mean rate of leaving per {unit}"),
    "p": N_("how even the amounts of one customer are (large: always about the same)"),
    "q": N_("how alike customers are in what they spend (large: very alike)"),
    "v": N_("the level of spending; p v / (q - 1) is the mean amount per purchase"),
}


class Spending(NamedTuple):
    """Gamma-Gamma (None where it could not be fitted), the mean per purchase, what to mind."""

    fitter: GammaGammaFitter | None
    mean: float
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Fitted:
    """A fitted model: `buying` (a lifetimes fitter, time in `unit`), `spend` (Gamma-Gamma, or
    None where it could not be fitted), `mean_spend` per purchase, and `notes` on what to mind.
    """

    model: str
    unit: str
    buying: Any
    spend: GammaGammaFitter | None
    mean_spend: float
    notes: tuple[str, ...]

    @property
    def table(self) -> pd.DataFrame:
        """parameter, estimate, lowest, highest (95%), meaning."""
        fitters = [f for f in (self.buying, self.spend) if f is not None]
        rows = pd.concat([f.summary for f in fitters]).drop(columns="se(coef)")
        rows.columns = ["estimate", "lowest", "highest"]
        texts = [_(MEANINGS[name]).format(unit=_(self.unit)) for name in rows.index]
        return rows.rename_axis("parameter").assign(meaning=texts).reset_index()

    def against(self, truth: Mapping[str, float]) -> pd.DataFrame:
        """parameter, truth, estimate, lowest, highest: for a sample whose truth is known."""
        known = self.table.assign(truth=self.table["parameter"].map(truth))
        return known[["parameter", "truth", "estimate", "lowest", "highest"]]

    @property
    def text(self) -> str:
        """What to mind about this fit, a line each."""
        name = _("{model}, time in {unit}s.").format(
            model=formats.label(self.model), unit=_(self.unit)
        )
        fine = _("No assumption of the model is visibly broken.")
        return "\n".join([name, *(self.notes or [fine])])

    def spend_of(self, purchases: Any, revenue: Any) -> Any:
        """Expected amount per purchase of customers with so many `purchases` and `revenue`.

        Numbers, arrays or engine expressions; p (v + revenue) / (p purchases + q - 1).
        """
        if self.spend is None:
            return 0 * purchases + self.mean_spend
        p, q, v = self.spend.params_
        return (revenue + v) * p / (purchases * p + (q - 1))


def fit(customers: Any, *, model: str = "bg_nbd", unit: str = "week") -> Fitted:
    """Customers (of `customers.summarize`) -> a fitted model of buying and spending.

    `model`: "bg_nbd", "mbg_nbd" or "pareto_nbd"; time is counted in `unit`: "day", "week" or
    "month" (30.4375 days). A purchase is a day with a purchase; frequency counts those after the
    first. The spend model sees revenue per purchase day, returns netted, first purchase
    included; customers whose returns leave nothing are not in its fit. Only distinct histories
    come back from the engine. Of more than a million customers (see `sampling`), or 250,000
    distinct histories, a sample is fitted, and `notes` say so. Raises `DataError` where the data
    are too few or nothing converges.
    """
    one_of("model", model, BUYING)
    one_of("unit", unit, DAYS)
    some, notes = _some(customers)
    spent = spending(some)
    spent = spent._replace(notes=(*notes, *spent.notes))
    return fit_buying(histories(some), spent, model=model, unit=unit)


def fit_buying(triples: pd.DataFrame, spent: Spending, *, model: str, unit: str) -> Fitted:
    """Distinct histories, and what is known of spending -> a fitted model."""
    buying, some = BUYING[model](), thinned(triples)
    held = not settled(buying, *in_unit(some, unit), weights=some["customers"])
    notes = [*_surprises(model, triples, held=held), *spent.notes]
    n, whole = (int(table["customers"].sum()) for table in (some, triples))
    if n < whole:
        text = _("Fitted to {n} of {whole} customers, drawn at random.")
        notes.append(text.format(n=formats.count(n), whole=formats.count(whole)))
    return Fitted(model, unit, buying, spent.fitter, spent.mean, tuple(notes))


def thinned(triples: pd.DataFrame) -> pd.DataFrame:
    """Distinct histories of a random part of the customers, where there are too many to matter.

    Above `MOST_HISTORIES`, each customer stays with a probability of `FITTED` / histories.
    Histories nearly all differ in a large shop with a long past, and a parameter from so many is
    off by a fraction of a percent, which is far less than the model is.
    """
    if len(triples) <= MOST_HISTORIES:
        return triples
    share = FITTED / len(triples)
    drawn = np.random.default_rng(1).binomial(triples["customers"], share)
    return triples.assign(customers=drawn)[drawn > 0]


def histories(customers: Any) -> pd.DataFrame:
    """Customers -> frequency, t_x_days, T_days, customers, revenue, squares.

    One row per distinct history.

    `frequency`: purchase days after the first; `t_x_days`: from the first to the last;
    `T_days`: from the first to the day of the table; `customers`: how many share it; `revenue`:
    of all of them, each counted as zero at least; `squares`: of these amounts, added up.
    """
    return frames.table(
        with_history(frames.lazy(customers, needs=NEEDS))
        .with_columns(revenue=paid())  # first: in `agg`, narwhals drops a condition on pandas
        .with_columns(squares=nw.col("revenue") * nw.col("revenue"))
        .group_by(HISTORY)
        .agg(nw.col("revenue", "squares").sum(), customers=nw.len())
        .with_columns(frames.exact("revenue", "squares"))
        .select(*HISTORY, "customers", "revenue", "squares")
        .sort(HISTORY)
    )


def paid() -> nw.Expr:
    """What a customer has paid, for the spend model: revenue, zero where returns took it all."""
    return nw.when(nw.col("revenue") > 0).then(nw.col("revenue")).otherwise(0.0)


def with_history(customers: nw.LazyFrame) -> nw.LazyFrame:
    """Customers with the columns of a history."""
    return customers.with_columns(
        frequency=nw.col("purchase_days") - 1,
        t_x_days=nw.col("tenure_days") - nw.col("recency_days"),
        T_days=nw.col("tenure_days"),
    )


def in_unit(triples: pd.DataFrame, unit: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct histories -> frequency, recency and T, both times in `unit`."""
    recency, whole = (triples[c].to_numpy() / DAYS[unit] for c in HISTORY[1:])
    return triples["frequency"].to_numpy(), recency, whole


def spending(customers: Any) -> Spending:
    """Customers -> how they spend, whatever model says how they buy."""
    paying = frames.lazy(customers).filter(nw.col("revenue") > 0)
    kinds = ["purchase_days", "revenue"]
    pairs = frames.table(paying.group_by(kinds).agg(customers=nw.len()).sort(kinds))
    purchases, weights = pairs["purchase_days"].to_numpy(), pairs["customers"].to_numpy()
    if not len(pairs):
        raise TooLittleData("no customer has paid anything: there is nothing to forecast.")
    each = pairs["revenue"].to_numpy() / purchases
    mean = float(np.average(each, weights=weights))
    try:
        spend = GammaGammaFitter().fit(purchases, each, weights=weights)
        spend.conditional_expected_average_profit(1, 1.0)
    except DataError as error:
        text = _("Spend: every customer gets the average, as Gamma-Gamma cannot tell them apart")
        return Spending(None, mean, (f"{text}: {error}",))
    return Spending(spend, mean, _correlation(purchases, each, weights))


def _some(customers: Any) -> tuple[Any, tuple[str, ...]]:
    """The customers to learn from, and that they are a sample."""
    whole = frames.count(customers)
    if whole <= MOST:
        return customers, ()
    part, _share = sampling.drawn(customers, most=MOST, among=whole)
    part = frames.back(frames.lazy(part), like=customers)
    text = _("Learnt from {n} of {whole} customers, drawn by their id.")
    n = formats.count(frames.count(part))
    return part, (text.format(n=n, whole=formats.count(whole)),)


def _correlation(purchases, each, weights) -> tuple[str, ...]:
    again = purchases > 1
    if weights[again].sum() < 3:
        return ()
    spread = np.cov(purchases[again], np.log(each[again]), aweights=weights[again])
    related = spread[0, 1] / np.sqrt(spread[0, 0] * spread[1, 1] or np.inf)
    if abs(related) < CORRELATED:
        return ()
    text = _(
        "Who buys more often spends {more} per purchase (correlation {r}); Gamma-Gamma assumes "
        "that the two have nothing to do with each other, so read LTV by group and not by customer."
    )
    more = _("more") if related > 0 else _("less")
    return (text.format(more=more, r=formats.number(related, decimals=2)),)


def _surprises(model: str, triples: pd.DataFrame, *, held: bool) -> list[str]:
    again = float(triples.loc[triples["frequency"] > 0, "customers"].sum())
    once = 1 - again / triples["customers"].sum()
    notes = []
    if held:
        text = _(
            "These orders do not settle all parameters of {model} (nobody is seen to leave, or "
            "customers do not differ in it): they are held near those of a usual shop, weakly. "
            "Forecasts hardly change by it; the parameters alone mean little."
        )
        notes.append(text.format(model=formats.label(model)))
    if again < FEW:
        text = _("Only {n} customers bought again: read the intervals, not the values.")
        notes.append(text.format(n=formats.count(again)))
    if model == "bg_nbd" and once > 0:
        text = _(
            "BG/NBD counts whoever bought once as alive for sure, however long ago: "
            "{share} of customers here."
        )
        notes.append(text.format(share=formats.share(once)))
    return notes
