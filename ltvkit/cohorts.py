"""Cohorts: customers who started in the same period, followed period by period.

LTV here is realised, not forecast: what an acquired customer has paid so far, added up by age.
"""

from __future__ import annotations

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.core.i18n import _
from ltvkit.display.texts import fill
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, TooLittleData
from ltvkit.ingest import daily, truncation
from ltvkit.ingest.lines import filter_purchases, filter_until
from ltvkit.periods import Day

__all__ = [
    "CALENDAR", "aged", "build", "customers", "find_known", "finding", "ltv", "members",
    "partial", "retention", "second_order",
]  # fmt: skip

__dir__ = __all__.copy

CALENDAR = ("week", "month", "quarter", "year")
WITHIN = (30, 60, 90, 180)
FEWEST = 30  # customers; a share of fewer is no finding


def build(lines: Frame, *, as_of: Day, by: str = "month", export_begins: str = "") -> pd.DataFrame:
    """Order lines up to `as_of` -> one row per cohort and age: the table all others come from.

    A cohort is the customers whose first purchase falls in the same `by`: "week", "month",
    "quarter", "year"; or any column of the lines ("channel", "product_id"): the customers who
    have that value on the largest line of their first day (equal: first by name). `age` counts
    calendar periods since the one of the first purchase: of the cohort's own kind, months for a
    column. Age 0 is the period of the first purchase itself.

    Columns: cohort, customers (acquired), age, observed (customers old enough to have reached
    the age by `as_of`), active (of those, who bought at that age), revenue and, where the lines
    have it, margin; partial (the age's last period is not over for some of them). An age that
    nobody has reached has no row; one that nobody bought at has zeros.

    Where the data begin in the middle of the shop's life, it is not known at first who is new
    (`ingest.truncation`; `export_begins` is the policy): calendar cohorts of that time are NaN, and
    those of a column are without its customers. Raises `TooLittleData` where none is known.
    """
    if by == "customer_id":
        raise ParamsError("by='customer_id': pages show no customer ids; give another column.")
    every = by if by in CALENDAR else "month"
    known = find_known(lines, as_of=as_of, every=every, export_begins=export_begins)
    born = members(lines, as_of=as_of, by=by, every=every)
    if by not in CALENDAR and known is not None:
        born = born.filter(nw.col("born") >= known)
    born = frames.lazy(frames.materialize(born, like=lines))
    last = periods.index_of(as_of, every)
    sizes = frames.table(born.group_by("cohort", "born").agg(customers=nw.len()))
    spent = _spent(lines, born, as_of=as_of, every=every)
    table = _complete(sizes, last).merge(spent, on=["cohort", "age"], how="left")
    measures = [c for c in ("active", "revenue", "margin") if c in table]
    table[measures] = table[measures].fillna(0)
    unfinished = periods.end(last, every) > pd.Timestamp(periods.day(as_of))
    table["partial"] = unfinished & (table["newest"] + table["age"] >= last)
    if by in CALENDAR and known is not None:
        unknown = ["customers", "observed", *measures]
        table[unknown] = table[unknown].astype(float).where(table["cohort"] >= known)
    if by in CALENDAR:
        table["cohort"] = table["cohort"].astype(int).map(lambda i: periods.label(i, every))
    ordered = ["cohort", "customers", "age", "observed", *measures, "partial"]
    table = table[ordered].sort_values(["cohort", "age"], ignore_index=True)
    counts = [n for n in ("active", "observed", "age") if not table[n].isna().any()]
    return table.astype(dict.fromkeys(counts, "int64"))


def find_known(lines: Frame, *, as_of: Day, every: str, export_begins: str = "") -> int | None:
    """The first period from which on it is known who is new; None: from the first day on.

    Raises `TooLittleData` where that is none up to `as_of`.
    """
    found = truncation.find_truncation(lines, as_of=as_of, export_begins=export_begins)
    if found is None:
        return None
    first = periods.index_of(found.known_from, every)
    first += periods.start(first, every) < found.known_from
    if first > periods.index_of(as_of, every):
        raise TooLittleData(fill("no_known_cohort", begins=found.begins))
    return first


def customers(table: pd.DataFrame) -> pd.DataFrame:
    """A built table -> cohort, customers."""
    return table.groupby("cohort", sort=False, as_index=False)["customers"].first()


def retention(table: pd.DataFrame) -> pd.DataFrame:
    """A built table -> cohort, customers, then the share active at age 0, 1, ... (NaN: not yet)."""
    return _wide(table, table["active"] / table["observed"])


def ltv(table: pd.DataFrame, *, of: str = "revenue") -> pd.DataFrame:
    """A built table -> cohort, customers, then LTV per acquired customer up to age 0, 1, 2, ...

    LTV at age n = sum over ages a = 0..n of (revenue at age a / customers observed at age a):
    for a calendar cohort, all revenue so far over all customers acquired. `of` is "revenue" or
    "margin". NaN: not yet observable.
    """
    frames.lazy(table, needs=(of,))
    each = table[of] / table["observed"]
    return _wide(table, each.groupby(table["cohort"]).cumsum())


def partial(table: pd.DataFrame) -> pd.DataFrame:
    """A built table -> the same shape as the triangles, True where a period is not over yet."""
    wide = _wide(table, table["partial"].astype(float))
    ages = wide.columns[2:]
    return wide.assign(**{str(a): wide[a] == 1 for a in ages}).drop(columns=ages)


