"""LTV so far as length x frequency x price, and what each does to its distance from the mean.

The factors of the mean customer are those of the shop: all months of relationship by customers, all
orders by months, all money by orders; their product is the mean LTV. The distance of a customer is
shared out by the Shapley value, as that of the KPI tree is (see `ltvkit.drivers`), in the closed
form that three factors have: it runs in the engine.
"""

from __future__ import annotations

from typing import NamedTuple

import narwhals.stable.v2 as nw

from ltvkit import customers as customer_table
from ltvkit import periods
from ltvkit.archetypes.texts import fill
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import TooLittleData
from ltvkit.ingest import daily, truncation
from ltvkit.periods import MONTH_DAYS, Day

FACTORS = ("relationship_months", "orders_per_month", "order_value")
PARTS = ("from_length", "from_frequency", "from_price")
ADDED = ("ltv_so_far", "ltv_above_mean", *FACTORS, *PARTS)


class Means(NamedTuple):
    """The mean customer of a shop: `ltv` = `months` x `orders_per_month` x `order_value`.

    `gap_days`: the usual time between two orders of a customer.
    """

    customers: int
    gap_days: float
    months: float
    orders_per_month: float
    order_value: float
    ltv: float


def measure(lines: Frame, *, as_of: Day, export_begins: str = "") -> Frame:
    """Order lines, or their `days` -> `customers.summarize` with two more columns.

    - `margin`: of all lines up to `as_of`, where the lines have one (a line without it counts 0)
    - `beginning_known`: whether the first purchase is the customer's first, and not just the first
      in an export that begins in the middle of the shop's life (`ingest.truncation`;
      `export_begins` is the policy)

    Comes back as the kind of frame that went in. Raises `ColumnError`.
    """
    seen = frames.lazy(customer_table.summarize(lines, as_of=as_of))
    found = truncation.find_truncation(lines, as_of=as_of, export_begins=export_begins)
    known = nw.lit(True) if found is None else nw.col("first_order") >= nw.lit(found.known_from)
    seen = seen.with_columns(beginning_known=known)
    days = daily.select_days(lines, as_of=as_of)
    if "margin" in days.collect_schema().names():
        sums = days.group_by("customer_id").agg(nw.col("margin").sum())
        seen = seen.join(sums, on="customer_id", how="left")
        seen = seen.with_columns(frames.round_money("margin"))
    return frames.materialize(seen, like=lines)


def sum_later(lines: Frame, *, after: Day, until: Day, of: str = "revenue") -> nw.LazyFrame:
    """Order lines, or their `days` -> `customer_id`, `later`: money after one day up to another."""
    frames.lazy(days := daily.select_days(lines, as_of=until), needs=(of,))
    within = days.filter(nw.col("order_date") > nw.lit(periods.day(after)))
    return within.group_by("customer_id").agg(later=nw.col(of).sum())


def find_means(customers: Frame, *, of: str = "revenue", gap_days: float | None = None) -> Means:
    """Customers (as of `measure`) -> the mean customer, by money `of` "revenue" or "margin".

    `gap_days`: the days from the first to the last order of all customers, divided by all orders
    after the first; or as given. Raises `TooLittleData` where nobody ordered on a second day.
    """
    needs = ("orders", "tenure_days", "recency_days", of)
    opened = frames.lazy(customers, needs=needs)
    opened = opened.select(orders=nw.col("orders"), span=_span(), money=nw.col(of))
    sums = opened.select(nw.col("orders", "span", "money").sum(), customers=nw.len())
    row = frames.table(sums).fillna(0).astype(float).iloc[0]
    n, orders, span, money = (float(row[c]) for c in ("customers", "orders", "span", "money"))
    if not span or orders <= n:
        raise TooLittleData(fill("nobody_twice"))
    gap = span / (orders - n) if gap_days is None else float(gap_days)
    months = (span / n + gap) / MONTH_DAYS
    return Means(int(n), gap, months, orders / n / months, money / orders, money / n)


def split(customers: Frame, *, of: str = "revenue", gap_days: float | None = None) -> Frame:
    """Customers (as of `measure`) -> the same with their LTV so far, and why it is not the mean.

    - `ltv_so_far`: money `of` "revenue" or "margin", returns netted; `ltv_above_mean`: less the
      mean of these customers
    - `relationship_months`: days from the first to the last order, plus the shop's usual days
      between two orders (`find_means`, or `gap_days`), by 30.4375: each order covers the time to
      the next one, the last order the usual time. Not the time since the first order: who left
      three years ago has no long relationship.
    - `orders_per_month` of the relationship; `order_value`: money per order, of margin the margin
    - `from_length`, `from_frequency`, `from_price`: the parts of `ltv_above_mean`; they add up to
      it. A factor that is as in the mean customer has no part.

    One order says nothing of how long or how often: such a customer has the usual time between two
    orders as length, so the shop's mean as frequency, and no part from it. Where a gap is given,
    both are near it. Columns of these names that are there already are replaced. Comes back as the
    kind that went in. Raises `TooLittleData` and `ColumnError`.

    >>> import pandas as pd
    >>> shop = pd.DataFrame({"customer_id": ["a", "b"], "orders": [1, 3], "revenue": [10.0, 90.0],
    ...     "tenure_days": [50, 90], "recency_days": [50, 30]})
    >>> split(shop)[["ltv_above_mean", "from_length", "from_frequency", "from_price"]].round(2)
       ltv_above_mean  from_length  from_frequency  from_price
    0           -40.0        -17.5             0.0       -22.5
    1            40.0         27.5             0.0        12.5
    """
    means = find_means(customers, of=of, gap_days=gap_days)
    return frames.materialize(add_parts(frames.lazy(customers), means, of=of), like=customers)


def add_parts(customers: nw.LazyFrame, means: Means, *, of: str) -> nw.LazyFrame:
    """Customers with what `split` adds, against the mean customer; lazy."""
    opened = frames.without(customers, *ADDED)
    months = (_span() + means.gap_days) / MONTH_DAYS
    factors = opened.with_columns(
        ltv_so_far=nw.col(of), relationship_months=months, order_value=nw.col(of) / nw.col("orders")
    ).with_columns(orders_per_month=nw.col("orders") / nw.col("relationship_months"))
    usual = dict(zip(FACTORS, means[2:5], strict=True))
    parts = {}
    for name, part in zip(FACTORS, PARTS, strict=True):
        others = [other for other in FACTORS if other != name]
        parts[part] = _attribute(name, *others, usual=usual)
    found = factors.with_columns(ltv_above_mean=nw.col("ltv_so_far") - means.ltv, **parts)
    ordered = found.select(*opened.collect_schema().names(), *ADDED)
    return ordered.with_columns(frames.round_money("ltv_above_mean", *PARTS))


def _span() -> nw.Expr:
    return (nw.col("tenure_days") - nw.col("recency_days")).cast(nw.Float64)


def _attribute(x: str, y: str, z: str, *, usual: dict[str, float]) -> nw.Expr:
    """The Shapley value of factor x in x y z against the usual factors: x moves first or last of
    three in two orders of six each, and between the others in one order each."""
    y0, z0, mine = usual[y], usual[z], nw.col(x) - usual[x]
    ends = (nw.col(y) * nw.col(z) + y0 * z0) / 3
    return mine * (ends + (nw.col(y) * z0 + y0 * nw.col(z)) / 6)
