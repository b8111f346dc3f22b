"""The customer table: one row per customer as of a date. RFM, deciles and forecasts stand on it."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import periods
from ltvkit.engines import frames
from ltvkit.ingest import daily

__all__ = ["days_since", "reconcile", "summarize", "totals"]


def __dir__() -> list[str]:
    return __all__


def summarize(lines: Any, *, as_of: Any) -> Any:
    """Order lines, or their `days` -> one row per customer who had bought by the day `as_of`.

    - `first_order`, `last_order`: days of the first and the latest purchase
    - `orders`: distinct orders; `purchase_days`: distinct days with a purchase
    - `revenue`: sum of all amounts, returns netted
    - `recency_days`: days from the latest purchase to `as_of` (0: bought on that day)
    - `tenure_days`: days from the first purchase to `as_of`

    A return (a line below zero) lowers revenue and is no purchase; splitting a line changes
    nothing. Comes back as the kind of frame that went in. Raises `ColumnError`.

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


def totals(customers: Any) -> pd.DataFrame:
    """Customers -> one row: customers, orders, revenue; what every page must add up to."""
    sums = nw.col("orders", "revenue").sum()
    opened = frames.lazy(customers, needs=("orders", "revenue"))
    table = frames.table(
        opened.select(sums, customers=nw.len()).with_columns(frames.round_money("revenue"))
    )
    return table[["customers", "orders", "revenue"]]


def reconcile(customers: Any, table: pd.DataFrame) -> pd.DataFrame:
    """Customers and a summary of them -> what each says of the totals, and the difference.

    One row per measure found in both: customers, orders, revenue.
    """
    whole = totals(customers).iloc[0]
    both = [name for name in whole.index if name in table]
    says = pd.DataFrame({"orders_say": whole[both], "table_says": table[both].sum()})
    says = says.assign(difference=(says["table_says"] - says["orders_say"]).round(4))
    return says.rename_axis("measure").reset_index()


def days_since(column: str, as_of: Any) -> nw.Expr:
    """Whole days from the date in `column` to the day `as_of`."""
    return periods.number_of(as_of) - periods.number(column)
