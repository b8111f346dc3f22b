"""What a day is worth: weekdays, and public holidays where the shop's country is given."""

from __future__ import annotations

import difflib
from typing import NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import scipy

from ltvkit import periods
from ltvkit.display import formats
from ltvkit.drivers.texts import fill
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError
from ltvkit.ingest import daily
from ltvkit.periods import Day

WEEKS, LEAST_WEEKS = 52, 8  # from which the weight of a weekday is learned, and at least
LEAST_HOLIDAYS = 6  # in these weeks, from which the weight of a holiday is learned
UNLIKELY = 0.01  # that kinds of days differ as much by chance
ROUNDS = 50  # of fitting weekdays and the levels of weeks in turn; each error shrinks many times
NEAREST = 3  # codes that an error names
HOLIDAY = 7  # the kind of a day that is no weekday; 0 is a Monday


class Calendar(NamedTuple):
    """How many orders a Monday, ... a Sunday brings, as a multiple of the average weekday, and
    where there are `holidays` (day numbers), what each brings; and what a page says of these."""

    weights: np.ndarray = np.ones(7)
    holidays: np.ndarray = np.empty(0, dtype=int)
    note: str = ""

    @property
    def leaf(self) -> str:
        """The leaf of the kinds of days; empty where all are alike."""
        if len(self.holidays):
            return "weekday_and_holiday_mix"
        return "weekday_mix" if (self.weights != 1).any() else ""


def learn(days: Frame, *, as_of: Day, country: str = "", since: Day = "") -> Calendar:
    """Order lines, or their `days` -> what kinds of days bring (see `weigh_weekdays`).

    With the code of a `country`, its public holidays, from `since` on, are an eighth kind, as far
    as there are 6 in the last 52 weeks, and they bring more or less than their weekday, beyond
    chance (Mann-Whitney test, 1%); else each counts as its weekday, and the note says why. Raises
    `ParamsError` for a country that is not known.
    """
    numbers, orders = _count_by_week(days, as_of=as_of)
    plain = Calendar(_weigh(numbers, orders))
    if not country:
        return plain
    first = min(periods.day(since or as_of), periods.day(as_of)).year - 1
    holidays = list_holidays(country, first=first, last=periods.day(as_of).year)
    off = np.isin(numbers, holidays)
    used = (orders * ~off).any(axis=1)
    numbers, orders, off = numbers[used], orders[used], off[used]
    n = int(off.sum())
    if n < LEAST_HOLIDAYS or len(orders) < LEAST_WEEKS:
        return plain._replace(note=fill("few_holidays", n=n, least=LEAST_HOLIDAYS))
    weekdays = _fit_weekdays(orders, (numbers + 3) % 7, off)
    expected = weekdays[(numbers + 3) % 7]
    # The level of three weeks, as a week of holidays has few other days to tell its own.
    sums = [_add_neighbours((each * ~off).sum(axis=1)) for each in (orders, expected)]
    brought = orders * sums[1] / sums[0]  # as a multiple of the average weekday then
    if not _differ(brought, expected, off):
        return plain._replace(note=fill("holidays_as_weekdays", n=n))
    worth = float(brought[off].mean())
    said = fill("holidays_bring", n=n, worth=formats.share(worth))
    return Calendar(np.append(weekdays, worth), holidays, said)


def _fit_weekdays(orders: np.ndarray, weekday: np.ndarray, off: np.ndarray) -> np.ndarray:
    """Orders of weeks x 7 days -> the weights of weekdays, by the days that are no holidays; all 1
    where they differ no more than by chance."""
    level = (orders * ~off).sum(axis=1, keepdims=True) / (~off).sum(axis=1, keepdims=True)
    groups = [(orders / level)[~off & (weekday == k)] for k in range(7)]
    if not all(map(len, groups)) or not scipy.stats.f_oneway(*groups).pvalue <= UNLIKELY:
        return np.ones(7)
    weights = np.ones(7)
    for _round in range(ROUNDS):
        whole = (weights[weekday] * ~off).sum(axis=1, keepdims=True)
        shares = orders * whole / (orders * ~off).sum(axis=1, keepdims=True)
        weights = np.array([shares[~off & (weekday == k)].mean() for k in range(7)])
        weights /= weights.mean()
    return weights


def _add_neighbours(by_week: np.ndarray) -> np.ndarray:
    """Sums by week -> a column of those with the weeks before and after.

    >>> _add_neighbours(np.array([1.0, 2.0, 4.0])).ravel().tolist()
    [3.0, 7.0, 6.0]
    """
    return np.convolve(by_week, np.ones(3), mode="same")[:, None]


