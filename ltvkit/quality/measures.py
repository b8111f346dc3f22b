"""What the checks of the quality gate look at, measured once for all of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import periods
from ltvkit.engines import frames
from ltvkit.ingest import truncation
from ltvkit.ingest.lines import filter_until, is_purchase
from ltvkit.ingest.policies import Policies
from ltvkit.ingest.span import find_core
from ltvkit.ingest.truncation import Beginning
from ltvkit.periods import Day
from ltvkit.quality import customer_ids, order_ids, repeated_orders, rounded_ids
from ltvkit.quality.customer_ids import CustomerIds
from ltvkit.quality.order_ids import OrderIds
from ltvkit.quality.repeated_orders import Repeated
from ltvkit.quality.rounded_ids import Rounded

if TYPE_CHECKING:
    from ltvkit.ingest.book import Orders


class Measures(NamedTuple):
    """What the checks look at: small tables, whatever the engine of the orders."""

    quality: pd.DataFrame
    days: pd.DataFrame
    early: pd.DataFrame
    late: pd.DataFrame
    lines: int
    facts: Mapping[str, Any]
    order_ids: OrderIds
    customer_ids: CustomerIds
    repeated: Repeated
    rounded: list[Rounded]
    beginning: Beginning | None
    until: Any
    as_of: dt.date
    declared: bool
    most_broken: float


def measure(book: Orders, reconciled: pd.DataFrame, *, as_of: Day, rules: Policies) -> Measures:
    """Orders and their reconciliation -> what the checks look at."""
    held = frames.hold_small(book.lines, rows=book.facts["lines_read"])
    lines = frames.lazy(held)
    daily = _count_days(lines)
    core = find_core(daily)
    before, after = daily.index < core.index[0], daily.index > core.index[-1]
    until = pd.Timestamp(periods.day(book.facts["until"]))
    last = min(until, core.index[-1]) if after.any() else max(until, core.index[-1])
    days = core.reindex(pd.date_range(core.index[0], last), fill_value=0)
    counted = filter_until(lines, as_of)
    ids = ["customer_id", *["order_id"] * (book.facts["orders_from"] == "order_id")]
    return Measures(
        quality=reconciled,
        days=days,
        early=daily[before],
        late=daily[after],
        lines=int(daily["lines"].sum()),
        facts=book.facts,
        order_ids=order_ids.measure(counted, book.facts),
        customer_ids=customer_ids.measure(counted, book.facts, fold=rules.fold_ids),
        repeated=repeated_orders.measure(counted, book.facts),
        rounded=rounded_ids.find_rounded(counted, ids),
        beginning=truncation.examine(
            book.days if held is book.lines else held,
            as_of=as_of,
            export_begins=rules.export_begins,
        ),
        until=until,
        as_of=min(pd.Timestamp(periods.day(as_of)), last),
        declared=bool(rules.data_until),
        most_broken=float(rules.max_quarantined),
    )


def _count_days(lines: nw.LazyFrame) -> pd.DataFrame:
    """Lines -> lines, orders and revenue by day. A return is no order, as in the key figures."""
    bought = nw.when(is_purchase("amount"))
    sums = {"orders": nw.col("_bought").n_unique(), "revenue": nw.col("amount").sum()}
    daily = frames.table(
        lines.with_columns(
            _bought=bought.then(nw.col("order_id")),
            _returned=bought.then(nw.lit(0)).otherwise(nw.lit(1)),
        )
        .group_by("order_date")
        .agg(lines=nw.len(), **sums, _returned=nw.col("_returned").max())
        .sort("order_date")
    ).set_index("order_date")
    daily.index = pd.DatetimeIndex(daily.index)
    daily["orders"] -= daily.pop("_returned")  # what has no order id counts as one more
    return daily
