"""Whatever stands in an export of records, no row is lost, and the order of rows is all one."""

from __future__ import annotations

import os
import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltvkit.ingest import records
from ltvkit.ingest.records.masking import clean, mask

pytestmark = pytest.mark.usefixtures("one_thread")

TIMES = [
    "2024-01-05 10:00:00",
    "2024-01-05",
    "2024/1/6 9:05",
    "1704448800",
    "soon",
    "",
    "9999-12-31",
]
EVENTS = {
    "visitor_id": ["v1", "v2", ""],
    "customer_id": ["c1", "001", ""],
    "event_time": TIMES,
    "event": ["view_item", "spin", "購入", ""],
    "channel": ["mail", ""],
}
ENQUIRIES = {
    "enquiry_id": ["E1", "E2", ""],
    "customer_id": ["c1", "c2", ""],
    "enquiry_time": TIMES,
    "text": ["Late", "<b>Broke</b>", "a@b.org", "", "茶が\n届かない"],
    "intent": ["delivery", ""],
    "handling_minutes": ["5", "1:30", "x", ""],
    "solved": ["yes", "×", "?", ""],
    "satisfaction": ["5", "99", ""],
}
TABLES = {"events": EVENTS, "enquiries": ENQUIRIES}


def rows_of(table: str) -> st.SearchStrategy:
    cells = TABLES[table]
    good = dict.fromkeys(cells, "") | {
        f"{table[:-1]}_time".replace("enquirie", "enquiry"): TIMES[0]
    }
    good |= {"visitor_id": "v0", "event": "view_item"} if table == "events" else {"text": "Hello"}
    row = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in cells.items()})
    one = st.just({name: good.get(name, "") for name in cells})
    return st.tuples(one, st.lists(row, max_size=30)).map(lambda found: [found[0], *found[1]])


def read(
    frame: pd.DataFrame, table: str, *, engine: str = "pandas"
) -> tuple[Any, pd.DataFrame, records.Records]:
    """A frame as a file -> its kept rows, its quarantine, and all that was read."""
    with tempfile.TemporaryDirectory() as folder:
        frame.to_csv(Path(folder, "a.csv"), index=False)
        known = {"LTVKIT_ROOT": folder, "LTVKIT_REPORTS": str(Path(folder, "reports"))}
        with mock.patch.dict(os.environ, known):
            options = {"source": "a.csv", "policies": {"max_quarantined": 1}}
            found = records.read(options, table=table, engine=engine)
            return found.rows, found.quarantine.df(), found


@pytest.mark.parametrize("table", TABLES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_every_row_is_kept_or_quarantined_once(table, data):
    frame = pd.DataFrame(data.draw(rows_of(table)))
    rows, aside, found = read(frame, table)
    assert len(rows) + len(aside) == len(frame) == found.facts["lines_read"]
    quality = found.quality
    assert quality.loc[quality["status"] != "read", "lines"].sum() == len(frame)
    assert aside["reason"].notna().all()
    assert aside["line"].is_unique
    time = records.TABLES[table]["time"]
    assert rows[time].notna().all()
    assert (rows[time].dt.normalize() == rows[time.replace("_time", "_date")]).all()


@pytest.mark.parametrize("table", TABLES)
@settings(max_examples=10, deadline=None)
@given(data=st.data(), seed=st.integers(0, 99))
def test_the_order_of_rows_is_all_one(table, data, seed):
    frame = pd.DataFrame(data.draw(rows_of(table)))
    if table == "enquiries":  # a row without an id is named by its line
        frame["enquiry_id"] = frame["enquiry_id"].replace("", "E0")
    order = random.Random(seed).sample(range(len(frame)), len(frame))
    one, aside, _found = read(frame, table)
    other, aside_other, _found = read(frame.iloc[order], table)
    assert as_counts(one) == as_counts(other)
    assert Counter(aside["reason"]) == Counter(aside_other["reason"])


def as_counts(rows: pd.DataFrame) -> Counter:
    return Counter(map(str, rows.astype("object").where(rows.notna(), None).to_numpy().tolist()))


@pytest.mark.parametrize("table", TABLES)
def test_all_engines_give_the_same(table):
    rng = random.Random(7)
    cells = TABLES[table]
    frame = pd.DataFrame([{n: rng.choice(v) for n, v in cells.items()} for _ in range(300)])
    expected = as_counts(read(frame, table)[0])
    polars = read(frame, table, engine="polars")[0]
    assert isinstance(polars, pl.DataFrame)
    assert as_counts(polars.to_pandas()) == expected


LETTERS = st.text(st.sampled_from("ab 1５@＠.-<>&;/pは"), max_size=40)


@settings(max_examples=200, deadline=None)
@given(before=LETTERS, after=LETTERS)
def test_no_address_and_no_number_of_a_telephone_is_left(before, after):
    for secret in ("taro.yamada@example.org", "090-1234-5678", "4111 1111 1111 1111"):
        assert secret not in clean(f"{before}は{secret}、{after}")
    assert mask(mask(before)) == mask(before)
