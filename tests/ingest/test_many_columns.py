"""A file of very many columns is read and inspected by those that are needed."""

from __future__ import annotations

import time

import pyarrow.parquet as pq
import pytest

from ltvkit import orders
from ltvkit.ingest.readers import spool
from ltvkit.ingest.readers.csv_records import Record
from ltvkit.ingest.readers.part import MOST_COLUMNS
from ltvkit.inspection import drafts, proposals

pytestmark = pytest.mark.usefixtures("one_thread")
MANY = 700


@pytest.fixture
def wide(tmp_path):
    more = [f"c{n}" for n in range(MANY)]
    head = ",".join(["customer_id", *more, "order_id", "order_date", "amount"])
    rows = [
        ",".join([f"C{n % 7}", *(["x"] * MANY), f"O{n}", f"2024-01-{n % 28 + 1:02d}", amount])
        for n, amount in enumerate(["10"] * 40 + ["n/a"])
    ]
    path = tmp_path / "wide.csv"
    path.write_text("\n".join([head, *rows, ""]))
    return str(path)


def test_columns_that_nobody_needs_cost_no_more_than_reading_them(wide):
    start = time.process_time()
    book = orders.read(wide)
    assert book.facts["lines_read"] == 41
    assert book.quarantine.df()["amount"].tolist() == ["n/a"]
    assert len(book.quarantine.columns) < MOST_COLUMNS + 20
    assert time.process_time() - start < 15


def test_inspect_finds_the_columns_that_it_knows_among_them(wide):
    seen = proposals.inspect(wide)
    assert set(seen.columns) == {"customer_id", "order_id", "order_date", "amount"}
    assert f"{MANY + 4:,} columns" in drafts.describe(seen)


def test_records_of_many_columns_are_written_a_few_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "MOST_CELLS", 10)
    spool.write_records((Record(n, [str(n)] * 4) for n in range(5)), list("abcd"), tmp_path)
    written = pq.ParquetFile(next(tmp_path.glob("*.parquet")))
    assert written.metadata.num_row_groups == 3
    assert written.read()["d"].to_pylist() == list("01234")
