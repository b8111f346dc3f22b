"""The workbook that people open, read back: contents, headers, formats, dates."""

from __future__ import annotations

import datetime as dt
import json
import re

import openpyxl
import pandas as pd
import pytest
from stub_project import HOME

from ltvkit.display import formats
from ltvkit.report.pages import labelled_workbook, table_descriptions

TABLES = {
    "kpis_day": pd.DataFrame(
        {
            "period": ["2024-09-29", "2024-09-30"],
            "start": ["2024-09-29", "1899-12-31"],
            "partial": [False, True],
            "revenue": [1200.456, 9.5],
            "orders": [1500, 2],
            "repeat_rate": [0.25, None],
            "revenue_vs_previous": [0.0521, -0.5],
            "repeat_rate_vs_previous": [-0.041, None],
            "orders_per_customer": [1.25, 2.0],
        }
    ),
    "cohort_retention": pd.DataFrame({"cohort": ["2024-09"], "customers": [3], "0": [1.0]}),
    "cohort_ltv": pd.DataFrame({"cohort": ["2024-09"], "customers": [3], "0": [12.5]}),
    "rfm_segments": pd.DataFrame({"segment": ["can't lose"], "customers": [4]}),
    "mine": pd.DataFrame({"=x": ["=1+1", "00017"], "ok": ["True", None], "n": [0.0123, 12.0]}),
    "none": pd.DataFrame({"customers": []}),
}


def read(tmp_path, *, currency: str, tables=TABLES) -> openpyxl.Workbook:
    path = tmp_path / "report.xlsx"
    pages = {"kpis_day": "Overview", "mine": "=Mine"}
    labelled_workbook.write(tables, path, title="=Shop", pages=pages, currency=currency)
    return openpyxl.load_workbook(path)


def columns(sheet) -> dict[str, list]:
    return {column[0].value: list(column[1:]) for column in sheet.iter_cols()}


def test_headers_are_words_and_cells_have_the_format_of_their_column(tmp_path):
    book = read(tmp_path, currency="USD")
    sheet = book["Key figures by day"]
    found = columns(sheet)
    assert [*found] == [
        "Period", "From", "Partial", "Revenue (USD)", "Orders", "Repeat rate",
        "Revenue vs previous", "Repeat rate vs previous (percentage points)", "Orders per customer",
    ]  # fmt: skip
    first = {name: (cells[0].value, cells[0].number_format) for name, cells in found.items()}
    assert first["Period"] == (dt.datetime(2024, 9, 29), "yyyy-mm-dd")
    assert first["Revenue (USD)"] == (1200.456, "#,##0")
    assert first["Orders"] == (1500, "#,##0")
    assert first["Repeat rate"] == (0.25, "0.0%")
    signed = "+#,##0.0%;-#,##0.0%;0.0%"
    assert first["Revenue vs previous"] == (0.0521, signed)
    assert first["Repeat rate vs previous (percentage points)"] == (-0.041, signed)
    assert first["Orders per customer"] == (1.25, "#,##0.00")
    assert [cell.value for cell in found["Partial"]] == ["no", "yes"]
    assert found["From"][1].value == "1899-12-31"  # before the first day that Excel knows
    assert found["Repeat rate"][1].value is None
    assert sheet.freeze_panes == "B2"
    assert sheet["A1"].font.bold
    assert sheet.column_dimensions["A"].width >= len("2024-09-29")


@pytest.mark.parametrize(
    ("currency", "form"), [("JPY", "#,##0"), ("円", "#,##0"), ("EUR", "#,##0.00")]
)
def test_money_has_the_decimals_of_its_currency(currency, form, tmp_path):
    sheet = read(tmp_path, currency=currency)["LTV by cohort"]
    assert [cell.value for cell in sheet[1]] == ["Cohort", "Customers", "Age 0"]
    assert (sheet["C2"].value, sheet["C2"].number_format) == (12.5, form)


def test_other_columns_go_by_what_they_hold(tmp_path):
    book = read(tmp_path, currency="")
    assert book["Retention by cohort"]["C2"].number_format == "0.0%"
    mine = columns(book["mine"])
    assert [(c.value, c.data_type) for c in mine["=x"]] == [("=1+1", "s"), ("00017", "s")]
    assert [cell.value for cell in mine["Ok"]] == ["yes", None]
    assert [(c.value, c.number_format) for c in mine["N"]] == [
        (0.0123, "#,##0.00000"), (12, "#,##0"),
    ]  # fmt: skip
    assert columns(book["RFM segments"])["Segment"][0].value == formats.cell("can't lose", "word")


def test_the_contents_lead_to_every_sheet(tmp_path):
    book = read(tmp_path, currency="USD")
    contents = book.worksheets[0]
    assert contents.title == "Contents"
    assert (contents["A1"].value, contents["A1"].data_type) == ("=Shop", "s")
    rows = list(contents.iter_rows(min_row=4))
    assert [row[0].value for row in rows] == book.sheetnames[1:]
    for row, (name, table) in zip(rows, TABLES.items(), strict=True):
        assert row[0].hyperlink.location == f"'{row[0].value}'!A1"
        assert row[0].hyperlink.target is None
        assert row[3].value == len(table)
        assert row[4].value == f"tables/{name}.csv"
    assert [row[2].value for row in rows][::4] == ["Overview", "=Mine"]
    assert rows[0][1].value == "Revenue, orders and customers of each day, and their changes."
    assert rows[4][1].value in (None, "")
    assert read(tmp_path, currency="", tables={}).sheetnames == ["Contents"]


def test_the_same_tables_give_the_same_bytes(tmp_path):
    read(tmp_path, currency="USD")
    first = (tmp_path / "report.xlsx").read_bytes()
    read(tmp_path, currency="USD")
    assert (tmp_path / "report.xlsx").read_bytes() == first


def named_in_notebooks() -> set[str]:
    """The tables that the notebooks save, as far as their names stand in them."""
    found = set()
    for path in sorted((HOME / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
        found |= set(re.findall(r'found\["(\w+)"\]', code))
        for part in re.findall(r"(?:found \|?=|tables=)[ ]*(\{[^}]*\})", code):
            found |= set(re.findall(r'"(\w+)":', part))
    return found


def test_every_table_of_the_kit_is_described_by_a_short_title_of_its_own():
    names = sorted(named_in_notebooks() | {f"kpis_{g}" for g in ("day", "week", "month", "year")})
    assert len(names) > 30
    known = [table_descriptions.describe(name) for name in names]
    for name, about in zip(names, known, strict=True):
        assert about.text.endswith("."), name
        assert len(about.title) <= 31, name
        assert not set("[]:*?/\\") & set(about.title), name
    assert len({about.title for about in known}) == len(names)
    of_margin = table_descriptions.describe("drivers_by_channel", of="margin")
    assert of_margin == ("Change by channel", "Where margin changed since last month.", "")
