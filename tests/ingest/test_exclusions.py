"""Rows that are no sale, by the values of a column: the policy `exclude`."""

import pandas as pd
import pytest

from ltvkit import orders

LINES = pd.DataFrame(
    {
        "customer_id": ["a", "a", "b", "b"],
        "order_id": ["1", "2", "3", "4"],
        "order_date": ["2024-01-05", "2024-01-06", "2024-01-07", "2024-01-08"],
        "amount": [10, 20, 40, 80],
        "note": ["2024-01-09", None, "Test", ""],
    }
)


@pytest.mark.parametrize(
    ("values", "kept"),
    [(["test"], 110), (["*"], 100), ([""], 50), (["", "TEST"], 10), (["other"], 150)],
)
@pytest.mark.parametrize("spread", [{}, {"order_shipping": "zero"}])
def test_rows_are_left_out_by_a_value_by_any_value_or_by_none(values, kept, spread):
    book = orders.read(
        LINES.assign(zero=0),
        columns={"note": "note"} | spread,
        policies={"exclude": {"note": values}},
    )
    assert book.lines["amount"].sum() == kept
    left = book.quality.set_index("reason")["amount"].get("left out, by note", 0)
    assert left == 150 - kept
