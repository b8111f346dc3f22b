"""After a purchase: when enquiries and returns come, and which new customers need a guide."""

from __future__ import annotations

from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from scipy import stats

from ltvkit import periods
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import TooLittleData
from ltvkit.ingest.lines import is_purchase
from ltvkit.periods import Day
from ltvkit.support import rates
from ltvkit.support.texts import fill

STARTS = (0, 3, 8, 15, 31, 61, 91)  # days: where a band begins
LAST = 365  # day up to which an enquiry belongs to an order
GUIDE_DAYS = 30
FEWEST, LEVEL = 30, 0.05  # first orders of a product to say anything of it
SINCE = ("delivery_date", "order_date")  # what days are counted from: the first that lines have


class Guides(NamedTuple):
    """Products by how many of their first-order customers asked, and the customers to write to."""

    table: pd.DataFrame
    customers: pd.DataFrame


def measure_days(enquiries: Frame, lines: Frame, *, as_of: Day) -> pd.DataFrame:
    """Enquiries and order lines up to `as_of` -> when enquiries and returns come after an order.

    A row per `order_kind` ("first_order" or "later_order" of the customer) and `days_after` (band):
    `orders` that have lived through the band, `enquiries` and `returns` of these within it,
    `per_100_orders` with `per_100_low` and `per_100_high` (95%, exact), `returns_per_100`, `share`
    (of all enquiries of the rows). Days are counted from `delivery_date` where the lines have it,
    else from the order. An enquiry belongs to its order where it names one, else to the customer's
    latest one before it; a return to the latest one before it. Raises `ColumnError`, and
    `TooLittleData` where no enquiry follows an order.
    """
    enquiries = frames.bring(enquiries, like=lines)
    placed, last = _list_orders(lines, as_of=as_of), periods.number_of(as_of)
    with frames.materialized(placed, like=lines) as orders:
        ages = orders.select("first", age=last - nw.col("day"))
        counted = frames.add_up(_add_one(ages), "first", "age", sums=["n"])
        asked = _find_gaps(_list_enquiries(enquiries, as_of=as_of), orders, last=last)
        sent = _find_gaps(_list_returns(lines, as_of=as_of), orders, last=last)
        gaps = [
            frames.add_up(_add_one(x), "first", "gap", "age", sums=["n"]) for x in (asked, sent)
        ]
    if not len(gaps[0]):
        raise TooLittleData(fill("nothing_after"))
    rows = [
        _count_band(first, start, counted, gaps) for first in (1, 0) for start in STARTS
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    low, high = rates.find_limits(table["enquiries"].to_numpy(), table["orders"] / rates.PER)
    table["per_100_orders"] = rates.PER * table["enquiries"] / table["orders"]
    table = table.assign(per_100_low=low, per_100_high=high)
    table["returns_per_100"] = rates.PER * table["returns"] / table["orders"]
    table.loc[
        table["orders"] == 0, ["per_100_orders", "per_100_low", "per_100_high", "returns_per_100"]
    ] = np.nan
    return table.assign(share=table["enquiries"] / max(table["enquiries"].sum(), 1))


def find_guides(enquiries: Frame, lines: Frame, *, as_of: Day, days: int = GUIDE_DAYS) -> Guides:
    """Enquiries and order lines, both with `product_id` -> products about which more of those asked
    whose first order held them, within so many days; and who bought one first in the last `days`.

    `table`, a row per product with 30 first orders or more that are so old, those that need a guide
    first, then the highest rate (equal: by id): product_id, `product` where the lines have it,
    `first_orders`, `asked` (of these, within the days, about it), `asked_share`, `share_of_others`
    (of the other products), `q` (adjusted for all products), `verdict` ("needs_guide": q at most
    5%, else "as_usual"). `customers`, a list: customer_id, `first_order`, product_id. Raises
    `ColumnError`.
    """
    bought = frames.lazy(lines, needs=("customer_id", "order_date", "amount", "product_id"))
    bought = _select_bought(bought, as_of=as_of)
    begun = bought.group_by("customer_id").agg(first_order=nw.col("order_date").min())
    firsts = (
        bought.join(begun, on="customer_id")
        .filter(nw.col("order_date") == nw.col("first_order"), ~nw.col("product_id").is_null())
        .select("customer_id", "product_id", "first_order").unique()
        .with_columns(age=periods.number_of(as_of) - periods.number("first_order"))
    )  # fmt: skip
    brought = frames.bring(enquiries, like=lines)
    asked = frames.lazy(brought, needs=("customer_id", "enquiry_date", "product_id"))
    asked = asked.select("customer_id", "product_id", "enquiry_date")
    gap = periods.number("enquiry_date") - periods.number("first_order")
    soon = firsts.join(asked, on=["customer_id", "product_id"]).filter(gap >= 0, gap <= days)
    soon = soon.select("customer_id", "product_id").unique().with_columns(asked=nw.lit(1))
    joined = firsts.join(soon, on=["customer_id", "product_id"], how="left")
    joined = joined.with_columns(nw.col("asked").fill_null(0).cast(nw.Int64))
    old = joined.filter(nw.col("age") >= days)
    table = _judge(frames.add_up(old, "product_id", sums=["asked"], first_orders=nw.len()))
    table = _add_names(table, bought)
    needing = table.loc[table["verdict"] == "needs_guide", "product_id"].tolist()
    new = firsts.filter(nw.col("age") < days, nw.col("product_id").is_in(needing or [""]))
    listed = frames.table(new.select("customer_id", "first_order", "product_id"))
    return Guides(table, listed.sort_values(["customer_id", "product_id"], ignore_index=True))


def _add_names(table: pd.DataFrame, bought: nw.LazyFrame) -> pd.DataFrame:
    """Products with their `product` after the id, where lines have it (of several the first)."""
    if "product" not in bought.collect_schema().names():
        return table
    kept = bought.filter(nw.col("product_id").is_in(table["product_id"].tolist() or [""]))
    named = frames.table(kept.group_by("product_id").agg(product=nw.col("product").min()))
    joined = table.merge(named, on="product_id", how="left")
    return joined[["product_id", "product", *table.columns[1:]]]


def _select_bought(lines: nw.LazyFrame, *, as_of: Day) -> nw.LazyFrame:
    until = periods.day(as_of)
    known = ~nw.col("customer_id").is_null()
    return lines.filter(is_purchase("amount"), nw.col("order_date") <= until, known)


def _list_orders(lines: Frame, *, as_of: Day) -> nw.LazyFrame:
    """Order lines -> customer_id, order_id, `bought` and `day` (numbers), `first` (1, 0)."""
    opened = frames.lazy(lines, needs=("customer_id", "order_id", "order_date", "amount"))
    names = opened.collect_schema().names()
    since = next(name for name in SINCE if name in names)
    bought = _select_bought(opened, as_of=as_of).with_columns(
        _bought=periods.number("order_date"), _day=periods.number(since)
    )
    keys = ("customer_id", "order_id")
    placed = bought.group_by(*keys).agg(bought=nw.col("_bought").min(), day=nw.col("_day").min())
    begun = placed.group_by("customer_id").agg(begun=nw.col("bought").min())
    joined = placed.join(begun, on="customer_id")
    return joined.with_columns(first=frames.one_if(nw.col("bought") == nw.col("begun")))


def _list_enquiries(enquiries: Frame, *, as_of: Day) -> nw.LazyFrame:
    """Enquiries -> `id`, customer_id, `on` (day, as a number), `named` (the order, if recorded)."""
    opened = frames.lazy(enquiries, needs=("enquiry_id", "customer_id", "enquiry_date"))
    opened = opened.filter(nw.col("enquiry_date") <= periods.day(as_of))
    named = "order_id" in opened.collect_schema().names()
    order = nw.col("order_id") if named else nw.lit(None).cast(nw.String)
    return opened.filter(~nw.col("customer_id").is_null()).select(
        "customer_id", id=nw.col("enquiry_id"), on=periods.number("enquiry_date"), named=order
    )


def _list_returns(lines: Frame, *, as_of: Day) -> nw.LazyFrame:
    """Order lines below zero -> one per customer and day, in the columns of `_list_enquiries`."""
    opened = frames.lazy(lines).filter(
        nw.col("amount") < 0, nw.col("order_date") <= periods.day(as_of),
        ~nw.col("customer_id").is_null(),
    )  # fmt: skip
    sent = opened.select("customer_id", on=periods.number("order_date")).unique()
    number = nw.col("on").cast(nw.String)
    return sent.with_columns(
        id=nw.concat_str(["customer_id", number], separator="\n"),
        named=nw.lit(None).cast(nw.String),
    )


def _find_gaps(events: nw.LazyFrame, orders: nw.LazyFrame, *, last: int) -> nw.LazyFrame:
    """Events of customers, and orders -> `gap` (days from the order), its `first` and `age`."""
    joined = events.join(orders, on="customer_id").filter(nw.col("bought") <= nw.col("on"))
    named = nw.col("named").is_null() | (nw.col("named") == nw.col("order_id"))
    latest = joined.filter(named).group_by("id").agg(bought=nw.col("bought").max())
    chosen = joined.filter(named).join(latest, on=["id", "bought"])
    gap = nw.when(nw.col("on") > nw.col("day")).then(nw.col("on") - nw.col("day")).otherwise(0)
    each = chosen.group_by("id").agg(
        first=nw.col("first").max(), on=nw.col("on").min(), day=nw.col("day").min()
    )
    return each.select("first", gap=gap.cast(nw.Int64), age=last - nw.col("day"))


def _add_one(frame: nw.LazyFrame) -> nw.LazyFrame:
    return frame.with_columns(n=nw.lit(1).cast(nw.Int64))


def _count_band(
    first: int, start: int, counted: pd.DataFrame, gaps: list[pd.DataFrame]
) -> dict[str, Any]:
    at = STARTS.index(start)
    end = STARTS[at + 1] - 1 if at + 1 < len(STARTS) else LAST
    row: dict[str, Any] = {"order_kind": "first_order" if first else "later_order"}
    row["days_after"] = fill("days", start=start, end=end)
    old = counted[(counted["first"] == first) & (counted["age"] >= end)]
    row["orders"] = int(old["n"].sum())
    for name, table in zip(("enquiries", "returns"), gaps, strict=True):
        inside = (table["first"] == first) & table["gap"].between(start, end)
        row[name] = int(table.loc[inside & (table["age"] >= end), "n"].sum())
    return row


def _judge(counted: pd.DataFrame) -> pd.DataFrame:
    from statsmodels.stats.multitest import multipletests

    table = counted[counted["first_orders"] >= FEWEST].reset_index(drop=True)
    n, k = (table[name].to_numpy() for name in ("first_orders", "asked"))
    with np.errstate(invalid="ignore", divide="ignore"):
        table["asked_share"] = k / n
        table["share_of_others"] = (k.sum() - k) / (n.sum() - n)
    p = stats.hypergeom.sf(k - 1, n.sum(), k.sum(), n)
    table["q"] = multipletests(p, method="fdr_bh")[1] if len(table) else p
    table["verdict"] = np.where(table["q"] <= LEVEL, "needs_guide", "as_usual")
    keys = ["verdict", "asked_share", "product_id"]
    ordered = table.sort_values(keys, ascending=[False, False, True])
    names = [
        "product_id",
        "first_orders",
        "asked",
        "asked_share",
        "share_of_others",
        "q",
        "verdict",
    ]
    return ordered.reset_index(drop=True)[names]
