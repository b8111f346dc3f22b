"""Unusual gaps between order days and sudden changes, compared with the shop's own history.

Both functions take `days`: one row per calendar day (a DatetimeIndex), with `orders` and `revenue`,
zero on a day without orders.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

WINDOW = 56  # days on each side that a silent run is compared with: eight of each weekday
LEAST = 14  # days on a side, else it tells nothing
NO_ORDER = 0.5  # orders that a month or week without any counts as, as zero has no logarithm
PRIOR = (0.5, 0.1)  # silent days, and others, of each weekday before any is counted
FEW = 4  # of a weekday; fewer say nothing of how orders spread on it
FALSE_ALARM = 0.01  # chance that a shop of this length shows such a run without a cause

# Per kind of period: how many before it are its usual level, how far back the same season is, how
# many of the latest are looked at, how many times the usual deviation, and what factor at least.
GRAINS = {
    "month": (6, 12, 1, 5.0, 1.5),
    "week": (8, 52, 4, 6.0, 2.0),
    "day": (8, 52, 1, 7.0, 3.0),  # of the same weekday, so that a step is a week
}
HISTORY = 6  # earlier deviations, to know what is usual


def find_gaps(days: pd.DataFrame, *, ends: bool = False) -> pd.DataFrame:
    """Days -> start, end, days, chance: unusual runs of days without orders.

    A day's chance of silence is that of its weekday in the eight weeks before, or after, the run,
    whichever is larger: by the share of silent ones, which is itself uncertain (see `PRIOR`), or,
    where there is none, the chance of zero of a count with that mean and dispersion. The two days
    that bound the run do not count, as they always have orders. `chance` is that of the run, times
    the number of days on which it could begin: of a run at the end there is one only. A run at the
    end counts only with `ends` (the data are known to cover it); a run in the first two weeks does
    not count.
    """
    counts, weekday = days["orders"].to_numpy(float), days.index.day_of_week.to_numpy()
    found = []
    for start, end in _find_runs(counts == 0):
        if start < LEAST or (end == len(counts) and not ends):
            continue
        before, after = start - 1, end + 1
        sides = [slice(max(0, before - WINDOW), before), slice(after, after + WINDOW)]
        sides = sides[:1] if len(counts) - end < LEAST else sides
        run = weekday[start:end]
        chance = max(_chance(run, counts[side], weekday[side]) for side in sides)
        chance *= 1 if end == len(counts) else len(counts)
        found.append((days.index[start], days.index[end - 1], end - start, chance))
    table = pd.DataFrame(found, columns=["start", "end", "days", "chance"])
    return table[table["chance"] < FALSE_ALARM].reset_index(drop=True)


def find_sudden_changes(days: pd.DataFrame) -> pd.DataFrame | None:
    """Days -> period, measure, factor: the latest months, weeks and days unlike those before.

    Measures are orders and revenue per order. A period is compared on a log scale with the median
    of those before it and, where the year before is known, with the same season then; the smaller
    deviation counts. It is sudden if it is many times the median of earlier deviations. Months
    and weeks that `days` hold in part are left out; one without orders counts as one of half an
    order, its factor is 0, and it is no level for later ones. None: too short to tell.
    """
    found, compared = [], False
    for every, (level, season, latest, times, least) in GRAINS.items():
        for names, values in _split_periods(days, every):
            for measure, x in values.items():
                # A single silent day is for `find_gaps`.
                none = np.isnan(x) & (measure == "orders") & (every != "day")
                judged = np.where(none, np.log(NO_ORDER), x)
                off = _measure_deviations(judged, x, level=level, season=season)
                usual = np.abs(off[:-latest][np.isfinite(off[:-latest])])
                if len(usual) < HISTORY:
                    continue
                compared = True
                limit = max(times * 1.4826 * np.median(usual), np.log(least))
                bad = np.flatnonzero(np.abs(off[-latest:]) > limit) + len(off) - latest
                factors = np.where(none, 0.0, np.exp(off))
                found += [(names[n], measure, float(factors[n])) for n in bad]
    return pd.DataFrame(found, columns=["period", "measure", "factor"]) if compared else None


def _find_runs(silent: np.ndarray) -> np.ndarray:
    """Start and end (exclusive) of each run of true."""
    return np.flatnonzero(np.diff(np.concatenate([[0], silent.astype(int), [0]]))).reshape(-1, 2)


def _chance(run: np.ndarray, counts: np.ndarray, weekday: np.ndarray) -> float:
    """The chance that all days of `run` (weekdays) are silent, by the counts of a side."""
    known = np.bincount(weekday, minlength=7)
    silent = np.bincount(weekday, weights=counts == 0, minlength=7)
    mean = np.bincount(weekday, weights=counts, minlength=7) / np.maximum(known, 1)
    free = len(counts) - np.count_nonzero(known)
    each = mean[weekday]
    squares = (counts - each)[each > 0] ** 2 / each[each > 0]
    spread = max(1 + 1e-9, squares.sum() / free if free > 0 else np.inf)
    with np.errstate(invalid="ignore"):
        zero = spread ** (-mean / (spread - 1)) if np.isfinite(spread) else np.ones(7)
    weeks = np.arange(len(run)) // 7  # each silent day of a weekday makes the next one likelier
    rate = (silent[run] + PRIOR[0] + weeks) / (known[run] + sum(PRIOR) + weeks)
    rate = np.where((silent[run] > 0) | (known[run] < FEW), rate, zero[run])
    return float(np.prod(rate))


def _split_periods(
    days: pd.DataFrame, every: str
) -> Iterator[tuple[list[str], dict[str, np.ndarray]]]:
    """Names and log values of whole periods; of days, one series per weekday, the last week's."""
    if every == "day":
        for n in range(1, min(7, len(days)) + 1):
            same = days.iloc[len(days) - n :: -7].iloc[::-1]
            yield [f"{day:%Y-%m-%d}" for day in same.index], _take_logs(same)
        return
    if days.empty:
        return
    spans = days.index.to_period({"month": "M", "week": "W-SUN"}[every])
    whole = days[
        (spans.start_time >= days.index[0]) & (spans.end_time.normalize() <= days.index[-1])
    ]
    sums = whole.groupby(whole.index.to_period(spans.freq)).sum()
    names = [f"{p:%Y-%m}" if every == "month" else f"{p.start_time:%G-W%V}" for p in sums.index]
    yield names, _take_logs(sums)


def _take_logs(sums: pd.DataFrame) -> dict[str, np.ndarray]:
    orders, revenue = sums["orders"].to_numpy(float), sums["revenue"].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where((orders > 0) & (revenue > 0), np.log(revenue / orders), np.nan)
        return {"orders": np.where(orders > 0, np.log(orders), np.nan), "revenue_per_order": value}


def _measure_deviations(x: np.ndarray, usual: np.ndarray, *, level: int, season: int) -> np.ndarray:
    """How far each value is from the level of `usual`, or from its season, whichever is nearer."""
    off = x - _rolling_median(usual, level)
    yearly = x - pd.Series(x).shift(season).to_numpy()
    seasonal = yearly - _rolling_median(yearly, level)
    return np.where(np.abs(seasonal) < np.abs(off), seasonal, off)


def _rolling_median(x: np.ndarray, level: int) -> np.ndarray:
    """The median of the `level` values before each; NaN where fewer than half of them are known."""
    return pd.Series(x).shift().rolling(level, min_periods=level // 2).median().to_numpy()
