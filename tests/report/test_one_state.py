"""A report is of one state of all that it is made of, or it is not published.

Exports are corrected, caches damaged and hypotheses edited while the notebooks run, really.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import stub_register
from stub_damage import flip, rewrite
from stub_project import (
    KPIS,
    ORDERS,
    PARAMETERS,
    files,
    make,
    report,
    write_notebook,
    write_params,
)

from ltvkit.config import params
from ltvkit.config.notebooks import find_notebooks
from ltvkit.core import checksums, code_digest, paths
from ltvkit.errors import ReportError
from ltvkit.report import plan
from ltvkit.report.publishing import publish
from ltvkit.report.publishing.publish import Place

# Corrects the export (same size and times) once, then reads the orders as every notebook does.
CORRECT = """
import os, pathlib
export, again = pathlib.Path(source), pathlib.Path("again")
if out and again.exists():
    again.unlink()
    seen = export.stat()
    export.write_text(export.read_text().replace("10.50", "90.50"))
    os.utime(export, ns=(seen.st_atime_ns, seen.st_mtime_ns))
"""
READ = """
from ltvkit import orders
total = orders.read(source, columns=columns, policies=policies).lines.aggregate("sum(amount)")
tables[page + "_total"] = "total\\n%s\\n" % total.fetchall()[0][0]
"""


def target(root: Path) -> Path:
    return root / "reports" / "stub" / "1998-06"


def save(root: Path, page: str, *cells: str, **options) -> None:
    """A notebook whose cells may add to the `tables` that it saves."""
    first = f"page, tables, findings = {page!r}, {options.pop('tables', {})!r}, []"
    path = write_notebook(root, page, first, *cells, **options)
    content = json.loads(path.read_text("utf-8"))
    last = content["cells"][-1]
    kept = "".join(last["source"]).splitlines(keepends=True)[1:]
    last["source"] = kept  # without the line that sets the tables anew
    path.write_text(json.dumps(content), "utf-8")


def totals(root: Path) -> set[str]:
    return {p.read_text("utf-8-sig").split()[1] for p in target(root).glob("tables/*_total.csv")}


def test_an_export_that_is_corrected_while_notebooks_run(tmp_path):
    """All pages are of the state that was read first; the next run sees the correction."""
    root = make(tmp_path)
    (root / "again").touch()
    save(root, "00_overview", CORRECT, READ, tables={"kpis_month": KPIS})
    save(root, "01_rfm", READ)
    wanted = sum(float(line.split(",")[-1]) for line in ORDERS.splitlines()[1:])
    done = report(root, "params/stub.yaml", "--month", "1998-06", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert not (root / "again").exists()
    assert (root / "orders.csv").read_text() != ORDERS
    assert totals(root) == {f"{wanted}"}
    done = report(root)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("finished in") == 2
    assert totals(root) == {f"{wanted + 80}"}
    assert "Nothing changed" in report(root).stdout
    assert list((root / "reports" / ".cache" / "notes").iterdir()) == []


# What is damaged by the second notebook, once, after it or the runner has read it.
AMID = """
import os, pathlib
again = pathlib.Path("again")
if out and again.exists():
    pattern = again.read_text()
    again.unlink()
    [path] = pathlib.Path(os.environ["LTVKIT_REPORTS"], ".cache").glob(pattern)
    seen, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(bytes(content))
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
"""


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The files of the report of a project in which nothing is damaged."""
    root = make(tmp_path_factory.mktemp("good"))
    write_notebook(root, "01_rfm", AMID)
    assert report(root).returncode == 0
    return files(target(root))


@pytest.mark.parametrize(
    "pattern",
    [
        "orders/*/rows-0.parquet",
        "notes/*/*.pin",
        "runs/stub/1998-06/00_overview-*/tables/kpis_month.csv",
    ],
)
def test_a_cache_that_is_damaged_while_notebooks_run(pattern, good, tmp_path):
    """Nothing is published, the reason is one sentence, and the next run is as if nothing was."""
    root = make(tmp_path)
    write_notebook(root, "01_rfm", AMID)
    (root / "again").write_text(pattern)
    done = report(root, "params/stub.yaml", "--month", "1998-06", "--jobs", "1")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr + done.stdout
    assert "damaged, while the report was built; run it again." in done.stderr + done.stdout
    assert not target(root).exists()
    done = report(root)
    assert done.returncode == 0, done.stderr
    found = files(target(root))
    assert {n: t for n, t in found.items() if n != "manifest.json"} == {
        n: t for n, t in good.items() if n != "manifest.json"
    }


def test_damaged_runs_are_run_again(tmp_path):
    """Each file of the finished notebooks, between two runs: the same report, and a line each."""
    root = make(tmp_path)
    assert report(root).returncode == 0
    good = files(target(root))
    runs = root / "reports" / ".cache" / "runs" / "stub" / "1998-06"
    [first], [second] = runs.glob("00_overview-*"), runs.glob("01_rfm-*")
    assert {p.name for p in first.rglob("*") if p.is_file()} == {
        *("notebook.ipynb", "result.json", "sums.json", "kpis_month.csv")
    }
    flip(first / "tables" / "kpis_month.csv")
    (second / "notebook.ipynb").write_bytes(b"")
    (runs / "foreign").write_text("of nobody")
    (runs / "02_abc-mine").mkdir()
    shutil.rmtree(target(root))
    done = report(root)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("removed, and made anew where it is needed") == 2
    assert done.stderr.count("finished in") == 2
    again = files(target(root))
    manifests = [json.loads(found.pop("manifest.json")) for found in (good, again)]
    assert again == good
    assert manifests[0]["files"] == manifests[1]["files"]
    assert (runs / "02_abc-mine").is_dir()
    assert not (target(root) / "foreign").exists()


