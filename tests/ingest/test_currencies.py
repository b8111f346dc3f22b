from __future__ import annotations

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltvkit import orders
from ltvkit.errors import DataError, ParamsError
from ltvkit.ingest.parse import currencies, signs

RATES = "\ufeffDate,currency,rate\n2024/1/10,usd,150\n\n2024-01-01,USD,140\n2020-01-01,JPY,1\n"


def written(tmp_path, text: str):
    path = tmp_path / "rates.csv"
    path.write_text(text, "utf-8")
    return path


def lines(rows: list[tuple]):
    columns = ["line", "currency", "order_date", "amount", "margin"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["order_date"] = pd.to_datetime(frame["order_date"])
    return duckdb.connect().from_df(frame)


def test_rates_are_read_and_stand_in_order(tmp_path):
    table = currencies.read_rates(written(tmp_path, RATES))
    assert table.astype({"date": "str"}).to_numpy().tolist() == [
        ["2020-01-01", "JPY", 1.0],
        ["2024-01-01", "USD", 140.0],
        ["2024-01-10", "USD", 150.0],
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read"),
        ("date,currency,rate\n", "no lines"),
        ("day,currency,rate\n2024-01-01,USD,1", "its columns are day, currency, rate"),
        ("date,currency,rate\n1,2,3,4", "Expected 3 fields in line 2"),
        ("date,currency,rate\n\n03/04/2024,USD,1", "line 3: date is unreadable: 03/04/2024,USD,1"),
        ("date,currency,rate\n2024-01-01,$,1", "line 2: currency is no code"),
        ("date,currency,rate\n2024-01-01,USD,0", "line 2: rate is not a number above 0"),
        ("date,currency,rate\n2024-01-01,USD,inf", "line 2: rate is not a number above 0"),
        ("date,currency,rate\n2024-01-01,USD", "line 2: rate is not a number above 0"),
        ("date,currency,rate\n2024-01-01,USD,1\n2024/1/1,usd,2", "line 3: .* stand twice"),
    ],
)
def test_rates_that_cannot_be_used_are_refused_with_their_line(tmp_path, text, message):
    with pytest.raises(DataError, match=f"rates rates.csv: .*{message}") as refusal:
        currencies.read_rates(written(tmp_path, text))
    assert "\n" not in str(refusal.value)


def test_rates_that_are_not_there(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        currencies.read_rates(tmp_path / "none.csv")


def test_each_amount_takes_the_latest_rate_known_on_its_day(tmp_path):
    rows = [
        (1, "USD", "2023-12-31", 2.0, 1.0),
        (2, "USD", "2024-01-01", 2.0, 1.0),
        (3, "USD", "2024-01-09", 2.0, 1.0),
        (4, "USD", "2024-01-10", 2.0, None),
        (5, "JPY", "2024-01-10", 2.0, 1.0),
        (6, "EUR", "2024-01-10", 2.0, 1.0),
        (7, None, "2024-01-10", 2.0, 1.0),
        (8, "USD", None, 2.0, 1.0),
    ]
    table = currencies.read_rates(written(tmp_path, RATES))
    found = currencies.convert(lines(rows), table, columns=("amount", "margin")).order("line")
    assert found.columns == ["line", "currency", "order_date", "amount", "margin", "_rated"]
    assert [row[3:] for row in found.fetchall()] == [
        (None, None, False),
        (280.0, 140.0, True),
        (280.0, 140.0, True),
        (300.0, None, True),
        (2.0, 1.0, True),
        (None, None, False),
        (None, None, False),
        (None, None, False),
    ]


DAYS = st.dates(pd.Timestamp("2024-01-01").date(), pd.Timestamp("2024-01-09").date())
CODES = st.sampled_from(["USD", "EUR", None])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(CODES, DAYS)), st.sets(st.tuples(DAYS, st.sampled_from(["USD", "EUR"]))))
def test_no_line_is_lost_or_doubled(orders, known):
    table = pd.DataFrame(sorted(known), columns=["date", "currency"]).assign(rate=2.0)
    table["date"] = pd.to_datetime(table["date"])
    rows = lines([(n, code, day, 1.0, 1.0) for n, (code, day) in enumerate(orders)])
    found = currencies.convert(rows, table, columns=("amount",)).fetchall()
    assert sorted(row[0] for row in found) == list(range(len(orders)))
    rated = {n for n, (c, d) in enumerate(orders) if any(k == c and s <= d for s, k in known)}
    assert {row[0] for row in found if row[-1]} == rated


