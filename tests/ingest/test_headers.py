"""Headers are understood as data: certain, or asked about, never guessed."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltvkit.core import personal_data
from ltvkit.core.personal_data import header_key
from ltvkit.errors import ParamsError
from ltvkit.ingest import headers
from ltvkit.ingest.policies import check_options
from ltvkit.ingest.schema import COLUMNS

KNOWN = [(name, alias) for name, tiers in headers.ALIASES.items() for alias in chain(*tiers)]


def test_every_column_has_headers_and_no_header_has_two_meanings():
    assert set(headers.ALIASES) == {*COLUMNS, "currency"}
    bare = [headers._normalize(alias) for _name, alias in KNOWN]
    assert len(bare) == len(set(bare))


@pytest.mark.parametrize(("name", "alias"), KNOWN, ids=[alias for _name, alias in KNOWN])
def test_every_header_is_understood_alone_and_however_it_is_written(name, alias):
    for written in (alias, f' "{alias.upper()}" ', f"\ufeff{alias}", alias.replace(" ", "_")):
        assert headers.match_columns([written]) == {name: written}


@given(st.text())
def test_a_key_is_its_own_key(text):
    assert header_key(header_key(text)) == header_key(text)


@pytest.mark.parametrize(
    ("found", "amount"),
    [
        (["金額", "合計金額"], "金額"),
        (["明細金額", "売上"], "明細金額"),
        (["税込金額", "税抜金額"], "税抜金額"),
        (["金額(税込)", "金額"], "金額"),
        (["line total", "order total"], "line total"),
        (["order total", "qty", "unit price"], None),
        (["小計", "個数", "価格"], None),
        (["金額", "数量", "単価"], "金額"),
        (["order total", "qty"], "order total"),
        (["売上", "購入金額"], None),
    ],
)
def test_the_amount_is_the_lines_before_the_orders_and_without_tax_before_with(found, amount):
    assert headers.match_columns(found).get("amount") == amount


def test_two_that_fit_alike_are_asked_about():
    found = ["顧客ID", "会員番号", "注文日", "受注日時"]
    assert headers.find_ambiguous(found) == {"customer_id": ["顧客ID", "会員番号"]}
    assert headers.match_columns(found) == {"order_date": "受注日時"}


@given(st.lists(st.sampled_from([alias for _name, alias in KNOWN]), unique=True, max_size=12))
def test_certain_and_undecided_share_nothing_and_use_a_header_once(found):
    sure, asked = headers.match_columns(found), headers.find_ambiguous(found)
    assert not set(sure) & set(asked)
    used = [*sure.values(), *chain(*asked.values())]
    assert len(used) == len(set(used))
    assert set(used) <= set(found)
    assert headers.match_columns(found[::-1]) == sure


@pytest.mark.parametrize(
    ("header", "basis"),
    [
        ("税込金額", "included"),
        ("売上（税込）", "included"),
        ("Price incl. tax", "included"),
        ("Item Cost (inc. tax)", "included"),
        ("税抜金額", "excluded"),
        ("本体価格", "excluded"),
        ("Order Line (w/o tax)", "excluded"),
        ("total excl. tax", "excluded"),
        ("金額", ""),
        ("taxi", ""),
    ],
)
def test_what_a_header_says_of_tax(header, basis):
    assert headers.find_tax_basis(header) == basis


def test_matching_is_exact_first_then_by_key_and_never_between_two():
    assert headers.match_header("Order Date", ["order_date", "Order Date"]) == "Order Date"
    assert headers.match_header("Order Date", ["ＯＲＤＥＲ＿ＤＡＴＥ"]) == "ＯＲＤＥＲ＿ＤＡＴＥ"
    assert headers.match_header("Order Date", ["order_date", "order-date"]) is None
    assert headers.match_header("Order Date", ["date"]) is None


@pytest.mark.parametrize("header", ["お名前(姓)", "氏(請求先)", "メールアドレス", "Email", "TEL"])
def test_personal_data_is_known_by_its_header(header):
    assert personal_data.is_personal(header)
    assert not personal_data.is_personal("商品名")


@pytest.mark.parametrize(
    "header",
    ["商品名", "product name", "メール便", "カナダ産", "channel", "Lineitem name", "取引名"],
)
def test_what_names_no_person_is_not_refused(header):
    assert not personal_data.is_personal(header)


@pytest.mark.parametrize(
    "header",
    [
        *("Email (Billing)", "お名前(姓)", "購入者メールアドレス", "携帯電話番号"),
        *("Billing Phone", "お届け先住所", "name"),
    ],
)
def test_a_column_that_names_people_cannot_be_mapped(header):
    with pytest.raises(ParamsError, match="is personal data"):
        check_options(columns={"contact": header})
