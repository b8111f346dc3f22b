"""Payments by calendar month: what each customer, or contract, has paid, and when."""

from __future__ import annotations

from typing import NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import NotRegular, TooLittleData
from ltvkit.forecast.texts import fill
from ltvkit.ingest import daily
from ltvkit.ingest.lines import filter_until
from ltvkit.periods import Day

REGULAR = 0.8  # share of gaps that are as long as the customer's usual one
FEWEST, FEWEST_CUSTOMERS = 30, 10  # renewals, and customers who paid three times or more
LATELY = 12  # months, of which a first payment is taken


class Payments(NamedTuple):
    """The months in which customers (or contracts) paid, summed up.

    `histories`: first, last, paid (months with a payment), renewed (renewals behind them, by the
    order's own number; else missing), customers, revenue (of their last month); `gaps`: usual
    (the customer's mean gap), gap, customers; `now`: the last whole month; `first`: mean revenue
    of a first payment; `step`: what the second is of the first; `per_customer`: contracts that one
    customer pays for in a month.
    """

    histories: pd.DataFrame
    gaps: pd.DataFrame
    now: int
    first: float
    step: float
    per_customer: float


def _check_regular(gaps: pd.DataFrame) -> None:
    n = gaps["customers"].sum()
    if n < FEWEST:
        raise NotRegular(fill("no_renewals", n=int(n), least=FEWEST))
    regular = gaps.loc[gaps["gap"] == gaps["usual"], "customers"].sum() / n
    if regular < REGULAR:
        raise NotRegular(fill("not_regular", share=regular, least=REGULAR))


def _check_customers(histories: pd.DataFrame) -> None:
    n = int(histories.loc[histories["paid"] > 2, "customers"].sum())
    if n < FEWEST_CUSTOMERS:
        raise NotRegular(fill("few_payers", n=n, least=FEWEST_CUSTOMERS))


def read_payments(
    lines: Frame,
    *,
    as_of: Day,
    regular: bool,
    contract: str = "",
    number: str = "",
    each_customer: bool = False,
) -> Payments:
    """The months in which customers paid, up to the last whole month; a history of each customer,
    or the distinct ones. Raises `NotRegular` where they have to be `regular`, and are not."""
    now = periods.last_whole(as_of, "month")
    chosen = _choose(lines, contract, number, until=periods.end(now, "month"))
    month, revenue = nw.col("month"), nw.col("revenue")
    paid = (
        daily.select_days(chosen, as_of=as_of)
        .with_columns(month=periods.index("order_date", "month"))
        .group_by("customer_id", "month")
        .agg(revenue.sum(), nw.col("active").max())
        .filter(nw.col("active") > 0)
    )
    spans = paid.group_by("customer_id").agg(first=month.min(), last=month.max(), paid=nw.len())
    rows = paid.join(spans, on="customer_id").with_columns(
        nw.col("paid").cast(nw.Int64),
        before=month.shift(1).over("customer_id", order_by="month"),
        revenue_before=revenue.shift(1).over("customer_id", order_by="month"),
    )
    with frames.materialized(rows, like=lines) as each:
        if not frames.count(each):
            raise TooLittleData(fill("no_renewals", n=0, least=FEWEST))
        gaps = _sum_gaps(each)
        if regular:
            _check_regular(gaps)
        histories = _find_histories(each, chosen, number, each_customer)
        if regular:
            _check_customers(histories)
        return Payments(
            histories=histories,
            gaps=gaps,
            now=now,
            per_customer=_count_parallel(each, chosen, contract),
            **_sum_first_payments(_select_begun(each, chosen, number), now),
        )


def _choose(lines: Frame, contract: str, number: str, *, until: Day) -> nw.LazyFrame:
    """The lines that count, with a contract in the place of a customer; `owner` is the customer."""
    needs = tuple(filter(None, [contract, number]))
    opened = filter_until(frames.lazy(lines, needs=needs), until)
    for column in needs:
        opened = opened.filter(~nw.col(column).is_null())
    if not contract:
        return opened
    text = nw.col(contract).cast(nw.String)
    both = nw.concat_str([nw.col("customer_id"), text], separator="\x1f")
    return opened.with_columns(owner=nw.col("customer_id")).with_columns(customer_id=both)


def _find_histories(
    each: nw.LazyFrame, chosen: nw.LazyFrame, number: str, each_customer: bool
) -> pd.DataFrame:
    last = each.filter(nw.col("month") == nw.col("last"))
    by = ["first", "last", "paid"]
    if number:
        numbers = chosen.group_by("customer_id").agg(renewed=nw.col(number).max())
        behind = (nw.col("renewed") - 1).cast(nw.Int64)
        last = last.join(numbers, on="customer_id").with_columns(renewed=behind)
        by.append("renewed")
    by += ["customer_id"] * each_customer
    table = frames.add_up(last, *by, sums=("revenue",), customers=nw.len())
    return table if number else table.assign(renewed=np.nan)


def _sum_gaps(each: nw.LazyFrame) -> pd.DataFrame:
    """usual, gap, customers: of those who paid in three months or more."""
    times = nw.col("paid") - 1
    usual = (2 * (nw.col("last") - nw.col("first")) + times) // (2 * times)
    gaps = each.filter((nw.col("paid") > 2) & ~nw.col("before").is_null())
    gaps = gaps.with_columns(usual=usual, gap=nw.col("month") - nw.col("before"))
    return frames.table(gaps.group_by("usual", "gap").agg(customers=nw.len()))


def _select_begun(each: nw.LazyFrame, chosen: nw.LazyFrame, number: str) -> nw.LazyFrame:
    """The months of customers whose first payment is seen: the one with number 1, if known."""
    if not number:
        return each
    begun = chosen.filter(nw.col(number) == 1)
    begun = begun.select("customer_id", first=periods.index("order_date", "month")).unique()
    return each.join(begun, on=["customer_id", "first"])


def _sum_first_payments(each: nw.LazyFrame, now: int) -> dict[str, float]:
    """What a first payment of the last 12 months was, and the second relative to the first."""
    firsts = each.filter(nw.col("before").is_null())
    recent = nw.col("month") > now - LATELY
    means = [rows.select(nw.col("revenue").mean()) for rows in (firsts.filter(recent), firsts)]
    found = (float(frames.table(m).iloc[0, 0]) for m in means)
    mean = next((m for m in found if not np.isnan(m)), np.nan)
    second = each.filter(recent & (nw.col("before") == nw.col("first")))
    sums = frames.table(second.select(nw.col("revenue", "revenue_before").sum())).iloc[0]
    step = sums["revenue"] / sums["revenue_before"] if sums["revenue_before"] > 0 else 1.0
    return {"first": mean, "step": float(step)}


def _count_parallel(each: nw.LazyFrame, chosen: nw.LazyFrame, contract: str) -> float:
    """Contracts that a customer pays for in one month, on average; 1 without contracts."""
    if not contract:
        return 1.0
    owners = chosen.select("customer_id", "owner").unique()
    paid = each.select("customer_id", "month").join(owners, on="customer_id")
    both = paid.select("owner", "month").unique()
    return frames.count(paid) / max(frames.count(both), 1)
