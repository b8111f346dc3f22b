"""Who the customers are: RFM segments, the R x F grid, and how customers moved."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from ltvkit import tables
from ltvkit.i18n import _
from ltvkit.plots import _heat, _style

SHARES = {"customers_share": _style.AMBER, "revenue_share": _style.BLUE}


@_style.styled
def segments(summary: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Table of `rfm.summarize` -> each segment's share of customers against its share of revenue.

    The segments are ordered by revenue, the largest on top.
    """
    title = _("Segments: share of customers and of revenue")
    height = max(2.6, 1.5 + 0.32 * len(summary))
    ax = _style.axes(ax, title=title, x=_("Share of the total"), height=height)
    if _style.nothing(ax, summary, *SHARES, by="segment"):
        return ax
    table = summary.sort_values("revenue_share", kind="stable", na_position="first")
    places = np.arange(len(table))
    ends = table[list(SHARES)]
    ax.hlines(places, ends.min(axis=1), ends.max(axis=1), color=_style.LINE, linewidth=5, zorder=1)
    for column, colour in SHARES.items():
        ax.scatter(table[column], places, s=60, color=colour, label=tables.label(column), zorder=2)
    _name_ends(ax, ends)
    names = [_style.shorten(tables.label(name), 28) for name in table["segment"]]
    _style.names(ax.yaxis, names, at=places)
    _style.numbers(ax.xaxis, "share")
    ax.margins(x=0.12)
    ax.set_ylim(-0.6, len(table) - 0.4)
    _style.legend_above(ax)
    return ax


@_style.styled
def rfm_grid(grid: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Table of `rfm.grid` (R scores in rows, F scores in columns) -> customers in each cell."""
    counts = _style.keyed(grid, "r_score")
    best = max(counts.columns, default=5)
    ax = _style.axes(
        ax,
        title=_("Customers by recency and frequency score"),
        x=_("Frequency score ({best} = most orders)").format(best=best),
        y=_("Recency score ({best} = most recent)").format(best=best),
    )
    if _style.nothing(ax, counts, *counts.columns):
        return ax
    words = counts.map(lambda n: tables.count(n) if n else "")
    scores = {"rows": list(map(str, counts.index)), "columns": list(map(str, counts.columns))}
    norm = _heat.scale(counts, gamma=0.5)
    _heat.heat(ax, counts.where(counts > 0), words, norm=norm, **scores)
    return ax


@_style.styled
def migration(matrix: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Table of `rfm.migrate` (before in rows, after in columns) -> how many moved where.

    The number is a count of customers, the colour its share of the row; nobody is a blank cell.
    Outlined: customers who stayed where they were.
    """
    counts = _style.keyed(matrix, "before")
    height = 1.6 + 0.32 * max(len(counts), 3)
    title = _("Customers by segment, before and after")
    ax = _style.axes(ax, title=title, x=_("Segment after"), y=_("Segment before"), height=height)
    if _style.nothing(ax, counts, *counts.columns):
        return ax
    words = counts.map(lambda n: tables.count(n) if n else "")
    shares = counts.div(counts.sum(axis=1), axis=0).where(counts > 0)
    rows = [_style.shorten(tables.label(name), 24) for name in counts.index]
    columns = [_style.wrap(tables.label(name), 11) for name in counts.columns]
    norm = _heat.scale(shares, gamma=0.7)
    _heat.heat(ax, shares, words, norm=norm, rows=rows, columns=columns, all_of=True)
    for row, name in enumerate(counts.index):
        for column in np.flatnonzero((counts.columns == name) & (counts.iloc[row] > 0)):
            box = Rectangle((column, row), 1, 1, fill=False, edgecolor=_style.AMBER, linewidth=1.5)
            ax.add_patch(box)
    return ax


def _name_ends(ax: Axes, ends: pd.DataFrame) -> None:
    """Each share beside its dot, away from the other dot of the row."""
    for place, (customers, revenue) in enumerate(ends.to_numpy(dtype=float)):
        outward = -1 if revenue < customers else 1
        for share, side in ((revenue, outward), (customers, -outward)):
            if np.isfinite(share):
                at = {"xytext": (8 * side, 0), "textcoords": "offset points", "va": "center"}
                note = ax.annotate(tables.share(share), (share, place), **at)
                note.set(ha="left" if side > 0 else "right", size=8.5, color=_style.MUTED)
