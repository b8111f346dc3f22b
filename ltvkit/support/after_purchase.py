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
from ltvkit.ingest.truncation import find_known_from
from ltvkit.periods import Day
from ltvkit.support import rates, recording
from ltvkit.support.texts import fill

STARTS = (0, 3, 8, 15, 31, 61, 91)  # days: where a band begins
LAST = 365  # day up to which an enquiry belongs to an order
GUIDE_DAYS = 30
FEWEST, LEVEL = 30, 0.05  # first orders of a product to say anything of it
DELIVERY = "delivery_date"  # what days are counted from, where lines have it
NO_DAY = 10**7  # later than any day
BEFORE, NEVER = -1, 99  # bands of enquiries before a delivery, and of orders without one
NAMES = {BEFORE: "before_delivery", NEVER: "not_delivered"}
DAYS = [
    "order_kind", "days_after", "orders", "enquiries", "returns", "per_100_orders", "per_100_low",
    "per_100_high", "returns_per_100", "share",
]  # fmt: skip


class Guides(NamedTuple):
    """Products by how many of their first-order customers asked, and the customers to write to."""

    table: pd.DataFrame
    customers: pd.DataFrame


def measure_days(
    enquiries: Frame, lines: Frame, *, as_of: Day, export_begins: str = ""
) -> pd.DataFrame:
    """Enquiries and order lines up to `as_of` -> when enquiries and returns come after an order.

    A row per `order_kind` ("first_order" or "later_order" of the customer) and `days_after` (band):
    `orders` that have lived through the band, `enquiries` and `returns` of these within it,
    `per_100_orders` with `per_100_low` and `per_100_high` (95%, see `rates`), `returns_per_100`,
    `share` (of all enquiries of the rows). Days are counted from `delivery_date` where the lines
    have one, with bands for what came before it and for orders that are not delivered; else from
    the order. An enquiry belongs to its order where it names one, else to the customer's latest one
    before it; a return to the latest one before it. Orders before the first enquiry do not count,
    nor first orders of which it is not known that they are the first (`export_begins` is the
    policy). Raises `ColumnError`, and `TooLittleData` where no enquiry follows an order.
    """
    enquiries = frames.bring(enquiries, like=lines)
    opened, last = frames.lazy(lines), periods.number_of(as_of)
    delivered = _has_deliveries(opened)
    begins = _find_begins(enquiries, lines, as_of=as_of, export_begins=export_begins)
    placed = _list_orders(lines, as_of=as_of, delivered=delivered, begins=begins)
    with frames.materialized(placed, like=lines) as orders:
        ages = orders.select("first", "delivered", age=last - nw.col("day"))
        counted = frames.add_up(_add_one(ages), "first", "delivered", "age", sums=["n"])
        asked = _find_gaps(_list_enquiries(enquiries, as_of=as_of), orders, last=last)
        sent = _find_gaps(_list_returns(lines, as_of=as_of), orders, last=last)
        written, returned = (rates.count_enquirers(x, "first", "band") for x in (asked, sent))
    if not len(written):
        raise TooLittleData(fill("nothing_after"))
    bands = [BEFORE, *range(len(STARTS)), NEVER] if delivered else range(len(STARTS))
    rows = [_count_band(first, band, counted) for first in (1, 0) for band in bands]
    keys = ["first", "band"]
    sent_back = returned[[*keys, "enquiries"]].rename(columns={"enquiries": "returns"})
    table = pd.DataFrame(rows).merge(written, on=keys, how="left")
    table = table.merge(sent_back, on=keys, how="left").fillna(0)
    spread = {name: table[name].to_numpy(dtype=float) for name in ("squares", "most")}
    orders_of = (table["orders"] / rates.PER).where(table["orders"] > 0)
    low, high = rates.find_limits(table["enquiries"].to_numpy(), orders_of, **spread)
    table["per_100_orders"] = table["enquiries"] / orders_of
    table = table.assign(per_100_low=low, per_100_high=high)
    table["per_100_low"] = table["per_100_low"].where(table["orders"] > 0)
    table["returns_per_100"] = table["returns"] / orders_of
    table["share"] = table["enquiries"] / max(table["enquiries"].sum(), 1)
    return table[DAYS].astype({"enquiries": "int64", "returns": "int64"})


