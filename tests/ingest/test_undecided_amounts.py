"""Amounts that read otherwise with another decimal mark are refused until the params say which."""

from __future__ import annotations

import pandas as pd
import pytest

from ltvkit import orders
from ltvkit.errors import ParamsError
from ltvkit.ingest.undecided_amounts import check_undecided


def read(*amounts: object, **policies) -> dict:
    rows = [(f"c{n}", str(n), "2024-01-05", a) for n, a in enumerate(amounts)]
    frame = pd.DataFrame(rows, columns=["customer_id", "order_id", "order_date", "amount"])
    return dict(orders.read(frame, policies=policies).facts)


def test_what_is_undecided_is_said_with_both_sums():
    found = read("25.500", "26.000", "500")["undecided"]
    assert found == {"example": "25.500", "lines": 2, "sums": [551.5, 52000.0]}
    found = read("1,250", "2,000", "500")["undecided"]
    assert found == {"example": "1,250", "lines": 2, "sums": [3750.0, 503.25]}
    assert read("25.500", "1.250.000")["undecided"]["sums"] == [25.5, 1275500.0]


@pytest.mark.parametrize(
    "amounts",
    [("25.500", "0.5"), ("25,500", "12.50"), ("500", "1200"), ("12,5", "3"), (25.125, 26.125)],
)
def test_nothing_is_undecided_where_an_amount_tells_or_is_a_number(amounts):
    assert "undecided" not in read(*amounts)


@pytest.mark.parametrize("decimal", [".", ","])
def test_a_policy_decides(decimal):
    assert "undecided" not in read("25.500", "26.000", decimal=decimal)


def test_the_first_lines_may_leave_open_what_a_later_one_tells():
    assert read(*["25.500"] * 1200)["undecided"]["lines"] == 1200
    assert "undecided" not in read(*["25.500"] * 1200, "25.5")


POINT = {"undecided": {"example": "25.500", "lines": 2, "sums": [51.5, 51500.0]}}
COMMA = {"undecided": {"example": "25,500", "lines": 2, "sums": [51500.0, 51.5]}}


@pytest.mark.parametrize(("facts", "currency"), [(POINT, "KWD"), (COMMA, "USD"), (COMMA, "円")])
def test_a_currency_whose_country_leaves_no_choice_decides(facts, currency):
    check_undecided(currency, facts, rated=False)
    with pytest.raises(ParamsError):
        check_undecided(currency, facts, rated=True)


@pytest.mark.parametrize(
    ("facts", "currency"), [(POINT, c) for c in ("EUR", "USD", "JPY", "IDR", "")] + [(COMMA, "EUR")]
)
def test_other_amounts_are_refused_with_the_money_at_stake(facts, currency):
    with pytest.raises(ParamsError) as error:
        check_undecided(currency, facts, rated=False)
    for said in (facts["undecided"]["example"], "as 25.5 or as 25,500", "51,500.00", "51.50"):
        assert said in str(error.value)
