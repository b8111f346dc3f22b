"""The customer table, one row per customer as of a date: input of RFM, deciles and forecasts."""

from __future__ import annotations

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import periods
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.ingest import daily
from ltvkit.periods import Day

__all__ = ["days_since", "is_decisive", "reconcile", "summarize", "totals"]

__dir__ = __all__.copy

DECIDES = 0.25  # of a sum
EQUAL = 3  # times an equal share, so that four customers alike are not called one that decides


def is_decisive(share: float, *, of: int) -> bool:
    """Whether one customer decides a sum or a mean of so many: by a quarter of it or more, and
    three times an equal share.

    >>> is_decisive(0.4, of=300), is_decisive(0.4, of=4), is_decisive(1.0, of=1)
    (True, False, False)
    """
    return bool(share >= max(DECIDES, EQUAL / of)) if of else False


def summarize(lines: Frame, *, as_of: Day) -> Frame:
    """Order lines, or their `days` -> one row per customer who had bought by the day `as_of`.

    - `first_order`, `last_order`: days of the first and the latest purchase
    - `orders`: distinct orders; `purchase_days`: distinct days with a purchase
    - `revenue`: sum of all amounts, returns netted
    - `recency_days`: days from the latest purchase to `as_of` (0: bought on that day)
    - `tenure_days`: days from the first purchase to `as_of`

    A return (a line below zero) lowers revenue and is no purchase; splitting a line changes
    nothing. Returns the kind of frame that it got. Raises `ColumnError`.

    >>> lines = pd.DataFrame({"customer_id": ["a", "a"], "order_id": ["1", "2"],
    ...     "order_date": pd.to_datetime(["2024-01-01", "2024-01-11"]), "amount": [10.0, 5.0]})
    >>> summarize(lines, as_of="2024-01-31")[["orders", "revenue", "recency_days", "tenure_days"]]
       orders  revenue  recency_days  tenure_days
    0       2     15.0            20           30
    """
    day = nw.when(nw.col("active") > 0).then(nw.col("order_date"))
    summed = (
        daily.aggregate_until(lines, as_of=as_of)
        .with_columns(bought=day)
        .group_by("customer_id")
        .agg(
            first_order=nw.col("bought").min(),
            last_order=nw.col("bought").max(),
            orders=nw.col("orders").sum(),
            purchase_days=nw.col("active").sum(),
            revenue=nw.col("revenue").sum(),
        )
        .filter(nw.col("purchase_days") > 0)
        .with_columns(
            nw.col("orders", "purchase_days").cast(nw.Int64),
            frames.round_money("revenue"),
            recency_days=days_since("last_order", as_of),
            tenure_days=days_since("first_order", as_of),
        )
        .sort("customer_id")
    )
    return frames.materialize(summed, like=lines)


def totals(customers: Frame) -> pd.DataFrame:
    """Customers -> one row: customers, orders, revenue. Every page must add up to these."""
    sums = nw.col("orders", "revenue").sum()
    opened = frames.lazy(customers, needs=("orders", "revenue"))
    table = frames.table(
        opened.select(sums, customers=nw.len()).with_columns(frames.round_money("revenue"))
    )
    return table[["customers", "orders", "revenue"]]


def reconcile(customers: Frame, table: pd.DataFrame) -> pd.DataFrame:
    """Customers and a summary of them -> the totals of each, and the difference.

    One row per measure found in both: customers, orders, revenue. A measure that is not known
    throughout the table has no total (NaN).
    """
    whole = totals(customers).iloc[0]
    both = [name for name in whole.index if name in table]
    totals_of = pd.DataFrame(
        {"orders_say": whole[both], "table_says": table[both].sum(skipna=False)}
    )
    difference = (totals_of["table_says"] - totals_of["orders_say"]).round(4)
    return totals_of.assign(difference=difference).rename_axis("measure").reset_index()


def days_since(column: str, as_of: Day) -> nw.Expr:
    """Whole days from the date in `column` to the day `as_of`."""
    return periods.number_of(as_of) - periods.number(column)
