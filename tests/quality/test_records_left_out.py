"""The lists of events and enquiries that were left out: each with its reason and its place."""

from __future__ import annotations

import csv

import pytest

from ltvkit import quality
from ltvkit.core import people, pseudonyms
from ltvkit.ingest import records
from ltvkit.quality.records import describe
from ltvkit.report import results
from ltvkit.report.pages import front_page

EVENTS = (
    "visitor_id,event_time,event,note\n"
    "v1,2024-01-01 10:00,view_item,a\n"
    "taro@example.org,soon by Hanako,=HYPERLINK(1),b\n"
    "v2,2024-01-02 10:00,,c\n"
)
ENQUIRIES = (
    "enquiry_id,customer_id,enquiry_time,message,assignee\n"
    "E1,c1,2024-01-01 10:00,It broke,Suzuki\n"
    "E1,山田,2024-01-02 10:00,I am Yamada of Kyoto,鈴木花子\n"
)


@pytest.fixture
def read(tmp_path, monkeypatch):
    def _read(table: str, text: str) -> records.Records:
        (tmp_path / f"{table}.csv").write_text(text, encoding="utf-8")
        options = {"source": f"{table}.csv", "policies": {"max_quarantined": 1}}
        return records.read(options, table=table)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LTVKIT_ROOT", str(tmp_path))
    return _read


def save(folder, found) -> tuple[list[dict[str, str]], str]:
    [(name, frame)] = quality.list_left_out(found).items()
    path = results.save_list(frame, folder / "lists" / f"{name}.csv")
    text = path.read_text("utf-8-sig")
    return list(csv.DictReader(text.splitlines())), text


def test_each_row_left_out_has_its_line_and_reason_and_no_person(read, tmp_path):
    rows, text = save(tmp_path, read("events", EVENTS))
    assert [(row["line"], row["reason"]) for row in rows] == [
        ("3", "event_time is unreadable"),
        ("4", "event is missing"),
    ]
    assert list(rows[0]) == [
        *("line", "reason", "visitor_id (raw)", "event_time (raw)", "event (raw)", "text")
    ]
    assert rows[0]["visitor_id (raw)"] == people.shorten("taro@example.org")
    assert rows[0]["event (raw)"] == "'=HYPERLINK(1)"  # no formula for a spreadsheet
    assert "Hanako" not in text
    assert "note" not in text  # nobody has said what it holds


def test_nothing_that_customers_wrote_is_listed(read, tmp_path):
    rows, text = save(tmp_path, read("enquiries", ENQUIRIES))
    assert len(rows) == 1
    assert rows[0]["line"] == "3"
    assert rows[0]["customer_id (raw)"] == people.shorten("山田")
    for word in ("Yamada", "Kyoto", "鈴木", "山田"):
        assert word not in text


def test_with_pseudonyms_only_the_place_and_the_reason(read, tmp_path, monkeypatch):
    monkeypatch.setenv(pseudonyms.VARIABLE, "k" * 32)
    rows, _text = save(tmp_path, read("events", EVENTS))
    assert [list(row) for row in rows] == [["line", "reason"]] * 2


def test_where_nothing_was_left_out_there_is_no_list(read):
    whole = read("events", "visitor_id,event_time,event\nv1,2024-01-01 10:00,view_item\n")
    assert quality.list_left_out(whole) == {}


def test_the_sentence_of_what_was_used_names_the_list_where_there_is_one(read):
    found = read("events", EVENTS)
    assert "events_left_out" not in describe(found)
    [said] = front_page.show_records({"events": found}, ["events_left_out"])
    assert "Events: 1 of 3 lines used" in said["text"]
    assert "The list events_left_out has those that were left out" in said["text"]
    assert "events_left_out.csv" in results.ABOUT_LISTS
