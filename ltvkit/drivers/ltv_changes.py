"""Why newer customers are worth more, or less: LTV at one age, of two groups of cohorts."""

from __future__ import annotations

from collections.abc import Mapping

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import cohorts, periods
from ltvkit.customers import is_decisive
from ltvkit.display import formats
from ltvkit.drivers import changes
from ltvkit.drivers.change import Change
from ltvkit.drivers.formula import Formula, Values
from ltvkit.drivers.leaves import divide
from ltvkit.drivers.texts import fill
from ltvkit.engines import frames, resampling, sampling
from ltvkit.engines.frames import Frame
from ltvkit.errors import TooLittleData
from ltvkit.ingest import daily, truncation
from ltvkit.periods import Day

AGES = (12, 6, 3)  # months to follow customers, and of whose cohorts; the longest that fits
LEAST, MOST = 3, 12  # cohorts to measure LTV on
BY_REVENUE = Formula("active_months * orders_per_active_month * order_value")
BY_MARGIN = Formula("active_months * orders_per_active_month * order_value * margin_rate")


def explain_ltv(
    days: Frame,
    *,
    as_of: Day,
    of: str = "revenue",
    draws: int = 1000,
    seed: int = 1,
    export_begins: str = "",
    currency: str = "",
) -> Change:
    """Order lines, or their `days` -> why the LTV of newer customers differs from that of older.

    LTV is what a customer brings in the first 12 months (6 or 3 where the orders span less): in how
    many of these months they order, the month of the first order among them, x orders in such a
    month x the value of an order (x margin rate; `of` "margin"). Compared are the customers won in
    the last so many months who have lived through as many, with those won in as many months before
    them. `before`, `after` and changes are per customer; all else is as in `changes.explain`.
    `notes` name the customer who decides what a group brought (`customers.is_decisive`).
    Raises `TooLittleData` where the orders span too little, and `ColumnError` without a margin.
    """
    needed = {n: 3 * n - 1 for n in AGES}
    rule = {"young": "too_young_for_ltv", "export_begins": export_begins}
    born, _whole, months = _follow(days, needed, as_of=as_of, of=of, **rule)
    last = periods.last_whole(as_of, "month")
    begins = [last + 2 - 3 * months, last + 2 - 2 * months]
    sums, largest = _count(days, born, as_of=as_of, begins=begins, months=months, of=of)
    formula = BY_MARGIN if of == "margin" else BY_REVENUE
    totals = sums.sum().to_dict()
    if not (totals["orders0"] and totals["orders1"]):
        raise TooLittleData(fill("no_cohort_to_compare"))
    people = min(totals["customers0"], totals["customers1"])
    drawn = _compute(resampling.resample(sums, draws=draws, seed=seed), formula)
    sides = _compute(totals, formula)
    shares = changes.list_shares(formula, sides, drawn, enough=people >= changes.FEWEST)
    before, after = (float(totals[f"{of}{n}"] / totals[f"customers{n}"]) for n in (0, 1))
    names = (_name(begins[0], months), _name(begins[1], months))
    notes = _name_the_largest(totals, largest, names, of=of, currency=currency)
    return Change(shares, formula, names, before, after, months, notes=notes)


def measure_ltv(days: Frame, *, as_of: Day, of: str = "revenue", export_begins: str = "") -> Change:
    """Order lines, or their `days` -> LTV and its leaves of the newest cohorts that are old enough.

    As in `explain_ltv`, with no older ones to compare with: of at most 12 cohorts that have lived
    through 12 months (6 or 3 where the orders span less, which must leave three cohorts). All of it
    is in `after`, `formula` and the table's `value_after`; no part is a change. Raises as
    `explain_ltv` does.
    """
    needed = {n: n + LEAST - 1 for n in AGES}
    rule = {"young": "too_young_to_measure", "export_begins": export_begins}
    born, whole, months = _follow(days, needed, as_of=as_of, of=of, **rule)
    width = min(MOST, whole - months + 1)
    begin = periods.last_whole(as_of, "month") + 2 - months - width
    sums, _largest = _count(
        days, born, as_of=as_of, begins=[begin], months=months, of=of, width=width
    )
    totals = sums.sum().to_dict()
    if not totals["orders0"]:
        raise TooLittleData(fill("no_cohort_to_compare"))
    formula = BY_MARGIN if of == "margin" else BY_REVENUE
    [leaves] = _compute(totals, formula, sides=1)
    table = pd.DataFrame({"leaf": list(leaves), "value_after": [float(x) for x in leaves.values()]})
    name = _name(begin, width)
    ltv = float(totals[f"{of}0"] / totals["customers0"])
    return Change(table, formula, (name, name), ltv, ltv, months)


