"""Events and enquiries through the same checked reading as orders."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pytest

from ltvkit import funnel, support
from ltvkit.errors import ColumnError, DataError, NotRecorded, ParamsError, TooLittleData
from ltvkit.ingest import records
from ltvkit.ingest.readers import samples
from ltvkit.ingest.records import rows as rows_module
from ltvkit.quality import records as told

pytestmark = pytest.mark.usefixtures("one_thread", "project")

EVENTS = """visitor_id,customer_id,event_time,event,channel
v1,,2024-01-05 10:00:00,view_item,search
v1,c1,2024-01-05 10:05:00,Add_To Cart,search
v2,,2024-01-06 00:00:00,spin_wheel,mail
,c2,2024-02-01 09:00:00,purchase,
"""
ENQUIRIES = """enquiry_id,customer_id,enquiry_time,text,intent
E1,007,2024-01-05 10:00,It broke,damage
E1,007,2024-01-05 11:00,It broke,damage
E1,007,2024-01-05 12:00,Any news?,damage
,008,2024-01-06 10:00,Where is it,delivery
E3,,2024-01-07 10:00,,gift wrap
E4,009,2024-01-08 10:00,,
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_ROOT", str(tmp_path))
    monkeypatch.setenv("LTVKIT_REPORTS", str(tmp_path / "reports"))
    (tmp_path / "events.csv").write_text(EVENTS)
    (tmp_path / "enquiries.csv").write_text(ENQUIRIES)
    return tmp_path


def read(source: str, table: str, **options) -> records.Records:
    policies = {"max_quarantined": 1} | options.pop("policies", {})
    given = {"source": source, "policies": policies} | options
    return records.read(given, table=table, engine="pandas")


def test_events_have_the_columns_of_the_contract():
    rows = funnel.read_events({"source": "events.csv"}, engine="pandas").rows
    first = ["visitor_id", "customer_id", "event_time", "event_date", "event", "stage"]
    assert [*rows] == [*first, "channel"]
    assert rows["event_time"].tolist()[1] == pd.Timestamp("2024-01-05 10:05")
    assert rows["event_date"].tolist()[1] == pd.Timestamp("2024-01-05")
    assert rows["stage"].fillna("none").tolist() == ["interest", "comparison", "none", "purchase"]


def test_enquiries_have_the_columns_of_the_contract():
    given = {"source": "enquiries.csv", "policies": {"max_quarantined": 1}}
    rows = support.read_enquiries(given, engine="pandas").rows
    first = ["enquiry_id", "customer_id", "enquiry_time", "enquiry_date", "text"]
    assert [*rows] == [*first, "intent"]
    assert rows["enquiry_id"].tolist() == ["E1", "line 5", "E3"]


def test_every_row_read_is_kept_or_quarantined_with_its_reason():
    found = read("enquiries.csv", "enquiries")
    quarantine = found.quarantine.df()
    assert dict(zip(quarantine["line"], quarantine["reason"], strict=True)) == {
        3: "repeated: an earlier row is the same",
        4: "later message of an enquiry",
        7: "neither text nor intent",
    }
    lines = found.quality.groupby("status")["lines"].sum()
    assert lines["read"] == lines["kept"] + lines["quarantined"] == 6
    assert quarantine["text (raw)"].tolist()[1] == "Any news?"


@pytest.mark.parametrize(("engine", "kind"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)])
def test_rows_come_as_frames_of_the_engine(engine, kind):
    found = records.read({"source": "events.csv"}, table="events", engine=engine).rows
    asked = records.read({"source": "events.csv"}, table="events").rows
    assert isinstance(found, kind)
    assert pl.DataFrame(found).shape == asked.shape


def test_unknown_events_are_kept_counted_and_shown():
    found = read("events.csv", "events")
    assert found.facts["without_stage"] == 1
    few = records.list_events(found)["event"].tolist()
    assert "spin_wheel" not in few
    own = read("events.csv", "events", stages={"spin-wheel": "play", "view item": ""})
    listed = records.list_events(own).set_index("event")["stage"]
    assert listed["spin_wheel"] == "play"
    assert pd.isna(listed["view_item"])


