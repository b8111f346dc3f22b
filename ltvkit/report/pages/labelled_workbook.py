"""The workbook that people open: a sheet of contents, headers in words, numbers in their formats.

A cell holds the whole value; its format only says how it is shown. Names of columns, on which
programs rely, stand in `workbook`.
"""

import datetime as dt
import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from ltvkit.core.i18n import _
from ltvkit.display import formats
from ltvkit.report.pages import table_descriptions, workbook
from ltvkit.report.pages.table_descriptions import About

NARROW, WIDE, LOOKED_AT = 10, 60, 200  # characters; rows whose texts set the width of a column
_SIGNED = "+#,##0.0%;-#,##0.0%;0.0%"
_SWITCHES = {"True", "False"}  # as a table reads them back where some are missing
_FORMATS = {"share": "0.0%", "change": _SIGNED, "points": _SIGNED, "count": "#,##0"}


def write(
    tables: Mapping[str, pd.DataFrame],
    path: Path,
    *,
    title: str,
    pages: Mapping[str, str],
    currency: str = "",
) -> None:
    """Write the contents and one sheet per table, in order; missing values are empty cells.

    `title`: the first line of the contents; `pages`: the page that each table belongs to. The same
    tables give the same bytes.
    """
    from openpyxl import Workbook

    book = Workbook()
    of = "margin" if "change_in_margin" in tables.get("drivers_previous", ()) else "revenue"
    known = {name: table_descriptions.describe(name, of=of) for name in tables}
    names = workbook.sheet_names([_("Contents"), *(about.title for about in known.values())])
    contents = book.active
    contents.title = names[0]
    _write_contents(contents, title, tables, known, names[1:], pages)
    for sheet, (name, table) in zip(names[1:], tables.items(), strict=True):
        _write_table(book.create_sheet(sheet), table, known[name], currency)
    workbook.save(book, path)


def _write_contents(
    sheet: Any,
    title: str,
    tables: Mapping[str, pd.DataFrame],
    known: Mapping[str, About],
    names: list[str],
    pages: Mapping[str, str],
) -> None:
    """Each table with a link to its sheet."""
    from openpyxl.styles import Font
    from openpyxl.worksheet.hyperlink import Hyperlink

    sheet.append([workbook.make_cell(sheet, title, font=Font(bold=True, size=14))])
    sheet.append([])
    header = (_("Sheet"), _("What it holds"), _("Page"), _("Rows"), _("File"))
    sheet.append([workbook.make_cell(sheet, text, font=Font(bold=True)) for text in header])
    for row, (name, table) in enumerate(tables.items(), start=4):
        named = names[row - 4]
        line = (named, known[name].text, pages.get(name, ""), len(table), f"tables/{name}.csv")
        sheet.append([workbook.make_cell(sheet, x) for x in line])
        place = "'{}'!A1".format(named.replace("'", "''"))
        cell = sheet.cell(row, 1)
        cell.hyperlink = Hyperlink(ref=cell.coordinate, location=place)
        cell.font = Font(color="1F4E79", underline="single")
    sheet.freeze_panes = "A4"
    for column, width in zip("ABCDE", (32, 80, 16, 8, 40), strict=True):
        sheet.column_dimensions[column].width = width


def _write_table(sheet: Any, table: pd.DataFrame, about: About, currency: str) -> None:
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    top = Alignment(wrap_text=True, vertical="top")
    aligned = top if _is_tall(table) else None
    header, makers = [], []
    for place, name in enumerate(table.columns):
        values = table.iloc[:, place]
        kind = _find_kind(name, values, about)
        label = _label(name, kind, currency)
        header.append(workbook.make_cell(sheet, label, font=Font(bold=True)))
        header[-1].alignment = top
        places = _find_places(values, kind, currency)
        makers.append(partial(_make_cell, sheet, kind=kind, places=places, aligned=aligned))
        width = _find_width(label, values)
        sheet.column_dimensions[get_column_letter(place + 1)].width = width
    sheet.append(header)
    for row in table.itertuples(index=False, name=None):
        sheet.append([make(value) for make, value in zip(makers, row, strict=True)])
    sheet.freeze_panes = "B2"


