"""A change of margin: when it can be shared out, and the sum of margin it is held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from ltvkit import kpis, periods
from ltvkit.display import formats
from ltvkit.drivers.leaves import MOVED, ROUNDING
from ltvkit.drivers.texts import fill
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import Undefined
from ltvkit.ingest import daily
from ltvkit.periods import Day

OF_MARGIN = "change_in_margin"


def check_margins(totals: Mapping[str, float], names: Sequence[str]) -> None:
    """Raise `TooLittleData` where a span of `leaves.count` has margin and no revenue: a margin that
    is no share of anything."""
    for n, name in enumerate(names):
        revenue, margin = totals[f"revenue{n}"], totals[f"margin{n}"]
        sold = max(totals.get(f"gross{n}", 0.0), abs(margin))
        if abs(revenue) <= ROUNDING * sold < abs(margin):
            amount = formats.money(margin, decimals=2)
            raise Undefined(fill("no_revenue", period=formats.period(name), margin=amount))


def count_unknown(totals: Mapping[str, float]) -> int:
    """How many lines of both spans had no margin."""
    return int(sum(totals.get(f"no_margin{n}", 0) for n in (0, 1)))


def name_margin(shares: pd.DataFrame) -> pd.DataFrame:
    """A table of `changes.list_shares` with the column and the verdicts of margin."""
    words = {word: f"{word}_margin" for word in ("raised", "lowered")}
    named = shares.rename(columns={MOVED: OF_MARGIN})
    return named.assign(verdict=named["verdict"].replace(words))


def list_totals(
    days: Frame, *, as_of: Day, of: str = "revenue", margin_rate: float = 0.0
) -> pd.DataFrame:
    """Order lines, or their `days` -> a row per month: those of `kpis.series`, or `of` "margin",
    period and margin: the sum of that of the orders, or of `margin_rate` times their revenue.

    >>> lines = pd.DataFrame({"customer_id": ["a", "a"], "order_id": ["1", "2"],
    ...     "amount": [50.0, 30.0], "margin": [20.0, None],
    ...     "order_date": pd.to_datetime(["2024-01-05", "2024-01-09"])})
    >>> list_totals(lines, as_of="2024-01-31", of="margin").values.tolist()
    [['2024-01', 20.0]]
    """
    if of == "revenue":
        return kpis.series(days, as_of=as_of)
    summed = "revenue" if margin_rate else "margin"
    seen = frames.lazy(daily.select_days(days, as_of=as_of), needs=(summed,))
    seen = seen.select(summed, month=periods.index("order_date", "month"))
    table = frames.add_up(seen, "month", sums=[summed])
    names = [periods.label(int(n), "month") for n in table["month"]]
    return pd.DataFrame({"period": names, "margin": table[summed] * (margin_rate or 1.0)})
