"""Daily table: one row per customer and day, from which customers, KPIs and cohorts are computed.

Only this module decides what a purchase is and on which day an order counts. An order counts once,
on its first purchase day; its later days count only as active days. `cache.py` stores
the table as Parquet.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import narwhals.stable.v2 as nw

from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.ingest.lines import filter_until, is_purchase
from ltvkit.periods import Day

NEEDS = ("customer_id", "order_id", "order_date", "amount")
MONEY = {"amount": "revenue", "margin": "margin", "quantity": "quantity"}
KEY, ORDER = ("customer_id", "order_date"), ("customer_id", "order_id")


def aggregate(lines: Frame) -> Any:
    """Order lines -> one row per customer and day, as the kind of frame that went in.

    - `customer_id`, `order_date`
    - `orders`: orders begun on that day; `active`: 1 where the customer bought on it, else 0
    - `revenue`, and `margin` and `quantity` where the lines have them: of all lines of the day,
      returns netted

    A function that takes order lines up to a day also takes this table: it reads less, and gives
    the same figures. Raises `ColumnError`.
    """
    return _aggregate_lines(frames.lazy(lines, needs=NEEDS), like=lines)


def aggregate_until(lines: Frame, *, as_of: Day) -> nw.LazyFrame:
    """Order lines, or days of `aggregate` -> the days up to and including `as_of`; lazy."""
    seen = filter_until(frames.lazy(lines, needs=KEY), as_of)
    if _is_daily(seen):
        return seen
    return frames.lazy(_aggregate_lines(frames.lazy(seen, needs=NEEDS), like=lines))


def select_days(lines: Frame, *, as_of: Day) -> nw.LazyFrame:
    """Order lines, or days -> `customer_id`, `order_date`, money and `active` up to `as_of`; lazy.

    A customer's day may have several rows: for sums, or to find active days.
    """
    seen = filter_until(frames.lazy(lines, needs=KEY), as_of)
    names = seen.collect_schema().names()
    if _is_daily(seen):
        return seen.select(*KEY, *(n for n in MONEY.values() if n in names), "active")
    frames.lazy(seen, needs=("amount",))
    money = {new: nw.col(old).cast(nw.Float64) for old, new in MONEY.items() if old in names}
    return seen.select(*KEY, **money, active=frames.one_if(is_purchase("amount")))


def select_purchases(lines: Frame, *, as_of: Day) -> nw.LazyFrame:
    """Order lines, or days -> `customer_id`, `order_date` of purchases up to `as_of`; lazy.

    A day with several purchases may have several rows.
    """
    return select_days(lines, as_of=as_of).filter(nw.col("active") > 0).select(*KEY)


def _is_daily(frame: nw.LazyFrame) -> bool:
    """Whether a frame is a daily table; order lines have an amount."""
    names = frame.collect_schema().names()
    return "active" in names and "amount" not in names


def _aggregate_lines(lines: nw.LazyFrame, *, like: Any) -> Any:
    names = lines.collect_schema().names()
    known = [name for name in MONEY if name in names]
    money = {MONEY[name]: nw.col(name).sum() for name in known}
    by_order = (
        lines.with_columns(nw.col(*known).cast(nw.Float64))
        .group_by(*ORDER, "order_date")
        .agg(largest=nw.col("amount").max(), **money)
        .select(*ORDER, "order_date", *money, active=frames.one_if(is_purchase("largest")))
    )
    with frames.materialized(by_order, like=like) as placed:
        # Most orders have one day. Those with several are found by id alone, which is cheap, and
        # stored, because an engine would expect many.
        several = placed.group_by("order_id").agg(days=nw.len()).filter(nw.col("days") > 1)
        with frames.materialized(several, like=like) as some:
            begun = placed.select(*KEY, *money, "active", orders=nw.col("active"))
            summed = (
                nw.concat([begun, _correct_split_orders(placed, some, money)])
                .group_by(*KEY)
                .agg(nw.col("orders", *money).sum(), nw.col("active").max())
                .select(*KEY, nw.col("orders").cast(nw.Int64), *money, "active")
            )
            return frames.materialize(summed, like=like)


def _correct_split_orders(
    placed: nw.LazyFrame, several: nw.LazyFrame, money: Iterable[str]
) -> nw.LazyFrame:
    """Orders by day -> a row with one order less for each later day of an order.

    `several`: ids of orders with more than one day, of any customer.
    """
    bought = placed.filter(nw.col("active") > 0).join(several, on="order_id", how="semi")
    first = bought.group_by(*ORDER).agg(first=nw.col("order_date").min())
    later = bought.join(first, on=ORDER).filter(nw.col("order_date") > nw.col("first"))
    nothing = {name: nw.lit(0.0) for name in money}
    none, one_less = nw.lit(0).cast(nw.Int64), nw.lit(-1).cast(nw.Int64)
    return later.select(*KEY, **nothing, active=none, orders=one_less)
