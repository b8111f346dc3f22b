"""Escaping of text in CSV files that a spreadsheet would run as a formula.

A leading apostrophe marks a cell as text in Excel and LibreOffice; the kit removes it again when it
reads its own files. In a workbook, the type of the cell says that it is text.
"""

import re
from collections.abc import Callable

import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

# Signs that begin a formula (in all widths), also after characters that a spreadsheet skips, and
# characters that end the cell.
_ARMED = re.compile(r"'*(?:[\0\t\r\n]|[\s\0-\x1f\"\ufeff\u200b-\u200f]*[-=+@＝＋－＠﹦﹢﹣﹫])")
_NUMBER = re.compile(r"[-+][0-9.,]*")  # "-1,200.50" is harmless and stays a number


def is_armed(value: str) -> bool:
    """Whether a spreadsheet could run the text as a formula, ignoring leading apostrophes.

    >>> [is_armed(x) for x in ("=1+1", " @x", "'=1", "-1,200.50", "C-3")]
    [True, True, True, False, False]
    """
    return bool(_ARMED.match(value)) and not _NUMBER.fullmatch(value.lstrip("'"))


def escape(value: str) -> str:
    """A text as it is written to a CSV file; `unescape` reverses it.

    >>> escape("=cmd|'/c calc'!A0"), escape("-500"), escape("'=1")
    ("'=cmd|'/c calc'!A0", '-500', "''=1")
    """
    return f"'{value}" if is_armed(value) else value


def unescape(value: str) -> str:
    """The text before `escape`.

    >>> unescape("'=1+1"), unescape("'tis")
    ('=1+1', "'tis")
    """
    return value[1:] if value.startswith("'") and is_armed(value) else value


def escape_table(table: pd.DataFrame) -> pd.DataFrame:
    """A table with `escape` applied to all texts and column names."""
    return _each(table, escape)


def unescape_table(table: pd.DataFrame) -> pd.DataFrame:
    """The table before `escape_table`."""
    return _each(table, unescape)


def _each(table: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    new = table.rename(columns=lambda name: change(name) if isinstance(name, str) else name)
    for place in range(len(new.columns)):
        column = new.iloc[:, place]
        if is_numeric_dtype(column) or is_bool_dtype(column):
            continue
        changed = [change(x) if isinstance(x, str) else x for x in column]
        if any(a is not b for a, b in zip(changed, column, strict=True)):
            kind = object if isinstance(column.dtype, pd.CategoricalDtype) else column.dtype
            new.isetitem(place, pd.Series(changed, index=new.index, dtype=kind))
    return new
