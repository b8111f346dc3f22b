"""When to act: how likely a silent customer has left, by silent days and by order number.

A customer has left who places no further order within `lapse_days` of the last. Of the gaps between
orders, open ones among them, follows how many last longer than so many days (Kaplan & Meier 1958).
If a share L of orders is the last one, and a share q of the others have been followed by the next
one after s silent days, the odds of having left are L / ((1 - L) (1 - q)): twice those at the order
when half of those who come back are back, ten times when nine tenths are. The window before the
risk rises lies between the two: before it most come back by themselves, after it few do. These are
shares of what happened; that an incentive in the window changes them, only a test can show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.engines import frames, resampling, sampling
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, TooLittleData, Undefined
from ltvkit.ingest import daily
from ltvkit.ingest.truncation import find_known_from
from ltvkit.offers.texts import fill
from ltvkit.periods import Day

# Days without an order after which a customer has left: the longest that fits.
LAPSES = (365, 180, 90)
MOST = 4  # order numbers with a curve of their own; the last one is "4 and more"
ALL = 0  # order number of the row for all orders
FEWEST = 50  # orders that were followed by another one; a curve of fewer is mostly chance
OPENS, CLOSES = 0.5, 0.9  # of those who come back, who are back when the window opens and closes
REGULAR = 1.25  # times the days by which half are back: nine of ten then have one rhythm
LEAST = 10  # orders that were waited for to the end: of fewer nobody knows how many come back
STEP = 30  # days of a row of the table by silent days
FIGURES = ("leaving_rate", "opens_days", "closes_days")


@dataclass(frozen=True)
class Timing:
    """`windows`: a row per order number (0: all orders), see `measure_timing`; `risks`: by silent
    days; `curves`: of each order number the share of gaps longer than 0, 1, ... `lapse_days`
    days."""

    windows: pd.DataFrame
    risks: pd.DataFrame
    curves: dict[int, np.ndarray]
    lapse_days: int


def measure_timing(
    days: Frame,
    *,
    as_of: Day,
    lapse_days: int = 0,
    draws: int = 500,
    seed: int = 1,
    export_begins: str = "",
) -> Timing:
    """Order lines, or their `days`, up to `as_of` -> `Timing`. An order is a day with a purchase.

    `windows`, a row for all orders (`order_number` 0) and for those that were a customer's 1st,
    2nd, 3rd, 4th or later: order_number, `orders`, `followed` (by another one, by now), and with
    `_low` and `_high` (95%, by drawing customers, dealt into 256 groups, anew)

    - `leaving_rate`: the share after which no other one comes within `lapse_days`
    - `opens_days`, `closes_days`: the silent days by which half and nine tenths of those who come
      back in that time are back

    `risks`, a row per 30 silent days: order_number, silent_days, `waiting` (orders that had no
    other one by then), `risk` (that no other one comes within the `lapse_days` of the order) with
    _low and _high, and `back_in_30_days` (the share of those waiting who order in the next 30
    days).

    Without `lapse_days` it is 365, or 180 or 90 where the orders span less than twice that. Where
    it is not known who is new (`ingest.truncation`; `export_begins` is the policy), orders of such
    customers have no number, and are in the row for all alone. NaN: fewer than 50 were followed
    by another, or fewer than 10 have been waited for as long as `lapse_days`. Raises
    `TooLittleData` where the orders span less than twice the lapse, or too few customers came
    back; and `Undefined` where nine of ten come back at nearly the same time, as with a monthly
    fee: who is silent for longer has missed a payment.
    """
    counted, span = _count(days, as_of=as_of, lapse=lapse_days, export_begins=export_begins)
    lapse = _find_lapse(span, lapse_days)
    numbers = range(ALL, MOST + 1)
    cubes = {n: _arrange(counted, n, lapse) for n in numbers}
    if cubes[ALL][0].sum() < FEWEST:
        raise TooLittleData(fill("few_came_back", n=int(cubes[ALL][0].sum()), least=FEWEST))
    weights = resampling.draw_weights(draws=draws, seed=seed)
    windows, risks, curves = [], [], {}
    for n in numbers:
        ended, opened = cubes[n]
        left, at_risk = _estimate(ended.sum(axis=0), opened.sum(axis=0))
        known = ended.sum() >= FEWEST and (at_risk[-1] >= LEAST or left[-1] == 0)
        drawn, _risk = _estimate(weights @ ended, weights @ opened)
        curves[n] = left
        row = {"order_number": n, "orders": int((ended + opened).sum())}
        row |= {"followed": int(ended.sum())}
        windows.append(row | _add_limits(_find_window(left), _find_window(drawn), known=known))
        risks.append(_list_risks(n, left, drawn, at_risk, known=known))
    if windows[0]["closes_days"] < REGULAR * windows[0]["opens_days"]:
        raise Undefined(fill("regular_orders", days=int(windows[0]["opens_days"])))
    return Timing(pd.DataFrame(windows), pd.concat(risks, ignore_index=True), curves, lapse)


def _count(days: Frame, *, as_of: Day, lapse: int, export_begins: str) -> tuple[pd.DataFrame, int]:
    """Gaps by group of customers, order number (0: not known), length and whether they ended; and
    how many days the orders span."""
    bought = daily.select_purchases(days, as_of=as_of).unique()
    placed = bought.select("customer_id", day=periods.number("order_date"))
    last = periods.number_of(as_of)
    known = find_known_from(days, as_of=as_of, export_begins=export_begins)
    since = periods.number_of(known) if known is not None else -(10**9)
    longest = lapse or max(LAPSES)
    first = placed.group_by("customer_id").agg(first=nw.col("day").min())
    numbered = (
        placed.with_columns(
            after=nw.col("day").shift(-1).over("customer_id", order_by="day"),
            number=nw.lit(1).cast(nw.Int64),
        )
        .with_columns(nw.col("number").cum_sum().over("customer_id", order_by="day"))
        .join(first, on="customer_id")
    )
    ends = nw.when(nw.col("after").is_null()).then(last).otherwise(nw.col("after"))
    gap = (ends - nw.col("day")).cast(nw.Int64)
    number = nw.when(nw.col("number") > MOST).then(MOST).otherwise(nw.col("number"))
    number = nw.when(nw.col("first") >= since).then(number).otherwise(0)
    cut = numbered.select(
        "customer_id",
        number=number.cast(nw.Int64),
        gap=nw.when(gap > longest).then(longest + 1).otherwise(gap).cast(nw.Int64),
        ended=frames.one_if(~nw.col("after").is_null() & (gap <= longest)),
    )
    keys = ("customer_id", "number", "gap", "ended")
    each = cut.group_by(*keys).agg(orders=nw.len())
    table = frames.add_up(sampling.deal(each), "group", *keys[1:], sums=["orders"])
    began = frames.table(placed.select(nw.col("day").min()))["day"]
    span = last - int(began.iloc[0]) + 1 if len(began) and pd.notna(began.iloc[0]) else 0
    return table, span


def _find_lapse(span: int, asked: int) -> int:
    if asked < 0:
        raise ParamsError(f"lapse_days={asked}: give a number of days, or 0.")
    fits = [n for n in ((asked,) if asked else LAPSES) if 2 * n <= span]
    if not fits:
        raise TooLittleData(fill("too_short_for_timing", n=span, least=2 * (asked or LAPSES[-1])))
    return fits[0]


def _arrange(counted: pd.DataFrame, number: int, lapse: int) -> tuple[np.ndarray, np.ndarray]:
    """Gaps that ended, and those that were open or longer, by group and days from 0 to `lapse`."""
    rows = counted if number == ALL else counted[counted["number"] == number]
    cubes = np.zeros((2, sampling.GROUPS, lapse + 1))
    group = rows["group"].map(lambda digits: int(digits, 16)).to_numpy(dtype=int)
    gap = rows["gap"].to_numpy(dtype=int)
    ended = (rows["ended"].to_numpy(dtype=int) == 1) & (gap <= lapse)
    kind = np.where(ended, 0, 1)
    np.add.at(cubes, (kind, group, np.minimum(gap, lapse)), rows["orders"].to_numpy(dtype=float))
    return cubes[0], cubes[1]


def _estimate(ended: np.ndarray, opened: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gaps by their days (the last axis) -> the share longer than each, and how many got there."""
    whole = ended + opened
    at_risk = whole[..., ::-1].cumsum(axis=-1)[..., ::-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        stay = 1 - np.where(at_risk > 0, ended / at_risk, 0.0)
    return stay.cumprod(axis=-1), at_risk


def _find_window(left: np.ndarray) -> dict[str, np.ndarray]:
    """Curves -> the figures of a window; a curve is the last axis."""
    end = left[..., -1:]
    found = {"leaving_rate": end[..., 0]}
    for name, q in (("opens_days", OPENS), ("closes_days", CLOSES)):
        reached = left <= 1 - q * (1 - end) + 1e-12
        found[name] = reached.argmax(axis=-1).astype(float)
    return found


def _add_limits(found: Any, drawn: Any, *, known: bool) -> dict[str, float]:
    row: dict[str, float] = {}
    for name in FIGURES:
        ends = resampling.find_limits(drawn[name])
        values = (found[name], *ends) if known else (np.nan,) * 3
        row |= dict(zip((name, f"{name}_low", f"{name}_high"), map(float, values), strict=True))
    return row


def _list_risks(
    number: int, left: np.ndarray, drawn: np.ndarray, at_risk: np.ndarray, *, known: bool
) -> pd.DataFrame:
    days = np.arange(0, len(left) - 1, STEP)
    with np.errstate(invalid="ignore", divide="ignore"):
        risk, risks = left[-1] / left[days], drawn[:, -1:] / drawn[:, days]
        later = left[np.minimum(days + STEP, len(left) - 1)]
        back = 1 - later / left[days]
    low, high = np.array([resampling.find_limits(column) for column in risks.T]).T
    table = pd.DataFrame({"order_number": number, "silent_days": days})
    table["waiting"] = at_risk[np.minimum(days + 1, len(left) - 1)].astype("int64")
    figures = {"risk": risk, "risk_low": low, "risk_high": high, "back_in_30_days": back}
    return table.assign(**{n: x if known else np.nan for n, x in figures.items()})
