"""Orders are of one state of their files: content decides, and what changes meanwhile is found."""

from __future__ import annotations

import gzip
import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from stub_damage import rewrite

from ltvkit import orders
from ltvkit.errors import ColumnError, DataError
from ltvkit.ingest import pipeline
from ltvkit.ingest.readers import databases, state

pytestmark = pytest.mark.usefixtures("one_thread")

HEAD = "customer_id,order_id,order_date,amount\n"
RATES = {"rates": "rates.csv"}
JOIN = {"join": "heads.csv", "join_on": "order_id"}


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_ROOT", str(tmp_path))
    monkeypatch.setenv("LTVKIT_REPORTS", str(tmp_path / "reports"))
    return tmp_path


def total(source: str, policies: dict | None = None) -> float:
    book = orders.read(source, policies=policies)
    return book.lines.aggregate("sum(amount)").fetchall()[0][0]


def write(path: Path, amount: int) -> None:
    """One order of this amount, of one digit; over a file of the same size with its times."""
    before = path.stat() if path.exists() else None
    text = f"{HEAD}C1,O1,2024-01-05,{amount}\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode(), 0, mtime=0))
    elif path.suffix == ".parquet":
        rows = duckdb.sql(f"select 'C1' customer_id, '2024-01-05' order_date, {amount} amount")
        rows.write_parquet(str(path))
    elif path.suffix == ".db":
        with closing(sqlite3.connect(path)) as base:
            base.execute("create table if not exists t (customer_id, order_id, order_date, amount)")
            base.execute("delete from t")
            base.execute(f"insert into t values ('C1', 'O1', '2024-01-05', {amount})")
            base.commit()
    elif path.suffix == ".duckdb":
        path.unlink(missing_ok=True)
        with duckdb.connect(str(path)) as base:
            base.execute(
                "create table t as select 'C1' customer_id, 'O1' order_id, "
                f"'2024-01-05' order_date, {amount} amount"
            )
    else:
        path.write_text(text)
    if before:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("orders.csv", "orders.csv"),
        ("orders.csv.gz", "orders.csv.gz"),
        ("orders.parquet", "orders.parquet"),
        ("exports/b.csv", "exports"),
        ("exports/b.csv", "exports/*.csv"),
        ("shop.db", "sqlite:///shop.db"),
        ("shop.duckdb", "duckdb:///shop.duckdb"),
    ],
)
def test_a_corrected_file_with_its_times_is_another_file(name, source, project):
    path = project / name
    path.parent.mkdir(exist_ok=True)
    write(path, 3)
    if path.parent != project:
        (path.parent / "a.csv").write_text(f"{HEAD}C2,O2,2024-01-05,0\n")
    assert total(source) == 3
    size = path.stat().st_size
    write(path, 8)
    assert path.stat().st_size == size
    assert total(source) == 8
    write(path, 3)
    assert total(source) == 3


def test_corrected_rates_and_joined_orders_are_others_too(project):
    (project / "rates.csv").write_text("date,currency,rate\n2024-01-01,USD,3\n")
    (project / "usd.csv").write_text(
        "customer_id,order_id,order_date,amount,currency\nC1,O1,2024-01-05,2,USD\n"
    )
    assert total("usd.csv", RATES) == 6
    rewrite(project / "rates.csv", "date,currency,rate\n2024-01-01,USD,4\n")
    assert total("usd.csv", RATES) == 8
    (project / "heads.csv").write_text("order_id,customer_id,order_date\nO1,C1,2024-01-05\n")
    (project / "items.csv").write_text("order_id,amount\nO1,2\n")
    assert orders.read("items.csv", policies=JOIN).facts["first"] == "2024-01-05"
    rewrite(project / "heads.csv", "order_id,customer_id,order_date\nO1,C1,2024-01-06\n")
    assert orders.read("items.csv", policies=JOIN).facts["first"] == "2024-01-06"


# While it is read


def amid(monkeypatch, *edits: Callable[[], object]) -> None:
    """Do one of `edits` in a thread of its own each time when a source has been read by half."""
    real, left = pipeline.summarize_rows, list(edits)

    def summarize(*args, **options):
        if left:
            editing = threading.Thread(target=left.pop(0))
            editing.start()
            editing.join()
        return real(*args, **options)

    monkeypatch.setattr(pipeline, "summarize_rows", summarize)


