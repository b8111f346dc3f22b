"""Days that stand where there is none, such as 9999-12-31: they are no date, and no fault either.

`dates.parse_date` reads none of them.
"""

from __future__ import annotations

import re

from ltvkit.core import files
from ltvkit.engines.sql import literal
from ltvkit.ingest.parse.values import narrow, strip_blanks

_KNOWN = files.read_yaml(__name__, "placeholder_days.yaml")
_MONTHS = {"01": "jan", "04": "apr", "12": "dec"}
_BETWEEN, _LAST = r"[-/.年月 ]", r"[-/., ]+"
_ANY = r"(?:\d\d?|[a-z]{3,9})"


def _write_year(year: str) -> list[str]:
    """Patterns of any day of a year."""
    return [
        rf"{year}{_BETWEEN} ?{_ANY}{_BETWEEN} ?\d\d?",
        rf"{year}\d{{4}}",
        rf"{_ANY}{_LAST}{_ANY}{_LAST}{year}",
    ]


def _write_day(day: str) -> list[str]:
    """Patterns of a day that is written year first."""
    year, month, number = day.split("-")
    m = rf"(?:0?{int(month)}|{_MONTHS[month]}[a-z]*)"
    d = f"0?{int(number)}"
    return [
        rf"{year}{_BETWEEN} ?{m}{_BETWEEN} ?{d}",
        f"{year}{month}{number}",
        rf"(?:{m}{_LAST}{d}|{d}{_LAST}{m}){_LAST}{year}",
    ]


_DAYS = [p for year in _KNOWN["years"] for p in _write_year(year)]
_DAYS += [p for day in _KNOWN["days"] for p in _write_day(day)]
_TEXTS = "|".join(rf"{re.escape(text)}(?:\.0*)?" for text in _KNOWN["texts"])
# A weekday may stand before a day, and a time after it.
PATTERN = rf"(?i)^(?:(?:[a-z]{{3,9}},? )?(?:{'|'.join(_DAYS)})(?:[ T日(].*)?|{_TEXTS})$"


def is_placeholder(text: str) -> str:
    """SQL: whether a text is a day that means none.

    >>> import duckdb
    >>> written = duckdb.sql("select unnest(['9999-12-31 00:00', '1/0/1900', '2024-01-05']) as day")
    >>> written.project(is_placeholder("day")).fetchall()
    [(True,), (True,), (False,)]
    """
    return f"coalesce(regexp_matches({strip_blanks(narrow(text))}, {literal(PATTERN)}), false)"


def names_placeholder(text: str) -> bool:
    """Whether a text is a day that means none.

    >>> names_placeholder("31/12/9999"), names_placeholder("31/12/1999")
    (True, False)
    """
    return bool(re.search(PATTERN, text.strip()))
