"""The summary tables in pandas, tuned by hand: what it can do at most, of which few would think.

Only the columns that a table needs are read; ids become numbers once, two ids one joint number,
and every group is one of whole numbers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ltvkit.rfm import SEGMENTS

FIRST = pd.Timestamp("1970-01-01")
IDS = ("customer_id", "order_id", "product_id")
BUYING = ("customer_id", "order_id", "order_date", "amount")
MEASURES = {"recency_days": "r_score", "orders": "f_score", "revenue": "m_score"}
SEGMENT_OF = {
    (r, f): s.name
    for s in SEGMENTS
    for r in range(s.r[0], s.r[1] + 1)
    for f in range(s.f[0], s.f[1] + 1)
}


class Shop(NamedTuple):
    """Where the lines are, and the last day that counts."""

    path: str
    as_of: pd.Timestamp


class Lines(NamedTuple):
    """Lines with numbers for ids, and the ids by number."""

    rows: pd.DataFrame
    names: dict[str, pd.Index]


def opened(path: str, *, as_of: str, memory: str, threads: int, spill: str) -> Shop:
    import pyarrow

    pyarrow.set_cpu_count(threads)
    return Shop(path, pd.Timestamp(as_of))


def read(shop: Shop, *columns: str) -> Lines:
    """The columns of the lines up to `as_of`."""
    rows = pd.read_parquet(shop.path, columns=list(columns))
    if rows["order_date"].max() > shop.as_of:
        rows = rows[rows["order_date"] < shop.as_of + pd.Timedelta(days=1)]
    names = {}
    for column in (c for c in IDS if c in columns):
        rows[column], names[column] = pd.factorize(rows[column])
    return Lines(rows, names)


def joint(one: pd.Series, other: pd.Series) -> np.ndarray:
    """One whole number for two."""
    return one.to_numpy() * (int(other.max()) + 1) + other.to_numpy()


def customers(shop: Shop) -> dict[str, Any]:
    return {"customers": summarized(read(shop, *BUYING), shop.as_of)}


def summarized(lines: Lines, as_of: pd.Timestamp) -> pd.DataFrame:
    bought = lines.rows[lines.rows["amount"] >= 0]
    days = active_days(bought)
    placed = bought["customer_id"][
        ~pd.Series(joint(bought["customer_id"], bought["order_id"])).duplicated().to_numpy()
    ]
    span = days.groupby("customer_id", sort=False)["order_date"].agg(["min", "max", "size"])
    table = pd.DataFrame(
        {
            "first_order": span["min"],
            "last_order": span["max"],
            "orders": placed.value_counts(sort=False),
            "purchase_days": span["size"],
        }
    ).join(lines.rows.groupby("customer_id")["amount"].sum().round(6).rename("revenue"))
    return table.assign(
        customer_id=lines.names["customer_id"][table.index],
        recency_days=(as_of - table["last_order"]).dt.days,
        tenure_days=(as_of - table["first_order"]).dt.days,
    ).reset_index(drop=True)


def active_days(bought: pd.DataFrame) -> pd.DataFrame:
    """The customers and days of purchases, each pair once."""
    day = (bought["order_date"] - FIRST).dt.days
    again = pd.Series(joint(bought["customer_id"], day)).duplicated().to_numpy()
    return bought.loc[~again, ["customer_id", "order_date"]]


def rfm(shop: Shop) -> dict[str, Any]:
    found = customers(shop)
    return found | scored(found["customers"])


def scored(buyers: pd.DataFrame) -> dict[str, Any]:
    rows, scores = [], {}
    for measure, name in MEASURES.items():
        values = buyers[measure]
        edges = np.quantile(values, [0.2, 0.4, 0.6, 0.8], method="inverted_cdf")
        place = np.searchsorted(edges, values)
        scores[name] = 5 - place if measure == "recency_days" else place + 1
        counts = np.bincount(scores[name], minlength=6)
        order = (5, 4, 3, 2, 1) if measure == "recency_days" else (1, 2, 3, 4, 5)
        ends = zip(order, [*edges, np.inf], strict=True)
        rows += [(measure, score, end, counts[score]) for score, end in ends]
    name = pd.Series(SEGMENT_OF)
    names = name.unique()
    code = np.zeros((6, 6), dtype="int8")
    for (r, f), segment in SEGMENT_OF.items():
        code[r, f] = np.flatnonzero(names == segment)[0]
    segment = pd.Categorical.from_codes(code[scores["r_score"], scores["f_score"]], names)
    segments = (
        buyers.groupby(segment, observed=True)
        .agg(
            customers=("orders", "size"),
            revenue=("revenue", "sum"),
            orders=("orders", "sum"),
            median_recency_days=("recency_days", "median"),
        )
        .rename_axis("segment")
        .reset_index()
    )
    thresholds = pd.DataFrame(rows, columns=["measure", "score", "up_to", "customers"])
    return {"rfm_thresholds": thresholds, "rfm_segments": segments}


def deciles(shop: Shop) -> dict[str, Any]:
    found = customers(shop)
    return found | ranked(found["customers"])


def ranked(buyers: pd.DataFrame) -> dict[str, Any]:
    ordered = buyers.sort_values(["revenue", "customer_id"], ascending=[False, True])
    decile = np.arange(len(ordered)) * 10 // len(ordered) + 1
    table = ordered.groupby(decile).agg(
        customers=("orders", "size"), revenue=("revenue", "sum"), orders=("orders", "sum")
    )
    return {"deciles": table.rename_axis("decile").reset_index()}


def abc(shop: Shop) -> dict[str, Any]:
    lines = read(shop, "order_date", "product_id", "customer_id", "amount")
    return {
        "abc_products": classed(lines, "product_id"),
        "abc_customers": classed(lines, "customer_id"),
    }


def classed(lines: Lines, by: str) -> pd.DataFrame:
    items = lines.rows.groupby(by)["amount"].sum().round(6).to_frame()
    items = items.assign(id=lines.names[by][items.index])
    items = items.sort_values(["amount", "id"], ascending=[False, True])
    counted = items["amount"].clip(lower=0)
    share = counted.cumsum() / counted.sum()
    a = (share <= 0.7 + 1e-12) | (np.arange(len(items)) == 0)
    b = share <= 0.9 + 1e-12
    kinds = np.select([items["amount"] <= 0, a, b], ["none", "A", "B"], "C")
    table = items.groupby(kinds).agg(items=("amount", "size"), revenue=("amount", "sum"))
    return table.rename_axis("class").reset_index()


def cohorts(shop: Shop) -> dict[str, Any]:
    return {"cohorts": followed(read(shop, "customer_id", "order_date", "amount", "margin"))}


def followed(lines: Lines) -> pd.DataFrame:
    rows = pd.DataFrame(
        {
            "customer_id": lines.rows["customer_id"],
            "month": months(lines.rows["order_date"]),
            "revenue": lines.rows["amount"],
            "margin": lines.rows["margin"],
        }
    )
    bought = rows.loc[rows["revenue"] >= 0, ["customer_id", "month"]]
    born = bought.groupby("customer_id")["month"].min()
    rows["born"] = born.reindex(range(len(lines.names["customer_id"]))).to_numpy()[
        rows["customer_id"]
    ]
    rows["age"] = rows["month"] - rows["born"]
    key = ["born", "age"]
    spent = rows[rows["age"] >= 0].groupby(key)[["revenue", "margin"]].sum().round(6)
    again = pd.Series(joint(bought["customer_id"], bought["month"])).duplicated().to_numpy()
    active = rows.loc[bought.index[~again], key].groupby(key).size().rename("active")
    sizes = born.value_counts().rename("customers").rename_axis("born")
    table = spent.join(active).fillna({"active": 0}).reset_index().join(sizes, on="born")
    names = [f"{m // 12}-{m % 12 + 1:02}" for m in table["born"].astype(int)]
    return table.assign(cohort=names).drop(columns="born")


def months(dates: pd.Series) -> np.ndarray:
    """Months since year 0."""
    return dates.to_numpy().astype("M8[M]").astype("int64") + 1970 * 12


def kpis(shop: Shop) -> dict[str, Any]:
    return series(read(shop, *BUYING))


def series(lines: Lines) -> dict[str, Any]:
    bought = lines.rows[lines.rows["amount"] >= 0]
    days = active_days(bought)
    order = joint(bought["customer_id"], bought["order_id"])
    daily = pd.DataFrame(
        {
            "revenue": lines.rows.groupby("order_date")["amount"].sum(),
            "orders": bought.groupby(order, sort=False)["order_date"].min().value_counts(),
            "new_customers": days.groupby("customer_id")["order_date"].min().value_counts(),
        }
    ).fillna(0)
    found = {}
    for every, unit in {"day": None, "week": "W-SUN", "month": "M", "year": "Y"}.items():
        start = starts(daily.index, unit)
        table = daily.groupby(start).sum()
        place = pd.Series(start.factorize()[0], daily.index)
        now = place.reindex(days["order_date"])
        again = pd.Series(joint(days["customer_id"], now)).duplicated().to_numpy()
        table["customers"] = now[~again].value_counts().sort_index().to_numpy()
        table["revenue"] = table["revenue"].round(6)
        found[f"kpis_{every}"] = table.rename_axis("start").reset_index()
    return found


def starts(days: pd.DatetimeIndex, unit: str | None) -> pd.DatetimeIndex:
    return days if unit is None else days.to_period(unit).start_time


def everything(shop: Shop) -> dict[str, Any]:
    """All tables from one reading."""
    lines = read(shop, *BUYING, "product_id", "margin")
    buyers = summarized(lines, shop.as_of)
    found = {"customers": buyers} | scored(buyers) | ranked(buyers)
    found["abc_products"] = classed(lines, "product_id")
    found["abc_customers"] = classed(lines, "customer_id")
    return found | {"cohorts": followed(lines)} | series(lines)
