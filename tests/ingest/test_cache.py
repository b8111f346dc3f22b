"""Prepared orders heal, whatever became of their files, and are dropped when nobody needs them."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from stub_damage import DAMAGES
from stub_project import environment

from ltvkit import orders
from ltvkit.core import cache_entries, cache_folder, checksums, locks
from ltvkit.errors import ReportError
from ltvkit.ingest import pipeline
from ltvkit.ingest.readers import samples

pytestmark = pytest.mark.usefixtures("one_thread")

LINES = "customer_id,order_id,order_date,amount\n" + "".join(
    f"C{n % 9},O{n},2024-0{1 + n % 6}-11,{n}.25\n" for n in range(200)
)


@pytest.fixture
def source(tmp_path, monkeypatch):
    """An export, and a cache of its own in reports/."""
    monkeypatch.setenv("LTVKIT_ROOT", str(tmp_path))
    monkeypatch.setenv("LTVKIT_REPORTS", str(tmp_path / "reports"))
    (tmp_path / "orders.csv").write_text(LINES)
    return tmp_path / "orders.csv"


def cache(source: Path) -> Path:
    return source.parent / "reports" / ".cache"


def figures(source: Path | str) -> tuple:
    """What the cached rows say, and the cached days."""
    book = orders.read(source)
    sums = book.lines.aggregate("count(*), sum(amount), count(distinct customer_id)").fetchall()
    days = book.days.aggregate("count(*), sum(revenue)").fetchall()
    return sums, days, dict(book.facts), len(book.quarantine.fetchall())


def kept(source: Path) -> list[Path]:
    """All files of the prepared orders."""
    return sorted(p for p in (cache(source) / "orders").rglob("*") if p.is_file())


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda d: d.__name__)
def test_a_damaged_preparation_is_made_anew(damage, source, capsys):
    """Each of its files in turn: the same figures, a line that says so, and all is whole again."""
    good = figures(source)
    assert {p.name for p in kept(source)} == {
        "rows-0.parquet",
        "facts.json",
        "days.parquet",
        "sums.json",
    }
    assert capsys.readouterr().err == ""
    for path in kept(source):
        damage(path)
        assert figures(source) == good
        said = capsys.readouterr().err.splitlines()
        assert len(said) == 1
        assert said[0].startswith(f"reports/.cache/orders/{path.parent.name}: ")
        assert said[0].endswith("; removed, and made anew where it is needed.")
        folders = {p.parent for p in kept(source)}
        assert [checksums.find_fault(f) for f in folders if (f / "sums.json").exists()] == ["", ""]
    assert figures(source) == good
    assert capsys.readouterr().err == ""


def test_a_damaged_sample_is_made_anew(source, capsys):
    good = figures("demo:cdnow")
    path = samples.locate("cdnow")
    DAMAGES[0](path)
    assert figures("demo:cdnow") == good
    assert capsys.readouterr().err.startswith("reports/.cache/samples/cdnow: cdnow.parquet is dam")


def test_a_sample_that_cannot_be_written_is_told_with_the_reason(source, monkeypatch):
    def fill_the_disk():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(samples, "read_cdnow", fill_the_disk)
    with pytest.raises(ReportError, match="samples/cdnow cannot be written: No space left"):
        samples.locate("cdnow")


@pytest.mark.parametrize("name", ["orders", "samples", "reading", "spill", "notes"])
@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_is_in_place_of_a_folder_of_the_cache_is_removed(name, kind, source, tmp_path):
    """A link is not followed: nothing is read, written or removed where it leads."""
    good = figures(source)
    outside = tmp_path / "outside"
    shutil.copytree(cache(source) / "orders", outside)  # as good as the cache itself
    shutil.rmtree(cache(source) / name, ignore_errors=True)
    if kind == "link":
        (cache(source) / name).symlink_to(outside)
    else:
        (cache(source) / name).write_text("here")
    before = {p: p.stat().st_mtime_ns for p in outside.rglob("*")}
    assert figures(source) == good
    assert figures("demo:cdnow")
    cache_folder.locate(name)
    assert not (cache(source) / name).is_symlink()
    assert not (cache(source) / name).is_file()
    assert {p: p.stat().st_mtime_ns for p in outside.rglob("*")} == before


def test_a_link_in_place_of_a_preparation_is_removed(source, tmp_path, capsys):
    good = figures(source)
    for folder in {p.parent for p in kept(source)}:
        shutil.move(folder, tmp_path / "outside" / folder.name)
        folder.symlink_to(tmp_path / "outside" / folder.name)
        before = {p: p.stat().st_mtime_ns for p in (tmp_path / "outside").rglob("*")}
        assert figures(source) == good
        assert not folder.is_symlink()
        assert {p: p.stat().st_mtime_ns for p in (tmp_path / "outside").rglob("*")} == before
        assert "removed, and made anew" in capsys.readouterr().err


@pytest.mark.parametrize("target", ["outside", "nowhere", "itself"])
def test_a_cache_that_leads_out_of_reports_is_refused(target, source, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / ".cache").symlink_to(tmp_path / target)
    if target == "itself":
        (tmp_path / "itself").symlink_to(tmp_path / "reports" / ".cache")
    with pytest.raises(ReportError, match=r"leads out of .*reports, by a link: remove the link"):
        orders.read(source)
    assert list((tmp_path / "outside").iterdir()) == []


def test_two_that_prepare_the_same_at_once_both_end_well(source, monkeypatch, capsys):
    """The second begins and ends while the first still reads."""
    real, books = pipeline.validate_source, []

    def read(*args, **options):
        monkeypatch.setattr(pipeline, "validate_source", real)
        books.append(orders.read(source))
        return real(*args, **options)

    monkeypatch.setattr(pipeline, "validate_source", read)
    books.append(orders.read(source))
    first, second = (book.lines.aggregate("sum(amount)").fetchall() for book in books)
    assert first == second
    assert capsys.readouterr().err == ""
    assert not list((cache(source) / "orders").glob(".*"))


# What is removed, and when

WORK = """
import sys, gzip, time
from ltvkit import orders
from ltvkit.core import cache_entries, cache_folder
from ltvkit.ingest import readers
raw = readers.open_source("orders.csv.gz")
book = orders.read("orders.csv")
days = book.days
home = cache_folder.locate("orders")
with cache_entries.making(home / "0123456789abcdef"):
    print("ready", flush=True)
    time.sleep(60)
