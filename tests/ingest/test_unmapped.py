"""Columns that would change the amounts, and are mapped to nothing, are named."""

import pandas as pd
import pytest

from ltvkit import orders, quality

ROWS = pd.DataFrame(
    {
        "customer_id": list("aabb"),
        "order_id": ["1", "1", "2", "3"],
        "order_date": "2024-01-05",
        "amount": [100.0, 50.0, 80.0, 20.0],
    }
)


def named(columns: dict | None = None, policies: dict | None = None, **more: object) -> list:
    book = orders.read(ROWS.assign(**more), columns=columns, policies=policies)
    checks = quality.check(book, as_of="2024-01-05", policies=policies).set_index("check")
    found = book.facts["unmapped"]
    assert (checks.loc["unmapped_columns", "result"] == "warn") == bool(found)
    return [(one["header"], one["part"], one["lines"], one["amount"]) for one in found]


def test_refunds_and_discounts_are_named_with_their_money():
    assert named(**{"Refunded Amount": [0, 0, 8, 20]}) == [
        ("Refunded Amount", "order_refund", 2, 28.0)
    ]
    assert named(**{"値引額": ["1,000", "", "200", ""]}) == [
        ("値引額", "order_discount", 2, 1200.0)
    ]


@pytest.mark.parametrize("value", ["TRUE", "yes", "1"])
def test_flags_of_tests_and_cancelled_orders_are_named(value):
    flag = ["", value, "", "no"]
    assert named(is_test=flag) == [("is_test", "exclude", 1, None)]
    assert named(Cancelled=flag) == [("Cancelled", "exclude", 1, None)]


def test_nothing_is_named_that_is_mapped_empty_or_settled():
    refunds = {"Refunded Amount": [0, 0, 8, 20]}
    assert not named({"order_refund": "Refunded Amount"}, **refunds)
    assert not named(**{"Refunded Amount": 0})
    assert not named(policies={"refunds": "by_row"}, **refunds)
    assert not named(
        {"gone": "is_test"}, {"exclude": {"gone": ["yes"]}}, is_test=["yes", "", "", ""]
    )
    # Before the discount there is a column as well: the amount has it off already.
    discounts = pd.Series([10.0, 5.0, 8.0, 2.0])
    assert not named(discount=discounts, before=ROWS["amount"] + discounts)
    assert named(discount=discounts)


def test_of_a_known_system_what_its_description_maps_is_named():
    shopify = pd.DataFrame(
        {
            "Name": ["#1", "#1"],
            "Email": ["a@example.com", None],
            "Financial Status": ["paid", None],
            "Created at": ["2024-01-05 10:00:00 +0900", None],
            "Lineitem quantity": [1, 2],
            "Lineitem price": [100.0, 50.0],
            "Subtotal": [180.0, None],
            "Refunded Amount": [0.0, None],
        }
    )
    mapped = {
        **{"customer_id": "Email", "order_id": "Name", "order_date": "Created at"},
        **{"quantity": "Lineitem quantity", "unit_price": "Lineitem price"},
    }
    policies = {"fill_down": ["customer_id", "order_date"]}
    book = orders.read(shopify, columns=mapped, policies=policies)
    assert [one["part"] for one in book.facts["unmapped"]] == ["order_total"]
    whole = orders.read(shopify, columns=mapped | {"order_total": "Subtotal"}, policies=policies)
    assert whole.lines["amount"].tolist() == [90, 90]
    assert not whole.facts["unmapped"]


def test_statuses_and_kinds_of_rows_are_named_while_their_rows_count():
    state = {"Payment state": ["paid", "paid", "failed", "paid"]}
    assert named(**state) == [("Payment state", "exclude", 1, None)]
    out = {"columns": {"gone": "gone"}, "policies": {"exclude": {"gone": ["x"]}}}
    assert not named(**out, **state, gone=["", "", "x", ""])
    kinds = {"Type": ["Sale", "Sale", "Sale", "Refund"]}
    assert named(**kinds) == [("Type", "return_rows", 1, None)]
    assert not named(**kinds, amount=[100.0, 50.0, 80.0, -20.0])
    at = {"Cancelled At": ["", "", None, "2024-02-01"]}
    assert named(**at) == [("Cancelled At", "exclude", 1, None)]


def test_shipping_in_an_orders_total_is_named():
    total = {"columns": {"amount": "Order Total"}, "Order Total": [100.0, 50.0, 80.0, 20.0]}
    assert named(**total, Shipping=5) == [("Shipping", "order_shipping", 4, 20.0)]
    assert not named(Shipping=5)  # an amount of unknown kind
