"""The seals of a ledger's lines: a hash of what a line says, and a keyed one where there is a key.

`seal` is the SHA-256 of a line: whoever changes it by accident is detected, but anybody can make a
new one. `hmac` is the HMAC-SHA256 of the line with its seal, under the key in LTVKIT_LEDGER_KEY:
only who has the key can make one.
"""

import hashlib
import hmac
import json
from typing import Any

from ltvkit.core import keys

VARIABLE = "LTVKIT_LEDGER_KEY"


def key() -> bytes:
    """The key from the environment; b"" if there is none. `ParamsError` if it is too short."""
    return keys.read(VARIABLE, apart_from="the ledger is")


def seal(fields: dict[str, str], known: bytes) -> dict[str, str]:
    """What a line says -> the line with its seal, and with its keyed one where there is a key."""
    sealed = fields | {"seal": fingerprint(fields)}
    return sealed | {"hmac": _sign(sealed, known)} if known else sealed


def is_whole(line: dict[str, str]) -> bool:
    """Whether a line is as it was sealed."""
    said = {name: value for name, value in line.items() if name not in ("seal", "hmac")}
    return fingerprint(said) == line["seal"]


def fits(line: dict[str, str], known: bytes) -> bool:
    """Whether the keyed seal of a line was made with this key."""
    said = {name: value for name, value in line.items() if name != "hmac"}
    found = line["hmac"].encode("utf-8", "surrogatepass")
    return hmac.compare_digest(_sign(said, known).encode(), found)


def _sign(line: dict[str, str], known: bytes) -> str:
    return hmac.digest(known, encoded(line), "sha256").hex()


def canonical(value: Any) -> str:
    """Anything JSON can hold as its one text, whatever the order of keys.

    >>> canonical({"b": [1], "a": "é"})
    '{"a":"é","b":[1]}'
    """
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def fingerprint(value: Any) -> str:
    """The SHA-256 of the canonical text."""
    return hashlib.sha256(encoded(value)).hexdigest()


def encoded(value: Any) -> bytes:
    """The canonical text in UTF-8; what a terminal could not decode comes back as it was."""
    return canonical(value).encode("utf-8", "surrogatepass")
