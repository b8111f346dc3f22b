"""Enquiries per 100 orders, by product, lot, carrier or period.

One customer may write several enquiries, so they do not come one by one. The interval is that of
M. P. Fay and E. J. Feuer (1997, Statistics in Medicine 16(7), 791-801) for a sum of customers who
each bring so many; where each brings one, it is the exact one of F. Garwood (1936, Biometrika 28,
437-442). The test counts each customer once.
"""

from __future__ import annotations

import datetime as dt

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
from ltvkit.support import recording
from ltvkit.support.texts import fill

PER = 100  # orders
LEVEL, TAIL = 0.05, 0.025
WRITTEN = ["enquiries", "enquirers"]
COUNTED = [*WRITTEN, "squares", "most"]


def count_rates(
    enquiries: Frame, lines: Frame, *, as_of: Day, by: str = "product_id", days: int = 365
) -> pd.DataFrame:
    """Enquiries and order lines of the last `days` -> a row per value of `by`, which both have.

    - `group`; `orders` that hold it, `enquiries`, and `enquirers` who wrote them (an enquiry
      without a customer is one)
    - `per_100_orders`, `per_100_low`, `per_100_high` (95%): one order may bring several enquiries
    - `times`: against all other orders; `q`: the p-value that enquirers are not more, adjusted for
      all groups; `verdict`: "more" (q at most 5%), "as_usual", or "" without a rate

    `by`: also "month" or "quarter", of the order and of the enquiry. Orders before the first
    enquiry do not count, and a period that ends before it is NaN. Enquiries without a value come
    last, as "(not recorded)", without a rate; so do values that no order has. The highest rate
    comes first, equal ones by name; periods in their order. Raises `ColumnError`, and
    `TooLittleData` where no enquiry has a value.
    """
    start, until = periods.day(as_of) - dt.timedelta(days=days - 1), periods.day(as_of)
    asked = frames.lazy(enquiries, needs=("enquiry_id", "enquiry_date", "customer_id"))
    asked = asked.filter(nw.col("enquiry_date") >= start, nw.col("enquiry_date") <= until)
    placed = frames.lazy(lines, needs=("order_id", "amount", "order_date")).filter(
        is_purchase("amount"), nw.col("order_date") >= start, nw.col("order_date") <= until
    )
    if by in periods.EVERY:
        asked = asked.with_columns(_group=periods.index("enquiry_date", by))
        placed = placed.with_columns(_group=periods.index("order_date", by))
    else:
        asked = frames.lazy(asked.to_native(), needs=(by,)).with_columns(_group=nw.col(by))
        placed = frames.lazy(placed.to_native(), needs=(by,)).with_columns(_group=nw.col(by))
    recorded = recording.find_start(enquiries, as_of=as_of)
    held = [placed.filter(nw.col("order_date") >= recorded), placed]
    orders, seen = (
        frames.table(
            x.select("_group", "order_id").unique().group_by("_group").agg(orders=nw.len())
        )
        for x in held
    )
    found = _join(orders, count_enquirers(asked, "_group"))
    if not found["enquiries"].sum():
        raise TooLittleData(fill("no_value", by=by, days=days))
    if by in periods.EVERY:
        before = seen[~seen["_group"].isin(found["group"])].rename(columns={"_group": "group"})
        found = pd.concat([found, before], ignore_index=True)
        table = _rate(found).sort_values("group", ignore_index=True)
        return table.assign(group=[periods.label(int(n), by) for n in table["group"]])
    table = _rate(found)
    known = table["orders"].notna()
    ordered = table[known].sort_values(["per_100_orders", "group"], ascending=[False, True])
    rest = table[~known]
    if len(rest):
        rest = rest.assign(group=fill("not_recorded"))
        rest = rest.groupby("group", as_index=False).agg(dict.fromkeys(WRITTEN, "sum"))
        rest["verdict"] = ""
    return pd.concat([ordered, rest], ignore_index=True)[table.columns]