def find_guides(
    enquiries: Frame,
    lines: Frame,
    *,
    as_of: Day,
    days: int = GUIDE_DAYS,
    export_begins: str = "",
) -> Guides:
    """Enquiries and order lines, both with `product_id` -> products about which more of those asked
    whose first order held them, within so many days; and who bought one first in the last `days`.

    `table`, a row per product with 30 first orders or more that are so old, those that need a guide
    first, then the highest rate (equal: by id): product_id, `product` where the lines have it,
    `first_orders`, `asked` (of these, within the days, about it), `asked_share`, `share_of_others`
    (of the other products), `q` (adjusted for all products), `verdict` ("needs_guide": q at most
    5%, else "as_usual"). `customers`, a list: customer_id, `first_order`, product_id. First orders
    before the first enquiry do not count, nor those of customers of whom it is not known that they
    were new (`export_begins` is the policy). Raises `ColumnError`.
    """
    bought = frames.lazy(lines, needs=("customer_id", "order_date", "amount", "product_id"))
    bought = _select_bought(bought, as_of=as_of)
    brought = frames.bring(enquiries, like=lines)
    since = max(_find_begins(brought, lines, as_of=as_of, export_begins=export_begins))
    begun = bought.group_by("customer_id").agg(first_order=nw.col("order_date").min())
    begun = begun.filter(periods.number("first_order") >= since)
    firsts = (
        bought.join(begun, on="customer_id")
        .filter(nw.col("order_date") == nw.col("first_order"), ~nw.col("product_id").is_null())
        .select("customer_id", "product_id", "first_order").unique()
        .with_columns(age=periods.number_of(as_of) - periods.number("first_order"))
    )  # fmt: skip
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


def _find_begins(
    enquiries: Frame, lines: Frame, *, as_of: Day, export_begins: str
) -> tuple[int, int]:
    """The days, as numbers, from which enquiries are recorded and it is known who is new."""
    known = find_known_from(lines, as_of=as_of, export_begins=export_begins)
    recorded = periods.number_of(recording.find_start(enquiries, as_of=as_of))
    return recorded, 0 if known is None else periods.number_of(known.to_pydatetime())


def _has_deliveries(lines: nw.LazyFrame) -> bool:
    if DELIVERY not in lines.collect_schema().names():
        return False
    return frames.count(lines.filter(~nw.col(DELIVERY).is_null()).head(1)) > 0


def _list_orders(
    lines: Frame, *, as_of: Day, delivered: bool, begins: tuple[int, int]
) -> nw.LazyFrame:
    """Order lines -> customer_id, order_id, `bought` and `day` (numbers), `first` and `delivered`
    (1, 0); without a delivery day is that of the order."""
    opened = frames.lazy(lines, needs=("customer_id", "order_id", "order_date", "amount"))
    bought = _select_bought(opened, as_of=as_of).with_columns(_bought=periods.number("order_date"))
    if delivered:
        came = ~nw.col(DELIVERY).is_null() & (nw.col(DELIVERY) <= periods.day(as_of))
        # An empty day has no number, so one of the order stands in for it.
        on = nw.when(came).then(nw.col(DELIVERY)).otherwise(nw.col("order_date"))
        bought = bought.with_columns(_on=on, _came=frames.one_if(came))
        bought = bought.with_columns(_on=periods.number("_on"))
    else:
        bought = bought.with_columns(_on=nw.col("_bought"), _came=nw.lit(1).cast(nw.Int64))
    day = nw.when(nw.col("_came") == 1).then(nw.col("_on")).otherwise(nw.lit(NO_DAY))
    placed = bought.with_columns(_day=day).group_by("customer_id", "order_id").agg(
        bought=nw.col("_bought").min(), day=nw.col("_day").min(), delivered=nw.col("_came").max()
    )  # fmt: skip
    arrived = nw.col("delivered") == 1
    placed = placed.with_columns(
        day=nw.when(arrived).then(nw.col("day")).otherwise(nw.col("bought"))
    )
    begun = placed.group_by("customer_id").agg(begun=nw.col("bought").min())
    joined = placed.join(begun, on="customer_id").with_columns(
        first=frames.one_if(nw.col("bought") == nw.col("begun"))
    )
    recorded, known = begins
    sure = (nw.col("first") == 0) | (nw.col("begun") >= known)
    return joined.filter(nw.col("bought") >= recorded, sure)


