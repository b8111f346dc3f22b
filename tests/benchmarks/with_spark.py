"""The summary tables through the kit on a Spark cluster of this machine.

A master and workers of one core each, and a session as a notebook has it, begun before the clock.
What the functions of `with_kit` leave on the cluster is computed there, and stays there.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import with_kit
from with_kit import Shop

CONF = {"spark.executor.memory": "2g", "spark.executor.cores": "1", "spark.driver.memory": "1g"}
WORKER = "2200m"


def opened(path: str, *, as_of: str, memory: str, threads: int, spill: str, workers: int) -> Shop:
    """The lines as a Spark frame. `memory` and `threads` are DuckDB's."""
    from ltvkit.engines.spark import session
    from ltvkit.engines.spark.settings import Settings

    os.environ |= {"LTVKIT_REPORTS": spill, "SPARK_LOCAL_DIRS": spill}
    stack = ExitStack()
    atexit.register(stack.close)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # else the cluster would stay
    cluster = stack.enter_context(_cluster(Path(spill), workers))
    running = session.start(Settings.of({"master": cluster.master, "conf": CONF}))
    stack.callback(session.close)
    return Shop(running.read.parquet(Path(path).resolve().as_uri()), as_of, path)


def customers(shop: Shop) -> dict[str, Any]:
    return _computed(with_kit.customers(shop))


def rfm(shop: Shop) -> dict[str, Any]:
    return _computed(with_kit.rfm(shop))


def deciles(shop: Shop) -> dict[str, Any]:
    return _computed(with_kit.deciles(shop))


def abc(shop: Shop) -> dict[str, Any]:
    return _computed(with_kit.abc(shop))


def cohorts(shop: Shop) -> dict[str, Any]:
    return _computed(with_kit.cohorts(shop))


def kpis(shop: Shop) -> dict[str, Any]:
    return _computed(with_kit.kpis(shop))


def everything(shop: Shop) -> dict[str, Any]:
    return _computed(with_kit.everything(shop))


def _cluster(folder: Path, workers: int) -> Any:
    sys.path.insert(0, str(Path(__file__).parents[1] / "spark"))
    from stub_cluster import Cluster

    return Cluster(folder, size=workers, memory=WORKER)


def _computed(found: dict[str, Any]) -> dict[str, Any]:
    """Spark's frames are kept by the cluster once they are computed, which counting makes them."""
    for table in found.values():
        if hasattr(table, "sparkSession"):
            table.count()
    return found
