"""What crosses from a cluster to this machine is counted, and lists stay on it under pseudonyms."""

from __future__ import annotations

import sys
from pathlib import Path

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ltvkit import orders

sys.path.append(str(Path(__file__).parents[1]))  # the stubs that both kinds of tests share

from stub_notebooks import as_long, crossings, write_orders

from ltvkit.core import paths, pseudonyms, run_state
from ltvkit.engines import frames, sampling
from ltvkit.engines.spark import lists
from ltvkit.quality import spellings
from ltvkit.report import results

CUSTOMERS = 1200


def test_all_notebooks_have_the_same_tables_and_no_customers_cross(
    cluster, session, tmp_path, monkeypatch
):
    monkeypatch.setenv("LTVKIT_REPORTS", str(tmp_path / "reports"))
    orders = tmp_path / "orders.parquet"
    write_orders(orders, customers=CUSTOMERS)
    here, there = tmp_path / "here", tmp_path / "there"
    crossings(orders, out=here)
    found = crossings(orders, out=there, engine="spark", spark=cluster.spark)
    assert {
        "rfm.segments.summarize",
        "kpis._of_kind",
        "forecast.backtesting.holdout._customers_at",
    } <= set(found)
    assert not as_long(found, customers=CUSTOMERS)
    tables = sorted(path.relative_to(here) for path in here.glob("*/tables/*.csv"))
    assert len(tables) > 25
    for table in tables:
        assert (there / table).read_bytes() == (here / table).read_bytes(), table


def test_a_long_list_is_written_by_the_workers_under_pseudonyms(session, tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_LIST_KEY", "k" * 32)
    monkeypatch.setattr(lists, "MOST_LISTED", 10)
    customers = [f"C{n:04}" for n in range(100)]
    table = pa.table({"customer_id": customers, "ltv": np.arange(100.0)})
    written = results.save_list(session.createDataFrame(table), tmp_path / "lists" / "ltv.csv")
    assert written.suffix == ".txt"
    assert "100" in written.read_text("utf-8")
    kept = pq.read_table(next((paths.cache() / "lists").rglob("ltv"))).to_pandas()
    expected = pd.DataFrame({"customer_id": map(pseudonyms.of, customers), "ltv": table["ltv"]})
    pd.testing.assert_frame_equal(
        kept.sort_values("ltv", ignore_index=True), expected, check_dtype=False
    )


def test_a_project_may_lie_in_any_folder(cluster, session, tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_REPORTS", str(tmp_path / "注文 2024" / "reports"))
    source = tmp_path / "注文 2024" / "export.parquet"
    source.parent.mkdir()
    write_orders(source, customers=100)
    for name in ("demo:cdnow", str(source)):  # through the door here, and on the workers
        books = [orders.read(name, engine=e, spark=cluster.spark) for e in ("duckdb", "spark")]
        here, there = (frames.count(b.days) for b in books)
        assert here == there
    assert not [path for path in tmp_path.iterdir() if "%" in path.name]


def test_a_run_of_the_report_reads_the_same_all_along(cluster, session, tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_REPORTS", str(tmp_path / "reports"))
    source, counts = tmp_path / "export.parquet", []
    for run, customers in (("first", 100), ("first", 200), ("second", 200)):
        monkeypatch.setenv(run_state.RUN, run)
        write_orders(source, customers=customers)
        book = orders.read(str(source), engine="spark", spark=cluster.spark)
        buyers = frames.lazy(book.lines).select(nw.col("customer_id").n_unique())
        counts.append(int(frames.table(buyers)["customer_id"].iloc[0]))
    assert counts[0] == counts[1] < counts[2]


def test_samples_and_spellings_are_decided_on_the_workers(session):
    names = ["太郎", "é", "A1", "a1", "Ａ1", *map(str, range(500))]
    frame = session.createDataFrame(pa.table({"customer_id": [*names, *names]}))
    for most in (1, 50, 400):
        part, share = sampling.draw(frame, most=most, among=sampling.count(frame))
        kept = np.array(names)[sampling.contains(names, share)]
        found = part.toArrow()["customer_id"].to_pylist()
        assert sorted(found) == sorted([*kept, *kept])
    once = pd.DataFrame({"customer_id": names, "revenue": 1.0})
    found = spellings.find_spellings(session.createDataFrame(pa.Table.from_pandas(once)))
    assert found == spellings.find_spellings(once)
    assert (found.customers, found.revenue) == (1, 3.0)


def test_a_plan_grows_by_as_much_with_each_frame_that_is_kept(session):
    """Not twice as much, as adaptive plans do, which are described twice each."""
    frame, sizes = nw.from_native(session.range(50)).lazy(), []
    for _step in range(4):
        counted = frame.group_by("id").agg(n=nw.len()).select(id=nw.col("id") % 7)
        kept = frames.materialize(counted, like=session.range(1))
        assert frames.count(kept)
        sizes.append(kept._jdf.queryExecution().executedPlan().treeString().count("\n"))
        frame = frames.lazy(kept)
    assert len(set(np.diff(sizes))) == 1
    assert session.conf.get("spark.sql.adaptive.enabled") == "true"  # for steps, as before
