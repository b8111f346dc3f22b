"""Who brings how much of the revenue: segments, deciles, Lorenz curve, Pareto curve."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from ltvkit.core.i18n import _
from ltvkit.display import formats, joining
from ltvkit.display.plots import _style

SHARES = {"customers_share": _style.AMBER, "revenue_share": _style.BLUE}
TENTHS = 10  # groups of customers; fewer customers have none
ZONES = {"A": _style.BLUE, "B": _style.AMBER, "C": _style.GREY, "none": "#c6ccd2"}


@_style.styled
def segments(summary: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Table of `rfm.summarize` -> each segment's share of customers against its share of revenue.

    The segments are ordered by revenue, the largest on top.
    """
    height = max(2.6, 1.5 + 0.32 * len(summary))
    ax = _style.axes(ax, "segments", height=height)
    _style.add_customers(ax, summary)
    _style.require(ax, summary, *SHARES, by="segment")
    table = summary.sort_values("revenue_share", ascending=False, kind="stable")
    table = table.assign(segment=table["segment"].map(formats.label))
    ends = table[list(SHARES)]
    ax.hlines(table["segment"], ends.min(axis=1), ends.max(axis=1), color=_style.LINE, linewidth=5)
    for column, colour in SHARES.items():
        look = {"color": colour, "s": 70, "label": formats.label(column)}
        sns.scatterplot(table, x=column, y="segment", ax=ax, zorder=2, **look)
    ax.set_ylabel("")
    _style.numbers(ax.xaxis, "share")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))  # inside, its dots would look like data
    known = table["revenue_share"].notna().any()
    best = table.iloc[0] if known else table.loc[table["customers_share"].idxmax()]
    facts = {"customers": best["customers_share"], "revenue": best["revenue_share"]}
    chart = "segments" if known else "segments_none"
    _style.describe(ax, chart, segment=best["segment"], **facts)
    return ax


