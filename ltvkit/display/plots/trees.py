"""The chart of a tree of key figures, with the money that each part brought."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from ltvkit.display import formats, joining
from ltvkit.display.plots import _style
from ltvkit.display.plots.bridges import COLOURS

BOX = 0.27  # of the width: a box; what is left is for the lines between them
TALL = 0.62  # inches of height for a leaf
SUMMED = COLOURS["level"]


@_style.styled
def tree(table: pd.DataFrame, *, currency: str = "", ax: Axes | None = None) -> Axes:
    """Table of `drivers.list_nodes` -> boxes from the root on the left to the leaves on the right.

    Each has its name, its values before and after, and the change that it brought. Colours say
    whether a leaf raised or lowered the whole, or may be chance.
    """
    leaves = 0 if table.empty else int((~table["node"].isin(table["parent"])).sum())
    of = table["node"].iloc[0] if len(table) else "revenue"
    unit = formats.label(f"change_in_{of}", currency)
    chart = "tree_margin" if of == "margin" else "tree"
    ax = _style.axes(ax, chart, x=unit, height=max(2.6, 1.1 + TALL * leaves))
    _style.require(ax, table, "change", by=("node", "parent", "label", "values", "kind"))
    places = _place(table)
    decimals = formats.money_decimals(table["change"], currency)
    for row in table.to_dict("records"):
        x, y = places[row["node"]]
        colour = COLOURS.get(row["kind"], SUMMED)
        if row["parent"]:
            left, top = places[row["parent"]]
            ax.plot([left + BOX, x], [top, y], color=_style.LINE, linewidth=1.2, zorder=0)
        change = formats.difference(row["change"], "revenue", decimals=decimals)
        words = f"{_style.short(formats.label(row['label']), 30)}\n{row['values']}"
        ax.plot([x, x], [y - 0.36, y + 0.36], color=colour, linewidth=5, solid_capstyle="butt")
        ax.text(x + 0.012, y - 0.12, words, va="center", fontsize="small", color=_style.INK)
        ax.text(x + 0.012, y + 0.29, change, va="center", fontsize="large", color=_style.INK)
    ax.set_xlim(-0.01, 1.02)
    ax.set_ylim(leaves - 0.4, -0.6)
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    ax.spines[:].set_visible(False)
    _describe(ax, table, currency)
    return ax


def _place(table: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Nodes -> x of the left edge, by how far from the root; y: leaves one below the other, any
    other in the middle of its own."""
    below = {n: list(table.loc[table["parent"] == n, "node"]) for n in table["node"]}
    found: dict[str, tuple[float, float]] = {}
    row = iter(range(len(table)))

    def put(node: str, depth: int) -> float:
        if not below[node]:
            y = float(next(row))
        else:
            ends = [put(child, depth + 1) for child in below[node]]
            y = (ends[0] + ends[-1]) / 2
        found[node] = (depth * (1 - BOX) / 2, y)
        return y

    for root in table.loc[table["parent"] == "", "node"]:
        put(root, 0)
    return found


def _describe(ax: Axes, table: pd.DataFrame, currency: str) -> None:
    first = table[table["parent"] == ""].iloc[0]
    parts = table[table["parent"] == first["node"]]
    said = (
        f"{formats.label(label)} {formats.difference(amount, 'revenue', currency)}"
        for label, amount in zip(parts["label"], parts["change"], strict=True)
    )
    change = formats.difference(first["change"], "revenue", currency)
    facts = {"name": formats.label(first["label"]), "value": change, "parts": joining.items(said)}
    _style.describe(ax, "tree" if len(parts) else "tree_none", **facts)
