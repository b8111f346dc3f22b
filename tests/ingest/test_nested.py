"""Events of Google Analytics 4 as BigQuery exports them: records within records."""

from __future__ import annotations

import gzip
import json

import duckdb
import pytest

from ltvkit import orders
from ltvkit.errors import ColumnError, DataError
from ltvkit.ingest import records
from ltvkit.ingest.readers import nested

PURCHASE = {
    "event_date": "20240105",
    "event_timestamp": "1704438000000000",  # BigQuery writes whole numbers as texts
    "event_name": "purchase",
    "event_params": [
        {"key": "ga_session_id", "value": {"int_value": "77"}},
        {"key": "transaction_id", "value": {"string_value": "00018"}},
        {"key": "friend", "value": {"string_value": "C7"}},
        {"key": "value", "value": {"double_value": 1.5}},
    ],
    "user_pseudo_id": "1.5",
    "user_id": "C9",
    "traffic_source": {"name": "spring", "medium": "cpc", "source": "search"},
    "items": [{"item_id": "P1"}],
}
VIEW = {
    "event_date": "20240105",
    "event_timestamp": "1704438000000001",
    "event_name": "page_view",
    "event_params": [],
    "user_pseudo_id": "2.5",
}
VALUE = "STRUCT(string_value VARCHAR, int_value BIGINT, float_value DOUBLE, double_value DOUBLE)"
TYPES = {
    "event_date": "VARCHAR", "event_timestamp": "BIGINT", "event_name": "VARCHAR",
    "event_params": f'STRUCT("key" VARCHAR, "value" {VALUE})[]',
    "user_pseudo_id": "VARCHAR", "user_id": "VARCHAR",
    "traffic_source": 'STRUCT("name" VARCHAR, medium VARCHAR, source VARCHAR)',
    "items": "STRUCT(item_id VARCHAR)[]",
}  # fmt: skip


@pytest.fixture(params=["parquet", "ndjson", "json", "json.gz"])
def source(request, tmp_path, monkeypatch) -> str:
    monkeypatch.setenv("LTVKIT_ROOT", str(tmp_path))
    lines = "\n".join(map(json.dumps, (PURCHASE, VIEW)))
    path = tmp_path / f"events.{request.param}"
    if request.param == "json.gz":
        path.write_bytes(gzip.compress(lines.encode()))
    elif request.param == "parquet":
        (tmp_path / "lines").write_text(lines)
        typed = f"read_json('{tmp_path / 'lines'}', columns={TYPES})"
        duckdb.sql(f"copy (from {typed}) to '{path}' (format parquet)")
    else:
        path.write_text(lines)
    return path.name


def read(source: str, **options) -> records.Records:
    return records.read({"source": source} | options, table="events", engine="pandas")


def test_an_export_of_bigquery_is_read_as_it_is(source):
    found = read(source)
    assert found.facts["format"] == "Google Analytics 4"
    rows = found.rows.set_index("event")
    assert rows.index.tolist() == ["purchase", "page_view"]
    assert rows["visitor_id"].tolist() == ["1.5", "2.5"]
    assert rows.loc["purchase", "customer_id"] == "C9"
    assert rows.loc["purchase", "order_id"] == "00018"
    assert rows.loc["purchase", "channel"] == "search"
    assert rows.loc["purchase", "campaign"] == "spring"
    assert str(rows.loc["purchase", "event_time"]) == "2024-01-05 07:00:00"
    assert rows.loc["page_view", ["customer_id", "order_id", "channel"]].isna().all()


def test_any_parameter_can_be_mapped(source):
    columns = {"referred_by": "event_params.friend", "campaign": "event_params.ga_session_id"}
    rows = read(source, columns=columns).rows.set_index("event")
    assert rows.loc["purchase", "referred_by"] == "C7"
    assert rows.loc["purchase", "campaign"] == "77"
    assert rows.loc["page_view", ["referred_by", "campaign"]].isna().all()


def test_orders_can_be_in_json_too(tmp_path, monkeypatch):
    """With all values as written: ids keep their zeros, amounts their digits."""
    monkeypatch.setenv("LTVKIT_ROOT", str(tmp_path))
    rows = [["00017", "2024-01-05", 10], ["00018", "2024-01-06", 12.5]]
    lines = [dict(zip(("customer_id", "order_date", "amount"), row, strict=True)) for row in rows]
    (tmp_path / "orders.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (tmp_path / "list.json").write_text(json.dumps(lines))
    for name in ("orders.jsonl", "list.json"):
        book = orders.read(name, engine="pandas")
        assert book.lines["customer_id"].tolist() == ["00017", "00018"]
        assert book.lines["amount"].tolist() == [10.0, 12.5]


def test_a_broken_file_is_refused_and_a_json_file_in_a_folder_is_no_export(tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_ROOT", str(tmp_path))
    (tmp_path / "events.ndjson").write_text(json.dumps(VIEW) + '\n{"event_name": ')
    with pytest.raises(DataError, match=r"events.ndjson cannot be read as JSON"):
        read("events.ndjson")
    (tmp_path / "empty.ndjson").write_text("")
    with pytest.raises(DataError, match="empty.ndjson has no records"):
        read("empty.ndjson")
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "events.ndjson").write_text(json.dumps(VIEW))
    (folder / "manifest.json").write_text('{"files": 1}')
    assert len(read("exports").rows) == 1


def test_a_list_of_too_many_keys_stays_one_column(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LTVKIT_ROOT", str(tmp_path))
    monkeypatch.setattr(nested, "MOST_KEYS", 3)
    lines = "\n".join(map(json.dumps, (PURCHASE, VIEW)))
    (tmp_path / "events.ndjson").write_text(lines)
    with pytest.raises(ColumnError, match=r"event_params\.friend"):
        read("events.ndjson", columns={"referred_by": "event_params.friend"})
    found = read("events.ndjson", columns={"referred_by": "event_params"})
    assert "ga_session_id" in found.rows.set_index("event").loc["purchase", "referred_by"]
    assert "event_params has more than 3 keys" in capsys.readouterr().err
