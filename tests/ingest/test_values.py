from __future__ import annotations

import random
import unicodedata

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltvkit.ingest.parse import signs, values

CONNECTION = duckdb.connect()
QUICK = settings(max_examples=40, deadline=None)
BLANKS = " \t\n\r\v\f\u00a0\u3000\ufeff"


def read(texts: list, expression: str) -> list:
    frame = CONNECTION.from_arrow(pa.table({"x": pa.array(texts, pa.string())}))
    return [value for (value,) in frame.project(expression).fetchall()]


def number(texts: list, **options) -> list:
    return read(texts, values.parse_number("x", "VARCHAR", **options))


def typed(value: str, reader) -> object:
    """`value` as SQL, as `reader` reads it from a column of its type."""
    frame = CONNECTION.sql(f"select {value} as x")
    return frame.project(reader("x", str(frame.types[0]))).fetchall()[0][0]


@pytest.mark.parametrize(
    "written", ["007", "NA", "null", "9007199254740993", "a  b", "煎茶", "１２", "-", "=1+1"]
)
def test_a_text_is_kept_as_written_without_the_blanks_around_it(written):
    around = [f"{b}{written}{c}" for b in ("", *BLANKS) for c in ("", *BLANKS)]
    assert read(around, values.parse_text("x", "VARCHAR")) == [written] * len(around)


@QUICK
@given(st.lists(st.text(st.sampled_from(BLANKS + "a0 煎")), min_size=1))
def test_trimming_takes_blanks_from_the_ends_only(texts):
    expected = [t.strip(BLANKS) or None for t in texts]
    assert read(texts, values.parse_text("x", "VARCHAR")) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("17850.0::double", "17850"),
        ("1e22::double", "10000000000000000000000"),
        ("9007199254740993::decimal(20, 2)", "9007199254740993"),
        ("1.50::decimal(9, 2)", "1.50"),
        ("0.5::float", "0.5"),
        ("-0.0::double", "0"),
        ("'nan'::double", None),
        ("'inf'::double", None),
        ("170141183460469231731687303715884105727::hugeint", str(2**127 - 1)),
        ("18446744073709551615::ubigint", "18446744073709551615"),
        ("true", "true"),
        ("date '2024-01-05'", "2024-01-05"),
        ("null::varchar", None),
        ("'b '::enum('a', 'b ')", "b"),
    ],
)
def test_ids_from_typed_columns_lose_no_digit_and_gain_no_point(value, text):
    assert typed(value, values.parse_text) == text


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("1200.5::decimal(9, 2)", 1200.5),
        ("1200::bigint", 1200.0),
        ("7::utinyint", 7.0),
        ("1e20::hugeint", 1e20),
        ("5.1::float", 5.1),
        ("'-inf'::double", None),
        ("'nan'::float", None),
        ("true", None),
        ("date '2024-01-05'", None),
        ("'1,200'::enum('1,200')", 1200.0),
    ],
)
def test_numbers_from_typed_columns(value, amount):
    assert typed(value, values.parse_number) == amount


WRITTEN = {
    1200: "1200 1,200 １，２００ ¥1,200 ￥1,200 \\1,200 1,200円 JPY\u00a01,200 1,200JPY +1200",
    -500: "-500 △500 ▲500 −500 －500 ‐500 –500 (500) （500） 500- -¥500 ¥-500 (¥500) ¥(500) -500円",
    1200300.25: "1,200,300.25 $1,200,300.25 1\u00a0200\u00a0300.25 1\u2009200\u2009300.25",
    0.5: ".5 0.50 ０．５",
    1000: "1000. US$1,000 1,000元",
    1234.5: "1'234.50 1’234.50 CHF\u00a01'234.50 R$1,234.50 1,234.50zł Rs.1,234.50 S/.1,234.50",
    125007: "1,25,007.00 ₹1,25,007 Rs.1,25,007.00 1,25,007/- Rs.125007/- INR\u00a01,25,007",
    500: "500.- 500,- 500.– 500.-- CHF500.- 500,-\u00a0€ kr.500,- 500kr. Rp500 ฿500 ₺500 500TL",
    2000: "NT$2,000 2,000₫ ￦2,000 ￡2,000 C$2,000 $2,000\u00a0CAD Kč2,000 R2,000 RM2,000 KWD2,000",
    -700: "-700.- -R$700 R$-700 (R$700) △₹700 700-\u00a0€ 700-EUR 700\u00a0- Rs.-700 -Rs.700",
}


@pytest.mark.parametrize(("amount", "texts"), WRITTEN.items())
def test_numbers_as_shops_write_them(amount, texts):
    assert number(texts.split(" ")) == [amount] * len(texts.split(" "))
    spaced = [f"{b}{t}{b}" for t in texts.split(" ") for b in BLANKS]
    assert number(spaced) == [amount] * len(spaced)


def test_numbers_with_a_blank_inside_or_a_power_of_ten():
    assert number(["△ 500", "1 200", "¥ -5", "1e3", " 5E-1"]) == [-500, 1200, -5, 1000, 0.5]


UNREADABLE = [
    "1,5", "1,23,4", "12,34", "1,2000", ",500", "1.2.3", "1,200 300", "1 23", "12 1 200",
    "nan", "NaN", "inf", "-Infinity", "INF", "1e999", "9" * 400, "9" * 400 + "円", "ＮａＮ",
    "--5", "-+5", "(-500)", "-(500)", "((5))", "(500", "500)", "()", "-", "¥", "円", "△△5",
    "¥500-", "€500-", "5 €-", "1_0_0", "1_200", "-1_0", "1_0.5", "1,25,07", "12,345,67", "1'23",
    "1,234'567", "'500", "500'", "1.5.-", "50,-,-", "5/", "ABC500", "$5$5$", "5%", "0x10",
    "12:30", "2024-01-05", "ABC 500", "n/a", "1,200円税込", "true",
]  # fmt: skip


