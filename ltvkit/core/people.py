"""People in the lists of a report: names, e-mails and telephone numbers are masked by default.

Ids that are numbers or codes stay: a list is there to be acted on.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Collection
from typing import Any

import pandas as pd

from ltvkit.core import machine_values, personal_data
from ltvkit.core.machine_values import HIDDEN
from ltvkit.core.pseudonyms import COLUMN

# The columns that a params file says may be in lists as they are (policies: shown), for a notebook.
VARIABLE = "LTVKIT_SHOWN"
# Columns of ids: a customer's, as it was written, and as the export has them.
IDS = (
    *(COLUMN, "written", f"{COLUMN} (raw)", "order_id (raw)", "visitor_id (raw)"),
    *("referred_by (raw)", "enquiry_id (raw)", "event_id (raw)"),
)
# Columns of days and figures as the export has them: a word there is a slip.
FIGURES = (
    *("order_date", "amount", "quantity", "unit_price", "margin", "order_total"),
    *("event_time", "enquiry_time", "answer_minutes", "handling_minutes"),
)
WHOLE = "quarantine"  # in `shown`: its raw columns are written as they are
TEXT = "text"  # of the quarantine: a line as it was written
_CODE = re.compile(r"[A-Za-z0-9_.:#/+-]*")
_NAMES = re.compile(r"[A-Za-z]{2,}(?:[._][A-Za-z]{2,})+")
_DIGITS = 12
_WORD = re.compile(r"(?!令和|平成|昭和|税込|税抜|午前|午後)(?:[A-Za-z]{4,}|[^\W\d_A-Za-z]{2,})")
# One letter that is no Latin one is a name in some languages; marks belong to the letter before.
_LETTERS = re.compile(r"(?:[^\W\d_A-Za-z]|[A-Za-z]{2,})(?:[^\W\d_]|[\u0300-\u036f\u0900-\u0dff])*")


def is_person(text: str) -> bool:
    """Whether an id names somebody: an e-mail, a telephone number, or words without a digit.

    One word of Latin letters is taken for a code; two of them with . or _ between are a name.

    >>> [is_person(text) for text in ("C00017", "17", "taro", "会員017")]
    [False, False, False, False]
    >>> [is_person(text) for text in ("a@b.org", "Taro Yamada", "taro.yamada", "山田")]
    [True, True, True, True]
    """
    if personal_data.hide(text) != text:
        return True
    words = any(c.isalpha() for c in text) and not any(c.isdecimal() for c in text)
    return words and bool(_NAMES.fullmatch(text) or not _CODE.fullmatch(text))


def shorten(person: str) -> str:
    """What stands for a person in lists: the first 12 digits of the SHA-256.

    The same person has the same in all lists, and whoever knows the name or address can find it.

    >>> shorten("a@example.org")
    'person-e16bfe08be11'
    """
    return f"person-{hashlib.sha256(person.encode()).hexdigest()[:_DIGITS]}"


def mask(table: pd.DataFrame, *, shown: Collection[str] = ()) -> pd.DataFrame:
    """A list with people masked, except in the columns `shown`; secrets are hidden in all."""
    whole, secrets = WHOLE in shown and TEXT in table, machine_values.find_secrets(figures=True)
    masked = {}
    for column in table.columns:
        if pd.api.types.is_numeric_dtype(table[column]):
            continue
        way = str if whole or column in shown else _choose_way(str(column))
        known = {x: way(x) for x in table[column].unique() if isinstance(x, str)}
        if secrets:
            known = {x: secrets.sub(HIDDEN, to) for x, to in known.items()}
        if any(x != to for x, to in known.items()):
            masked[column] = table[column].map(lambda x, to=known: to.get(x, x))
    return table.assign(**masked) if masked else table


def _choose_way(column: str) -> Callable[[str], Any]:
    if column in IDS or personal_data.is_personal(column.removesuffix(" (raw)")):
        return lambda x: shorten(x) if is_person(x) else x
    if column.removesuffix(" (raw)") in FIGURES and column.endswith(" (raw)"):
        return lambda x: _WORD.sub(HIDDEN, personal_data.hide(x))
    if column == TEXT:  # which words are names, nothing tells
        return lambda x: _LETTERS.sub(HIDDEN, personal_data.hide(unicodedata.normalize("NFC", x)))
    return personal_data.hide