# What a finished notebook depends on beside the orders


def edit_notebook(root: Path) -> None:
    write_notebook(root, "02_hypotheses", "other = 1", parameters=HYPOTHESES)


def edit_hypothesis(root: Path) -> None:
    path = root / "params" / "hypotheses" / "stub" / "mail.yaml"
    path.write_text(path.read_text("utf-8").replace("0.03", "0.04"), "utf-8")


def edit_outcomes(root: Path) -> None:
    rewrite(root / "visits.csv", "customer_id,date,value\nC1,2024-03-04,2\n")


def edit_code(root: Path) -> None:
    (root / "kit" / "rfm.py").write_text("2")


HYPOTHESES = PARAMETERS + '\nregister: str = ""  # the folder of the hypotheses'
EDITS: dict[str, Callable[[Path], object]] = {
    "The notebook": edit_notebook,
    "The hypotheses": edit_hypothesis,
    "The hypotheses ": edit_outcomes,
    "The code of ltvkit": edit_code,
}


@pytest.mark.parametrize("what", EDITS)
def test_an_input_that_changes_under_a_notebook_is_named(what, tmp_path, monkeypatch):
    root = make(tmp_path)
    monkeypatch.setenv("LTVKIT_ROOT", str(root))
    monkeypatch.setenv("LTVKIT_REPORTS", str(root / "reports"))
    (root / "kit").mkdir()
    (root / "kit" / "rfm.py").write_text("1")
    (root / "visits.csv").write_text("customer_id,date,value\nC1,2024-03-04,1\n")
    write_notebook(root, "02_hypotheses", parameters=HYPOTHESES)
    stub_register.write(root / "params" / "hypotheses" / "stub", outcomes="visits.csv")
    monkeypatch.setattr(paths, "package", lambda: root / "kit")
    code_digest.hash_code.cache_clear()
    try:
        books = find_notebooks()
        given = params.load(root / "params" / "stub.yaml", [b.path for b in books])
        jobs = plan.list_jobs(books, given, month="1998-06", orders_key="k")
        assert [job.find_change() for job in jobs] == [""] * 3
        EDITS[what](root)
        changed = f"{what.strip()} changed while the report was built; run it again."
        assert jobs[-1].find_change() == changed
        others = changed if what == "The code of ltvkit" else ""
        assert [job.find_change() for job in jobs[:-1]] == [others] * 2
    finally:
        code_digest.hash_code.cache_clear()


EDIT = """
import pathlib
again = pathlib.Path("again")
if out and again.exists():
    again.unlink()
    mail = pathlib.Path("params/hypotheses/stub/mail.yaml")
    mail.write_text(mail.read_text().replace("0.03", "0.04"))
"""


def test_a_hypothesis_that_is_edited_under_a_notebook_fails_it(tmp_path):
    """The results are not kept: taken back, the edit must not bring them up."""
    root = make(tmp_path)
    (root / "again").touch()
    (root / "notebooks" / "01_rfm.ipynb").unlink()
    write_notebook(root, "02_hypotheses", EDIT, parameters=HYPOTHESES)
    mail = stub_register.write(root / "params" / "hypotheses" / "stub")
    done = report(root)
    assert done.returncode == 1
    said = "02_hypotheses: The hypotheses changed while the report was built; run it again."
    assert said in done.stderr
    assert not target(root).exists()
    mail.write_text(mail.read_text("utf-8").replace("0.04", "0.03"), "utf-8")
    done = report(root)
    assert done.returncode == 0, done.stderr
    assert "02_hypotheses: finished" in done.stderr


# Links


def test_a_shop_that_leads_out_of_reports_is_neither_read_nor_written(tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_REPORTS", str(tmp_path / "reports"))
    outside = tmp_path / "outside"
    (outside / ".failed" / "last").mkdir(parents=True)
    (outside / "1998-06").mkdir()
    manifest = {"inputs_key": "k", "files": {}, "notebooks": []}
    (outside / "1998-06" / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "stub").symlink_to(outside)
    before = files(outside)
    for act in (
        lambda: publish.confirm_unchanged(Place("stub", "1998-06"), "k"),
        lambda: publish.forget_failure(Place("stub", "last")),
    ):
        with pytest.raises(ReportError, match="leads out of"):
            act()
    assert files(outside) == before
    assert (outside / ".failed" / "last").is_dir()


def test_a_linked_run_is_not_used(tmp_path, capsys):
    root = make(tmp_path)
    assert report(root).returncode == 0
    runs = root / "reports" / ".cache" / "runs" / "stub" / "1998-06"
    [first] = runs.glob("00_overview-*")
    shutil.move(first, root / "outside")
    first.symlink_to(root / "outside")
    before = files(root / "outside")
    assert checksums.find_fault(root / "outside") == ""
    write_params(root, top=5)  # the same, written down
    shutil.rmtree(target(root))
    done = report(root)
    assert done.returncode == 0, done.stderr
    assert "it is a link; removed" in done.stderr
    assert files(root / "outside") == before
    assert not first.is_symlink()
