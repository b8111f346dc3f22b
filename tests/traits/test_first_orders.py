"""Traits of first orders by hand, on every engine; later orders change none of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ltvkit import cohorts, orders, periods, traits
from ltvkit.engines import frames
from ltvkit.errors import ColumnError, ParamsError, TooLittleData
from ltvkit.traits import groups

RULE = {"as_of": "2024-12-31", "export_begins": "opening"}
APRIL = periods.index_of("2024-04-01", "month")
EXTRA = ("channel", "category", "product", "coupon", "region")
LINES = make_lines(
    # Two lines of "tea" together hold more money than the largest line; the return is netted.
    ("a", "1", "2024-01-01", 30, "web", "tea", "green", None, "north"),
    ("a", "1", "2024-01-01", 30, "web", "tea", "black", None, "north"),
    ("a", "2", "2024-01-01", 50, "shop", "cups", "mug", "X", "north"),
    ("a", "R", "2024-01-01", -10, "web", "tea", "black", None, "north"),
    ("a", "3", "2024-05-05", 999, "mail", "pots", "pot", "X", "south"),
    # Equal money: the first by name.
    ("b", "4", "2024-04-06", 20, "web", "tea", "green", "X", None),
    ("b", "4", "2024-04-06", 20, "web", "cups", "mug", "X", None),
    # A return before any purchase is no first order.
    ("c", "R", "2024-07-01", -5, "mail", "pots", "pot", None, "south"),
    ("c", "5", "2024-07-14", 0, "shop", "tea", "green", None, "south"),
    ("d", "6", "2025-01-01", 70, "shop", "tea", "green", None, "south"),  # after the day
    extra=EXTRA,
)  # fmt: skip
BY_HAND = {
    "customer_id": ["a", "b", "c"],
    "amount": [100.0, 40.0, 0.0],
    "first_channel": ["web", "web", "shop"],
    "first_category": ["tea", "cups", "tea"],
    "first_product": ["mug", "green", "green"],
    "first_coupon": ["(none)", "X", "(none)"],
    "first_region": ["north", "(not known)", "south"],
    "first_basket": ["several products", "several products", "one product"],
    "first_weekday": ["Monday", "Saturday", "Sunday"],
    "first_quarter": ["January to March", "April to June", "July to September"],
    "first_amount_band": ["above 40.00", "above 0.00, up to 40.00", "up to 0.00"],
}


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(groups, "FEWEST", 1)


def table(frame) -> pd.DataFrame:
    return frames.table(frames.lazy(frame)).sort_values("customer_id", ignore_index=True)


def test_by_hand(on, few):
    found = traits.collect(on(LINES), **RULE)
    assert isinstance(found, type(on(LINES)))
    found = table(found)
    assert {name: found[name].tolist() for name in BY_HAND} == BY_HAND
    assert found["first_order"].astype(str).tolist() == ["2024-01-01", "2024-04-06", "2024-07-14"]
    assert set(found) == {*BY_HAND, "first_order"}


def test_the_order_of_lines_and_splitting_one_change_nothing(on, few):
    shuffled = LINES.sample(frac=1, random_state=3)
    half = shuffled.assign(amount=shuffled["amount"] / 2)
    expected = table(traits.collect(LINES, **RULE))
    for lines in (shuffled, pd.concat([half, half], ignore_index=True)):
        found = table(traits.collect(on(lines), **RULE))
        pd.testing.assert_frame_equal(found, expected, check_dtype=False)


def test_columns_can_be_chosen(on, few):
    found = traits.collect(on(LINES), by=["region"], **RULE)
    named = traits.list_traits(found)
    assert [n for n in named if n.removeprefix("first_") in EXTRA] == ["first_region"]
    with pytest.raises(ColumnError, match="no column 'device'"):
        traits.collect(on(LINES), by=["device"], **RULE)
    with pytest.raises(ParamsError, match="bands=1"):
        traits.collect(on(LINES), bands=1, **RULE)


def test_without_products_a_basket_is_of_pieces_and_discounts_are_told(on, few):
    lines = make_lines(
        ("a", "1", "2024-01-01", 9, 1, 0.0), ("b", "2", "2024-01-01", 9, 2, 0.0),
        ("c", "3", "2024-01-01", 9, 1, -1.0), ("c", "3", "2024-01-01", 9, 1, None),
        extra=("quantity", "line_discount"),
    )  # fmt: skip
    found = table(traits.collect(on(lines), **RULE))
    assert found["first_basket"].tolist() == ["one piece", "several pieces", "several pieces"]
    without, has = "without a discount", "with a discount"
    assert found["first_discount"].tolist() == [without, without, has]
    assert "first_weekday" not in found  # one value says nothing


def test_an_id_is_no_trait_beside_a_name(on, few):
    lines = LINES.assign(product_id=LINES["product"], status="kept", currency="JPY")
    named = traits.list_traits(traits.collect(on(lines), **RULE))
    assert not {"first_product_id", "first_status", "first_currency"} & set(named)


def test_rare_values_are_gathered(on):
    sizes = {"x": 40, "y": 30, "z": 29, "w": 1}
    regions = [name for name, size in sizes.items() for _n in range(size)]
    rows = [(f"{n:03d}", f"{n}", "2024-01-01", 5 + n, region) for n, region in enumerate(regions)]
    lines = make_lines(*rows, extra=("region",))
    found = table(traits.collect(on(lines), **RULE))["first_region"].value_counts().to_dict()
    assert found == {"x": 40, "y": 30, "(all others)": 30}


def test_of_many_values_the_most_frequent_keep_their_names(on):
    rows = [
        (f"{value}-{n}", f"{value}-{n}", "2024-01-01", 5, f"v{value:02d}")
        for value in range(14)
        for n in range(30 + (value < 3))
    ]
    found = table(traits.collect(on(make_lines(*rows, extra=("region",))), **RULE))
    counts = found["first_region"].value_counts()
    assert counts["(all others)"] == 3 * 30
    assert set(counts.index) == {"(all others)", *(f"v{n:02d}" for n in range(11))}


def test_bands_hold_as_many_customers_as_equal_amounts_allow(on):
    amounts = [1] * 60 + [2] * 30 + [3] * 30 + [4] * 30
    rows = [(f"{n:03d}", f"{n}", "2024-01-01", x) for n, x in enumerate(amounts)]
    found = table(traits.collect(on(make_lines(*rows)), bands=5, **RULE))
    assert found["first_amount_band"].value_counts().to_dict() == {
        "up to 1.00": 60, "above 1.00, up to 2.00": 30, "above 2.00, up to 3.00": 30,
        "above 3.00": 30,
    }  # fmt: skip
    same = make_lines(*((*row[:3], 7) for row in rows))
    assert "first_amount_band" not in traits.list_traits(traits.collect(on(same), **RULE))


def test_who_may_have_bought_before_the_export_is_left_out(on, few, monkeypatch):
    monkeypatch.setattr(cohorts, "find_known", lambda *_args, **_rule: APRIL)
    assert table(traits.collect(on(LINES), **RULE))["customer_id"].tolist() == ["b", "c"]


def test_where_it_is_not_known_who_is_new_there_are_no_traits(on):
    with pytest.raises(TooLittleData, match="nowhere in it can be told who is new"):
        traits.collect(on(LINES), as_of="2024-05-05", export_begins="later")


FIRST = {
    who: pd.Timestamp(day)
    for who, day in {"a": "2024-01-01", "b": "2024-04-06", "c": "2024-07-14"}.items()
}
LATER = st.tuples(
    st.sampled_from(["a", "b", "c"]),
    st.integers(1, 200),
    st.floats(-50, 500, allow_nan=False),
    st.sampled_from(["web", "shop", "new"]),
)


@pytest.fixture(scope="module")
def by_hand():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(groups, "FEWEST", 1)
        yield table(traits.collect(LINES, **RULE))


@settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
@given(st.lists(LATER, max_size=12), st.booleans())
def test_later_orders_change_nothing(by_hand, later, dropped):
    """Orders after the first day are added, others taken away: all traits stay as they were."""
    day = pd.to_datetime(LINES["customer_id"].map(FIRST))
    kept = LINES[LINES["order_date"] <= day] if dropped else LINES
    rows = [
        (who, f"L{n}", FIRST[who] + pd.Timedelta(days, "D"), amount, *[value] * len(EXTRA))
        for n, (who, days, amount, value) in enumerate(later)
    ]
    lines = pd.concat([kept, make_lines(*rows, extra=EXTRA)]) if rows else kept
    pd.testing.assert_frame_equal(table(traits.collect(lines, **RULE)), by_hand)


NAMES = ("First_Order", "order", "Basket", "weekday", "amount_band", "born", "ltv", "_first", "_n")


def test_columns_named_like_the_kits_own_change_nothing(on, few, by_hand):
    letter = LINES["customer_id"].map({"a": "x", "b": "y", "c": "x", "d": "x"})
    letters = dict.fromkeys(NAMES, letter)
    found = table(traits.collect(on(LINES.assign(**letters)), **RULE))
    expected = by_hand.astype(str)
    pd.testing.assert_frame_equal(found[list(expected)].astype(str), expected, check_dtype=False)
    added = [name for name in found if name not in expected]
    assert len(added) == len(NAMES) - 2  # those that begin with _ are no columns of the shop


def test_all_engines_give_the_same(on):
    book = orders.read("demo:traits", policies={"cancelled_status": ["cancelled"]}, engine="pandas")
    lines = book.lines
    expected = table(traits.collect(lines, as_of="2024-09-30"))
    found = table(traits.collect(on(lines), as_of="2024-09-30"))
    assert len(traits.list_traits(expected)) == 7
    assert np.allclose(found.pop("amount"), expected.pop("amount"))
    pd.testing.assert_frame_equal(found.astype(str), expected.astype(str), check_dtype=False)


def test_traits_are_added_to_customers_who_have_them(on):
    customers = pd.DataFrame(
        {"customer_id": ["c2", "c1", "c3"], "revenue": [1.0, 2.0, 3.0], "first_channel": "old"}
    )
    first = pd.DataFrame(
        {
            "customer_id": ["c1", "c2", "c9"],
            "first_order": pd.Timestamp("2024-01-05"),
            "amount": 1.0,
            "first_channel": ["web", "shop", "web"],
        }
    )
    found = frames.table(frames.lazy(traits.add_traits(on(customers), on(first))))
    assert found.to_dict("list") == {
        "customer_id": ["c1", "c2"], "revenue": [2.0, 1.0], "first_channel": ["web", "shop"],
    }  # fmt: skip
