"""Events and enquiries as inputs of a report: whose runs they change, and where pages say so."""

from __future__ import annotations

import json

import nbformat
import pytest
from stub_project import PARAMETERS, make, report, run, write_notebook, write_params

from ltvkit.config import notebooks
from ltvkit.errors import ReportError
from ltvkit.report.runner.missing_data import MissingData

EVENTS = "visitor_id,event_time,event\nv1,1998-06-01 10:00,view_item\nv2,1998-06-02 11:00,spin\n"
ENQUIRIES = "enquiry_id,enquiry_time,text\nE1,1998-06-01,It <b>broke</b>\nE1,1998-06-02,Any news?\n"
DECLARED = """events: dict = {}  # what visitors did
enquiries: dict = {}  # what customers wrote"""


def write_waiting(root, page: str, needs: str) -> None:
    path = write_notebook(root, page, parameters=f"{PARAMETERS}\n{DECLARED}")
    book = nbformat.read(path, 4)
    book.metadata["ltvkit"]["needs"] = needs
    nbformat.write(book, path)


@pytest.fixture
def root(tmp_path):
    """Two quick notebooks, one that declares both inputs, and one that cannot do without."""
    root = make(tmp_path)
    write_notebook(root, "10_funnel", parameters=f"{PARAMETERS}\n{DECLARED}")
    write_waiting(root, "11_support", "enquiries")
    (root / "events.csv").write_text(EVENTS)
    (root / "enquiries.csv").write_text(ENQUIRIES)
    return root


def manifest_of(root) -> dict:
    return json.loads((root / "reports" / "stub" / "1998-06" / "manifest.json").read_text("utf-8"))


def front_page_of(root) -> str:
    return (root / "reports" / "stub" / "1998-06" / "index.html").read_text("utf-8")


def test_a_page_whose_input_is_not_recorded_is_one_line_on_the_front_page(root):
    done = report(root)
    assert done.returncode == 0, done.stderr
    folder = root / "reports" / "stub" / "1998-06"
    assert not (folder / "11_support.html").exists()
    assert (folder / "10_funnel.html").exists()
    page = front_page_of(root)
    assert page.count("No enquiries are recorded yet.") == 1
    assert "No events are recorded yet." not in page  # its page stands without
    assert "Not in this report" not in page
    assert manifest_of(root)["left_out"] == []


def test_inputs_are_told_of_in_the_manifest_and_on_the_front_page(root):
    write_params(root, events="{source: events.csv}", enquiries="{source: enquiries.csv}")
    done = report(root)
    assert done.returncode == 0, done.stderr
    manifest = manifest_of(root)
    listed = {one["input"]: one for one in manifest["inputs"] if "input" in one}
    assert set(listed) == {"events", "enquiries"}
    assert len(listed["events"]["sha256"]) == 64
    spans = {name: (x["lines_read"], x["kept"], x["first"]) for name, x in listed.items()}
    assert spans == {"events": (2, 2, "1998-06-01"), "enquiries": (2, 1, "1998-06-01")}
    assert manifest["records"]["events"]["event_names"] == [
        ["view_item", "interest", 1],
        ["(other names)", None, 1],
    ]
    page = front_page_of(root)
    assert "Events: 2 of 2 lines used, 1 June 1998 to 2 June 1998." in page
    assert "The name of 1 event has no stage" in page
    assert "later message of an enquiry" in page
    assert "recorded yet" not in page
    assert (root / "reports" / "stub" / "1998-06" / "11_support.html").exists()


def test_a_changed_input_runs_only_the_notebooks_that_declare_it(root):
    write_params(root, events="{source: events.csv}")
    assert report(root).returncode == 0
    (root / "events.csv").write_text(EVENTS + "v3,1998-06-03 12:00,view_item\n")
    done = report(root)
    assert done.returncode == 0, done.stderr
    reused = {one["page"]: one["reused"] for one in manifest_of(root)["notebooks"]}
    assert reused == {"00_overview": True, "01_rfm": True, "10_funnel": False}
    assert report(root).stderr.count("reused") == 0  # nothing is to do


def test_a_missing_file_fails_before_the_first_kernel(root):
    write_params(root, events="{source: evnts.csv}")
    done = report(root)
    assert done.returncode != 0
    assert "events: source 'evnts.csv': there is no file at" in done.stderr
    assert "Did you mean 'events.csv'?" in done.stderr
    assert "notebooks to run" not in done.stderr


def test_a_broken_input_stops_the_report_and_says_why(root):
    (root / "events.csv").write_text(EVENTS.replace("1998-06-02 11:00", "soon"))
    write_params(root, events="{source: events.csv}")
    done = report(root)
    assert done.returncode != 0
    assert "events: 50.0% of the rows of events.csv cannot be used" in done.stderr


def test_check_tells_of_the_inputs_too(root):
    write_params(root, events="{source: events.csv}")
    done = run(root, "check", "params/stub.yaml")
    assert "Events: 2 of 2 lines used" in done.stdout
    assert "events without a stage" in done.stdout


def test_ids_are_folded_as_those_of_the_orders(root):
    fold = "{fold_ids: number, checks: {missing_order_ids: off}}"
    write_params(root, policies=fold, events="{source: events.csv}")
    assert report(root).returncode == 0
    assert manifest_of(root)["parameters"]["events"]["policies"] == {"fold_ids": "number"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{sorce: a.csv}", ["'sorce' is not known", "Did you mean 'source'?"]),
        ("{source: a.csv, columns: {event_tme: x}}", ["Did you mean 'event_time'?"]),
        ("{source: a.csv, format: g4}", ["'g4' is not one of 'ga4'"]),
        ("{source: a.csv, policies: {returns: net}}", ["'returns' is not a policy of events"]),
        ("{source: a.csv, policies: {fold_id: all}}", ["Did you mean 'fold_ids'?"]),
        ("{source: 's3://a/b.parquet'}", ["is on another machine"]),
        ("a.csv", ["events: found a.csv, expected a mapping"]),
    ],
)
def test_wrong_options_are_refused_before_anything_is_read(root, text, words):
    write_params(root, events=text)
    done = report(root)
    assert done.returncode == 2
    for word in words:
        assert word in done.stderr


def test_nested_texts_stay_texts(root):
    write_params(root, events="{source: events.csv, stages: {view_item: no, '1.50': yes}}")
    assert report(root).returncode == 0
    assert manifest_of(root)["parameters"]["events"]["stages"] == {"view_item": "no", "1.50": "yes"}


def test_a_notebook_can_only_need_what_it_declares(root):
    write_waiting(root, "12_more", "surveys")
    with pytest.raises(ReportError, match="needs 'surveys', and declares no such parameter"):
        notebooks.read_notebook(root / "notebooks" / "12_more.ipynb")


def test_a_step_without_its_input_says_what_to_record():
    missing = MissingData()
    said = "No events are recorded yet. Export who did what."
    assert missing.explain("seen = read_events(events)", "NotRecorded", said) == said
    assert not missing.ended
