"""Which enquiries a person always answers, whatever a model says: by words, and by intent.

>>> [find_reason(text) for text in ("肌がかぶれました", "I was charged twice", "いつ届きますか")]
['injury', 'payment_dispute', '']
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from ltvkit.core import files

_RULES = files.read_yaml(__name__, "reasons.yaml")
_WORDS = {name: re.compile("|".join(rule["words"])) for name, rule in _RULES.items()}
_INTENTS = {name: re.compile(rule["intents"]) for name, rule in _RULES.items()}
REASONS = tuple(_RULES)
HIGH_VALUE, UNKNOWN, NOT_PROVEN, NOT_SURE, NONE = (
    "high_value", "unknown_intent", "not_proven", "not_sure", "",
)  # fmt: skip


def fold(text: str) -> str:
    """A text in the form in which texts are compared: width, case and runs of blanks do not count.

    >>> fold("Ｈｅｌｌｏ　 ｶｲﾝ")
    'hello カイン'
    """
    return " ".join(unicodedata.normalize("NFKC", str(text)).casefold().split())


def find_reason(text: str) -> str:
    """The reason why the words of a text want a person; "": none."""
    folded = fold(text)
    return next((name for name, words in _WORDS.items() if words.search(folded)), NONE)


def classify_intents(intents: Iterable[str]) -> dict[str, str]:
    """Names of intents -> those that want a person, each with its reason.

    >>> classify_intents(["skin_trouble", "receipt", "苦情"])
    {'skin_trouble': 'injury', '苦情': 'complaint'}
    """
    found: dict[str, str] = {}
    for intent in intents:
        reason = next((name for name, it in _INTENTS.items() if it.search(fold(intent))), NONE)
        found |= {intent: reason} if reason else {}
    return found
