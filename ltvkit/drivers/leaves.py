"""The leaves of revenue in two periods: counted in the engine, by groups of customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.core import files
from ltvkit.core.i18n import _
from ltvkit.drivers.calendars import Calendar, weigh
from ltvkit.drivers.formula import Formula, Values
from ltvkit.engines import frames, sampling
from ltvkit.engines.frames import Frame
from ltvkit.ingest import daily
from ltvkit.ingest.lines import filter_until
from ltvkit.periods import Day

Span = tuple[Day, Day]  # the first day and the last

LEAVES: dict[str, dict[str, str]] = files.read_yaml(__name__, "leaves.yaml")
MIXES = ("weekday_mix", "weekday_and_holiday_mix")
OF_LTV = ("active_months", "orders_per_active_month", "margin_rate")
OF_REVENUE = tuple(leaf for leaf in LEAVES if leaf not in OF_LTV)
MOVED = "change_in_revenue"
KINDS = ("new", "kept", "won_back")
BY_SPAN = {"new": "new_customers", "kept": "kept_customers", "won_back": "won_back_customers"}
BY_DAY = {
    "new": "new_customers_a_day",
    "kept": "kept_customers_a_day",
    "won_back": "won_back_a_day",
}
FEWEST, NEARLY_ALL = 30, 0.8  # customers, and the share of them who wait for as long as the span
NEAR, PART = 3, 9  # days by which they may wait shorter or longer: a ninth of the span at most
ROUNDING = 1e-9  # of what was sold, or of a figure: what is below that is an error of rounding


class Counted(NamedTuple):
    """Sums of two spans by group of customers (see `count`); and whether customers are `regular`:
    nearly all of them pay once in a time that is as long as the span, as a monthly fee in a month.
    So how many pay in a span does not depend on its days. (Yearly fees in a month do; and of
    monthly ones in a quarter this is not seen.)"""

    sums: pd.DataFrame
    regular: bool


def count(
    days: Frame,
    *,
    spans: Sequence[Span],
    lapse_days: int,
    lines: Frame | None = None,
    of: str = "revenue",
    margin_rate: float = 0.0,
) -> Counted:
    """Order lines, or their `days`, and two spans -> sums for each of 256 groups of customers.

    Columns end in 0 (the first span) or 1. `new`, `kept`, `won_back`: customers who bought in the
    span, by whether they had never bought before it, had at most `lapse_days` before, or had longer
    ago; `orders`, begun in the span; `revenue`, net. With `lines`: `gross` (of lines above zero),
    `returned` (of those below it), `items` (of lines above zero), `unknown` (those without a number
    of items; all where the lines have none). `of` "margin": also `margin`, that of the orders,
    where a line without one counts as 0, or `margin_rate` times the revenue; and with lines that
    have margins, `no_margin` (those without). Raises `ColumnError` where there is neither.
    """
    priced = of == "margin" and not margin_rate
    money = ("orders", "revenue", *["margin"] * priced)
    frames.lazy(days, needs=money[2:])
    last = max(periods.day(end) for _start, end in spans)
    each = _count_customers(days, spans=spans, lapse_days=lapse_days, last=last, money=money)
    sums = [f"{name}{n}" for n in (0, 1) for name in (*KINDS, *money)]
    with frames.materialized(each, like=days) as each:
        table = frames.add_up(sampling.deal(each), "group", sums=sums).set_index("group")
        regular = _are_regular(each, spans[-1])
    if lines is not None:
        sold = _count_lines(lines, spans=spans, last=last, priced=priced)
        sums = [name for name in sold.collect_schema().names() if name != "customer_id"]
        more = frames.add_up(sampling.deal(sold), "group", sums=sums).set_index("group")
        table = table.join(more, how="outer").fillna(0)
    table = table.astype(float)
    if of == "margin" and margin_rate:
        table = table.assign(**{f"margin{n}": margin_rate * table[f"revenue{n}"] for n in (0, 1)})
    return Counted(table, regular)


def _are_regular(each: nw.LazyFrame, span: Span) -> bool:
    """Whether nearly all who bought in the span, and before, waited for as long as the span is."""
    first, last = (periods.number_of(day) for day in span)
    length = last - first + 1
    apart = min(NEAR, length // PART)
    gap = nw.col("first1") - nw.col("before1")
    waited = each.select(gap=gap).filter(~nw.col("gap").is_null())
    near = frames.one_if((nw.col("gap") >= length - apart) & (nw.col("gap") <= length + apart))
    sums = waited.select(near=near).select(nw.col("near").sum(), customers=nw.len())
    found = frames.table(sums).fillna(0).iloc[0]
    return bool(found["customers"] >= FEWEST and found["near"] >= NEARLY_ALL * found["customers"])


def _count_customers(
    days: Frame, *, spans: Sequence[Span], lapse_days: int, last: Day, money: Sequence[str]
) -> nw.LazyFrame:
    seen = daily.aggregate_until(days, as_of=last)
    seen = seen.with_columns(_day=periods.number("order_date"))  # once, as it is a long expression
    day, bought = nw.col("_day"), nw.col("active") > 0
    columns: dict[str, nw.Expr] = {}
    sums: dict[str, nw.Expr] = {}
    for n, (start, within) in enumerate(_find_days(spans, day)):
        columns[f"before{n}"] = nw.when(bought & (day < start)).then(day)
        columns[f"first{n}"] = nw.when(bought & within).then(day)
        for name in money:
            columns[f"{name}{n}"] = nw.when(within).then(nw.col(name)).otherwise(nw.lit(0))
            sums[f"{name}{n}"] = nw.col(f"{name}{n}").sum()
        sums[f"before{n}"] = nw.col(f"before{n}").max()
        sums[f"first{n}"] = nw.col(f"first{n}").min()
    each = seen.select("customer_id", **columns).group_by("customer_id").agg(**sums)
    return each.with_columns(**{k: v for n in (0, 1) for k, v in _tell_kinds(n, lapse_days)})


def _tell_kinds(n: int, lapse_days: int) -> list[tuple[str, nw.Expr]]:
    first, before = nw.col(f"first{n}"), nw.col(f"before{n}")
    here, known = ~first.is_null(), ~before.is_null()
    late = known & (first - before > lapse_days)
    holds = {"new": here & ~known, "kept": here & known & ~late, "won_back": here & late}
    return [(f"{name}{n}", frames.one_if(which)) for name, which in holds.items()]


def _count_lines(lines: Frame, *, spans: Sequence[Span], last: Day, priced: bool) -> nw.LazyFrame:
    opened = filter_until(frames.lazy(lines, needs=daily.NEEDS), last)
    names = opened.collect_schema().names()
    counted, priced = "quantity" in names, priced and "margin" in names
    opened = opened.with_columns(_day=periods.number("order_date"))
    amount, day = nw.col("amount").cast(nw.Float64), nw.col("_day")
    items = nw.col("quantity").cast(nw.Float64) if counted else nw.lit(0.0)
    # What is no number is above all numbers in some engines.
    known = ((items > 0) & (items < inf)).fill_null(value=False) if counted else nw.lit(value=False)
    columns: dict[str, nw.Expr] = {}
    for n, (_start, within) in enumerate(_find_days(spans, day)):
        sold = within & (amount > 0)
        columns[f"gross{n}"] = nw.when(sold).then(amount).otherwise(nw.lit(0.0))
        columns[f"returned{n}"] = nw.when(within & (amount < 0)).then(-amount).otherwise(0.0)
        columns[f"items{n}"] = nw.when(sold & known).then(items).otherwise(nw.lit(0.0))
        columns[f"unknown{n}"] = frames.one_if(sold & ~known)
        if priced:
            columns[f"no_margin{n}"] = frames.one_if(within & nw.col("margin").is_null())
    chosen = opened.select("customer_id", **columns)
    return chosen.group_by("customer_id").agg(nw.col(*columns).sum())


def _find_days(spans: Sequence[Span], day: nw.Expr) -> list[tuple[int, nw.Expr]]:
    ends = [(periods.number_of(start), periods.number_of(end)) for start, end in spans]
    return [(start, (day >= start) & (day <= end)) for start, end in ends]


def describe_move(row: Mapping[str, Any]) -> str:
    """What a leaf did, in words, from its `value_before` and `value_after`."""
    way = "rise" if row["value_after"] > row["value_before"] else "fall"
    return _(LEAVES[row["leaf"]][way])


def divide(sums: Any, by: Any) -> np.ndarray:
    """A quotient of sums, numbers or arrays; NaN where there is nothing to divide by."""
    number, whole = np.asarray(sums, dtype=float), np.asarray(by, dtype=float)
    return np.divide(number, whole, out=np.full(np.shape(whole), np.nan), where=whole != 0)


class Tree(NamedTuple):
    """The formula of revenue, or of margin, and of each span its days and their mean weight.
    `net`: the value of orders and items is after what was sent back."""

    formula: Formula
    calendar: list[tuple[int, float]]
    net: bool = False

    def compute(self, sums: Values) -> list[dict[str, np.ndarray]]:
        """Sums of `count`, numbers or arrays -> the leaves of each span; NaN: not known."""
        return [
            {leaf: side[leaf] for leaf in self.formula.leaves} for side in self.compute_all(sums)
        ]

    def compute_all(self, sums: Values) -> list[dict[str, np.ndarray]]:
        """As `compute`, all leaves that the sums tell, whether they are in the formula or not."""
        return [_compute(sums, n, *self.calendar[n], net=self.net) for n in (0, 1)]

    def add_margin_rate(self) -> Tree:
        """The tree of margin: that of revenue times the margin rate."""
        text = f"({self.formula.text})" if self.formula.is_sum else self.formula.text
        return self._replace(formula=Formula(f"{text} * margin_rate"))


def build_tree(
    totals: Mapping[str, float],
    *,
    spans: Sequence[Span],
    known: bool,
    regular: bool,
    calendar: Calendar,
) -> Tree:
    """The tree of revenue, as far as the sums of both spans tell its leaves.

    Customers are per day, a strong weekday being worth more than one; where they are `regular` (see
    `Counted`), per span. Returns are a share of what was sold; where they are all of it or more, in
    a span, they are an amount that is taken off. `known`: whether it is known who is new;
    `calendar`: what kinds of days bring.
    """
    weighed = [weigh(span, calendar) for span in spans]
    if not all(weight for _days, weight in weighed):  # a day on which the shop is closed
        calendar = Calendar()
        weighed = [weigh(span, calendar) for span in spans]
    counted = "gross0" in totals
    itemised = counted and totals["unknown0"] + totals["unknown1"] == 0 < totals["items0"]
    parts = [] if regular else ["days", *[calendar.leaf] * bool(calendar.leaf)]
    kinds = f"({' + '.join((BY_SPAN if regular else BY_DAY).values())})"
    parts += [kinds if known else "customers" if regular else "customers_a_day"]
    parts += ["orders_per_customer"]
    parts += ["items_per_order", "price_per_item"] if itemised else ["order_value"]
    back = counted and totals["returned0"] + totals["returned1"]
    share = back and all(totals[f"returned{n}"] < totals[f"gross{n}"] for n in (0, 1))
    parts += ["(1 - returned_share)"] * bool(share)
    text = " * ".join(parts) + " - sent_back" * bool(back and not share)
    return Tree(Formula(text), weighed)


def _compute(sums: Values, n: int, days: int, weight: float, *, net: bool) -> dict[str, np.ndarray]:
    has = {name[:-1]: np.asarray(x, dtype=float) for name, x in sums.items() if name[-1] == str(n)}
    customers = has["new"] + has["kept"] + has["won_back"]
    gross = has["revenue"] if net else has.get("gross", has["revenue"])
    worth = days * weight
    found = {
        "days": np.full_like(customers, days),
        **{leaf: np.full_like(customers, weight) for leaf in MIXES},
        "customers": customers,
        "customers_a_day": customers / worth,
        **{leaf: has[kind] for kind, leaf in BY_SPAN.items()},
        **{leaf: has[kind] / worth for kind, leaf in BY_DAY.items()},
        "orders_per_customer": divide(has["orders"], customers),
        "order_value": divide(gross, has["orders"]),
    }
    if "gross" in has:
        found["items_per_order"] = divide(has["items"], has["orders"])
        found["price_per_item"] = divide(gross, has["items"])
        found["sent_back"] = has["returned"]
        found["returned_share"] = divide(has["returned"], has["gross"])
    if "margin" in has:
        least = ROUNDING * np.abs(has.get("gross", 0.0))
        revenue = np.where(np.abs(has["revenue"]) > least, has["revenue"], 0.0)
        found["margin_rate"] = divide(has["margin"], revenue)
    return found
