"""How customers pay, learned from their payments: usual gaps, and who leaves at which renewal."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.errors import TooLittleData
from ltvkit.forecast.models.renewal_rates import Rhythm, find_gap
from ltvkit.forecast.payments import FEWEST, Payments
from ltvkit.forecast.texts import fill
from ltvkit.ltv import contracts

LATE = 0.02  # of payments may come later than the time after which a customer counts as gone
WINDOW = 12  # months whose renewals are learned from, or three times the usual gap
PRIOR = 50  # renewals that the model is worth where the rate of leaving is taken as observed
CHANCE = 0.001  # below it, a time in which nobody left is not chance


def find_window(gap: int) -> int:
    """Months whose renewals are learned from, where customers pay every `gap` months at most."""
    return max(WINDOW, 3 * gap)


class Learned(NamedTuple):
    """A `rhythm`; `histories` with gap, renewed (renewals behind them) and due (the month of the
    next payment); `renewals` asked for by number: period, at_risk, lost; and `notes`."""

    rhythm: Rhythm
    histories: pd.DataFrame
    renewals: pd.DataFrame
    notes: list[str]


def learn(found: Payments, *, method: str, months: int) -> Learned:
    """Payments -> their rhythm, with the survival of all by a `method` of contracts (see
    `subscriptions.forecast_months`) for so many `months` ahead. Raises `TooLittleData`."""
    usual, late, pays = _find_rhythm(found)
    rows = _add_due(found.histories, usual)
    renewals, notes = _count_renewals(rows, late, found.now)
    survival, note = _fit_survival(renewals, method, most=int(rows["renewed"].max()) + months)
    rhythm = Rhythm(usual, late, pays, survival, _share_who_come_back(found, late, renewals))
    return Learned(rhythm, rows, renewals, [*notes, *note])


def _find_rhythm(found: Payments) -> tuple[int, int, float]:
    """The most common gap in months; how many months late a payment may be; and the share of due
    months in which customers pay. Judged by customers of three payments or more."""
    gaps, rows = found.gaps, found.histories
    n = gaps["customers"].sum()
    over = (gaps["gap"] - gaps["usual"]).clip(lower=0)
    by_over = gaps.groupby(over)["customers"].sum()
    late = int(by_over.index[by_over.cumsum() >= (1 - LATE) * n][0])
    usual = int(gaps.groupby("usual")["customers"].sum().idxmax())
    again = rows[rows["paid"] > 2]
    gap = _usual_gap(again)
    due = ((again["last"] - again["first"]) / gap * again["customers"]).sum()
    return usual, late, min(float(((again["paid"] - 1) * again["customers"]).sum() / due), 1.0)


def _usual_gap(rows: pd.DataFrame) -> pd.Series:
    """The mean gap in whole months; missing for those who paid once."""
    times = (rows["paid"] - 1).where(rows["paid"] > 1)
    return find_gap(rows["first"], rows["last"], times)


def _add_due(histories: pd.DataFrame, usual: int) -> pd.DataFrame:
    """Histories -> with gap, renewed (renewals behind them), due (the month of the next)."""
    gap = _usual_gap(histories).fillna(usual).astype(int)
    seen = ((histories["last"] - histories["first"]) / gap).round()
    renewed = histories["renewed"].fillna(seen).clip(lower=0).astype(int)
    return histories.assign(gap=gap, renewed=renewed, due=histories["last"] + gap)


def _count_renewals(rows: pd.DataFrame, late: int, now: int) -> tuple[pd.DataFrame, list[str]]:
    """Histories -> renewals asked for by number: period, at_risk, lost; and notes."""
    known = now - late  # the last due month of which it is known who has left
    left = (rows["due"] <= known).to_numpy()
    asked = rows["renewed"].to_numpy() + left
    which = np.repeat(np.arange(len(rows)), asked)
    period = np.concatenate([np.arange(1, n + 1) for n in asked]) if asked.sum() else which
    table = pd.DataFrame({"period": period, "customers": rows["customers"].to_numpy()[which]})
    behind = (asked[which] - period) * rows["gap"].to_numpy()[which]
    table["month"] = (rows["last"] + left * rows["gap"]).to_numpy()[which] - behind
    table["lost"] = np.where((period == asked[which]) & left[which], table["customers"], 0)
    start = known - find_window(int(rows["gap"].max()))
    start = np.maximum(start, rows["first"].to_numpy()[which])  # renewals seen in these orders
    table = table[(table["month"] <= known) & (table["month"] > start)]
    if (n := table["customers"].sum()) < FEWEST:
        raise TooLittleData(fill("no_renewals", n=int(n), least=FEWEST))
    table, notes = _leave_immortal_out(table)
    sums = table.groupby("period")[["customers", "lost"]].sum()
    sums = sums.reindex(range(1, sums.index.max() + 1), fill_value=0)
    return sums.rename(columns={"customers": "at_risk"}).reset_index(), notes


def _leave_immortal_out(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Renewals -> without the first months if nobody left in them, and that can't be chance."""
    if not table["lost"].any():
        raise TooLittleData(fill("nobody_left", n=int(table["customers"].sum())))
    begins = table.loc[table["lost"] > 0, "month"].min()
    before, after = table[table["month"] < begins], table[table["month"] >= begins]
    rate = after["lost"].sum() / after["customers"].sum()
    n = int(before["customers"].sum())
    if (1 - rate) ** n > CHANCE:
        return table, []
    month = periods.label(int(begins), "month")
    return after, [fill("immortal", month=month, n=n, rate=float(rate))]


def _fit_survival(renewals: pd.DataFrame, method: str, *, most: int) -> tuple[np.ndarray, list]:
    """The share still there after 0, 1, ... `most` + 1 renewals, and notes."""
    survival, notes = _fit_model(renewals, "sbg" if method == "renewal_rates" else method, most)
    if method != "renewal_rates":
        return survival, notes
    hazard = 1 - survival[1:] / survival[:-1]
    number = np.minimum(renewals["period"].to_numpy(), len(hazard)) - 1
    counted = np.zeros((2, len(hazard)))
    np.add.at(counted, (slice(None), number), renewals[["lost", "at_risk"]].to_numpy().T)
    if contracts.is_by_chance(*counted, hazard):
        return survival, notes
    hazard = (counted[0] + PRIOR * hazard) / (counted[1] + PRIOR)
    return np.append(1.0, np.cumprod(1 - hazard)), notes


def _fit_model(renewals: pd.DataFrame, method: str, most: int) -> tuple[np.ndarray, list]:
    """The same by a model of contracts; where it can't be fitted, all have the same chance."""
    number = np.arange(most + 2)
    for model in dict.fromkeys((method, "sbg")):  # "bdw" has one more parameter to determine
        try:
            return contracts.fit(renewals, model=model).survival(number), []
        except TooLittleData as error:
            reason = error
    rate = float(renewals["lost"].sum() / renewals["at_risk"].sum())
    if rate == 1:
        raise reason
    return (1 - rate) ** number, [fill("same_chance", rate=rate)]


def _share_who_come_back(found: Payments, late: int, renewals: pd.DataFrame) -> float:
    """Of those who are late, but no later than some who paid: the share who will pay."""
    gaps = found.gaps
    back = gaps.loc[gaps["gap"] > gaps["usual"], "customers"].sum()
    return float(back / max(back + renewals["lost"].sum(), 1)) if late else 0.0
