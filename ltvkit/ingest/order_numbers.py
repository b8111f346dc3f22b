"""Order numbers that begin again: what tells their orders apart."""

from __future__ import annotations

import narwhals.stable.v2 as nw

RESTARTS = ("year", "month", "day", "customer")
_DAY = {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d"}


def tell_apart(restarts: str) -> nw.Expr:
    """The order id with the year, month or day of its line, or with its customer.

    >>> import pandas as pd
    >>> lines = pd.DataFrame({"order_id": ["7"], "order_date": pd.to_datetime(["2024-01-05"])})
    >>> nw.from_native(lines).select(tell_apart("month"))["order_id"].to_list()
    ['7 2024-01']
    """
    second = nw.col("customer_id")
    if restarts != "customer":
        second = nw.col("order_date").dt.to_string(_DAY[restarts])
    return nw.concat_str(nw.col("order_id"), nw.lit(" "), second).alias("order_id")


def write_order(restarts: str) -> str:
    """The same as SQL, over typed lines; "" as `restarts`: the order id alone.

    >>> write_order("month")
    "order_id || ' ' || strftime(order_date, '%Y-%m')"
    """
    if not restarts:
        return "order_id"
    day = restarts in _DAY
    second = f"strftime(order_date, '{_DAY[restarts]}')" if day else "customer_id"
    return f"order_id || ' ' || {second}"
