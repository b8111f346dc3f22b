"""Backtest: every method forecasts months that are already known, from what was known before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import customers, periods
from ltvkit.core.i18n import _
from ltvkit.display import formats
from ltvkit.engines import frames, sampling
from ltvkit.errors import DataError, ParamsError, TooLittleData
from ltvkit.forecast import model
from ltvkit.forecast.backtesting import trials
from ltvkit.forecast.backtesting.baselines import CHALLENGERS, RIVALS, outcome
from ltvkit.forecast.backtesting.scores import calibration, deviance, scores
from ltvkit.ingest.daily import NEEDS
from ltvkit.ingest.lines import filter_purchases, filter_until

MOST = 200_000  # customers to judge by; of more, a sample
LEAST = 100  # customers known at the split, to judge anything by


@dataclass(frozen=True)
class Backtest:
    """What a backtest found.

    `table`: one row per method, the best first; `calibration`: method, decile, customers,
    predicted, actual (revenue per customer); `best` method, `best_model` among the models,
    `simple`: the best of those without a model; `close`: whether `simple` can not be told from
    the best; `split`: the last day that the methods knew; `days` of the holdout; `fitted`: the
    models as they were fitted at the split; `sampled`: a sentence, where a sample was judged.
    """

    table: pd.DataFrame
    calibration: pd.DataFrame
    best: str
    best_model: str
    simple: str
    close: bool
    split: Any
    days: int
    fitted: Mapping[str, model.Fitted]
    sampled: str = ""

    @property
    def notes(self) -> str:
        """Which methods could not be used, or say how sure they are, and why, and whether a
        sample was judged; a line each."""
        said = self.table.loc[self.table["note"] != "", ["method", "note"]].to_numpy()
        lines = [f"{formats.label(method)}: {note}" for method, note in said]
        return "\n".join([*lines, *filter(None, [self.sampled])])

    @property
    def text(self) -> str:
        """Which method won on these data, and whether a simple one would do."""
        rows = self.table.set_index("method")
        won = _("{best} forecast the last {days} days best: its total was off by {bias}.")
        text = won.format(
            best=formats.label(self.best),
            days=formats.count(self.days),
            bias=formats.change(rows.loc[self.best, "bias"]),
        )
        if self.best not in (*self.fitted, self.simple):
            more = _("Of the models that forecast by the day, {model} did best.")
            text += " " + more.format(model=formats.label(self.best_model))
        if self.best == self.simple:
            return text + " " + _("A simple method is good enough here.")
        if self.close:
            more = _("{simple} is as good as far as these data can tell, and simpler.")
        else:
            more = _("{simple}, the best simple one, was off by {bias} and ranked customers {how}.")
        better = rows.loc[self.simple, "gini"] >= rows.loc[self.best, "gini"]
        said = more.format(
            simple=formats.label(self.simple),
            bias=formats.change(rows.loc[self.simple, "bias"]),
            how=_("no worse") if better else _("worse"),
        )
        return text + " " + said


def backtest(
    lines: Any, *, as_of: Any, months: int = 6, unit: str = "week", draws: int = 30, seed: int = 1
) -> Backtest:
    """Order lines -> how well each method would have forecast the last `months`.

    The methods know the orders up to `split`, the end of the month `months` before the one of
    `as_of`, and forecast the purchase days and the revenue of every customer known by then up to
    `as_of`. Models: BG/NBD, MBG/NBD, Pareto/NBD with Gamma-Gamma spend, and BG/BB on
    calendar months (to compare; `best_model` is one of the other three). Against them: the last
    year's run rate, the cohort average curve, the mean of the RFM cell, and gradient boosting.
    The best is the one with the highest `skill` (see `scores`) on revenue.

    `table`: method, kind (model, simple, challenger), skill, bias, mae, gini, rank_correlation,
    orders_bias, `predicted` and `actual` revenue; for models `low` and `high`, its 95% interval,
    `total_in_interval` (whether the 95% interval held the true revenue)
    and `coverage` (share of customers whose number of purchases lies in their own 95% interval);
    note (why a method could not be used).

    Of more than 200,000 customers a sample is judged, drawn by their id (see `sampling`): scores,
    coverage and calibration are those of the sample. `predicted`, `actual`, `low` and `high` are
    raised by one factor, so that `actual` is exactly what all customers brought, and `bias` stays
    what it is. The interval then holds it as often as the one of the sample holds the sample's:
    it is as wide as a judgement by so many customers is unsure.

    Raises `DataError` where the orders are too short or the customers too few.
    """
    split, among = _split(lines, as_of=as_of, months=months)
    told = filter_until(frames.lazy(lines), as_of).select(*NEEDS).to_native()
    part, share = sampling.drawn(told, most=MOST, among=among)
    known, seen = _known(part, split=split)
    days = (pd.Timestamp(periods.day(as_of)) - pd.Timestamp(split)).days
    actual = outcome(known, seen, split=split, days=days)
    if not actual["revenue"].gt(0).any():
        raise TooLittleData(
            f"nobody known on {split} bought in the {days} days after it, so no forecast can be "
            "told from another: is the export complete? Else take an earlier month."
        )
    if actual["revenue"].nunique() == 1:
        raise TooLittleData(
            f"everybody known on {split} brought the same in the {days} days after it, so no "
            "forecast can be told from another. Take another month, if they differ there."
        )
    past = seen[seen["order_date"] <= pd.Timestamp(split)]
    found, fitted, notes, extras = {}, {}, {}, {}
    triples, spent = model.histories(known), model.spending(known)
    for name in model.BUYING:
        try:
            fitted[name] = model.fit_buying(triples, spent, model=name, unit=unit)
            found[name] = trials.forecast(known, fitted[name], days)
        except DataError as error:
            notes[name] = str(error)
            continue
        rule = {"draws": draws, "seed": seed}
        try:
            extras[name] = trials.covered(known, triples, fitted[name], actual, days, **rule)
        except DataError as error:
            notes[name] = str(error)
    if not fitted:
        raise TooLittleData(f"no model could be fitted: {next(iter(notes.values()))}")
    by_months = partial(trials.by_months, fitted=next(iter(fitted.values())))
    for name, method in {"bg_bb": by_months, **RIVALS, **CHALLENGERS}.items():
        try:
            found[name] = method(known, past, split=split, days=days)
        except DataError as error:
            notes[name] = str(error)
    tested = _judged(actual, found, notes, extras, split=split, days=days, fitted=fitted)
    if share == 1:
        return tested
    return _raised(tested, _after(told, split=split), sampling.note(len(known), of=among))


def _split(lines: Any, *, as_of: Any, months: int) -> tuple[Any, int]:
    """The last day that the methods know, and how many customers there are by then."""
    if months < 1:
        raise ParamsError(f"months={months}: hold out one month at least.")
    split = periods.end(periods.index_of(as_of, "month") - months, "month").date()
    opened = filter_until(frames.lazy(lines, needs=NEEDS), split)
    known = sampling.count(opened)
    if known < LEAST:
        raise TooLittleData(
            f"{known} customers had bought by {split}, {months} months before the end of the "
            f"data, and a backtest needs {LEAST}: take fewer `holdout_months`, or more orders."
        )
    return split, known


def _known(lines: Any, *, split: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Customers as of the split, and all their lines, in pandas."""
    known = frames.lazy(customers.summarize(lines, as_of=split))
    theirs = frames.lazy(lines).join(known.select("customer_id"), on="customer_id")
    return frames.table(known.sort("customer_id")), frames.table(theirs.sort(*NEEDS))


