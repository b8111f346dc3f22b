"""Secret keys from the environment, for keyed hashes (HMAC-SHA256, RFC 2104)."""

import hmac
import os

from ltvkit.errors import ParamsError

SHORTEST = 32


def read(variable: str, *, apart_from: str) -> bytes:
    """The key in a variable; b"" without one. `ParamsError` if it is too short to be a secret.

    `apart_from` says in the message where the key must not be kept.
    """
    found = os.environ.get(variable, "").encode("utf-8", "surrogateescape")
    if 0 < len(found) < SHORTEST:
        raise ParamsError(
            f"{variable} has {len(found)} characters, and needs {SHORTEST} or more: make one "
            f"with `openssl rand -hex 32`, and keep it where {apart_from} not."
        )
    return found


def fingerprint(known: bytes) -> str:
    """Identify a key without revealing it; "" if there is none."""
    return hmac.digest(known, b"ltvkit", "sha256").hex() if known else ""
