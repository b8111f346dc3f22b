"""Shops whose whole life is known, so that a forecast from a part of it can be held to the rest.

Customers come at random, buy at rates of their own (gamma), leave at any time (Pareto/NBD, even
seeds) or after a purchase (BG/NBD, odd seeds), and spend around a mean of their own (gamma-gamma).
A factor by calendar month thins both purchases and acquisition: a season, campaigns, or months
that differ by chance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

BEGIN, YEARS = pd.Timestamp("2010-01-01"), 15  # of which the last five are observed
DAYS = (BEGIN + pd.DateOffset(years=YEARS) - BEGIN).days
CHANGING = 6  # years for which a shop grows or shrinks; it was steady before
SEASON = {7: 1.6, 12: 1.6}
Factor = Callable[[pd.DatetimeIndex, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Kind:
    """How a shop wins customers, and by what its months differ."""

    won: float = 100.0  # customers a month, at the end of the simulated years
    growth: float = 0.0  # a year, of acquisition
    factor: Factor | None = None  # of each month
    regular: bool = False  # deliveries every month instead of purchases at random
    opened: int = 0  # years before the end; 0: older than all


def season(months: pd.DatetimeIndex, rng: np.random.Generator) -> np.ndarray:
    """July and December are high in every year."""
    return np.array([SEASON.get(month, 1.0) for month in months.month])


def campaigns(months: pd.DatetimeIndex, rng: np.random.Generator) -> np.ndarray:
    """One month in a year, never the same one by plan, is high."""
    high = rng.integers(0, 12, YEARS) + 12 * np.arange(YEARS)
    return np.where(np.isin(np.arange(len(months)), high), 1.8, 1.0)


def chance(months: pd.DatetimeIndex, rng: np.random.Generator) -> np.ndarray:
    """Months differ by 12%, in every year by others: what looks like a season is none."""
    return np.exp(rng.normal(0, 0.12, len(months)))


KINDS = {
    "steady": Kind(),
    "growing": Kind(growth=0.4, won=200),
    "shrinking": Kind(growth=-0.25, won=50),
    "seasonal": Kind(factor=season),
    "campaigns": Kind(factor=campaigns),
    "months by chance": Kind(factor=chance),
    "regular delivery": Kind(regular=True, won=60),
    "opened in the export": Kind(opened=5),
}


def simulate(name: str, seed: int, kind: Kind | None = None) -> pd.DataFrame:
    """A kind and a seed -> order lines of the shop's whole life; `kind`: in place of the named."""
    number = list(KINDS).index(name) if kind is None else len(KINDS)
    kind = kind or KINDS[name]
    rng = np.random.default_rng([seed, number])
    factor = _daily_factor(kind, rng)
    since = np.arange(DAYS)
    years = np.maximum((since - DAYS) / 365.25, -CHANGING)
    won = kind.won / 30.4375 * (1 + kind.growth) ** years * factor
    won[: DAYS - round(kind.opened * 365.25) if kind.opened else 0] = 0
    born = np.repeat(since, rng.poisson(won)).astype(float)
    deliver = _deliver if kind.regular else _buy
    who, day = deliver(born, factor, rng, leave_any_time=seed % 2 == 0)
    lines = pd.DataFrame({"customer_id": who, "day": day}).sort_values("day", kind="stable")
    return pd.DataFrame(
        {
            "customer_id": "c" + lines["customer_id"].astype(str),
            "order_id": np.arange(len(lines)).astype(str),
            "order_date": BEGIN + pd.to_timedelta(lines["day"], unit="D"),
            "amount": _spend(lines["customer_id"].to_numpy(), len(born), kind, rng),
        }
    ).reset_index(drop=True)


def _daily_factor(kind: Kind, rng: np.random.Generator) -> np.ndarray:
    if kind.factor is None:
        return np.ones(DAYS)
    months = pd.date_range(BEGIN, periods=12 * YEARS, freq="MS")
    days = pd.date_range(BEGIN, periods=DAYS)
    return kind.factor(months, rng)[(days.year - BEGIN.year) * 12 + days.month - 1]


