"""Traits of new customers: what their first order tells, and nothing that came later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw

from ltvkit import cohorts, periods
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import NothingYet, ParamsError, TooLittleData
from ltvkit.ingest import amounts, schema
from ltvkit.ingest.lines import filter_purchases, filter_until
from ltvkit.periods import Day
from ltvkit.traits import groups
from ltvkit.traits.texts import fill

NEEDS = ("customer_id", "order_date", "amount")
OWN = ("customer_id", "first_order", "amount")  # columns of a new customer that are no traits
PREFIX = "first_"
ADDED = ("first_basket", "first_discount", "first_weekday", "first_quarter", groups.BAND)
# What tells single orders, is no text of the first order, or is decided after it.
NO_TRAITS = (
    *(*schema.FIRST, *schema.NUMBERS, *schema.WORKING, *amounts.PARTS),
    *("status", "currency", "written_order_id"),
)
NO_VALUE = ("coupon", "voucher", "promo", "discount", "campaign")  # empty: there was none
DISCOUNTS = ("line_discount", "order_discount")
ITEMS = ("product_id", "product", "quantity")
BANDS = 3


def collect(
    lines: Frame,
    *,
    as_of: Day,
    by: Sequence[str] = (),
    bands: int = BANDS,
    export_begins: str = "",
) -> Any:
    """Order lines up to `as_of` -> a row per new customer with the traits of the first order.

    The first order is all lines of a customer's first day with a purchase. Columns:

    - `customer_id`; `first_order`: the day; `amount`: of the day, returns on it netted
    - `first_<column>` for the columns of `by`, by default all of text that the lines have (but
      ids, status and currency; of `product` and `product_id` the name): the value with most money
      on that day, of equal ones the first by name
    - `first_basket`: one product, or several (without products: pieces); `first_discount`: with one
      or without, where discounts are mapped; `first_amount_band`: thirds of these customers by
      `amount` (or as many `bands`; equal amounts stay together), `first_weekday`, `first_quarter`

    Later orders change none of them. Values of fewer than 30 customers, and all but the 11 most
    frequent of a trait, are gathered as "(all others)"; a trait with one value is left out.
    Customers of whom it is not known when they were new are left out (`cohorts.find_known`;
    `export_begins`: the policy). Comes back as the kind of frame that went in. Raises
    `ColumnError`, `ParamsError`, and `NothingYet` where it is not known who is new.

    >>> import pandas as pd
    >>> lines = pd.DataFrame({"customer_id": [f"c{n}" for n in range(60)], "order_id": range(60),
    ...     "order_date": pd.Timestamp("2024-01-01"), "amount": 10.0,
    ...     "channel": ["web", "shop"] * 30})
    >>> found = collect(lines, as_of="2024-01-31", export_begins="opening")
    >>> found[["customer_id", "first_channel"]].head(2).to_dict("list")
    {'customer_id': ['c0', 'c1'], 'first_channel': ['web', 'shop']}
    """
    if not isinstance(bands, int) or bands < 2:
        raise ParamsError(f"bands={bands!r}: give a whole number of 2 or more.")
    if wrong := [column for column in by if column.casefold() in schema.NO_GROUPS]:
        raise ParamsError(f"by={wrong[0]!r}: it tells single customers or orders; leave it out.")
    opened = filter_until(frames.lazy(lines, needs=(*NEEDS, *by)), as_of)
    known = _find_known(lines, as_of=as_of, export_begins=export_begins)
    columns = list(by) or list_columns(opened)
    with (
        frames.materialized(_select_first_days(opened, known), like=lines) as first,
        frames.materialized(_describe(first, columns), like=lines) as described,
        frames.materialized(groups.add_bands(described, bands=bands), like=lines) as each,
    ):
        gathered = groups.gather(each, list_traits(each))
        return frames.materialize(gathered.sort("customer_id"), like=lines)


def _find_known(lines: Frame, *, as_of: Day, export_begins: str) -> int | None:
    """The first month of known new customers; without one no step of the page can be taken."""
    try:
        return cohorts.find_known(lines, as_of=as_of, every="month", export_begins=export_begins)
    except TooLittleData as error:
        said = str(error)
        raise NothingYet(said[:1].upper() + said[1:]) from error


def add_traits(customers: Frame, first: Frame) -> Any:
    """Customers of `customers.summarize`, and those of `collect` -> those that are in both, with
    their traits, in the order of their ids; as the kind of frame that went in."""
    traits = frames.lazy(first).select("customer_id", *list_traits(first))
    kept = frames.without(frames.lazy(customers), *list_traits(first))
    return frames.materialize(kept.join(traits, on="customer_id").sort("customer_id"), like=first)


def list_columns(lines: nw.LazyFrame) -> list[str]:
    """The columns of text that say something about an order, in their order."""
    schema_of = lines.collect_schema()
    texts = [n for n, kind in schema_of.items() if _is_text(kind) and not n.startswith("_")]
    chosen = [n for n in texts if n.casefold() not in NO_TRAITS]
    return [n for n in chosen if n != "product_id" or "product" not in chosen]


def list_traits(customers: Frame) -> list[str]:
    """Customers of `collect` -> the names of the columns that hold their traits."""
    names = frames.lazy(customers, needs=OWN).collect_schema().names()
    return [n for n in names if n.startswith(PREFIX) and n not in OWN]


def _is_text(kind: Any) -> bool:
    return isinstance(kind, nw.String | nw.Categorical | nw.Enum)


def _select_first_days(lines: nw.LazyFrame, known: int | None) -> nw.LazyFrame:
    """All lines of the first day with a purchase (`_first`), of customers known to be new."""
    bought = filter_purchases(lines)
    first = bought.group_by("customer_id").agg(_first=nw.col("order_date").min())
    if known is not None:
        first = first.filter(periods.index("_first", "month") >= known)
    dropped = lines.with_columns(nw.col("amount").cast(nw.Float64))
    renamed = frames.without(dropped, "_first").rename({"order_date": "_first"})
    return renamed.join(first, on=["customer_id", "_first"])


def _describe(first: nw.LazyFrame, columns: Sequence[str]) -> nw.LazyFrame:
    """First days -> a row per customer with all traits that need no other customer."""
    names = first.collect_schema().names()
    number = periods.number("_first")
    each = first.group_by("customer_id", "_first").agg(amount=nw.col("amount").sum())
    each = each.with_columns(frames.round_money("amount"))
    bought = filter_purchases(first)
    taken = [name.removeprefix(PREFIX) for name in (*OWN, *ADDED)]
    for column in columns:
        taken.append(name := frames.unused(column, taken))
        each = each.join(_find_largest(bought, column, PREFIX + name), on="customer_id")
    items = next((n for n in ITEMS if n in names), "")
    if items:
        each = each.join(_measure_basket(bought, items), on="customer_id")
    discounts = [n for n in DISCOUNTS if n in names and first.collect_schema()[n].is_numeric()]
    if discounts:
        each = each.join(_find_discount(bought, discounts), on="customer_id")
    weekday, quarter = (number + 3) % 7, (nw.col("_first").dt.month().cast(nw.Int64) - 1) // 3
    named = each.with_columns(
        first_weekday=_name(weekday, [fill(f"weekday_{n}") for n in range(7)]),
        first_quarter=_name(quarter, [fill(f"quarter_{n}") for n in range(4)]),
    )
    return named.rename({"_first": "first_order"})


def _find_largest(bought: nw.LazyFrame, column: str, trait: str) -> nw.LazyFrame:
    """customer_id and the value of a column with most money; of equal ones the first by name."""
    empty = any(word in column.casefold() for word in NO_VALUE)
    value = nw.col(column).cast(nw.String).fill_null(fill("none" if empty else "not_known"))
    summed = bought.select("customer_id", "amount", _value=value)
    summed = summed.group_by("customer_id", "_value").agg(nw.col("amount").sum())
    summed = summed.with_columns(frames.round_money("amount"))
    most = nw.col("amount").max().over("customer_id")
    largest = summed.filter(nw.col("amount") == most).group_by("customer_id")
    return largest.agg(nw.col("_value").min().alias(trait))


def _measure_basket(bought: nw.LazyFrame, items: str) -> nw.LazyFrame:
    """Whether the first order had one product (without products: one piece), or several."""
    if items == "quantity":
        pieces = bought.with_columns(_n=nw.col(items).cast(nw.Float64).fill_null(1.0))
        counted = pieces.group_by("customer_id").agg(nw.col("_n").sum())
    else:
        distinct = bought.select("customer_id", items).unique()
        counted = distinct.group_by("customer_id").agg(_n=nw.len())
    unit = "pieces" if items == "quantity" else "products"
    several = nw.when(nw.col("_n") > 1).then(nw.lit(fill(f"several_{unit}")))
    return counted.select(
        "customer_id", first_basket=several.otherwise(nw.lit(fill(f"one_{unit}")))
    )


def _find_discount(bought: nw.LazyFrame, columns: Sequence[str]) -> nw.LazyFrame:
    sizes = [nw.col(n).cast(nw.Float64).fill_null(0.0).abs() for n in columns]
    taken = bought.select("customer_id", _n=nw.sum_horizontal(*sizes))
    summed = taken.group_by("customer_id").agg(nw.col("_n").sum())
    with_one = nw.when(nw.col("_n") > 0).then(nw.lit(fill("discount")))
    return summed.select(
        "customer_id", first_discount=with_one.otherwise(nw.lit(fill("full_price")))
    )


def _name(number: nw.Expr, names: Sequence[str]) -> nw.Expr:
    """Whole numbers from 0 on as their names."""
    named = nw.lit(names[-1])
    for n, name in reversed(list(enumerate(names[:-1]))):
        named = nw.when(number == n).then(nw.lit(name)).otherwise(named)
    return named
