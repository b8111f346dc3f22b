"""Whose each leaf is, what a percent of it is worth, and what a better one may cost: by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines

from ltvkit import drivers
from ltvkit.ltv import formulas

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


MONTHLY = {"owner": "A. Sato", "target": 2, "cost": 10}


def test_part_of_a_month_or_of_a_shop_is_not_held_against_the_whole():
    """A measure is paid by the month, and ten days bring fewer orders a customer."""
    monthly = drivers.read_tree(
        {"leaves": dict.fromkeys(("orders_per_customer", "price_per_item"), MONTHLY)}
    )
    rule = {"lines": LINES, "export_begins": "opening", "kpi_tree": monthly}
    cut = drivers.explain(LINES, as_of="2024-02-10", **rule)
    whole = drivers.explain(LINES, as_of="2024-02-29", **rule)
    part = drivers.explain(LINES, as_of="2024-02-29", all_days=LINES, **rule)
    for found, targets, costs, said in (
        (whole, 2, 2, ""),
        (cut, 1, 0, "not compared with its first 10 days."),
        (part, 0, 0, "not compared with a part of its orders."),
    ):
        assert drivers.list_owners(found)["target"].notna().sum() == targets
        table = drivers.weigh_costs(found)
        assert table["target"].notna().sum() == targets
        assert table["break_even"].notna().sum() == costs
        assert " ".join(drivers.describe_limits(found)).endswith(said)
    assert drivers.describe_limits(whole) == []
    [text] = drivers.describe_costs(drivers.weigh_costs(part), tree=monthly, margin_rate=0.5)
    assert text.startswith("Costs are given")


def test_a_leaf_that_the_tree_of_the_month_lacks_is_named():
    tree = drivers.read_tree({"leaves": {"customers": MONTHLY}})
    found = explain(tree)
    [text] = drivers.describe_limits(found)
    assert text.startswith("kpi_tree: the tree of this month has no customers, so")
    assert "The tree has days, new_customers_a_day, " in text
    [text] = drivers.describe_costs(drivers.weigh_costs(found), tree=tree, margin_rate=0.5)
    assert text.startswith("Costs are given")
    assert drivers.describe_limits(explain(drivers.read_tree({})))[0].startswith("No targets")


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


def test_a_line_without_a_margin_is_not_one_of_margin_0(on):
    """As in the LTV formulas: 90 of 300 is known, and the 10 of 50 of another."""
    holed = LINES.assign(margin=LINES["margin"].where(LINES["order_id"].isin(["4", "5"])))
    rate = drivers.find_margin_rate(on(holed), as_of="2024-02-29")
    assert rate == pytest.approx(100 / 350)
    assert formulas.measures(on(holed), as_of="2024-02-29")["margin_rate"][0] == rate
    none = LINES.drop(columns="margin")
    assert np.isnan(drivers.find_margin_rate(on(none), as_of="2024-02-29"))


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


def weigh_one(leaf, now, **said):
    """A month of 20 customers won before and `now` of a leaf, each with an order of 100."""
    tree = drivers.read_tree({"leaves": {leaf: {"owner": "A", **said}}})
    values = {leaf: now, "kept_customers": 20.0, "order_value": 100.0}
    table = pd.DataFrame({"leaf": list(values), "value_after": list(values.values())})
    formula = drivers.Formula(f"({leaf} + kept_customers) * order_value")
    found = drivers.Change(table, formula, ("2024-01", "2024-02"), 0.0, 0.0, tree=tree)
    costs = drivers.weigh_costs(found, margin_rate=0.5)
    said = drivers.describe_costs(costs, tree=tree, margin_rate=0.5)[0]
    return costs.set_index("leaf").loc[leaf], said, drivers.show_costs(costs, tree=tree)


@pytest.mark.parametrize("now", [0, 1])
def test_what_pays_at_its_target_is_not_said_never_to_pay(now):
    """40 more customers bring a margin of 2,000, however few there are; a percent of 0 is 0."""
    row, said, shown = weigh_one("new_customers", now, target=90, cost=2000)
    assert (row["pays"], row["pays_from"]) == ("pays", pytest.approx(40 + now))
    assert row["net_at_target"] == pytest.approx(50 * (90 - now) - 2000)
    start = "It breaks even when this part is 40; at the target it pays"
    assert (start in said) == (now == 0)
    assert ("is 4,000.0% better; at" in said) == (now == 1)
    assert ("pays_from" in shown) == (now == 0)
    alone, said, _shown = weigh_one("new_customers", now, cost=2000)
    assert np.isnan(alone["pays_from"]) == (now == 1)
    assert ("no improvement" in said) == (now == 1)


@pytest.mark.parametrize(("rate", "said"), [(-0.3, True), (0.0, False), (np.nan, False)])
def test_more_sales_at_a_loss_are_said_to_lose_more(rate, said):
    texts = drivers.describe_costs(drivers.weigh_costs(explain()), tree=TREE, margin_rate=rate)
    loss = "Goods cost more than they bring: the loss is 30.0% of revenue."
    assert texts[0].startswith(loss) is said
    assert len(texts) == 5 + said


def test_new_customers_may_pay_after_the_month():
    row, said, _shown = weigh_one("new_customers", 10, target=12, cost=2000)
    assert row["pays"] == "not_within_month"
    assert "at the target it does not pay within the month (" in said
    assert said.endswith("what they buy later comes on top.")
    row, said, _shown = weigh_one("items_per_order", 10, target=12, cost=2000)
    assert row["pays"] == "does_not_pay"
    assert "later" not in said


def test_a_higher_price_is_all_margin_in_ltv_too():
    leaves = ["active_months", "orders_per_active_month", "order_value", "margin_rate"]
    table = pd.DataFrame({"leaf": leaves, "value_after": [2.5, 2.0, 100.0, 0.4]})
    ltv = drivers.Change(table, drivers.Formula(" * ".join(leaves)), ("a", "a"), 200.0, 200.0, 12)
    found = drivers.list_owners(explain(), ltv=ltv).set_index("leaf")["ltv_per_percent"]
    assert found[["items_per_order", "price_per_item"]].tolist() == pytest.approx([2, 5])


def test_a_unit_of_ones_own_takes_the_place_of_the_currency():
    said = {"owner": "A. Sato", "unit": "JPY per basket", "target": 50}
    tree = drivers.read_tree(
        {
            "leaves": {
                "price_per_item": said,
                "returned_share": said | {"unit": "of sales", "target": 0.02},
            }
        }
    )
    found = explain(tree)
    for shown in (
        drivers.show_owners(drivers.list_owners(found), currency="JPY", tree=tree),
        found.show(currency="JPY"),
    ):
        values = shown.set_index("leaf")["values"]
        assert values["price_per_item"] == "25 to 56 JPY per basket"
        assert values["returned_share"] == "0.0% to 4.0% of sales"
    targets = drivers.show_owners(drivers.list_owners(found), currency="JPY", tree=tree)
    assert targets.set_index("leaf").loc["price_per_item", "target"] == "50 JPY per basket"
    costs = drivers.show_costs(drivers.weigh_costs(found), currency="JPY", tree=tree)
    assert costs.set_index("leaf").loc["price_per_item", "values"] == "56 to 61 JPY per basket"
