"""Frames of any engine: opened, ranked, and brought back as they came."""

from __future__ import annotations

import duckdb
import narwhals.stable.v2 as nw
import pandas as pd
import polars as pl
import pytest
from conftest import make_lines
from hypothesis import given
from hypothesis import strategies as st

from ltvkit import customers, engine, kpis, prepared


@pytest.mark.parametrize(
    ("name", "kind"),
    [("pandas", "DataFrame"), ("polars", "DataFrame"), ("duckdb", "DuckDBPyRelation")],
)
def test_prepared_orders_are_opened_on_the_engine_asked_for(name, kind):
    book = prepared.open("demo:cdnow", engine=name)
    buyers = customers.summarize(book.lines, as_of="1998-06-30")
    for frame in (book.lines, buyers):
        assert type(frame).__module__.lstrip("_").startswith(name)
        assert type(frame).__name__ == kind
    totals = customers.totals(buyers)
    assert totals.iloc[0].tolist() == [23_570, 69_659, 2_500_315.63]


LINES = make_lines(
    ("a", "1", "2024-02-29", 5), ("a", "2", "2024-12-31", 7), ("b", "3", "2024-03-01", 1)
)
DATED = {
    "polars, dates": lambda: pl.from_pandas(LINES).with_columns(pl.col("order_date").dt.date()),
    "polars, a zone": lambda: pl.from_pandas(LINES).with_columns(
        pl.col("order_date").dt.replace_time_zone("Asia/Tokyo")
    ),
    "pandas, a zone": lambda: LINES.assign(order_date=LINES["order_date"].dt.tz_localize("UTC")),
    "duckdb, dates": lambda: (
        duckdb.connect().from_df(LINES).project("* replace (order_date::date as order_date)")
    ),
}


@pytest.mark.parametrize("form", DATED)
def test_a_day_is_a_day_however_the_frame_holds_it(form):
    found = kpis.series(DATED[form](), as_of="2024-12-31", every="week")
    pd.testing.assert_frame_equal(found, kpis.series(LINES, as_of="2024-12-31", every="week"))


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=30), st.booleans())
def test_ranks_and_running_sums_are_those_of_a_sorted_list(values, ascending):
    frame = pd.DataFrame({"id": [f"{n:02}" for n in range(len(values))], "paid": values})
    found = engine.table(
        engine.ranked(
            nw.from_native(frame).lazy(),
            by="paid",
            ties="id",
            ascending=ascending,
            running=["paid"],
        )
    )
    ordered = frame.sort_values(["paid", "id"], ascending=[ascending, True], kind="stable")
    by_id = found.set_index("id").loc[ordered["id"]]
    assert by_id["rank"].tolist() == list(range(1, len(values) + 1))
    assert by_id["paid_upto"].tolist() == ordered["paid"].cumsum().tolist()
