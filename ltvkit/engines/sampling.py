"""A sample of customers that is decided by the id alone, so that every engine draws the same one.

Who is in the sample does not depend on what they bought, on the other customers or on the engine:
each is in it with the same probability, by itself (a Bernoulli sample). Also of an id that never
bought it is known whether it belongs to it; and a smaller sample is a part of a larger one.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from ltvkit.core.i18n import _
from ltvkit.engines import frames

DIGITS = 8  # of the MD5 of an id, in hex: what is compared


def contains(ids: Iterable[Any], share: float) -> np.ndarray:
    """Customer ids -> whether each is in the sample of `share` (0 to 1): an array of booleans.

    One is if the first eight hex digits of the MD5 of its id (as UTF-8), as a number, lie below
    `share` x 16^8.

    >>> contains(["c1", "c2", "c3", "太郎"], 0.5).tolist()
    [False, False, True, True]
    """
    ids, limit = list(ids), _limit(share)
    if limit >= 16**DIGITS:
        return np.ones(len(ids), dtype=bool)
    return np.array([_number(one) < limit for one in ids], dtype=bool)


def count(lines: Any) -> int:
    """Order lines -> how many customers they name, counted in their engine."""
    return frames.count(frames.lazy(lines, needs=("customer_id",)).select("customer_id").unique())


def draw(lines: Any, *, most: int, among: int) -> tuple[Any, float]:
    """Order lines of `among` customers -> the lines of about `most` of them, and their share.

    The share is `most` / `among`, and 1 where there are no more than `most`: then the lines come
    back as they are. A sample holds as many as chance has it: `most`, give or take its square
    root. Comes back as the kind of frame that went in; nothing leaves the engine.
    """
    share = min(1.0, most / max(among, 1))
    opened, limit = frames.lazy(lines, needs=("customer_id",)), _limit(share)
    if limit >= 16**DIGITS:
        return lines, 1.0
    if opened.implementation.is_duckdb() or frames.is_spark(opened):
        # Hex digits sort like the numbers they stand for, and both engines read this.
        digits = f"substring(md5(cast(customer_id as string)), 1, {DIGITS})"
        part = nw.from_native(opened.to_native().filter(f"{digits} < '{limit:0{DIGITS}x}'"))
    else:
        ids = opened.select("customer_id").unique().collect()["customer_id"].to_numpy()
        part = opened.filter(nw.col("customer_id").is_in(ids[contains(ids, share)].tolist()))
    return frames.materialize(part, like=lines), share


def note(judged: int, *, of: int) -> str:
    """That a sample was judged, in a sentence; "" where all were.

    >>> note(1_000_000, of=5_300_000)
    'Judged on 1,000,000 of 5,300,000 customers, drawn by their id.'
    """
    if judged == of:
        return ""
    text = _("Judged on {n} of {whole} customers, drawn by their id.")
    return text.format(n=f"{judged:,}", whole=f"{of:,}")


def _limit(share: float) -> int:
    """The smallest number that is not in the sample: exact, as 16^8 is a power of two."""
    return math.ceil(share * 16**DIGITS)


def _number(one: Any) -> int:
    hashed = hashlib.md5(str(one).encode(), usedforsecurity=False)
    return int(hashed.hexdigest()[:DIGITS], 16)
