"""Numbers, days and lists as Japanese writes them."""

from __future__ import annotations

import datetime as dt

import pytest

from ltvkit.core import i18n
from ltvkit.display import formats, joining, wrapping


@pytest.fixture(autouse=True)
def japanese():
    with i18n.speaking("ja"):
        yield


@pytest.mark.parametrize(
    ("amount", "spread", "text"),
    [
        (24_187_654, 4_000_000, "2,420万円"),
        (1_234_567_890, 10_000_000, "12.35億円"),
        (3_000_000, 100_000, "300万円"),
        (999_999, 100, "1,000,000円"),
        (1832, 310, "1,830円"),
        (-24_187_654, 4_000_000, "−2,420万円"),
    ],
)
def test_large_amounts_are_in_man_and_oku(amount, spread, text):
    assert formats.rough_money(amount, spread=spread, currency="JPY") == text


def test_a_range_names_its_unit_once():
    text = formats.rough_money(22_187_654, 26_187_654, spread=4_000_000, currency="JPY")
    assert text == "2,220〜2,620万円"


@pytest.mark.parametrize(
    ("currency", "text"),
    [("JPY", "12,346円"), ("円", "12,346円"), ("¥", "12,346円"), ("USD", "12,346ドル"),
     ("£", "£12,346"), ("points", "12,346 points")],
)  # fmt: skip
def test_money_has_its_unit(currency, text):
    assert formats.money(12345.6, currency) == text
    assert formats.money(-500, "JPY") == "−500円"
    assert formats.label("revenue", "JPY") == "売上（円）"


@pytest.mark.parametrize(
    ("name", "text", "short"),
    [
        ("2024-09-05", "2024年9月5日", "9/5"),
        ("2024-W06", "2024年第6週", "24年6週"),
        ("2024-09", "2024年9月", "24年9月"),
        ("2024-Q3", "2024年第3四半期", "24年3Q"),
        ("2024", "2024年", "2024"),
        ("search", "search", "search"),
    ],
)
def test_periods_have_their_units(name, text, short):
    assert (formats.period(name), formats.tick(name)) == (text, short)


def test_days_and_months_in_words():
    assert formats.date(dt.date(2024, 9, 30)) == formats.day("2024-09-30") == "2024年9月30日"
    assert formats.month("2024-09") == formats.month("2024-09", short=True) == "2024年9月"
    assert formats.fill(
        "{day}、{month}、{n}", day=dt.date(2024, 1, 5), month="2024-01", n="2024"
    ) == ("2024年1月5日、2024年1月、2024")
    assert formats.cell("2024-09", "text") == "2024年9月"
    assert formats.points(0.012) == "+1.2ポイント"


def test_sentences_stand_without_a_space_and_lists_have_their_marks():
    assert joining.sentences(["増えました。", "", "減りました。", "LTVは高い"]) == (
        "増えました。減りました。LTVは高い"
    )
    assert joining.items(["A", "B"]) == "A、B"
    assert joining.both(["売上", "粗利"]) == "売上と粗利"
    assert joining.span(["1月", "3月"]) == "1月〜3月"
    assert joining.colon("売上", "100円") == "売上：100円"
    assert joining.aside("RFM", "5人") == "RFM（5人）"
    assert joining.quote("guest") == "「guest」"
    assert joining.stop("売上") == "売上。"
    assert joining.go_on("続き。") == "続き。"


def test_a_line_ends_between_phrases_and_never_before_a_mark():
    text = "初回注文を起点とした日数別の顧客の割合（%）、コホート別"
    lines = wrapping.wrap(text, 30)
    assert "".join(lines) == text
    assert max(map(formats.width, lines)) <= 30
    assert not any(line[0] in "、。）ーァッ" or line[-1] in "（「" for line in lines)
    assert wrapping.wrap("カスタマーサポート担当者", 10) == ["カスタマー", "サポート担", "当者"]
