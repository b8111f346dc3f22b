"""Months ahead for shops whose customers pay in a regular rhythm: fees, contracts, deliveries.

All is counted in calendar months, so a fee due on the 1st, or on the day of joining, never drifts.
A customer pays every 1, 2, 3, 6, 12, ... months; payments within a month are added up.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, TooLittleData, one_of
from ltvkit.forecast.models.bg_bb import BetaGeoBetaBinomFitter
from ltvkit.forecast.models.fitting import fit_with_fallback
from ltvkit.forecast.models.renewal_rates import RenewalFitter, Rhythm, find_due
from ltvkit.forecast.payments import FEWEST, Payments, read_payments
from ltvkit.forecast.rhythm import learn
from ltvkit.forecast.texts import fill
from ltvkit.periods import Day

METHODS = ("renewal_rates", "sbg", "bdw", "bg_bb")
AHEAD = 36  # months that lists of customers look ahead at most; beyond, at the last rate of leaving


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
    return RenewalFitter(learn(found, method="renewal_rates", months=AHEAD).rhythm, as_of)


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
    rhythm, rows, renewals, notes = learn(found, method=method, months=months)
    columns = (rows[c].to_numpy() for c in ("last", "gap", "renewed"))
    ahead = find_due(*columns, rhythm, now=found.now, months=months)
    shares = np.where(ahead.due, ahead.stays * ahead.alive[:, None] * rhythm.pays, 0)
    age = np.arange(months + 1)
    stays = np.where(age % rhythm.usual == 0, rhythm.left(age // rhythm.usual), 0)
    new = stays * np.where(age > 0, rhythm.pays, 1)
    return _Expected(shares, ahead.alive, new, renewals, notes, rhythm)
