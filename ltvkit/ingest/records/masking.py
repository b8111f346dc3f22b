"""Texts that customers write, as they are kept: plain, and without personal data.

E-mails, telephone numbers and numbers of cards become ***. Names and street addresses cannot be
told from other words, so texts are for counting phrases, and stand on no page.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ltvkit.core import personal_data

if TYPE_CHECKING:
    import pyarrow as pa

_TAGS = (
    "a|abbr|b|big|blockquote|body|br|center|code|div|em|font|form|h[1-6]|head|hr|html|i|iframe|img|"
    "input|label|li|link|meta|ol|option|p|pre|s|script|select|small|span|strong|style|sub|sup|svg|"
    "table|tbody|td|textarea|tfoot|th|thead|title|tr|u|ul|video"
)
_HIDDEN = re.compile(r"<(script|style|head)\b.*?</\1\s*>|<!--.*?-->", re.I | re.S)
_BREAKS = re.compile(r"<(?:br|/p|/div|/li|/tr|/h[1-6])\b[^<>]*>", re.I)
_TAG = re.compile(rf"</?(?:{_TAGS})\b[^<>]*>", re.I)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2060\ufeff]+")
_CARD = re.compile(
    r"(?<![0-9０-９])(?:[0-9０-９][ \u3000\-‐-―−－ー]?){12,18}[0-9０-９](?![0-9０-９])"
)
# What a text without personal data has not; looking for it takes a tenth of the time.
_MAY_BE_PERSONAL = re.compile(r"[@＠]|[0-9０-９](?:[^0-9０-９]?[0-9０-９]){8}")


def clean(text: str) -> str:
    """A text as it is kept: without HTML, control characters and personal data.

    >>> clean("<p>Tea &amp; cup<br>broke</p> a@example.org"), clean("1 < 2, =1+1")
    ('Tea & cup\\nbroke\\n ***', '1 < 2, =1+1')
    """
    if "<" in text:
        text = _TAG.sub("", _BREAKS.sub("\n", _HIDDEN.sub(" ", text)))
    if "&" in text:
        text = html.unescape(text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return mask(_CONTROL.sub(" ", text)).strip()


def mask(text: str) -> str:
    """A text without e-mails, telephone numbers and numbers of cards.

    >>> mask("card 4111-1111-1111-1111, order 1234567890123, call 090-1234-5678")
    'card ***, order 1234567890123, call ***'
    """
    if not _MAY_BE_PERSONAL.search(text):
        return text
    return personal_data.hide(_CARD.sub(_hide_card, text), strict=False)


def clean_rows(rows: pa.Table, changes: Mapping[str, Callable[[str], str]]) -> pa.Table:
    """A table of texts -> the same with the columns of `changes` as these change them."""
    import pyarrow as pa

    for name, change in changes.items():
        texts = [None if x is None else change(x) or None for x in rows[name].to_pylist()]
        column = rows.schema.get_field_index(name)
        rows = rows.set_column(column, name, pa.array(texts, pa.string()))
    return rows


def _hide_card(found: re.Match[str]) -> str:
    """*** for a number whose last digit is the check digit of the others (Luhn, ISO/IEC 7812)."""
    digits = [int(c) for c in unicodedata.normalize("NFKC", found[0]) if c.isdecimal()]
    doubled = [2 * d - 9 * (d > 4) if n % 2 else d for n, d in enumerate(reversed(digits))]
    return "***" if sum(doubled) % 10 == 0 else found[0]
