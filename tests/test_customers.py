from __future__ import annotations

import pandas as pd
import polars as pl
import pytest
from conftest import make_lines

from ltvkit import customers
from ltvkit.engines import frames
from ltvkit.errors import ColumnError, ParamsError

LINES = make_lines(
    ("a", "1", "2024-01-01", 10),
    ("a", "1", "2024-01-01", 5),
    ("a", "2", "2024-01-11", 20),
    ("a", "R1", "2024-01-20", -5),
    ("b", "3", "2024-01-31", 0),
    ("c", "4", "2024-02-01", 99),
    ("d", "5", "2024-01-02", 7),
    ("d", "6", "2024-01-02", 8),
)


def test_one_row_per_customer_as_of_a_date(on):
    table = frames.table(frames.lazy(customers.summarize(on(LINES), as_of="2024-01-31")))
    expected = pd.DataFrame(
        {
            "customer_id": ["a", "b", "d"],
            "orders": [2, 1, 2],
            "purchase_days": [2, 1, 1],
            "revenue": [30.0, 0.0, 15.0],
            "recency_days": [20, 0, 29],
            "tenure_days": [30, 0, 29],
        }
    )
    pd.testing.assert_frame_equal(
        table[list(expected)].sort_values("customer_id", ignore_index=True), expected
    )


def test_comes_back_as_the_kind_that_went_in():
    assert isinstance(customers.summarize(LINES, as_of="2024-02-01"), pd.DataFrame)
    assert isinstance(customers.summarize(pl.from_pandas(LINES), as_of="2024-02-01"), pl.DataFrame)
    lazy = customers.summarize(pl.from_pandas(LINES).lazy(), as_of="2024-02-01")
    assert isinstance(lazy, pl.LazyFrame)


def test_splitting_a_line_and_shuffling_rows_change_nothing():
    halves = pd.concat([LINES, LINES]).assign(amount=lambda t: t["amount"] / 2)
    for other in (halves, LINES.sample(frac=1, random_state=1)):
        pd.testing.assert_frame_equal(
            customers.summarize(other, as_of="2024-02-01"),
            customers.summarize(LINES, as_of="2024-02-01"),
        )


def test_reconcile_shows_what_a_summary_lost():
    table = customers.summarize(LINES, as_of="2024-02-01")
    whole = customers.reconcile(table, table.assign(customers=1))
    assert whole["difference"].tolist() == [0, 0, 0]
    short = customers.reconcile(table, table.assign(customers=1).iloc[1:])
    assert dict(zip(short["measure"], short["difference"], strict=True)) == {
        "customers": -1,
        "orders": -2,
        "revenue": -30,
    }


def test_the_input_is_left_alone():
    before = LINES.copy()
    customers.summarize(LINES, as_of="2024-01-31")
    pd.testing.assert_frame_equal(LINES, before)


def test_bad_input_names_the_remedy():
    with pytest.raises(ColumnError, match="no column 'order_id'.*Map it"):
        customers.summarize(LINES.drop(columns="order_id"), as_of="2024-01-31")
    with pytest.raises(ParamsError, match="is not a date"):
        customers.summarize(LINES, as_of="soon")