def _list_enquiries(enquiries: Frame, *, as_of: Day) -> nw.LazyFrame:
    """Enquiries -> enquiry_id, customer_id, `on` (day, a number), `named` (order, if recorded)."""
    opened = frames.lazy(enquiries, needs=("enquiry_id", "customer_id", "enquiry_date"))
    opened = opened.filter(nw.col("enquiry_date") <= periods.day(as_of))
    named = "order_id" in opened.collect_schema().names()
    order = nw.col("order_id") if named else nw.lit(None).cast(nw.String)
    return opened.filter(~nw.col("customer_id").is_null()).select(
        "customer_id", "enquiry_id", on=periods.number("enquiry_date"), named=order
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
        enquiry_id=nw.concat_str(["customer_id", number], separator="\n"),
        named=nw.lit(None).cast(nw.String),
    )


def _find_gaps(events: nw.LazyFrame, orders: nw.LazyFrame, *, last: int) -> nw.LazyFrame:
    """Events of customers, and orders -> customer_id, enquiry_id, `first` and `band` of those in
    bands that their orders have lived through."""
    joined = events.join(orders, on="customer_id").filter(nw.col("bought") <= nw.col("on"))
    named = nw.col("named").is_null() | (nw.col("named") == nw.col("order_id"))
    latest = joined.filter(named).group_by("enquiry_id").agg(bought=nw.col("bought").max())
    chosen = joined.filter(named).join(latest, on=["enquiry_id", "bought"])
    each = chosen.group_by("customer_id", "enquiry_id").agg(
        first=nw.col("first").max(), on=nw.col("on").min(), day=nw.col("day").min(),
        came=nw.col("delivered").max(),
    )  # fmt: skip
    gap = nw.col("on") - nw.col("day")
    band, end = nw.lit(BEFORE), nw.lit(0)
    for n, start in enumerate(STARTS):
        band = nw.when(gap >= start).then(nw.lit(n)).otherwise(band)
        end = nw.when(gap >= start).then(nw.lit(_find_end(n))).otherwise(end)
    band = nw.when(nw.col("came") == 0).then(nw.lit(NEVER)).otherwise(band)
    placed = each.with_columns(
        band=band.cast(nw.Int64), _end=end, _gap=gap, _age=last - nw.col("day")
    )
    inside = (nw.col("_gap") <= LAST) & (nw.col("_age") >= nw.col("_end"))
    kept = placed.filter((nw.col("band") == NEVER) | inside)
    return kept.select("customer_id", "enquiry_id", "first", "band")


def _add_one(frame: nw.LazyFrame) -> nw.LazyFrame:
    return frame.with_columns(n=nw.lit(1).cast(nw.Int64))


def _find_end(band: int) -> int:
    return STARTS[band + 1] - 1 if band + 1 < len(STARTS) else LAST


def _count_band(first: int, band: int, counted: pd.DataFrame) -> dict[str, Any]:
    own = counted[(counted["first"] == first) & (counted["delivered"] == int(band != NEVER))]
    row: dict[str, Any] = {"first": first, "band": band}
    row["order_kind"] = "first_order" if first else "later_order"
    if band in NAMES:
        return row | {"days_after": fill(NAMES[band]), "orders": int(own["n"].sum())}
    end = _find_end(band)
    row["days_after"] = fill("days", start=STARTS[band], end=end)
    return row | {"orders": int(own.loc[own["age"] >= end, "n"].sum())}


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
