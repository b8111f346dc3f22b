"""Renewals of a shop with subscriptions or regular deliveries: who stays, and what is to come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.display import formats, joining
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import TooLittleData
from ltvkit.forecast import subscriptions
from ltvkit.forecast.models.renewal_rates import Rhythm
from ltvkit.forecast.rhythm import find_window
from ltvkit.forecast.subscriptions import Months
from ltvkit.forecast.texts import fill
from ltvkit.ltv import intervals
from ltvkit.periods import MONTH_DAYS, Day

COLUMNS = {"contract": "contract_id", "number": "delivery_number"}  # used where they are mapped
FIRST = 12  # renewals that the table of remaining values shows
YEARS = 10  # that are counted as "to come"


@dataclass(frozen=True)
class Renewals:
    """What `summarize_renewals` found; the tables are empty where it found none.

    `table`: period (number of the renewal), tenure_days, at_risk, lost, hazard, survival,
    survival_low, survival_high; `ahead`: month (1: the next) and
    today's customers who pay in it; `value`: renewals (behind a customer), expected_periods and
    value still to come in ten years; `text`.
    """

    table: pd.DataFrame
    ahead: pd.DataFrame
    value: pd.DataFrame
    text: str


def summarize_renewals(
    lines: Frame, *, as_of: Day, months: int = 12, discount: float = 0.0, margin_rate: float = 1.0
) -> Renewals:
    """Order lines up to `as_of` -> `Renewals` (by renewal rates, see `subscriptions`).

    Each contract counts by itself where the lines have a column `contract_id`, and renewals are
    counted by the shop's own number where they have `delivery_number`. `discount` is a rate a year,
    `margin_rate` what is left of a payment. Where customers do not pay in a regular rhythm, or
    nobody has left, `text` says so.
    """
    names = frames.lazy(lines).collect_schema().names()
    own = {name: column for name, column in COLUMNS.items() if column in names}
    try:
        found = subscriptions.forecast_months(lines, as_of=as_of, months=months, **own)
    except TooLittleData as error:
        nothing = pd.DataFrame()
        return Renewals(nothing, nothing, nothing, fill("no_rhythm", error=error))
    rhythm = found.rhythm
    assert rhythm is not None  # contracts have one
    table = _observe(found.renewals, rhythm)
    begins = periods.last_whole(as_of, "month") + 1
    text = _describe(found, rhythm, begins)
    value = _value(found.price * margin_rate, rhythm, discount)
    return Renewals(table, found.table[["month", "customers"]], value, text)


def _observe(table: pd.DataFrame, rhythm: Rhythm) -> pd.DataFrame:
    """Renewals asked for -> the share still there."""
    at_risk, lost = table["at_risk"].to_numpy(), table["lost"].to_numpy()
    seen = np.cumprod(at_risk > 0).astype(bool)  # from the first renewal on, without a hole
    hazard = np.divide(lost, at_risk, out=np.full(len(table), np.nan), where=at_risk > 0)
    low, high = intervals.beta_product(at_risk, lost)
    return table.assign(
        tenure_days=table["period"] * rhythm.usual * MONTH_DAYS,
        hazard=hazard,
        survival=np.where(seen, np.cumprod(1 - np.nan_to_num(hazard)), np.nan),
        survival_low=np.where(seen, low, np.nan),
        survival_high=np.where(seen, high, np.nan),
    )


def _value(price: float, rhythm: Rhythm, discount: float) -> pd.DataFrame:
    """By renewals behind a customer: payments to come in ten years, and what they are worth now."""
    ahead = np.arange(1, 12 * YEARS // rhythm.usual + 1)
    today = (1 + discount) ** (-ahead * rhythm.usual / 12)
    behind = np.arange(FIRST + 1)[:, None]
    rows = rhythm.left(behind + ahead) / rhythm.left(behind)
    table = pd.DataFrame({"renewals": behind[:, 0], "expected_periods": rows.sum(axis=1)})
    return table.assign(value=price * (rows @ today))


def _describe(found: Months, rhythm: Rhythm, begins: int) -> str:
    lost, asked = (int(found.renewals[c].sum()) for c in ("lost", "at_risk"))
    six, twelve = (round(100 * float(left)) for left in rhythm.left(np.array([6, 12])))
    sentences = [
        fill("pays_every", n=rhythm.usual, rate=lost / asked, asked=formats.count(asked)),
        fill("of_100", six=six, twelve=twelve),
        _describe_ahead(found.table["customers"], rhythm.usual, begins),
        *found.notes,
        fill("of_last_months", n=find_window(rhythm.usual)),
    ]
    return joining.sentences(sentences)


def _describe_ahead(paying: pd.Series, usual: int, begins: int) -> str:
    """How many pay in the first months (one due payment each), and in the last as many."""
    months, n = len(paying), min(usual, len(paying))
    first, last = (formats.count(part.sum()) for part in (paying[:n], paying[-n:]))
    ends = (begins, begins + months - 1)
    month, until = (formats.month(periods.label(end, "month")) for end in ends)
    text = fill("renewals_ahead", n=n, first=first, month=month)
    if 2 * n <= months:
        text += fill("renewals_later", n=n, last=last, months=months, until=until)
    return f"{text}."
