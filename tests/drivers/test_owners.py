"""Whose each leaf is, what a percent of it is worth, and what a better one may cost: by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines

from ltvkit import drivers

# Two customers with an order each; three with four orders for 500, of which 20 came back.
LINES = make_lines(
    ("b", "2", "2024-01-10", 100, 4, 50), ("c", "3", "2024-01-20", 100, 4, 50),
    ("a", "4", "2024-02-01", 300, 5, 90), ("b", "5", "2024-02-02", 50, 1, 10),
    ("b", "6", "2024-02-20", 50, 1, 10), ("b", "R", "2024-02-25", -20, 1, -10),
    ("d", "7", "2024-02-28", 100, 2, 20),
    extra=("quantity", "margin"),
)  # fmt: skip
LEAVES = {
    "orders_per_customer": {"owner": "R. Tanaka", "target": 1.6, "cost": 24},
    "items_per_order": {"owner": "A. Sato", "target": 2.295, "cost": 24},
    "price_per_item": {"owner": "A. Sato", "target": 50, "cost": 24},
    "returned_share": {"owner": "M. Mori", "target": 0.01, "cost": 5},
}
TREE = drivers.read_tree({"leaves": LEAVES})


def explain(tree=TREE):
    rule = {"as_of": "2024-02-29", "export_begins": "opening", "kpi_tree": tree}
    return drivers.explain(LINES, lines=LINES, **rule)


def test_one_percent_by_hand():
    table = drivers.list_owners(explain()).set_index("leaf")
    worth = table["revenue_per_percent"]
    assert worth[["days", "orders_per_customer", "price_per_item"]].tolist() == pytest.approx(
        [4.8] * 3
    )
    assert worth["new_customers_a_day"] == pytest.approx(4.8 * 2 / 3)  # a and d; b is kept
    assert worth["returned_share"] == pytest.approx(-0.2)
    assert table["ltv_per_percent"].isna().all()
    gaps = table["gap_to_target"]
    assert gaps["orders_per_customer"] == pytest.approx(1.6 - 4 / 3)
    assert gaps["returned_share"] == pytest.approx(-0.03)
    assert gaps[["days", "new_customers_a_day"]].isna().all()
    assert table.loc["items_per_order", "owner"] == "A. Sato"


def test_one_percent_of_ltv_by_hand():
    """What makes up an order's value moves LTV as much as that does; customers do not."""
    leaves = ["active_months", "orders_per_active_month", "order_value"]
    table = pd.DataFrame({"leaf": leaves, "value_after": [2.5, 2.0, 100.0]})
    ltv = drivers.Change(table, drivers.Formula(" * ".join(leaves)), ("a", "a"), 500.0, 500.0, 12)
    found = drivers.list_owners(explain(), ltv=ltv).set_index("leaf")["ltv_per_percent"]
    ours = ["orders_per_customer", "items_per_order", "price_per_item"]
    assert found[ours].tolist() == pytest.approx([5, 5, 5])
    assert found["returned_share"] == pytest.approx(-5 * 0.04 / 0.96)
    assert found[["days", "new_customers_a_day", "kept_customers_a_day"]].isna().all()


def test_targets_in_words():
    found = explain()
    table = drivers.list_owners(found)
    assert drivers.describe_targets(table, tree=TREE) == (
        "Of 4 targets, met: 1. Missed: Orders per customer, 1.33 for a target of 1.60 (R. Tanaka); "
        "Items per order, 2.25 for a target of 2.29 (A. Sato); Share sent back, 4.0% for a target "
        "of 1.0% (M. Mori)."
    )
    shown = drivers.show_owners(table, tree=TREE).set_index("leaf")
    assert shown.loc["orders_per_customer", ["target", "gap_to_target"]].tolist() == [
        "1.60", "+0.27",
    ]  # fmt: skip
    assert shown.loc["days", ["target", "gap_to_target"]].tolist() == ["", ""]
    plain = drivers.list_owners(explain(drivers.read_tree({})))
    assert not {"owner", "target", "gap_to_target"} & set(drivers.show_owners(plain))
    assert drivers.describe_targets(plain) == ""


def test_costs_by_hand():
    found = explain()
    rate = drivers.find_margin_rate(LINES, as_of="2024-02-29")
    assert rate == pytest.approx(120 / 480)
    table = drivers.weigh_costs(found, share=0.1, margin_rate=0.5).set_index("leaf")
    assert table.loc["orders_per_customer", ["gain", "loss"]].tolist() == pytest.approx([48, -48])
    assert table.loc["returned_share", ["gain", "loss"]].tolist() == pytest.approx([2, -2])
    # Half of 480 x 10% is 24; of a higher price all is margin; 20 came back, half of them pays 5.
    costly = ["orders_per_customer", "items_per_order", "price_per_item", "returned_share"]
    assert table.loc[costly, "break_even"].tolist() == pytest.approx([0.1, 0.1, 0.05, 0.5])
    assert table.loc[costly[:2], "net_at_target"].tolist() == pytest.approx([24, 4.8 - 24])
    assert table.loc[costly, "pays"].tolist() == ["pays", "does_not_pay", "met", "pays"]
    assert "days" not in table.index
    assert table.loc["new_customers_a_day", "break_even":"net_at_target"].isna().all()


def test_a_quotient_falls_otherwise_than_it_rises_and_some_costs_never_pay():
    table = pd.DataFrame({"leaf": ["items_per_order", "returned_share"], "value_after": [10, 0.5]})
    formula = drivers.Formula("items_per_order / returned_share")
    for cost, least in ((20, 0.5), (20 / 9, 0.1)):
        said = {"owner": "A", "cost": cost}
        tree = drivers.read_tree({"leaves": {"returned_share": said, "items_per_order": said}})
        found = drivers.Change(table, formula, ("2024-01", "2024-02"), 20.0, 20.0, tree=tree)
        costs = drivers.weigh_costs(found, share=0.1).set_index("leaf")
        assert costs.loc["returned_share", ["gain", "loss"]].tolist() == pytest.approx(
            [20 / 9, -20 / 11]
        )
        assert costs.loc["returned_share", "break_even"] == pytest.approx(least)
        assert costs.loc["items_per_order", "break_even"] == pytest.approx(cost / 20)
    tree = drivers.read_tree({"leaves": {"items_per_order": {"owner": "A", "cost": 1000}}})
    costs = drivers.weigh_costs(
        drivers.Change(table, formula, ("2024-01", "2024-02"), 20.0, 20.0, tree=tree)
    )
    assert np.isnan(costs["break_even"][0])
    said = drivers.describe_costs(costs, tree=tree, margin_rate=float("nan"))
    assert said == [
        "Items per order: the measure costs 1,000 a month, which no improvement pays back.",
        "The margin is not known, so costs are compared with revenue; give margin_rate, or map "
        "margin.",
    ]
