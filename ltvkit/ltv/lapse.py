"""When a customer counts as gone: after `lapse_days`, or by the shop's own usual gap."""

from __future__ import annotations

from typing import NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.display import formats
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.ingest import daily
from ltvkit.ltv.texts import fill
from ltvkit.periods import Day

__all__ = ["Lapse", "find", "is_regular"]

__dir__ = __all__.copy

FEWEST = 30  # gaps, to know the usual one
FEWEST_CUSTOMERS = 10  # who have one
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
    `lapse_days`, as with a yearly fee, most of those who count as gone would come back. Then gone
    is a tenth more than the gap that nine of ten do not exceed. Where nine of ten are at most a
    quarter longer than the usual one (half are no longer), as with a monthly fee, who is silent for
    longer has missed a payment: gone is a tenth more than that, and a week at least, if this is
    sooner than given. In both cases recent is the usual gap. All gaps of a customer count as one
    together, so that one who buys every day does not decide for all. Fewer than 30 gaps, or those
    of fewer than 10 customers, say nothing.

    >>> import pandas as pd
    >>> fees = pd.DataFrame({"customer_id": [f"c{n % 20}" for n in range(60)], "amount": 60.0,
    ...     "order_date": [pd.Timestamp(2021 + n // 20, 1, 1 + n % 20) for n in range(60)]})
    >>> find(fees, as_of="2023-12-31")[:2]
    (402, 365)
    """
    gaps = _count_gaps(lines, as_of=as_of)
    if _are_few(gaps):
        return Lapse(lapse_days, recent_days)
    usual, long = (_find_gap(gaps, share) for share in (0.5, NEARLY_ALL))
    name, own = "usual_gap_longer", _wait(long)
    if usual <= lapse_days:
        most = int(REGULAR * usual)
        name, own = "usual_gap_regular", max(_wait(most), usual + WEEK)
        if long > most or own >= lapse_days:
            return Lapse(lapse_days, recent_days)
    words = {"usual": usual, "given": lapse_days, "own": own}
    return Lapse(own, usual, fill(name, **{n: formats.count(days) for n, days in words.items()}))


def is_regular(lines: Frame, *, as_of: Day) -> bool:
    """Order lines, or their `days` -> whether customers pay in a regular rhythm, as a monthly fee:
    nine of ten gaps are at most a quarter longer than the usual one (see `find`).

    >>> import pandas as pd
    >>> fees = pd.DataFrame({"customer_id": [f"c{n % 20}" for n in range(60)], "amount": 60.0,
    ...     "order_date": [pd.Timestamp(2021 + n // 20, 1, 1 + n % 20) for n in range(60)]})
    >>> is_regular(fees, as_of="2023-12-31")
    True
    """
    gaps = _count_gaps(lines, as_of=as_of)
    if _are_few(gaps):
        return False
    usual, long = (_find_gap(gaps, share) for share in (0.5, NEARLY_ALL))
    return long <= int(REGULAR * usual)


def _are_few(gaps: pd.DataFrame) -> bool:
    return bool(gaps["n"].sum() < FEWEST or round(gaps["weight"].sum()) < FEWEST_CUSTOMERS)


def _count_gaps(lines: Frame, *, as_of: Day) -> pd.DataFrame:
    """Order lines -> `gap` in days, `n`: how many there are, `weight`: in customers."""
    bought = daily.select_purchases(lines, as_of=as_of).unique()
    before = nw.col("day").shift(1).over("customer_id", order_by="day")
    dated = bought.with_columns(day=periods.number("order_date"))
    known = dated.with_columns(gap=nw.col("day") - before).filter(~nw.col("gap").is_null())
    many = known.with_columns(one=nw.lit(1)).with_columns(
        weight=1.0 / nw.col("one").sum().over("customer_id")
    )
    return frames.table(
        many.group_by("gap").agg(n=nw.col("one").sum(), weight=nw.col("weight").sum()).sort("gap")
    )


def _find_gap(gaps: pd.DataFrame, share: float) -> int:
    """The gap that this share of customers' gaps do not exceed."""
    within = gaps["weight"].cumsum().round(6).to_numpy()  # engines add in different orders
    return int(gaps["gap"].iloc[np.searchsorted(within, round(share * within[-1], 6))])


def _wait(long: int) -> int:
    return long - (-long // LATE)
