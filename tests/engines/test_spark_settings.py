"""Which cluster, and what is said where it cannot be used; `tests/spark` runs on a real one."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import types

import pytest

from ltvkit import orders
from ltvkit.config import params
from ltvkit.core import paths
from ltvkit.engines.spark import session
from ltvkit.engines.spark.settings import Settings
from ltvkit.errors import ClusterError, ParamsError
from ltvkit.ingest.policies import Policies
from ltvkit.ingest.spark import sources as cluster_sources

MASTER = {"master": "spark://10.0.0.1:7077,10.0.0.2:7078"}


@pytest.mark.parametrize(
    ("spark", "said"),
    [
        ({}, "give master"),
        ({"master": "yarn", "remote": "sc://host"}, "one of them"),
        ({"mastre": "yarn"}, "Did you mean 'master'"),
        ({"master": 7077}, "in quotes"),
        ({"master": "mesos://host:5050"}, "must be local"),
        ({"master": "localhost:7077"}, "must be local"),
        ({"master": "local[two]"}, "must be local"),
        ({"master": "spark://host:port"}, "must be local"),
        ({"master": "spark://host:99999"}, "must be local"),
        ({"master": "spark://"}, "must be local"),
        ({"master": "k8s://ftp://host"}, "must be local"),
        ({"remote": "spark://host:7077"}, "as in sc://"),
        ({"remote": "sc://"}, "as in sc://"),
        ({"master": "yarn", "conf": ["a"]}, "must be a mapping"),
    ],
)
def test_a_cluster_that_cannot_be_meant_is_refused(spark, said):
    with pytest.raises(ParamsError, match=said):
        Settings.of(spark)


@pytest.mark.parametrize(
    ("spark", "servers", "is_here"),
    [
        (MASTER, [("10.0.0.1", 7077), ("10.0.0.2", 7078)], False),
        ({"master": "local[*]"}, [], True),
        ({"master": "yarn"}, [], False),
        ({"master": "k8s://https://host:6443"}, [("host", 6443)], False),
        ({"remote": "sc://host"}, [("host", 15002)], False),
        ({"master": "spark://localhost:7077"}, [("localhost", 7077)], True),
    ],
)
def test_where_a_cluster_is(spark, servers, is_here):
    found = Settings.of(spark)
    assert found.servers == servers
    assert found.is_here == is_here


@pytest.mark.parametrize(
    ("source", "there"),
    [
        ("table:sales.orders", True),
        ("s3a://shop/orders/", True),
        ("hdfs:///shop/orders.csv", True),  # and is refused there, in words
        ("exports/2024.parquet", True),
        ("https://shop.example/orders.parquet", False),
        ("postgresql://host/shop", False),
        ("exports/2024.csv", False),
    ],
)
def test_what_lies_on_the_cluster(source, there):
    assert cluster_sources.is_on_cluster(source) is there


def test_other_files_on_the_storage_are_refused():
    with pytest.raises(ParamsError, match="Save it as Parquet"):
        cluster_sources.open_source(None, "s3a://shop/orders.CSV", Policies(remote=True))


def test_options_of_the_shop_come_last_and_words_are_as_spark_writes_them():
    conf = {"spark.app.name": "mine", "spark.speculation": True, "spark.task.cpus": 2}
    options = Settings.of({"master": "yarn", "conf": conf}).options
    assert options["spark.app.name"] == "mine"
    assert options["spark.speculation"] == "true"
    assert options["spark.task.cpus"] == "2"
    assert options["spark.sql.session.timeZone"] == "UTC"


def test_storage_is_the_clusters_or_the_projects(own_reports):
    there = Settings.of({"master": "yarn", "storage": "hdfs:///ltvkit/"})
    assert there.folder("orders", "abc") == "hdfs:///ltvkit/orders/abc"
    assert Settings.of({"master": "yarn"}).folder("orders").startswith("file:///")


def test_without_pyspark_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(ClusterError, match="make spark"):
        orders.read("demo:cdnow", engine="spark", spark={"master": "local[2]"})


def test_without_java_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark", types.ModuleType("pyspark"))
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(ClusterError, match="openjdk"):
        session.start(Settings.of({"master": "local[2]"}))


def test_a_cluster_that_does_not_answer_is_said_at_once(monkeypatch):
    monkeypatch.setattr(session, "_check_installed", lambda _settings: None)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    start = time.monotonic()
    with pytest.raises(ClusterError, match=rf"127.0.0.1:{port}: .*refused"):
        session.start(Settings.of({"master": f"spark://127.0.0.1:{port}"}))
    assert time.monotonic() - start < session.ANSWER + 1


def test_where_java_does_not_begin_its_own_words_are_said(own_reports):
    old, new = "Error: of an older run\n", "Invalid maximum heap size: -Xmxlots\nError: no Java\n"
    paths.cache().mkdir(parents=True, exist_ok=True)
    session.log().write_text(old + new, "utf-8")
    error = RuntimeError("[JAVA_GATEWAY_EXITED] Java gateway process exited.")
    said = str(session._start_error(Settings.of(MASTER), {"error": error, "logged": len(old)}))
    assert "Invalid maximum heap size" in said
    assert "older" not in said


def _params(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(f"shop: mine\nsource: demo:cdnow\n{text}\n", "utf-8")
    return path


@pytest.fixture
def notebook(tmp_path):
    """One with the parameters that tell which engine."""
    declared = [
        'shop: str = ""  # name',
        'source: str = ""  # file',
        'engine: str = "duckdb"  # engine',
        "spark: dict = {}  # cluster",
    ]
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}}
    path = tmp_path / "00_a.ipynb"
    book = {"cells": [cell | {"source": "\n".join(declared)}], "metadata": {}}
    path.write_text(json.dumps(book), "utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("engine: sprak", "Did you mean 'spark'"),
        ("engine: spark", "give master"),
        ("engine: spark\nspark: {master: yarn, conf: {fs.s3a.secret.key: abcdefgh}}", "secret"),
    ],
)
def test_params_are_checked_before_anything_starts(tmp_path, notebook, text, said):
    with pytest.raises(ParamsError, match=said):
        params.load(_params(tmp_path, text), [notebook])


def test_the_command_decides_before_the_params_file(tmp_path, notebook):
    found = params.load(_params(tmp_path, "engine: duckdb"), [notebook], engine="polars")
    assert found.values["engine"] == "polars"


def test_after_waiting_for_a_silent_cluster_errors_are_seen_again(monkeypatch):
    monkeypatch.setattr(session, "_check_installed", lambda _settings: None)
    monkeypatch.setattr(session, "_check_answers", lambda _settings: None)
    monkeypatch.setattr(session, "_begin", lambda _settings, _found: time.sleep(2))
    monkeypatch.setattr(session, "START", 0.1)
    before = os.fstat(2).st_ino
    with pytest.raises(ClusterError, match="no session could be started") as refused:
        session.start(Settings.of({"master": "spark://127.0.0.1:7077"}))
    assert os.fstat(2).st_ino == before
    assert "See" in str(refused.value)
    assert str(paths.reports().parent) not in str(refused.value)


@pytest.mark.parametrize("source", ["table:parquet.`s3a://bucket/orders`", "table:", "table:a b"])
def test_an_address_is_no_table(source):
    with pytest.raises(ParamsError, match="must name a table"):
        cluster_sources._table_name(source)


def test_workers_read_the_kit_with_its_tables_from_an_archive(tmp_path):
    """Without PySpark: what a worker imports to validate orders works from the zip it is sent."""
    packed = session.pack_code(tmp_path / "ltvkit.zip")
    code = (
        f"import sys; sys.path.insert(0, {str(packed)!r})\n"
        "from ltvkit.ingest import pipeline, policies, validation\n"
        "from ltvkit.quality import gate\n"
        "assert policies.__file__.startswith(sys.path[0]), policies.__file__\n"
        "print(len(policies.POLICY_COMMENTS) > 20)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (0, "True\n"), ran.stderr
