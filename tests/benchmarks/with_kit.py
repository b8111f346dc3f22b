"""The summary tables through the kit's public functions, as the notebooks call them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

import ltvkit.cohorts
import ltvkit.customers
import ltvkit.deciles
import ltvkit.ingest.daily
import ltvkit.kpis
import ltvkit.orders
import ltvkit.rfm
from ltvkit import abc_classes, forecast
from ltvkit.forecast import estimation
from ltvkit.forecast.clock import Clock
from ltvkit.forecast.models.fitting import fit_with_fallback


class Shop(NamedTuple):
    """Order lines of any engine, the last day that counts, and the days where they are kept."""

    lines: Any
    as_of: str
    path: str
    days: Any = None

    @property
    def shortest(self) -> Any:
        """What all but ABC read: the days, or else the lines."""
        return self.lines if self.days is None else self.days


def opened(
    path: str, *, as_of: str, memory: str, threads: int, spill: str, kept: bool = False
) -> Shop:
    """The lines as a relation of a DuckDB connection with a memory limit.

    `kept`: the days too, which `keep_days` has written, as a report finds those of its preparation.
    """
    import duckdb

    config = {"memory_limit": memory, "threads": threads, "temp_directory": spill}
    connection = duckdb.connect(config=config)
    lines = connection.read_parquet(path)
    days = connection.read_parquet(str(days_of(path))) if kept else None
    return Shop(lines, as_of, path, days)


def days_of(path: str | Path) -> Path:
    """Where the days of a file of lines are kept: beside it."""
    return Path(path).with_name(Path(path).name.replace("lines", "days"))


def keep_days(shop: Shop) -> dict[str, Any]:
    """Write the days of the lines, as a preparation does once per export."""
    whole = days_of(shop.path)
    part = whole.with_name(f"part-{whole.name}")
    ltvkit.ingest.daily.aggregate(shop.lines).write_parquet(str(part))
    part.rename(whole)
    return {}


def customers(shop: Shop) -> dict[str, Any]:
    return {"customers": ltvkit.customers.summarize(shop.shortest, as_of=shop.as_of)}


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
    table = ltvkit.cohorts.build(shop.shortest, as_of=shop.as_of)
    for derived in (ltvkit.cohorts.customers, ltvkit.cohorts.retention, ltvkit.cohorts.ltv):
        derived(table)
    return {"cohorts": table}


def kpis(shop: Shop) -> dict[str, Any]:
    found = ltvkit.kpis.tables(shop.shortest, as_of=shop.as_of)
    return {f"kpis_{every}": table for every, table in found.items()}


def everything(shop: Shop) -> dict[str, Any]:
    """All tables, as a report makes them: from the days of the lines; ABC from the lines."""
    if shop.days is None:
        shop = shop._replace(days=ltvkit.ingest.daily.aggregate(shop.lines))
    found = customers(shop)
    buyers = found["customers"]
    return found | scored(buyers) | ranked(buyers) | abc(shop) | cohorts(shop) | kpis(shop)


def fit(buyers: Any) -> dict[str, Any]:
    """BG/NBD and Gamma-Gamma from customers."""
    return {"fit": forecast.fit(buyers, model="bg_nbd").table}


def fit_alone(histories: pd.DataFrame) -> dict[str, Any]:
    """BG/NBD from distinct histories."""
    buying, some = forecast.BetaGeoFitter(), estimation.sample_histories(histories)
    fit_with_fallback(buying, *Clock().history(some), weights=some["customers"])
    return {"fit": buying.summary.assign(histories=len(some))}


def _buyers(shop: Shop) -> Any:
    return customers(shop)["customers"]


def _histories(shop: Shop) -> pd.DataFrame:
    return estimation.histories(_buyers(shop))


BEFORE = {"fit": _buyers, "fit_alone": _histories}  # what is made before the clock starts
