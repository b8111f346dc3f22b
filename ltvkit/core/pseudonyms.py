"""Pseudonyms for customer ids in the lists of a report.

With LTVKIT_LIST_KEY set, each customer id in a list is replaced by a keyed hash (HMAC-SHA256, RFC
2104, cut to 128 bits). A customer has the same pseudonym in all lists and months. Without the key
nobody can find the customer, not even by trying ids.
"""

import hmac
from collections.abc import Iterable
from typing import Any

import pandas as pd

from ltvkit.core import keys
from ltvkit.errors import ParamsError

VARIABLE = "LTVKIT_LIST_KEY"
COLUMN = "customer_id"
_DIGITS = 32


def key() -> bytes:
    """The key from the environment; b"" if there is none. `ParamsError` if it is too short."""
    return keys.read(VARIABLE, apart_from="the lists are")


def fingerprint() -> str:
    """Identify the key in use without revealing it; "" if there is none."""
    return keys.fingerprint(key())


def of(customer_id: str) -> str:
    """A customer's pseudonym under the key; raises `ParamsError` if there is none."""
    if not (known := key()):
        raise ParamsError(f"{VARIABLE} is not set: the lists hold customer ids as they are.")
    return pseudonymize([customer_id], known)[0]


def apply(table: pd.DataFrame) -> pd.DataFrame:
    """A list with pseudonyms for customer ids, if there is a key. Empty ids stay empty."""
    known = key()
    if COLUMN not in table or not known:
        return table
    return table.assign(**{COLUMN: pseudonymize(table[COLUMN], known)})


def pseudonymize(ids: Iterable[Any], known: bytes) -> list[str]:
    """Customer ids -> their pseudonyms under the key `known`; "" for an empty id."""
    filled = (one if isinstance(one, str) else "" for one in ids)
    return [one and hmac.digest(known, one.encode(), "sha256").hex()[:_DIGITS] for one in filled]
