"""The tables of a report as an Excel workbook."""

from __future__ import annotations

import openpyxl
import pandas as pd
import pytest

from ltvkit.report.pages import workbook

LONG = "hypothesis_figures_of_all_shops_"  # 32 characters, and Excel takes 31


@pytest.mark.parametrize(
    "names",
    [
        [LONG, f"{LONG}2", LONG[:31], LONG.upper()],
        ["rfm", "RFM", "Rfm~2", "rfm~2"],
        ["a[b]", "a:b", "a*b", "a?b", "a/b", "a\\b", "a_b"],
        ["'a'", "a", "''", "'", "history", "History", "x" * 30 + "'y"],
        [f"{LONG}{n}" for n in range(120)],
    ],
)
def test_sheets_have_names_that_excel_takes(names, tmp_path):
    path = tmp_path / "t.xlsx"
    workbook.write({name: pd.DataFrame({"n": [n]}) for n, name in enumerate(names)}, path)
    sheets = openpyxl.load_workbook(path).worksheets
    assert [sheet["A2"].value for sheet in sheets] == list(range(len(names)))
    found = [sheet.title for sheet in sheets]
    assert len({name.casefold() for name in found}) == len(names)
    for name in found:
        assert 1 <= len(name) <= 31
        assert not set("[]:*?/\\") & set(name)
        assert name == name.strip("'")
        assert name.casefold() != "history"


def test_names_that_excel_takes_stay():
    assert workbook.sheet_names(["kpis_month", "it's a {shop}"]) == ["kpis_month", "it's a {shop}"]
