"""The summary tables in bare DuckDB SQL, as one writes it who needs nothing but these tables.

The limit that the kit is measured against: one statement per table where one will do, and
temporary tables where several tables share work.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from ltvkit.rfm import SEGMENTS

PAIRS = ", ".join(
    f"({r}, {f}, $${s.name}$$)"
    for s in SEGMENTS
    for r in range(s.r[0], s.r[1] + 1)
    for f in range(s.f[0], s.f[1] + 1)
)
MEASURES = {"recency_days": "r_score", "orders": "f_score", "revenue": "m_score"}

CUSTOMERS = """
    create or replace temp table customers as
    select customer_id,
        min(order_date) filter (amount >= 0) as first_order,
        max(order_date) filter (amount >= 0) as last_order,
        count(distinct order_id) filter (amount >= 0) as orders,
        count(distinct order_date) filter (amount >= 0) as purchase_days,
        round(sum(amount), 6) as revenue,
        date_diff('day', last_order, as_of()) as recency_days,
        date_diff('day', first_order, as_of()) as tenure_days
    from lines group by customer_id having first_order is not null"""

# One row per customer, order and day: all that RFM, deciles, cohorts and key figures need.
BASE = """
    create or replace temp table base as
    select customer_id, order_id, order_date,
        sum(amount) as amount, sum(margin) as margin, max(amount) >= 0 as bought
    from lines group by all"""

DAYS = """
    create or replace temp table days as
    select customer_id, order_date, sum(amount) as amount, sum(margin) as margin,
        max(amount) >= 0 as bought
    from lines group by all"""

ORDERS = """
    create or replace temp table orders as
    select day, count(*) as orders
    from (
        select min(order_date) as day from lines where amount >= 0 group by customer_id, order_id
    ) group by day"""

EDGES = ", ".join(f"quantile_disc({m}, [0.2, 0.4, 0.6, 0.8]) as {m}" for m in MEASURES)


def opened(path: str, *, as_of: str, memory: str, threads: int, spill: str) -> Any:
    """A connection that knows the lines up to `as_of`."""
    import duckdb

    config = {"memory_limit": memory, "threads": threads, "temp_directory": spill}
    connection = duckdb.connect(config=config)
    connection.execute(f"create macro as_of() as timestamp '{as_of}'")
    seen = f"select * from '{path}' where order_date < as_of() + interval 1 day"
    connection.execute(f"create view lines as {seen}")
    return connection


def customers(shop: Any) -> dict[str, Any]:
    shop.execute(CUSTOMERS)
    return {"customers": shop.table("customers")}


def rfm(shop: Any) -> dict[str, Any]:
    return customers(shop) | scored(shop)


def scored(shop: Any) -> dict[str, Any]:
    edges = shop.sql(f"select {EDGES} from customers").df().iloc[0]
    scores = {m: _score(m, edges[m]) for m in MEASURES}
    shop.execute(
        f"""create or replace temp table scored as
        select *, {", ".join(f"{s} as {MEASURES[m]}" for m, s in scores.items())} from customers"""
    )
    counted = shop.sql(
        "select r_score, f_score, m_score, count(*) as customers from scored group by all"
    ).df()
    rows = [
        (measure, score, edge, int(counted.loc[counted[name] == score, "customers"].sum()))
        for measure, name in MEASURES.items()
        for score, edge in _ends(measure, edges[measure])
    ]
    segments = shop.sql(
        f"""select segment, count(*) as customers, round(sum(revenue), 6) as revenue,
            sum(orders)::bigint as orders, median(recency_days) as median_recency_days
        from scored join (values {PAIRS}) t(r_score, f_score, segment) using (r_score, f_score)
        group by segment"""
    ).df()
    thresholds = pd.DataFrame(rows, columns=["measure", "score", "up_to", "customers"])
    return {"rfm_thresholds": thresholds, "rfm_segments": segments}


def deciles(shop: Any) -> dict[str, Any]:
    return customers(shop) | ranked(shop)


def ranked(shop: Any) -> dict[str, Any]:
    table = shop.sql(
        """select (rank - 1) * 10 // whole + 1 as decile, count(*) as customers,
            round(sum(revenue), 6) as revenue, sum(orders)::bigint as orders
        from (
            select revenue, orders, count(*) over () as whole,
                row_number() over (order by revenue desc, customer_id) as rank
            from customers
        ) group by decile"""
    )
    return {"deciles": table.df()}


def abc(shop: Any) -> dict[str, Any]:
    by_customer = "select customer_id, sum(amount) as revenue from lines group by customer_id"
    return products(shop) | {"abc_customers": _classed(shop, "customer_id", by_customer)}


def products(shop: Any) -> dict[str, Any]:
    by_product = """
        select coalesce(product_id, '(none)') as product_id, sum(amount) as revenue
        from lines group by product_id"""
    return {"abc_products": _classed(shop, "product_id", by_product)}


def cohorts(shop: Any) -> dict[str, Any]:
    monthly = """
        select customer_id, year(order_date) * 12 + month(order_date) as month,
            sum(amount) as amount, sum(margin) as margin, max(amount) >= 0 as bought
        from lines group by all"""
    return _followed(shop, monthly)


def kpis(shop: Any) -> dict[str, Any]:
    shop.execute(DAYS)
    shop.execute(ORDERS)
    return _series(shop)


def everything(shop: Any) -> dict[str, Any]:
    """All tables from two readings of the lines: by customer, order and day, and by product."""
    shop.execute(BASE)
    shop.execute(
        """create or replace temp table days as
        select customer_id, order_date, sum(amount) as amount, sum(margin) as margin,
            bool_or(bought) as bought
        from base group by all"""
    )
    shop.execute(
        """create or replace temp table begun as
        select customer_id, min(order_date) as day from base where bought
        group by customer_id, order_id"""
    )
    shop.execute("drop table base")
    shop.execute(
        """create or replace temp table orders as
        select day, count(*) as orders from begun group by day"""
    )
    shop.execute(
        """create or replace temp table everyone as
        select customer_id, min(order_date) filter (bought) as first_order,
            max(order_date) filter (bought) as last_order,
            count(*) filter (bought) as purchase_days, round(sum(amount), 6) as revenue
        from days group by customer_id"""
    )
    shop.execute(
        """create or replace temp table customers as
        select *, date_diff('day', last_order, as_of()) as recency_days,
            date_diff('day', first_order, as_of()) as tenure_days
        from everyone
        join (select customer_id, count(*) as orders from begun group by 1) using (customer_id)"""
    )
    shop.execute("drop table begun")
    found = {"customers": shop.table("customers")} | scored(shop) | ranked(shop) | products(shop)
    found["abc_customers"] = _classed(shop, "customer_id", "from everyone")
    monthly = """
        select customer_id, year(order_date) * 12 + month(order_date) as month,
            sum(amount) as amount, sum(margin) as margin, bool_or(bought) as bought
        from days group by all"""
    found |= _followed(shop, monthly)
    months = """
        create or replace temp table active_month as
        select customer_id, make_date((month - 1) // 12, (month - 1) % 12 + 1, 1) as day
        from monthly where bought"""
    firsts = "select first_order as day from customers"
    return found | _series(shop, months=months, firsts=firsts)


def _score(measure: str, edges: Any) -> str:
    passed = " + ".join(f"({measure} > {edge})::int" for edge in edges)
    return f"5 - ({passed})" if measure == "recency_days" else f"1 + {passed}"


def _ends(measure: str, edges: Any) -> list[tuple[int, float]]:
    ends = [*map(float, edges), float("inf")]
    return [(5 - k if measure == "recency_days" else 1 + k, end) for k, end in enumerate(ends)]


def _classed(shop: Any, by: str, items: str) -> pd.DataFrame:
    return shop.sql(
        f"""select class, count(*) as items, round(sum(revenue), 6) as revenue
        from (
            select revenue, case
                when revenue <= 0 then 'none'
                when share <= 0.7 + 1e-12 or rank = 1 then 'A'
                when share <= 0.9 + 1e-12 then 'B' else 'C' end as class
            from (
                select revenue, row_number() over ranking as rank,
                    sum(greatest(revenue, 0)) over (ranking rows unbounded preceding)
                        / sum(greatest(revenue, 0)) over () as share
                from (select {by}, round(revenue, 6) as revenue from ({items}))
                window ranking as (order by revenue desc, {by})
            )
        ) group by class"""
    ).df()


def _followed(shop: Any, monthly: str) -> dict[str, Any]:
    shop.execute(f"create or replace temp table monthly as {monthly}")
    shop.execute(
        """create or replace temp table born as
        select customer_id, min(month) as born from monthly where bought group by customer_id"""
    )
    sizes = shop.sql("select born, count(*) as customers from born group by born").df()
    spent = shop.sql(
        """select born, month - born as age, count(*) filter (bought) as active,
            round(sum(amount), 6) as revenue, round(sum(margin), 6) as margin
        from monthly join born using (customer_id) where month >= born group by all"""
    ).df()
    table = spent.merge(sizes, on="born")
    months = table["born"] - 1
    cohort = (months // 12).astype(str) + "-" + (months % 12 + 1).astype(str).str.zfill(2)
    return {"cohorts": table.assign(cohort=cohort).drop(columns="born")}


MONTHS = """
    create or replace temp table active_month as
    select distinct customer_id, date_trunc('month', day) as day from active_day"""
FIRSTS = "select min(order_date) as day from days where bought group by customer_id"


def _series(shop: Any, *, months: str = MONTHS, firsts: str = FIRSTS) -> dict[str, Any]:
    shop.execute(
        """create or replace temp table daily as
        select order_date as day, sum(amount) as revenue from days group by day"""
    )
    shop.execute(
        f"""create or replace temp table new as
        select day, count(*) as new_customers from ({firsts}) group by day"""
    )
    shop.execute(
        """create or replace temp view active_day as
        select customer_id, order_date as day from days where bought"""
    )
    shop.execute(months)
    for every, source in (("week", "active_day"), ("year", "active_month")):
        shop.execute(
            f"""create or replace temp table active_{every} as
            select distinct customer_id, date_trunc('{every}', day) as day from {source}"""
        )
    return {f"kpis_{every}": _by_period(shop, every) for every in ("day", "week", "month", "year")}


def _by_period(shop: Any, every: str) -> pd.DataFrame:
    start = f"date_trunc('{every}', day)::timestamp as start"
    table = shop.sql(
        f"""select start, revenue, orders, customers, new_customers
        from (select {start}, round(sum(revenue), 6) as revenue from daily group by 1)
        left join (select {start}, sum(orders)::bigint as orders from orders group by 1)
            using (start)
        left join (select {start}, count(*) as customers from active_{every} group by 1)
            using (start)
        left join (
            select {start}, sum(new_customers)::bigint as new_customers from new group by 1
        ) using (start)"""
    )
    return table.df().fillna(0)
