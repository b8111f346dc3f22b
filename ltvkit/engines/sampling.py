"""A sample of customers by a hash of their ids, the same on every engine.

A Bernoulli sample: each customer is in it with the same probability, whatever they or others
bought. Membership is defined for any id, also one that never bought. A smaller sample is a part of
a larger one.
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

GROUPS = 16**2  # of customers, by two hex digits
DIGITS = 8  # of the MD5 of an id, in hex: what is compared


def contains(ids: Iterable[Any], share: float) -> np.ndarray:
    """Customer ids -> whether each is in the sample of `share` (0 to 1): an array of booleans.

    An id is in the sample if the first eight hex digits of its MD5 (as UTF-8), read as a number,
    are below `share` x 16^8.

    >>> contains(["c1", "c2", "c3", "太郎"], 0.5).tolist()
    [False, False, True, True]
    """
    ids, limit = list(ids), _limit(share)
    if limit >= 16**DIGITS:
        return np.ones(len(ids), dtype=bool)
    return np.array([_number(one) < limit for one in ids], dtype=bool)


def count(lines: frames.Frame) -> int:
    """Order lines -> how many customers they name, counted in their engine."""
    return frames.count(frames.lazy(lines, needs=("customer_id",)).select("customer_id").unique())


def draw(lines: frames.Frame, *, most: int, among: int) -> tuple[Any, float]:
    """Order lines of `among` customers -> the lines of about `most` of them, and their share.

    The share is `most` / `among`; if there are no more than `most`, it is 1 and the lines come
    back as they are. The number of customers drawn varies by about the square root of `most`.
    Comes back as the kind of frame that went in; no row leaves the engine.
    """
    share = min(1.0, most / max(among, 1))
    opened, limit = frames.lazy(lines, needs=("customer_id",)), _limit(share)
    if limit >= 16**DIGITS:
        return lines, 1.0
    if opened.implementation.is_duckdb() or frames.is_spark(opened):
        # Hex digits sort like their numbers, and both engines read this SQL.
        digits = f"substring(md5(cast(customer_id as string)), 1, {DIGITS})"
        part = nw.from_native(opened.to_native().filter(f"{digits} < '{limit:0{DIGITS}x}'"))
    else:
        ids = opened.select("customer_id").unique().collect()["customer_id"].to_numpy()
        part = opened.filter(nw.col("customer_id").is_in(ids[contains(ids, share)].tolist()))
    return frames.materialize(part, like=lines), share


def deal(customers: nw.LazyFrame) -> nw.LazyFrame:
    """Customers -> the same with `group`: one of 256, by the first two hex digits of the MD5 of
    the id. How many are in a group varies by chance, as the number of customers of a shop does.
    """
    digits = "substring(md5(cast(customer_id as string)), 1, 2)"  # as both engines read it
    if customers.implementation.is_duckdb():
        return nw.from_native(customers.to_native().project(f'*, {digits} as "group"')).lazy()
    if frames.is_spark(customers):
        return nw.from_native(customers.to_native().selectExpr("*", f"{digits} as group")).lazy()
    held = customers.collect()
    groups = [f"{_number(one):0{DIGITS}x}"[:2] for one in held["customer_id"].to_list()]
    dealt = nw.new_series("group", groups, nw.String, backend=held.implementation)
    return held.with_columns(group=dealt).lazy()


def note(sampled: int, *, of: int) -> str:
    """A sentence that says that a sample was used; "" if all customers were.

    >>> note(1_000_000, of=5_300_000)
    'Based on a sample of 1,000,000 of 5,300,000 customers.'
    """
    if sampled == of:
        return ""
    text = _("Based on a sample of {n} of {whole} customers.")
    return text.format(n=f"{sampled:,}", whole=f"{of:,}")


def _limit(share: float) -> int:
    """The smallest number that is not in the sample: exact, as 16^8 is a power of two."""
    return math.ceil(share * 16**DIGITS)


def _number(one: Any) -> int:
    hashed = hashlib.md5(str(one).encode(), usedforsecurity=False)
    return int(hashed.hexdigest()[:DIGITS], 16)
