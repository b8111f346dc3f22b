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
    not exceed. Fewer than 30 gaps say nothing.

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
    short = (nw.col("gap") <= lapse_days).cast(nw.Int64)
    sums = gaps.with_columns(short=short).select(n=nw.len(), short=nw.col("short").sum())
    row = frames.table(sums).fillna(0).iloc[0]
    if row["n"] < FEWEST or 2 * row["short"] >= row["n"]:
        return Lapse(lapse_days, recent_days)
    table = frames.table(gaps.group_by("gap").agg(n=nw.len()).sort("gap"))
    within = table["n"].cumsum().to_numpy()
    usual, long = (
        int(table["gap"].iloc[np.searchsorted(within, share * within[-1])])
        for share in (0.5, NEARLY_ALL)
    )
    own = long - (-long // LATE)
    words = {"usual": formats.count(usual), "given": formats.count(lapse_days)}
    return Lapse(own, usual, fill("usual_gap_longer", **words, own=formats.count(own)))