def count_enquirers(asked: nw.LazyFrame, *by: str) -> pd.DataFrame:
    """Enquiries (customer_id, enquiry_id) -> `by`, enquiries, enquirers, `squares` (the sum over
    enquirers of their enquiries squared) and the `most` that one wrote."""
    who = nw.when(~nw.col("customer_id").is_null()).then(nw.col("customer_id"))
    named = asked.with_columns(
        _who=nw.concat_str([nw.lit("c"), who]),
        _id=nw.concat_str([nw.lit("e"), nw.col("enquiry_id")]),
    )
    named = named.with_columns(
        _who=nw.when(~nw.col("_who").is_null()).then(nw.col("_who")).otherwise(nw.col("_id"))
    )
    each = named.group_by(*by, "_who").agg(n=nw.len()).with_columns(n=nw.col("n").cast(nw.Int64))
    squared = each.with_columns(_square=nw.col("n") * nw.col("n"))
    return frames.table(squared.group_by(*by).agg(
        enquiries=nw.col("n").sum(), enquirers=nw.len(), squares=nw.col("_square").sum(),
        most=nw.col("n").max(),
    ))  # fmt: skip


def find_limits(
    count: np.ndarray,
    exposure: np.ndarray,
    *,
    squares: np.ndarray | None = None,
    most: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Counts and what they are counted by -> 95% limits of the rate, exact where each comes alone;
    else with the sum of squares of what came together, and the most that did.

    >>> low, high = find_limits(np.array([0, 10]), np.array([1.0, 1.0]))
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([0.0, 4.8], [3.69, 18.39])
    """
    together = count if squares is None else np.maximum(squares, count)
    one = np.maximum(1 if most is None else most, 1)
    scale = together / np.maximum(count, 1)
    low = np.where(
        count > 0, scale / 2 * stats.chi2.ppf(TAIL, 2 * count / np.maximum(scale, 1e-9)), 0.0
    )
    above = (together + one**2) / (count + one)
    high = above / 2 * stats.chi2.ppf(1 - TAIL, 2 * (count + one) / above)
    return low / exposure, high / exposure


def _join(orders: pd.DataFrame, counted: pd.DataFrame) -> pd.DataFrame:
    known = counted["_group"].notna()
    joined = orders[orders["_group"].notna()].merge(counted[known], on="_group", how="outer")
    joined[COUNTED] = joined[COUNTED].fillna(0)
    joined = pd.concat([joined, counted[~known].assign(_group=None)], ignore_index=True)
    return joined.rename(columns={"_group": "group"}).astype(dict.fromkeys(COUNTED, "int64"))


def _rate(found: pd.DataFrame) -> pd.DataFrame:
    from statsmodels.stats.multitest import multipletests

    known = found["orders"].notna().to_numpy() & found["enquiries"].notna().to_numpy()
    n, k, who = (found[x].to_numpy(dtype=float) for x in ("orders", *WRITTEN))
    orders, enquiries, enquirers = n[known].sum(), k[known].sum(), who[known].sum()
    table = found.drop(columns=["squares", "most"]).assign(per_100_orders=PER * k / n)
    spread = {x: found[x].to_numpy(dtype=float) for x in ("squares", "most")}
    low, high = find_limits(k, n / PER, **spread)
    with np.errstate(invalid="ignore", divide="ignore"):
        times = (k / n) / ((enquiries - k) / (orders - n))
    table = table.assign(per_100_low=np.where(known, low, np.nan))
    table["per_100_high"] = np.where(known, high, np.nan)
    table["times"] = np.where(known, times, np.nan)
    table["q"] = np.nan
    if known.any() and orders:
        p = stats.binom.sf(who[known] - 1, enquirers, n[known] / orders)
        table.loc[known, "q"] = multipletests(p, method="fdr_bh")[1]
    more = (table["q"] <= LEVEL) & ~(table["times"] <= 1)
    table["verdict"] = np.select([more, known], ["more", "as_usual"], "")
    return table[["group", "orders", *WRITTEN, *table.columns[4:]]]
