"""Key figures by day, week, month, quarter or year, compared with earlier periods."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.display import formats, joining
from ltvkit.display.texts import fill
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import DataError, one_of
from ltvkit.ingest import daily, truncation
from ltvkit.periods import Day

__all__ = ["MEASURES", "finding", "on", "series", "tables"]

__dir__ = __all__.copy

MEASURES = (
    "revenue", "orders", "customers", "new_customers", "repeat_rate", "average_order_value",
    "revenue_per_customer",
)  # fmt: skip


def series(
    lines: Frame, *, as_of: Day, every: str = "month", export_begins: str = ""
) -> pd.DataFrame:
    """Order lines, or their `days`, up to `as_of` -> one row per period, without a gap.

    - `period`, `start`, `end`; `partial`: the data cover only a part of it, at either end
    - `revenue` net of returns; `orders`: distinct orders, each on its first day; `customers`:
      those who bought
    - `new_customers`: those whose first purchase falls in the period
    - `repeat_rate`: share of the period's customers who had first bought before it
    - `average_order_value`: revenue / orders; `revenue_per_customer`: revenue / customers
    - `<measure>_vs_previous`, `<measure>_vs_last_year`: relative change (0.05: up 5%), for
      `repeat_rate` the difference in shares; against the period before, and the same a year
      before (days and weeks: 52 weeks before, so that weekdays match)

    A period without orders has zero revenue, and no average (NaN); nor has one to which more came
    back than was bought an average order value. A change is NaN where the
    other period is not in the data, is partial or was zero or less, or this one is partial or below
    zero: nothing falls by more than all of it.

    Where the data begin in the middle of the shop's life, old customers look new at first: then
    `new_customers` and `repeat_rate` are NaN until it is known who is new (`ingest.truncation`).
    So they are where the orders span less than 30 days, in which few would have come back.
    `export_begins` is the policy of this name; empty: found out.
    """
    return tables(lines, as_of=as_of, every=(every,), export_begins=export_begins)[every]


def tables(
    lines: Frame,
    *,
    as_of: Day,
    every: Sequence[str] = ("day", "week", "month", "year"),
    export_begins: str = "",
) -> dict[str, pd.DataFrame]:
    """The `series` of several kinds of period, by kind; the lines are read once for all of them."""
    for kind in every:
        one_of("every", kind, periods.EVERY)
    seen = daily.aggregate_until(lines, as_of=as_of)
    active = seen.filter(nw.col("active") > 0).select("customer_id", "order_date")
    by_day = _daily(seen, active)
    if by_day.empty:
        raise DataError(f"there is no order up to {periods.day(as_of):%Y-%m-%d}: nothing to show.")
    known = truncation.find_known_from(lines, as_of=as_of, export_begins=export_begins)
    today = pd.Timestamp(periods.day(as_of))
    if not export_begins and (today - by_day["order_date"].iloc[0]).days < truncation.SPAN:
        known = today + pd.Timedelta(days=1)
    return {
        kind: _of_kind(by_day, active, as_of=as_of, every=kind, known_from=known) for kind in every
    }


def on(table: pd.DataFrame, *, as_of: Day) -> pd.Series:
    """The row of a series whose period holds `as_of`."""
    day = pd.Timestamp(periods.day(as_of))
    return table[(table["start"] <= day) & (day <= table["end"])].iloc[0]


def finding(table: pd.DataFrame, *, as_of: Day) -> str:
    """The period that holds `as_of`, in a sentence or two."""
    row = on(table, as_of=as_of)
    if not row["customers"]:
        return fill("nobody_bought", period=formats.period(row["period"]))
    period, orders = formats.period(row["period"]), fill("orders", n=int(row["orders"]))
    known = {"period": period, "orders": orders, "share": row["repeat_rate"]}
    name = "bought_before_unknown" if np.isnan(row["new_customers"]) else "bought"
    summary = fill(name, n=int(row["customers"]), **known)
    if row["partial"]:
        return joining.sentences([summary, fill("incomplete")])
    steps = {"previous": 1, "last_year": periods.YEAR_BEFORE[formats.grain(table["period"])]}
    changes = {  # a change is known only where the earlier period is in the table
        table["period"].iloc[row.name - step]: row[f"revenue_vs_{name}"]
        for name, step in steps.items()
        if np.isfinite(row[f"revenue_vs_{name}"])
    }
    if not changes:
        return summary
    texts = {"+": "rise", formats.MINUS: "fall", "0": "no_change"}
    signs = [formats.change(change)[0] for change in changes.values()]
    phrases = []
    for sign, before, (past, change) in zip(signs, ["", *signs], changes.items(), strict=False):
        again = sign in ("+", formats.MINUS) and sign == before  # "up 2% on August and 3% on July"
        text = "same_way" if again else texts.get(sign, "many_times")
        figures = {"share": abs(change), "n": round(1 + change), "past": formats.period(past)}
        phrases.append(fill(text, **figures))
    return joining.sentences([summary, fill("revenue_is", changes=joining.both(phrases))])


def _daily(seen: nw.LazyFrame, active: nw.LazyFrame) -> pd.DataFrame:
    """What adds up over days: revenue, orders begun, customers who bought for the first time."""
    summed = seen.group_by("order_date").agg(nw.col("revenue", "orders", "active").sum())
    first = active.group_by("customer_id").agg(nw.col("order_date").min())
    counted = first.group_by("order_date").agg(new_customers=nw.len())
    both = [frames.table(table).set_index("order_date") for table in (summed, counted)]
    return both[0].join(both[1]).fillna(0.0).sort_index().reset_index()


def _of_kind(
    daily: pd.DataFrame,
    active: nw.LazyFrame,
    *,
    as_of: Day,
    every: str,
    known_from: pd.Timestamp | None,
) -> pd.DataFrame:
    period = periods.index("order_date", every)
    dated = frames.lazy(daily).with_columns(_period=period)
    sums = ("revenue", "orders", "new_customers", "active")
    table = frames.add_up(dated, "_period", sums=sums)
    table = table.set_index("_period").rename(columns={"active": "customers"})
    if every != "day":  # who buys on several days of a period is one customer
        buyers = active.with_columns(_period=period).group_by("_period")
        buyers = frames.table(buyers.agg(customers=nw.col("customer_id").n_unique()))
        table["customers"] = buyers.set_index("_period")["customers"]
    first, last = int(table.index.min()), periods.index_of(as_of, every)
    filled = table.reindex(range(first, last + 1)).fillna(0.0)
    began = daily["order_date"].iloc[0]
    dated = _dated(filled, every, began, as_of)
    if known_from is not None:
        known = dated["start"] >= known_from
        dated["new_customers"] = dated["new_customers"].where(known).astype(float)
    return _with_changes(_with_rates(dated), every)


def _dated(table: pd.DataFrame, every: str, began: pd.Timestamp, as_of: Day) -> pd.DataFrame:
    starts = [periods.start(i, every) for i in table.index]
    ends = [periods.end(i, every) for i in table.index]
    named = table.assign(
        period=[periods.label(i, every) for i in table.index],
        start=starts,
        end=ends,
        partial=[s < began or e > periods.day(as_of) for s, e in zip(starts, ends, strict=True)],
    )
    counts = ["orders", "customers", "new_customers"]
    return named.astype(dict.fromkeys(counts, "int64")).reset_index(drop=True)


def _with_rates(table: pd.DataFrame) -> pd.DataFrame:
    orders_, customers = table["orders"].replace(0, np.nan), table["customers"].replace(0, np.nan)
    rated = table.assign(
        repeat_rate=1 - table["new_customers"] / customers,
        average_order_value=table["revenue"].where(table["revenue"] >= 0) / orders_,
        revenue_per_customer=table["revenue"] / customers,
    )
    return rated[["period", "start", "end", "partial", *MEASURES]]


def _with_changes(table: pd.DataFrame, every: str) -> pd.DataFrame:
    complete = table[list(MEASURES)].where(~table["partial"])
    steps = {"previous": 1, "last_year": periods.YEAR_BEFORE[every]}
    changes = {name: _change(complete, complete.shift(step)) for name, step in steps.items()}
    return table.assign(**{f"{m}_vs_{name}": changes[name][m] for m in MEASURES for name in steps})


def _change(values: pd.DataFrame, past: pd.DataFrame) -> pd.DataFrame:
    change = values.where(values >= 0) / past.where(past > 0) - 1
    return change.assign(repeat_rate=values["repeat_rate"] - past["repeat_rate"])
