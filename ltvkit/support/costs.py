"""What enquiries cost: work, and what customers whose enquiry was not solved spent less.

Enquiries are no factor of revenue = customers x orders x money: their leaf hangs on the leaf
`orders`, on the side of costs: minutes of work = orders x enquiries per order x minutes for one.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.drivers.decomposition import attribute
from ltvkit.drivers.formula import Formula
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, TooLittleData, is_number
from ltvkit.ingest.lines import is_purchase
from ltvkit.periods import Day
from ltvkit.support import recording
from ltvkit.support.savings import WORK
from ltvkit.support.texts import fill

TREE = "orders * enquiries_per_order * minutes_each"
SHOWN = ["place", "group", "phrases", "extra_a_year", "not_solved_share", "minutes_each"]
DAYS = 365


def weigh_causes(
    causes: pd.DataFrame, after: pd.DataFrame | None, *, minute_cost: float = 0.0
) -> pd.DataFrame:
    """The table of `find_causes` and that of `compare_after` (None: too little data for it) -> what
    each cause costs a year, in its order.

    place, group, phrases, extra_a_year (enquiries), not_solved_share, minutes_each, and

    - `minutes_a_year`, and `work_a_year` (money; NaN without `minute_cost`)
    - `lost_value_a_year` and its `_low`, `_high`: the enquiries that are not solved, times what
      such customers spent less than alike ones without an enquiry. Enquiries of all causes alike
      count for it, and it is an association. NaN where outcomes are not recorded, or chance may be
      the whole difference
    """
    if not is_number(minute_cost, 0):
        raise ParamsError(f"minute_cost={minute_cost!r}: give money per minute, 0 or more.")
    table = causes[SHOWN].copy()
    table["minutes_a_year"] = table["extra_a_year"] * table["minutes_each"]
    table["work_a_year"] = table["minutes_a_year"] * (minute_cost or np.nan)
    worse = pd.DataFrame() if after is None else after[
        (after["case"] == "not_solved") & (after["against"] == "no_enquiry")
        & (after["value_verdict"] == "lower")
    ]  # fmt: skip
    cases = table["extra_a_year"] * table["not_solved_share"]
    ends = {
        "": "value_difference",
        "_low": "value_difference_high",
        "_high": "value_difference_low",
    }
    for end, name in ends.items():
        each = -float(worse[name].iloc[0]) if len(worse) else np.nan
        table[f"lost_value_a_year{end}"] = cases * each
    return table


def measure_leaf(
    enquiries: Frame, lines: Frame, *, as_of: Day, minute_cost: float = 0.0, days: int = DAYS
) -> pd.DataFrame:
    """Enquiries and order lines -> work on enquiries in the last `days` against those before.

    A row per leaf of minutes = orders x enquiries_per_order x minutes_each, and one for `minutes`:
    leaf, `before`, `after`, `minutes_changed` (its part of the change; the parts add up exactly, by
    the Shapley value, see `drivers.decomposition`) and `money_changed` (NaN without `minute_cost`).
    Enquiries without recorded minutes count with the mean of their period. Raises `ColumnError`
    without handling_minutes, `TooLittleData` where the last period has no orders, enquiries or
    minutes. NaN before where these do not cover the period before.
    """
    until = periods.day(as_of)
    sides = []
    for n in (2, 1):
        end = until - dt.timedelta(days=days * (n - 1))
        start = end - dt.timedelta(days=days - 1)
        sides.append(_count(enquiries, lines, start, end))
    begins = max(recording.find_start(enquiries, as_of=as_of), recording.find_start(
        lines, as_of=as_of, column="order_date"))  # fmt: skip
    if until - dt.timedelta(days=2 * days - 1) < begins - dt.timedelta(days=recording.SOON):
        sides[0] = dict.fromkeys(sides[1], np.nan)  # no full period before
    if not np.isfinite(list(sides[1].values())).all():
        raise TooLittleData(fill("no_leaf", days=days))
    formula = Formula(TREE)
    whole = [float(formula.evaluate(side)) for side in sides]
    known = np.isfinite(whole).all()
    parts = attribute(formula, *sides) if known else dict.fromkeys(formula.leaves, np.nan)
    rows: list[tuple[Any, ...]] = [
        (leaf, sides[0][leaf], sides[1][leaf], float(parts[leaf])) for leaf in formula.leaves
    ]
    rows.append(("minutes", *whole, whole[1] - whole[0]))
    table = pd.DataFrame(rows, columns=["leaf", "before", "after", "minutes_changed"])
    return table.assign(money_changed=table["minutes_changed"] * (minute_cost or np.nan))


def _count(
    enquiries: Frame, lines: Frame, start: dt.datetime, end: dt.datetime
) -> dict[str, float]:
    placed = frames.lazy(lines, needs=("order_id", "amount", "order_date")).filter(
        is_purchase("amount"), nw.col("order_date") >= start, nw.col("order_date") <= end
    )
    orders = frames.count(placed.select("order_id").unique())
    asked = frames.lazy(enquiries, needs=("enquiry_date", WORK))
    asked = asked.filter(nw.col("enquiry_date") >= start, nw.col("enquiry_date") <= end)
    row = frames.table(asked.select(n=nw.len(), minutes=nw.col(WORK).mean())).iloc[0]
    minutes = float(row["minutes"]) if row["n"] and pd.notna(row["minutes"]) else np.nan
    each = float(row["n"]) / orders if orders and row["n"] else np.nan
    return {"orders": float(orders), "enquiries_per_order": each, "minutes_each": minutes}