def _buy(
    born: np.ndarray, factor: np.ndarray, rng: np.random.Generator, *, leave_any_time: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The first purchase, and those at random until the customer leaves; one a day at most."""
    n, top = len(born), factor.max()
    left = np.full(n, np.inf)
    if leave_any_time:
        left = born + rng.exponential(1 / rng.gamma(3.0, 1 / 600, n))  # 300 days on average
    until = np.minimum(left, DAYS)
    rate = top * rng.gamma(0.8, 1 / 50, n)  # 62 days between purchases on average
    count = rng.poisson(rate * (until - born))
    who = np.repeat(np.arange(n), count)
    day = np.floor(born[who] + rng.random(len(who)) * (until - born)[who]).astype(int)
    kept = rng.random(len(who)) * top < factor[np.minimum(day, DAYS - 1)]
    who = np.concatenate([np.arange(n), who[kept]])
    day = np.concatenate([born.astype(int), day[kept]])
    rows = pd.DataFrame({"who": who, "day": day}).drop_duplicates().sort_values(["who", "day"])
    if not leave_any_time:
        last = rng.geometric(rng.beta(2.5, 4.0, n))  # the purchase after which a customer leaves
        rows = rows[rows.groupby("who").cumcount().to_numpy() < last[rows["who"]]]
    return rows["who"].to_numpy(), rows["day"].to_numpy()


def _deliver(
    born: np.ndarray, factor: np.ndarray, rng: np.random.Generator, *, leave_any_time: bool
) -> tuple[np.ndarray, np.ndarray]:
    """A delivery every 30 days, give or take three, until the contract is ended."""
    count = np.minimum(rng.geometric(rng.beta(1.2, 8.0, len(born))), YEARS * 13)
    who = np.repeat(np.arange(len(born)), count)
    gap = pd.Series(rng.gamma(100, 0.3, len(who)))
    at = gap.groupby(who).cumsum() - gap.groupby(who).transform("first")
    day = np.floor(born[who] + at.to_numpy()).astype(int)
    return who[day < DAYS], day[day < DAYS]


def _spend(who: np.ndarray, customers: int, kind: Kind, rng: np.random.Generator) -> np.ndarray:
    if kind.regular:
        return np.full(len(who), 3000.0)
    scale = rng.gamma(4.0, 1 / 9000, customers)  # 6,000 an order on average
    return np.maximum(np.round(rng.gamma(2.0, 1 / scale[who])), 1.0)


def cut(lines: pd.DataFrame, *, as_of: pd.Timestamp, months: int) -> pd.DataFrame:
    """The lines of the last `months` up to `as_of`, as an export holds that begins then."""
    begin = (pd.Timestamp(as_of) + pd.offsets.MonthEnd(-months)) + pd.Timedelta(days=1)
    return lines[lines["order_date"].between(begin, as_of)]


def truth(
    lines: pd.DataFrame, exported: pd.DataFrame, *, as_of: pd.Timestamp, months: int
) -> pd.DataFrame:
    """The whole life, and what was exported of it -> what came after `as_of`, by month.

    Columns: month, actual (revenue), actual_existing (of customers in the export), actual_new (of
    those whose first purchase ever came later; the rest came back after the export), won (how many
    those are).
    """
    began = lines[lines["amount"] >= 0].groupby("customer_id")["order_date"].min()
    ends = pd.date_range(as_of, periods=months + 1, freq="ME")
    later = lines[lines["order_date"].between(as_of, ends[-1], inclusive="right")]
    first = later["customer_id"].map(began)
    month, amount = later["order_date"].dt.strftime("%Y-%m"), later["amount"]
    names = [f"{end:%Y-%m}" for end in ends[1:]]
    won = began[began.between(as_of, ends[-1], inclusive="right")].dt.strftime("%Y-%m")
    table = {
        "actual": amount.groupby(month).sum(),
        "actual_existing": amount[later["customer_id"].isin(exported["customer_id"])]
        .groupby(month)
        .sum(),
        "actual_new": amount[first > as_of].groupby(month).sum(),
        "won": won.groupby(won).size(),
    }
    return pd.DataFrame(table, index=names).fillna(0.0).rename_axis("month").reset_index()
