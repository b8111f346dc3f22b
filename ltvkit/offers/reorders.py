"""Who is due for which item again, and whether that held on days that are over."""

from __future__ import annotations

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, TooLittleData
from ltvkit.offers import purchases
from ltvkit.offers.gaps import HIGH, LOW, MIDDLE, YEAR, Curve, find_longest, measure_gaps
from ltvkit.offers.texts import fill
from ltvkit.periods import Day

ENDS = ["due_low", "due", "due_high"]


def find_due(
    lines: Frame, *, as_of: Day, item: str = "product_id", days: int = 30, within: int = YEAR
) -> Frame:
    """Order lines up to `as_of` -> which customers are due for which item in the next `days`.

    customer_id, the `item` column, `last_bought`, `silent_days` (since), `due_low`, `due`,
    `due_high` (of purchases with this silence that are followed by another one within `within` more
    days, a tenth are by the first day, half by the second, nine tenths by the last), and
    `again_share`: how many are within the `days`. Listed are those whose `due` is within the
    `days`, the largest share first (equal: by customer and item); only of items that are often
    bought again (see `measure_gaps`), and without those who have waited for longer than nine tenths
    of the gaps that ended: few of them come back. The gap is the item's, not the customer's own.
    Where the orders span less than twice `within`, it is half of what they span: longer gaps are
    hardly seen in them. Comes back as the kind of frame that went in. Raises `TooLittleData` where
    that is less than `days`.
    """
    if days < 1 or within < days:
        raise ParamsError(f"days={days}, within={within}: give 1 or more, and within no less.")
    gaps = measure_gaps(lines, as_of=as_of, item=item)
    within = min(within, choose_wait(lines, as_of=as_of, item=item, days=days))
    silent = _find_silent(lines, as_of=as_of, item=item)
    expected = _expect(silent, gaps, days=days, within=within)
    waited = expected["silent_days"] > expected["item"].map(find_longest(gaps))
    expected = expected[(expected["ahead"] <= days) & ~waited]
    today = np.datetime64(periods.day(as_of), "us")
    found = {name: today + expected[f"{name}_ahead"].to_numpy() for name in ENDS}
    found["last_bought"] = today - expected["silent_days"].to_numpy().astype("timedelta64[D]")
    dated = expected[["item", "silent_days", "again_share"]].assign(**found)
    dates = frames.from_pandas(dated, like=nw.to_native(silent))
    listed = silent.join(dates, on=["item", "silent_days"])
    listed = listed.with_columns(_less=-nw.col("again_share"))
    listed = listed.sort("_less", "customer_id", "item").with_columns(nw.col("item").alias(item))
    columns = ["customer_id", item, "last_bought", "silent_days", *ENDS, "again_share"]
    return frames.materialize(listed.select(*columns), like=lines)


def choose_wait(lines: Frame, *, as_of: Day, item: str = "product_id", days: int = 30) -> int:
    """The days within which an item is waited for to be bought again: a year, or half of what the
    orders up to `as_of` span, where that is less, as longer gaps are hardly seen in them. Raises
    `TooLittleData` where that is less than `days`."""
    bought = purchases.select_items(lines, as_of=as_of, item=item)
    first = int(frames.table(bought.select(nw.col("day").min()))["day"].iloc[0])
    half = (periods.number_of(as_of) - first) // 2
    if half < days:
        raise TooLittleData(fill("too_short_for_due", days=days, n=half))
    return min(half, YEAR)


def summarize_due(due: Frame, *, item: str = "product_id") -> pd.DataFrame:
    """The list of `find_due` -> a row per item: `item`, customers (who are due for it) and
    `expected_again` (of these, who buy it within the days); most expected first, then by id."""
    opened = frames.lazy(due, needs=(item, "again_share"))
    opened = opened.select(item=nw.col(item), expected_again=nw.col("again_share"))
    table = frames.add_up(opened, "item", sums=["expected_again"], customers=nw.len())
    table = table.sort_values(["expected_again", "item"], ascending=[False, True])
    return table[["item", "customers", "expected_again"]].reset_index(drop=True)


