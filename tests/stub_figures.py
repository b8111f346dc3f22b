"""The figures of a text in English or Japanese."""

from __future__ import annotations

import html
import re

NUMBER = r"\d[\d,]*(?:\.\d+)?"
# Amounts of which the first digits are told, the later one of a range with the unit of both.
UNITS = {"billion": 1e9, "million": 1e6, "億": 1e8, "万": 1e4}
HALF = 50  # percent, for which there is a word
SMALL = 13  # below it a language may write a word for a number, as in "second" and 2回目


def read_numbers(text: str) -> set[float]:
    """The figures of a text, whatever the language: amounts in full, years in full."""
    text = re.sub(r"(?<!\d)(\d\d)年(?=\d+[月週Q])", r"20\1年", html.unescape(text))
    unit = "|".join(UNITS)
    found = set()
    span = rf"({NUMBER})(?: to |〜)({NUMBER}) ?({unit})"
    for few, many, power in re.findall(span, text):
        found |= {round(_number(x) * UNITS[power], 2) for x in (few, many)}
    text = re.sub(span, "", text)
    for x, power in re.findall(rf"({NUMBER}) ?({unit})", text):
        found.add(round(_number(x) * UNITS[power], 2))
    text = re.sub(rf"{NUMBER} ?({unit})", "", text)
    found |= {_number(x) for x in re.findall(NUMBER, text)}
    return {x for x in found if (x >= SMALL or x % 1) and x != HALF}


def _number(text: str) -> float:
    return float(text.rstrip(",").replace(",", ""))
