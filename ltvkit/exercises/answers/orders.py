"""Lines, orders and customers of a month."""

from __future__ import annotations

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import kpis, periods
from ltvkit.core.i18n import _
from ltvkit.engines import frames
from ltvkit.errors import TooLittleData
from ltvkit.exercises.answers import Found
from ltvkit.ingest.book import Orders


def count_orders(book: Orders, as_of: pd.Timestamp) -> Found:
    """Orders of the month of `as_of`."""
    lines, bought, month = _read_month(book, as_of)
    wrong = {
        "lines": len(bought),
        "lines_with_returns": len(lines),
        "returns_as_orders": lines["order_id"].nunique(),
        "customers": month["customers"],
        "whole_history": kpis.series(book.days, as_of=as_of, every="year")["orders"].sum(),
    }
    return month["orders"], wrong, {"lines": len(bought), "customers": month["customers"]}


def average_order_value(book: Orders, as_of: pd.Timestamp) -> Found:
    """Revenue of the month of `as_of`, after returns, by its orders."""
    lines, bought, month = _read_month(book, as_of)
    each = bought.groupby("customer_id").agg(paid=("amount", "sum"), n=("order_id", "nunique"))
    wrong = {
        "before_returns": bought["amount"].sum() / month["orders"],
        "per_line": lines["amount"].mean(),
        "per_customer": month["revenue_per_customer"],
        "of_averages": (each["paid"] / each["n"]).mean(),
        "returns_as_orders": month["revenue"] / lines["order_id"].nunique(),
    }
    return month["average_order_value"], wrong, {"n": int(month["orders"])}


def share_ordering_twice(book: Orders, as_of: pd.Timestamp) -> Found:
    """Of the customers of the month of `as_of`, those who ordered more than once in it."""
    lines, bought, month = _read_month(book, as_of)
    orders = bought.groupby("customer_id")["order_id"].nunique()
    twice = int((orders > 1).sum())
    wrong = {
        "bought_before": month["repeat_rate"],
        "of_orders": twice / month["orders"],
        "lines": (bought.groupby("customer_id").size() > 1).mean(),
        "returns_as_orders": (lines.groupby("customer_id")["order_id"].nunique() > 1).mean(),
        "further_orders": (month["orders"] - len(orders)) / len(orders),
    }
    return twice / len(orders), wrong, {"twice": twice, "customers": len(orders)}


def _read_month(book: Orders, as_of: pd.Timestamp) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """The lines of the month of `as_of` up to it, those of purchases, and its key figures."""
    start = periods.start(periods.index_of(as_of, "month"), "month")
    lines = frames.lazy(book.lines)
    lines = lines.filter(nw.col("order_date") >= start, nw.col("order_date") <= as_of)
    found = frames.table(lines.select("customer_id", "order_id", "order_date", "amount"))
    bought = found[found["amount"] > 0]
    if bought.empty:
        raise TooLittleData(_("nobody ordered in this month."))
    return found, bought, kpis.series(book.days, as_of=as_of, every="month").iloc[-1]
