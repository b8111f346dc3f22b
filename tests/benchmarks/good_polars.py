"""The summary tables in Polars: lazy, over the Parquet file, on its streaming engine."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import pandas as pd
import polars as pl

from ltvkit.rfm import SEGMENTS

MEASURES = {"recency_days": "r_score", "orders": "f_score", "revenue": "m_score"}
EVERY = {"day": "1d", "week": "1w", "month": "1mo", "year": "1y"}


class Shop(NamedTuple):
    """The lines up to `as_of`, still lazy, and that day."""

    lines: pl.LazyFrame
    as_of: pd.Timestamp


def opened(path: str, *, as_of: str, memory: str, threads: int, spill: str) -> Shop:
    """The threads of Polars are set by POLARS_MAX_THREADS before it is imported."""
    assert pl.thread_pool_size() == threads, os.environ.get("POLARS_MAX_THREADS")
    last = pd.Timestamp(as_of)
    end = (last + pd.Timedelta(days=1)).to_pydatetime()
    return Shop(pl.scan_parquet(path).filter(pl.col("order_date") < end), last)


def computed(frame: pl.LazyFrame) -> pl.DataFrame:
    return frame.collect(engine="streaming")


def customers(shop: Shop) -> dict[str, Any]:
    bought = pl.col("amount") >= 0
    table = (
        shop.lines.group_by("customer_id")
        .agg(
            first_order=pl.col("order_date").filter(bought).min(),
            last_order=pl.col("order_date").filter(bought).max(),
            orders=pl.col("order_id").filter(bought).n_unique(),
            purchase_days=pl.col("order_date").filter(bought).n_unique(),
            revenue=pl.col("amount").sum().round(6),
        )
        .filter(pl.col("first_order").is_not_null())
    )
    return {"customers": computed(with_days(table, shop.as_of))}


def with_days(table: pl.LazyFrame, as_of: pd.Timestamp) -> pl.LazyFrame:
    day = pl.lit(as_of.to_pydatetime())
    return table.with_columns(
        recency_days=(day - pl.col("last_order")).dt.total_days(),
        tenure_days=(day - pl.col("first_order")).dt.total_days(),
    )


def rfm(shop: Shop) -> dict[str, Any]:
    found = customers(shop)
    return found | scored(found["customers"])


def scored(buyers: pl.DataFrame) -> dict[str, Any]:
    n, rows, scores = len(buyers), [], {}
    for measure, name in MEASURES.items():
        ordered = buyers[measure].sort()
        edges = [ordered[-(-n * k // 5) - 1] for k in (1, 2, 3, 4)]
        passed = pl.sum_horizontal(*((pl.col(measure) > e).cast(pl.Int64) for e in edges))
        scores[name] = 5 - passed if measure == "recency_days" else passed + 1
        order = (5, 4, 3, 2, 1) if measure == "recency_days" else (1, 2, 3, 4, 5)
        ends = zip(order, [*edges, float("inf")], strict=True)
        rows += [(measure, score, float(end)) for score, end in ends]
    graded = buyers.with_columns(**scores)
    counts = graded.group_by(*scores).len().to_pandas()
    held = {m: counts.groupby(name)["len"].sum() for m, name in MEASURES.items()}
    thresholds = pd.DataFrame(rows, columns=["measure", "score", "up_to"])
    thresholds["customers"] = [
        int(held[m].get(score, 0))
        for m, score in zip(thresholds["measure"], thresholds["score"], strict=True)
    ]
    pairs = pl.DataFrame(
        [
            (r, f, s.name)
            for s in SEGMENTS
            for r in range(s.r[0], s.r[1] + 1)
            for f in range(s.f[0], s.f[1] + 1)
        ],
        schema={"r_score": pl.Int64, "f_score": pl.Int64, "segment": pl.String},
        orient="row",
    )
    segments = (
        graded.lazy()
        .join(pairs.lazy(), on=["r_score", "f_score"])
        .group_by("segment")
        .agg(
            customers=pl.len(),
            revenue=pl.col("revenue").sum().round(6),
            orders=pl.col("orders").sum(),
            median_recency_days=pl.col("recency_days").median(),
        )
    )
    return {"rfm_thresholds": thresholds, "rfm_segments": computed(segments).to_pandas()}


def deciles(shop: Shop) -> dict[str, Any]:
    found = customers(shop)
    return found | ranked(found["customers"])


def ranked(buyers: pl.DataFrame) -> dict[str, Any]:
    table = (
        buyers.lazy()
        .select("customer_id", "revenue", "orders")
        .sort("revenue", "customer_id", descending=[True, False])
        .with_row_index("rank")
        .group_by(decile=pl.col("rank").cast(pl.Int64) * 10 // len(buyers) + 1)
        .agg(customers=pl.len(), revenue=pl.col("revenue").sum().round(6), orders=pl.sum("orders"))
    )
    return {"deciles": computed(table).to_pandas()}


def abc(shop: Shop) -> dict[str, Any]:
    return {
        "abc_products": classed(shop.lines, "product_id"),
        "abc_customers": classed(shop.lines, "customer_id"),
    }


def classed(lines: pl.LazyFrame, by: str) -> pd.DataFrame:
    revenue, counted = pl.col("revenue"), pl.col("revenue").clip(lower_bound=0)
    share = counted.cum_sum() / counted.sum()
    table = (
        lines.group_by(by)
        .agg(revenue=pl.col("amount").sum().round(6))
        .sort("revenue", by, descending=[True, False])
        .with_row_index("rank")
        .with_columns(share=share)
        .with_columns(
            **{
                "class": pl.when(revenue <= 0)
                .then(pl.lit("none"))
                .when((pl.col("share") <= 0.7 + 1e-12) | (pl.col("rank") == 0))
                .then(pl.lit("A"))
                .when(pl.col("share") <= 0.9 + 1e-12)
                .then(pl.lit("B"))
                .otherwise(pl.lit("C"))
            }
        )
        .group_by("class")
        .agg(items=pl.len(), revenue=revenue.sum().round(6))
    )
    return computed(table).to_pandas()


def cohorts(shop: Shop) -> dict[str, Any]:
    by_month = shop.lines.group_by("customer_id", month=month_of("order_date")).agg(
        pl.col("amount", "margin").sum(), bought=(pl.col("amount") >= 0).any()
    )
    return {"cohorts": followed(computed(by_month))}


def month_of(column: str) -> pl.Expr:
    return pl.col(column).dt.year().cast(pl.Int32) * 12 + pl.col(column).dt.month() - 1


def followed(by_month: pl.DataFrame) -> pd.DataFrame:
    monthly = by_month.lazy()
    born = (
        monthly.filter("bought").group_by("customer_id").agg(born=pl.col("month").min())
    ).collect(engine="streaming")
    sizes = born.group_by("born").agg(customers=pl.len()).to_pandas()
    spent = (
        monthly.join(born.lazy(), on="customer_id")
        .filter(pl.col("month") >= pl.col("born"))
        .group_by("born", age=pl.col("month") - pl.col("born"))
        .agg(
            pl.col("bought").sum().alias("active"),
            pl.col("amount").sum().round(6).alias("revenue"),
            pl.col("margin").sum().round(6),
        )
    )
    table = computed(spent).to_pandas().merge(sizes, on="born")
    names = [f"{m // 12}-{m % 12 + 1:02}" for m in table["born"]]
    return table.assign(cohort=names).drop(columns="born")


def kpis(shop: Shop) -> dict[str, Any]:
    bought = shop.lines.filter(pl.col("amount") >= 0)
    begun = bought.group_by("customer_id", "order_id").agg(day=pl.col("order_date").min())
    frames = [
        shop.lines.group_by(day="order_date").agg(revenue=pl.col("amount").sum()),
        begun.group_by("day").agg(orders=pl.len()),
        bought.select("customer_id", day="order_date").unique(),
    ]
    return series(*pl.collect_all(frames, engine="streaming"))


def series(revenue: pl.DataFrame, orders: pl.DataFrame, active: pl.DataFrame) -> dict[str, Any]:
    """Revenue and orders by day, and the customers of each day, as tables by period."""
    new = (
        active.lazy()
        .group_by("customer_id")
        .agg(day=pl.col("day").min())
        .group_by("day")
        .agg(new_customers=pl.len())
    )
    daily = (
        revenue.join(orders, on="day", how="left")
        .join(computed(new), on="day", how="left")
        .fill_null(0)
    )
    found = {}
    for every, step in EVERY.items():
        start = pl.col("day").dt.truncate(step)
        if every != "day":
            narrowed = active.lazy().select("customer_id", day=start).unique()
            active_now = computed(narrowed)
        else:
            active_now = active
        if every == "month":
            active = active_now
        sums = daily.group_by(start=start).agg(
            pl.col("revenue").sum().round(6), pl.col("orders", "new_customers").sum()
        )
        counted = active_now.group_by(start="day").agg(customers=pl.len())
        table = sums.join(counted, on="start", how="left").fill_null(0)
        found[f"kpis_{every}"] = table.to_pandas()
    return found


def everything(shop: Shop) -> dict[str, Any]:
    """All tables from two readings: by customer, order and day, and by product."""
    base = computed(
        shop.lines.group_by("customer_id", "order_id", "order_date").agg(
            pl.col("amount", "margin").sum(), bought=(pl.col("amount") >= 0).any()
        )
    )
    begun = computed(
        base.lazy()
        .filter("bought")
        .group_by("customer_id", "order_id")
        .agg(day=pl.col("order_date").min())
    )
    days = computed(
        base.lazy()
        .group_by("customer_id", "order_date")
        .agg(pl.col("amount", "margin").sum(), pl.col("bought").any())
    )
    del base
    placed = begun.lazy().group_by("customer_id").agg(orders=pl.len().cast(pl.Int64))
    date, bought = pl.col("order_date"), pl.col("bought")
    summed = (
        days.lazy()
        .group_by("customer_id")
        .agg(
            first_order=date.filter(bought).min(),
            last_order=date.filter(bought).max(),
            purchase_days=bought.sum(),
            revenue=pl.col("amount").sum().round(6),
        )
        .join(placed, on="customer_id")
    )
    buyers = computed(with_days(summed, shop.as_of))
    found = {"customers": buyers} | scored(buyers) | ranked(buyers)
    found["abc_products"] = classed(shop.lines, "product_id")
    found["abc_customers"] = classed(days.lazy(), "customer_id")
    by_month = (
        days.lazy()
        .group_by("customer_id", month=month_of("order_date"))
        .agg(pl.col("amount", "margin").sum(), pl.col("bought").any())
    )
    found["cohorts"] = followed(computed(by_month))
    revenue = days.group_by(day="order_date").agg(revenue=pl.col("amount").sum())
    orders = begun.group_by("day").agg(orders=pl.len())
    active = days.filter("bought").select("customer_id", day="order_date")
    return found | series(revenue, orders, active)
