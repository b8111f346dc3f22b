"""Order ids under suspicion: missing, rounded, used again, or with a total on every line.

Each check takes what `measure` found and returns whether it is a finding, and its figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw

from ltvkit import periods
from ltvkit.core.i18n import N_, _, n_
from ltvkit.display import formats
from ltvkit.engines import frames
from ltvkit.ingest.lines import filter_purchases
from ltvkit.ingest.order_numbers import RESTARTS

MOST_APART = 31  # days between lines of one order
SHARE = 0.005  # of the ids; fewer are exceptions
CLOSE = 0.05  # a count that differs by less is nearly the same
ALIKE, LEAST = 0.9, 3  # as `inspect` asks about the totals of orders
TWINS = 0.2  # fewer orders of lines that are exactly alike are duplicates (see `duplicates`)
MOST_OF_ONE, FEW_ORDERS = 0.5, 10  # revenue of a single order, among so many or more
KEYS = {
    "year": N_("each year"),
    "month": N_("each month"),
    "day": N_("each day"),
    "customer": N_("for each customer"),
}


class OrderIds(NamedTuple):
    """Purchases by order id. `made_of`: "order_id", or what stands for it ("lines", "days").

    `orders`, `revenue`, `customer_days` of all; `largest`: the revenue of the largest; `split` ids
    are of several customers or of days far apart, `split_orders` counts all orders where they begin
    again each `restart`; `several` orders have several lines, `same` of them with one amount, and
    `once` is the revenue if that amount counts once.
    """

    made_of: str
    orders: int
    revenue: float
    customer_days: int
    split: int = 0
    restart: str = ""
    split_orders: int = 0
    several: int = 0
    same: int = 0
    once: float = 0.0
    largest: float = 0.0


def measure(lines: nw.LazyFrame, facts: Mapping[str, Any]) -> OrderIds:
    """Order lines, and facts of their source -> what the checks of order ids look at."""
    bought = filter_purchases(lines)
    placed = (
        bought.group_by("order_id", "customer_id", "order_date")
        .agg(
            lines=nw.len(),
            amount=nw.col("amount").sum(),
            least=nw.col("amount").min(),
            most=nw.col("amount").max(),
        )
        .with_columns(_day=periods.number("order_date"))
    )
    orders = _sum_by_order(placed, "order_id")
    days = frames.count(bought.select("customer_id", "order_date").unique())
    amount = nw.col("amount")
    sums = orders.select(amount.sum(), orders=nw.len(), largest=amount.max())
    whole = frames.table(sums).fillna(0).iloc[0]
    made_of = facts["orders_from"]
    sums = int(whole["orders"]), float(whole["amount"]), days
    found = OrderIds(made_of, *sums, largest=float(whole["largest"]))
    if made_of != "order_id" or not found.orders:
        return found
    found = found._replace(**_measure_totals(orders, bought, found.revenue))
    split = frames.count(orders.filter(_is_split()))
    if split < max(2, SHARE * found.orders):
        return found
    restart, count = _find_restart(placed, split=split)
    return found._replace(split=split, restart=restart, split_orders=count)


def check_missing(found: OrderIds) -> tuple[bool, str]:
    """Whether each line counts as an order, and another count would differ."""
    if found.made_of == "order_id":
        return False, _("orders are told apart by their ids")
    if found.made_of == "days":
        return False, _("a customer's lines of one day count as one order")
    text = _(
        "there are no order ids, so each line counts as an order: {orders} orders of {average} "
        "on average. If a customer's lines of one day are one order, {days} of {other}"
    )
    figure = formats.fill(
        text,
        orders=found.orders,
        average=_average(found.revenue, found.orders),
        days=found.customer_days,
        other=_average(found.revenue, found.customer_days),
    )
    return found.orders > (1 + CLOSE) * found.customer_days, figure


def check_largest(found: OrderIds) -> tuple[bool, str]:
    """Whether a single order is worth more than all others together."""
    if found.orders < FEW_ORDERS:
        return False, _("too few orders to tell")
    share = found.largest / found.revenue if found.revenue else 0.0
    text = _("one order is {share} of all that was bought")
    return share > MOST_OF_ONE, formats.fill(text, share=share)


def check_restarts(found: OrderIds) -> tuple[bool, str]:
    """Whether order ids are of several customers, or of days far apart."""
    if not found.split:
        return False, _("no order id stands for several orders")
    text = n_(
        "{n} order id is of several customers, or of days more than a month apart. As read there "
        "are {orders} orders of {average} on average",
        "{n} order ids are of several customers, or of days more than a month apart. As read "
        "there are {orders} orders of {average} on average",
        found.split,
    )
    average = _average(found.revenue, found.orders)
    figure = formats.fill(text, n=found.split, orders=found.orders, average=average)
    if not found.restart:
        return True, figure
    text = _("; if the numbers begin again {each}, {orders} of {average}")
    other = _average(found.revenue, found.split_orders)
    each = _(KEYS[found.restart])
    return True, figure + formats.fill(text, each=each, orders=found.split_orders, average=other)


def check_totals(found: OrderIds) -> tuple[bool, str]:
    """Whether the lines of an order all have the same amount, as if it were the order's."""
    if not found.same:
        return False, _("the lines of an order have amounts of their own")
    text = _(
        "in {share} of the orders of several lines all lines have the same amount. If it is the "
        "order's total, revenue is {once} instead of {revenue}"
    )
    share = found.same / found.several
    money = {"once": formats.money(found.once), "revenue": formats.money(found.revenue)}
    return True, formats.fill(text, share=share, **money)