def check_due(lines: Frame, *, split: Day, as_of: Day, item: str = "product_id") -> pd.DataFrame:
    """Order lines -> whether the intervals of `find_due` hold, on days that are over.

    The gaps up to `split` give each customer and item the interval of those bought again by
    `as_of`. A row per item, the most often bought first, and "all": item, `waiting` (customers who
    had bought it), `expected_again`, `came_back` (bought it again by `as_of`), `too_early`,
    `too_late`, `coverage` (the share within the interval, of which 80% is to be expected; NaN: none
    came back). Raises `TooLittleData` where the orders up to `split` span less than twice the days
    after it.
    """
    days = periods.number_of(as_of) - periods.number_of(split)
    if days < 1:
        raise ParamsError(f"split={split}: give a day before as_of={as_of}.")
    gaps = measure_gaps(lines, as_of=split, item=item)
    choose_wait(lines, as_of=split, item=item, days=days)
    silent = _find_silent(lines, as_of=split, item=item)
    expected = _expect(silent, gaps, days=days, within=days)
    ends = expected[["item", "silent_days", "again_share"]].assign(
        low=expected["due_low_ahead"].dt.days, high=expected["due_high_ahead"].dt.days
    )
    bought = purchases.select_items(lines, as_of=as_of, item=item)
    number = periods.number_of(split)
    later = bought.filter(nw.col("day") > number).group_by("customer_id", "item")
    after = later.agg(came=nw.col("day").min()).with_columns(nw.col("came") - number)
    came, low, high = (nw.col(name) for name in ("came", "low", "high"))
    counted = (
        silent.join(frames.from_pandas(ends, like=nw.to_native(silent)), on=["item", "silent_days"])
        .join(after, on=["customer_id", "item"], how="left")
        .with_columns(
            came_back=1 - frames.one_if(came.is_null()),
            too_early=frames.one_if(came < low),
            too_late=frames.one_if(came > high),
        )
    )
    sums = ["again_share", "came_back", "too_early", "too_late"]
    table = frames.add_up(counted, "item", sums=sums, waiting=nw.len())
    table = table.sort_values(["waiting", "item"], ascending=[False, True], ignore_index=True)
    whole = table.drop(columns="item").sum().to_frame().T.assign(item="all")
    table = pd.concat([table, whole], ignore_index=True)
    counts = ["waiting", "came_back", "too_early", "too_late"]
    table = table.astype(dict.fromkeys(counts, "int64")).rename(
        columns={"again_share": "expected_again"}
    )
    missed = table["too_early"] + table["too_late"]
    table["coverage"] = 1 - missed / table["came_back"].replace(0, np.nan)
    return table[["item", "waiting", "expected_again", *counts[1:], "coverage"]]


def _find_silent(lines: Frame, *, as_of: Day, item: str) -> nw.LazyFrame:
    """customer_id, item, silent_days: since the last purchase of it; computed once."""
    bought = purchases.select_items(lines, as_of=as_of, item=item)
    last = bought.group_by("customer_id", "item").agg(last=nw.col("day").max())
    silent = last.select(
        "customer_id", "item",
        silent_days=(periods.number_of(as_of) - nw.col("last")).cast(nw.Int64),
    )  # fmt: skip
    return frames.lazy(frames.materialize(silent, like=lines))


def _expect(silent: nw.LazyFrame, gaps: pd.DataFrame, *, days: int, within: int) -> pd.DataFrame:
    """Who waits -> item, silent_days, again_share (within `days`), and the days ahead of an
    interval of those who come back within `within`; of items with a curve, and silences that any
    gap ended after."""
    known = frames.from_pandas(gaps[["item"]].drop_duplicates(), like=nw.to_native(silent))
    pairs = silent.join(known, on="item").select("item", "silent_days").unique()
    table = frames.table(pairs.sort("item", "silent_days"))
    curves = {name: Curve(part) for name, part in gaps.groupby("item", sort=False)}
    found = []
    for name, part in table.groupby("item", sort=False):
        curve, silence = curves[name], part["silent_days"].to_numpy()
        now, then = curve.left(silence), curve.left(silence + days)
        ahead = [curve.find(silence, within, q) - silence for q in (LOW, MIDDLE, HIGH)]
        again = 1 - then / np.where(now > 0, now, np.nan)
        columns = dict(zip((f"{n}_ahead" for n in ENDS), ahead, strict=True))
        found.append(part.assign(again_share=again, ahead=ahead[1], **columns))
    whole = pd.concat(found).dropna(subset=["ahead", "again_share"])
    for name in ENDS:
        whole[f"{name}_ahead"] = pd.to_timedelta(whole[f"{name}_ahead"], unit="D")
    return whole.reset_index(drop=True)
