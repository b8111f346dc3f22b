"""Customers, orders per customer and order value: the three factors, by hand."""

from __future__ import annotations

import pandas as pd
import pytest
from conftest import make_lines
from stub_drivers import LINES, RULE

from ltvkit import drivers
from ltvkit.drivers.factors import add_up_factors, list_nodes
from ltvkit.errors import TooLittleData


def test_three_factors_by_hand():
    found = drivers.explain(LINES, lines=LINES, **RULE)
    table = add_up_factors(found).set_index("factor")
    assert table["value_before"].tolist() == pytest.approx([2, 1, 100])
    assert table["value_after"].tolist() == pytest.approx([3, 4 / 3, 120])
    assert table["change_in_revenue"].sum() == pytest.approx(480 - 200)
    parts = found.table.set_index("leaf")["change_in_revenue"]
    of_orders = ["items_per_order", "price_per_item", "returned_share"]
    assert table.loc["order_value", "change_in_revenue"] == pytest.approx(parts[of_orders].sum())
    assert ". Orders rose from 2 to 4 (+" in drivers.finding(found)
    assert "); order value rose from 100.00 to 120.00 (+" in drivers.finding(found)


def test_in_the_tree_what_stands_below_adds_up():
    nodes = list_nodes(drivers.explain(LINES, lines=LINES, **RULE), currency="USD")
    change = nodes.set_index("node")["change"]
    for parent, below in nodes.groupby("parent"):
        if parent:
            assert below["change"].sum() == pytest.approx(change[parent])
    assert change["revenue"] == pytest.approx(480 - 200)
    top = nodes[nodes["parent"] == "revenue"]
    assert top["label"].tolist() == ["customers", "orders_per_customer", "order_value"]
    assert top["kind"].tolist() == ["", "unclear", ""]  # the middle one is a leaf
    assert nodes.set_index("label")["values"]["order_value"] == "100.00 USD to 120.00 USD"


def test_a_leaf_with_the_name_of_its_factor_stands_below_it():
    """Without the number of pieces, order value is a leaf, beside the share sent back."""
    bare = LINES.drop(columns="quantity")
    nodes = list_nodes(drivers.explain(bare, lines=bare, **RULE))
    [whole, leaf] = nodes.loc[nodes["label"] == "order_value", "node"]
    assert nodes.set_index("node")["parent"][leaf] == whole != leaf


def test_a_factor_that_fell_is_not_told_to_have_raised_revenue():
    """From 100 pieces at 1 to 9 at 10, with a tenth of the customers: the order value fell from 100
    to 90, and yet its leaves' parts add up to more than zero."""
    leaves = ["customers_a_day", "orders_per_customer", "items_per_order", "price_per_item"]
    before, after = [10.0, 1.0, 100.0, 1.0], [1.0, 1.0, 9.0, 10.0]
    formula = drivers.Formula(" * ".join(leaves))
    sides = [dict(zip(leaves, side, strict=True)) for side in (before, after)]
    parts = drivers.attribute(formula, *sides)
    table = pd.DataFrame({"leaf": leaves, "value_before": before, "value_after": after})
    table["change_in_revenue"] = [float(parts[leaf]) for leaf in leaves]
    own = table.set_index("leaf")["change_in_revenue"]
    found = drivers.Change(table, formula, ("2024-01", "2024-02"), 1000.0, 90.0)
    assert own["items_per_order"] + own["price_per_item"] == pytest.approx(1173.5)
    with pytest.raises(TooLittleData, match="another sign"):
        add_up_factors(found)


def test_a_tree_without_the_three_factors_has_its_leaves_below_the_root():
    lines = make_lines(
        ("a", "1", "2024-01-01", 100), ("b", "2", "2024-01-02", 100), ("a", "R", "2024-02-05", -50),
        ("b", "3", "2024-02-06", 40),
    )  # fmt: skip
    nodes = list_nodes(drivers.explain(lines, lines=lines, **RULE))
    below = nodes[nodes["parent"] == "revenue"]
    assert len(below) == len(nodes) - 1 > 1
    assert below["change"].sum() == pytest.approx(-210)


def test_one_that_is_no_product_of_them_is_not_told():
    """What was sent back is more than what was sold, so it is taken off."""
    lines = make_lines(
        ("a", "1", "2024-01-01", 100), ("b", "2", "2024-01-02", 100), ("a", "R", "2024-02-05", -50)
    )
    found = drivers.explain(lines, lines=lines, **RULE)
    with pytest.raises(TooLittleData, match="no product of customers"):
        add_up_factors(found)
    assert "Orders" not in drivers.finding(found)
