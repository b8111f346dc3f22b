"""Tables as colours: the R x F grid, how customers moved, and the triangles of cohorts."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.patches import Rectangle

from ltvkit.core.i18n import _
from ltvkit.display import formats, joining, wrapping
from ltvkit.display.plots import _style
from ltvkit.errors import one_of

MOST_PRINTED = 120  # characters in a row of a triangle


@_style.styled
def rfm_grid(grid: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Table of `rfm.grid` (R scores in rows, F scores in columns) -> customers in each cell."""
    counts = _style.keyed(grid, "r_score")
    best = max(counts.columns, default=5)
    ax = _style.axes(ax, "rfm_grid", best=best)
    _style.add_customers(ax, counts.stack().to_frame("customers"))
    filled = counts.where(counts > 0)
    _style.require(ax, filled, *filled.columns)
    _heat(ax, filled, filled.map(formats.count), norm=PowerNorm(0.5, vmin=0))
    (r, f), most = filled.stack().idxmax(), int(filled.max(axis=None))
    top = int(counts[best].get(best, 0))
    _style.describe(ax, "rfm_grid", r=int(r), f=int(f), most=most, top=top)
    return ax


@_style.styled
def migration(matrix: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Table of `rfm.migrate` (before in rows, after in columns) -> how many moved where.

    The number is a count of customers, the colour its share of the row; nobody is a blank cell.
    Outlined: customers who stayed where they were.
    """
    counts = _style.keyed(matrix, "before")
    height = 1.6 + 0.32 * max(len(counts), 3)
    ax = _style.axes(ax, "migration", height=height)
    _style.add_customers(ax, counts.stack().to_frame("customers"))
    filled = counts.where(counts > 0)
    _style.require(ax, filled, *filled.columns)
    named = filled.rename(index=lambda name: formats.label(name)[:24])
    named = named.rename(
        columns=lambda name: "\n".join(wrapping.wrap(formats.label(name)[:24], 11))
    )
    shares = named.div(named.sum(axis=1), axis=0)
    _heat(ax, shares, named.map(formats.count), norm=PowerNorm(0.7, vmin=0))
    ax.tick_params(axis="x", labelsize=8)
    same = counts.index.to_numpy()[:, None] == counts.columns.to_numpy()
    for row, column in np.argwhere(same & (counts > 0)):
        ax.add_patch(Rectangle((column, row), 1, 1, fill=False, edgecolor=_style.AMBER))
    moved = filled.mask(same).stack().dropna()
    if moved.empty:
        _style.describe(ax, "migration_none")
        return ax
    a, b = map(formats.label, moved.idxmax())
    facts = {"moved": int(moved.sum()), "most": int(moved.max())}
    _style.describe(ax, "migration", a=a, b=b, **facts)
    return ax


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
    one_of("kind", kind, ("share", "money"))
    cells, grain = _style.ages(wide)
    height = float(np.clip(1.5 + 0.24 * len(cells), 2.4, 7.5))
    y = _("Cohort (customers)") if "customers" in wide else ""
    ax = _style.axes(ax, f"triangle_{kind}", x=grain, y=y, height=height)
    _style.title(ax, (title and _(title)) or ax.get_title(loc="left"))
    _style.require(ax, cells, *cells.columns)
    say = formats.share if kind == "share" else formats.money
    places = 0 if cells.shape[1] > 12 or cells.abs().max(axis=None) >= 100 else 1
    words = cells.map(lambda x: say(x, decimals=places))
    longest = words.map(len).max(axis=None) + 1
    fits = longest * cells.shape[1] <= MOST_PRINTED and len(cells) <= 26
    later = cells.iloc[:, 1:].stack() if kind == "share" else pd.Series(dtype=float)
    limits = {"vmin": 0, "vmax": later.max()} if len(later) else {}
    look = {"annot_kws": {"size": min(9, 800 / longest / cells.shape[1])}, "cbar": not fits}
    look["cbar_kws"] = {"label": formats.label("ltv", currency) if kind == "money" else ""}
    look["cmap"] = _style.BLUES.with_extremes(over=_style.LINE)
    cells.index = [_style.short(c, 28) for c in cells.index]
    if "customers" in wide:
        sizes = wide["customers"].map(formats.count)
        cells.index = [
            joining.aside(formats.tick(str(c)), str(n))
            for c, n in zip(cells.index, sizes, strict=True)
        ]
    _heat(ax, cells, words if fits else None, **look, **limits)
    if not fits:
        _style.numbers(ax.collections[0].colorbar.ax.yaxis, "ltv" if kind == "money" else "share")
    if partial is not None:
        _hatch(ax, cells, _style.keyed(partial, "cohort"))
    _describe_triangle(ax, _style.ages(wide)[0], kind, currency)
    return ax


def _describe_triangle(ax: Axes, cells: pd.DataFrame, kind: str, currency: str) -> None:
    """The range of the cohorts at the first age after the one at which all ordered."""
    later = [age for age in cells.columns[1:] if cells[age].notna().any()]
    age = later[0] if later else cells.columns[0]
    column = "share" if kind == "share" else "ltv"
    known = cells[age].dropna()
    facts = _style.extremes(known, known.index, column, currency)
    _style.describe(ax, f"triangle_{kind}", cohorts=len(cells), age=int(age), **facts)


def _hatch(ax: Axes, cells: pd.DataFrame, partial: pd.DataFrame) -> None:
    """Hatch what is not over yet, and say so below."""
    marks = partial.rename(columns=str).reindex(columns=map(str, cells.columns), fill_value=False)
    places = np.argwhere(marks.to_numpy(dtype=bool) & cells.notna().to_numpy())
    look = {"fill": False, "hatch": "///", "edgecolor": _style.PAPER, "linewidth": 0, "alpha": 0.55}
    for row, column in places:
        ax.add_patch(Rectangle((column, row), 1, 1, **look))
    if len(places):
        ax.set_xlabel(f"{ax.get_xlabel()}; " + _("hatched: period not over yet"))


def _heat(ax: Axes, values: pd.DataFrame, words: pd.DataFrame | None, **options: Any) -> None:
    """Cells coloured by `values` (NaN: left blank), with `words` in them; the best row on top."""
    look = {"annot": words, "fmt": "", "linewidths": 1, "linecolor": _style.PAPER}
    look |= {"cmap": _style.BLUES, "mask": values.isna(), "cbar": False}
    _style.heat(ax, values, **(look | options))
