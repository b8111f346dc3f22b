"""Rates, days after a purchase and guides: by hand, by invariants, and by the sample's truth."""

from __future__ import annotations

import pandas as pd
import pytest
from conftest import make_lines
from scipy import stats
from stub_enquiries import AS_OF, make_enquiries, read_orders, read_sample

from ltvkit import support
from ltvkit.errors import ColumnError, TooLittleData

LINES = make_lines(
    ("a", "1", "2024-01-01", 10, "tea"), ("a", "1", "2024-01-01", 5, "cup"),
    ("b", "2", "2024-01-10", 10, "tea"), ("a", "3", "2024-02-01", 10, "tea"),
    ("b", "R2", "2024-01-20", -10, "tea"), ("c", "4", "2024-01-05", 10, "jar"),
    extra=("product_id",),
)  # fmt: skip
ASKED = make_enquiries(
    ("a", "2024-01-05", "x", "tea", "1"), ("a", "2024-02-02", "x", "tea", None),
    ("b", "2024-01-12", "x", "tea", "2"), (None, "2024-01-13", "x", None, None),
    ("b", "2024-01-13", "x", "pot", None), ("d", "2024-01-13", "x", "cup", None),
    columns=("product_id", "order_id"),
)  # fmt: skip


def test_rates_by_hand(on):
    found = support.count_rates(on(ASKED), on(LINES), as_of="2024-02-29", by="product_id")
    figures = ["group", "orders", "enquiries", "per_100_orders"]
    assert found[figures].iloc[:3].to_numpy().tolist() == [
        ["cup", 1, 1, 100], ["tea", 3, 3, 100], ["jar", 1, 0, 0],
    ]  # fmt: skip
    rest = found.iloc[3]
    assert (rest["group"], rest["enquiries"]) == ("(not recorded)", 2)
    assert pd.isna(rest["orders"])
    assert pd.isna(rest["per_100_orders"])
    low, high = stats.chi2.ppf([0.025, 0.975], [2 * 3, 2 * 3 + 2]) / 2 / 3 * 100
    assert found.loc[1, ["per_100_low", "per_100_high"]].tolist() == pytest.approx([low, high])
    assert found.loc[2, "per_100_high"] == pytest.approx(368.9, abs=0.1)
    assert found.loc[1, "times"] == pytest.approx(1.0 / (1 / 2))


def test_rates_by_month_follow_each_other(on):
    found = support.count_rates(on(ASKED), on(LINES), as_of="2024-02-29", by="month")
    assert found[["group", "orders", "enquiries"]].to_numpy().tolist() == [
        ["2024-01", 3, 5], ["2024-02", 1, 1],
    ]  # fmt: skip


def test_a_product_with_more_enquiries_is_found_and_others_are_not():
    bought = [(f"c{n}", f"o{n}", "2024-01-01", 10, f"p{n % 10}") for n in range(2000)]
    asked = [(f"c{n}", "2024-01-05", "x", f"p{n % 10}") for n in range(0, 2000, 7)]
    more = [(f"c{n}", "2024-01-05", "x", "p3") for n in range(3, 600, 10)]
    table = make_enquiries(*asked, *more, columns=("product_id",))
    lines = make_lines(*bought, extra=("product_id",))
    found = support.count_rates(table, lines, as_of="2024-02-29").set_index("group")["verdict"]
    assert found.index[found == "more"].tolist() == ["p3"]
    alone = support.count_rates(table.iloc[: len(asked)], lines, as_of="2024-02-29")
    assert (alone["verdict"] == "as_usual").all()


def test_rates_of_a_column_that_orders_do_not_have():
    with pytest.raises(ColumnError, match="lot"):
        support.count_rates(ASKED.assign(lot="x"), LINES, as_of="2024-02-29", by="lot")
    with pytest.raises(TooLittleData, match="no enquiry of the last 365 days"):
        support.count_rates(ASKED, LINES, as_of="2026-02-28", by="product_id")


def test_days_by_hand(on):
    """Day 4 after the first order of a, day 1 after its later one; days 2 and 3 after that of b,
    which went back on day 10."""
    found = support.measure_days(on(ASKED), on(LINES), as_of="2024-03-31")
    rows = found.set_index(["order_kind", "days_after"])
    assert rows.loc[("first_order", "0 to 2"), ["orders", "enquiries"]].tolist() == [3, 1]
    assert rows.loc[("first_order", "3 to 7"), ["orders", "enquiries"]].tolist() == [3, 2]
    assert rows.loc[("later_order", "0 to 2"), ["orders", "enquiries"]].tolist() == [1, 1]
    assert rows.loc[("first_order", "8 to 14"), ["enquiries", "returns"]].tolist() == [0, 1]
    assert rows.loc[("first_order", "3 to 7"), "per_100_orders"] == pytest.approx(200 / 3)
    assert found["enquiries"].sum() == 4
    assert found["returns"].sum() == 1
    assert found["share"].sum() == pytest.approx(1)


def test_orders_that_are_too_young_are_not_counted(on):
    found = support.measure_days(on(ASKED), on(LINES), as_of="2024-02-03")
    rows = found.set_index(["order_kind", "days_after"])
    assert rows.loc[("later_order", "0 to 2"), "orders"] == 1
    assert rows.loc[("later_order", "3 to 7"), "orders"] == 0
    assert pd.isna(rows.loc[("later_order", "3 to 7"), "per_100_orders"])


def test_days_are_counted_from_the_delivery_where_it_is_known(on):
    late = LINES.assign(delivery_date=LINES["order_date"] + pd.Timedelta(days=3))
    rows = support.measure_days(on(ASKED), on(late), as_of="2024-03-31")
    counted = rows.set_index(["order_kind", "days_after"])["enquiries"]
    assert counted[("first_order", "0 to 2")] == 3


def test_the_planted_guide_is_found_and_no_other(on):
    found = support.find_guides(on(read_sample()), on(read_orders().lines), as_of=AS_OF)
    needing = found.table[found.table["verdict"] == "needs_guide"]
    assert needing["product_id"].tolist() == ["P015"]
    listed = found.customers
    assert len(listed) > 5
    assert (listed["product_id"] == "P015").all()
    assert (listed["first_order"] > "2024-08-31").all()
    firsts = read_orders().lines.groupby("customer_id")["order_date"].min()
    assert (listed["customer_id"].map(firsts) == listed["first_order"]).all()


def test_where_no_product_needs_a_guide_hardly_any_is_found():
    """A fifth of first orders brings an enquiry, whatever was bought: 20 draws."""
    lines, hits = read_orders().lines, 0
    firsts = lines[lines["amount"] > 0].sort_values("order_date").drop_duplicates("customer_id")
    for seed in range(20):
        some = firsts.sample(frac=0.2, random_state=seed)
        day = some["order_date"] + pd.Timedelta(days=5)
        asked = some[["customer_id", "product_id"]].assign(enquiry_date=day)
        found = support.find_guides(asked, lines, as_of=AS_OF)
        hits += (found.table["verdict"] == "needs_guide").any()
    assert hits <= 2


def test_of_nobody_who_bought_there_are_no_days():
    with pytest.raises(TooLittleData, match="no enquiry of a known customer follows an order"):
        support.measure_days(ASKED.assign(customer_id="z"), LINES, as_of="2024-03-31")
