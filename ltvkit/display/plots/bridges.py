"""The chart of a change: from one level to the other, step by step."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from ltvkit.display import formats
from ltvkit.display.plots import _style

COLOURS = {
    "level": "#5f6b76", "raised": _style.BLUE, "lowered": _style.AMBER,
    "raised_margin": _style.BLUE, "lowered_margin": _style.AMBER, "unclear": "#c3ccd4",
}  # fmt: skip
ROOM = 0.16  # of the width, for the numbers beside the bars


@_style.styled
def bridge(
    table: pd.DataFrame, *, of: str = "revenue", currency: str = "", ax: Axes | None = None
) -> Axes:
    """Table of `drivers.Change.bridge` -> a bar per step, from where the one before it ended.

    Colours say whether a step raised or lowered revenue (`of` "margin": margin), or may be chance.
    """
    height = max(2.6, 1.4 + 0.36 * len(table))
    chart = "bridge" if of == "revenue" else "bridge_margin"
    ax = _style.axes(ax, chart, x=formats.label(of, currency), height=height)
    _style.require(ax, table, "amount", by=("step", "kind"))
    level = table["kind"] == "level"
    ends = table["amount"].where(
        level, table["amount"].where(~level, 0).cumsum() + table["amount"].iloc[0]
    )
    starts = (ends - table["amount"]).where(~level, 0.0)
    for kind, colour in COLOURS.items():
        rows = [n for n, found in enumerate(table["kind"]) if found == kind]
        if rows:
            widths, left = (ends - starts).iloc[rows], starts.iloc[rows]
            name = formats.label(kind) if kind != "level" else None
            ax.barh(rows, widths, left=left, color=colour, height=0.66, label=name)
    low, high = min(starts.min(), ends.min(), 0.0), max(starts.max(), ends.max())
    pad, places = 0.01 * (high - low), formats.money_decimals(table["amount"], currency)
    for n, (kind, amount) in enumerate(zip(table["kind"], table["amount"], strict=True)):
        text = formats.money(amount, decimals=places)
        if kind != "level":
            text = formats.difference(amount, "revenue", decimals=places)
        at = max(starts.iloc[n], ends.iloc[n]) + pad
        ax.text(at, n, text, va="center", fontsize="small", color=_style.INK)
    ax.set_xlim(low, high + (ROOM * (high - low) or 1))
    labels = [_style.short(formats.label(step), 34) for step in table["step"]]
    ax.set_yticks(range(len(labels)), labels)
    ax.invert_yaxis()
    ax.grid(False, axis="y")
    _style.numbers(ax.xaxis, "revenue")
    steps, first = table[~level], formats.money(table["amount"].iloc[0], currency)
    if steps.empty:
        _style.describe(ax, "bridge_none", first=first)
        return ax
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    most = steps.loc[steps["amount"].abs().idxmax()]
    change = formats.difference(most["amount"], "revenue", currency)
    last = formats.money(table["amount"].iloc[-1], currency)
    facts = {"first": first, "last": last, "value": change}
    _style.describe(ax, "bridge", name=formats.label(most["step"]), **facts)
    return ax