def test_names_of_events_of_few_people_are_not_shown(project):
    """As a name such as view_user_C0123 tells a person; those that the params name are shown."""
    lines = [f"v{n},2024-01-0{n} 10:00,spin\n" for n in range(1, 6)]
    lines += [f"v1,2024-01-0{n} 11:00,view_user_C{n}\n" for n in range(1, 9)]
    (project / "many.csv").write_text("".join(["visitor_id,event_time,event\n", *lines]))
    options = {"source": "many.csv", "stages": {"view_user_C1": ""}}
    found = records.read(options, table="events")
    listed = records.list_events(found).set_index("event")["events"]
    assert listed.to_dict() == {"(other names)": 7, "spin": 5, "view_user_C1": 1}
    counted = records.list_events(found).set_index("event")["names"]
    assert counted.to_dict() == {"(other names)": 7, "spin": 1, "view_user_C1": 1}
    assert "view_user_C2" not in str(found.facts)
    assert "view_user_C2" in set(records.list_events(found, rare=True)["event"])


def test_nothing_recorded_says_what_to_record_and_where():
    for read_one, key in ((funnel.read_events, "events"), (support.read_enquiries, "enquiries")):
        with pytest.raises(NotRecorded, match=rf"under {key} in the params file"):
            read_one({})
    assert issubclass(NotRecorded, TooLittleData)


def test_too_many_broken_rows_are_refused(project):
    (project / "bad.csv").write_text(EVENTS.replace("2024-01-06 00:00:00", "sometime"))
    with pytest.raises(
        DataError, match=r"25\.0% .* \(event_time is unreadable: 1, first in line 4\)"
    ):
        records.read({"source": "bad.csv"}, table="events")


def test_a_missing_column_is_named_with_the_headers_found(project):
    (project / "bad.csv").write_text(EVENTS.replace("event_time", "moment"))
    with pytest.raises(ColumnError, match=r"events: no column is mapped to event_time.* moment"):
        read("bad.csv", "events")
    found = read("bad.csv", "events", columns={"event_time": "moment"})
    assert found.facts["columns"]["event_time"] == "moment"


def test_wrong_options_are_all_named_at_once():
    given = {"source": 1, "columns": {"event_tim": "a"}, "policy": {}, "format": "ga5"}
    with pytest.raises(ParamsError) as found:
        records.check(given, table="events")
    said = str(found.value).splitlines()
    assert len(said) == 4
    assert all(line.startswith("events: ") for line in said)
    assert "Did you mean 'event_time'?" in str(found.value)


def test_an_entry_is_used_again_until_the_content_or_an_option_changes(project):
    keys = [read("events.csv", "events").key for _ in range(2)]
    keys.append(read("events.csv", "events", stages={"view_item": "attention"}).key)
    (project / "events.csv").write_text(EVENTS + "v3,,2024-02-02,view_item,mail\n")
    keys.append(read("events.csv", "events").key)
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_samples_of_records_open_by_name(project, monkeypatch):
    path = project / "sample.parquet"
    pd.read_csv(project / "events.csv", dtype=str).to_parquet(path)
    monkeypatch.setattr(samples, "locate", lambda name: path)
    assert len(records.read({"source": "demo:events"}, table="events", engine="pandas").rows) == 4


def test_several_files_are_one_table_whatever_their_columns(project):
    (project / "2024-01.csv").write_text(EVENTS)
    later = (
        "event,event_time,visitor_id,campaign\npurchase,2024-02-03 10:00,v1,spring\nspin,soon,v1,\n"
    )
    (project / "2024-02.csv").write_text(later)
    found = read("2024-*.csv", "events")
    assert len(found.rows) == 5
    assert found.rows["campaign"].dropna().tolist() == ["spring"]
    quarantine = found.quarantine.df()
    assert quarantine[["file", "line"]].to_numpy().tolist() == [["2024-02.csv", 3]]
    with pytest.raises(DataError, match=r"first in 2024-02\.csv, line 3"):
        records.read({"source": "2024-*.csv"}, table="events")


