"""Reports by a cluster: the same pages, whatever happens to its workers; and what if it is gone."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml
from stub_cluster import HOST, free_port, kill

import ltvkit.engines.spark
from ltvkit import customers, orders, rfm
from ltvkit.engines import frames
from ltvkit.ingest.readers import samples
from ltvkit.report.publishing import publish

ROOT = Path(__file__).parents[2]
MONTH = "2024-09"
_LEFT_OUT = re.compile(r'<(script|style)\b.*?</\1>|src="data:[^"]*"|<[^>]+>', re.S)
_PARAMETERS = re.compile(r"\bengine = '\w+'|\bspark = {.*?} (?=title = ')")


@pytest.fixture(autouse=True)
def free(cluster):
    """A report waits for workers that a session of these tests would hold."""
    ltvkit.engines.spark.close()


@pytest.fixture
def report():
    """Begins `python -m ltvkit report`; what is left of it ends with the test."""
    begun = []

    def begin(params: Path, out: Path, *options: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "ltvkit", "report", str(params), "--out", str(out)]
        begun.append(
            subprocess.Popen([*command, *options], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        )
        return begun[-1]

    yield begin
    for process in begun:
        kill(process.pid)
        process.communicate()


def written(folder: Path, **changes: object) -> Path:
    """The params of the sample shop with some of them changed."""
    given = yaml.safe_load((ROOT / "params" / "shop.yaml").read_text("utf-8")) | changes
    path = folder / "shop.yaml"
    path.write_text(yaml.safe_dump(given, allow_unicode=True, sort_keys=False), "utf-8")
    return path


def text(page: Path) -> str:
    """What a reader sees of a page, but for its pictures and the engine among its parameters."""
    said = html.unescape(_LEFT_OUT.sub("\n", page.read_text("utf-8")))
    return _PARAMETERS.sub("", " ".join(said.split()))


def test_a_killed_worker_changes_no_figure_of_a_report(cluster, report, tmp_path):
    pages = ("--only", "rfm,deciles")
    here = report(written(tmp_path), tmp_path / "here", *pages)
    assert here.wait(300) == 0, here.stderr.read()
    params = written(tmp_path, engine="spark", spark=cluster.spark)
    there = report(params, tmp_path / "there", *pages)
    lost = cluster.processes[-1]
    _wait_for(lambda: cluster.done(lost) > 15, there)  # it has what others wait for
    kill(lost.pid)
    cluster.add_worker()
    assert there.wait(900) == 0, there.stderr.read()
    log = (tmp_path / "there" / ".cache" / "spark.log").read_text("utf-8", "replace")
    assert "Lost executor" in log
    folders = [tmp_path / name / "shop" / MONTH for name in ("here", "there")]
    pages, tables = ([sorted(f.glob(kind)) for f in folders] for kind in ("*.html", "tables/*"))
    for left, right in zip(*pages, strict=True):
        assert text(left) == text(right), left.name
    assert [page.name for page in pages[0]] == [
        "01_rfm.html",
        "02_deciles.html",
        "glossary.html",
        "index.html",
        "summary.html",
    ]
    for left, right in zip(*tables, strict=True):
        assert left.name == right.name
        assert left.read_bytes() == right.read_bytes(), left.name


def _wait_for(holds, process: subprocess.Popen, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_cluster_out_of_reach_is_said_at_once_and_the_last_report_stays(report, tmp_path):
    out = tmp_path / "out"
    first = report(written(tmp_path), out, "--only", "deciles")
    assert first.wait(300) == 0, first.stderr.read()
    before = publish.hash_files(out / "shop" / MONTH)
    gone = {"master": f"spark://{HOST}:{free_port()}"}
    start = time.monotonic()
    process = report(written(tmp_path, engine="spark", spark=gone), out)
    said = process.communicate(timeout=60)[1]
    assert time.monotonic() - start < 30
    assert process.returncode == 1
    assert f"the cluster at {gone['master']} cannot be reached" in said
    assert publish.hash_files(out / "shop" / MONTH) == before


def test_a_table_of_the_cluster_is_read_where_it_lies(cluster, tmp_path):
    storage = tmp_path / "storage"
    conf = cluster.spark["conf"] | {"spark.sql.warehouse.dir": str(tmp_path / "warehouse")}
    spark = cluster.spark | {"conf": conf, "storage": storage.as_uri()}
    options = {"policies": {"cancelled_status": ["cancelled"]}}
    here = orders.read("demo:shop", **options)
    running = orders.read("demo:shop", **options, engine="spark", spark=spark)
    raw = running.lines.sparkSession.read.parquet(str(samples.locate("shop")))
    raw.write.saveAsTable("orders")
    raw.createOrReplaceTempView("seen")
    for source in ("table:orders", "table:seen"):
        there = orders.read(source, **options, engine="spark", spark=spark)
        pd.testing.assert_frame_equal(there.quality, here.quality)
        assert there.as_of("last") == here.as_of("last")
        kept = [frames.table(frames.lazy(b.lines)) for b in (there, here)]
        ordered = [k.sort_values(list(k), ignore_index=True) for k in kept]
        pd.testing.assert_frame_equal(*ordered, check_dtype=False)
    assert len(list(storage.glob("orders/*/rows/*.parquet"))) >= 2


def test_a_session_that_somebody_stopped_is_begun_anew(cluster):
    options = {"engine": "spark", "spark": cluster.spark}
    first = orders.read("demo:cdnow", **options)
    first.lines.sparkSession.stop()
    again = orders.read("demo:cdnow", **options)
    assert frames.count(again.lines) == frames.count(orders.read("demo:cdnow").lines)


CONNECTED = """
from ltvkit import customers, orders, rfm
book = orders.read("demo:cdnow", engine="spark", spark={"remote": "local[2]"})
buyers = customers.summarize(book.lines, as_of="1998-06-30")
print(rfm.summarize(rfm.segment(rfm.score(buyers))).to_csv(index=False))
"""


def test_spark_connect_gives_the_same_table():
    done = subprocess.run(
        [sys.executable, "-c", CONNECTED], capture_output=True, text=True, cwd=ROOT,
        env=os.environ | {"SPARK_LOCAL_IP": HOST}, timeout=300,
    )  # fmt: skip
    book = orders.read("demo:cdnow")
    buyers = customers.summarize(book.lines, as_of="1998-06-30")
    expected = rfm.summarize(rfm.segment(rfm.score(buyers))).to_csv(index=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == expected.strip()
