"""Finished runs: which are kept, and which a newer one replaces."""

from __future__ import annotations

from pathlib import Path

from ltvkit.config.notebooks import Notebook
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
