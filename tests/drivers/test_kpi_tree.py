"""A tree of the shop's own: read strictly, and held against the orders."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from conftest import make_lines
from stub_drivers import LINES, RULE

from ltvkit import drivers
from ltvkit.errors import ColumnError, ParamsError, TooLittleData

OWNED = {
    leaf: {"owner": "A. Sato"}
    for leaf in (
        "customers", "customers_a_day", "orders_per_customer", "order_value", "items_per_order",
        "price_per_item", "returned_share", "sent_back", "new_customers", "kept_customers",
        "won_back_customers",
    )
}  # fmt: skip


def read(formula, **leaves):
    named = drivers.Formula(formula).leaves
    return drivers.read_tree(
        {"formula": formula, "leaves": {n: OWNED[n] for n in named if n in OWNED} | leaves}
    )


def explain(on, formula, lines=LINES, **options):
    return drivers.explain(on(lines), lines=on(lines), kpi_tree=read(formula), **RULE, **options)


@pytest.mark.parametrize(
    ("formula", "before", "after"),
    [
        ("customers * orders_per_customer * order_value", [2, 1, 100], [3, 4 / 3, 120]),
        (
            "customers * orders_per_customer * order_value * (1 - returned_share)",
            [2, 1, 100, 0],
            [3, 4 / 3, 125, 0.04],
        ),
        (
            "days * customers_a_day * orders_per_customer * items_per_order * price_per_item",
            [31, 2 / 31, 1, 4, 25],
            [29, 3 / 29, 4 / 3, 9 / 4, 480 / 9],
        ),
        (
            "(new_customers + kept_customers + won_back_customers) * orders_per_customer "
            "* order_value - sent_back",
            [2, 0, 0, 1, 100, 0],
            [2, 1, 0, 4 / 3, 125, 20],
        ),
    ],
)
def test_a_formula_of_ones_own_by_hand(on, formula, before, after):
    """a and d are new in February, b is kept."""
    table = explain(on, formula).table
    assert table["value_before"].tolist() == pytest.approx(before)
    assert table["value_after"].tolist() == pytest.approx(after)
    assert table["change_in_revenue"].sum() == pytest.approx(280)


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        (
            "customers * order_value",
            "gives 360.00 for February 2024, and the orders say 480.00: 120.00 apart. It adds up "
            "as: customers * order_value * orders_per_customer",
        ),
        (
            "new_customers * orders_per_customer * order_value",
            "gives 320.00 for February 2024, and the orders say 480.00: 160.00 apart.",
        ),
        ("customers_a_day * orders_per_customer * order_value", "* order_value * days"),
        (
            "customers * order_value * (1 - returned_share)",
            "It adds up as: customers * order_value * (1 - returned_share) * orders_per_customer",
        ),
        (
            "(new_customers + won_back_customers) * orders_per_customer * order_value",
            "It adds up as: (new_customers + won_back_customers + kept_customers) * orders_per",
        ),
        ("new_customers * orders_per_customer * order_value", "(new_customers + kept_customers) *"),
        ("customers + order_value", "gives 102.00 for January 2024, and the orders say 200.00"),
    ],
)
def test_one_that_is_not_the_revenue_is_refused(formula, said):
    with pytest.raises(ParamsError) as caught:
        explain(lambda frame: frame, formula)
    assert said in str(caught.value)


def test_a_leaf_that_the_orders_do_not_tell_is_refused():
    items = "customers * orders_per_customer * items_per_order * price_per_item"
    bare = LINES.drop(columns="quantity")
    with pytest.raises(ColumnError, match="items_per_order needs the column 'quantity'"):
        explain(lambda frame: frame, items, bare)
    holed = LINES.assign(quantity=LINES["quantity"].where(LINES["order_id"] != "7"))
    with pytest.raises(TooLittleData, match=r"lack the number of pieces \(1\)"):
        explain(lambda frame: frame, items, holed)
    kinds = "(new_customers + kept_customers + won_back_customers) * orders_per_customer"
    early = pd.concat([make_lines(("z", "0", "2023-12-31", 1)), LINES])
    options = {"as_of": "2024-02-29", "export_begins": "later"}
    with pytest.raises(TooLittleData, match="do not say who was new"):
        drivers.explain(early, kpi_tree=read(f"{kinds} * order_value"), **options)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"formul": "days"}, "'formul' is not known. Did you mean 'formula'?"),
        ({"formula": ["days"]}, "kpi_tree: formula: found ['days'], expected a formula"),
        ({"formula": "custmers * order_value"}, "'custmers' is no leaf. Did you mean 'customers'?"),
        ({"formula": "customers ** 2"}, "it has Pow"),
        ({"formula": "active_months"}, "'active_months' is no leaf."),
        ({"formula": "customers"}, "kpi_tree: customers has no owner"),
        ({"leaves": ["days"]}, "kpi_tree: leaves: found ['days'], expected a mapping of leaves"),
        ({"leaves": {"customers": "A"}}, "kpi_tree: customers: found 'A', expected a mapping"),
        ({"leaves": {"customers": {"ownr": "A"}}}, "'ownr' is not known. Did you mean 'owner'?"),
        ({"leaves": {"customers": {"owner": ["A", "B"]}}}, "owner: found ['A', 'B'], expected one"),
        ({"leaves": {"customers": {"owner": True}}}, "owner: found True, expected one text"),
        ({"leaves": {"customers": {"target": 5}}}, "kpi_tree: customers has no owner"),
        ({"leaves": {"customers": {"owner": "A", "better": "more"}}}, "expected up or down"),
        ({"leaves": {"customers": {"owner": "A", "cost": -1}}}, "cost: found -1, expected money"),
        ({"leaves": {"customers": {"owner": "A", "target": "5"}}}, "expected a number"),
        (
            {"leaves": {"customers": {"owner": "A", "target": {"value": 5, "from": "2024-4"}}}},
            "target: found '2024-4', expected a month",
        ),
        (
            {"leaves": {"customers": {"owner": "A", "target": {"value": 5, "until": 2024}}}},
            "target: found 2024, expected a month",
        ),
        (
            {"leaves": {"returned_share": {"owner": "A", "target": {"value": 3}}}},
            "returned_share: target: found 3.0, expected a share, as 0.03 for 3%.",
        ),
        (
            {"leaves": {"customers": {"owner": "A", "target": [{"value": 5}, {"value": 6}]}}},
            "two targets hold in the same month",
        ),
        (
            {
                "formula": "customers * orders_per_customer * order_value",
                "leaves": OWNED,
            },
            "kpi_tree: customers_a_day is not in the formula. Did you mean 'customers'?",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_key(given, said):
    with pytest.raises(ParamsError) as caught:
        drivers.read_tree(given)
    assert said in str(caught.value)


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(ParamsError) as caught:
        drivers.read_tree(
            {"formula": "custmers", "leaves": {"customers": {"ownr": "A"}, "x": {}}, "y": 1}
        )
    assert len(str(caught.value).splitlines()) == 4


def test_nothing_given_is_the_trees_of_the_kit_to_the_byte():
    plain = drivers.explain(LINES, lines=LINES, **RULE)
    same = drivers.explain(LINES, lines=LINES, kpi_tree=drivers.read_tree({}), **RULE)
    pd.testing.assert_frame_equal(plain.table, same.table, check_exact=True)
    named = drivers.read_tree({"leaves": {"items_per_order": {"owner": "A", "label": "Basket"}}})
    owned = drivers.explain(LINES, lines=LINES, kpi_tree=named, **RULE)
    pd.testing.assert_frame_equal(plain.table, owned.table, check_exact=True)


def test_words_of_ones_own_and_targets_by_month():
    tree = drivers.read_tree(
        {
            "leaves": {
                "items_per_order": {
                    "owner": "A. Sato",
                    "label": "Basket",
                    "unit": "pieces",
                    "department": "buying",
                    "target": [
                        {"value": 4, "until": "2024-02"},
                        {"value": 5, "from": "2024-03", "until": "2024-12"},
                    ],
                }
            }
        }
    )
    found = drivers.explain(LINES, lines=LINES, kpi_tree=tree, **RULE)
    row = found.show(currency="JPY").set_index("leaf").loc["Basket"]
    assert (row["values"], row["department"]) == ("4.00 to 2.25 pieces", "buying")
    months = ("2023-01", "2024-02", "2024-03", "2025-01")
    targets = [tree.find_target("items_per_order", month) for month in months]
    assert targets[:3] == [4, 4, 5]
    assert math.isnan(targets[3])
    moved = {"leaf": "items_per_order", "value_before": 4.0, "value_after": 2.25}
    assert tree.describe_move(moved) == "less of: Basket"
