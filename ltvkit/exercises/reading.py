"""Answers as people write them, as figures."""

from __future__ import annotations

import math
import numbers
import re
import unicodedata
from typing import Any

from ltvkit.core.i18n import _
from ltvkit.errors import ParamsError

CHOICE, SHARE, COUNT = "choice", "share", "count"
OFF = 0.005  # of the right figure, or of one for a share: so much may an answer be off
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def read_answer(answer: Any, kind: str) -> float | str:
    """An answer -> a number, or for a choice its words; raises `ParamsError` with what to give.

    >>> read_answer("12,345 JPY", "money"), read_answer("24.9%", "share"), read_answer(12, "count")
    (12345.0, 0.249, 12.0)
    >>> read_answer(" Champions ", "choice")
    'champions'
    """
    if kind == CHOICE:
        if not isinstance(answer, str):
            raise ParamsError(_('Give one of the names, in quotes: answer = "..."'))
        return _plain(answer)
    if isinstance(answer, str):
        text = unicodedata.normalize("NFKC", answer).replace("−", "-")
        found = _NUMBER.findall(re.sub(r"(?<=\d)[,_](?=\d)", "", text))
        number = float(found[0]) if len(found) == 1 else math.nan
        number = number / 100 if "%" in text else number
    else:
        number = float(answer) if isinstance(answer, numbers.Real) else math.nan
    if math.isnan(number):
        raise ParamsError(_("Give one number, as in answer = 12."))
    return number


def differ(said: float | str, value: float | str, kind: str) -> float:
    """How far an answer is from a figure, in what it may be off; 0 to 1: it is that figure.

    >>> differ(100.4, 100.0, "money") < 1 < differ(101.0, 100.0, "money")
    True
    >>> differ(24.9, 0.249, "share"), differ(12.0, 12.0, "count")
    (0.0, 0.0)
    """
    if isinstance(said, str) or isinstance(value, str):
        names = {_plain(str(value)), _plain(_(str(value)))} if value else set()
        return 0.0 if said in names else float("inf")
    if value != value:  # a mistake that these orders do not show
        return float("inf")
    if kind == COUNT:
        return 0.0 if round(said) == round(value) and abs(said - round(said)) < 0.01 else 2.0
    if kind == SHARE:
        return min(abs(said - value), abs(said / 100 - value)) / OFF
    return abs(said - value) / max(OFF * abs(value), 1e-9)


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).replace("’", "'")
