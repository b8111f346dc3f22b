"""Seasons: how much more customers buy, and are won, in each month of the year."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError
from ltvkit.forecast.clock import Clock
from ltvkit.ingest import daily
from ltvkit.periods import Day

if TYPE_CHECKING:
    from ltvkit.forecast.estimation import Fitted

LEAST = 24  # whole months of orders, to tell a season from chance
YEARS_AHEAD = 11  # that a clock reaches: 120 months from the end of this one
MONTHS = np.arange(12)
# Of shops without a season, the share in which buying, or winning, looks seasonal: 5% together.
CHANCE, SHUFFLES = 0.025, 999


class Season(NamedTuple):
    """`buying`, `winning`: by what factor customers buy, and new ones are won, from January on."""

    buying: np.ndarray
    winning: np.ndarray


NONE = Season(np.ones(12), np.ones(12))


def learn(lines: Frame, fitted: Fitted, *, as_of: Day) -> Season | None:
    """Order lines, or their `days`, and a model without a season -> their season.

    What repeat customers bought in each whole month is compared with what the model expects of
    customers as old, and the number of new customers with its trend. A factor is what a month of
    the year has in common over the years, beside a trend, and drawn towards 1 as far as months of
    one name differ from year to year (James & Stein 1961). Factors that may be chance are 1 (see
    `_is_chance`). None where both kinds are, and with less than 24 whole months. Of new customers
    only the months count in which they are mostly new (`Fitted.known_days`).
    """
    counts = _count_by_month(lines, fitted, as_of=as_of)
    if len(counts) < LEAST:
        return None
    buying = _estimate_factors(counts.index, counts["repeats"], counts["expected"])
    known = counts
    if fitted.known_days is not None:
        since = periods.day(as_of) - dt.timedelta(days=fitted.known_days - 1)
        known = counts[counts.index > periods.index_of(since, "month")]
    winning = NONE.winning
    if len(known) >= LEAST:
        even = np.full(len(known), known["new"].mean())
        winning = _estimate_factors(known.index, known["new"], even)
    found = Season(buying, winning)
    return None if np.array_equal(found, NONE) else found


def make_clock(
    season: Season | None,
    *,
    as_of: Day,
    days_before: int,
    campaigns: Mapping[str, float] | None = None,
    unit: str = "week",
) -> Clock:
    """A season -> the clock of models from `days_before` the day `as_of` on.

    `campaigns`: "2024-11-20/2024-11-26" (first and last day): the factor by which customers buy
    more on these days, past or to come.
    """
    if season is None and not campaigns:
        return Clock(unit)
    today = pd.Timestamp(periods.day(as_of))
    days = pd.date_range(
        today - pd.Timedelta(days=days_before), today + pd.DateOffset(years=YEARS_AHEAD)
    )
    pace = (season or NONE).buying[days.month - 1]
    for span, factor in (campaigns or {}).items():
        first, last = read_span(span, factor)
        pace = np.where((days >= first) & (days <= last), pace * factor, pace)
    return Clock(unit, np.append(0.0, pace[1:].cumsum()), days_before)


def read_span(span: str, factor: float) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The first and the last day of a campaign; `ParamsError` if it is not written as it should."""
    try:
        first, last = (pd.Timestamp(periods.day(day.strip())) for day in str(span).split("/"))
    except ValueError as error:
        example = 'write the first and the last day, as "2024-11-20/2024-11-26": 1.8'
        raise ParamsError(f"campaigns: {span!r}: {example}.") from error
    if not (first <= last and isinstance(factor, int | float) and factor > 0):
        raise ParamsError(f"campaigns: {span!r}: {factor!r}: days in order, and a factor above 0.")
    return first, last


def _count_by_month(lines: Frame, fitted: Fitted, *, as_of: Day) -> pd.DataFrame:
    """By whole month: new customers, repeat purchases, and those expected."""
    bought = daily.select_purchases(lines, as_of=as_of).unique()
    firsts = bought.group_by("customer_id").agg(first=nw.col("order_date").min())
    month = periods.index("order_date", "month")
    placed = frames.table(bought.with_columns(month=month).group_by("month").agg(all=nw.len()))
    won = frames.table(firsts.group_by("first").agg(new=nw.len()).sort("first"))
    began = won["first"].min()
    start = periods.index_of(began, "month") + (began.day > 1)
    whole = range(start, periods.last_whole(as_of, "month") + 1)
    if len(whole) < LEAST:
        return pd.DataFrame(index=whole)
    born = won["first"].map(lambda day: periods.index_of(day, "month"))
    new = won["new"].groupby(born).sum().reindex(whole).fillna(0)
    orders = placed.set_index("month")["all"].reindex(whole).fillna(0)
    ends = [periods.end(month, "month") for month in [start - 1, *whole]]
    expected = np.diff(_expect(won, fitted, ends, as_of=as_of))
    return pd.DataFrame({"new": new, "repeats": orders - new, "expected": expected}, index=whole)


