"""Read a sheet of an Excel workbook, every cell as text."""

import datetime as dt
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ltvkit.errors import DataError, nearest
from ltvkit.ingest.policies import Policies
from ltvkit.ingest.readers import archives
from ltvkit.ingest.readers.csv_records import RAGGED, Record
from ltvkit.ingest.readers.excel_formats import write_number
from ltvkit.ingest.readers.part import File, Part, name_columns
from ltvkit.ingest.readers.spool import write_records

ALL = "*"  # as policies: sheet
_NUMBERS = {int, float}


def read(connection: Any, file: File, work: Path, rules: Policies) -> Part:
    """A sheet -> `Part`; lines are the sheet's rows. Raises `DataError` for one not to be read."""
    archives.check_inflated(file.path)
    with _open_workbook(file) as book:
        sheet = _choose_sheet(book, file, rules)
        rows = enumerate(sheet.iter_rows(), start=1)
        header = next((cells for line, cells in rows if line == rules.header_line), ())
        header = [cell.value for cell in header]
        header = header[: max((n for n, cell in enumerate(header, 1) if _to_text(cell)), default=0)]
        if not header:
            raise DataError(
                f"{file.name}: row {rules.header_line}, which must name the columns, is blank. "
                "Say which row does under policies: header_line."
            )
        columns, twins = name_columns(map(_to_text, header))
        kinds: list[set[type]] = [set() for _column in columns]
        records = _records(rows, kinds, rules.decimal or ".")
        sql, working = write_records(records, columns, work)
        others = [name for name in _sheet_names(book) if name != sheet.title]
    texts = dict.fromkeys(columns, "VARCHAR")
    facts = {"encoding": None}
    facts |= {"sheet": sheet.title, "other_sheets": others} if others else {}
    numeric = [c for c, found in zip(columns, kinds, strict=True) if found and found <= _NUMBERS]
    return Part(file.name, sql, texts, working, twins=twins, numeric=numeric, facts=facts)


def list_sheets(path: Path) -> list[str]:
    """The names of a workbook's sheets, in its order."""
    archives.check_inflated(path)
    with _open_workbook(File(path, path.name)) as book:
        return _sheet_names(book)


def _records(
    rows: Iterator[tuple[int, tuple]], kinds: Sequence[set[type]], decimal: str
) -> Iterator[Record]:
    """The rows below the header as records; adds to `kinds` the types of each column's values."""
    width = len(kinds)
    for line, cells in rows:
        texts = [_write_cell(cell, decimal) for cell in cells]
        if any(texts[width:]):
            yield Record(line, None, RAGGED, "\t".join(t or "" for t in texts))
        elif any(texts):
            for found, cell in zip(kinds, cells, strict=False):
                if cell.value is not None:
                    found.add(type(cell.value))
            yield Record(line, (texts + [None] * width)[:width])


def _write_cell(cell: Any, decimal: str) -> str | None:
    """A cell as text: a number as its format shows it, days without a time; None if empty."""
    value = cell.value
    if type(value) in _NUMBERS:
        return write_number(value, cell.number_format, decimal=decimal)
    return _to_text(value)


def _to_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    if type(value) in _NUMBERS:
        return write_number(value, "General", decimal=".")
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    return str(value)


def _choose_sheet(book: Any, file: File, rules: Policies) -> Any:
    found = _sheet_names(book)
    name = rules.sheet or found[0]
    if name not in found:
        raise DataError(
            f"{file.name} has no sheet {name!r}.{nearest(name, found)} It has: {', '.join(found)}."
        )
    sheet = book[name]
    sheet.reset_dimensions()  # the size stated in the file may be wrong
    return sheet


def _sheet_names(book: Any) -> list[str]:
    """The names of the sheets with cells (a chart can be a sheet too)."""
    return [sheet.title for sheet in book.worksheets]


@contextmanager
def _open_workbook(file: File) -> Iterator[Any]:
    """A workbook opened to be read row by row; it may turn out to be broken at any row."""
    import openpyxl

    fault = f"{file.name} cannot be read as an Excel workbook"
    with archives.translate_errors(fault, "Save it anew as .xlsx."), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of styles and links, which are not read
        book = openpyxl.load_workbook(file.path, read_only=True, data_only=True)
        with closing(book):
            yield book
