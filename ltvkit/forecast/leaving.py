"""Who is leaving: customers whose silence is long for them, and what is at stake with each.

A customer is overdue after a silence that nine of ten of their own gaps do not reach, as known at
the last purchase (`overdue_after_days` of `next_orders.predict_next_orders`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.customers import is_decisive
from ltvkit.display import formats, joining
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.forecast import predictions
from ltvkit.forecast.estimation import NEEDS, Fitted
from ltvkit.forecast.texts import fill
from ltvkit.periods import Day

LTV = "ltv_12m"
KNOWN = ["customer_id", *NEEDS, "usual_gap_days", "overdue_after_days", "p_alive", LTV]
# Days overdue, from these on.
STAGES = {"overdue_30": 1, "overdue_90": 31, "overdue_year": 91, "overdue_longer": 366}
ENTERING = "overdue_soon"


def overdue(predicted: Frame) -> Frame:
    """Customers of `predict` and `predict_next_orders` -> those overdue, most LTV first.

    Adds `days_overdue`, 1 on the first day. Returns the kind of frame that it got.
    """
    late = nw.col("recency_days") - nw.col("overdue_after_days")
    listed = frames.lazy(predicted, needs=tuple(KNOWN)).select(*KNOWN).filter(late > 0)
    listed = listed.with_columns(days_overdue=late).sort(
        LTV, "customer_id", descending=[True, False]
    )
    return frames.materialize(listed, like=predicted)


def entering_risk(
    predicted: Frame,
    fitted: Fitted,
    *,
    as_of: Day,
    discount: float = 0.0,
    margin_rate: float = 1.0,
) -> Frame:
    """Customers, and the model that predicted them -> those who have waited for longer than their
    usual gap and will be overdue by the end of the next calendar month unless they order; the most
    at stake first. Who ordered lately is not in it: most of them order again in time.

    Adds `days_left` (until the first day overdue) and `ltv_at_stake`: `ltv_12m` less what it will
    be then, if they have not ordered. `discount` and `margin_rate` as in `predict`. Returns the
    kind of frame that it got.
    """
    days = periods.number_of(next_month_end(as_of)) - periods.number_of(as_of)
    left = nw.col("overdue_after_days") - nw.col("recency_days") + 1
    opened = frames.lazy(predicted, needs=tuple(KNOWN)).select(*KNOWN)
    waiting = nw.col("recency_days") > nw.col("usual_gap_days")
    there = nw.col("p_alive") > 0  # where payments are regular, who missed one has left for sure
    soon = opened.filter(left > 0, left <= days, waiting, there)
    soon = frames.materialize(soon, like=predicted)
    aged = frames.lazy(soon).with_columns(nw.col("recency_days", "tenure_days") + days)
    then = predictions.predict(
        frames.materialize(aged, like=soon),
        _move(fitted, days),
        months=(12,),
        discount=discount,
        margin_rate=margin_rate,
    )
    silent = frames.lazy(then).select("customer_id", ltv_then=nw.col(LTV))
    listed = (
        frames.lazy(soon)
        .join(silent, on="customer_id")
        .with_columns(days_left=left, ltv_at_stake=nw.col(LTV) - nw.col("ltv_then"))
        .drop("ltv_then")
        .sort("ltv_at_stake", "customer_id", descending=[True, False])
    )
    return frames.materialize(listed, like=predicted)


def _move(fitted: Fitted, days: int) -> Fitted:
    """The same model, for customers as they will be so many days later."""
    clock = fitted.clock
    buying = fitted.buying.moved(float(clock.ahead(days)))
    return replace(fitted, buying=buying, clock=replace(clock, today=clock.today + days))


def next_month_end(as_of: Day) -> dt.date:
    """The last day of the calendar month after the one of `as_of`.

    >>> next_month_end("2024-09-30")
    datetime.date(2024, 10, 31)
    """
    return periods.end(periods.index_of(as_of, "month") + 1, "month").date()


def summarize_leaving(
    late: Frame, soon: Frame, *, sure: bool = True, of: str = "revenue"
) -> pd.DataFrame:
    """The lists of `overdue` and `entering_risk` -> one row per stage: status, customers, p_alive
    (mean), `ltv_12m` (of all of them), `ltv_at_stake`, `largest_share`, `of` ("revenue", or
    "margin": what LTV is).

    Of an overdue customer all that is still expected is at stake; `largest_share` is the part of
    it that hangs on one customer. p_alive and that part are NaN where a stage has no customer or
    nothing at stake, amounts where the orders span too little to be `sure` of what a customer is
    worth in 12 months (see `predictions.reach`).
    """
    since = nw.col("days_overdue")
    starts = list(STAGES.values())
    stage = nw.lit(0)
    for day in starts[1:]:
        stage = stage + nw.when(since >= day).then(1).otherwise(0)
    sums = ["p_alive", LTV, "ltv_at_stake"]
    opened = frames.lazy(late).with_columns(stage=stage, ltv_at_stake=nw.col(LTV))
    more = {"customers": nw.len(), "largest": nw.col("ltv_at_stake").max()}
    first = frames.lazy(soon).with_columns(stage=nw.lit(-1))
    counted = pd.concat([frames.add_up(x, "stage", sums=sums, **more) for x in (first, opened)])
    table = counted.set_index("stage").reindex(range(-1, len(STAGES))).fillna(0.0)
    people = table["customers"].astype("int64")
    table[[LTV, "ltv_at_stake"]] *= 1.0 if sure else np.nan
    stake = table["ltv_at_stake"]
    table = table.assign(
        status=[ENTERING, *STAGES],
        customers=people,
        p_alive=table["p_alive"] / people.replace(0, np.nan),
        largest_share=(table["largest"] / stake).where(stake > 0),
        of=of,
    )
    return table[["status", "customers", *sums, "largest_share", "of"]].reset_index(drop=True)


def describe_leaving(
    table: pd.DataFrame,
    *,
    as_of: Day,
    currency: str = "",
    regular: bool = False,
    sure: bool = True,
) -> str:
    """The summary in a sentence each: who will be overdue, and who is, lately above all; and
    whether what is at stake hangs on one customer (`customers.is_decisive`).

    Of customers at a loss (a margin below zero) nothing is at stake, and it says so. `regular`:
    they pay in a regular rhythm, so that nobody waits longer than usual and still pays; who will
    not pay again is told by the renewals. `sure`: the orders span enough to name what customers are
    worth in 12 months (see `predictions.reach`); else they are only counted.
    """
    rows = table.set_index("status")
    soon, late, recent = rows.loc[ENTERING], rows.loc[list(STAGES)], rows.loc["overdue_30"]
    n, new, overdue = (
        int(x) for x in (soon["customers"], recent["customers"], late["customers"].sum())
    )
    day = formats.day(next_month_end(as_of))
    if not n + overdue:
        return fill("none_overdue", day=day)
    if sure and soon[LTV] + late[LTV].sum() < 0:
        return fill("overdue_at_a_loss", n=n + overdue, day=day)
    first = fill("none_soon", day=day)
    if regular and not new:
        first = fill("none_soon_regular")
    elif regular and not recent["p_alive"] > 0:  # else late payments still come
        first = fill("none_soon_missed", n=new)
    if not sure:
        return _count_leaving(first, n, overdue, day=day)
    if n:
        worth = _name_money(table, soon["ltv_at_stake"], of=n, currency=currency)
        first = fill("soon_overdue", n=n, day=day, worth=worth)
        first += _name_the_largest(rows.loc[[ENTERING]])
    if not overdue:
        return first
    nothing = formats.money(0.0, currency)
    if formats.money(late[LTV].sum() / overdue, currency) == nothing:  # not one unit of each
        return joining.sentences([first, fill("overdue_worth_nothing", n=overdue)])
    whole = (recent if new else late[[LTV]].sum())[LTV]
    worth = _name_money(table, whole, of=new or overdue, currency=currency)
    name = "overdue_lately" if 0 < new < overdue else "now_overdue"
    said = fill(name, all=overdue, n=new or overdue, worth=worth)
    return f"{first} {said}{_name_the_largest(rows.loc[['overdue_30'] if new else list(STAGES)])}"


def _name_money(table: pd.DataFrame, amount: float, *, of: int, currency: str) -> str:
    """An amount expected of so many customers; that it is margin, where it is."""
    worth = formats.rough_sum(amount, of=of, currency=currency)
    is_margin = "of" in table and (table["of"] == "margin").all()
    return fill("of_margin", worth=worth) if is_margin else worth


def _name_the_largest(stages: pd.DataFrame) -> str:
    """That most of what is at stake in these stages hangs on one customer; else empty."""
    if "largest_share" not in stages:
        return ""
    whole = stages["ltv_at_stake"].sum()
    most = (stages["largest_share"] * stages["ltv_at_stake"]).max()
    share = float(most / whole) if whole > 0 else 0.0
    decisive = is_decisive(share, of=int(stages["customers"].sum()))
    return f" {fill('hangs_on_one', share=share)}" if decisive else ""


def _count_leaving(none: str, n: int, overdue: int, *, day: str) -> str:
    """How many will be overdue, and are, where it is not known what they are worth."""
    first = fill("soon_overdue_unsure", n=n, day=day) if n else none
    return joining.sentences([first, fill("now_overdue_unsure", n=overdue)]) if overdue else first
