"""What a run has opened stays pinned; what changes of it is found before anything is published."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from stub_damage import flip

from ltvkit.core import cache_entries, cache_folder, checksums, notices, run_state
from ltvkit.errors import ReportError


@pytest.fixture
def entry(tmp_path, monkeypatch):
    """A run that has opened a folder of the cache, and the folder."""
    monkeypatch.setenv("LTVKIT_REPORTS", str(tmp_path / "reports"))
    with run_state.named_run():
        folder = cache_folder.locate("orders") / ("a" * 16)
        with cache_entries.making(folder) as part:
            (part / "rows.parquet").write_text("x" * 100)
        cache_entries.open_whole(folder).release()
        yield folder
    assert list((tmp_path / "reports" / ".cache" / "notes").iterdir()) == []


@pytest.fixture
def in_notebook(entry, monkeypatch):
    """From here on, this process is a notebook of that run."""
    monkeypatch.setenv(notices.QUIET, "1")
    return entry


def test_the_first_pin_counts_for_all(entry, monkeypatch):
    assert run_state.pinned("x") is None
    assert run_state.pin("x", "1" * 16) == "1" * 16
    assert run_state.pin("x", "2" * 16) == run_state.pinned("x") == "1" * 16
    run = os.environ[run_state.RUN]
    monkeypatch.delenv(run_state.RUN)
    assert run_state.pinned("x") is None
    monkeypatch.setenv(run_state.RUN, run)


def test_another_run_has_pins_of_its_own(entry, monkeypatch):
    run_state.pin("orders", "a" * 16)
    monkeypatch.setenv(run_state.RUN, "another")
    assert run_state.pinned("orders") is None
    assert not run_state.find_change()


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_a_pin_that_is_being_written_is_not_seen(entry, monkeypatch, links):
    seen, real, before = [], os.link, run_state.read_notes()

    def link(draft, path):
        seen.append((run_state.pinned("x"), run_state.read_notes(), draft.read_text("utf-8")))
        if not links:
            raise OSError
        real(draft, path)

    monkeypatch.setattr(os, "link", link)
    assert run_state.pin("x", "1" * 16) == "1" * 16
    assert seen == [(None, before, "1" * 16)]
    assert run_state.read_notes() == {**before, "x.pin": "1" * 16}
    assert run_state.pin("x", "2" * 16) == "1" * 16
    assert run_state.find_change() == ""


def test_nothing_has_changed_where_only_rights_and_links_did(entry):
    os.link(entry / "rows.parquet", entry.parent / "another")
    (entry / "rows.parquet").chmod(0o600)
    assert run_state.find_change() == ""


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda folder: flip(folder / "rows.parquet"), "rows.parquet is damaged"),
        (lambda folder: flip(folder / "sums.json"), "damaged"),
        (lambda folder: (folder / "rows.parquet").unlink(), "rows.parquet is missing"),
        (lambda folder: shutil.rmtree(folder), "it is missing"),
        (lambda folder: (folder / "b").touch(), "b is not of this cache"),
        (lambda folder: os.utime(folder / "rows.parquet"), "it was replaced"),
    ],
)
def test_a_change_of_what_was_opened_is_found(change, fault, entry):
    assert run_state.find_change() == ""
    change(entry)
    found = run_state.find_change()
    assert fault in found
    assert found.endswith(", while the report was built; run it again.")


def test_a_note_that_is_damaged_is_found(entry):
    run_state.pin("x", "1" * 16)
    for note in (cache_folder.locate("notes") / os.environ[run_state.RUN]).iterdir():
        good = note.read_text()
        for text in ("", "2" * 16, "{}", good + " "):
            note.write_text(text)
            assert "damaged, while the report was built" in run_state.find_change()
        note.write_text(good)
    assert run_state.find_change() == ""


def test_a_note_of_a_notebook_that_is_damaged_is_found(entry):
    note = cache_folder.locate("notes") / os.environ[run_state.RUN] / "y.stamp"
    for text in ("", "[]", "[1, 2]", '["orders", {"a": 1}]', '["orders/gone", {}]', "\ud800"):
        note.write_bytes(text.encode("utf-8", "surrogatepass"))
        assert run_state.find_change().endswith(", while the report was built; run it again.")


def test_a_notebook_removes_nothing_and_says_what_is_damaged(in_notebook, capsys):
    """Another notebook may have read it: the runner decides."""
    flip(in_notebook / "rows.parquet")
    with pytest.raises(ReportError, match=r"rows\.parquet is damaged, while the report was built"):
        cache_entries.open_whole(in_notebook)
    assert in_notebook.is_dir()
    assert capsys.readouterr().err == ""


def test_the_content_is_read_once_for_files_that_look_the_same(in_notebook, monkeypatch):
    read: list[Path] = []
    monkeypatch.setattr(run_state.checksums, "find_fault", lambda folder: read.append(folder) or "")
    cache_entries.open_whole(in_notebook).release()
    assert read == []
    os.utime(in_notebook / "rows.parquet")
    cache_entries.open_whole(in_notebook).release()
    assert read == [in_notebook]
    assert "it was replaced" in run_state.find_change()  # the runner's stamp counts


def test_a_folder_is_held_until_it_has_its_name(entry, monkeypatch):
    """Another process sweeps just before the rename."""
    rename = os.replace

    def sweep_and_rename(part, path):
        cache_folder.sweep(entry.parent, ".*.part")
        rename(part, path)

    monkeypatch.setattr(os, "replace", sweep_and_rename)
    with cache_entries.making(entry.with_name("b" * 16)) as part:
        (part / "rows.parquet").write_text("x")
    assert checksums.find_fault(entry.with_name("b" * 16)) == ""


def test_a_run_that_cannot_begin_leaves_no_name(tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_REPORTS", str(tmp_path / "reports"))
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / ".cache").symlink_to(tmp_path)
    with pytest.raises(ReportError, match="leads out of"), run_state.named_run():
        pass
    assert run_state.RUN not in os.environ
