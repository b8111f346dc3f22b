"""How money is written: proposed where the file tells, asked where it does not."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from ltvkit.ingest import headers, readers
from ltvkit.inspection import money, proposals, result

pytestmark = pytest.mark.usefixtures("one_thread")
HOME = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_ROOT", str(HOME))
    monkeypatch.chdir(tmp_path)


def save(*amounts: str, currency: str = "", head: str = "customer id;order date;amount") -> str:
    head += ";currency" * bool(currency)
    rows = [f"c{n};2024-01-{n + 1:02};{a};{currency}" for n, a in enumerate(amounts)]
    text = "\n".join([head, *(row if currency else row[:-1] for row in rows), ""])
    Path("mine.csv").write_text(text, "utf-8", newline="")
    return str(Path("mine.csv").resolve())


def look(*amounts: str, **how: str) -> result.Inspection:
    return proposals.inspect(save(*amounts, **how))


def propose(*amounts: str, **how: str) -> tuple[str, str, dict[str, str]]:
    """The decimal mark and the currency that are proposed, and the questions."""
    raw = readers.open_source(save(*amounts, **how))
    columns = headers.match_columns(raw.columns)
    policies, checks = money.propose_decimal(raw, columns, {}, None)
    currency, more = money.propose_currency(raw, columns, None)
    return policies.get("decimal", ""), currency, checks | more


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


def test_the_numbers_of_a_workbook_leave_nothing_open():
    book = openpyxl.Workbook()
    book.active.append(["customer id", "order date", "amount"])
    for day in ("2024-01-05", "2024-01-06"):
        book.active.append(["c", day, 25.125])
    book.save("mine.xlsx")
    seen = proposals.inspect(str(Path("mine.xlsx").resolve()))
    assert "policies.decimal" not in seen.checks
    assert total(seen) == 50.25


@pytest.mark.parametrize("sign", ["Rp {}", "{} ₫", "CLP {}"])
def test_a_sign_tells_as_well_as_a_column(sign):
    assert propose(*(sign.format(a) for a in ("25.000", "25.500")))[0] == ","


def test_thousands_by_point_are_asked_about_where_nothing_tells():
    seen = look("25.000", "25.500", "500", currency="EUR")
    assert "decimal" not in seen.policies
    assert seen.checks["policies.decimal"] == (
        '25.000 can be read as 25 or as 25,000; 2 amounts are written so. With "." all add up to '
        '550.50, with "," to 51,000: choose one.'
    )
    assert seen.book.facts["undecided"]["lines"] == 2


@pytest.mark.parametrize(
    ("amounts", "currency"),
    [
        (("25.000", "25.500"), "USD"), (("25.000", "25.500"), "JPY"), (("25.000", "25.500"), ""),
        (("$25.000", "$25.500"), ""), (("25,000", "25,500"), "EUR"), (("25,000", "25,500"), ""),
    ],
)  # fmt: skip
def test_a_currency_that_does_not_tell_leaves_it_open(amounts, currency):
    decimal, _currency, asked = propose(*amounts, currency=currency)
    assert (decimal, "choose one" in asked["policies.decimal"]) == ("", True)


@pytest.mark.parametrize(
    ("amounts", "currency", "decimal"),
    [
        (["25.000", "1.250,50"], "EUR", ","),
        (["25.000", "0.500"], "EUR", ""),
        (["25.000", "25.500"], "KWD", ""),
        (["1.137,50 €", "1.000,00 €"], "", ","),
        (["R$ 1.000,00", "R$ 5,50"], "", ","),
        (["₹1,25,007.00", "₹1,000.00"], "", ""),
        (["25,500", "26,000"], "JPY", ""),
        (["$25,500", "$26,000"], "", ""),
        (["500.-", "1'200.-"], "CHF", ""),
    ],
)
def test_what_the_amounts_or_the_currency_show_is_not_asked(amounts, currency, decimal):
    found, _currency, asked = propose(*amounts, currency=currency)
    assert (found, "policies.decimal" in asked) == (decimal, False)


def test_yen_of_a_japanese_export_are_not_asked_about():
    decimal, currency, asked = propose("1,200", "2,400", head="顧客ID;注文日;金額")
    assert (decimal, currency, asked.keys()) == ("", "JPY", {"currency"})


def test_amounts_of_both_kinds_are_counted():
    decimal, _currency, asked = propose("11,5", "12,5", "11.5")
    assert decimal == ","
    assert asked["policies.decimal"].startswith(
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
    _decimal, found, questions = propose(amount, amount)
    assert found == currency
    assert questions.get("currency", "")[: len(asked or "")] == (asked or "")


def test_amounts_in_several_currencies_are_refused_and_named():
    seen = look("€5.50", "€6.50", "£7.50")
    assert seen.checks["currency"] == "The amounts are written with '€', '£': several currencies."
    assert "the amounts are written in several currencies" in seen.refusal


def ask(*amounts: str, head: str) -> dict[str, str]:
    raw = readers.open_source(save(*amounts, head=head))
    return money.find_questions(raw, headers.match_columns(raw.columns), ".")


def test_a_quantity_and_a_price_below_zero_are_asked_about_with_their_money():
    head = "customer id;order date;quantity;unit price"
    assert ask("2;100", "-1;100", "-1;-100", "-2;-30", head=head) == {
        "columns.unit_price": "On 2 lines both 'quantity' and 'unit price' are below zero. They "
        "count as returns, and lower revenue by 160.00. Is that right?"
    }
    assert ask("2;100", "-1;100", "1;-5", head=head) == {}
    assert ask("-1;-100;-100", head=f"{head};amount") == {}


def test_amounts_that_a_spreadsheet_may_have_rounded_are_asked_about():
    head = "customer id;order date;amount"
    assert ask("1.2E+05", "1.25E+06", "100", head=head) == {
        "columns.amount": "2 amounts are written as 1.25E+06 (1,370,000 in all), as a spreadsheet "
        "shows large numbers: digits may be lost. Export them anew as plain numbers."
    }
    assert ask("1.2345678E+7", "+100", "1e-05", head=head) == {}
