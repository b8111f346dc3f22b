"""Columns of any type beside the orders are read past; one that is mapped is read, or named."""

from __future__ import annotations

import duckdb
import pandas as pd
import pytest

from ltvkit import orders
from ltvkit.errors import LtvkitError
from ltvkit.inspection import drafts, proposals

pytestmark = pytest.mark.usefixtures("one_thread")

LINES = (
    "select 'C' || i as customer_id, 'O' || i as order_id, date '2024-01-01' + i::int as "
    "order_date, 10.0 * i as amount from range(1, 40) t(i)"
)
TYPES = {
    "clock": "time '10:00:00'",
    "clock_zone": "'10:00:00+02'::timetz",
    "span": "interval 3 days",
    "numbers": "[1, 2]",
    "prices": "[1.5, 2]::decimal(9,2)[]",
    "days": "[timestamp '2024-01-05']",
    "triple": "[1, 2, 3]::int[3]",
    "parts": "{'a': 1, 'b': [{'c': 'x'}]}",
    "tags": "map(['a'], [1])",
    "text_bytes": "encode('é')",
    "other_bytes": "'\\xE9\\x00'::blob",
    "exact": "1.23::decimal(38,10)",
    "long": "12345678901234567890123::hugeint",
    "id": "uuid()",
    "mood": "'a'::enum('a', 'b')",
    "bits": "'101'::bit",
    "yes": "true",
    "nothing": "null",
    "not_a_number": "'nan'::double",
    "endless": "'infinity'::date",
    "endless_time": "'-infinity'::timestamp",
    "late": "date '9999-12-31'",
    "before": "date '4000-01-01 (BC)'",
    "after": "date '294000-01-01'",
    "instant": "timestamptz '2024-01-05 00:00+00'",
    "nanoseconds": "timestamp_ns '2024-01-05 00:00:00.123456789'",
}
MAPPED = ("prices", "parts", "other_bytes", "endless")


def query(**replaced: str) -> str:
    beside = ", ".join(f'{sql} as "{name}"' for name, sql in TYPES.items())
    chosen = ", ".join(f"{TYPES[kind]} as {name}" for name, kind in replaced.items())
    return f"select *{f' replace ({chosen})' * bool(chosen)}, {beside} from ({LINES})"


def write(folder, form: str, sql: str) -> str:
    if form == "duckdb":
        with duckdb.connect(str(folder / "all.duckdb")) as file:
            file.execute(f"create table orders as {sql}")
        return f"duckdb:///{folder / 'all.duckdb'}"
    duckdb.execute(f"copy ({sql}) to '{folder / 'all.parquet'}' (format parquet)")
    return str(folder / "all.parquet")


@pytest.mark.parametrize("form", ["parquet", "duckdb"])
def test_columns_of_any_type_that_nobody_needs(tmp_path, form):
    source = write(tmp_path, form, query())
    assert orders.read(source).facts["lines_read"] == 39
    seen = proposals.inspect(source)
    assert "39 of 39 lines are used" in drafts.describe(seen)
    assert 'source: "' in drafts.write_params(seen, shop="all")


@pytest.mark.parametrize("kind", ["df", "pl", "to_arrow_table"])
def test_columns_of_any_type_of_a_frame(kind):
    cannot = {"df": ["endless", "clock_zone"], "pl": ["span"]}.get(
        kind, []
    )  # what such a frame does not hold
    sql = f"select * exclude ({', '.join(cannot)}) from ({query()})" if cannot else query()
    assert orders.read(getattr(duckdb.sql(sql), kind)()).facts["lines_read"] == 39


@pytest.mark.parametrize("kind", MAPPED)
@pytest.mark.parametrize("name", ["customer_id", "order_date", "amount"])
def test_a_mapped_column_of_a_type_that_does_not_fit(tmp_path, name, kind):
    """It is read as text, or the message names the column; `inspect` shows what it can."""
    source = write(tmp_path, "parquet", query(**{name: kind}))
    if name == "amount":
        assert drafts.describe(proposals.inspect(source))
    said = complaint(source)
    remedies = ("store it as text", "date_format", "Map the column that holds", "map that")
    assert said == "" or (name in said and any(text in said for text in remedies))


def complaint(source: str) -> str:
    try:
        assert orders.read(source).facts["lines_read"] == 39
    except LtvkitError as error:
        return str(error)
    return ""


IDS = {
    "nan": [1.0, float("nan"), 3.0],
    "decimal": ["1.50", "2.50", "3.50"],
    "text": ["nan", "NULL", "None"],
    "switch": [True, False, True],
}


@pytest.mark.parametrize(("kind", "kept"), [("nan", 2), ("decimal", 3), ("text", 3), ("switch", 3)])
@pytest.mark.parametrize("form", ["frame", "parquet", "csv"])
def test_ids_of_any_kind(tmp_path, form, kind, kept):
    frame = pd.DataFrame({"customer_id": IDS[kind], "order_date": "2024-01-05", "amount": 1.0})
    frame["order_id"] = ["1", "2", "3"]
    getattr(frame, f"to_{form}", lambda *_a, **_o: None)(tmp_path / f"a.{form}", index=False)
    source = frame if form == "frame" else str(tmp_path / f"a.{form}")
    lines = orders.read(source).lines
    assert len(lines if form == "frame" else lines.df()) == kept
    if form == "parquet":
        assert drafts.describe(proposals.inspect(source))
