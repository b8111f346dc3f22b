"""How much of the revenue comes from how few: deciles, Lorenz curve, Pareto curve."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ltvkit import tables
from ltvkit.i18n import _
from ltvkit.plots import _style

ZONES = {"A": _style.BLUE, "B": _style.AMBER, "C": _style.GREY, "none": "#c6ccd2"}


@_style.styled
def deciles(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Table of `deciles.summarize` -> revenue share of each decile, and the shares added up."""
    ax = _style.axes(
        ax,
        title=_("Revenue by customer decile"),
        x=_("Decile of customers (1 = highest revenue)"),
        y=tables.label("revenue_share"),
    )
    if _style.nothing(ax, table, "revenue_share", "cumulative_share", by="decile"):
        return ax
    places = np.arange(len(table))
    share, total = table["revenue_share"].to_numpy(), table["cumulative_share"].to_numpy()
    _style.bars(ax, places, share, of=len(table))
    ax.plot(places, total, color=_style.AMBER, marker="o", markersize=5)
    for place, (one, summed) in enumerate(zip(share, total, strict=True)):
        _style.note(ax, tables.share(one), (place, one), below=one < 0, left=10 * (not place))
        if place and summed - one > 0.08:  # nearer than that, the two labels would touch
            _style.note(ax, tables.share(summed), (place, summed), left=10)
    ends = [(places[-1] + 0.4, total[-1], tables.label("cumulative_share"), _style.AMBER)]
    _style.name_ends(ax, ends)
    _style.names(ax.xaxis, table["decile"].astype(str), at=places)
    _style.numbers(ax.yaxis, "revenue_share")
    ax.margins(y=0.12)
    return ax


@_style.styled
def lorenz(points: pd.DataFrame, *, gini: float, top20: float, ax: Axes | None = None) -> Axes:
    """Points of `deciles.lorenz` -> the Lorenz curve, with `gini` and the best fifth's share."""
    title = _("Concentration of revenue (Gini {gini})")
    ax = _style.axes(
        ax,
        title=title.format(gini=tables.number(gini, decimals=2)),
        x=_("Share of customers, the lowest revenue first"),
        y=tables.label("revenue_share"),
    )
    if _style.nothing(ax, points, "customers_share", "revenue_share"):
        return ax
    x, y = points["customers_share"], points["revenue_share"]
    ax.plot([0, 1], [0, 1], color=_style.GREY, linewidth=1.2, linestyle="--")
    ax.fill_between(x, x, y, color=_style.BLUE, alpha=0.1, linewidth=0)
    ax.plot(x, y, color=_style.BLUE)
    equal = {"rotation": 45, "transform_rotates_text": True, "rotation_mode": "anchor"}
    text = _("if all customers brought the same")
    ax.text(0.3, 0.32, text, color=_style.MUTED, size=9, va="bottom", ha="center", **equal)
    if np.isfinite(top20):
        ax.plot([0.8, 0.8], [1 - top20, 1], color=_style.AMBER, linewidth=2.5)
        ax.plot([0.8], [1 - top20], "o", color=_style.AMBER, markersize=6)
        text = _("the best 20% of customers\nbring {share} of revenue")
        note = {"ha": "right", "va": "top", "color": _style.INK, "path_effects": _style.HALO}
        ax.text(0.785, 0.99, text.format(share=tables.share(top20)), **note)
    ax.set_xlim(0, 1)
    ax.set_ylim(min(0, y.min() * 1.05), 1.02)
    for axis in (ax.xaxis, ax.yaxis):
        _style.numbers(axis, "share")
    return ax


@_style.styled
def pareto(
    points: pd.DataFrame, *, cuts: Sequence[float] = (0.7, 0.9), ax: Axes | None = None
) -> Axes:
    """Points of `abc_classes.pareto` -> the Pareto curve over the zones of its classes.

    Each zone is named with the share of items in it; dotted lines mark the `cuts`.
    """
    ax = _style.axes(
        ax,
        title=_("Revenue by item, added up"),
        x=_("Share of items, the highest revenue first"),
        y=_("Cumulative share of revenue"),
    )
    if _style.nothing(ax, points, "items_share", "cumulative_share", by="class"):
        return ax
    for cut in cuts:
        ax.axhline(cut, color=_style.GREY, linewidth=1, linestyle=":")
    x = np.r_[0, points["items_share"].to_numpy(dtype=float)]
    y = np.r_[0, points["cumulative_share"].to_numpy(dtype=float)]
    _zones(ax, points, x, y)
    ax.plot(x, y, color=_style.INK)
    ax.set_xlim(0, 1)
    ax.set_ylim(0, max(1.02, np.nanmax(y) * 1.02))
    ax.set_yticks(sorted({0, 0.2, 0.4, 0.6, *cuts, 1}))
    ax.grid(False, axis="y")
    for axis in (ax.xaxis, ax.yaxis):
        _style.numbers(axis, "share")
    return ax


def _zones(ax: Axes, points: pd.DataFrame, x: np.ndarray, y: np.ndarray) -> None:
    """Shade the classes under the curve; each is named from its left edge on, a step higher."""
    ends = points.groupby("class")["items_share"].max()
    ends = ends.reindex([c for c in ZONES if c in ends.index])
    starts = ends.shift(fill_value=0.0)
    text = _("{name}: {share} of items")
    for height, (name, end) in enumerate(ends.items()):
        inside = (x >= starts[name]) & (x <= end)
        ax.fill_between(x, y, where=inside, color=ZONES[name], alpha=0.35, linewidth=0)
        words = text.format(name=tables.label(name), share=tables.share(end - starts[name]))
        late = starts[name] > 0.75
        at = (0.99 if late else starts[name] + 0.008, 0.05 + 0.09 * height)
        ax.text(*at, words, ha="right" if late else "left")