def replace(path: Path, amount: int) -> None:
    """As programs save: a new file, renamed to the old one's name, with its times."""
    seen = path.stat()
    write(path.with_suffix(".new"), amount)
    os.replace(path.with_suffix(".new"), path)
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


EDITS = {
    "in place": lambda home: write(home / "a.csv", 8),
    "by another file": lambda home: replace(home / "a.csv", 8),
    "a file comes": lambda home: write(home / "b.csv", 5),
    "a file goes": lambda home: (home / "c.csv").unlink(),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_change_amid_reading_starts_it_over(edit, project, monkeypatch, capsys):
    home = project / "exports"
    home.mkdir()
    write(home / "a.csv", 3)
    (home / "c.csv").write_text(f"{HEAD}C2,O2,2024-01-05,4\n")
    wanted = {"a file comes": 12, "a file goes": 3}.get(edit, 12)
    amid(monkeypatch, lambda: EDITS[edit](home))
    assert total("exports") == wanted
    changed = {"a file comes": "b", "a file goes": "c"}.get(edit, "a")
    said = f"{changed}.csv changed while it was read: reading it again.\n"
    assert capsys.readouterr().err == said
    assert total("exports") == wanted
    assert len(list((project / "reports" / ".cache" / "orders").iterdir())) == 1


def test_rates_that_change_amid_reading_start_it_over(project, monkeypatch, capsys):
    (project / "rates.csv").write_text("date,currency,rate\n2024-01-01,USD,3\n")
    (project / "usd.csv").write_text(
        "customer_id,order_id,order_date,amount,currency\nC1,O1,2024-01-05,2,USD\n"
    )
    new = "date,currency,rate\n2024-01-01,USD,4\n"
    amid(monkeypatch, lambda: rewrite(project / "rates.csv", new))
    assert total("usd.csv", RATES) == 8
    assert capsys.readouterr().err.startswith("rates.csv changed while it was read")


@pytest.mark.parametrize("name", ["shop.db", "shop.duckdb"])
def test_a_database_that_changes_amid_reading_starts_it_over(name, project, monkeypatch, capsys):
    path, real = project / name, databases.export_table
    write(path, 3)

    def export(*args, **options):
        facts = real(*args, **options)
        monkeypatch.setattr(databases, "export_table", real)
        write(path, 8)
        return facts

    monkeypatch.setattr(databases, "export_table", export)
    kind = "duckdb" if name.endswith("duckdb") else "sqlite"
    assert total(f"{kind}:///{name}") == 8
    assert capsys.readouterr().err.startswith(f"{name} changed while it was read")


def test_a_file_that_keeps_changing_is_refused(project, monkeypatch, capsys):
    path = project / "orders.csv"
    write(path, 3)
    amid(monkeypatch, lambda: write(path, 4), lambda: write(path, 5))
    with pytest.raises(DataError, match=r"orders\.csv changed twice while it was read: wait until"):
        total("orders.csv")
    assert total("orders.csv") == 5
    assert capsys.readouterr().err.count("reading it again") == 1


def test_an_error_that_half_a_file_gives_rise_to_is_not_shown(project, monkeypatch):
    """The header is gone for a moment; one that stays away is named as ever."""
    path = project / "orders.csv"
    path.write_text("a,b\n1,2\n")
    real = pipeline.validate_source

    def validate(*args, **options):
        try:
            return real(*args, **options)
        finally:
            write(path, 3)
            monkeypatch.setattr(pipeline, "validate_source", real)

    monkeypatch.setattr(pipeline, "validate_source", validate)
    assert total("orders.csv") == 3
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ColumnError, match="customer_id"):
        total("orders.csv")


def test_a_file_written_again_alike_counts_as_changed(project):
    """Half of another may have been read meanwhile."""
    path = project / "orders.csv"
    write(path, 3)
    seen = state.look(lambda: [path])
    assert seen.find_change() == ""
    write(path, 8)
    write(path, 3)
    assert seen.find_change() == "orders.csv"
