"""The customer table: one row per customer as of a date. RFM, deciles and forecasts stand on it."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import engine, orders, periods

NEEDS = ("customer_id", "order_id", "order_date", "amount")


def summarize(lines: Any, *, as_of: Any) -> Any:
    """Order lines -> one row per customer who had bought by the day `as_of`.

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
    bought = nw.when(orders.purchased("amount"))
    summed = (
        orders.before(engine.lazy(lines, needs=NEEDS), as_of)
        .with_columns(
            _day=bought.then(nw.col("order_date")), _order=bought.then(nw.col("order_id"))
        )
        .group_by("customer_id")
        .agg(
            first_order=nw.col("_day").min(),
            last_order=nw.col("_day").max(),
            orders=nw.col("_order").n_unique(),
            purchase_days=nw.col("_day").n_unique(),
            revenue=nw.col("amount").sum(),
            _lines=nw.len(),
            _bought=nw.col("_day").count(),
        )
        .filter(nw.col("_bought") > 0)
        .with_columns(_returned=(nw.col("_bought") < nw.col("_lines")).cast(nw.Int64))
        .with_columns(
            nw.col("orders", "purchase_days").cast(nw.Int64) - nw.col("_returned"),
            engine.exact("revenue"),
            recency_days=days_since("last_order", as_of),
            tenure_days=days_since("first_order", as_of),
        )
        .drop("_lines", "_bought", "_returned")
        .sort("customer_id")
    )
    return engine.back(summed, like=lines)


def by_day(lines: Any, *, as_of: Any) -> nw.LazyFrame:
    """Order lines -> one row per customer and day up to `as_of`; still lazy.

    `orders`: orders begun on that day; `active`: 1 where the customer bought on it, else 0;
    `revenue`, and `margin` and `quantity` where the lines have them: of all lines of the day,
    returns netted. Added up to a day, they are what `summarize` says of that day.
    """
    key = ("customer_id", "order_date")
    seen = orders.before(engine.lazy(lines, needs=NEEDS), as_of)
    money = [c for c in ("amount", "margin", "quantity") if c in seen.collect_schema().names()]
    bought = orders.purchases(seen)
    placed = orders.begun(bought).group_by(*key).agg(orders=nw.len())
    active = bought.select(*key).unique().with_columns(active=nw.lit(1))
    counted = nw.col("orders", "active").fill_null(0).cast(nw.Int64)
    return (
        seen.group_by(*key)
        .agg(nw.col(*money).sum())
        .rename({"amount": "revenue"})
        .join(placed, on=key, how="left")
        .join(active, on=key, how="left")
        .with_columns(counted)
    )


def totals(customers: Any) -> pd.DataFrame:
    """Customers -> one row: customers, orders, revenue; what every page must add up to."""
    sums = nw.col("orders", "revenue").sum()
    opened = engine.lazy(customers, needs=("orders", "revenue"))
    table = engine.table(
        opened.select(sums, customers=nw.len()).with_columns(engine.exact("revenue"))
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
