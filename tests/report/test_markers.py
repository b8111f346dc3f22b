"""Markers of runs: a living run is left alone, what a killed one left is put right."""

from __future__ import annotations

import datetime as dt
import json
import os
import uuid

import pytest

from ltvkit.core import files
from ltvkit.report import recovery
from ltvkit.report.pages import all_reports
from ltvkit.report.publishing import markers, publish
from ltvkit.report.publishing.publish import Place

NOW = dt.datetime(2026, 11, 29, 16, 20, 45, tzinfo=dt.UTC)
JUNE, PREVIEW = Place("tea", "2024-06"), Place("tea", "2024-06", preview=True)


@pytest.fixture
def home(tmp_path, monkeypatch):
    folder = tmp_path / "reports"
    folder.mkdir()
    monkeypatch.setenv("LTVKIT_REPORTS", str(folder))
    return folder


def leave(home, *places: Place, since: str = "2026-11-29T16:20:45+00:00") -> None:
    """The marker of a run that was killed."""
    owed = {"since": since, "reports": [vars(place) for place in places]}
    files.write_json(home / ".running" / f"{uuid.uuid4().hex}.json", owed)


def put_report(place: Place, *, started: str) -> None:
    manifest = {"started": started, "title": "Tea", "as_of": "2024-06-30"}
    files.write_json(place.target / "manifest.json", manifest)


def test_a_living_run_is_shown_and_left_alone(home):
    with markers.marked(NOW) as marker:
        marker.add(JUNE, Place("new", "last"))
        recovery.recover()
        text = all_reports.refresh().read_text("utf-8")
        assert text.count("being built since 2026-11-29 16:20 UTC") == 2
        assert not JUNE.failed.exists()
        marker.remove(JUNE)
        assert [place for place, _since in markers.list_running()] == [Place("new", "last")]
    assert list((home / ".running").iterdir()) == []


def test_what_a_killed_run_owed_is_recorded_in_its_place(home):
    leave(home, JUNE, Place("coffee", "last"))
    leave(home, PREVIEW)
    recovery.recover()
    for place in (JUNE, PREVIEW, Place("coffee", "last")):
        assert "2026-11-29 16:20 UTC was killed" in (place.failed / "failure.json").read_text()
    assert (home / "index.html").read_text("utf-8").count("FAILED") == 3
    assert list((home / ".running").iterdir()) == []


def test_what_was_published_before_the_run_was_killed_is_no_failure(home):
    put_report(JUNE, started="2026-11-29T16:20:45+00:00")
    leave(home, JUNE)
    recovery.recover()
    assert not JUNE.failed.exists()


def test_a_report_that_another_run_builds_is_left_to_it(home):
    """It may become good. If it does not, what vanished is told then, but never over its reason."""
    july, may = Place("tea", "2024-07"), Place("tea", "2024-05")
    leave(home, JUNE, july, may)
    with JUNE.locked(), july.locked(), may.locked():
        recovery.recover()
        assert not any(place.failed.exists() for place in (JUNE, july, may))
        put_report(JUNE, started="2026-11-29T16:30:00+00:00")
        publish.record_failure(may, "no room on the disk")
        content = files.read_json(may.failed / "failure.json")
        files.write_json(may.failed / "failure.json", content | {"when": "2026-11-29T16:30:00"})
    recovery.recover()
    assert not JUNE.failed.exists()
    assert "was killed" in (july.failed / "failure.json").read_text()
    assert "no room on the disk" in (may.failed / "failure.json").read_text()
    assert list((home / ".running").iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        "", "[]", "{", '{"reports": 1}', '{"since": 1, "reports": [{}]}', '{"reports": [null]}',
        '{"since": "x", "reports": [{"shop": "../../etc", "month": "2024-06"}]}',
        '{"since": "x", "reports": [{"shop": "tea", "month": "../../2024-06"}]}',
        '{"since": "x", "reports": [{"shop": 7, "month": null}]}',
    ],
)  # fmt: skip
def test_a_marker_that_is_not_whole_goes(content, home):
    (home / ".running").mkdir()
    (home / ".running" / "x.json").write_text(content)
    recovery.recover()
    assert list((home / ".running").iterdir()) == []
    assert [p.name for p in home.parent.iterdir()] == [home.name]
    assert not list(home.glob("*/.failed/*"))


def test_halves_of_files_go_too(home):
    """Killed while it wrote: the index, a failure, a manifest, a marker."""
    name = uuid.uuid4().hex
    half = f"-{uuid.uuid4().hex}.part"
    (home / "tea" / ".failed" / f".2024-06{half}").mkdir(parents=True)
    for path in (
        home / f".index.html{half}",
        home / "tea" / ".work" / f".2024-06.manifest{half}",
        home / "tea" / ".preview" / ".work" / f".2024-06.manifest{half}",
        home / ".running" / f".{name}.json{half}",
        home / ".running" / f"{name}.lock",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    os.utime(home / ".running" / f"{name}.lock", (0, 0))
    leave(home, Place("coffee", "2024-06"))
    recovery.recover()
    assert not list(home.rglob("*.part"))
    assert list((home / ".running").iterdir()) == []


def test_a_report_that_cannot_be_restored_hides_no_other(home):
    """A folder stands where its lock would be."""
    broken = Place("coffee", "2024-06")
    broken.work("lock").mkdir(parents=True)
    broken.work("new").mkdir()
    leave(home, JUNE)
    recovery.recover()
    assert "was killed" in (JUNE.failed / "failure.json").read_text()
    assert "FAILED" in (home / "index.html").read_text("utf-8")


def test_a_link_does_not_lead_a_marker_out_of_reports(home, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (home / ".running").symlink_to(elsewhere)
    with markers.marked(NOW) as marker:
        marker.add(JUNE)
        assert list(elsewhere.iterdir()) == []
    (elsewhere / "x.json").write_text(json.dumps({"since": "x", "reports": [vars(JUNE)]}))
    recovery.recover()
    assert not JUNE.failed.exists()
    assert [p.name for p in elsewhere.iterdir()] == ["x.json"]


def test_a_folder_that_is_no_month_is_no_report(home):
    put_report(Place("tea", "backup of june"), started="x")
    put_report(JUNE, started="x")
    (home / "tea" / "2024-05").mkdir()
    (home / "tea" / "2024-05" / publish.MANIFEST).write_text('{"title": 1}')
    broken = {"title": "Tea", "as_of": "2024-0\x17-30"}
    files.write_json(home / "tea" / "2024-04" / publish.MANIFEST, broken)
    [(shop, title, months)] = all_reports.list_shops()
    assert (shop, title, [each.month for each in months]) == ("tea", "Tea", ["2024-06"])
    assert (months[0].revenue, months[0].line) == ("", ""), "a manifest without months"


def test_a_month_without_orders_has_its_place_in_the_line():
    months = {"2023-12": [1, 10.0], "2024-01": [2, 20.0], "2024-06": [1, 30.0]}
    report = {"as_of": "2024-06-30", "months": months, "parameters": {"currency": "EUR"}}
    shown = all_reports.Month("2024-06", report, None, "")
    assert shown.revenue == "30.00 EUR"
    assert "from 0.00 EUR (February 2024) to 30.00 EUR (June 2024)" in shown.line
    before = all_reports.Month("2024-06", report | {"as_of": "2024-06-10"}, None, "").line
    assert "December 2023 to May 2024" in before
