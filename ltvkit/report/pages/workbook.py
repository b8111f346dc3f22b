"""Write the tables of a report to one Excel workbook: numbers as numbers, text as text.

It is for programs: sheets and columns have the names of the tables, and nothing else is in it. What
people open is `labelled_workbook`.
"""

import io
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ltvkit.core import csv_injection

# Excel takes 31 characters for a sheet's name, and no control characters in a cell.
_NAME = 31
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_DATES = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*")
_EPOCH = (1980, 1, 1, 0, 0, 0)


def write(tables: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write one sheet per table, in order; missing values are empty cells.

    Text never becomes a formula or an error value. The file holds no creation time, so the same
    tables give the same bytes.
    """
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    for name, table in zip(sheet_names(tables), tables.values(), strict=True):
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        for number, column in enumerate(table.columns, start=1):
            width = min(40, max(12, len(str(column)) + 2))
            sheet.column_dimensions[get_column_letter(number)].width = width
        header = [make_cell(sheet, str(column), font=Font(bold=True)) for column in table.columns]
        sheet.append(header)
        for row in table.itertuples(index=False, name=None):
            sheet.append([make_cell(sheet, value) for value in row])
    if not tables:
        book.create_sheet("empty")
    save(book, path)


def save(book: Any, path: Path) -> None:
    """Write a workbook without the time at which it was made."""
    stream = io.BytesIO()
    book.save(stream)
    path.write_bytes(_timeless(stream))


def sheet_names(names: Iterable[str]) -> list[str]:
    """Names of tables -> names that Excel takes for sheets, each once, in the same order.

    >>> sheet_names(["abc_products", "ABC_Products", "'a/b'", "x" * 40, "x" * 32])[1:]
    ['ABC_Products~2', 'a_b', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxx~2']
    """
    found: list[str] = []
    taken = {"", "history"}  # Excel keeps the name "History" for itself
    for name in names:
        plain = re.sub(r"[\[\]:*?/\\]", "_", name.strip("'"))
        sheet, number = plain[:_NAME].rstrip("'"), 1
        while sheet.casefold() in taken:
            number += 1
            sheet = f"{plain[: _NAME - len(str(number)) - 1]}~{number}"
        taken.add(sheet.casefold())
        found.append(sheet)
    return found


def make_cell(sheet: Any, value: Any, *, font: Any = None) -> Any:
    """A cell of text, which stays text whatever it holds; of other values, themselves or None."""
    from openpyxl.cell import WriteOnlyCell

    if not isinstance(value, str):
        return None if pd.isna(value) or value in (float("inf"), float("-inf")) else value
    cell = WriteOnlyCell(sheet, _CONTROL.sub("", value))
    cell.data_type = "s"
    if font:
        cell.font = font
    if csv_injection.is_armed(value):
        # Like a leading apostrophe: it stays text when somebody edits the cell.
        cell.quotePrefix = True
    return cell


def _timeless(stream: io.BytesIO) -> bytes:
    """The same archive with all dates set to 1980, the first year of the zip format."""
    packed = io.BytesIO()
    with zipfile.ZipFile(stream) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = _DATES.sub(rb"\g<1>1980-01-01T00:00:00Z", old.read(name))
            new.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
