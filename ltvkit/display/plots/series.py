"""Over time: key figures by period, LTV by age, the second order by cohort."""

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from pandas import DataFrame, Series

from ltvkit.core.i18n import _
from ltvkit.display import formats
from ltvkit.display.plots import _style

UNTOLD = "#b9c2ca"  # of customers of whom nobody can tell whether they are new
FLOWS = ("revenue", "orders", "customers", "new_customers")  # amounts of a period: bars from zero
MOST_BARS, MOST_VALUES, MOST_NAMED = 60, 9, 8


@_style.styled
def kpi_series(
    series: DataFrame, *, measure: str = "revenue", currency: str = "", ax: Axes | None = None
) -> Axes:
    """Table of `kpis.series` -> its `measure` by period; one covered only in part is hollow.

    Revenue, orders and customers are bars; rates, averages and long series are lines, with a gap
    where there is no value. Raises `ColumnError` where the table lacks `measure`.
    """
    every = formats.grain(series["period"]) if "period" in series else "month"
    period, y = formats.label(every), formats.label(measure, currency)
    figures = {"period": period.lower(), "span": _style.span(series, "period")}
    ax = _style.axes(ax, "kpi_series", x=period, y=y, measure=y, **figures)
    _style.require(ax, series, measure, by="period")
    open_ = series.get("partial", Series(False, index=series.index)).to_numpy(dtype=bool)
    values = series[measure].to_numpy(dtype=float)
    bars = measure in FLOWS and len(series) <= MOST_BARS
    (_bars if bars else _line)(ax, values, open_)
    if bars and len(series) <= MOST_VALUES:
        ax.bar_label(ax.containers[0], [formats.value(v, measure) for v in values], padding=3)
    _style.numbers(ax.yaxis, measure)
    _style.names(ax, series["period"])
    if open_.any():
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)
    known = series.dropna(subset=[measure])
    whole = known[~open_[series.index.get_indexer(known.index)]]
    chart = "kpi_series" if len(whole) in (0, len(known)) else "kpi_series_part"
    known = whole if len(whole) else known
    facts = _style.extremes(known[measure], known["period"], measure, currency)
    _style.describe(ax, chart, **figures | facts)
    return ax


@_style.styled
def customer_kinds(series: DataFrame, *, ax: Axes | None = None) -> Axes:
    """Table of `kpis.series` -> customers by period, returning ones below and new ones above.

    Where it is not known who is new, all of them are one bar. A period covered only in part is
    hatched.
    """
    every = formats.grain(series["period"]) if "period" in series else "month"
    period = formats.label(every)
    figures = {"period": period.lower(), "span": _style.span(series, "period")}
    ax = _style.axes(ax, "customer_kinds", x=period, **figures)
    _style.require(ax, series, "customers", "new_customers", by="period")
    all_, new = series[["customers", "new_customers"]].to_numpy(dtype=float).T
    old = all_ - new
    untold = np.where(np.isnan(new), all_, np.nan)
    open_ = series.get("partial", Series(False, index=series.index)).to_numpy(dtype=bool)
    places, hatch = np.arange(len(series)), np.where(open_, "////", "")
    for values, below, colour, name in (
        (old, 0, _style.BLUE, _("returning")),
        (new, old, _style.AMBER, _("new")),
        (untold, 0, UNTOLD, _("not known who is new")),
    ):
        if not np.isnan(values).all():
            look = {"color": colour, "edgecolor": _style.PAPER, "hatch": hatch, "label": name}
            ax.bar(places, values, bottom=below, **look)
    ax.grid(False, axis="x")
    ax.margins(x=0.3 / len(series), y=0.1)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), reverse=True)
    _style.numbers(ax.yaxis, "customers")
    _style.names(ax, series["period"])
    whole = series[~open_] if (~open_).any() else series
    last = whole.iloc[-1]
    chart = "customer_kinds_untold" if np.isnan(last["new_customers"]) else "customer_kinds"
    facts = {
        n: formats.count(last[n]) for n in ("customers", "new_customers") if last[n] == last[n]
    }
    _style.describe(ax, chart, last=last["period"], **figures | facts)
    return ax


