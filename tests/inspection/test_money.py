"""How money is written: proposed where the file tells, asked where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from ltvkit.inspection import proposals, result

pytestmark = pytest.mark.usefixtures("one_thread")
HOME = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_ROOT", str(HOME))
    monkeypatch.chdir(tmp_path)


def look(*amounts: str, currency: str = "", head: str = "customer id;order date;amount"):
    head += ";currency" * bool(currency)
    rows = [f"c{n};2024-01-{n + 1:02};{a};{currency}" for n, a in enumerate(amounts)]
    text = "\n".join([head, *(row if currency else row[:-1] for row in rows), ""])
    Path("mine.csv").write_text(text, "utf-8", newline="")
    return proposals.inspect(str(Path("mine.csv").resolve()))


def total(seen: result.Inspection) -> float:
    return seen.book.lines.aggregate("sum(amount)").fetchall()[0][0]


def test_thousands_by_point_are_read_as_such_where_the_currency_has_no_decimals():
    seen = look("25.000", "25.500", "500", currency="IDR")
    assert (seen.policies["decimal"], total(seen), seen.currency) == (",", 51000, "IDR")
    asked = seen.checks["policies.decimal"]
    assert asked == (
        "25.000 is read as 25,000, since IDR has no decimals; 2 amounts are written so. All add up "
        'to 51,000; with "." they would add up to 550.50.'
    )


@pytest.mark.parametrize("sign", ["Rp {}", "{} ₫", "CLP {}"])
def test_a_sign_tells_as_well_as_a_column(sign):
    seen = look(*(sign.format(a) for a in ("25.000", "25.500")))
    assert (seen.policies["decimal"], total(seen)) == (",", 50500)


@pytest.mark.parametrize("currency", ["EUR", "USD", "JPY", ""])
def test_thousands_by_point_are_asked_about_where_nothing_tells(currency):
    seen = look("25.000", "25.500", "500", currency=currency)
    assert "decimal" not in seen.policies
    assert seen.checks["policies.decimal"] == (
        '25.000 can be read as 25 or as 25,000; 2 amounts are written so. With "." all add up to '
        '550.50, with "," to 51,000: choose one.'
    )


def test_a_sign_of_several_currencies_does_not_tell():
    assert "policies.decimal" in look("$25.000", "$25.500").checks


@pytest.mark.parametrize(
    ("amounts", "currency", "decimal"),
    [
        (["25.000", "1.250,50"], "EUR", ","),
        (["25.000", "0.500"], "EUR", None),
        (["25.000", "25.500"], "KWD", None),
        (["1.137,50 €", "1.000,00 €"], "", ","),
        (["R$ 1.000,00", "R$ 5,50"], "", ","),
        (["₹1,25,007.00", "₹1,000.00"], "", None),
        (["25,500", "26,000"], "JPY", None),
        (["$25,500", "$26,000"], "", None),
        (["500.-", "1'200.-"], "CHF", None),
    ],
)
def test_what_the_amounts_or_the_currency_show_is_not_asked(amounts, currency, decimal):
    seen = look(*amounts, currency=currency)
    assert (seen.policies.get("decimal"), "policies.decimal" in seen.checks) == (decimal, False)


@pytest.mark.parametrize("currency", ["EUR", "BRL", ""])
def test_thousands_by_comma_are_asked_about_where_the_comma_may_be_the_decimal_one(currency):
    seen = look("25,000", "25,500", currency=currency)
    assert 'With "." all add up to 50,500, with "," to 50.50' in seen.checks["policies.decimal"]


def test_yen_of_a_japanese_export_are_not_asked_about():
    assert look("1,200", "2,400", head="顧客ID;注文日;金額").checks.keys() == {"currency"}


def test_amounts_of_both_kinds_are_counted():
    seen = look("11,5", "12,5", "11.5")
    assert seen.policies["decimal"] == ","
    assert seen.checks["policies.decimal"].startswith(
        "2 amounts are written with a decimal comma, and 1 with a decimal point."
    )


@pytest.mark.parametrize(
    ("amount", "currency", "asked"),
    [
        ("R$ 1.000,00", "BRL", None), ("₹1,000.00", "INR", None), ("1 234,50 zł", "PLN", None),
        ("1.234,50 TL", "TRY", None), ("NT$1,200", "TWD", None), ("CHF 1'200.50", "CHF", None),
        ("$12.50 CAD", "CAD", None), ("KWD 1.2500", "KWD", None),
        ("500,- kr", "SEK", "'kr' is written for SEK or NOK or DKK or ISK: choose one."),
        ("Rs. 1,00,000.00", "INR", "'Rs' is written for INR or PKR or LKR or NPR or MUR: "),
    ],
)  # fmt: skip
def test_the_currency_is_read_from_its_sign(amount, currency, asked):
    seen = look(amount, amount)
    assert seen.currency == currency
    assert seen.checks.get("currency", "")[: len(asked or "")] == (asked or "")


def test_amounts_in_several_currencies_are_refused_and_named():
    seen = look("€5.50", "€6.50", "£7.50")
    assert seen.checks["currency"] == "The amounts are written with '€', '£': several currencies."
    assert "the amounts are written in several currencies" in seen.refusal
