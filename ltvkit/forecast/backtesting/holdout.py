"""Backtest: every method forecasts months that are over, from the orders before them only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import customers, periods
from ltvkit.display import formats, joining
from ltvkit.engines import frames, sampling
from ltvkit.engines.frames import Frame
from ltvkit.errors import DataError, NoOptimum, NotRegular, ParamsError, TooLittleData, Undefined
from ltvkit.forecast import acquisition, estimation
from ltvkit.forecast.backtesting import model_forecasts
from ltvkit.forecast.backtesting.baselines import CHALLENGERS, SIMPLE, outcome
from ltvkit.forecast.backtesting.scores import calibration, deviance, score
from ltvkit.forecast.clock import Clock
from ltvkit.forecast.predictions import LIST_MODELS, RENEWALS
from ltvkit.forecast.texts import fill
from ltvkit.ingest.daily import NEEDS
from ltvkit.ingest.lines import filter_purchases, filter_until
from ltvkit.periods import Day

MAX_CUSTOMERS = 200_000  # of more customers, a sample is tested
MANY_TIMES = 5  # a total so much too high is told as how many times the true one
GOOD = 0.15  # error in the total, up to which a method is good enough
MIN_CUSTOMERS = 100  # known at the split; fewer prove nothing
# Models that compare; no totals are forecast by them, and lists by renewals only.
COMPARED = {
    "nbd": model_forecasts.forecast_without_leaving,
    "bg_bb": model_forecasts.forecast_by_months,
    "renewal_rates": model_forecasts.forecast_renewals,
}
KINDS = dict.fromkeys([*estimation.BUYING, *COMPARED], "model") | dict.fromkeys(SIMPLE, "simple")
CHECKS = ("total_in_interval", "coverage", "low", "high")  # of the intervals of a model


class Trial(NamedTuple):
    """One method: its forecast (None if it could not be used), its model if it has one, the
    checks of its intervals, and why something is missing."""

    forecast: pd.DataFrame | None = None
    fitted: estimation.Fitted | None = None
    checks: Mapping[str, Any] = dict.fromkeys(CHECKS, np.nan)
    note: str = ""


@dataclass(frozen=True)
class Backtest:
    """What a backtest found.

    `table`: one row per method, the best first; `calibration`: method, decile, customers,
    predicted, actual (revenue per customer); `best` method, `best_model` among the models,
    `simple`: the best of those without a model; `close`: whether `simple` may be as good as the
    best; `split`: the last day that the methods knew; `days` of the holdout; `fitted`: the
    models as fitted at the split; `sampled`: a sentence, if a sample was tested. Where no model
    could be fitted, `best_model` is "" and `fitted` empty.
    """

    table: pd.DataFrame
    calibration: pd.DataFrame
    best: str
    best_model: str
    simple: str
    close: bool
    split: dt.date
    days: int
    fitted: Mapping[str, estimation.Fitted]
    sampled: str = ""

    @property
    def models(self) -> list[str]:
        """The models that could be fitted, the best first."""
        return [method for method in self.table["method"] if method in self.fitted]

    @property
    def list_model(self) -> str:
        """The best of the models that can say who has left (see `predictions.fit_for_lists`)."""
        able = {*self.models} & {*LIST_MODELS}
        if RENEWALS in {*self.table["method"]}:
            able |= {*self.table.query("method == @RENEWALS and skill > 0")["method"]}
        return next((m for m in self.table["method"] if m in able), LIST_MODELS[0])

    @property
    def notes(self) -> str:
        """Which methods could not be used, or have no interval, and why, and whether a sample was
        tested; a line each."""
        noted = self.table[self.table["note"] != ""].groupby("note", sort=False)["method"]
        lines = [f"{', '.join(map(formats.label, names))}: {note}" for note, names in noted]
        return "\n".join([*lines, *filter(None, [self.sampled])])

    def describe(self) -> str:
        """What was tested."""
        return fill("tested_days", split=self.split, days=f"{self.days}")

    @property
    def text(self) -> str:
        """How far off the best forecast was, and what it is good for."""
        rows = self.table.set_index("method")
        row = rows.loc[self.best]
        bias = row["bias"]
        months = model_forecasts.months_after(self.split, self.days)
        whole = months % 1 == 0
        span = fill("months", n=int(months)) if whole else fill("days", n=self.days)
        lines = [fill("tested", span=span, **_describe_bias(bias))]
        good = abs(bias) <= GOOD
        if not row["skill"] > 0:
            lines.append(fill("no_better_than_one_number"))
        elif self.best == self.simple:
            lines.append(fill("simple_is_best" if good else "simple_is_far_off"))
        elif self.close:
            lines.append(fill("simple_is_close" if good else "close_and_far_off"))
        if self.best == self.list_model == RENEWALS:
            lines.append(fill("lists_by_the_best"))
        elif row["skill"] > 0 and self.models and self.best not in (*self.fitted, self.simple):
            lines.append(fill("best_by_day"))
            below = rows.loc[self.best_model]
            if not below["skill"] > 0:
                lines.append(fill("below_no_better", **_describe_bias(below["bias"])))
        used = {self.best_model, self.list_model} & set(self.models) or {self.best}
        used = {RENEWALS} if self.list_model == RENEWALS else used
        if any(rows.loc[method, "total_in_interval"] is False for method in used):
            lines.append(fill("outside"))
        return joining.sentences(lines)


def _describe_bias(bias: float) -> dict[str, Any]:
    """How far off a total is, and which way; many times too high: how many times the true one."""
    if bias >= MANY_TIMES:
        return {"error": round(1 + bias), "way": fill("times_the_true_total")}
    return {"error": abs(bias), "way": fill("too_low" if bias < 0 else "too_high")}


def backtest(
    lines: Frame, *, as_of: Day, months: int = 6, draws: int = 30, export_begins: str = ""
) -> Backtest:
    """Order lines -> how well each method would have forecast the last `months`.

    The methods know the orders up to `split`, the end of the month `months` before the one of
    `as_of`, and forecast the purchase days and the revenue, up to `as_of`, of every customer
    known by then. Models: BG/NBD, MBG/NBD, Pareto/NBD with Gamma-Gamma spend. Models to compare
    (`best_model` is one of those three): NBD, in which nobody leaves, BG/BB on calendar months,
    and renewal rates, where customers pay in a regular rhythm (`subscriptions`). Against them: the
    run rate of the last year, the average curve of cohorts, the mean of the RFM cell, and gradient
    boosting. The best is the one with the highest `skill` (see `score`) on revenue. A method that
    cannot be used is left out, with a note.

    `table`: method, kind (model, simple, challenger), skill, bias, mae, gini, rank_correlation,
    orders_bias, `predicted` and `actual` revenue; for models `low` and `high`, the 95% interval
    of the total, `total_in_interval` (whether it holds the true revenue), and `coverage` (share
    of customers whose number of purchases lies in their own 95% interval); note (why a method
    could not be used).

    Customers who had probably bought before the orders begin (`export_begins` is the policy, see
    `ingest.truncation`) do not count as won when they are first seen.

    Of more than 200,000 customers a sample is tested, drawn by their id (see `sampling`): scores,
    coverage and calibration are those of the sample. `predicted`, `actual`, `low` and `high` are
    scaled by one factor, so that `actual` is exactly the revenue of all customers, and `bias`
    stays as it is. The interval is as wide as it must be for a sample of that size.

    Raises `DataError` if the orders are too short or the customers too few.
    """
    split, among = _find_split(lines, as_of=as_of, months=months)
    until = filter_until(frames.lazy(lines), as_of).select(*NEEDS).to_native()
    part, share = sampling.draw(until, most=MAX_CUSTOMERS, among=among)
    known, their_lines = _customers_at(part, split=split)
    won = acquisition.estimate(their_lines, as_of=split, export_begins=export_begins)
    if won.known_days is not None:
        known["older"] = known["tenure_days"] > won.known_days
    days = (pd.Timestamp(periods.day(as_of)) - pd.Timestamp(split)).days
    actual = outcome(known, their_lines, split=split, days=days)
    if not actual["revenue"].gt(0).any():
        name = "all_returned" if actual["orders"].any() else "nothing_bought"
        raise Undefined(fill(name, split=split, days=days))
    if actual["revenue"].nunique() == 1:
        raise Undefined(fill("all_the_same", split=split, days=days))
    past = their_lines[their_lines["order_date"] <= pd.Timestamp(split)]
    spent = estimation.fit_spending(known)
    trials = _try_models(known, actual, days, spent=spent, known_days=won.known_days, draws=draws)
    fitted = {name: trial.fitted for name, trial in trials.items() if trial.fitted}
    compared = {name: partial(method, spent=spent) for name, method in COMPARED.items()}
    for name, method in {**compared, **SIMPLE, **CHALLENGERS}.items():
        try:
            trials[name] = Trial(method(known, past, split=split, days=days))
        except NotRegular:
            continue  # a shop without subscriptions need not be told so
        except NoOptimum:
            trials[name] = Trial(note=fill("no_fit"))
        except DataError as error:
            trials[name] = Trial(note=str(error))
    tested = _compare(trials, actual, split=split, days=days, fitted=fitted)
    if share == 1:
        return tested
    return _scale_to_all(tested, _revenue_after(until, split), sampling.note(len(known), of=among))


def _find_split(lines: Frame, *, as_of: Day, months: int) -> tuple[dt.date, int]:
    """The last day that the methods know, and how many customers there are by then."""
    if months < 1:
        raise ParamsError(f"months={months}: test on one month at least.")
    split = periods.end(periods.index_of(as_of, "month") - months, "month").date()
    seen = filter_until(frames.lazy(lines, needs=NEEDS), as_of)
    known = sampling.count(filter_until(seen, split))
    if known < MIN_CUSTOMERS:
        whole, least = sampling.count(seen), {"least": MIN_CUSTOMERS}
        if whole < MIN_CUSTOMERS:
            raise TooLittleData(fill("few_in_all", n=whole, **least))
        name = "few_known" if known else "begins_after_split"
        raise TooLittleData(fill(name, n=known, split=split, months=months, **least))
    return split, known


def _customers_at(lines: Frame, *, split: dt.date) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Customers as of the split, and all their lines, in pandas; ids are numbers."""
    known = frames.lazy(customers.summarize(lines, as_of=split))
    theirs = frames.lazy(lines).join(known.select("customer_id"), on="customer_id")
    each = frames.number_ids(frames.table(known.sort("customer_id")), "customer_id")
    rows = frames.number_ids(frames.table(theirs.sort(*NEEDS)), "customer_id", "order_id")
    return each, rows


