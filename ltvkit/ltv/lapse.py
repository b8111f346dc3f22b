"""When a customer counts as gone: after `lapse_days`, or by the shop's own usual gap."""

from __future__ import annotations

from typing import NamedTuple

import narwhals.stable.v2 as nw
import numpy as np

from ltvkit import periods
from ltvkit.display import formats
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.ingest import daily
from ltvkit.ltv.texts import fill
from ltvkit.periods import Day

__all__ = ["Lapse", "find"]

__dir__ = __all__.copy

FEWEST = 30  # gaps, to know the usual one
NEARLY_ALL = 0.9  # of the gaps
REGULAR = 1.25  # times the usual gap, that nearly all are within where customers pay regularly
WEEK = 7  # days, to wait for a regular payment at least
LATE = 10  # a tenth of the gap that nearly all are within, to wait longer than that


class Lapse(NamedTuple):
    """Days without an order: up to `recent_days` nobody is called at risk, from `lapse_days` on a
    customer counts as gone. `text` says it where the shop's orders ask for other days than given;
    it is empty elsewhere."""

    lapse_days: int
    recent_days: int
    text: str = ""


def find(lines: Frame, *, as_of: Day, lapse_days: int = 180, recent_days: int = 30) -> Lapse:
    """Order lines, or their `days`, up to `as_of` -> the days to go by.

    As given; but where more than half of the gaps between customers' purchases are longer than
    `lapse_days`, as with a yearly fee, most of those who count as gone would come back. Then recent
    is the usual gap (half are no longer), and gone is a tenth more than the gap that nine of ten do
    not exceed. And where nine of ten are at most a quarter longer than the usual one, as with a
    monthly fee, who is silent for longer has missed a payment: gone is a tenth more than that, and
    a week at least, if this is sooner than given. Fewer than 30 gaps say nothing.

    >>> import pandas as pd
    >>> fees = pd.DataFrame({"customer_id": [f"c{n % 20}" for n in range(60)], "amount": 60.0,
    ...     "order_date": [pd.Timestamp(2021 + n // 20, 1, 1 + n % 20) for n in range(60)]})
    >>> find(fees, as_of="2023-12-31")[:2]
    (402, 365)
    """
    bought = daily.select_purchases(lines, as_of=as_of).unique()
    number = periods.number("order_date")
    before = nw.col("day").shift(1).over("customer_id", order_by="day")
    gaps = bought.with_columns(day=number).with_columns(gap=nw.col("day") - before)
    gaps = gaps.filter(~nw.col("gap").is_null())
    sums = gaps.select(n=nw.len(), usual=nw.col("gap").median())
    row = frames.table(sums).fillna(0).iloc[0]
    if row["n"] < FEWEST:
        return Lapse(lapse_days, recent_days)
    usual = int(np.floor(row["usual"]))
    if usual <= lapse_days:
        own = _find_regular(gaps, usual, row["n"]) or lapse_days
        if own >= lapse_days:
            return Lapse(lapse_days, recent_days)
        words = {"usual": formats.count(usual), "given": formats.count(lapse_days)}
        return Lapse(own, usual, fill("usual_gap_regular", **words, own=formats.count(own)))
    table = frames.table(gaps.group_by("gap").agg(n=nw.len()).sort("gap"))
    within = table["n"].cumsum().to_numpy()
    usual, long = (
        int(table["gap"].iloc[np.searchsorted(within, share * within[-1])])
        for share in (0.5, NEARLY_ALL)
    )
    own = _wait(long)
    words = {"usual": formats.count(usual), "given": formats.count(lapse_days)}
    return Lapse(own, usual, fill("usual_gap_longer", **words, own=formats.count(own)))


def _find_regular(gaps: nw.LazyFrame, usual: int, n: float) -> int | None:
    """The days after which a regular payment is missing; None where customers do not pay so."""
    long = int(REGULAR * usual)
    within = gaps.with_columns(within=(nw.col("gap") <= long).cast(nw.Int64))
    inside = frames.table(within.select(nw.col("within").sum())).fillna(0).iloc[0, 0]
    return max(_wait(long), usual + WEEK) if inside >= NEARLY_ALL * n else None


def _wait(long: int) -> int:
    return long - (-long // LATE)