def _name_the_largest(
    totals: Values, largest: Values, names: tuple[str, str], *, of: str, currency: str
) -> tuple[str, ...]:
    """For each group that one customer decides, what the others brought each."""
    said = []
    for n, name in enumerate(names):
        whole, people = float(totals[f"{of}{n}"]), int(totals[f"customers{n}"])
        most = float(largest[f"{of}{n}"])
        share = most / whole if whole > 0 else 0.0
        if is_decisive(share, of=people):
            each = formats.money((whole - most) / (people - 1), currency)
            said.append(fill("one_decides_ltv", period=name, share=share, each=each))
    return tuple(said)


def _follow(
    days: Frame, needed: Mapping[int, int], *, young: str, as_of: Day, of: str, export_begins: str
) -> tuple[nw.LazyFrame, int, int]:
    """Customers and the month in which they were won, the whole months in which that is known, and
    for how many months to follow them: the first of the ages that has the months it needs. `young`
    is the text of what cannot be said where none has."""
    frames.lazy(daily.select_days(days, as_of=as_of), needs=(of,))
    known = cohorts.find_known(days, as_of=as_of, every="month", export_begins=export_begins)
    born = cohorts.members(days, as_of=as_of, by="month", every="month")
    whole = _count_months(days, as_of=as_of, known=known, export_begins=export_begins)
    months = next((age for age, least in needed.items() if whole >= least), 0)
    if not months:
        raise TooLittleData(fill(young, least=min(needed.values()), n=whole))
    return born, whole, months


def _compute(sums: Values, formula: Formula, *, sides: int = 2) -> list[dict[str, np.ndarray]]:
    """Sums of `_count` -> the leaves of each group of cohorts."""
    found = []
    for n in range(sides):
        active, orders, revenue = (sums[f"{name}{n}"] for name in ("active", "orders", "revenue"))
        leaves = {
            "active_months": divide(active, sums[f"customers{n}"]),
            "orders_per_active_month": divide(orders, active),
            "order_value": divide(revenue, orders),
        }
        if "margin_rate" in formula.leaves:
            leaves["margin_rate"] = divide(sums[f"margin{n}"], revenue)
        found.append(leaves)
    return found


def _count(
    days: Frame,
    born: nw.LazyFrame,
    *,
    as_of: Day,
    begins: list[int],
    months: int,
    of: str,
    width: int = 0,
) -> tuple[pd.DataFrame, dict[str, float]]:
    """A row for each of 256 groups of customers: customers, active (months with a purchase), orders
    and money of each group of cohorts, up to the age; and the most money of one customer in each
    group of cohorts. `width`: cohorts of a group; 0: as many as months."""
    width = width or months
    money = list(dict.fromkeys(("revenue", of)))
    seen = daily.aggregate_until(days, as_of=as_of)
    seen = seen.with_columns(period=periods.index("order_date", "month"))
    aged = seen.join(born, on="customer_id").with_columns(age=nw.col("period") - nw.col("born"))
    aged = aged.filter(nw.col("age") >= 0, nw.col("age") < months, nw.col("born") >= begins[0])
    aged = aged.filter(nw.col("born") < begins[-1] + width)
    by_age = aged.group_by("customer_id", "born", "age").agg(
        nw.col("active").max(), nw.col("orders", *money).sum()
    )
    each = by_age.group_by("customer_id", "born").agg(
        nw.col("active", "orders", *money).sum(), ages=nw.len()
    )
    columns, sums = {}, []
    for n, begin in enumerate(begins):
        within = (nw.col("born") >= begin) & (nw.col("born") < begin + width)
        for name in ("active", "orders", *money):
            columns[f"{name}{n}"] = nw.when(within).then(nw.col(name)).otherwise(nw.lit(0))
        columns[f"customers{n}"] = nw.when(within).then(nw.lit(1)).otherwise(nw.lit(0))
        sums += [f"customers{n}", *(f"{name}{n}" for name in ("active", "orders", *money))]
    dealt = sampling.deal(each.select("customer_id", **columns))
    most = {f"most {n}": nw.col(f"{of}{n}").max() for n in range(len(begins))}
    table = frames.add_up(dealt, "group", sums=sums, **most).set_index("group").astype(float)
    largest = {f"{of}{n}": float(table.pop(f"most {n}").max()) for n in range(len(begins))}
    return table, largest


def _count_months(days: Frame, *, as_of: Day, known: int | None, export_begins: str) -> int:
    """Whole months in which it is known who is new."""
    began = truncation.examine(days, as_of=as_of, export_begins=export_begins)
    if began is None:
        return 0
    first = periods.index_of(periods.start(began.start, "day"), "month")
    first = first if known is None else max(first, known)
    return max(periods.last_whole(as_of, "month") - first + 1, 0)


def _name(begin: int, months: int) -> str:
    """The cohorts of so many months from one on."""
    ends = [formats.month(periods.label(n, "month")) for n in (begin, begin + months - 1)]
    return fill("cohorts", first=ends[0], last=ends[1])
