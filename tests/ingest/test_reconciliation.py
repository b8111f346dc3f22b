"""About how much money is on lines that cannot be used."""

from __future__ import annotations

import pandas as pd
import pytest

from ltvkit import orders

COLUMNS = ["customer_id", "order_id", "order_date", "amount"]


def share(*rows: tuple, columns: list[str] = COLUMNS, **policies) -> float | None:
    kept = [("a", str(n), "2024-01-05", *["10"] * (len(columns) - 3)) for n in range(8)]
    frame = pd.DataFrame([*kept, *rows], columns=columns).astype("string")
    return orders.read(frame, policies=policies).facts.get("unusable_money")


@pytest.mark.parametrize(
    ("amount", "money"),
    [
        ("1,00,0.5", 1000.5),  # its digits
        ("1.234,50 EURO", 1234.5),
        ("n/a", 10),  # the average line
        ("", 10),
        ("12:30", 10),
        ("1 23456789", 10_000),  # no more than a thousand average lines
    ],
)
def test_an_unreadable_amount_counts_by_its_digits(amount, money):
    assert share(("b", "x", "2024-01-06", amount)) == pytest.approx(money / (80 + money))


def test_a_readable_amount_counts_as_it_is_whatever_else_the_line_lacks():
    assert share(("b", "x", "20x4", "-40")) == pytest.approx(40 / 120)
    assert share(("b", "", "2024-01-06", "40"), ("b", "x", "", "40")) == pytest.approx(80 / 160)


def test_a_price_counts_as_often_as_it_was_bought():
    columns = [*COLUMNS[:3], "unit_price", "quantity"]
    found = share(("b", "x", "2024-01-06", "1000 stk.", "3"), columns=columns)
    assert found == pytest.approx(3000 / 3800)
    found = share(("b", "x", "2024-01-06", "1000 stk.", "?"), columns=columns)
    assert found == pytest.approx(1000 / 1800)


def test_what_a_policy_leaves_out_is_not_unusable():
    assert share(("", "x", "2024-01-06", "500"), ("b", "x", "2024-01-06", "0")) is None
    assert share(("b", "x", "2024-09-06", "500"), data_until="2024-01-31") is None
