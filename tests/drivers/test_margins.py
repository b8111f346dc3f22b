"""Why margin changed: the same leaves and the margin rate, by hand, on every engine."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines

from ltvkit import drivers
from ltvkit.display import tables
from ltvkit.drivers import segments
from ltvkit.drivers.changes import find_spans
from ltvkit.drivers.factors import add_up_factors
from ltvkit.errors import ColumnError, ParamsError, TooLittleData
from ltvkit.ingest import daily

# January: 200 of revenue, 80 of margin. February: 480 after 20 that came back, 120 of margin.
LINES = make_lines(
    ("b", "2", "2024-01-10", 100, 4, 50, "tea"), ("c", "3", "2024-01-20", 100, 4, 30, "tea"),
    ("a", "4", "2024-02-01", 300, 5, 90, "mugs"), ("b", "5", "2024-02-02", 50, 1, 10, "tea"),
    ("b", "6", "2024-02-20", 50, 1, 10, "tea"), ("b", "R", "2024-02-25", -20, 1, -10, "tea"),
    ("d", "7", "2024-02-28", 100, 2, 20, "mugs"),
    extra=("quantity", "margin", "category"),
)  # fmt: skip
RULE = {"as_of": "2024-02-29", "export_begins": "opening"}


def explain(lines=LINES, **options):
    return drivers.explain(
        lines, **{"lines": lines, "of": "margin", "draws": 50, **RULE, **options}
    )


def test_the_margin_rate_is_the_last_leaf_by_hand(on):
    found = explain(on(LINES))
    assert found.formula.text.endswith("* price_per_item * (1 - returned_share) * margin_rate")
    table = found.table.set_index("leaf")
    assert (found.before, found.after) == (80, 120)
    assert table["change_in_margin"].sum() == pytest.approx(40, abs=0.005)
    rate = table.loc["margin_rate"]
    assert rate[["value_before", "value_after"]].tolist() == pytest.approx([0.4, 0.25])
    assert rate["department"] == "merchandising"
    assert "change_in_revenue" not in table


def test_two_leaves_that_move_share_by_hand():
    """Two customers with an order of 100 in both months: 20% of 200, and 30% of 300."""
    rows = [("a", "0", "2023-12-01", 9, 1), ("b", "0", "2023-12-01", 9, 1)]
    rows += [("a", "1", "2024-01-05", 100, 20), ("b", "2", "2024-01-06", 100, 20)]
    rows += [("a", "3", "2024-03-05", 150, 45), ("b", "4", "2024-03-06", 150, 45)]
    lines = make_lines(*rows, extra=("margin",))
    rule = {"as_of": "2024-03-31", "against": "2024-01"}
    found = explain(lines, **rule).table.set_index("leaf")
    # Order value first: 100 x 20%, then 300 x 10%; the other way 100 x 30% and 200 x 10%.
    part = found["change_in_margin"]
    assert part[["order_value", "margin_rate"]].tolist() == pytest.approx([25, 25])
    assert part.drop(["order_value", "margin_rate"]).tolist() == pytest.approx([0] * 5)


def test_what_is_said_and_shown_is_about_margin():
    found = explain()
    said = drivers.finding(found, currency="JPY")
    assert said.startswith(
        "Margin rose by 40 JPY (+50.0%) from January 2024 to February 2024, to 120 JPY. Orders rose"
    )
    assert " The margin rate fell from 40.0% to 25.0% (\N{MINUS SIGN}" in said
    factors = add_up_factors(found).set_index("factor")
    assert factors["value_after"].tolist() == pytest.approx([3, 4 / 3, 120, 0.25])
    owners = drivers.list_owners(found)
    shown = [found.show(), drivers.show_owners(owners), found.bridge, drivers.improve(found)]
    shown += [found.reconcile(drivers.list_totals(LINES, as_of="2024-02-29", of="margin"))]
    shown += [
        segments.split(LINES, by="category", spans=find_spans(as_of="2024-02-29"), of="margin")
    ]
    seen = [said, *(tables.show(table).text(whole=True) for table in (*shown, factors))]
    assert not any("revenue" in text.lower() for text in seen)
    assert "Change in margin" in seen[1]
    assert set(found.table["verdict"]) <= {"raised_margin", "lowered_margin", "unclear", "unmoved"}


def test_it_is_held_against_the_sum_of_margins(on):
    totals = drivers.list_totals(on(LINES), as_of="2024-02-29", of="margin")
    assert totals.to_numpy().tolist() == [["2024-01", 80], ["2024-02", 120]]
    table = explain().reconcile(totals)
    assert table["margin_of_orders"].tolist() == [80, 120]
    assert table["difference_in_margin"].abs().max() < 0.005


def test_lines_without_a_margin_count_as_zero_and_are_counted(on):
    lines = LINES.assign(margin=LINES["margin"].where(LINES["order_id"] != "7"))
    found = explain(on(lines))
    assert found.after == daily.aggregate(lines)["margin"].sum() - 80 == 100
    assert found.no_margin == 1
    assert drivers.finding(found).endswith(
        "One order line of these periods has no margin, and counts as a margin of 0."
    )


def test_a_margin_rate_that_is_given_takes_the_place_of_margins():
    lines = LINES.drop(columns="margin")
    found = explain(lines, margin_rate=0.3)
    assert (found.before, found.after) == pytest.approx((60, 144))
    rate = found.table.set_index("leaf").loc["margin_rate"]
    assert (rate["change_in_margin"], rate["verdict"]) == (0, "unmoved")
    totals = drivers.list_totals(lines, as_of="2024-02-29", of="margin", margin_rate=0.3)
    assert found.reconcile(totals)["difference_in_margin"].abs().max() < 0.005
    revenue = drivers.explain(lines, lines=lines, **RULE).table["change_in_revenue"]
    assert found.table["change_in_margin"][:-1].tolist() == pytest.approx((0.3 * revenue).tolist())
    with pytest.raises(ColumnError, match="no column 'margin'"):
        explain(lines)


def test_a_margin_below_zero_and_more_sent_back_than_sold_add_up():
    lines = make_lines(
        ("a", "1", "2024-01-01", 100, -10), ("b", "2", "2024-01-02", 100, -10),
        ("b", "3", "2024-02-02", 30, 10), ("a", "R", "2024-02-05", -50, -40),
        extra=("margin",),
    )  # fmt: skip
    found = explain(lines)
    assert found.formula.text.startswith("(days * ")
    assert found.formula.text.endswith("order_value - sent_back) * margin_rate")
    assert (found.before, found.after) == (-20, -30)
    assert found.table["change_in_margin"].sum() == pytest.approx(-10, abs=0.005)


def test_a_margin_without_revenue_is_refused():
    free = make_lines(("a", "3", "2024-02-03", 0, -25), extra=("margin",))
    given = pd.concat([LINES[LINES["order_date"] < "2024-02-01"].drop(columns="category"), free])
    with pytest.raises(TooLittleData, match=r"in February 2024 revenue is 0 and margin is .25.00"):
        explain(given)
    back = make_lines(
        ("a", "3", "2024-02-03", 0.1, 1), ("a", "4", "2024-02-03", 0.2, 1),
        ("a", "5", "2024-02-04", -0.3, 1), extra=("margin",),
    )  # fmt: skip
    with pytest.raises(TooLittleData, match="revenue is 0 and margin is 3.00"):
        explain(pd.concat([given.iloc[:-1], back]))


def test_the_change_by_segment_is_one_of_margin(on):
    spans = find_spans(as_of="2024-02-29")
    table = segments.split(on(LINES), by="category", spans=spans, of="margin")
    table = table.set_index("segment")
    assert table["change_in_margin"].to_dict() == {"mugs": 110, "tea": -70}
    assert table["margin_after"].to_dict() == {"mugs": 110, "tea": 10}
    assert sum(segments.share_out(table).values()) == pytest.approx(40)
    rate = segments.split(on(LINES), by="category", spans=spans, of="margin", margin_rate=0.5)
    assert rate["change_in_margin"].tolist() == [200, -60]


def test_a_higher_price_is_all_margin():
    """Ten percent more orders bring 10% of 120, of a higher price 10% of 480 stays."""
    gains = drivers.improve(explain()).set_index("leaf")["gain"]
    assert gains[["orders_per_customer", "margin_rate", "price_per_item"]].tolist() == (
        pytest.approx([12, 12, 48])
    )
    worth = drivers.list_owners(explain()).set_index("leaf")["margin_per_percent"]
    assert worth[["items_per_order", "price_per_item"]].tolist() == pytest.approx([1.2, 4.8])
    leaves = {
        "price_per_item": {"owner": "A", "cost": 24},
        "orders_per_customer": {"owner": "B", "cost": 24},
    }
    tree = drivers.read_tree({"leaves": leaves})
    costs = drivers.weigh_costs(explain(kpi_tree=tree), margin_rate=0.25).set_index("leaf")
    assert costs.loc[list(leaves), "break_even"].tolist() == pytest.approx([0.05, 0.2])
    said = drivers.describe_costs(costs.reset_index(), tree=tree, margin_rate=0.25, of="margin")
    assert said[-1] == "Costs are paid from the margin; a higher price is all margin."


def test_a_tree_of_the_shops_own_is_multiplied_by_the_margin_rate():
    given = {
        "formula": "customers * orders_per_customer * order_value",
        "leaves": {
            name: {"owner": "A"}
            for name in ("customers", "orders_per_customer", "order_value", "margin_rate")
        },
    }
    found = explain(kpi_tree=drivers.read_tree(given, of="margin"))
    assert found.formula.text == f"{given['formula']} * margin_rate"
    assert found.table["change_in_margin"].sum() == pytest.approx(40, abs=0.005)
    with pytest.raises(ParamsError, match="'margin_rate' is a leaf of margin.*set drivers_of"):
        drivers.read_tree(given)
    with pytest.raises(ParamsError, match="to be named under leaves"):
        drivers.read_tree({"formula": "order_value * margin_rate"}, of="margin")


def test_two_shops_have_their_own_margin_rates():
    ours, theirs = LINES, LINES.drop(columns="margin").assign(amount=LINES["amount"] * 2)
    other = drivers.Other(theirs, theirs, "Theirs", "opening", margin_rate=0.5)
    rule = {**RULE, "lines": ours, "other": other, "title": "Ours"}
    found = drivers.compare(ours, **rule, of="margin")
    assert (found.before, found.after) == (480, 120)
    assert found.table["change_in_margin"].sum() == pytest.approx(-360, abs=0.005)
    said = drivers.finding(found)
    assert said.startswith("In February 2024, margin of Ours was 360.00")
    assert "Margin rate: 25.0% against 50.0% (" in said


def test_ranges_of_the_margin_rate_hold_chance_alone():
    """Rates of 10% or 50% by customer: of 400, the mean of those who buy is a matter of chance."""
    rng = np.random.default_rng(1)
    rows = [
        (f"c{n}", f"{m}-{n}", f"2024-0{m}-{1 + n % 28:02d}", 10, 1 + 4 * (n % 2))
        for m in (1, 2, 3)
        for n in np.flatnonzero(rng.random(800) < 0.5)
    ]
    table = explain(make_lines(*rows, extra=("margin",)), as_of="2024-03-31", draws=400).table
    rate = table.set_index("leaf").loc["margin_rate"]
    assert rate["low"] < rate["change_in_margin"] < rate["high"]
    assert rate["verdict"] == "unclear"
