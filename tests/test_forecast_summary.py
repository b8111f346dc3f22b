"""The models' own summary says what the customer table says."""

from __future__ import annotations

import pandas as pd
from conftest import make_lines
from hypothesis import given, settings
from hypothesis import strategies as st

from ltvkit import customers, forecast

COLUMNS = ["customer_id", "purchase_days", "revenue", "recency_days", "tenure_days"]
days = st.dates(pd.Timestamp("2024-01-01").date(), pd.Timestamp("2024-03-31").date())
rows = st.tuples(
    st.sampled_from("abcd"), st.sampled_from("1234567"), days, st.sampled_from([-5, 0, 3, 10.1])
)


def same(lines, like: pd.DataFrame) -> None:
    found = forecast.summarize(lines, as_of="2024-03-15")
    table = found.df() if hasattr(found, "df") else found
    table = table.to_pandas() if hasattr(table, "to_pandas") else table
    expected = customers.summarize(like, as_of="2024-03-15")[COLUMNS]
    table = table[COLUMNS].sort_values("customer_id", ignore_index=True)
    pd.testing.assert_frame_equal(table, expected.reset_index(drop=True), check_dtype=False)


@given(st.lists(rows, min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_it_agrees_with_the_customer_table(drawn):
    lines = make_lines(*drawn)
    same(lines, lines)


def test_on_every_engine(on):
    lines = make_lines(
        ("a", "1", "2024-01-01", 10),
        ("a", "2", "2024-01-01", -4),
        ("a", "3", "2024-02-01", 5),
        ("b", "4", "2024-02-02", -5),
        ("c", "5", "2024-03-15", 0),
        ("d", "6", "2024-03-16", 9),
    )
    same(on(lines), lines)
