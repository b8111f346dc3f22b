"""The summary tables through the kit's public functions, as the notebooks call them."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

import ltvkit.cohorts
import ltvkit.customers
import ltvkit.days
import ltvkit.deciles
import ltvkit.kpis
import ltvkit.orders
import ltvkit.rfm
from ltvkit import abc_classes, forecast
from ltvkit.forecast import model
from ltvkit.forecast.fitting import settled


class Shop(NamedTuple):
    """Order lines of any engine, and the last day that counts."""

    lines: Any
    as_of: str


def opened(path: str, *, as_of: str, memory: str, threads: int, spill: str) -> Shop:
    """The lines as a relation of a DuckDB connection with a memory limit."""
    import duckdb

    config = {"memory_limit": memory, "threads": threads, "temp_directory": spill}
    return Shop(duckdb.connect(config=config).read_parquet(path), as_of)


def customers(shop: Shop) -> dict[str, Any]:
    return {"customers": ltvkit.customers.summarize(shop.lines, as_of=shop.as_of)}


def rfm(shop: Shop) -> dict[str, Any]:
    found = customers(shop)
    return found | scored(found["customers"])


def scored(buyers: Any) -> dict[str, Any]:
    thresholds = ltvkit.rfm.thresholds(buyers)
    segmented = ltvkit.rfm.segment(ltvkit.rfm.score(buyers, cuts=thresholds))
    return {"rfm_thresholds": thresholds, "rfm_segments": ltvkit.rfm.summarize(segmented)}


def deciles(shop: Shop) -> dict[str, Any]:
    found = customers(shop)
    return found | ranked(found["customers"])


def ranked(buyers: Any) -> dict[str, Any]:
    return {"deciles": ltvkit.deciles.summarize(ltvkit.deciles.assign(buyers))}


def abc(shop: Shop) -> dict[str, Any]:
    lines = ltvkit.orders.until(shop.lines, as_of=shop.as_of)
    by = ("product_id", "customer_id")
    classed = {abc_classes.table_name(c): abc_classes.classify(lines, by=c) for c in by}
    return {name: abc_classes.summarize(items) for name, items in classed.items()}


def cohorts(shop: Shop) -> dict[str, Any]:
    table = ltvkit.cohorts.build(shop.lines, as_of=shop.as_of)
    for derived in (ltvkit.cohorts.customers, ltvkit.cohorts.retention, ltvkit.cohorts.ltv):
        derived(table)
    return {"cohorts": table}


def kpis(shop: Shop) -> dict[str, Any]:
    found = ltvkit.kpis.tables(shop.lines, as_of=shop.as_of)
    return {f"kpis_{every}": table for every, table in found.items()}


def everything(shop: Shop) -> dict[str, Any]:
    """All tables, as a report makes them: from the days of the lines; ABC from the lines."""
    days = Shop(ltvkit.days.of(shop.lines), shop.as_of)
    found = customers(days)
    buyers = found["customers"]
    return found | scored(buyers) | ranked(buyers) | abc(shop) | cohorts(days) | kpis(days)


def fit(buyers: Any) -> dict[str, Any]:
    """BG/NBD and Gamma-Gamma from customers."""
    return {"fit": forecast.fit(buyers, model="bg_nbd").table}


def fit_alone(histories: pd.DataFrame) -> dict[str, Any]:
    """BG/NBD from distinct histories."""
    buying = forecast.BetaGeoFitter()
    settled(buying, *model.in_unit(histories, "week"), weights=histories["customers"])
    return {"fit": buying.summary.assign(histories=len(histories))}


def _buyers(shop: Shop) -> Any:
    return customers(shop)["customers"]


def _histories(shop: Shop) -> pd.DataFrame:
    return model.histories(_buyers(shop))


BEFORE = {"fit": _buyers, "fit_alone": _histories}  # what is made before the clock starts
