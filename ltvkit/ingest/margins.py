"""The margin rate of orders: one rule for all steps that need one."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.ingest.lines import filter_until
from ltvkit.periods import Day

__all__ = ["find_rate"]

__dir__ = __all__.copy


def find_rate(lines: Frame, *, as_of: Day | None = None) -> float:
    """Order lines, up to the day `as_of` if it is given -> margin / amount, both of the lines that
    know their margin; NaN where none does, or their amounts add up to nothing. A line without a
    margin is not one of margin 0.

    >>> import pandas as pd
    >>> find_rate(pd.DataFrame({"amount": [50.0, 50.0], "margin": [20.0, None]}))
    0.4
    """
    seen = frames.lazy(lines, needs=("amount",))
    if "margin" not in seen.collect_schema().names():
        return float("nan")
    seen = seen if as_of is None else filter_until(seen, as_of)
    known = seen.filter(~nw.col("margin").is_null()).select(nw.col("margin", "amount").sum())
    margin, amount = frames.table(known).fillna(0).iloc[0]
    return float(margin / amount) if amount else float("nan")