"""


def test_nothing_that_a_living_process_uses_is_removed(source, monkeypatch):
    """Unpacked files, spilled rows, what is being prepared and what was opened: all are old."""
    import gzip

    root = source.parent
    (root / "orders.csv.gz").write_bytes(gzip.compress(LINES.encode()))
    command = [sys.executable, "-c", WORK]
    process = subprocess.Popen(command, cwd=root, env=environment(root), stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    homes = [cache(source) / name for name in ("reading", "spill", "orders")]
    used = {p for home in homes for p in home.iterdir()}
    assert len(used) == 5
    monkeypatch.setattr(cache_folder, "MOST_BYTES", 0)

    def sweep() -> set[Path]:
        for path in used:
            if path.exists():
                os.utime(path, times=(1e9, 1e9))
        for home in homes:
            cache_folder.sweep(home, ".*.part" if home.name == "orders" else "*")
        cache_folder.drop_old(homes[-1])
        return {p for home in homes for p in home.iterdir()}

    assert sweep() == used
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert sweep() == set()


def test_preparations_are_dropped_by_age_and_by_size(tmp_path, monkeypatch):
    """Those of a day stay, even if they are too large; files of others are no concern."""
    now, day = time.time(), cache_folder.DAY
    ages = {"a" * 16: 31, "b" * 16: 29, f"{'b' * 16}-days": 20, "c" * 16: 2, "d" * 16: 0.5}
    for name, age in ages.items():
        with cache_entries.making(tmp_path / name) as part:
            (part / "rows.parquet").write_bytes(b"x" * 100_000)
        os.utime(tmp_path / name, (now - age * day, now - age * day))
    (tmp_path / "mine").mkdir()
    os.utime(tmp_path / "mine", (1e9, 1e9))
    held = locks.hold(tmp_path / ("b" * 16))
    cache_folder.drop_old(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {*ages, "mine"} - {"a" * 16}
    monkeypatch.setattr(cache_folder, "MOST_BYTES", 350_000)  # of about 400,000
    cache_folder.drop_old(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"b" * 16, "c" * 16, "d" * 16, "mine"}
    monkeypatch.setattr(cache_folder, "MOST_BYTES", 0)
    held.release()
    cache_folder.drop_old(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"d" * 16, "mine"}


def test_opening_marks_a_preparation_as_used(source):
    book = orders.read(source)
    os.utime(book.folder, (1e9, 1e9))
    orders.read(source)
    assert time.time() - book.folder.stat().st_mtime < 600
