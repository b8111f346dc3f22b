"""What the calendar months after a day are expected to bring, by a model and by simple methods."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.engines.frames import Frame
from ltvkit.errors import DataError, TooLittleData, Undefined
from ltvkit.forecast import subscriptions, uncertainty
from ltvkit.forecast.estimation import Fitted
from ltvkit.forecast.seasons import Season
from ltvkit.forecast.texts import fill
from ltvkit.periods import MONTH_DAYS, Day

YEAR = 12
FEWEST = 3  # whole months, to take a mean of
OTHER = 4  # times the revenue of the year before, or that part of it


class Calendar(NamedTuple):
    """The months after the one that holds `as_of`: `index` of each, `names`, and `days` from
    `as_of` to the end of its month (the first) and of each of them."""

    index: np.ndarray
    names: list[str]
    days: np.ndarray


def find_months(as_of: Day, months: int) -> Calendar:
    """The `months` calendar months after the one that holds `as_of`."""
    first = periods.index_of(as_of, "month") + 1
    today = pd.Timestamp(periods.day(as_of))
    ends = [periods.end(first + m - 1, "month") for m in range(months + 1)]
    days = np.array([(end - today).days for end in ends], dtype=float)
    index = np.arange(first, first + months)
    return Calendar(index, [periods.label(int(i), "month") for i in index], days)


class Ahead(NamedTuple):
    """Revenue by month: of today's customers, of those still to be won, and of all (`total`).

    NaN: a method does not tell them apart, or does not know who is won."""

    existing: np.ndarray
    new: np.ndarray
    total: np.ndarray

    def win(self, times: float) -> Ahead:
        """The same with so many times as many new customers; NaN where they are not told apart."""
        new = self.new * times if times else np.where(np.isnan(self.existing), np.nan, 0.0)
        return Ahead(self.existing, new, self.existing + new)


def expect(
    triples: pd.DataFrame,
    fitted: Fitted,
    calendar: Calendar,
    *,
    won: np.ndarray,
    season: Season | None,
) -> Ahead:
    """Distinct histories and their model -> `Ahead`; `won`: customers in this month and in each of
    those ahead, were it one of the year's mean (`Acquisition.win`)."""
    existing = uncertainty.expected_revenue(triples, fitted, calendar.days).sum(axis=0)[1:]
    new = expect_new(fitted, calendar, won=won, season=season)
    return Ahead(existing, new, existing + new)


def expect_payments(
    lines: Frame, calendar: Calendar, *, as_of: Day, method: str, won: float
) -> Ahead:
    """Order lines, or their `days`, of customers who pay regularly -> `Ahead` (see
    `forecast.subscriptions`)."""
    months = len(calendar.index)
    skipped = calendar.index[0] - 1 - periods.last_whole(as_of, "month")
    found = subscriptions.forecast_months(
        lines, as_of=as_of, months=months + skipped, method=method
    )
    existing = found.table["revenue"].to_numpy()[skipped:]
    new = won * found.new["revenue"].to_numpy()[:months].cumsum()
    return Ahead(existing, new, existing + new)


def expect_new(
    fitted: Fitted, calendar: Calendar, *, won: np.ndarray, season: Season | None
) -> np.ndarray:
    """Revenue by month of customers still to be won, so many in each month (see `expect`).

    They buy when won, in the middle of the month, and then as the model says. If the months begin
    later than today, the customers won in the rest of this month buy again too.
    """
    days, clock = calendar.days, fitted.clock
    middle = np.append((days[1:] + days[:-1]) / 2, days[0] / 2)
    index = np.append(calendar.index, calendar.index[0] - 1)
    factor = np.ones(len(index)) if season is None else season.winning[index % YEAR]
    each = np.roll(won, -1) * factor * np.append(np.ones(len(days) - 1), days[0] / MONTH_DAYS)
    ages = np.clip(clock.between(-middle[:, None], -days[None, :]), 0, None)
    repeats = fitted.buying.expected_number_of_purchases_up_to_time(ages.ravel())
    orders = each[:-1] + each @ np.diff(repeats.reshape(ages.shape), axis=1)
    return orders * float(fitted.spend_of(0, 0.0))


def repeat_level(history: pd.DataFrame, calendar: Calendar) -> Ahead:
    """Every month brings the mean of the last twelve whole ones, or of as many as there are, three
    at least."""
    past = history.loc[~history["partial"], "revenue"].tail(YEAR)
    if len(past) < FEWEST:
        raise TooLittleData(fill("no_method"))
    return _undivided(np.full(len(calendar.index), past.mean()))


def repeat_year(history: pd.DataFrame, calendar: Calendar) -> Ahead:
    """Every month brings what it brought a year before, changed as the year was to its last.

    Not where that is a change by a factor of more than `OTHER`: the shop of then is not this one.
    """
    past = history.loc[~history["partial"], "revenue"]
    last, before = past.tail(YEAR).to_numpy(), past.iloc[-2 * YEAR : -YEAR].sum()
    if len(past) < 2 * YEAR or not (before > 0 and last.sum() > 0):
        raise TooLittleData(fill("no_year_before"))
    if not 1 / OTHER <= last.sum() / before <= OTHER:
        raise Undefined(fill("other_year_before"))
    known = periods.index_of(history.loc[past.index[-1], "start"], "month")
    place = (calendar.index - known - 1) % YEAR
    return _undivided(last[place] * last.sum() / before)


def _undivided(total: np.ndarray) -> Ahead:
    unknown = np.full(len(total), np.nan)
    return Ahead(unknown, unknown, total)


MODELS = ("model", "season", "trend", "season_trend")
TRENDS = {"model": "trend", "season": "season_trend"}  # the same with a trend of new customers
SIMPLE = {"last_year": repeat_year, "level": repeat_level}
PAYMENTS = ("renewal_rates", "sbg", "bg_bb")  # methods of regular payments


def find_regular(lines: Frame, *, as_of: Day) -> tuple[str, ...]:
    """The methods of regular payments, if these customers pay so; else none."""
    try:
        subscriptions.forecast_months(lines, as_of=as_of, months=1, method=PAYMENTS[0])
    except DataError:
        return ()
    return PAYMENTS
