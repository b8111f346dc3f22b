"""Finished runs: which are kept, and which a newer one replaces."""

from __future__ import annotations

from pathlib import Path

from ltvkit.config.notebooks import Notebook
from ltvkit.core import paths
from ltvkit.report import plan
from ltvkit.report.plan import Job
from ltvkit.report.runner import workers


def test_older_runs_of_the_same_notebook_alone_are_removed(tmp_path):
    pages = ["01_rfm", "01_rfm-extended", "01_rf", "1_rfm", "01_rfm[2]", "01_rfm?"]
    for page in pages:
        for key in ("0123456789abcdef", "fedcba9876543210"):
            (tmp_path / f"{page}-{key}").mkdir()
    for page in pages:
        before = {p.name for p in tmp_path.iterdir()}
        book = Notebook(Path(), page, "", "", (), "")
        workers.remove_older(Job(book, {}, tmp_path / f"{page}-0123456789abcdef"))
        after = {p.name for p in tmp_path.iterdir()}
        assert before - after == {f"{page}-fedcba9876543210"}


def test_long_notebooks_begin_beside_the_report_before():
    books = [Notebook(Path(), n, "", "", {}, "", long=n in "bd") for n in "abcd"]
    jobs = {shop: [Job(book, {}, Path()) for book in books] for shop in ("one", "two", "three")}
    begun = [f"{shop} {job.notebook.page}" for shop, job in plan.order(jobs)]
    assert begun == [
        *("one b", "one d"),
        *("two b", "two d", "one a", "one c"),
        *("three b", "three d", "two a", "two c"),
        *("three a", "three c"),
    ]


def test_code_around_the_results_does_not_change_the_key_of_a_run(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "package", lambda: tmp_path)
    for name in ("rfm.py", "report/results.py", "report/pages/a.py", "cli/main.py", "ltv/cli.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")

    def key() -> str:
        plan.hash_code.cache_clear()
        return plan.hash_code(without=plan.AROUND)

    before = key()
    for name in ("report/pages/a.py", "cli/main.py", "report/publishing/b.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("2")
        assert key() == before
    for name in ("rfm.py", "report/results.py", "ltv/cli.py", "rules.yaml"):
        (tmp_path / name).write_text("2")
        assert key() != before
        before = key()
    plan.hash_code.cache_clear()