def test_many_small_files_are_read_as_one_after_the_other(project):
    for n in range(1, 10):
        text = f"enquiry_id,enquiry_time,text\n,2024-01-0{n} 10:00,<b>Late</b>\n"
        (project / f"q{n}.csv").write_text(text)
    rows = read("q*.csv", "enquiries").rows
    assert rows["enquiry_id"].tolist() == [f"q{n}.csv line 2" for n in range(1, 10)]
    assert set(rows["text"]) == {"Late"}


def test_texts_of_many_batches_stay_with_their_rows(project, monkeypatch):
    monkeypatch.setattr(rows_module, "BATCH", 7)
    lines = [f"E{n},2024-01-05 10:00,<i>text {n}</i>" for n in range(50)]
    (project / "many.csv").write_text("\n".join(["enquiry_id,enquiry_time,text", *lines, ""]))
    rows = read("many.csv", "enquiries").rows
    assert sorted(zip(rows["enquiry_id"], rows["text"], strict=True)) == sorted(
        (f"E{n}", f"text {n}") for n in range(50)
    )


def test_a_folder_that_holds_a_month_twice_counts_it_once(project):
    (project / "a.csv").write_text(EVENTS)
    (project / "b.csv").write_text(EVENTS)
    found = read("[ab].csv", "events")
    assert len(found.rows) == 4
    assert (found.quality["reason"] == "repeated: an earlier row is the same").sum() == 1


def test_a_shop_without_events_of_a_stage_has_the_column_all_the_same(project):
    (project / "odd.csv").write_text("visitor_id,event_time,event\nv1,2024-01-05,spin\n")
    rows = read("odd.csv", "events").rows
    assert rows["stage"].isna().all()
    assert rows["customer_id"].isna().all()


def test_only_what_is_mapped_is_kept_and_texts_are_masked_in_the_cache(project):
    """Nothing that a customer wrote of herself is on the disk, kept or left out."""
    written = "enquiry_id,enquiry_time,text,reply to\n"
    written += "E1,2024-01-05,call 090-1234-5678,hanako@example.org\n"
    written += "E2,soon,mail hanako@example.org,hanako@example.org\n"
    written += 'E3,2024-01-05,"mail hanako@example.org\n'
    (project / "a.csv").write_text(written)
    found = read("a.csv", "enquiries")
    assert len(found.quarantine.df()) == 2
    stored = [pd.read_parquet(path) for path in found.folder.glob("*.parquet")]
    assert stored
    for table in stored:
        said = table.to_csv()
        assert "hanako" not in said
        assert "1234" not in said


def test_a_status_that_is_not_understood_is_told_with_what_to_do(project):
    (project / "s.csv").write_text("enquiry_id,enquiry_time,text,status\n1,2024-01-05,a,様子見\n")
    said = told.describe(read("s.csv", "enquiries"))
    assert "1 value of solved was not understood" in said
    assert "These are 様子見: 1." in said
    assert "enquiries: {policies: {solved: {word: true}}}" in said
    policies = {"solved": {"様子見": "opn"}}
    with pytest.raises(ParamsError, match="'opn' is not one of true, false, open"):
        read("s.csv", "enquiries", policies=policies)


def test_rows_that_are_left_out_can_be_found(project):
    lines = told.locate(read("enquiries.csv", "enquiries")).splitlines()
    assert "later message of an enquiry: line 4" in lines
    (project / "bad.csv").write_text(EVENTS + "v9,,soon,a,b\n" * 12)
    assert told.locate(read("bad.csv", "events")).endswith("line 14, line 15, ...")
