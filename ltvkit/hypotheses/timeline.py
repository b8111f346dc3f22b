"""A metric of the treated and of those they are compared with, period by period."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.hypotheses.effects import comparisons
from ltvkit.hypotheses.effects.customer_days import Histories
from ltvkit.hypotheses.effects.metrics import METRICS
from ltvkit.hypotheses.evaluation import Evaluation
from ltvkit.hypotheses.hypothesis import CONTROL, TREATED

EVERY = ("day", "week", "month", "year")
SHOWN = {"second_order_rate": "retention_rate"}


def series(found: Evaluation, histories: Histories, *, every: str) -> pd.DataFrame:
    """An evaluation -> period, start, group (treated, control), metric, value, partial.

    Days and weeks reach from two windows before the start to one after the end, months from a
    year before, years over all orders. The value is the metric of each period by itself; of a
    second order, which comes once, it is retention. The control of the same period last year is
    set 52 weeks later, so that both stand side by side. `partial`: the orders cover only a part.
    """
    first, last = _span(found, histories, every)
    tables = []
    for group, who in zip((TREATED, CONTROL), found.groups, strict=True):
        if len(who):
            shift = comparisons.YEAR if group == CONTROL and _last_year(found) else 0
            table = _by_period(histories, who, found.hypothesis.metric, first, last, every, shift)
            tables.append(table.assign(group=group))
    shown = SHOWN.get(found.hypothesis.metric, found.hypothesis.metric)
    columns = ["period", "start", "group", "metric", "value", "partial"]
    return pd.concat(tables, ignore_index=True).assign(metric=shown)[columns]


def timelines(found: Evaluation, histories: Histories) -> dict[str, pd.DataFrame]:
    """`series` by day, week, month and year; nothing of one that has not begun."""
    if found.window is None:
        return {}
    return {every: series(found, histories, every=every) for every in EVERY}


def _last_year(found: Evaluation) -> bool:
    return found.hypothesis.comparison == "same_period_last_year"


def _span(found: Evaluation, histories: Histories, every: str) -> tuple[int, int]:
    days = found.window
    first = {"month": days.start - 365, "year": histories.first}.get(
        every, days.start - 2 * days.days
    )
    last = {"month": days.end + 365, "year": histories.last}.get(every, days.end + days.days)
    return max(first, histories.first), min(last, histories.last)


def _by_period(
    histories: Histories,
    who: np.ndarray,
    metric: str,
    first: int,
    last: int,
    every: str,
    shift: int,
) -> pd.DataFrame:
    rows = histories.rows(who)
    rows = rows.assign(day=rows["day"] + shift)
    rows = _with_period(rows[rows["day"].between(first, last)], every)
    whole = _with_period(pd.DataFrame({"day": np.arange(first, last + 1)}), every)
    spans = whole.groupby("_period")["day"].agg(["min", "max"])
    value = _value(rows, metric, len(who)).reindex(spans.index)
    if METRICS[metric].per != "orders":
        value = value.fillna(0.0)
    begins = [periods.start(i, every) for i in spans.index]
    ends = [periods.end(i, every) for i in spans.index]
    covered = spans.map(_date)
    return pd.DataFrame(
        {
            "period": [periods.label(i, every) for i in spans.index],
            "start": begins,
            # Before the orders begin, nothing is known.
            "value": value.where(spans["min"] >= histories.first + shift).to_numpy(),
            "partial": (covered["min"] > begins).to_numpy() | (covered["max"] < ends).to_numpy(),
        }
    )


def _value(rows: pd.DataFrame, metric: str, size: int) -> pd.Series:
    known = METRICS[metric]
    sums = rows.groupby("_period")[[c for c in rows if c not in ("day", "place")]].sum()
    if known.per == "orders":
        return sums[known.of] / sums["orders"].where(sums["orders"] > 0)
    if known.of in sums and known.of != "active":
        return sums[known.of] / size
    bought = rows[rows["active"] > 0].drop_duplicates(["_period", "place"])
    return bought.groupby("_period").size() / size


def _with_period(rows: pd.DataFrame, every: str) -> pd.DataFrame:
    dated = nw.from_native(rows.assign(_date=_date(rows["day"])))
    return dated.with_columns(_period=periods.index("_date", every)).drop("_date").to_native()


def _date(day: Any) -> Any:
    return pd.to_datetime(day, unit="D")