def _after(lines: Any, *, split: Any) -> float:
    """What all customers known on the day `split` brought after it."""
    seen = frames.lazy(lines)
    known = filter_purchases(filter_until(seen, split)).select("customer_id").unique()
    after = seen.filter(nw.col("order_date") > nw.lit(periods.day(split)))
    brought = after.join(known, on="customer_id").select(nw.col("amount").sum())
    return float(frames.table(brought)["amount"].iloc[0])


def _raised(tested: Backtest, whole: float, sampled: str) -> Backtest:
    """What a sample has shown, its totals raised so that they are those of all customers."""
    table = tested.table.copy()
    actual = table["actual"].max()  # the same of all methods that could be used
    totals = [c for c in ("predicted", "actual", "low", "high") if c in table]
    table[totals] *= whole / actual if actual > 0 else np.nan
    text = _("{sampled} Totals are raised to those of all.").format(sampled=sampled)
    return replace(tested, table=table, sampled=text)


def _judged(actual, found, notes, extras, *, split, days, fitted) -> Backtest:
    kinds = dict.fromkeys([*model.BUYING, "bg_bb"], "model") | dict.fromkeys(RIVALS, "simple")
    rows, deciles = [], []
    truth = actual["revenue"].to_numpy()
    for name in [*model.BUYING, "bg_bb", *RIVALS, *CHALLENGERS]:
        row = {"method": name, "kind": kinds.get(name, "challenger"), "note": notes.get(name, "")}
        if name in found:
            said = found[name]
            row |= scores(truth, said["revenue"].to_numpy()) | extras.get(name, {})
            row |= {"predicted": said["revenue"].sum(), "actual": truth.sum()}
            row["orders_bias"] = said["orders"].sum() / actual["orders"].sum() - 1
            deciles.append(calibration(truth, said["revenue"].to_numpy()).assign(method=name))
        rows.append(row)
    table = pd.DataFrame(rows).sort_values("skill", ascending=False, ignore_index=True)
    best = {
        "model": table.loc[table["method"].isin(list(fitted)), "method"].iloc[0],
        "simple": table.loc[table["kind"] == "simple", "method"].iloc[0],
    }
    winner = table["method"].iloc[0]
    return Backtest(
        table=table,
        calibration=pd.concat(deciles, ignore_index=True),
        best=winner,
        best_model=best["model"],
        simple=best["simple"],
        close=_close(truth, found[winner], found[best["simple"]]),
        split=split,
        days=days,
        fitted=fitted,
    )


def _close(truth, winner: pd.DataFrame, simple: pd.DataFrame, draws: int = 500) -> bool:
    """Whether the simple method's score is within chance of the winner's, customers resampled."""
    lost = deviance(truth, simple["revenue"].to_numpy()) - deviance(
        truth, winner["revenue"].to_numpy()
    )
    rng = np.random.default_rng(1)
    means = [rng.choice(lost, lost.size).mean() for _draw in range(draws)]
    return bool(np.quantile(means, 0.025) <= 0)