def second_order(
    lines: Frame, *, as_of: Day, within: tuple[int, ...] = WITHIN, export_begins: str = ""
) -> pd.DataFrame:
    """Order lines -> cohort (month), customers, then the share who came back within n days.

    The second order is the second day with a purchase. A cohort has a value once all its
    customers have had n days by `as_of`; until then NaN. Cohorts are NaN as in `build`.
    """
    known = find_known(lines, as_of=as_of, every="month", export_begins=export_begins)
    bought = daily.select_purchases(lines, as_of=as_of).unique()
    first = bought.group_by("customer_id").agg(first=nw.col("order_date").min())
    gaps = (
        bought.join(first, on="customer_id")
        .with_columns(gap=periods.number("order_date") - periods.number("first"))
        .with_columns(gap=nw.when(nw.col("gap") > 0).then(nw.col("gap")))
        .group_by("customer_id", "first")
        .agg(gap=nw.col("gap").min())
        .with_columns(born=periods.index("first", "month"))
        .with_columns(**{f"_{n}": (nw.col("gap") <= n).cast(nw.Int64).fill_null(0) for n in within})
        .group_by("born")
        .agg(
            nw.col(*(f"_{n}" for n in within)).sum(),
            customers=nw.len(),
            youngest=nw.col("first").max(),
        )
        .sort("born")
    )
    table = frames.table(gaps)
    age = (pd.Timestamp(periods.day(as_of)) - table["youngest"]).dt.days
    rates = {f"within_{n}": (table[f"_{n}"] / table["customers"]).where(age >= n) for n in within}
    names = [periods.label(int(i), "month") for i in table["born"]]
    found = pd.DataFrame({"cohort": names, "customers": table["customers"], **rates})
    if known is None:
        return found
    return found.where((found.columns == "cohort") | (table[["born"]] >= known).to_numpy())


def finding(second: pd.DataFrame, *, within: int = 90) -> str:
    """How many new customers order again within `within` days, of the cohorts that are as old."""
    column = f"within_{within}"
    known = second[second[column].notna()]
    if known.empty:
        return fill("too_young", days=within)
    n = int(known["customers"].sum())
    if n < FEWEST:
        return fill("few_new", n=n, days=within)
    rate = float(np.average(known[column], weights=known["customers"]))
    shares = second.filter(like="within_").dropna(axis=1, how="all")
    if not shares.max(axis=None) > 0:
        longest = max(int(name.removeprefix("within_")) for name in shares)
        return fill("nobody_again", days=longest)
    return fill("second_order", rate=rate, days=within)


def members(lines: Frame, *, as_of: Day, by: str, every: str) -> nw.LazyFrame:
    """Order lines -> customer_id, born (the period of the first purchase), cohort; still lazy."""
    purchases = daily.select_purchases(lines, as_of=as_of)
    first = purchases.group_by("customer_id").agg(first=nw.col("order_date").min())
    born = first.with_columns(born=periods.index("first", every))
    if by in CALENDAR:
        return born.with_columns(cohort=nw.col("born")).drop("first")
    seen = filter_purchases(filter_until(frames.lazy(lines, needs=("amount", by)), as_of))
    value = nw.col(by).cast(nw.String).fill_null(_("(not known)"))
    label = (
        seen.select("customer_id", "amount", first=nw.col("order_date"), value=value)
        .join(first, on=["customer_id", "first"])
        .filter(nw.col("amount") == nw.col("amount").max().over("customer_id"))
        .group_by("customer_id")
        .agg(cohort=nw.col("value").min())
    )
    return born.join(label, on="customer_id").drop("first")


def _spent(lines: Frame, born: nw.LazyFrame, *, as_of: Day, every: str) -> pd.DataFrame:
    seen = daily.select_days(lines, as_of=as_of).with_columns(
        period=periods.index("order_date", every)
    )
    sums = [c for c in ("revenue", "margin") if c in seen.collect_schema().names()]
    each = seen.group_by("customer_id", "period").agg(nw.col(*sums).sum(), nw.col("active").max())
    return frames.add_up(_aged(each, born), "cohort", "age", sums=(*sums, "active"))


def aged(lines: Frame, born: nw.LazyFrame, *, as_of: Day, every: str) -> nw.LazyFrame:
    """Order lines (ids, date, money) with their customer's columns of `born`, and `age`; lazy.

    A return dated before the first purchase has no age, and is left out; `orders.read` keeps none.
    """
    seen = daily.select_days(lines, as_of=as_of)
    return _aged(seen.with_columns(period=periods.index("order_date", every)), born)


def _aged(rows: nw.LazyFrame, born: nw.LazyFrame) -> nw.LazyFrame:
    joined = rows.join(born, on="customer_id").with_columns(age=nw.col("period") - nw.col("born"))
    return joined.filter(nw.col("age") >= 0)


def _complete(sizes: pd.DataFrame, last: int) -> pd.DataFrame:
    rows = []
    for cohort, group in sizes.groupby("cohort"):
        born, count = group["born"].to_numpy(), group["customers"].to_numpy()
        for age in range(last - born.min() + 1):
            reached = born + age <= last
            newest = born[reached].max()
            rows.append((cohort, count.sum(), age, count[reached].sum(), newest))
    return pd.DataFrame(rows, columns=["cohort", "customers", "age", "observed", "newest"])


def _wide(table: pd.DataFrame, values: pd.Series) -> pd.DataFrame:
    wide = table.assign(_value=values).pivot(index="cohort", columns="age", values="_value")
    wide.columns = [int(c) for c in wide.columns]
    return customers(table).merge(wide.reset_index(), on="cohort")
