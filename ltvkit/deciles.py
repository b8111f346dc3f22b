"""Deciles: customers ranked by what they paid, in ten groups of equal size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from numbers import Real

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit.display.texts import fill
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

    `revenue_share` and `cumulative_share` are of all revenue; `orders` counts their orders.
    """
    opened = frames.lazy(assigned, needs=(*NEEDS, "decile", "orders"))
    table = frames.add_up(opened, "decile", sums=("revenue", "orders"), customers=nw.len())
    share = table["revenue"] / _whole(table["revenue"].sum())
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

    `points` + 1 rows from (0, 0) to (1, 1). Without revenue the shares of it are NaN.
    """
    n, ranked = _ranked(frames.lazy(customers, needs=NEEDS), running=["revenue"])
    richer = sorted({n - max(1, round(n * k / points)) for k in range(1, points + 1)}, reverse=True)
    paid = _upto(ranked, [n, *richer])
    whole = _whole(paid[n])
    curve = {
        "customers_share": [0.0, *((n - r) / n for r in richer)],
        "revenue_share": [0.0 * whole, *(1 - paid.reindex(richer, fill_value=0.0) / whole)],
    }
    return pd.DataFrame(curve)


def gini(customers: Frame) -> float:
    """The Gini coefficient of revenue per customer: 0 all pay alike, near 1 one pays all.

    G = 2 sum(i x_i) / (n sum x) - (n + 1) / n, with x ascending and i = 1..n (Gini 1912; the
    discrete form). It can exceed 1 where returns make some revenues negative. NaN where all revenue
    together is zero or less.

    >>> gini(pd.DataFrame({"customer_id": ["a", "b"], "revenue": [0.0, 10.0]}))
    0.5
    """
    n, ranked = _ranked(frames.lazy(customers, needs=NEEDS))
    poorest = n + 1 - nw.col("rank")
    sums = frames.table(
        ranked.select(whole=nw.col("revenue").sum(), weighted=(poorest * nw.col("revenue")).sum())
    ).iloc[0]
    return float(2 * sums["weighted"] / (n * _whole(sums["whole"])) - (n + 1) / n)


def top_share(customers: Frame, *, share: float = 0.2) -> float:
    """The share of revenue that the best `share` of customers paid; NaN where there is no revenue.

    How many customers that is, is rounded up: 0.0004 of 100 customers is one. Raises `ParamsError`
    unless `share` is above 0 and up to 1.
    """
    if isinstance(share, bool) or not isinstance(share, Real) or not 0 < share <= 1:
        raise ParamsError(f"share={share!r}: give a share above 0 and up to 1, as 0.2 for 20%.")
    n, ranked = _ranked(frames.lazy(customers, needs=NEEDS), running=["revenue"])
    best = math.ceil(n * Fraction(str(share)))  # 0.07 is seven hundredths, and no float near it
    paid = _upto(ranked, [best, n])
    return float(paid[best] / _whole(paid[n]))


def finding(table: pd.DataFrame, *, top20: float) -> str:
    """How concentrated revenue is, from the decile table and `top_share`."""
    best = table.iloc[0]
    if not table["revenue"].sum() > 0:
        return fill("no_revenue")
    rest = table.loc[table["decile"] > GROUPS / 2, "revenue_share"].sum()
    return fill("best_customers", best=best["revenue_share"], top=top20, rest=rest)


def _ranked(customers: nw.LazyFrame, *, running: Sequence[str] = ()) -> tuple[int, nw.LazyFrame]:
    """How many customers there are, and each with its rank by revenue."""
    n = frames.count(customers)
    if not n:
        raise DataError("there are no customers to rank: nobody had bought by that date.")
    return n, ranking.rank(customers, by="revenue", ties="customer_id", running=running)


def _whole(revenue: float) -> float:
    """All revenue, to take shares of; NaN where there is none, as there are no shares of it."""
    return revenue if revenue > 0 else np.nan


def _upto(ranked: nw.LazyFrame, ranks: Sequence[int]) -> pd.Series:
    """What the customers up to each of `ranks` paid."""
    found = ranked.filter(nw.col("rank").is_in(ranks)).select("rank", "revenue_upto")
    return frames.table(found).set_index("rank")["revenue_upto"]
