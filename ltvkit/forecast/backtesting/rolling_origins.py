"""Rolling origins: the months ahead, as they would have been forecast on several past dates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ltvkit import customers, kpis
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import DataError
from ltvkit.forecast import acquisition, bands, estimation, months_ahead, seasons
from ltvkit.forecast.acquisition import Acquisition
from ltvkit.forecast.clock import Clock
from ltvkit.forecast.estimation import Fitted, Spending
from ltvkit.forecast.months_ahead import MODELS, SIMPLE, TRENDS, Ahead, Calendar
from ltvkit.forecast.seasons import LEAST, Season
from ltvkit.periods import Day

COLUMNS = ["origin", "month", "lead", "method", "forecast", "actual"]
ORIGINS, FARTHEST = 4, 12  # dates, and how many months back the first of them is at most
SHORTEST = 3  # whole months of orders before a date
NOTICEABLY = 0.95  # of the error without a season, that a season may leave: dates overlap by chance
BETTER = 3  # dates on which a method must be nearer to the truth than another
FEW = 100_000  # rows, that pandas takes through these steps sooner than DuckDB plans them
CLEARLY = 0.8  # of the model's error, that a method may have to be used in its place


class Known(NamedTuple):
    """What is known on a day: distinct histories, spending, and who was won."""

    triples: pd.DataFrame
    spent: Spending
    won: Acquisition


class Method(NamedTuple):
    """What a method expects, and the season that it used."""

    ahead: Ahead
    season: Season | None = None


@dataclass(frozen=True)
class RollingOrigins:
    """How forecasts of revenue by month did on past dates, and which one to use today.

    `table`: origin (last day known), month, lead (1: the first month after it), method ("model",
    "season": the model with one; "trend", "season_trend": the same with a trend of new customers;
    "renewal_rates", "sbg", "bg_bb": of regular payments; "last_year",
    "level"), forecast, actual; `model`: its name. `method`: the one to use, empty if there is none;
    `ahead`: what it expects of the months from `as_of` on. `season` (None: not used), `won` and
    `clock` are those of today, for `forecast.fit` and `forecast.revenue`.
    """

    table: pd.DataFrame
    model: str
    method: str
    ahead: Ahead | None
    season: Season | None
    won: Acquisition
    clock: Clock

    @property
    def summary(self) -> pd.DataFrame:
        """origin, months, predicted, actual, bias: of the method to use, a row per date."""
        rows = self.table[self.table["method"] == self.method]
        return bands.sum_by_date(rows).reset_index().rename(columns={"forecast": "predicted"})


def roll(
    lines: Frame,
    *,
    as_of: Day,
    model: str,
    months: int = 12,
    campaigns: Mapping[str, float] | None = None,
    export_begins: str = "",
) -> RollingOrigins:
    """Order lines, or their `days`, and a model -> how it forecast the last months.

    On up to four past dates, 12 months ago at most, the model is fitted to the orders before, and
    the months after are forecast, as `forecast.revenue` does it. Beside it: methods of regular
    payments where customers pay so (see `forecast.subscriptions`), and two that need no model: the
    mean of the last twelve months, and the same months of the year before, changed as that year
    was to its last. With 24 whole months before each date, the model is also tried with a season
    learned from before the date (see `forecast.seasons`).

    A season is used where it was nearer to the truth on three of four dates, and its error is in
    all at most 0.95 times as large. Another method replaces the model where it was nearer on three,
    and its error is at most 0.8 times as large; or where there is no model. Nearness is the mean
    absolute error of the logarithm. With two years of known new customers, a trend of their number
    is tried too (`Acquisition.win`), and used as another method is. `campaigns` as in
    `seasons.make_clock`; `export_begins` is the policy. A `model` that was chosen on the same
    months misses them by a little less than others.
    """
    lines = frames.hold_small(lines, most=FEW)  # some dozen short steps
    if isinstance(lines, pd.DataFrame) and len(lines) <= estimation.MAX_CUSTOMERS:
        lines = frames.number_ids(lines, "customer_id")  # of more, ids decide on a sample
    history = kpis.series(lines, as_of=as_of, export_begins="opening")
    rule: dict[str, Any] = {"model": model, "campaigns": campaigns}

    def forecast(origin: Day) -> tuple[Known, Calendar, dict[str, Method]]:
        known = find_known(lines, as_of=origin, export_begins=export_begins)
        calendar = months_ahead.find_months(origin, months)
        past = history[history["end"] <= pd.Timestamp(origin)]
        found = _forecast(lines, known, calendar, past, as_of=origin, **rule)
        return known, calendar, {n: m for n, m in found if np.isfinite(m.ahead.total).all()}

    rows = []
    for origin in list_origins(history):
        _known, calendar, methods = forecast(origin)
        rows.append(_compare(methods, calendar, history, origin))
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=COLUMNS)
    known, _calendar, methods = forecast(as_of)
    method = choose(measure_errors(table), list(methods))
    season = methods[method].season if method else None
    clock = _make_clock(known, season, as_of=as_of, campaigns=campaigns)
    ahead = methods[method].ahead if method else None
    return RollingOrigins(table, model, method, ahead, season, known.won, clock)


def find_known(lines: Frame, *, as_of: Day, export_begins: str = "") -> Known:
    """Order lines, or their `days` -> what a model is fitted to as of a day."""
    buyers = customers.summarize(lines, as_of=as_of)
    won = acquisition.estimate(lines, as_of=as_of, export_begins=export_begins)
    some, _notes = estimation.sample_customers(buyers)
    return Known(estimation.histories(buyers), estimation.fit_spending(some), won)


def list_origins(history: pd.DataFrame) -> list[pd.Timestamp]:
    """Month ends to forecast from: up to four, evenly over the last year at most, such that half of
    the months, or 24 of 28 and more, lie before the first of them."""
    whole = history[~history["partial"]]
    n = len(whole)
    first = min(FARTHEST, max(n - LEAST if n >= LEAST + ORIGINS else n // 2, 0))
    if n - first < SHORTEST or not first:
        return []
    back = np.unique(np.ceil(np.linspace(first / ORIGINS, first, ORIGINS)).astype(int))[::-1]
    return [whole["end"].iloc[-1 - k] for k in back]


def measure_errors(table: pd.DataFrame) -> pd.DataFrame:
    """Origins by methods: the mean absolute error of the logarithm, of the months both above 0."""
    each = bands.measure_errors(table)
    return each["error"].abs().groupby([each["origin"], each["method"]]).mean().unstack("method")


def choose(errors: pd.DataFrame, usable: list[str]) -> str:
    """The method to use: see `roll`; empty if none is usable."""
    seasonal = "season" in usable and _is_better(errors, "season", "model", share=NOTICEABLY)
    usual = "season" if seasonal else "model"
    if TRENDS[usual] in usable and _is_better(errors, TRENDS[usual], usual, share=CLEARLY):
        usual = TRENDS[usual]
    others = [name for name in usable if name not in MODELS]
    tested = [name for name in others if name in errors]
    best = min(tested, key=lambda name: errors[name].mean(), default=next(iter(others), ""))
    if usual not in usable:
        return best
    clearly = best in tested and _is_better(errors, best, usual, share=CLEARLY)
    return best if clearly else usual


def _is_better(errors: pd.DataFrame, method: str, other: str, share: float) -> bool:
    """Whether a method was nearer to the truth on three dates, and in all, by this share."""
    if method not in errors or other not in errors:
        return False
    both = errors[[method, other]].dropna()
    wins = int((both[method] < both[other]).sum())
    return wins >= BETTER and both[method].mean() < share * both[other].mean()


def _forecast(
    lines: Frame,
    known: Known,
    calendar: Calendar,
    past: pd.DataFrame,
    *,
    as_of: Day,
    model: str,
    campaigns: Mapping[str, float] | None,
) -> Iterator[tuple[str, Method]]:
    """Each method that can be used, and what it expects of the months."""
    won = known.won
    for name in months_ahead.find_regular(lines, as_of=as_of):
        with suppress(DataError):
            rule = {"as_of": as_of, "method": name, "won": won.a_month}
            yield name, Method(months_ahead.expect_payments(lines, calendar, **rule))
    for name, method in SIMPLE.items():
        with suppress(DataError):
            yield name, Method(method(past, calendar))
    try:
        flat = _fit(known, _make_clock(known, None, as_of=as_of, campaigns=campaigns), model=model)
    except DataError:
        return
    yield from _expect(known, flat, calendar, name="model", season=None)
    season = seasons.learn(lines, flat, as_of=as_of)
    if season is not None:
        with suppress(DataError):
            clock = _make_clock(known, season, as_of=as_of, campaigns=campaigns)
            fitted = _fit(known, clock, model=model)
            yield from _expect(known, fitted, calendar, name="season", season=season)


def _expect(
    known: Known, fitted: Fitted, calendar: Calendar, *, name: str, season: Season | None
) -> Iterator[tuple[str, Method]]:
    """What a model expects: with as many new customers as lately, and with a trend of theirs."""
    months, won = len(calendar.index), known.won
    even = won.win(months)
    ahead = months_ahead.expect(known.triples, fitted, calendar, won=even, season=season)
    yield name, Method(ahead, season)
    trend = won.win(months, trend=True)
    new = months_ahead.expect_new(fitted, calendar, won=trend, season=season)
    yield TRENDS[name], Method(Ahead(ahead.existing, new, ahead.existing + new), season)


def _fit(known: Known, clock: Clock, *, model: str) -> Fitted:
    return estimation.fit_buying(
        known.triples, known.spent, model=model, clock=clock, known_days=known.won.known_days
    )


def _make_clock(known: Known, season: Season | None, **rule: Any) -> Clock:
    return seasons.make_clock(season, days_before=int(known.triples["T_days"].max()), **rule)


def _compare(
    methods: Mapping[str, Method],
    calendar: Calendar,
    history: pd.DataFrame,
    origin: pd.Timestamp,
) -> pd.DataFrame:
    """Forecasts beside what the months brought, of those that are over."""
    whole = history[~history["partial"]].set_index("period")["revenue"]
    actual = whole.reindex(calendar.names)
    totals = {name: method.ahead.total for name, method in methods.items()}
    lead = np.arange(1, len(actual) + 1)
    wide = pd.DataFrame(totals, index=actual.index).assign(origin=origin, lead=lead, actual=actual)
    over = wide.rename_axis("month").reset_index().dropna(subset="actual")
    keys = ["origin", "month", "lead", "actual"]
    return over.melt(keys, var_name="method", value_name="forecast")[COLUMNS]
