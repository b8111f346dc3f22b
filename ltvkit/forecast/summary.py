"""The customers as the models see them, read from the orders in one pass."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw

from ltvkit import customers, days, engine


def summarize(lines: Any, *, as_of: Any) -> Any:
    """Order lines -> what the models read of each customer who had bought by the day `as_of`.

    The columns customer_id, purchase_days, revenue, recency_days, tenure_days of
    `customers.summarize`, which serves as well; without counting orders, so that lines are grouped
    once. Comes back as the kind of frame that went in. Raises `ColumnError`.
    """
    by_day = (
        days.rows(lines, as_of=as_of)
        .group_by(*days.KEY)
        .agg(nw.col("revenue").sum(), nw.col("active").max())
        .with_columns(bought=nw.when(nw.col("active") > 0).then(nw.col("order_date")))
    )
    summed = (
        by_day.group_by("customer_id")
        .agg(
            purchase_days=nw.col("bought").count(),
            revenue=nw.col("revenue").sum(),
            first=nw.col("bought").min(),
            last=nw.col("bought").max(),
        )
        .filter(~nw.col("first").is_null())
        .with_columns(
            nw.col("purchase_days").cast(nw.Int64),
            engine.exact("revenue"),
            recency_days=customers.days_since("last", as_of),
            tenure_days=customers.days_since("first", as_of),
        )
    )
    return engine.back(summed.drop("first", "last"), like=lines)
