"""The one heatmap the charts share: a frame of numbers as colours, with words in the cells."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import Normalize, PowerNorm

from ltvkit import tables
from ltvkit.plots import _style

SIZES = (9.0, 8.0, 7.0, 6.5)
MOST_COLUMNS = 20  # of which the values are still worth printing
CMAP = _style.BLUES.with_extremes(over="#dfe4e9")


def heat(
    ax: Axes,
    values: pd.DataFrame,
    words: pd.DataFrame,
    *,
    norm: Normalize,
    rows: list[str],
    columns: list[str],
    all_of: bool = False,
) -> QuadMesh:
    """Cells coloured by `values` (NaN: left white), with `words` printed where all of them fit.

    Values above the scale are grey: known beforehand, and no part of the comparison.
    """
    cells = np.ma.masked_invalid(values.to_numpy(dtype=float))
    mesh = ax.pcolormesh(cells, cmap=CMAP, norm=norm, edgecolors=_style.PAPER, linewidth=1)
    ax.invert_yaxis()
    ax.grid(False)
    ax.spines[:].set_visible(False)
    _style.names(ax.yaxis, rows, at=np.arange(len(rows)) + 0.5)
    _style.names(ax.xaxis, columns, at=np.arange(len(columns)) + 0.5, all_of=all_of)
    if size := fitting(ax, words):
        _print(ax, mesh, words, size)
    return mesh


def scale(values: pd.DataFrame, *, base: float | None = 0.0, gamma: float = 1.0) -> Normalize:
    """A colour scale over all numbers in `values`, from `base` on where they are not below it.

    A `gamma` below 1 tells small numbers apart.
    """
    low, high = float(values.min(axis=None)), float(values.max(axis=None))
    return PowerNorm(
        gamma, low if base is None else min(low, base), high if high > low else low + 1.0
    )


def fitting(ax: Axes, words: pd.DataFrame) -> float | None:
    """The largest size at which the longest word fits its cell; None where none does."""
    longest = max((tables.width(word) for word in words.to_numpy().ravel()), default=0)
    rows, columns = words.shape
    across, down = _style.room(ax, "x") / columns, _style.room(ax, "y") / rows
    fits = [s for s in SIZES if 0.62 * s * longest + 3 <= across and 1.35 * s <= down]
    return fits[0] if fits and columns <= MOST_COLUMNS else None


def _print(ax: Axes, mesh: QuadMesh, words: pd.DataFrame, size: float) -> None:
    colours = mesh.cmap(mesh.norm(mesh.get_array()))
    light = colours[..., :3] @ [0.299, 0.587, 0.114]
    for (row, column), word in np.ndenumerate(words.to_numpy()):
        if word and not np.ma.is_masked(light[row, column]):
            ink = _style.INK if light[row, column] > 0.6 else _style.PAPER
            ax.text(column + 0.5, row + 0.5, word, size=size, color=ink, ha="center", va="center")


def colour_bar(mesh: QuadMesh, say: Callable[[float], str], *, title: str = "") -> None:
    """A thin bar beside the heatmap, with values written as `say` does."""
    bar = mesh.axes.figure.colorbar(mesh, ax=mesh.axes, fraction=0.03, pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0)
    bar.ax.yaxis.set_major_formatter(lambda value, _position: say(value))
    bar.set_label(title)
