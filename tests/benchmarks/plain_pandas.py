"""The summary tables in pandas, as a good analyst writes them: readable, and no loop over groups.

Ids stay the text they are, and pandas does the rest: `groupby`, `nunique`, `drop_duplicates`,
`merge`, `resample`. Only the columns that a table needs are read. What can be had beyond that
by hand is in `good_pandas`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ltvkit.rfm import SEGMENTS

BUYING = ["customer_id", "order_id", "order_date", "amount"]
SCORES = {"recency_days": "r_score", "orders": "f_score", "revenue": "m_score"}
EVERY = {"day": "D", "week": "W-MON", "month": "MS", "year": "YS"}
SEGMENT_OF = pd.DataFrame(
    [
        (r, f, s.name)
        for s in SEGMENTS
        for r in range(s.r[0], s.r[1] + 1)
        for f in range(s.f[0], s.f[1] + 1)
    ],
    columns=["r_score", "f_score", "segment"],
)


class Shop(NamedTuple):
    """Where the lines are, and the last day that counts."""

    path: str
    as_of: pd.Timestamp


def opened(path: str, *, as_of: str, memory: str, threads: int, spill: str) -> Shop:
    import pyarrow

    pyarrow.set_cpu_count(threads)
    return Shop(path, pd.Timestamp(as_of))


def read(shop: Shop, columns: list[str]) -> pd.DataFrame:
    """The columns of the lines up to `as_of`."""
    seen = [("order_date", "<=", shop.as_of)]
    return pd.read_parquet(shop.path, columns=columns, filters=seen)


def purchases(lines: pd.DataFrame) -> pd.DataFrame:
    return lines[lines["amount"] >= 0]


def customers(shop: Shop) -> dict[str, Any]:
    lines = read(shop, BUYING)
    return {"customers": summarized(lines, purchases(lines), shop.as_of)}


def summarized(lines: pd.DataFrame, bought: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    table = bought.groupby("customer_id").agg(
        first_order=("order_date", "min"),
        last_order=("order_date", "max"),
        orders=("order_id", "nunique"),
        purchase_days=("order_date", "nunique"),
    )
    table["revenue"] = lines.groupby("customer_id")["amount"].sum().round(6)
    table["recency_days"] = (as_of - table["last_order"]).dt.days
    table["tenure_days"] = (as_of - table["first_order"]).dt.days
    return table.reset_index()


def rfm(shop: Shop) -> dict[str, Any]:
    found = customers(shop)
    return found | scored(found["customers"])


def scored(buyers: pd.DataFrame) -> dict[str, Any]:
    graded, thresholds = buyers.copy(), []
    for measure, name in SCORES.items():
        # Edges may be equal, as most buy once: no bins for `pd.cut`.
        edges = np.quantile(buyers[measure], [0.2, 0.4, 0.6, 0.8], method="inverted_cdf")
        place = np.digitize(buyers[measure], edges, right=True)
        scores = [5, 4, 3, 2, 1] if measure == "recency_days" else [1, 2, 3, 4, 5]
        graded[name] = np.take(scores, place)
        ends = pd.DataFrame({"measure": measure, "score": scores, "up_to": [*edges, np.inf]})
        counts = graded[name].value_counts().rename("customers")
        thresholds.append(ends.join(counts, on="score").fillna({"customers": 0}))
    segments = (
        graded.merge(SEGMENT_OF, on=["r_score", "f_score"])
        .groupby("segment", as_index=False)
        .agg(
            customers=("customer_id", "size"),
            revenue=("revenue", "sum"),
            orders=("orders", "sum"),
            median_recency_days=("recency_days", "median"),
        )
    )
    return {"rfm_thresholds": pd.concat(thresholds), "rfm_segments": segments}


def deciles(shop: Shop) -> dict[str, Any]:
    found = customers(shop)
    return found | ranked(found["customers"])


def ranked(buyers: pd.DataFrame) -> dict[str, Any]:
    ordered = buyers.sort_values(["revenue", "customer_id"], ascending=[False, True])
    ordered["decile"] = np.arange(len(ordered)) * 10 // len(ordered) + 1
    table = ordered.groupby("decile", as_index=False).agg(
        customers=("customer_id", "size"), revenue=("revenue", "sum"), orders=("orders", "sum")
    )
    return {"deciles": table}


def abc(shop: Shop) -> dict[str, Any]:
    return classes(read(shop, ["product_id", "customer_id", "amount"]))


def classes(lines: pd.DataFrame) -> dict[str, Any]:
    return {
        "abc_products": classed(lines, "product_id"),
        "abc_customers": classed(lines, "customer_id"),
    }


def classed(lines: pd.DataFrame, by: str) -> pd.DataFrame:
    items = lines.groupby(by, as_index=False).agg(revenue=("amount", "sum")).round(6)
    items = items.sort_values(["revenue", by], ascending=[False, True], ignore_index=True)
    counted = items["revenue"].clip(lower=0)
    share = counted.cumsum() / counted.sum()
    a = (share <= 0.7 + 1e-12) | (items.index == 0)
    b = share <= 0.9 + 1e-12
    items["class"] = np.select([items["revenue"] <= 0, a, b], ["none", "A", "B"], "C")
    return items.groupby("class", as_index=False).agg(
        items=("revenue", "size"), revenue=("revenue", "sum")
    )


def cohorts(shop: Shop) -> dict[str, Any]:
    lines = read(shop, ["customer_id", "order_date", "amount", "margin"])
    return followed(lines, purchases(lines))


def followed(lines: pd.DataFrame, bought: pd.DataFrame) -> dict[str, Any]:
    first = bought.groupby("customer_id")["order_date"].min().rename("first_order")
    rows = lines[["customer_id", "order_date", "amount", "margin"]].merge(first, on="customer_id")
    rows["cohort"] = rows["first_order"].dt.to_period("M")
    years = rows["order_date"].dt.year - rows["first_order"].dt.year
    rows["age"] = years * 12 + rows["order_date"].dt.month - rows["first_order"].dt.month
    key = ["cohort", "age"]
    spent = (
        rows[rows["age"] >= 0].groupby(key).agg(revenue=("amount", "sum"), margin=("margin", "sum"))
    )
    spent["active"] = purchases(rows).groupby(key)["customer_id"].nunique()
    sizes = first.dt.to_period("M").value_counts().rename("customers")
    table = spent.fillna({"active": 0}).round(6).reset_index().join(sizes, on="cohort")
    return {"cohorts": table.astype({"cohort": str})}


def kpis(shop: Shop) -> dict[str, Any]:
    lines = read(shop, BUYING)
    return series(lines, purchases(lines))


def series(lines: pd.DataFrame, bought: pd.DataFrame) -> dict[str, Any]:
    days = bought[["customer_id", "order_date"]].drop_duplicates()
    began = bought.groupby(["customer_id", "order_id"])["order_date"].min()
    daily = pd.DataFrame(
        {
            "revenue": lines.groupby("order_date")["amount"].sum(),
            "orders": began.value_counts(),
            "new_customers": days.groupby("customer_id")["order_date"].min().value_counts(),
        }
    ).fillna(0)
    return {f"kpis_{every}": by_period(daily, days, rule) for every, rule in EVERY.items()}


def by_period(daily: pd.DataFrame, days: pd.DataFrame, rule: str) -> pd.DataFrame:
    starts = {"rule": rule, "closed": "left", "label": "left"}
    table = daily.resample(**starts).sum().round(6)
    table["customers"] = days.resample(**starts, on="order_date")["customer_id"].nunique()
    return table.rename_axis("start").reset_index()


def everything(shop: Shop) -> dict[str, Any]:
    """All tables from one reading."""
    lines = read(shop, [*BUYING, "product_id", "margin"])
    bought = purchases(lines)
    buyers = summarized(lines, bought, shop.as_of)
    found = {"customers": buyers} | scored(buyers) | ranked(buyers) | classes(lines)
    return found | followed(lines, bought) | series(lines, bought)