def _average(revenue: float, orders: int) -> str:
    return formats.money(revenue / orders) if orders else "-"


def _sum_by_order(placed: nw.LazyFrame, *key: str) -> nw.LazyFrame:
    """Purchases by order, customer and day -> by `key`: customers, days, lines and amounts."""
    return placed.group_by(*key).agg(
        nw.col("lines", "amount").sum(),
        least=nw.col("least").min(),
        most=nw.col("most").max(),
        customers=nw.col("customer_id").n_unique(),
        first=nw.col("_day").min(),
        last=nw.col("_day").max(),
    )


def _is_split() -> nw.Expr:
    """Whether an order is of several customers, or of days far apart."""
    return (nw.col("customers") > 1) | (nw.col("last") - nw.col("first") > MOST_APART)


def _find_restart(placed: nw.LazyFrame, *, split: int) -> tuple[str, int]:
    """When ids begin again, so that nearly none stands for several orders, and the orders then.

    "" where no reading makes them orders.
    """
    for restart in RESTARTS:
        second = nw.col("customer_id")
        if restart != "customer":
            second = periods.index("order_date", restart)
        orders = _sum_by_order(placed.with_columns(_key=second), "order_id", "_key")
        if frames.count(orders.filter(_is_split())) <= CLOSE * split:
            return restart, frames.count(orders)
    return "", 0


def _measure_totals(orders: nw.LazyFrame, bought: nw.LazyFrame, revenue: float) -> dict[str, Any]:
    """Orders of several lines, those of one amount, and the revenue if that counts once.

    Nothing where a shop of few prices has many such orders by chance, or where the lines are
    duplicates.
    """
    several = orders.filter((nw.col("lines") > 1) & ~_is_split())
    same = several.filter((nw.col("least") == nw.col("most")) & (nw.col("most") > 0))
    sums = same.select(nw.col("amount", "most", "lines").sum(), orders=nw.len())
    count, row = frames.count(several), frames.table(sums).fillna(0).iloc[0]
    if row["orders"] < max(LEAST, ALIKE * count):
        return {}
    prices = frames.table(
        bought.group_by("amount")
        .agg(lines=nw.len())
        .select(nw.col("lines").sum(), most=nw.col("lines").max())
    ).iloc[0]
    copies = frames.count(bought) - frames.count(bought.unique())
    twins = copies >= row["lines"] - row["orders"] and row["orders"] < TWINS * frames.count(orders)
    if prices["most"] > prices["lines"] / 2 or twins:
        return {}
    once = revenue - float(row["amount"] - row["most"])
    return {"several": count, "same": int(row["orders"]), "once": once}