def _differ(brought: np.ndarray, expected: np.ndarray, off: np.ndarray) -> bool:
    """Whether holidays bring another multiple of what their weekday does than other days do."""
    sold = expected > 0
    relative = np.round(brought / np.where(sold, expected, 1.0), 9)
    ours, others = relative[off & sold], relative[~off & sold]
    if not (len(ours) and len(others)) or np.ptp(relative[sold]) == 0:
        return False
    return bool(scipy.stats.mannwhitneyu(ours, others, method="asymptotic").pvalue <= UNLIKELY)


def list_holidays(country: str, *, first: int, last: int) -> np.ndarray:
    """The day numbers of the public holidays of a country, of the years from first to last.

    >>> len(list_holidays("DE", first=2024, last=2024))
    9
    """
    check_country(country)
    import holidays

    # By the days it lists: pandas' isin finds none in it.
    found = holidays.country_holidays(country, years=range(first, last + 1))
    return np.array(sorted(map(periods.number_of, found)), dtype=int)


def check_country(country: str) -> None:
    """Raise `ParamsError` where a code is not known, with the nearest ones.

    >>> check_country("Japan")
    Traceback (most recent call last):
    ltvkit.errors.ParamsError: country='Japan': give the code of a country, as JP. Near: JP (Japan).
    """
    if not country:
        return
    from holidays.registry import COUNTRIES

    known = {code: name for name, (_class, code, *_more) in COUNTRIES.items()}
    if country in known:
        return
    given = str(country).strip().lower().replace(" ", "_")
    words = {code.lower(): code for code in known} | {name: code for code, name in known.items()}
    words |= {entry[2].lower(): entry[1] for entry in COUNTRIES.values()}
    close = difflib.get_close_matches(given, words, n=NEAREST, cutoff=0.5)
    codes = dict.fromkeys(words[word] for word in ([given] if given in words else close))
    near = ", ".join(f"{code} ({known[code].replace('_', ' ').title()})" for code in codes)
    hint = f" Near: {near}." if near else " Codes are those of ISO 3166, in capitals."
    raise ParamsError(f"country={country!r}: give the code of a country, as JP.{hint}")


def weigh_weekdays(days: Frame, *, as_of: Day) -> np.ndarray:
    """Order lines, or their `days` -> how many orders are placed on a Monday, ... a Sunday, as a
    multiple of the average day of their week, in the last 52 weeks; all 1 in fewer than 8 weeks
    with orders, or where the weekdays differ no more than by chance (analysis of variance, 1%).
    """
    return _weigh(*_count_by_week(days, as_of=as_of))


def _weigh(numbers: np.ndarray, orders: np.ndarray) -> np.ndarray:
    if len(orders) < LEAST_WEEKS:
        return np.ones(7)
    shares = orders / orders.mean(axis=1, keepdims=True)  # whatever the season
    weekday = (numbers[0] + 3) % 7  # day 0 is a Thursday
    by_day = shares[:, np.argsort(weekday)].T
    if scipy.stats.f_oneway(*by_day).pvalue > UNLIKELY:
        return np.ones(7)
    return by_day.mean(axis=1)


def _count_by_week(days: Frame, *, as_of: Day) -> tuple[np.ndarray, np.ndarray]:
    """The last 52 weeks with orders, of seven days up to `as_of`: day numbers, and orders."""
    seen = daily.aggregate_until(days, as_of=as_of)
    last = periods.number_of(as_of)
    placed = seen.select("orders", day=periods.number("order_date"))
    placed = placed.filter(nw.col("day") > last - 7 * WEEKS)
    table = frames.add_up(placed, "day", sums=["orders"]).set_index("day")["orders"]
    weeks = (last - int(table.index.min()) + 1) // 7 if len(table) else 0
    numbers = np.arange(last - 7 * weeks + 1, last + 1)
    orders = table.reindex(numbers).fillna(0.0).to_numpy(dtype=float).reshape(weeks, 7)
    used = orders.any(axis=1)
    return numbers.reshape(weeks, 7)[used], orders[used]


def weigh(span: tuple[Day, Day], calendar: Calendar) -> tuple[int, float]:
    """A span -> its days, and their mean weight.

    >>> weigh(("2024-09-01", "2024-09-30"), Calendar(np.array([1, 1, 1, 1, 1, 1, 2])))
    (30, 1.1666666666666667)
    """
    first, last = (periods.number_of(day) for day in span)
    days = np.arange(first, last + 1)
    kinds = np.where(np.isin(days, calendar.holidays), HOLIDAY, (days + 3) % 7)
    return len(days), float(calendar.weights[kinds].mean())
