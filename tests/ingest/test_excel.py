"""What a workbook's number formats show: currencies, and zeros in front of ids."""

from __future__ import annotations

import datetime as dt

import openpyxl
import pytest

from ltvkit import orders
from ltvkit.errors import DataError
from ltvkit.ingest.readers import excel_formats

pytestmark = pytest.mark.usefixtures("one_thread")

SIGNS = {
    "[$€-407] #,##0.00": "€", "#,##0.00 [$€-407]": "€", '"¥"#,##0': "¥", "[$¥-411]#,##0": "¥",
    r"\¥#,##0": "¥", '#,##0"円"': "¥", r'"¥"#,##0;[Red]"¥"\-#,##0': "¥", "[$￥-804]#,##0": "¥",
    "_-[$£-809]* #,##0.00_-": "£", '_("$"* #,##0.00_);_("$"* \\(#,##0.00\\)': "$",
    r'#,##0\ "zł"': "zł", "[$R$-416] #,##0.00": "R$", "[$₹-4009] #,##0.00": "₹", "$#,##0": "$",
    "[$USD] #,##0.00": "$", "[$kr-41D] #,##0": "kr", "[>=1000][$€-1]#,##0;0": "€",
    '[Red]"CHF "#,##0.00': "CHF",
    # No currency: a locale alone, a unit, Excel's own formats that follow the machine's language.
    "[$-409]0.00": "", "General": "", "0.00": "", '0 "pcs"': "", '#,##0"個"': "", "0.00E+00": "",
    '"$"#,##0_);("$"#,##0)': "", '0;"€"0': "", "@": "", "0%": "", '"Room "0': "",
}  # fmt: skip


@pytest.mark.parametrize(("code", "sign"), SIGNS.items())
def test_a_currency_is_told_by_the_format(code, sign):
    found = excel_formats.parse_format(code).sign
    assert (found and excel_formats.TOKENS[found]) == sign


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (17, "00000", "00017"), (17.0, "00000", "00017"), (1234567, "00000", "1234567"),
        (1234567, "000-0000", "123-4567"), (12345678, "000-0000", "1234-5678"),
        (42, '"C-"0000', "C-0042"), (42, r"\A000", "A042"), (0, "000", "000"),
        (17.5, "00000", "17.5"), (-17, "00000", "-17"), (17, "0", "17"), (17, "General", "17"),
        (17, "#,##000", "17"), (17, '00"個"', "17"), (1e15, "General", "1000000000000000.0"),
    ],
)  # fmt: skip
def test_an_id_is_written_as_it_is_shown(value, code, text):
    assert excel_formats.write_number(value, code, decimal=".") == text


HEADER = ("customer_id", "order_id", "order_date", "amount")


def save(tmp_path, *rows: tuple, formats: dict[int, list[str]]) -> str:
    """A workbook of rows; `formats` are those of the cells of a column."""
    book = openpyxl.Workbook()
    for row in (HEADER, *rows):
        book.active.append(row)
    for column, codes in formats.items():
        for line, code in enumerate(codes, start=2):
            book.active.cell(line, column).number_format = code
    book.save(tmp_path / "mine.xlsx")
    return str(tmp_path / "mine.xlsx")


def rows(*amounts: object) -> list[tuple]:
    return [(17 + n, n, dt.date(2024, 1, 5 + n), a) for n, a in enumerate(amounts)]


def test_ids_and_currencies_of_a_workbook_are_those_it_shows(tmp_path):
    formats = {1: ["00000"] * 3, 4: ["[$€-407] #,##0.00"] * 3}
    book = orders.read(save(tmp_path, *rows(12.5, 3, 1250), formats=formats))
    lines = book.lines.order("amount").df()
    assert lines["customer_id"].tolist() == ["00018", "00017", "00019"]
    assert lines["amount"].tolist() == [3.0, 12.5, 1250.0]
    assert book.facts["signs"] == ["€"]


def test_two_currencies_by_format_alone_are_refused(tmp_path):
    formats = {4: ["[$€-407] #,##0.00", "[$€-407] #,##0.00", "[$USD] #,##0.00"]}
    source = save(tmp_path, *rows(10, 20, 30), formats=formats)
    with pytest.raises(DataError, match=r"several currencies: € \(2 lines\), \$ \(1 lines\)"):
        orders.read(source)


def test_numbers_and_texts_of_a_workbook_may_differ_in_their_decimal_mark(tmp_path):
    source = save(tmp_path, *rows(12.125, "1.250,50", "3,5"), formats={})
    lines = orders.read(source, policies={"decimal": ","}).lines
    assert lines.aggregate("sum(amount)").fetchall() == [(1266.125,)]
