"""`inspect` on events and enquiries: they are no orders, and it says which block reads them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from stub_project import enter, run

from ltvkit.errors import LtvkitError
from ltvkit.ingest import readers, records, systems
from ltvkit.ingest.records.columns import recognise_table

INPUTS = Path(__file__).parents[1] / "inputs"
GA4 = """event_date,event_timestamp,event_name,user_pseudo_id,user_id
20240105,1704466800000000,page_view,a,
20240105,1704466800000001,spin_wheel,a,7
"""
OWN = """受付番号,受付日時,お問い合わせ内容,区分,対応時間(秒)
1,13/04/2024 10:00,届きません,配送,90
2,05/04/2024 10:00,壊れた,破損,90
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    return enter(tmp_path, monkeypatch)


def block(said: str) -> dict:
    put, table = "Put this into the params file of the shop, in place of the line", r"`\w+: {}`"
    return yaml.safe_load(re.split(f"{put} {table} if there is one:", said)[1])


def inspect(root: Path, text: str, encoding: str = "utf-8") -> str:
    (root / "a.csv").write_bytes(text.encode(encoding))
    done = run(root, "inspect", "a.csv")
    assert done.returncode == 0, done.stderr
    assert not (root / "params" / "a.yaml").exists()
    return done.stdout


def test_events_are_told_with_the_block_that_reads_them(root):
    said = inspect(root, GA4)
    assert said.startswith("These are no orders, but events")
    assert "Events: 2 of 2 lines used" in said
    assert "spin_wheel" in said
    assert "Times are in UTC" in said
    given = block(said)["events"]
    assert given["format"] == "ga4"
    assert given["stages"] == {"spin_wheel": ""}
    assert "in place of the line `events: {}`" in " ".join(said.split())
    for stage in ("attention", "interest", "comparison", "purchase", "introducing", "advocating"):
        assert f"{stage} (" in " ".join(said.replace("# ", "").split())
    assert "attention (Visit)" in said
    assert len(records.read(given, table="events", engine="pandas").rows) == 2


def test_enquiries_are_told_with_the_form_of_their_times(root):
    said = inspect(root, OWN, "cp932")
    assert said.startswith("These are no orders, but enquiries")
    given = block(said)["enquiries"]
    assert given["policies"] == {"date_format": "%d/%m/%Y %H:%M"}
    rows = records.read(given, table="enquiries", engine="pandas").rows
    assert rows["handling_minutes"].tolist() == [1.5, 1.5]


def test_an_order_of_day_and_month_that_nobody_said_is_a_question(root):
    said = inspect(root, OWN.replace("13/04", "03/04"), "cp932")
    assert "Cannot be read yet:" in said
    assert 'can be read as "%d/%m/%Y %H:%M" or "%m/%d/%Y %H:%M": choose one' in " ".join(
        said.split()
    )
    assert "policies" not in block(said)["enquiries"]


def test_two_headers_for_one_column_are_a_question(root):
    said = inspect(root, "timestamp,datetime,event,visitor_id\n2024-01-05,2024-01-06,a,v\n")
    assert "'timestamp', 'datetime' fit event_time equally well" in " ".join(said.split())
    assert block(said)["events"]["columns"] == {"visitor_id": "visitor_id", "event": "event"}


def test_no_export_of_orders_is_taken_for_another(root):
    """Not those of the tests, nor those of the shop systems that are known."""
    files = [p for p in sorted(INPUTS.rglob("*.*")) if "records" not in p.parts]
    taken, opened = [], 0
    for path in files:
        try:
            found = list(readers.open_source(str(path)).columns)
        except LtvkitError:
            continue
        opened += 1
        taken += [path.name] if recognise_table(found) else []
    assert (taken, opened > 100) == ([], True)
    for system in systems.SYSTEMS:
        found = [*system.known_by, *(h for several in system.columns.values() for h in several)]
        assert recognise_table(found) == "", system.name
