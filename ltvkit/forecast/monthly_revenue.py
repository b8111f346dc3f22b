"""The revenue of the shop in the coming months: from today's customers, and from new ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from ltvkit.display import formats, joining
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, TooLittleData, Undefined
from ltvkit.forecast import bands, estimation, months_ahead, uncertainty
from ltvkit.forecast.backtesting.rolling_origins import RollingOrigins
from ltvkit.forecast.bands import Band
from ltvkit.forecast.estimation import Fitted
from ltvkit.forecast.months_ahead import MODELS, SIMPLE, TRENDS, YEAR, Ahead, Calendar
from ltvkit.forecast.texts import fill
from ltvkit.periods import Day

FEW = 10  # customers a month, of which a tenth is shown
FARTHEST = 4  # times the forecast, that its range may reach; beyond, no amount is named
SAME = 0.005  # of the past, by which the coming months may differ and still be about as much
MANY_DATES, CLEARLY = 3, 0.05  # past totals missed by as much, and none to the other side
MOST = 0.85  # of past months, that a band must have held to be relied on


@dataclass(frozen=True)
class Revenue:
    """Revenue by month, past and coming.

    `table`: month, actual (NaN to come), existing_revenue (expected of today's customers),
    new_revenue (of customers still to be won), expected, low, high (the band of one month);
    `total`, `low`, `high`: of all coming months; `won`: customers assumed to be won a month (NaN:
    not known, or not needed), `times` as many as lately; `band`: how past months did; `method`: as
    in `RollingOrigins`; `growth`: of customers won within a year, as a logarithm (see
    `Acquisition`), which a method with a trend goes by.
    """

    table: pd.DataFrame
    total: float
    low: float
    high: float
    won: float
    times: float
    band: Band
    method: str
    growth: float = np.nan


def revenue(
    customers: Frame,
    fitted: Fitted | None,
    drawn: pd.DataFrame | None,
    *,
    past: RollingOrigins,
    history: pd.DataFrame,
    as_of: Day,
    months: int = 12,
    acquisition: float = 1.0,
    seed: int = 1,
) -> Revenue:
    """Customers, their model and its drawn parameters -> `Revenue` of the calendar months after
    the one that holds `as_of`.

    `past`: of `forecast.roll`, which says by which method; without a model, `fitted` and `drawn`
    are None. `history`: of `kpis.series` by month. `acquisition`: how many customers will be won a
    month, as a multiple of the mean of the last twelve (`past.won`; 0: none); other than 1, the
    model is used, or a method that tells new customers from today's. They buy when won, in the
    middle of the month, and then as the model says. The band covers uncertain parameters, chance,
    and how far past months were from their forecast (`forecast.bands`). Raises `ParamsError` for
    months below 1 or an acquisition below 0; `TooLittleData` where no method can be used, or the
    last 12 whole months brought no revenue.
    """
    if months < 1 or acquisition < 0:
        raise ParamsError(f"months={months}, acquisition={acquisition}: 1 and 0 at least.")
    _check_past(history)
    calendar = months_ahead.find_months(as_of, months)
    ahead: Ahead | None = past.ahead
    own, whole = np.zeros(months), 0.0
    method, won = past.method, past.won.a_month * acquisition if acquisition else 0.0
    if fitted and (acquisition != 1 or method in ("", *MODELS)):
        method = _choose_model(method, acquisition)
        triples = estimation.histories(customers)
        each = past.won.win(months, trend=method in TRENDS.values()) * acquisition
        each = each if acquisition else np.zeros(months + 1)
        won = float(each[1:].mean())
        modelled = months_ahead.expect(triples, fitted, calendar, won=each, season=past.season)
        own, whole = _measure_own(triples, fitted, drawn, calendar, modelled, seed=seed)
        ahead = modelled
    elif ahead is not None and acquisition != 1:
        ahead = ahead.win(acquisition)
    if ahead is None or not np.isfinite(ahead.total).all():
        undivided = past.ahead is not None and acquisition != 1
        missing = "unknown_new" if fitted else "not_told_apart" if undivided else "no_method"
        raise TooLittleData(fill(missing))
    if len(ahead.total) != months:
        raise ParamsError(f"months={months}: give the number of months that `roll` was asked for.")
    other = method in MODELS and fitted is not None and fitted.model != past.model
    tested = past.table[(past.table["method"] == method) & (not other)]
    band = bands.widen(tested, own)
    low, high = bands.widen_total(tested, whole, months=months)
    total = float(ahead.total.sum())
    if not total > 0:
        raise Undefined(fill("nothing_left"))
    if not high <= FARTHEST:
        raise Undefined(fill("too_unsure", factor=FARTHEST))
    if _has_empty_months(history):
        band = band._replace(low=np.zeros_like(band.low))
    table = _build(history, calendar, ahead, band)
    ends = (total, total * low, total * high)
    return Revenue(table, *ends, won, acquisition, band, method, past.won.growth)


def _choose_model(method: str, acquisition: float) -> str:
    """The method where a model is used: without its trend where `acquisition` says who is won."""
    if acquisition != 1:
        method = next((name for name, trend in TRENDS.items() if trend == method), method)
    return method if method in MODELS else MODELS[0]


def _has_empty_months(history: pd.DataFrame) -> bool:
    """Whether one of the last 12 whole months brought nothing: so may any month to come."""
    past = history[~history["partial"]].tail(YEAR)
    return bool((past["revenue"] <= 0).any())


def _check_past(history: pd.DataFrame) -> None:
    """Models count what a customer brought as zero at least, so they would expect revenue of a shop
    that gives back more than it takes."""
    past = history[~history["partial"]].tail(YEAR)
    if len(past) and not past["revenue"].sum() > 0:
        name = "all_sent_back" if past["orders"].any() else "nothing_sold"
        raise Undefined(fill(name, span=fill("months", n=len(past))))


def _build(history: pd.DataFrame, calendar: Calendar, ahead: Ahead, band: Band) -> pd.DataFrame:
    past = history.loc[~history["partial"], ["period", "revenue"]]
    coming = pd.DataFrame(
        {
            "month": calendar.names,
            "existing_revenue": ahead.existing,
            "new_revenue": ahead.new,
            "expected": ahead.total,
            "low": ahead.total * band.low,
            "high": ahead.total * band.high,
        }
    )
    past = past.set_axis(["month", "actual"], axis=1)
    return pd.concat([past, coming], ignore_index=True)


def _measure_own(
    triples: pd.DataFrame,
    fitted: Fitted,
    drawn: pd.DataFrame | None,
    calendar: Calendar,
    ahead: Ahead,
    *,
    seed: int,
) -> tuple[np.ndarray, float]:
    """Standard deviations by chance and by the model's parameters, as shares of the expected
    revenue: by month, and of all months."""
    rng = np.random.default_rng(seed)
    days, total = calendar.days, np.maximum(ahead.total, 1e-9)
    chance = uncertainty.simulate_deviations(triples, fitted, days, rng=rng)[:, 1:]
    chance *= np.sqrt(total / np.maximum(ahead.existing, 1e-9)) / total
    factor = np.ones((2, len(total)))
    if drawn is not None:
        factor = uncertainty.parameter_factors(triples, fitted, days[1:], drawn, rng=rng)
    own = np.sqrt(chance.var(axis=0, ddof=1) + factor.var(axis=0, ddof=1))
    share = total / total.sum()
    return own, float(np.sqrt((chance @ share).var(ddof=1) + (factor @ share).var(ddof=1)))


def finding(ahead: Revenue, *, currency: str) -> str:
    """What the coming months bring, next to as many of the past; what that assumes; and how past
    forecasts did."""
    table = ahead.table
    coming, before = table[table["expected"].notna()], table[table["actual"].notna()]
    span = fill("months", n=len(coming))
    spread = _find_spread(ahead)
    show = partial(formats.rough_money, currency=currency, spread=spread)
    first, last = (formats.month(coming["month"].iloc[i]) for i in (0, -1))
    amounts = {"total": show(ahead.total), "range": show(ahead.low, ahead.high)}
    lines = [fill("ahead", span=span, first=first, last=last, **amounts)]
    actual = before["actual"].tail(len(coming)).sum() if len(before) >= len(coming) else 0.0
    if actual > 0:
        change = formats.round_to(ahead.total, spread=spread) / actual - 1  # as it is told
        name = "same" if abs(change) < SAME else "more" if change > 0 else "less"
        name = "many_times" if change >= formats.MANY else name
        moved = {"share": formats.share(abs(change), decimals=0), "n": round(1 + change)}
        known = formats.rough_money(actual, spread=actual / 10, currency=currency)
        lines.append(fill(f"past_{name}", **moved, span=span, actual=known))
    lines.append(_describe_assumption(ahead, coming, show))
    band = ahead.band
    if band.tested:
        held = band.held >= MOST * band.tested
        counts = {"n": band.dates, "held": band.held, "months": band.tested}
        lines.append(fill("held" if held else "not_held", **counts))
        lines += [] if held else [fill("widened")]
        is_open = not held and ahead.low <= actual <= ahead.high
        lines += [fill("direction_open")] if is_open else []
        lines += [_describe_side(band)]
        lines += [fill("tried_as_lately")] if ahead.times != 1 else []
    else:
        lines.append(fill("not_tested"))
    return joining.sentences(lines)


def _find_spread(ahead: Revenue) -> float:
    """How far off the total may be; less where else it would be told by one digit alone."""
    most = 9.99 * 10.0 ** np.floor(np.log10(ahead.total))
    return float(min(ahead.high - ahead.low, most))


def _describe_side(band: Band) -> str:
    """That all past dates missed to the same side, where several did so clearly."""
    misses = sorted(map(abs, band.missed))
    sides = {miss > 0 for miss in band.missed}
    clear = sum(miss >= CLEARLY for miss in misses)
    if clear < MANY_DATES or len(sides) > 1 or not round(misses[0], 2):  # one was hit
        return ""
    if misses[-1] >= formats.MANY:
        return fill("all_far_too_high", n=round(1 + misses[-1]))
    least, most = (formats.share(miss, decimals=0) for miss in (misses[0], misses[-1]))
    return fill("all_too_high" if sides == {True} else "all_too_low", least=least, most=most)


def _describe_assumption(ahead: Revenue, coming: pd.DataFrame, show: Callable[..., str]) -> str:
    if ahead.method in SIMPLE:
        known = ahead.table["actual"].notna().sum()
        text = fill(f"as_{ahead.method}", n=min(int(known), YEAR))
        why = fill("not_better" if ahead.won >= 0 else "not_known_who_is_new")
        return joining.sentences([text, why])
    if ahead.won == 0:
        return fill("existing_alone")
    spread = _find_spread(ahead)
    existing = formats.round_to(coming["existing_revenue"].sum(), spread=spread)
    new = formats.round_to(ahead.total, spread=spread) - existing  # so that both add up
    won = formats.number(ahead.won, decimals=0 if ahead.won >= FEW else 1)
    amounts = {"existing": show(existing), "new": show(new), "won": won}
    if ahead.times != 1:
        return fill("assumed_otherwise", times=formats.number(ahead.times), **amounts)
    if ahead.method in TRENDS.values():
        name = "assumed_rising" if ahead.growth > 0 else "assumed_falling"
        amounts["share"] = formats.share(abs(np.expm1(ahead.growth)), decimals=0)
    else:
        name = "assumed"
    seasonal = ahead.method in ("season", TRENDS["season"])
    return joining.sentences([fill(name, **amounts), fill("with_season") if seasonal else ""])