def _try_models(known, actual, days, *, spent, known_days, draws: int) -> dict[str, Trial]:
    """Each model of buying: fitted to the customers as of the split, and its forecast."""
    triples, trials = estimation.histories(known), {}
    for name in estimation.BUYING:
        trial = Trial()
        try:
            how = {"model": name, "clock": Clock(), "known_days": known_days}
            fitted = estimation.fit_buying(triples, spent, **how)
            trial = Trial(model_forecasts.forecast_orders(known, fitted, days), fitted)
            checks = model_forecasts.check_intervals(known, fitted, actual, days, draws=draws)
            trials[name] = trial._replace(checks=checks)
        except NoOptimum:
            trials[name] = trial._replace(note=fill("no_fit"))
        except DataError as error:
            trials[name] = trial._replace(note=str(error))
    return trials


def _compare(trials: Mapping[str, Trial], actual: pd.DataFrame, **facts: Any) -> Backtest:
    """Score each forecast against what customers did."""
    rows, deciles, truth = [], [], actual["revenue"].to_numpy()
    for name, trial in trials.items():
        row = {"method": name, "kind": KINDS.get(name, "challenger"), "note": trial.note}
        if trial.forecast is not None:
            orders, revenue = trial.forecast["orders"], trial.forecast["revenue"]
            row |= score(truth, revenue.to_numpy()) | trial.checks
            row |= {"predicted": revenue.sum(), "actual": truth.sum()}
            row["orders_bias"] = orders.sum() / actual["orders"].sum() - 1
            deciles.append(calibration(truth, revenue.to_numpy()).assign(method=name))
        rows.append(row)
    table = pd.DataFrame(rows).sort_values("skill", ascending=False, ignore_index=True)
    best = table["method"].iloc[0]
    simple = table.loc[table["kind"] == "simple", "method"].iloc[0]
    return Backtest(
        table=table,
        calibration=pd.concat(deciles, ignore_index=True),
        best=best,
        best_model=next((m for m in table["method"] if m in facts["fitted"]), ""),
        simple=simple,
        close=_is_close(truth, trials[best].forecast, trials[simple].forecast),
        **facts,
    )


