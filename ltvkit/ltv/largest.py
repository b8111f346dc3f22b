"""The largest customer, where all averages rest on what that one paid."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from ltvkit.customers import is_decisive
from ltvkit.display import formats, joining
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.ltv.texts import fill

__all__ = ["finding"]

__dir__ = __all__.copy


def finding(customers: Frame, *, currency: str = "") -> str:
    """Customers -> that one of them decides, and the mean revenue of all others; else empty.

    One who is decisive (`customers.is_decisive`) for what all above zero paid.
    """
    paid = frames.above_zero("revenue")
    opened = frames.lazy(customers, needs=("revenue",)).with_columns(_paid=paid)
    most, whole = nw.col("_paid").max(), nw.col("_paid").sum()
    sums = {"n": nw.len(), "most": most, "whole": whole, "net": nw.col("revenue").sum()}
    row = frames.table(opened.select(**sums)).iloc[0]
    share = row["most"] / row["whole"] if row["whole"] > 0 else 0.0
    if not is_decisive(share, of=int(row["n"])):
        return ""
    each = formats.money((row["net"] - row["most"]) / (row["n"] - 1), currency)
    return joining.sentences(
        [fill("one_customer_decides", share=share), fill("without_the_largest", each=each)]
    )
