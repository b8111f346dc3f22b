"""Enquiries per 100 orders, by product, lot, carrier or period, with exact Poisson intervals.

The interval is that of F. Garwood (1936, Biometrika 28, 437-442).
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
from ltvkit.support.texts import fill

PER = 100  # orders
LEVEL, TAIL = 0.05, 0.025


def count_rates(
    enquiries: Frame, lines: Frame, *, as_of: Day, by: str = "product_id", days: int = 365
) -> pd.DataFrame:
    """Enquiries and order lines of the last `days` -> a row per value of `by`, which both have.

    - `group`; `orders` that hold it, `enquiries`
    - `per_100_orders`, `per_100_low`, `per_100_high` (95%, exact): one order may bring several
      enquiries
    - `times`: against all other orders; `q`: the p-value that it is not higher, adjusted for all
      groups; `verdict`: "more" (q at most 5%) or "as_usual"

    `by`: also "month" or "quarter", of the order and of the enquiry. Enquiries without a value come
    last, as "(not recorded)", without a rate; so do values that no order has. The highest rate
    comes first, equal ones by name; periods in their order. Raises `ColumnError`, and
    `TooLittleData` where no enquiry has a value.
    """
    start, until = periods.day(as_of) - dt.timedelta(days=days - 1), periods.day(as_of)
    asked = frames.lazy(enquiries, needs=("enquiry_id", "enquiry_date"))
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
    orders = placed.select("_group", "order_id").unique().group_by("_group").agg(orders=nw.len())
    counted = asked.group_by("_group").agg(enquiries=nw.len())
    found = _join(frames.table(orders), frames.table(counted))
    if not found["enquiries"].sum():
        raise TooLittleData(fill("no_value", by=by, days=days))
    table = _rate(found)
    if by in periods.EVERY:
        labels = [periods.label(int(n), by) for n in table["group"]]
        return table.sort_values("group", ignore_index=True).assign(group=labels)
    known = table["orders"].notna()
    ordered = table[known].sort_values(["per_100_orders", "group"], ascending=[False, True])
    rest = table[~known]
    if len(rest):
        rest = rest.assign(group=fill("not_recorded"))
        rest = rest.groupby("group", as_index=False).agg({"enquiries": "sum"})
    return pd.concat([ordered, rest], ignore_index=True)[table.columns]


def find_limits(count: np.ndarray, exposure: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Counts and what they are counted by -> exact 95% limits of the rate.

    >>> low, high = find_limits(np.array([0, 10]), np.array([1.0, 1.0]))
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([0.0, 4.8], [3.69, 18.39])
    """
    low = np.where(count > 0, stats.chi2.ppf(TAIL, 2 * np.maximum(count, 1)) / 2, 0.0)
    return low / exposure, stats.chi2.ppf(1 - TAIL, 2 * (count + 1)) / 2 / exposure


def _join(orders: pd.DataFrame, counted: pd.DataFrame) -> pd.DataFrame:
    known = counted["_group"].notna()
    joined = orders[orders["_group"].notna()].merge(counted[known], on="_group", how="outer")
    joined["enquiries"] = joined["enquiries"].fillna(0)
    missing = int(counted.loc[~known, "enquiries"].sum())
    if missing:
        row = pd.DataFrame({"_group": [None], "orders": [np.nan], "enquiries": [missing]})
        joined = pd.concat([joined, row], ignore_index=True) if len(joined) else row
    return joined.rename(columns={"_group": "group"}).astype({"enquiries": "int64"})


def _rate(found: pd.DataFrame) -> pd.DataFrame:
    from statsmodels.stats.multitest import multipletests

    known = found["orders"].notna().to_numpy()
    n, k = found["orders"].to_numpy(dtype=float), found["enquiries"].to_numpy()
    orders, enquiries = n[known].sum(), k[known].sum()
    table = found.assign(per_100_orders=PER * k / n)
    low, high = find_limits(k, n / PER)
    with np.errstate(invalid="ignore", divide="ignore"):
        times = (k / n) / ((enquiries - k) / (orders - n))
    table = table.assign(per_100_low=np.where(known, low, np.nan))
    table["per_100_high"] = np.where(known, high, np.nan)
    table["times"] = np.where(known, times, np.nan)
    table["q"] = np.nan
    if known.any() and orders:
        p = stats.binom.sf(k[known] - 1, enquiries, n[known] / orders)
        table.loc[known, "q"] = multipletests(p, method="fdr_bh")[1]
    table["verdict"] = np.where(table["q"] <= LEVEL, "more", "as_usual")
    return table
