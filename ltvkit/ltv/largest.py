"""The largest customer, where all averages rest on what that one paid."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.ltv.texts import fill

__all__ = ["finding"]

__dir__ = __all__.copy

DECIDES = 0.25  # of all that was paid
EQUAL = 3  # times an equal share, so that four customers alike are not called one that decides


def finding(customers: Frame) -> str:
    """Customers -> that one of them decides; else empty.

    One who has a quarter or more of what all above zero paid, and three times an equal share.
    """
    paid = frames.above_zero("revenue")
    opened = frames.lazy(customers, needs=("revenue",)).with_columns(_paid=paid)
    most, whole = nw.col("_paid").max(), nw.col("_paid").sum()
    row = frames.table(opened.select(n=nw.len(), most=most, whole=whole)).iloc[0]
    share = row["most"] / row["whole"] if row["whole"] > 0 else 0.0
    decides = share >= max(DECIDES, EQUAL / row["n"])
    return fill("one_customer_decides", share=share) if decides else ""