def test_one_currency_is_no_mixture():
    currencies.refuse_mixture(pd.DataFrame({"currency": ["JPY", None], "lines": [5, 2]}))
    with pytest.raises(DataError, match=r"EUR \(9 lines\), JPY \(5 lines\).*`rates`"):
        currencies.refuse_mixture(pd.DataFrame({"currency": ["JPY", "EUR"], "lines": [5, 9]}))


@pytest.mark.parametrize("made", [None, "date,currency,rate\n2024-01-01,円,1\n".encode("cp932")])
def test_rates_that_cannot_be_read_are_said_by_name(tmp_path, made):
    (tmp_path / "a.csv").write_text(
        "customer_id,order_date,amount,currency\nx,2024-01-05,5,USD\n", "utf-8"
    )
    if made:
        (tmp_path / "r.csv").write_bytes(made)
    with pytest.raises(DataError, match=r"rates r\.csv: the file cannot be read"):
        orders.read(str(tmp_path / "a.csv"), policies={"rates": str(tmp_path / "r.csv")})


SIGNS = {
    "¥": "¥1,200|1,200円|\\1,200|￥1,200|１，２００円|JPY 1,200|(¥500)|△500円",
    "$": "$5.50x|US$1,200|1,200 USD|-$1,200",
    "C$": "CA$1,200|$1,200.00 CAD|CAD 1,200",
    "R$": "R$ 1.000,00|-R$1,00|BRL 1.000,00",
    "₹": "₹1,25,007.00|Rs. 1,200.00 INR",
    "Rs": "Rs. 1,200|Rs.500/-|Rs500",
    "kr": "kr 500,-|500,- kr.|-1 234,50 kr",
    "S/": "S/. 1,200|S/5",
    "CHF": "CHF 1'500.-|Fr. 500.-",
    "KWD": "KWD 1.500",
    None: "1,200|1200|(500)|500.-|1\u00a0200|1'200|△500|abc|",
}


@pytest.mark.parametrize(("sign", "texts"), SIGNS.items())
def test_the_currency_beside_an_amount_is_known(sign, texts):
    texts = [t.removesuffix("x") for t in texts.split("|")]
    frame = duckdb.connect().from_df(pd.DataFrame({"amount": texts, "n": range(len(texts))}))
    found = frame.project(currencies.detect_sign("amount") + " as sign, n").order("n").fetchall()
    assert [s for s, _n in found] == [sign] * len(texts)


def test_every_code_is_known_by_one_sign_and_every_sign_has_a_currency():
    assert {code for used in signs.SIGNS.values() for code in used} >= signs.CODES
    assert all(any(c in signs.CODES for c in used) for used in signs.SIGNS.values())
    lists = signs.NO_DECIMALS | signs.THREE_DECIMALS | signs.COMMA_GROUPS
    assert lists <= signs.CODES
    assert not signs.NO_DECIMALS & signs.THREE_DECIMALS


@pytest.mark.parametrize(
    ("currency", "sign"), [("BRL", "$"), ("INR", "Rs"), ("円", "¥"), ("AUD", "$")]
)
def test_a_currency_may_have_any_sign_that_it_uses(currency, sign):
    currencies.check_currency(currency, {"signs": [sign]})


@pytest.mark.parametrize(("currency", "sign"), [("USD", "R$"), ("EUR", "₹"), ("円", "元")])
def test_a_currency_is_refused_beside_the_sign_of_another(currency, sign):
    with pytest.raises(ParamsError, match="but the amounts are written with"):
        currencies.check_currency(currency, {"signs": [sign]})