def _is_close(truth, best: pd.DataFrame, simple: pd.DataFrame, draws: int = 500) -> bool:
    """Whether the simple method may be as good as the best one: 95%, customers resampled."""
    errors = (deviance(truth, forecast["revenue"].to_numpy()) for forecast in (simple, best))
    lost = np.subtract(*errors)
    rng = np.random.default_rng(1)
    means = [rng.choice(lost, lost.size).mean() for _draw in range(draws)]
    return bool(np.quantile(means, 0.025) <= 0)


def _revenue_after(lines: Frame, split: dt.date) -> float:
    """The revenue after the day `split` of all customers known by then."""
    lazy = frames.lazy(lines)
    known = filter_purchases(filter_until(lazy, split)).select("customer_id").unique()
    after = lazy.filter(nw.col("order_date") > nw.lit(periods.day(split)))
    revenue = after.join(known, on="customer_id").select(nw.col("amount").sum())
    return float(frames.table(revenue)["amount"].iloc[0])


def _scale_to_all(tested: Backtest, whole: float, sampled: str) -> Backtest:
    """The backtest of a sample, with totals scaled to those of all customers."""
    table = tested.table.copy()
    actual = table["actual"].max()  # the same for all methods that could be used
    totals = [c for c in ("predicted", "actual", "low", "high") if c in table]
    table[totals] *= whole / actual if actual > 0 else np.nan
    return replace(tested, table=table, sampled=fill("scaled_up", sampled=sampled))