def test_what_cannot_be_read_for_certain_is_not_read():
    assert number([*UNREADABLE, "", " ", None]) == [None] * (len(UNREADABLE) + 3)


def test_a_decimal_comma_counts_only_where_it_is_declared():
    comma = {
        "1.234,56": 1234.56, "12,5": 12.5, "1,234": 1.234, "1.234": 1234.0, "1200": 1200.0,
        "-1.234,56 €": -1234.56, "1\u00a0234,5": 1234.5, "(1,5)": -1.5, "1.234.567": 1234567.0,
        "1.137,50 €": 1137.5, "R$ 1.000,00": 1000.0, "1 234,50 kr": 1234.5, "1'500,-": 1500.0,
        "1.500,-": 1500.0, "500.-": 500.0, "1.234,50- EUR": -1234.5, "25.500 ₫": 25500.0,
        "Rs.5,5": 5.5, "1,5_0": None, "1.25.007": None,
        "1.23": None, "1,2,3": None, "1,234.5": None, "inf": None, "": None,
    }  # fmt: skip
    assert number(list(comma), decimal=",") == list(comma.values())
    assert number(["12,5", "1.234,56"]) == [None, None]
    assert typed("5.25::float", lambda *c: values.parse_number(*c, decimal=",")) == 5.25


FRAMES = ("{}", "¥{}", "￥{}", "{}円", "JPY {}", "{} EUR", " {} ", "\u3000{}", "$ {}")
SIGNS = ("-{}", "△{}", "▲ {}", "−{}", "({})", "（{}）")
WIDE = str.maketrans("0123456789,.", "０１２３４５６７８９，．")


@QUICK
@given(
    cents=st.integers(0, 10**13),
    places=st.sampled_from([0, 2]),
    group=st.sampled_from(["", ",", " ", "\u00a0", "\u202f"]),
    frame=st.sampled_from(FRAMES),
    sign=st.sampled_from(["{}", *SIGNS]),
    wide=st.booleans(),
    decimal=st.sampled_from([".", ","]),
)
def test_a_number_reads_back_from_any_style(cents, places, group, frame, sign, wide, decimal):
    value = cents / 100 if places else float(cents)
    written = f"{value:,.{places}f}".replace(",", group)
    if decimal == ",":
        written = written.translate(str.maketrans(".,", ",."))
    written = frame.format(sign.format(written.translate(WIDE) if wide else written))
    expected = value if sign == "{}" else -value
    assert number([written], decimal=decimal) == [expected]


def group_indian(whole: str) -> str:
    """Whole digits in groups of two, the last of three."""
    head, last = whole[:-3], whole[-3:]
    pairs = [head[max(0, n - 2) : n] for n in range(len(head), 0, -2)][::-1]
    return ",".join([*pairs, last])


def write(number: int, *, group: str, mark: str, places: int) -> str:
    whole = group_indian(str(number // 100)) if group == "indian" else f"{number // 100:,}"
    whole = whole if group == "indian" else whole.replace(",", group)
    return whole + {0: "", 1: f"{mark}-", 2: f"{mark}{number % 100:02}"}[places]


GROUPS = ["", " ", "\u00a0", "\u202f", "\u2009", "'", "\u2019"]
STYLES = [(g, ".") for g in [*GROUPS, ",", "indian"]] + [(g, ",") for g in [*GROUPS, "."]]
PLACES = ["{t}{n}", "{t} {n}", "{n}{t}", "{n} {t}", "{n}\u00a0{t}", "{t}{n} {t}"]
BELOW = ["-{}", "({})", "\u2212{}", "△{}", "▲ {}"]


@pytest.mark.parametrize(("group", "mark"), STYLES)
def test_a_thousand_amounts_read_back_beside_any_currency(group, mark):
    chance, expected, texts = random.Random(f"{group}{mark}"), [], []
    tokens = list(signs.TOKENS)
    for n in range(1000):
        cents, places = chance.randrange(10 ** chance.randint(1, 11)), chance.randrange(3)
        text = write(cents, group=group, mark=mark, places=places)
        token = tokens[n % len(tokens)]
        text = chance.choice([*PLACES, "{n}"]).format(t=token, n=text)
        below = chance.randrange(3) == 0
        texts.append(chance.choice(BELOW).format(text) if below else text)
        amount = cents / 100 if places == 2 else float(cents // 100)
        expected.append(-amount if below else amount)
    found = number(texts, decimal=mark)
    wrong = zip(texts, found, expected, strict=True)
    assert [case for case in wrong if case[1] != case[2]] == []


@QUICK
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_no_text_is_an_error_or_becomes_infinite(texts):
    for decimal in ".,":
        found = number(texts, decimal=decimal)
        assert all(n is None or abs(n) < float("inf") for n in found)


KANA = "".join(map(chr, [*range(0x20, 0x7F), *range(0xFF01, 0xFF5F), *range(0xFF61, 0xFFA0)]))


@QUICK
@given(st.lists(st.text(st.sampled_from(KANA + "￥￡\u3000\u00a0\u2009漢がカ゚")), min_size=1))
def test_width_is_folded_as_unicode_folds_it(texts):
    plain = [unicodedata.normalize("NFKC", t) for t in texts]
    assert read(texts, values.narrow("x")) == plain
