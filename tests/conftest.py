"""Shared by the tests: tiny shops, the engines they run on, and a cache of their own."""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pytest

# PySpark is no part of what the kit needs; `make test-spark` runs these.
collect_ignore = [] if "LTVKIT_SPARK" in os.environ else ["spark"]


@pytest.fixture(scope="session", autouse=True)
def own_reports(tmp_path_factory):
    """Prepared orders and samples of the tests stay out of the project's reports/."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LTVKIT_REPORTS", str(tmp_path_factory.mktemp("reports")))
        yield


@pytest.fixture
def one_thread(monkeypatch):
    """For modules that read many files of a few lines, which one thread reads anyway."""
    monkeypatch.setenv("LTVKIT_THREADS", "1")


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Chromium; without it tests are skipped, or fail where LTVKIT_BROWSER says "required"."""
    import stub_browser

    if not (path := stub_browser.find()):
        if os.environ.get("LTVKIT_BROWSER") == "required":
            pytest.fail("LTVKIT_BROWSER=required, and there is no Chromium on PATH")
        pytest.skip("no Chromium on PATH; LTVKIT_BROWSER=required makes this a failure")
    opened = stub_browser.Browser(path, tmp_path_factory.mktemp("browser") / "profile")
    yield opened
    opened.close()


@pytest.fixture
def aside():
    """A temporary folder for processes of a test; sockets fit below it, unlike below `tmp_path`."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


CONNECTION = duckdb.connect()
ENGINES = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "duckdb": CONNECTION.from_df,
}


@pytest.fixture(params=ENGINES)
def on(request):
    """Turns a pandas frame into one of each engine, in turn."""
    return ENGINES[request.param]


def make_lines(*rows: tuple, extra: tuple[str, ...] = ()) -> pd.DataFrame:
    """Order lines from (customer_id, order_id, date, amount, *extra) rows."""
    columns = ["customer_id", "order_id", "order_date", "amount", *extra]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(
        order_date=pd.to_datetime(frame["order_date"]), amount=frame["amount"].astype(float)
    )


@pytest.fixture
def agg():
    """Draw off screen, take every warning for an error, and close what was drawn."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    with mpl.rc_context(), warnings.catch_warnings():
        plt.switch_backend("agg")
        warnings.simplefilter("error")
        yield
        plt.close("all")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A Spark cluster of a master and two workers."""
    from stub_cluster import JAVA, Cluster

    with pytest.MonkeyPatch.context() as patch:
        for name in JAVA:
            patch.setenv(name, JAVA[name])
        with Cluster(tmp_path_factory.mktemp("cluster")) as found:
            yield found


@pytest.fixture(scope="session")
def session(cluster):
    """A session on the cluster, as a notebook has it."""
    from ltvkit.engines.spark import session
    from ltvkit.engines.spark.settings import Settings

    yield session.start(Settings.of(cluster.spark))
    session.close()