@_style.styled
def deciles(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Table of `deciles.summarize` -> revenue share of each decile, and the shares added up."""
    ax = _style.axes(ax, "deciles")
    _style.add_customers(ax, table)
    _style.require(ax, table, "revenue_share", "cumulative_share", by="decile")
    look = {"color": _style.BLUE, "saturation": 1, "width": 0.7, "errorbar": None}
    sns.barplot(table, x="decile", y="revenue_share", ax=ax, **look)
    for bars in ax.containers:
        texts = ax.bar_label(bars, fmt=formats.share, padding=5)
        texts[0].set_ha("right")  # the line leaves to the right
    summed = formats.label("cumulative_share")
    ax.plot(table["cumulative_share"].to_numpy(), color=_style.AMBER, marker="o", label=summed)
    ax.margins(y=0.1)
    ax.legend(loc="center right")
    _style.numbers(ax.yaxis, "share")
    shares = table["revenue_share"].map(formats.share)
    each = (joining.colon(f"{n}", share) for n, share in zip(table["decile"], shares, strict=True))
    _style.describe(ax, "deciles", values=joining.items(each))
    return ax


@_style.styled
def lorenz(points: pd.DataFrame, *, gini: float, top20: float, ax: Axes | None = None) -> Axes:
    """Points of `deciles.lorenz` -> the Lorenz curve, with `gini` and the best fifth's share.

    Of fewer than ten customers, where one is more than a tenth, no fifth is marked.
    """
    known = formats.number(gini, decimals=2) if np.isfinite(gini) else _("unknown")
    ax = _style.axes(ax, "lorenz", gini=known)
    _style.require(ax, points.tail(1), "revenue_share", by="customers_share")
    x, y = points["customers_share"], points["revenue_share"]
    equal, best = _("if all brought the same"), _("the best 20% of customers bring {share}")
    ax.plot([0, 1], [0, 1], color=_style.GREY, linestyle="--", label=equal)
    ax.fill_between(x, x, y, color=_style.BLUE, alpha=0.1, linewidth=0)
    ax.plot(x, y, color=_style.BLUE, label=_("as it is"))
    one = x[x > 0].min()  # the first point: one customer, or a hundredth of many
    few = one > 1 / TENTHS
    if np.isfinite(top20) and not few:
        best = best.format(share=formats.share(top20))
        ax.plot([0.8, 0.8], [1 - top20, 1], color=_style.AMBER, marker="o", label=best)
    ax.legend(loc="upper left")
    for axis in (ax.xaxis, ax.yaxis):
        _style.numbers(axis, "share")
    if few:
        _style.describe(ax, "lorenz_few", n=round(1 / one), top=float(1 - y.iloc[-2]))
    else:
        _style.describe(ax, "lorenz", top=float(top20))
    return ax


@_style.styled
def pareto(
    points: pd.DataFrame,
    *,
    cuts: Sequence[float] = (0.7, 0.9),
    about: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Points of `abc_classes.pareto` -> the Pareto curve over the zones of its classes.

    The legend names each zone with the share of items in it; dotted lines mark the `cuts`. `about`
    is for the title: which items, and of what time.
    """
    ax = _style.axes(ax, "pareto", y=formats.label("cumulative_share"))
    _about(ax, about)
    _style.require(ax, points, "cumulative_share", by=("items_share", "class"))
    x = np.r_[0, points["items_share"].to_numpy(dtype=float)]
    y = np.r_[0, points["cumulative_share"].to_numpy(dtype=float)]
    ends = points.groupby("class")["items_share"].max().reindex(list(ZONES)).dropna()
    text = _("{name}: {share} of items")
    for name, start, end in zip(ends.index, [0, *ends], ends, strict=False):
        label = text.format(name=formats.label(name), share=formats.share(end - start))
        inside = (x >= start) & (x <= end)
        ax.fill_between(x, y, where=inside, color=ZONES[name], alpha=0.35, linewidth=0, label=label)
    ax.plot(x, y, color=_style.INK)
    for cut in cuts:
        ax.axhline(cut, color=_style.GREY, linewidth=1, linestyle=":")
    ax.set(xlim=(0, 1), ylim=(0, None), yticks=sorted({0, 0.2, 0.4, 0.6, *cuts, 1}))
    ax.legend(loc="lower right", frameon=True)
    for axis in (ax.xaxis, ax.yaxis):
        _style.numbers(axis, "share")
    last = points[points["class"] == ends.index[0]].iloc[-1]
    facts = {"items": float(last["items_share"]), "revenue": float(last["cumulative_share"])}
    facts |= {"first": float(points["cumulative_share"].iloc[0])}
    chart = "pareto_none" if ends.index[0] == "none" else "pareto"
    _style.describe(ax, chart, name=formats.label(ends.index[0]), **facts)
    return ax


@_style.styled
def leaders(table: pd.DataFrame, *, currency: str, about: str = "", ax: Axes | None = None) -> Axes:
    """Table of `abc_classes.leaders` -> a bar per item, by name, in the colour of its class.

    `about` is for the title: which items, and of what time.
    """
    height = max(2.6, 1.2 + 0.32 * len(table))
    ax = _style.axes(ax, "leaders", x=formats.label("revenue", currency), height=height)
    _about(ax, about)
    _style.require(ax, table, "revenue", by="class")
    named = [c for c in table.columns[1 : table.columns.get_loc("revenue")] if c != "rank"]
    texts = table[named[-1]] if named else table["rank"]
    labels = [_style.short(text, 28) for text in texts]
    for letter, colour in ZONES.items():
        rows = [n for n, found in enumerate(table["class"]) if found == letter]
        if rows:
            revenue, name = table["revenue"].iloc[rows], formats.label(letter)
            ax.barh(rows, revenue, color=colour, height=0.7, label=name)
    ax.set_yticks(range(len(labels)), labels)
    ax.invert_yaxis()
    ax.grid(False, axis="y")
    ax.legend(title=formats.label("class"), loc="lower right", frameon=True)
    _style.numbers(ax.xaxis, "revenue")
    value = formats.money(table["revenue"].iloc[0], currency)
    name = labels[0] if named else f"{formats.label('rank')} {labels[0]}"
    _style.describe(ax, "leaders", name=name, value=value)
    return ax


def _about(ax: Axes, about: str) -> None:
    if about:
        _style.title(ax, joining.colon(ax.get_title(loc="left"), about))
