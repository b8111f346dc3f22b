"""Customer ids in several spellings, of guests, and names in their place."""

from __future__ import annotations

import pytest
from conftest import make_lines

from ltvkit.core.personal_data import is_name
from ltvkit.engines import frames
from ltvkit.quality import customer_ids


def measure(*counts, facts=None, fold="none", on=lambda frame: frame):
    """(customer_id, orders) -> what is measured of such orders of 10 each."""
    rows = [(c, f"{c}-{n}", "2024-01-05", 10) for c, orders in counts for n in range(orders)]
    lines = frames.lazy(on(make_lines(*rows)))
    return customer_ids.measure(lines, facts or {}, fold=fold)


@pytest.mark.parametrize(
    ("ids", "fold", "customers"),
    [
        (["1001", "1001.0", "1002", "1002.0", "1003"], "number", 2),
        (["00017", "17", "18"], "number", 1),
        (["00017", "１７", "18"], "all", 1),
        (["A1", "a1", "1.5", "15"], "case", 1),
        (["１001.0", "1001"], "all", 1),
    ],
)
def test_ids_of_several_spellings(on, ids, fold, customers):
    found = measure(*((i, 2) for i in ids), on=on)
    assert (found.spelled.fold, found.spelled.customers) == (fold, customers)
    assert found.spelled.ids == 2 * customers
    assert found.spelled.revenue == 20 * found.spelled.ids
    assert customer_ids.check_spellings(found)[0]
    assert not customer_ids.check_spellings(measure(*((i, 2) for i in ids), fold="all"))[0]


@pytest.mark.parametrize("name", ["0", "Guest", "ゲスト", "-", "N/A", "非会員", "NULL"])
def test_placeholders_are_probably_guests(on, name):
    found, figure = customer_ids.check_guests(measure(("a", 1), (name, 3), on=on))
    assert found
    assert figure == f'the customer id "{name}" probably means nobody (3 orders, 30.00)'


def test_several_placeholders_are_added_up():
    found, figure = customer_ids.check_guests(measure(("a", 1), ("0", 3), ("guest", 2)))
    assert found
    assert figure == 'the customer ids "0", "guest" probably mean nobody (5 orders, 50.00)'


def test_one_id_with_very_many_orders_is_told_without_the_id(on):
    shop = [(f"c{n}", 4) for n in range(60)]
    found, figure = customer_ids.check_guests(measure(("shop@x.example", 48), *shop, on=on))
    assert found
    assert figure == "one customer id has 48 orders (480.00), 12 times as many as the next"
    assert not customer_ids.check_guests(measure(("c", 20), *shop))[0]  # five times, and no more
    assert not customer_ids.check_guests(measure(("c", 21), *shop[:18]))[0]  # too few customers


def test_customers_told_apart_by_a_name_alone():
    facts = {"customer_from": "購入者名"}
    found, figure = customer_ids.check_names(measure(("a", 1), ("b", 2), facts=facts))
    assert found
    assert figure == "2 customers (30.00) are told apart by a name alone, the column '購入者名'"
    assert not customer_ids.check_names(measure(("a", 1), facts={"customer_from": "会員番号"}))[0]


@pytest.mark.parametrize("header", ["氏名", "お名前", "Name", "Buyer Name", "Billing Name"])
def test_headers_of_names(header):
    assert is_name(header)


@pytest.mark.parametrize("header", ["customer_id", "顧客ID", "Email", "商品名", "Username ID"])
def test_headers_of_other_things(header):
    assert not is_name(header)
