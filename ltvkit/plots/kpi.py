"""Key figures over time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ltvkit import tables
from ltvkit.i18n import _
from ltvkit.plots import _style

N_ = str  # marks a word for the catalogue; it is looked up when it is shown
FLOWS = ("revenue", "orders", "customers", "new_customers")  # amounts of a period: bars from zero
MOST_BARS = 60
WORDS = {
    "year": (N_("Year"), N_("{measure} by year")),
    "quarter": (N_("Quarter"), N_("{measure} by quarter")),
    "month": (N_("Month"), N_("{measure} by month")),
    "week": (N_("Week"), N_("{measure} by week")),
    "day": (N_("Day"), N_("{measure} by day")),
}


@_style.styled
def kpi_series(
    series: pd.DataFrame, *, measure: str = "revenue", currency: str = "", ax: Axes | None = None
) -> Axes:
    """Table of `kpis.series` -> its `measure` by period; one covered only in part is hollow.

    Revenue, orders and customers are bars; rates, averages and long series are lines, with a gap
    where there is no value. Raises `ColumnError` where the table lacks `measure`.
    """
    every = tables.grain(series["period"]) if "period" in series else "month"
    period, title = map(_, WORDS[every])
    title = title.format(measure=tables.label(measure))
    ax = _style.axes(ax, title=title, x=period, y=tables.label(measure, currency))
    if _style.nothing(ax, series, measure, by="period"):
        return ax
    open_ = series.get("partial", pd.Series(False, index=series.index)).to_numpy(dtype=bool)
    values = series[measure].to_numpy(dtype=float)
    bars = measure in FLOWS and len(series) <= MOST_BARS
    (_bars if bars else _line)(ax, values, open_)
    _style.numbers(ax.yaxis, measure)
    _name_values(ax, [tables.value(v, measure) for v in values], values, open_, bars=bars)
    most = int(_style.room(ax, "x") / (_style.span(str(series["period"].iloc[0]), 9) + 8))
    named = series["period"].astype(str).reset_index(drop=True)[_ticks(series, every, most)]
    _style.names(ax.xaxis, named, at=named.index)
    return ax


def _bars(ax: Axes, values: np.ndarray, open_: np.ndarray) -> None:
    places = np.arange(len(values))
    _style.bars(ax, places[~open_], values[~open_], of=len(values))
    hollow = {"color": _style.PAPER, "edgecolor": _style.BLUE, "hatch": "////"}
    if open_.any():
        _style.bars(ax, places[open_], values[open_], of=len(values), **hollow)
    ax.margins(y=0.14)


def _line(ax: Axes, values: np.ndarray, open_: np.ndarray) -> None:
    """A dotted line leads to what is partial; the solid one stops before it."""
    places = np.arange(len(values))
    few = len(values) <= MOST_BARS
    dot = {"marker": "o", "markersize": 5} if few else {"linewidth": 1.2}
    if open_.any():
        ax.plot(places, values, color=_style.BLUE, linestyle=":", linewidth=1.2)
        ax.plot(places[open_], values[open_], "o", color=_style.BLUE, mfc=_style.PAPER, ms=7)
    ax.plot(places, np.where(open_, np.nan, values), color=_style.BLUE, **dot)
    ax.margins(x=0.03, y=0.16)


def _name_values(
    ax: Axes, words: list[str], values: np.ndarray, open_: np.ndarray, *, bars: bool
) -> None:
    """Print the values where all of them fit side by side, and say which are partial."""
    fits = bool(max(map(_span, words)) < _style.room(ax, "x") / max(len(words), 5))
    beside = pd.Series(values)
    beside = pd.concat([beside.shift(1), beside.shift(-1)], axis=1).mean(axis=1)
    low = values < 0 if bars else values < beside.to_numpy()  # a valley has room below only
    for place in np.flatnonzero(~np.isnan(values) & (fits | open_)):
        text = "\n".join([words[place]] * fits + [_("partial")] * bool(open_[place]))
        _style.note(ax, text, (place, values[place]), below=bool(low[place]))


def _span(text: str) -> float:
    return _style.span(text, 8.5) + 6


def _ticks(series: pd.DataFrame, every: str, most: int) -> np.ndarray:
    """Which periods to name: the finest calendar step that leaves at most `most` names."""
    n = np.arange(len(series))
    strides = {"week": (1, 2, 4, 13, 26, 52), "quarter": (1, 4)}.get(every, (1,))
    steps = [n % stride == 0 for stride in strides]
    if every in ("day", "month"):
        start = pd.DatetimeIndex(series["start"])
        first, month = start.day == 1, start.month
        steps += [start.day_of_week == 0] * (every == "day")
        steps += [first, first & (month % 3 == 1), first & (month % 6 == 1), first & (month == 1)]
    fitting = [step for step in steps if 2 <= step.sum() <= most]
    return fitting[0] if fitting else n % max(1, -(-len(n) // max(1, most))) == 0