def _expect(won: pd.DataFrame, fitted: Fitted, ends: list, *, as_of: Day) -> np.ndarray:
    """Repeat purchases that a model without a season expects by each of `ends`, of all customers
    from their first purchase on."""
    today = pd.Timestamp(periods.day(as_of))
    first = (today - won["first"]).dt.days.to_numpy()
    upto = np.array([(today - end).days for end in ends])
    ages = np.clip(fitted.clock.between(first[:, None], upto[None, :]), 0, None)
    whole = fitted.clock.between(first, 0)
    values = np.zeros_like(ages)
    for rows, buying in fitted.buying.groups(whole):
        each, place = np.unique(ages[rows], return_inverse=True)
        expected = buying.expected_number_of_purchases_up_to_time(each)
        values[rows] = expected[place.reshape(ages[rows].shape)]
    return won["new"].to_numpy() @ values


def _estimate_factors(months: pd.Index, actual: pd.Series, expected: np.ndarray) -> np.ndarray:
    """Twelve factors with a mean of 1, from what was counted and what was expected by month.

    All are 1 where they may be chance.
    """
    a, e = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
    y = np.log((a + 0.5) / (e + 0.5))
    name = np.asarray(months) % 12
    effects = (name[:, None] == MONTHS[:11]).astype(float) - (name[:, None] == 11)
    trend = np.column_stack([np.ones(len(y)), np.linspace(-1, 1, len(y))])
    both = np.hstack([trend, effects])
    # By what was expected: a month that is high by chance must not weigh more.
    if _is_chance(y, trend, both, weight=_weigh(e)):
        return np.ones(12)
    weight = _weigh(a)
    few, many = weight[:, None] * trend, weight[:, None] * both
    found = np.linalg.lstsq(many, weight * y, rcond=None)[0]
    explained = _measure_share((weight * y)[:, None], few, many)[0]
    ratio = explained / (1 - explained) * (len(y) - 13) / 11  # the F statistic of 11 effects
    shrunk = found[2:] * max(0.0, 1 - 9 / 11 / max(ratio, 1e-12))
    factors = np.exp(np.append(shrunk, -shrunk.sum()))
    return factors / factors.mean()


USUAL = 0.05  # by which months of one name differ from year to year, beside chance


def _weigh(counts: np.ndarray) -> np.ndarray:
    """What a month weighs, by its number of orders."""
    return np.sqrt(1 / (1 / (counts + 1) + USUAL**2))


def _is_chance(y: np.ndarray, trend: np.ndarray, both: np.ndarray, *, weight: np.ndarray) -> bool:
    """Whether shuffled months look as seasonal more often than `CHANCE`.

    What a trend leaves of them is shuffled (Freedman & Lane 1983, Journal of Business & Economic
    Statistics 1(4), 292-298). `both`: the columns of the trend, and those of the months' names.
    """
    few, many = weight[:, None] * trend, weight[:, None] * both
    left = weight * y
    left -= few @ np.linalg.lstsq(few, left, rcond=None)[0]
    rng = np.random.default_rng(1)
    shuffled = rng.permuted(np.tile(left, (SHUFFLES, 1)), axis=1).T
    actual, others = (_measure_share(each, few, many) for each in (left[:, None], shuffled))
    return bool((1 + (others >= actual[0]).sum()) / (1 + SHUFFLES) > CHANCE)


def _measure_share(left: np.ndarray, few: np.ndarray, many: np.ndarray) -> np.ndarray:
    """The part of what the columns `few` leave that those of `many` explain; of each column."""
    explained = [((np.linalg.qr(x)[0].T @ left) ** 2).sum(axis=0) for x in (few, many)]
    rest = np.maximum((left**2).sum(axis=0) - explained[0], 1e-12)
    return np.clip((explained[1] - explained[0]) / rest, 0, 1 - 1e-12)
