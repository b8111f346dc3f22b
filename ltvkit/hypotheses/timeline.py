"""A metric of the treated and of those they are compared with, period by period."""

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.hypotheses.effects import comparisons, metrics, outcomes
from ltvkit.hypotheses.effects.customer_days import Histories
from ltvkit.hypotheses.evaluation import Evaluation
from ltvkit.hypotheses.hypothesis import CONTROL, TREATED

EVERY = ("day", "week", "month", "year")
COLUMNS = ["period", "start", "group", "metric", "value", "partial"]
SHOWN = {"second_order_rate": "retention_rate"}


def build(found: Evaluation, histories: Histories, *, every: str) -> pd.DataFrame:
    """An evaluation -> period, start, group (treated, control), metric, value, partial.

    Days and weeks reach from two windows before the start to one after the end, months from a year
    before to a year after, years over all orders. The value is the metric of each period by
    itself; instead of the second-order rate, which a customer can have once, it is retention. The
    control of the same period last year is moved by 52 weeks, so that both stand side by side.
    `partial`: the orders cover only a part of the period.
    """
    metric = found.hypothesis.metric
    histories = outcomes.attach(histories, found.hypothesis)
    calendar = _calendar(*_span(found, histories, every), every)
    last_year = found.hypothesis.comparison == "same_period_last_year"
    tables = []
    for group, who in zip((TREATED, CONTROL), found.groups, strict=True):
        if len(who):
            shift = comparisons.YEAR if group == CONTROL and last_year else 0
            rows = histories.rows_of(metric, who)
            rows = rows.assign(day=rows["day"] + shift)
            known = calendar["first"] >= histories.first_day(metric) + shift
            value = _value(_with_period(rows, every), metric, len(who), calendar.index)
            tables.append(calendar.assign(group=group, value=value.where(known)))
    return pd.concat(tables, ignore_index=True).assign(metric=SHOWN.get(metric, metric))[COLUMNS]


def timelines(found: Evaluation, histories: Histories) -> dict[str, pd.DataFrame]:
    """`build` by day, week, month and year; nothing for one that has not started."""
    if found.window is None:
        return {}
    return {every: build(found, histories, every=every) for every in EVERY}


def _span(found: Evaluation, histories: Histories, every: str) -> tuple[int, int]:
    if every == "year":
        return histories.first, histories.last
    days = found.window
    before, after = (365, 365) if every == "month" else (2 * days.days, days.days)
    return max(days.start - before, histories.first), min(days.end + after, histories.last)


def _calendar(first: int, last: int, every: str) -> pd.DataFrame:
    """The periods from day `first` to day `last`: first (day), period, start, partial."""
    days = _with_period(pd.DataFrame({"day": np.arange(first, last + 1)}), every)
    spans = days.groupby("_period")["day"].agg(first="min", last="max")
    starts = pd.Series({i: periods.start(i, every) for i in spans.index})
    ends = pd.Series({i: periods.end(i, every) for i in spans.index})
    return spans[["first"]].assign(
        period=[periods.label(i, every) for i in spans.index],
        start=starts,
        partial=(_date(spans["first"]) > starts) | (_date(spans["last"]) < ends),
    )


def _value(rows: pd.DataFrame, metric: str, size: int, index: pd.Index) -> pd.Series:
    """A metric of `size` customers, for each period in `index`."""
    of, per, _definition = metrics.find(metric)
    sums = rows.groupby("_period")[[c for c in rows if c not in ("day", "place")]].sum()
    if per == "orders":
        return (sums[of] / sums["orders"].where(sums["orders"] > 0)).reindex(index)
    if of in sums and of != "active":
        return (sums[of] / size).reindex(index, fill_value=0.0)
    bought = rows[rows["active"] > 0].drop_duplicates(["_period", "place"])
    return (bought.groupby("_period").size() / size).reindex(index, fill_value=0.0)


def _with_period(rows: pd.DataFrame, every: str) -> pd.DataFrame:
    dated = nw.from_native(rows.assign(_date=_date(rows["day"])))
    return dated.with_columns(_period=periods.index("_date", every)).drop("_date").to_native()


def _date(day: Any) -> Any:
    return pd.to_datetime(day, unit="D")
