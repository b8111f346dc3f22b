"""How long until an item is bought again: days between two purchases of it by one customer.

For each item the gaps of all customers, those that are still open among them (Kaplan & Meier 1958,
Journal of the American Statistical Association 53, 457-481). Without the open ones short gaps would
be overrated, and that a customer never buys an item again would not be seen at all.
"""

from __future__ import annotations

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.engines.ranking import number_within
from ltvkit.errors import TooLittleData
from ltvkit.offers import purchases
from ltvkit.offers.texts import fill
from ltvkit.periods import Day

LOW, MIDDLE, HIGH = 0.1, 0.5, 0.9  # the ends of an 80% interval, and its middle
FEWEST = 50  # purchases again of an item; a curve of fewer is mostly chance
MOST = 300  # items with a curve, those most often bought again
LEAST = 10  # purchases waited for as long as asked, to say how many are followed by another one
YEAR = 365  # days within which a purchase again is waited for


def measure_gaps(lines: Frame, *, as_of: Day, item: str = "product_id") -> pd.DataFrame:
    """Order lines up to `as_of` -> a row per item and length of gap, of the 300 items most often
    bought again, each 50 times at least: item, `gap_days`, `again` (gaps that ended so), `open`
    (gaps of this length that had not ended), `left` (Kaplan-Meier: the share of gaps that are
    longer). Days with a purchase count once. Raises `ColumnError`, `TooLittleData`."""
    counted = _count_gaps(lines, as_of=as_of, item=item)
    best = counted.group_by("item").agg(nw.col("again").sum())
    best = best.filter(nw.col("again") >= FEWEST).with_columns(
        _less=-nw.col("again"), _all=nw.lit(1)
    )
    best = number_within(best, "_all", order=("_less", "item")).filter(nw.col("rank") <= MOST)
    kept = counted.join(best.select("item"), on="item").sort("item", "gap_days")
    table = frames.table(kept.select("item", "gap_days", "again", "open"))
    if table.empty:
        raise TooLittleData(fill("too_few_gaps", least=FEWEST, item=item))
    return table.assign(left=_estimate(table))


def summarize_gaps(gaps: pd.DataFrame, *, within: int = YEAR) -> pd.DataFrame:
    """The table of `measure_gaps` -> a row per item, the most often bought again first: item,
    `bought_again` (how often), `again_share` (of purchases, after which it is bought again within
    `within` days), and of those that are, `gap_low`, `usual_gap_days`, `gap_high`: the days by
    which a tenth, half and nine tenths have been. NaN: fewer than 10 purchases were waited for so
    long."""
    rows = []
    for name, part in gaps.groupby("item", sort=False):
        curve = Curve(part)
        seen = part.loc[part["gap_days"] >= within, ["again", "open"]].to_numpy().sum() >= LEAST
        again = 1 - float(curve.left(np.array([within]))[0]) if seen else np.nan
        limits = [float(curve.find(np.array([0]), within, q)[0]) for q in (LOW, MIDDLE, HIGH)]
        limits = limits if seen else [np.nan] * 3
        rows.append((name, int(part["again"].sum()), again, *limits))
    columns = ["item", "bought_again", "again_share", "gap_low", "usual_gap_days", "gap_high"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values(["bought_again", "item"], ascending=[False, True], ignore_index=True)


def find_longest(gaps: pd.DataFrame) -> pd.Series:
    """The table of `measure_gaps` -> by item, the days by which nine tenths of those who buy it
    again within a year have done so; where fewer than 10 purchases were waited for so long, within
    the time that 10 were."""
    found = {}
    for name, part in gaps.groupby("item", sort=False):
        waited = part[["again", "open"]].sum(axis=1)[::-1].cumsum()[::-1] >= LEAST
        within = min(YEAR, int(part.loc[waited, "gap_days"].max())) if waited.any() else YEAR
        found[name] = float(Curve(part).find(np.array([0]), within, HIGH)[0])
    return pd.Series(found, dtype=float)


def _count_gaps(lines: Frame, *, as_of: Day, item: str) -> nw.LazyFrame:
    """item, gap_days, again, open."""
    bought = purchases.select_items(lines, as_of=as_of, item=item)
    days = bought.select("customer_id", "item", "day").unique()
    after = nw.col("day").shift(-1).over("customer_id", "item", order_by="day")
    ends = (
        nw.when(nw.col("after").is_null()).then(periods.number_of(as_of)).otherwise(nw.col("after"))
    )
    return (
        days.with_columns(after=after)
        .select(
            "item",
            gap_days=(ends - nw.col("day")).cast(nw.Int64),
            open=frames.one_if(nw.col("after").is_null()),
        )
        .with_columns(again=1 - nw.col("open"))
        .group_by("item", "gap_days")
        .agg(nw.col("again", "open").sum())
    )


def _estimate(table: pd.DataFrame) -> np.ndarray:
    """The share of gaps longer than each, by item; a gap that is open at n days may end later."""
    whole = table["again"] + table["open"]
    at_risk = whole[::-1].groupby(table["item"][::-1], sort=False).cumsum()[::-1]
    return (1 - table["again"] / at_risk).groupby(table["item"], sort=False).cumprod().to_numpy()


class Curve:
    """The curve of one item: the share of gaps longer than so many days."""

    def __init__(self, part: pd.DataFrame) -> None:
        self.days = np.r_[0, part["gap_days"].to_numpy()]
        self.values = np.r_[1.0, part["left"].to_numpy()]

    def left(self, days: np.ndarray) -> np.ndarray:
        return self.values[np.searchsorted(self.days, days, side="right") - 1]

    def find(self, silence: np.ndarray, within: int, q: float) -> np.ndarray:
        """The first day by which a share `q` have come back, of those who do after `silence` and
        within so many days more; NaN: none does."""
        now, end = self.left(silence), self.left(silence + within)
        level = now - q * (now - end)
        place = np.searchsorted(-self.values, -level - 1e-12, side="left")
        place = np.minimum(place, len(self.days) - 1)
        return np.where(now > end, self.days[place].astype(float), np.nan)
