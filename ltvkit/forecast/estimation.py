"""Estimation: customers -> a fitted model of how they buy and of what they spend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit.core.i18n import _
from ltvkit.display import formats
from ltvkit.engines import frames, sampling
from ltvkit.engines.frames import Frame
from ltvkit.errors import DataError, NoOptimum, Undefined, one_of
from ltvkit.forecast.clock import DAYS, HISTORY, Clock
from ltvkit.forecast.models.bg_nbd import BetaGeoFitter, ModifiedBetaGeoFitter
from ltvkit.forecast.models.fitting import fit_with_fallback
from ltvkit.forecast.models.gamma_gamma import GammaGammaFitter
from ltvkit.forecast.models.left_truncated import EARLIER, LeftTruncatedFitter
from ltvkit.forecast.models.pareto_nbd import ParetoNBDFitter
from ltvkit.forecast.texts import TEXTS, fill

BUYING = {"bg_nbd": BetaGeoFitter, "mbg_nbd": ModifiedBetaGeoFitter, "pareto_nbd": ParetoNBDFitter}
NEEDS = ("purchase_days", "recency_days", "tenure_days", "revenue")
MAX_CUSTOMERS = 1_000_000  # of more customers, a sample is fitted
MAX_HISTORIES, SAMPLED_HISTORIES = 250_000, 100_000  # of more distinct histories, a sample
FEW_REPEATERS = 200  # with fewer repeat customers, a note says that the intervals are wide
CORRELATED = 0.3  # of purchases and spend; correlations below are usually called weak


class Spending(NamedTuple):
    """Gamma-Gamma (None if it could not be fitted), the mean amount per purchase, and notes."""

    fitter: GammaGammaFitter | None
    mean: float
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Fitted:
    """A fitted model: `buying` (a lifetimes fitter, or two of them in `LeftTruncatedFitter`; time
    by `clock`), `spend` (Gamma-Gamma, or None if it could not be fitted), `mean_spend` per
    purchase, `notes`: what to be aware of, `known_days`, as given to `fit`, and `sure`: whether
    its parameters have an interval (see `fit_first`).
    """

    model: str
    clock: Clock
    buying: Any
    spend: GammaGammaFitter | None
    mean_spend: float
    notes: tuple[str, ...]
    known_days: int | None = None
    sure: bool = True

    @property
    def fitters(self) -> list:
        """The model of buying and, if there is one, the model of spending."""
        return [f for f in (self.buying, self.spend) if f is not None]

    @property
    def table(self) -> pd.DataFrame:
        """parameter, estimate, lowest, highest (95%; NaN without an interval), meaning."""
        rows = pd.concat([f.summary for f in self.fitters]).drop(columns="se(coef)")
        rows.columns = ["estimate", "lowest", "highest"]
        if not self.sure:
            rows[["lowest", "highest"]] = np.nan
        texts = [_explain(name, self.clock.unit) for name in rows.index]
        return rows.rename_axis("parameter").assign(meaning=texts).reset_index()

    def against(self, truth: Mapping[str, float]) -> pd.DataFrame:
        """parameter, truth, estimate, lowest, highest: for a sample whose truth is known."""
        known = self.table.assign(truth=self.table["parameter"].map(truth))
        return known[["parameter", "truth", "estimate", "lowest", "highest"]]

    @property
    def text(self) -> str:
        """The model, and what to be aware of, a line each."""
        time = fill(f"time_in_{self.clock.unit}")
        name = fill("model", model=formats.label(self.model), time=time)
        return "\n".join([name, *(self.notes or [fill("no_sign")])])

    def spend_of(self, purchases: Any, revenue: Any) -> Any:
        """Expected amount per purchase of customers with so many `purchases` and `revenue`.

        Numbers, arrays or engine expressions; p (v + revenue) / (p purchases + q - 1).
        """
        if self.spend is None:
            return 0 * purchases + self.mean_spend
        p, q, v = self.spend.params_
        return (revenue + v) * p / (purchases * p + (q - 1))


def fit(
    customers: Frame,
    *,
    model: str = "bg_nbd",
    unit: str = "week",
    clock: Clock | None = None,
    known_days: int | None = None,
) -> Fitted:
    """Customers (of `customers.summarize`) -> a fitted model of buying and spending.

    `model`: "bg_nbd", "mbg_nbd" or "pareto_nbd"; time is counted in `unit`: "day", "week" or
    "month" (30.4375 days), or measured by a `clock` with a season. `known_days`: customers first
    seen before that many days ago had mostly bought before (see `ingest.truncation`), and get
    parameters of their own, if both groups are large enough. A purchase is a day with a purchase;
    frequency counts those after the first. The spend model sees revenue per purchase day, less
    returns, the first purchase included; customers whose returns leave nothing are not in its fit.
    The engine returns the distinct histories only. Of more than a million customers (see
    `sampling`), or 250,000 distinct histories, a sample is fitted, and `notes` say so. Raises
    `DataError` if there are too few data or the fit does not converge.
    """
    one_of("model", model, BUYING)
    one_of("unit", unit, DAYS)
    some, notes = sample_customers(customers)
    spent = fit_spending(some)
    spent = spent._replace(notes=(*notes, *spent.notes))
    clock = clock or Clock(unit)
    return fit_buying(histories(some), spent, model=model, clock=clock, known_days=known_days)


def fit_buying(
    triples: pd.DataFrame,
    spent: Spending,
    *,
    model: str,
    clock: Clock,
    known_days: int | None = None,
) -> Fitted:
    """Distinct histories, and how customers spend -> a fitted model."""
    some = sample_histories(triples)
    buying, identified = _fit_groups(some, model=model, clock=clock, known_days=known_days)
    notes = [*_fit_notes(model, triples, identified=identified), *spent.notes]
    n, whole = (int(table["customers"].sum()) for table in (some, triples))
    if n < whole:
        notes.append(fill("fitted_to_sample", n=n, whole=whole))
    if isinstance(buying, LeftTruncatedFitter):
        notes.append(fill("two_groups", days=known_days))
    elif known_days is not None:
        notes.append(fill("one_group"))
        known_days = None
    return Fitted(model, clock, buying, spent.fitter, spent.mean, tuple(notes), known_days)


def _fit_groups(
    some: pd.DataFrame, *, model: str, clock: Clock, known_days: int | None
) -> tuple[Any, bool]:
    """A fitter of all histories, or of two groups of them, and whether they determine it."""
    groups = [some]
    if known_days is not None:
        earlier = some["T_days"] > known_days
        groups = [some[~earlier], some[earlier]]
    try:
        fitters = [BUYING[model]() for _group in groups]
        sure = [
            fit_with_fallback(fitter, *clock.history(group), weights=group["customers"])
            for fitter, group in zip(fitters, groups, strict=True)
        ]
    except DataError:
        if known_days is None:
            raise
        return _fit_groups(some, model=model, clock=clock, known_days=None)
    if known_days is None:
        return fitters[0], sure[0]
    later, earlier = fitters
    return LeftTruncatedFitter(later, earlier, float(clock.between(known_days, 0))), all(sure)


def _explain(parameter: str, unit: str) -> str:
    """What a parameter means."""
    name = parameter.removesuffix(EARLIER)
    text = _(TEXTS["parameters"][name]).format(per_unit=fill(f"per_{unit}"))
    return text if name == parameter else fill("of_earlier", meaning=text)


def sample_histories(triples: pd.DataFrame) -> pd.DataFrame:
    """Distinct histories of a random part of the customers, if there are too many histories.

    Above `MAX_HISTORIES`, each customer is kept with probability `SAMPLED_HISTORIES` / histories.
    In a large shop with a long past, nearly all histories differ; a parameter from so many is
    off by a fraction of a percent, far less than the model is.
    """
    if len(triples) <= MAX_HISTORIES:
        return triples
    share = SAMPLED_HISTORIES / len(triples)
    drawn = np.random.default_rng(1).binomial(triples["customers"], share)
    return triples.assign(customers=drawn)[drawn > 0]


def histories(customers: Frame, *, by: tuple[str, ...] = ()) -> pd.DataFrame:
    """Customers -> frequency, t_x_days, T_days, customers, revenue, squares: distinct histories.

    With `by`, those of each group of customers, its columns first, in their order.
    `frequency`: purchase days after the first; `t_x_days`: from the first to the last;
    `T_days`: from the first to the day of the table; `customers`: how many share it; `revenue`:
    of all of them, negative ones counted as zero; `squares`: the sum of the squared amounts.
    """
    return frames.table(
        add_history(frames.lazy(customers, needs=(*by, *NEEDS)).select(*by, *NEEDS))
        .with_columns(revenue=positive_revenue())  # not in `agg`: narwhals drops it on pandas
        .with_columns(squares=nw.col("revenue") * nw.col("revenue"))
        .group_by(*by, *HISTORY)
        .agg(nw.col("revenue", "squares").sum(), customers=nw.len())
        .with_columns(frames.round_money("revenue", "squares"))
        .select(*by, *HISTORY, "customers", "revenue", "squares")
        .sort(*by, *HISTORY)
    )


def positive_revenue() -> nw.Expr:
    """What a customer has paid, for the spend model: zero if returns took it all."""
    return nw.when(nw.col("revenue") > 0).then(nw.col("revenue")).otherwise(0.0)


def add_history(customers: nw.LazyFrame) -> nw.LazyFrame:
    """Customers -> the same with frequency, t_x_days and T_days."""
    return customers.with_columns(**history_columns())


def history_columns() -> dict[str, nw.Expr]:
    """The columns of a history, computed from those of customers."""
    return {
        "frequency": nw.col("purchase_days") - 1,
        "t_x_days": nw.col("tenure_days") - nw.col("recency_days"),
        "T_days": nw.col("tenure_days"),
    }


def fit_spending(customers: Frame) -> Spending:
    """Customers -> how they spend, for any model of how they buy."""
    paying = frames.lazy(customers).filter(nw.col("revenue") > 0)
    columns = ["purchase_days", "revenue"]
    pairs = frames.table(paying.group_by(columns).agg(customers=nw.len()).sort(columns))
    purchases, weights = pairs["purchase_days"].to_numpy(), pairs["customers"].to_numpy()
    if not len(pairs):
        raise Undefined(fill("nothing_left_of_paid"))
    each = pairs["revenue"].to_numpy() / purchases
    mean = float(np.average(each, weights=weights))
    try:
        spend = GammaGammaFitter().fit(purchases, each, weights=weights)
        spend.conditional_expected_average_profit(1, 1.0)
    except NoOptimum:
        return Spending(None, mean, (fill("average_spend_alike"),))
    except DataError as error:
        return Spending(None, mean, (fill("average_spend", error=error),))
    if not spend.holds():
        return Spending(None, mean, (fill("average_spend_alike"),))
    return Spending(spend, mean, tuple(_correlation_notes(purchases, each, weights)))


def sample_customers(customers: Frame) -> tuple[Frame, tuple[str, ...]]:
    """The customers to fit, and a note if they are a sample."""
    whole = frames.count(customers)
    if whole <= MAX_CUSTOMERS:
        return customers, ()
    part, _share = sampling.draw(customers, most=MAX_CUSTOMERS, among=whole)
    part = frames.materialize(frames.lazy(part), like=customers)
    return part, (fill("sample_of_customers", n=frames.count(part), whole=whole),)


def _correlation_notes(purchases: np.ndarray, each: np.ndarray, weights: np.ndarray) -> list[str]:
    again = purchases > 1
    if weights[again].sum() < 3:
        return []
    spread = np.cov(purchases[again], np.log(each[again]), aweights=weights[again])
    related = spread[0, 1] / np.sqrt(spread[0, 0] * spread[1, 1] or np.inf)
    if abs(related) < CORRELATED:
        return []
    more = fill("more" if related > 0 else "less")
    return [fill("correlated", more=more, r=formats.number(related, decimals=2))]


def _fit_notes(model: str, triples: pd.DataFrame, *, identified: bool) -> list[str]:
    again = int(triples.loc[triples["frequency"] > 0, "customers"].sum())
    once = 1 - again / triples["customers"].sum()
    notes = []
    if not identified:
        notes.append(fill("not_determined", model=formats.label(model)))
    if again < FEW_REPEATERS:
        notes.append(fill("few_bought_again", n=again))
    if model == "bg_nbd" and once > 0:
        notes.append(fill("bought_once", share=once))
    return notes
