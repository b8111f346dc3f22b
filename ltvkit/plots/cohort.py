"""Customers who began together: retention and LTV triangles, LTV curves, the second order."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from pandas.api.types import is_integer

from ltvkit import tables
from ltvkit.errors import one_of
from ltvkit.i18n import _
from ltvkit.plots import _heat, _style

N_ = str  # marks a word for the catalogue; it is looked up when it is shown
TITLES = {
    "share": N_("Customers who ordered again, by cohort and age"),
    "money": N_("LTV per customer so far, by cohort and age"),
}
MOST_NAMED = 8


@_style.styled
def triangle(
    wide: pd.DataFrame,
    *,
    kind: str = "share",
    currency: str = "",
    title: str = "",
    partial: pd.DataFrame | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Table of `cohorts.retention` (share) or `cohorts.ltv` (money) -> a heatmap by age.

    Blank cells are not observable yet. Of shares, the first column (all customers ordered) is
    left out of the colours. Values are printed where they fit; else a colour bar explains them.
    Cells that are True in `partial` (`cohorts.partial`) are hatched: their period is not over.
    """
    one_of("kind", kind, TITLES)
    cells = _cells(wide)
    ax = _style.axes(
        ax,
        title=title or _(TITLES[kind]),
        x=_age(wide),
        y=_("Cohort (customers)") if "customers" in wide else _("Cohort"),
        height=float(np.clip(1.5 + 0.24 * len(cells), 2.4, 7.5)),
    )
    if _style.nothing(ax, cells, *cells.columns):
        return ax
    beginning = cells.columns[:1] if kind == "share" and len(cells.columns) > 1 else []
    named = {"rows": _names(wide), "columns": list(map(str, cells.columns))}
    norm = _heat.scale(cells.drop(columns=beginning), base=0.0 if kind == "share" else None)
    mesh = _heat.heat(ax, cells, _words(cells, kind), norm=norm, **named)
    if not ax.texts:
        say = tables.number if kind == "money" else functools.partial(tables.share, decimals=0)
        _heat.colour_bar(mesh, say, title=tables.label("ltv", currency) if kind == "money" else "")
    if partial is not None:
        _hatch(ax, cells, _style.keyed(partial, "cohort"))
    return ax


@_style.styled
def ltv_curves(
    wide: pd.DataFrame,
    *,
    band: pd.DataFrame | None = None,
    currency: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Table of `cohorts.ltv` -> LTV so far by age, a line per cohort, from light (old) to dark.

    `band` (age_months, ltv, low, high) is drawn bold over them: all cohorts, with its interval.
    More than eight cohorts are thin lines, of which the first and the last are named.
    """
    cells = _cells(wide)
    title, y = _("LTV per customer so far"), tables.label("ltv", currency)
    ax = _style.axes(ax, title=title, x=_age(wide), y=y)
    if _style.nothing(ax, cells, *cells.columns):
        return ax
    many = len(cells) > MOST_NAMED
    shades = _style.BLUES(np.linspace(0.45, 1.0, max(len(cells), 2)))
    ends = []
    for place, (cohort, line) in enumerate(cells.iterrows()):
        known, named = line.dropna(), not many or place in (0, len(cells) - 1)
        look = {"color": shades[place], "linewidth": 1.0 if many else 1.8, "markersize": 4}
        words = _style.shorten(str(cohort), 28)
        ax.plot(line.index, line, marker="o", markevery=[len(known) - 1], label=words, **look)
        if len(known) and named:
            ends.append((known.index[-1], known.iloc[-1], words, shades[place]))
    if band is not None:
        ends += _band(ax, band)
    _style.numbers(ax.yaxis, "ltv")
    ax.xaxis.get_major_locator().set_params(integer=True)
    if many:
        _style.name_ends(ax, ends)
    else:
        ax.legend(loc="best")  # so few lines cross each other's ends
    return ax


@_style.styled
def second_order(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Table of `cohorts.second_order` -> per cohort, the share who came back within n days."""
    title = _("Customers who order a second time, by days since the first")
    ax = _style.axes(ax, title=title, x=_("Cohort"), y=_("Share of new customers"))
    columns = [c for c in table.columns if str(c).startswith("within_")]
    if _style.nothing(ax, table, *columns, by="cohort"):
        return ax
    places = np.arange(len(table))
    shades = _style.BLUES(np.linspace(0.4, 1.0, len(columns)))
    ends = []
    for column, shade in zip(columns, shades, strict=True):
        values = table[column].to_numpy(dtype=float)
        ax.plot(places, values, color=shade, marker="o", markersize=4)
        if len(known := np.flatnonzero(~np.isnan(values))):
            ends.append((known[-1], values[known[-1]], tables.label(column), shade))
    _style.numbers(ax.yaxis, "share")
    cohorts = table["cohort"].astype(str)
    _style.names(ax.xaxis, cohorts, at=places)
    ax.set_ylim(bottom=0)
    ax.margins(y=0.1)
    _style.name_ends(ax, ends)
    return ax


def _cells(wide: pd.DataFrame) -> pd.DataFrame:
    """The columns of ages alone, a row per cohort."""
    keyed = _style.keyed(wide, "cohort")
    return keyed[[c for c in keyed.columns if is_integer(c)]].astype(float)


def _names(wide: pd.DataFrame) -> list[str]:
    """The cohorts, each with how many customers it began with where the table says so."""
    keyed = _style.keyed(wide, "cohort")
    names = [_style.shorten(str(cohort), 24) for cohort in keyed.index]
    if "customers" not in keyed:
        return names
    sizes = map(tables.count, keyed["customers"])
    return [f"{name} ({size})" for name, size in zip(names, sizes, strict=True)]


def _age(wide: pd.DataFrame) -> str:
    return tables.label(f"age_{tables.grain(_style.keyed(wide, 'cohort').index)}s")


def _words(cells: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Cells as short text: whole percent where there are many, money with few decimals."""
    places = 0 if cells.shape[1] > 12 else 1
    if kind == "money":
        places = 0 if cells.abs().max(axis=None) >= 100 else 1
    say = tables.share if kind == "share" else tables.money
    return cells.map(lambda x: "" if np.isnan(x) else say(x, decimals=places))


def _hatch(ax: Axes, cells: pd.DataFrame, partial: pd.DataFrame) -> None:
    """Hatch what is not over yet, and say so in the corner that a triangle leaves free."""
    marks = partial.rename(columns=str).reindex(columns=map(str, cells.columns), fill_value=False)
    places = np.argwhere(marks.to_numpy(dtype=bool) & cells.notna().to_numpy())
    look = {"fill": False, "hatch": "///", "edgecolor": _style.PAPER, "linewidth": 0, "alpha": 0.55}
    for row, column in places:
        ax.add_patch(Rectangle((column, row), 1, 1, **look))
    if len(places):
        at = {"transform": ax.transAxes, "ha": "right", "va": "bottom", "color": _style.MUTED}
        ax.text(0.99, 0.02, _("hatched: period not over yet"), **at)


def _band(ax: Axes, band: pd.DataFrame) -> list[tuple[float, float, str, str]]:
    """The curve of all cohorts, bold over its interval; gives its end to be named."""
    known, words = band.dropna(subset=["ltv"]), _("all cohorts")
    ax.fill_between(
        band["age_months"], band["low"], band["high"], color=_style.AMBER, alpha=0.25, linewidth=0
    )
    ax.plot(band["age_months"], band["ltv"], color=_style.AMBER, linewidth=3, label=words)
    return [(*known[["age_months", "ltv"]].iloc[-1], words, _style.AMBER)] if len(known) else []
