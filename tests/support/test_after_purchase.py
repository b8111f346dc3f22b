"""Rates, days after a purchase and guides: by hand, by invariants, and by the sample's truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines
from scipy import stats
from stub_enquiries import AS_OF, make_enquiries, read_orders, read_sample

from ltvkit import support
from ltvkit.errors import ColumnError, TooLittleData
from ltvkit.support import after_purchase, rates

# Orders count from the first enquiry on, so one without a customer opens the recording.
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
    (None, "2024-01-01", "x", None, None), columns=("product_id", "order_id"),
)  # fmt: skip


def test_rates_by_hand(on):
    found = support.count_rates(on(ASKED), on(LINES), as_of="2024-02-29", by="product_id")
    figures = ["group", "orders", "enquiries", "per_100_orders"]
    assert found[figures].iloc[:3].to_numpy().tolist() == [
        ["cup", 1, 1, 100], ["tea", 3, 3, 100], ["jar", 1, 0, 0],
    ]  # fmt: skip
    rest = found.iloc[3]
    assert (rest["group"], rest["enquiries"]) == ("(not recorded)", 3)
    assert pd.isna(rest["orders"])
    assert pd.isna(rest["per_100_orders"])
    # Of tea, a wrote two and b one: 3 enquiries, the squares add up to 5, the most is 2.
    assert found.loc[1, "enquirers"] == 2
    low = 5 / 3 / 2 * stats.chi2.ppf(0.025, 2 * 9 / 5)
    high = (9 / 5) / 2 * stats.chi2.ppf(0.975, 2 * 25 / 9)
    limits = found.loc[1, ["per_100_low", "per_100_high"]].tolist()
    assert limits == pytest.approx([low / 3 * 100, high / 3 * 100])
    assert (rest["verdict"], rest["enquirers"]) == ("", 3)
    assert found.loc[2, "per_100_high"] == pytest.approx(368.9, abs=0.1)
    assert found.loc[1, "times"] == pytest.approx(1.0 / (1 / 2))


def test_rates_by_month_follow_each_other(on):
    found = support.count_rates(on(ASKED), on(LINES), as_of="2024-02-29", by="month")
    assert found[["group", "orders", "enquiries"]].to_numpy().tolist() == [
        ["2024-01", 3, 6], ["2024-02", 1, 1],
    ]  # fmt: skip


def test_a_product_with_more_enquiries_is_found_and_others_are_not():
    bought = [(f"c{n}", f"o{n}", "2024-01-01", 10, f"p{n % 10}") for n in range(2000)]
    asked = [(f"c{n}", "2024-01-05", "x", f"p{n % 10}") for n in range(0, 2000, 7)]
    asked += [(None, "2024-01-01", "x", None)]
    more = [(f"c{n}", "2024-01-05", "x", "p3") for n in range(3, 600, 10)]
    table = make_enquiries(*asked, *more, columns=("product_id",))
    lines = make_lines(*bought, extra=("product_id",))
    found = support.count_rates(table, lines, as_of="2024-02-29").set_index("group")["verdict"]
    assert found.index[found == "more"].tolist() == ["p3"]
    alone = support.count_rates(table.iloc[: len(asked)], lines, as_of="2024-02-29")
    assert set(alone["verdict"]) == {"as_usual", ""}  # enquiries without a product have none


def test_periods_before_enquiries_are_recorded_have_no_rate(on):
    late = ASKED[ASKED["enquiry_date"] > "2024-01-31"]
    found = support.count_rates(on(late), on(LINES), as_of="2024-02-29", by="month")
    assert found["orders"].iloc[0] == 3
    assert pd.isna(found["orders"].iloc[1])  # that of 1 February: too early
    assert found["per_100_orders"].isna().all()
    assert found["verdict"].tolist() == ["", ""]
    early = ASKED.assign(enquiry_date=ASKED["enquiry_date"].where(
        ASKED["enquiry_date"] > "2024-01-31", pd.Timestamp("2024-01-10")))  # fmt: skip
    rows = support.count_rates(on(early), on(LINES), as_of="2024-02-29", by="month")
    assert rows["orders"].tolist() == [1, 1]


def test_products_sold_before_enquiries_are_recorded_do_not_look_better():
    """Every tenth order brings an enquiry; p0 was sold in the year before, too."""
    bought = [(f"a{n}", f"x{n}", "2023-06-01", 10, "p0") for n in range(500)]
    bought += [(f"c{n}", f"o{n}", "2024-01-02", 10, f"p{n % 2}") for n in range(400)]
    asked = [(None, "2024-01-01", "x", None)]
    asked += [(f"c{n}", "2024-01-05", "x", f"p{n % 2}") for n in range(400) if n % 20 < 2]
    table = make_enquiries(*asked, columns=("product_id",))
    lines = make_lines(*bought, extra=("product_id",))
    found = support.count_rates(table, lines, as_of="2024-03-31").set_index("group")
    assert found.loc["p0", "per_100_orders"] == found.loc["p1", "per_100_orders"] == 10
    guides = support.find_guides(table, lines, as_of="2024-03-31").table
    assert guides["first_orders"].tolist() == [200, 200]
    assert (guides["verdict"] == "as_usual").all()
    said = support.describe_recording(table, lines, as_of="2024-03-31")
    assert "from 2024-01-01 on and orders from 2023-06-01 on" in said
    assert not support.describe_recording(table, lines.iloc[500:], as_of="2024-03-31")


def test_of_customers_who_write_twice_few_products_are_found_and_limits_hold():
    """200 shops of 10 products alike; a twentieth of orders brings an enquirer, who writes 1 to 4
    enquiries. Counted one by one, a product had "more" in half of the shops."""
    rng, hits, inside = np.random.default_rng(5), 0, 0
    for _shop in range(200):
        who = rng.poisson(20, 10)
        wrote = [rng.choice([1, 2, 4], n, p=[0.6, 0.2, 0.2]) for n in who]
        found = rates._rate(pd.DataFrame({
            "group": range(10), "orders": 400.0, "enquiries": [x.sum() for x in wrote],
            "enquirers": who, "squares": [(x**2).sum() for x in wrote],
            "most": [x.max(initial=0) for x in wrote],
        }))  # fmt: skip
        hits += (found["verdict"] == "more").any()
        inside += (found["per_100_low"].le(9) & found["per_100_high"].ge(9)).sum()
    assert hits <= 16
    assert inside >= 0.94 * 2000


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
    assert counted[("first_order", "0 to 2")] == 2
    assert counted[("first_order", "before delivery")] == 1


def test_orders_that_are_not_delivered_and_enquiries_before_a_delivery_have_bands(on):
    """Order 1 is delivered on 8 January, after the enquiry of the 5th; order 2 and 4 are not."""
    came = LINES["order_id"].map({"1": "2024-01-08", "3": "2024-02-01"}).astype("datetime64[us]")
    rows = support.measure_days(on(ASKED), on(LINES.assign(delivery_date=came)), as_of="2024-03-31")
    counted = rows.set_index(["order_kind", "days_after"])[["orders", "enquiries", "returns"]]
    assert counted.loc[("first_order", "before delivery")].tolist() == [1, 1, 0]
    assert counted.loc[("first_order", "not delivered")].tolist() == [2, 2, 1]
    assert counted.loc[("first_order", "0 to 2")].tolist() == [1, 0, 0]
    assert counted["enquiries"].sum() == 4
    none = LINES.assign(delivery_date=came.where(came.isna()))
    plain = support.measure_days(on(ASKED), on(LINES), as_of="2024-03-31")
    again = support.measure_days(on(ASKED), on(none), as_of="2024-03-31")
    pd.testing.assert_frame_equal(again, plain)


def test_where_an_export_begins_late_nobody_counts_as_new_before(on):
    """Of customers who bought before it is known who is new, only later orders count."""
    lines, asked = read_orders().lines, read_sample()
    late, told = lines[lines["order_date"] >= "2023-01-01"], {"export_begins": "later"}
    known = after_purchase.find_known_from(late, as_of=AS_OF, **told)
    if known is None:
        pytest.fail("the policy says that the shop is older")
    found = support.measure_days(on(asked), on(late), as_of=AS_OF, **told)
    bought = late[late["amount"] >= 0].dropna(subset="customer_id")
    begun = bought.groupby("customer_id")["order_date"].min()
    firsts = found[(found["order_kind"] == "first_order") & (found["days_after"] == "0 to 2")]
    old = (begun >= known) & (begun <= pd.Timestamp(AS_OF) - pd.Timedelta(days=2))
    assert int(firsts["orders"].iloc[0]) == pytest.approx(old.sum(), abs=3)
    listed = support.find_guides(on(asked), on(late), as_of=AS_OF, **told).table
    whole = support.find_guides(on(asked), on(late), as_of=AS_OF).table
    assert listed["first_orders"].sum() < whole["first_orders"].sum()


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