def _find_kind(name: Any, values: pd.Series, about: About) -> str:
    """The format of a column, by its name; of ages, by the table; of days, by what it holds."""
    if str(name).isdecimal() and about.numbers:
        return about.numbers
    known = formats.kind(name)
    held = set(values.dropna())
    if held and held <= _SWITCHES:
        return "switch"
    if known is None and name in ("period", "day"):
        return "date" if formats.grain(values.dropna()) == "day" else "text"
    return known or "number"


def _label(name: Any, kind: str, currency: str) -> str:
    if str(name).isdecimal():
        return _("Age {n}").format(n=name)
    text = formats.label(name, currency)
    text = text[:1].upper() + text[1:]
    return _("{label} (percentage points)").format(label=text) if kind == "points" else text


def _find_places(values: pd.Series, kind: str, currency: str) -> int:
    """The decimals of a column of money: one decision, so that its points line up."""
    numbers = (x for x in values if not isinstance(x, str))
    return formats.money_decimals(numbers, currency) if kind == "money" else 0


def _is_tall(table: pd.DataFrame) -> bool:
    """Whether a text is wider than its column can be, so that rows have several lines."""
    texts = table.select_dtypes(exclude=["number", "bool"])
    return any(len(x) > WIDE for name in texts for x in texts[name] if isinstance(x, str))


def _make_cell(sheet: Any, value: Any, *, kind: str, places: int, aligned: Any) -> Any:
    """A value with its format; a word of the kit's own as pages write it."""
    from openpyxl.cell import WriteOnlyCell

    if formats.is_missing(value):
        return None
    if kind in _READERS:
        value = _READERS[kind](value)
    if isinstance(value, str) or pd.api.types.is_bool(value):
        kind = kind if kind in ("word", "stage") or isinstance(value, str) else "word"
        text = formats.cell(value, kind or "text")
        cell = workbook.make_cell(sheet, text)
    else:
        cell = WriteOnlyCell(sheet, value)
        cell.number_format = _find_format(value, kind, places)
    if aligned:  # slow, so only where it is seen
        cell.alignment = aligned
    return cell


def _find_format(x: Any, kind: str, places: int) -> str:
    """How Excel shows a value: as `formats` does, but for the sign of what is below zero."""
    if isinstance(x, dt.date):
        return "yyyy-mm-dd"
    if kind in _FORMATS:
        return _FORMATS[kind]
    if kind in formats.PLACES:
        places = formats.PLACES[kind]
    elif kind == "bound":
        places = 0 if x == round(x) else 2
    elif kind != "money":  # four significant digits, integers whole
        places = 0 if x == round(x) else max(0, 3 - math.floor(math.log10(abs(x))))
    return f"#,##0.{'0' * places}" if places else "#,##0"


def _read_switch(text: Any) -> bool:
    return text == "True"


def _read_day(text: Any) -> Any:
    """A day as Excel knows it, from 1900 on; any other text as it is."""
    try:
        day = dt.date.fromisoformat(text)
    except (TypeError, ValueError):
        return text
    return day if day.year >= 1900 else text


_READERS: Mapping[str, Callable[[Any], Any]] = {"date": _read_day, "switch": _read_switch}


def _find_width(label: str, values: pd.Series) -> float:
    """Wide enough for the longest word of the header and for the values; the rest is wrapped."""
    texts = [x if isinstance(x, str) else formats.number(x) for x in values.head(LOOKED_AT)]
    words = [formats.width(word) for word in label.split()]
    longest = max([NARROW, *words, *map(formats.width, texts)])
    return min(WIDE, longest + 2)