@_style.styled
def ltv_curves(
    wide: DataFrame, *, band: DataFrame | None = None, currency: str = "", ax: Axes | None = None
) -> Axes:
    """Table of `cohorts.ltv` -> LTV so far by age, a line per cohort, from light (old) to dark.

    `band` (age_months, ltv, low, high) is drawn bold over them: all cohorts, with its interval.
    Of more than eight cohorts, the legend names every n-th.
    """
    cells, grain = _style.ages(wide)
    ax = _style.axes(ax, "ltv_curves", x=grain, y=formats.label("ltv", currency))
    _style.require(ax, cells, *cells.columns)
    _lines(ax, cells.T)
    lines, names = ax.get_legend_handles_labels()
    step = -(-len(lines) // MOST_NAMED)
    lines, names = lines[::step], [_style.short(name, 28) for name in names[::step]]
    if band is not None:
        age, look = band["age_months"], {"color": _style.AMBER}
        ax.fill_between(age, band["low"], band["high"], alpha=0.25, linewidth=0, **look)
        lines += ax.plot(age, band["ltv"], linewidth=3.5, **look)
        names.append(_("all cohorts"))
    ax.legend(lines, names, loc="upper left", bbox_to_anchor=(1, 1))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    _style.numbers(ax.yaxis, "ltv")
    whole = cells.mean() if band is None else band.set_index("age_months")["ltv"]
    age, value = next(reversed(list(whole.dropna().items())))
    facts = {"cohorts": len(cells), "age": int(age), "value": formats.money(value, currency)}
    _style.describe(ax, "ltv_curves", **facts)
    return ax


@_style.styled
def second_order(table: DataFrame, *, ax: Axes | None = None) -> Axes:
    """Table of `cohorts.second_order` -> per cohort, the share who came back within n days."""
    ax = _style.axes(ax, "second_order")
    columns = [c for c in table.columns if str(c).startswith("within_")]
    _style.require(ax, table, *columns, by="cohort")
    _lines(ax, table[columns].rename(columns=formats.label).reset_index(drop=True))
    ax.set_ylim(bottom=0)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), reverse=True)
    _style.numbers(ax.yaxis, "share")
    _style.names(ax, table["cohort"])
    longest = [c for c in columns if table[c].notna().any()][-1]
    known = table.dropna(subset=[longest])
    facts = _style.extremes(known[longest], known["cohort"], longest)
    _style.describe(ax, "second_order", name=formats.label(longest), **facts)
    return ax


def _bars(ax: Axes, values: np.ndarray, open_: np.ndarray) -> None:
    places = np.arange(len(values))
    face, hatch = np.where(open_, _style.PAPER, _style.BLUE), np.where(open_, "////", "")
    hollow = np.where(open_, _("partial"), "_")  # what begins with "_" stays out of the legend
    ax.bar(places, values, color=face, edgecolor=_style.BLUE, hatch=hatch, label=hollow)
    ax.grid(False, axis="x")
    ax.margins(x=0.3 / len(values), y=0.1)


def _line(ax: Axes, values: np.ndarray, open_: np.ndarray) -> None:
    """A dotted line leads to what is partial; the solid one stops before it."""
    dot = "o" if len(values) <= MOST_BARS else ""
    if open_.any():
        last = np.where(open_, values, np.nan)
        ax.plot(values, color=_style.BLUE, linestyle=":")
        ax.plot(last, "o", color=_style.BLUE, mfc=_style.PAPER, label=_("partial"))
    ax.plot(np.where(open_, np.nan, values), color=_style.BLUE, marker=dot)


def _lines(ax: Axes, wide: DataFrame) -> None:
    """A line per column, from light to dark, ending where the next value is not known yet."""
    shades = list(_style.BLUES(np.linspace(0.4, 1.0, wide.shape[1])))
    look = {"markers": ["o"] * len(shades), "dashes": False, "errorbar": None}
    look |= {"linewidth": 1.8, "ms": 5} if len(shades) <= MOST_NAMED else {"linewidth": 1, "ms": 2}
    sns.lineplot(wide.rename(columns=str), ax=ax, palette=shades, markeredgewidth=0, **look)
