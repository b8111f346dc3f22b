"""Events and enquiries on a cluster: prepared on this machine, and read by the workers."""

from __future__ import annotations

import pytest

from ltvkit.ingest import records

EVENTS = """visitor_id,event_time,event,channel
v1,2024-01-05 10:00:01,view_item,mail
v1,2024-01-05 10:00:01,view_item,mail
v2,2024-01-06,spin,
v3,soon,view_item,
"""
ENQUIRIES = """enquiry_id,customer_id,enquiry_time,text,solved,satisfaction
E1,007,2024-01-05 10:00,Late,yes,5
E1,007,2024-01-05 12:00,Any news?,no,
,,2024-01-06,茶が届かない,?,4
"""


@pytest.mark.parametrize(("table", "text"), [("events", EVENTS), ("enquiries", ENQUIRIES)])
def test_workers_read_the_rows_that_other_engines_give(
    table, text, cluster, session, tmp_path, monkeypatch
):
    monkeypatch.setenv("LTVKIT_ROOT", str(tmp_path))
    (tmp_path / "a.csv").write_text(text, "utf-8")
    given = {"source": "a.csv", "policies": {"max_quarantined": 1}}
    on_spark = records.read(given, table=table, engine="spark", spark=cluster.spark).rows
    expected = records.read(given, table=table, engine="pandas").rows
    assert on_spark.columns == list(expected)
    found = on_spark.toArrow().to_pandas()
    key = next(iter(expected))
    for column in expected:
        rows = [frame.sort_values(key)[column].astype("object") for frame in (found, expected)]
        one, other = (r.where(r.notna(), None).tolist() for r in rows)
        assert one == other, column
