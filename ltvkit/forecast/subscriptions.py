"""Months ahead for shops whose customers pay in a regular rhythm: fees, contracts, deliveries.

All is counted in calendar months, so a fee due on the 1st, or on the day of joining, never drifts.
A customer pays every 1, 2, 3, 6, 12, ... months; payments within a month are added up.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from ltvkit import periods
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, TooLittleData, one_of
from ltvkit.forecast.models.bg_bb import BetaGeoBetaBinomFitter
from ltvkit.forecast.models.fitting import fit_with_fallback
from ltvkit.forecast.models.renewal_rates import RenewalFitter, Rhythm, find_due
from ltvkit.forecast.payments import FEWEST, Payments, read_payments
from ltvkit.forecast.texts import fill
from ltvkit.ltv import contracts
from ltvkit.periods import Day

METHODS = ("renewal_rates", "sbg", "bdw", "bg_bb")
LATE = 0.02  # of payments may come later than the time after which a customer counts as gone
WINDOW = 12  # months whose renewals are learned from, or three times the usual gap
PRIOR = 50  # renewals that the model is worth where the rate of leaving is taken as observed
FEWEST_LOST, UNLIKELY = 5, 0.05  # of a test whether renewal rates differ from those of the model
CHANCE = 0.001  # below it, a time in which nobody left is not chance


class Months(NamedTuple):
    """What today's customers, and a new one, are expected to do.

    `table`: month (1 is the calendar month after the last whole one), customers who pay in it,
    revenue; `new`: age_months (0: the month of joining), customers (the share who pay), revenue
    per customer won; `renewals`: period, at_risk, lost (empty for "bg_bb"); `notes`. Contracts
    have a `rhythm`, and a `price`: the mean of the last payments of those who are there.
    """

    table: pd.DataFrame
    new: pd.DataFrame
    renewals: pd.DataFrame
    notes: tuple[str, ...] = ()
    rhythm: Rhythm | None = None
    price: float = np.nan


def forecast_months(
    lines: Frame,
    *,
    as_of: Day,
    months: int = 12,
    method: str = "renewal_rates",
    contract: str = "",
    number: str = "",
) -> Months:
    """Order lines (or their days) up to `as_of` -> `Months`.

    `method`: "sbg" or "bdw" (contracts, see `ltv.contracts`): a customer pays at every due month
    until they leave for good; "renewal_rates": the same, but where the rates of leaving differ
    from those of sBG by more than chance, each is the observed one, with those of sBG for 50
    customers more, so that it may rise and fall (as after a term of two months); "bg_bb": a
    customer may skip months. Only whole months count: month 1 follows the last one that is over by
    `as_of`. A payment is worth what the customer's last
    one was; whoever has paid once is expected to pay what others paid at their second, relative
    to their first (of the last 12 months), as a first one is often a trial. With `number`, first
    is number 1; where none is seen, the revenue of new customers is NaN.

    `contract`: column with the id of a contract; each then counts by itself. `number`: column
    with the number of the delivery in its contract (1, 2, ...), which is known where the orders
    begin later. Lines without a value in these columns are left out.

    Contracts: the usual gap of a customer is their mean one, in whole months; who has paid once
    has the most common one. Who is later than 98% of payments are has left. Chances to leave are
    learned from the renewals of the last 12 months (or three usual gaps), so from recent ones, and
    not from a time in which nobody left where that can't be chance: such an export holds only
    customers who were there later. Where customers do not differ, all have the same chance.

    Raises `TooLittleData` where nobody left, or (contracts) where payments are not regular.
    """
    one_of("method", method, METHODS)
    if months < 1:
        raise ParamsError(f"months={months}: give 1 or more.")
    own = {"contract": contract, "number": number}
    found = read_payments(lines, as_of=as_of, regular=method != "bg_bb", **own)
    expected = _expect(found, months, method)
    shares, new = expected.shares, expected.new
    rows = found.histories
    worth = _worth(found)
    table = pd.DataFrame({"month": np.arange(1, months + 1)}).assign(
        customers=rows["customers"].to_numpy() @ shares / found.per_customer,
        revenue=worth.to_numpy() @ shares,
    )
    worth = found.first * np.append(1.0, np.full(months, found.step))
    new = pd.DataFrame({"age_months": np.arange(months + 1), "customers": new})
    new["revenue"] = worth * new["customers"]
    there = rows["customers"] * expected.alive
    price = float((_worth(found) / rows["customers"] * there).sum() / max(there.sum(), 1e-9))
    return Months(table, new, expected.renewals, tuple(expected.notes), expected.rhythm, price)


def fit_renewals(lines: Frame, *, as_of: Day) -> RenewalFitter:
    """Order lines (or their days) up to `as_of` -> how each customer renews, by renewal rates.

    Raises `TooLittleData` as `forecast_months` does.
    """
    found = read_payments(lines, as_of=as_of, regular=True)
    rhythm = _by_contracts(found, 1, "renewal_rates").rhythm
    assert rhythm is not None
    return RenewalFitter(rhythm, as_of)


def forecast_customers(
    lines: Frame, *, as_of: Day, months: float, method: str = "renewal_rates"
) -> pd.DataFrame:
    """Order lines of a bounded number of customers -> customer_id, paid (months in which each is
    expected to pay within `months`; of 2.5, the third counts by half), revenue.

    The same as `forecast_months`, for each customer. Raises `TooLittleData` as it does.
    """
    found = read_payments(lines, as_of=as_of, regular=method != "bg_bb", each_customer=True)
    shares = _expect(found, int(np.ceil(months)), method).shares
    counted = np.clip(months - np.arange(shares.shape[1]), 0, 1)
    paid = shares @ counted
    table = pd.DataFrame({"customer_id": found.histories["customer_id"], "paid": paid})
    return table.assign(revenue=paid * _worth(found))


class _Expected(NamedTuple):
    """Shares of each history who pay in month 1, 2, ... and who are there now (`alive`), of new
    customers who pay at age 0, 1, ...; and what `Months` says of contracts."""

    shares: np.ndarray
    alive: np.ndarray
    new: np.ndarray
    renewals: pd.DataFrame
    notes: list[str]
    rhythm: Rhythm | None = None


def _expect(found: Payments, months: int, method: str) -> _Expected:
    ahead = _by_occasions if method == "bg_bb" else _by_contracts
    return ahead(found, months, method)


def _worth(found: Payments) -> pd.Series:
    """What a payment of each history is worth: the last one, or after a first one, the second."""
    rows = found.histories
    behind = rows["renewed"].fillna(rows["paid"] - 1)  # who is first seen late has paid before
    return rows["revenue"] * np.where(behind == 0, found.step, 1.0)


def _by_occasions(found: Payments, months: int, _method: str) -> _Expected:
    """BG/BB: each month after the first is an occasion to pay."""
    rows = found.histories
    history = [rows["paid"] - 1, rows["last"] - rows["first"], found.now - rows["first"]]
    history = [column.to_numpy() for column in history]
    seen = history[2] > 0
    if not seen.any():
        raise TooLittleData(fill("no_renewals", n=0, least=FEWEST))
    fitter = BetaGeoBetaBinomFitter()
    weights = rows["customers"].to_numpy()[seen]
    fit_with_fallback(fitter, *(column[seen] for column in history), weights=weights)
    ends = np.arange(1.0, months + 1)
    upto = [fitter.predict(np.full(len(rows), end), *history) for end in ends]
    zero = np.zeros(1)
    new = np.concatenate([fitter.predict(np.array([end]), zero, zero, zero) for end in ends])
    shares = np.diff(np.array(upto), axis=0, prepend=0).T
    alive = fitter.conditional_probability_alive(0, *history)
    new = np.append(1.0, np.diff(new, prepend=0))
    return _Expected(shares, alive, new, pd.DataFrame(), [])


def _by_contracts(found: Payments, months: int, method: str) -> _Expected:
    """Contracts: each pays at its due months with the chance that it has not ended."""
    usual, late, pays = _find_rhythm(found)
    rows = _add_due(found.histories, usual)
    renewals, notes = _count_renewals(rows, late, found.now)
    survival, note = _fit_survival(renewals, method, most=int(rows["renewed"].max()) + months)
    rhythm = Rhythm(usual, late, pays, survival, _share_who_come_back(found, late, renewals))
    columns = (rows[c].to_numpy() for c in ("last", "gap", "renewed"))
    ahead = find_due(*columns, rhythm, now=found.now, months=months)
    shares = np.where(ahead.due, ahead.stays * ahead.alive[:, None] * pays, 0)
    age = np.arange(months + 1)
    new = np.where(age % usual == 0, survival[age // usual], 0) * np.where(age > 0, pays, 1)
    return _Expected(shares, ahead.alive, new, renewals, [*notes, *note], rhythm)


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
    """The mean gap in whole months, as in `_gap`; missing for those who paid once."""
    times = (rows["paid"] - 1).where(rows["paid"] > 1)
    return ((2 * (rows["last"] - rows["first"]) + times) // (2 * times)).clip(lower=1)


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
    start = known - max(WINDOW, 3 * int(rows["gap"].max()))
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
    if _is_by_chance(*counted, hazard):
        return survival, notes
    hazard = (counted[0] + PRIOR * hazard) / (counted[1] + PRIOR)
    return np.append(1.0, np.cumprod(1 - hazard)), notes


def _is_by_chance(lost: np.ndarray, at_risk: np.ndarray, hazard: np.ndarray) -> bool:
    """Whether what was lost at each renewal is what a model expects, but for chance: a chi-squared
    test at 5%, of renewals at which 5 losses or more are expected, and of all others together."""
    expected, spread = at_risk * hazard, at_risk * hazard * (1 - hazard)
    many = expected >= FEWEST_LOST
    parts = [(each[many], each[~many].sum()) for each in (lost, expected, spread)]
    seen, wanted, varies = (np.append(*part) for part in parts)
    squares = ((seen - wanted) ** 2)[varies > 0] / varies[varies > 0]
    return bool(chdtrc(len(squares), squares.sum()) > UNLIKELY) if len(squares) else True


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
