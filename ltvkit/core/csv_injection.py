"""Text that a spreadsheet would take for a formula, kept as text in the files the kit writes.

A CSV file cannot say that a cell is text. A leading apostrophe does, in Excel and LibreOffice; the
kit takes it off again when it reads its own files. In a workbook the cell itself says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

# What begins a formula or breaks out of the cell, also after what a spreadsheet skips. In brackets:
# the signs, in their full and small widths too.
_ARMED = re.compile(r"'*(?:[\0\t\r\n]|[\s\0-\x1f\"\ufeff\u200b-\u200f]*[-=+@＝＋－＠﹦﹢﹣﹫])")
_NUMBER = re.compile(r"[-+][0-9.,]*")  # "-1,200.50" can do nothing, and is to stay a number


def is_armed(value: str) -> bool:
    """Whether a spreadsheet could take the text for a formula. Apostrophes before it do not count.

    >>> [is_armed(x) for x in ("=1+1", " @x", "'=1", "-1,200.50", "C-3")]
    [True, True, True, False, False]
    """
    return bool(_ARMED.match(value)) and not _NUMBER.fullmatch(value.lstrip("'"))


def escape(value: str) -> str:
    """The text as it goes into a CSV file; `unescape` gives it back.

    >>> escape("=cmd|'/c calc'!A0"), escape("-500"), escape("'=1")
    ("'=cmd|'/c calc'!A0", '-500', "''=1")
    """
    return f"'{value}" if is_armed(value) else value


def unescape(value: str) -> str:
    """The text that `text` made harmless.

    >>> unescape("'=1+1"), unescape("'tis")
    ('=1+1', "'tis")
    """
    return value[1:] if value.startswith("'") and is_armed(value) else value


def escape_table(table: pd.DataFrame) -> pd.DataFrame:
    """A table with its texts and the names of its columns as they go into a CSV file."""
    return _each(table, escape)


def unescape_table(table: pd.DataFrame) -> pd.DataFrame:
    """The table that `escape_table` made harmless."""
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
