"""Deciles: customers ranked by what they paid, in ten groups of equal size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from numbers import Real

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit.display.texts import explain_no_shares, fill
from ltvkit.engines import frames, ranking
from ltvkit.engines.frames import Frame
from ltvkit.errors import DataError, ParamsError

__all__ = ["assign", "finding", "gini", "lorenz", "profile", "summarize", "top_share"]

__dir__ = __all__.copy

GROUPS = 10
NEEDS = ("customer_id", "revenue")
COLUMNS = [
    *("decile", "customers", "revenue", "revenue_share", "cumulative_share"),
    *("revenue_per_customer", "orders"),
]


def assign(customers: Frame) -> Frame:
    """Customers -> the same with `rank` (1: paid most) and `decile` (1: the best tenth).

    Equal headcount: decile = floor((rank - 1) x 10 / customers) + 1, so that sizes differ by one
    at most and the odd ones are spread evenly. Equal revenue is ranked by customer_id, so that
    the same input always gives the same groups. Columns `rank` and `decile` that are there already
    are replaced. Returns the kind of frame that it got.

    >>> paid = pd.DataFrame({"customer_id": ["a", "b", "c"], "revenue": [5.0, 9.0, 5.0]})
    >>> assign(paid).sort_values("rank")[["customer_id", "decile"]].to_dict("list")
    {'customer_id': ['b', 'a', 'c'], 'decile': [1, 4, 7]}
    """
    opened = frames.without(frames.lazy(customers, needs=NEEDS), "rank", "decile")
    n, ranked = _ranked(opened)
    decile = (nw.col("rank") - 1) * GROUPS // n + 1
    return frames.materialize(ranked.with_columns(decile=decile.cast(nw.Int64)), like=customers)


def summarize(assigned: Frame) -> pd.DataFrame:
    """Customers with their `decile` -> one row per decile, best first.

    `revenue_share` and `cumulative_share` are of what customers above zero paid: who returned more
    than they bought counts as zero, so that no share exceeds 100%. They are NaN where all revenue
    together is zero or less. `orders` counts their orders.
    """
    opened = _with_paid(assigned, "decile", "orders")
    sums = ("revenue", "orders", "_paid")
    table = frames.add_up(opened, "decile", sums=sums, customers=nw.len())
    share = table["_paid"] / _whole(table["revenue"].sum(), table["_paid"].sum())
    return table.assign(
        revenue_share=share,
        cumulative_share=share.cumsum(),
        revenue_per_customer=table["revenue"] / table["customers"],
    )[COLUMNS]


def profile(assigned: Frame) -> pd.DataFrame:
    """Customers with their `decile` -> orders and revenue per customer of each decile.

    revenue_per_customer = orders_per_customer x average_order_value.
    """
    table = summarize(assigned)
    return table[["decile", "customers"]].assign(
        orders_per_customer=table["orders"] / table["customers"],
        average_order_value=table["revenue"] / table["orders"],
        revenue_per_customer=table["revenue_per_customer"],
    )


def lorenz(customers: Frame, *, points: int = 100) -> pd.DataFrame:
    """Customers -> the Lorenz curve: share of customers (poorest first), share of revenue.

    `points` + 1 rows from (0, 0) to (1, 1). Shares of revenue as in `summarize`.
    """
    n, ranked = _ranked(_with_paid(customers), running=["revenue", "_paid"])
    richer = sorted({n - max(1, round(n * k / points)) for k in range(1, points + 1)}, reverse=True)
    paid, whole = _upto(ranked, [n, *richer])
    curve = {
        "customers_share": [0.0, *((n - r) / n for r in richer)],
        "revenue_share": [0.0 * whole, *(1 - paid.reindex(richer, fill_value=0.0) / whole)],
    }
    return pd.DataFrame(curve)


def gini(customers: Frame) -> float:
    """The Gini coefficient of revenue per customer: 0 all pay alike, near 1 one pays all.

    G = 2 sum(i x_i) / (n sum x) - (n + 1) / n, with x ascending and i = 1..n (Gini 1912; the
    discrete form). A customer whose returns exceed the purchases counts as zero, so that it stays
    from 0 to 1. NaN where all revenue together is zero or less.

    >>> gini(pd.DataFrame({"customer_id": ["a", "b"], "revenue": [0.0, 10.0]}))
    0.5
    """
    n, ranked = _ranked(_with_paid(customers))
    poorest = n + 1 - nw.col("rank")
    weighted = (poorest * nw.col("_paid")).sum()
    sums = frames.table(ranked.select(nw.col("revenue", "_paid").sum(), weighted=weighted)).iloc[0]
    whole = _whole(sums["revenue"], sums["_paid"])
    return float(2 * sums["weighted"] / (n * whole) - (n + 1) / n)


def top_share(customers: Frame, *, share: float = 0.2) -> float:
    """The share of revenue that the best `share` of customers paid, as in `summarize`.

    How many customers that is, is rounded up: 0.0004 of 100 customers is one. Raises `ParamsError`
    unless `share` is above 0 and up to 1.
    """
    if isinstance(share, bool) or not isinstance(share, Real) or not 0 < share <= 1:
        raise ParamsError(f"share={share!r}: give a share above 0 and up to 1, as 0.2 for 20%.")
    n, ranked = _ranked(_with_paid(customers), running=["revenue", "_paid"])
    best = math.ceil(n * Fraction(str(share)))  # 0.07 is seven hundredths, and no float near it
    paid, whole = _upto(ranked, [n, best])
    return float(paid[best] / whole)


def finding(table: pd.DataFrame, *, top20: float) -> str:
    """How concentrated revenue is, from the decile table and `top_share`.

    Of fewer than ten customers there are no tenths, only the best one.
    """
    best, n = table.iloc[0], int(table["customers"].sum())
    if not table["revenue"].sum() > 0:
        return explain_no_shares(table["revenue"].sum())
    if n < GROUPS:
        return fill("few_customers", n=n, best=best["revenue_share"])
    rest = table.loc[table["decile"] > GROUPS / 2, "revenue_share"].sum()
    return fill("best_customers", best=best["revenue_share"], top=top20, rest=rest, whole=n)


def _ranked(customers: nw.LazyFrame, *, running: Sequence[str] = ()) -> tuple[int, nw.LazyFrame]:
    """How many customers there are, and each with its rank by revenue."""
    n = frames.count(customers)
    if not n:
        raise DataError("there are no customers to rank: nobody had bought by that date.")
    return n, ranking.rank(customers, by="revenue", ties="customer_id", running=running)


def _with_paid(customers: Frame, *needs: str) -> nw.LazyFrame:
    """Customers with what they paid: revenue, and zero where returns exceed it."""
    opened = frames.lazy(customers, needs=(*NEEDS, *needs))
    return opened.with_columns(_paid=frames.above_zero("revenue"))


def _whole(revenue: float, paid: float) -> float:
    """What customers paid, to take shares of; NaN where returns leave no revenue to share."""
    return paid if revenue > 0 else np.nan


def _upto(ranked: nw.LazyFrame, ranks: Sequence[int]) -> tuple[pd.Series, float]:
    """What the customers up to each of `ranks` paid, the first of which is the last customer's;
    and what all paid, to take shares of."""
    sums = ["revenue_upto", "_paid_upto"]
    found = frames.table(ranked.filter(nw.col("rank").is_in(ranks)).select("rank", *sums))
    rows = found.set_index("rank")
    return rows["_paid_upto"], _whole(*rows.loc[ranks[0], sums])
