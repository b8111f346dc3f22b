"""Other ways to put customers into groups, which types are tested against: fixed cuts of customer
portfolio management, RFM cells, and deciles of money so far.

Customer portfolio management (CPM; H. Nishino, for the mail-order company Yazuya): tenure from the
first to the last order, silence since then, and money so far, at cuts that are the same for every
shop. Usual ones are 90 and 210 days of tenure, 70,000 yen, and 240 days of silence.
"""

from __future__ import annotations

from typing import NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import rfm
from ltvkit.engines import frames, ranking
from ltvkit.engines.frames import Frame


class Cpm(NamedTuple):
    """Fixed cuts: days of tenure, money so far (in the shop's currency), days without an order."""

    short: float = 90
    long: float = 210
    money: float = 70_000
    quiet: float = 240


# CPM's own order, the best first: a group that had nobody before counts as the next lower one.
KINDS = ("loyal", "trending", "steady", "beginner", "first_time")
ORDER = [f"{kind} {state}" for state in ("current", "lapsed") for kind in KINDS]
CELLS = pd.MultiIndex.from_product([range(1, 6)] * 3, names=["r_score", "f_score", "m_score"])


def name_cpm(customers: Frame, *, cpm: Cpm = Cpm()) -> nw.LazyFrame:  # noqa: B008
    """Customers -> customer_id, `label`: one of ten groups; lazy.

    first_time (one order; 初回), beginner (tenure below `short`; よちよち), steady (from `short`
    on, below `money`; コツコツ), trending (from `short` to below `long`, from `money` on; 流行) and
    loyal (from `long` and `money` on; 優良), each current (現役), or lapsed from `quiet` days
    without an order on (離脱).
    """
    opened = frames.lazy(customers, needs=("orders", "revenue", "tenure_days", "recency_days"))
    tenure = nw.col("tenure_days") - nw.col("recency_days")
    rich = nw.col("revenue") >= cpm.money
    loyal = nw.when(tenure >= cpm.long).then(nw.lit("loyal")).otherwise(nw.lit("trending"))
    grown = nw.when(rich).then(loyal).otherwise(nw.lit("steady"))
    again = nw.when(tenure < cpm.short).then(nw.lit("beginner")).otherwise(grown)
    kind = nw.when(nw.col("orders") < 2).then(nw.lit("first_time")).otherwise(again)
    state = nw.when(nw.col("recency_days") >= cpm.quiet).then(nw.lit(" lapsed"))
    label = nw.concat_str(kind, state.otherwise(nw.lit(" current")))
    return opened.select("customer_id", label=label)


def name_deciles(customers: Frame, *, groups: int) -> nw.LazyFrame:
    """Customers -> customer_id, `label`: so many groups by revenue so far, of equal size but for
    equal revenue, which is in one group; lazy."""
    opened = frames.lazy(customers, needs=("revenue",))
    shares = [k / groups for k in range(1, groups)]
    edges = ranking.find_quantiles(opened, shares={"revenue": shares})["revenue"]
    above = (frames.one_if(nw.col("revenue") > edge) for edge in sorted(set(edges)))
    place = nw.sum_horizontal(nw.lit(0), *above)
    return opened.select("customer_id", label=nw.concat_str(nw.lit("d"), place.cast(nw.String)))


def score_rfm(customers: Frame) -> nw.LazyFrame:
    """Customers -> customer_id and three scores by quintiles of these customers; lazy."""
    scored = frames.lazy(rfm.score(customers))
    return scored.select("customer_id", *(nw.col(n).cast(nw.Int64) for n in CELLS.names))


def group_cells(cells: pd.DataFrame, *, groups: int, worth: float) -> pd.DataFrame:
    """RFM cells of an earlier date (scores, customers, later) -> for each of the 125, its `label`.

    Cells are ordered by what their customers brought later on average, each as if 20 more customers
    were in it who brought the mean (`worth`), and put into so many groups of about equal size.
    """
    known = cells.set_index(CELLS.names)[["customers", "later"]].reindex(CELLS).fillna(0.0)
    value = (known["later"] + 20 * worth) / (known["customers"] + 20)
    order = np.argsort(value.to_numpy(), kind="stable")
    n = known["customers"].to_numpy()[order]
    middle = (np.cumsum(n) - n / 2) / n.sum()
    place = np.empty(len(order), dtype=int)
    place[order] = np.minimum((middle * groups).astype(int), groups - 1)
    return pd.DataFrame(index=CELLS).reset_index().assign(label=[f"g{k:02d}" for k in place])
