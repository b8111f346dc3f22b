"""Sentences and lists that code puts together, as the reader's language writes them."""

from collections.abc import Iterable, Mapping
from typing import Any

from ltvkit.core import files
from ltvkit.core.i18n import SOURCE, language

_LANGUAGES = files.read_yaml(__name__, "languages.yaml")


def rules() -> Mapping[str, Any]:
    """What languages.yaml says of the reader's language; of English, where it does not know it."""
    return _LANGUAGES.get(language().partition("-")[0], _LANGUAGES[SOURCE])


def sentences(parts: Iterable[str]) -> str:
    """Sentences, one after the other; empty ones are left out. Japanese has no space between them.

    >>> sentences(["One customer left.", "", "Two came."])
    'One customer left. Two came.'
    """
    known, said = rules(), ""
    for part in filter(None, parts):
        close = not said or said[-1] in known["stops"]
        said += part if close else known["sentence"] + part
    return said


def items(parts: Iterable[str]) -> str:
    """A list.

    >>> items(["mug", "cup", "pot"])
    'mug, cup, pot'
    """
    return rules()["item"].join(parts)


def clauses(parts: Iterable[str]) -> str:
    """A list whose items may have commas themselves.

    >>> clauses(["mug, 3", "cup, 4"])
    'mug, 3; cup, 4'
    """
    return rules()["clause"].join(parts)


def both(parts: Iterable[str]) -> str:
    """All of a few.

    >>> both(["orders", "revenue"])
    'orders and revenue'
    """
    return rules()["both"].join(parts)


def span(parts: Iterable[str]) -> str:
    """From and to; one of both alone, where they are the same.

    >>> span(["2024-01", "2024-09"]), span(["2024-01"])
    ('2024-01 to 2024-09', '2024-01')
    """
    return rules()["range"].join(parts)


def colon(*parts: str) -> str:
    """A name and what it is.

    >>> colon("FAILED", "no orders")
    'FAILED: no orders'
    """
    return rules()["colon"].join(parts)


def aside(text: str, remark: str) -> str:
    """A text and a remark in brackets, where there is one.

    >>> aside("RFM", "12 customers"), aside("RFM", "")
    ('RFM (12 customers)', 'RFM')
    """
    return rules()["aside"].format(text=text, aside=remark) if remark else text


def quote(text: str) -> str:
    """A word in quotation marks.

    >>> quote("guest")
    '"guest"'
    """
    return rules()["quote"].format(text=text)


def go_on(text: str) -> str:
    """A sentence that follows another one in a text: after a space, where the language has one.

    >>> go_on("Two more are in the table."), go_on("")
    (' Two more are in the table.', '')
    """
    known = rules()
    return known["sentence"] * (known["stop"] not in known["stops"]) + text if text else ""


def stop(text: str) -> str:
    """A text with its full stop.

    >>> stop("Revenue by month")
    'Revenue by month.'
    """
    known = rules()
    return text if text.endswith((*known["ends"],)) else text + known["stop"]
