"""What all charts share: one calm palette, one font list, and the small helpers around them.

Nothing here changes matplotlib's settings for others: `styled` applies them while a chart is
drawn, and takes them back.
"""

from __future__ import annotations

import functools
import importlib.util
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import font_manager
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from ltvkit import tables
from ltvkit.errors import ColumnError
from ltvkit.i18n import _

# Blue and amber stay apart for every common kind of colour blindness, and in grey.
BLUE, AMBER, GREY = "#2f6690", "#d98a29", "#9aa5b1"
INK, MUTED, LINE, PAPER = "#28323c", "#66717d", "#e3e7eb", "#ffffff"
BLUES = LinearSegmentedColormap.from_list("ltv", ["#eef4f8", "#a9c8dc", "#4d87ae", "#163f63"])
FONTS = ["DejaVu Sans", "IPAexGothic"]
RC = {
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.facecolor": PAPER,
    "axes.grid": True,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 10,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.titlesize": 12.5,
    "figure.constrained_layout.h_pad": 0.1,
    "figure.constrained_layout.w_pad": 0.08,
    "figure.facecolor": PAPER,
    "font.family": FONTS,
    "font.size": 9.5,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "hatch.linewidth": 0.8,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 2.0,
    "text.color": INK,
    "text.usetex": False,
    "xtick.color": GREY,
    "xtick.labelcolor": MUTED,
    "xtick.labelsize": 9,
    "ytick.color": GREY,
    "ytick.labelcolor": MUTED,
    "ytick.labelsize": 9,
}
SIZES = (9.0, 8.0)  # of names along an axis
HALO = [withStroke(linewidth=3, foreground=PAPER)]


def styled(draw: Callable[..., Axes]) -> Callable[..., Axes]:
    """Draw under the kit's settings, and give the caller's back afterwards."""

    @functools.wraps(draw)
    def drawn(*table: Any, **options: Any) -> Axes:
        _register_japanese()
        with mpl.rc_context(RC):
            ax = draw(*table, **options)
            for text in ax.findobj(Text):
                text.set_parse_math(False)  # a price in dollars is not a formula
                text.set_fontfamily(FONTS)
        return ax

    return drawn


@functools.cache
def _register_japanese() -> None:
    """Add the font inside matplotlib-fontja; importing that package would change rcParams."""
    package = importlib.util.find_spec("matplotlib_fontja")
    font_manager.fontManager.addfont(Path(package.origin).with_name("fonts") / "ipaexg.ttf")


def axes(ax: Axes | None, *, title: str, x: str = "", y: str = "", height: float = 4.5) -> Axes:
    """The Axes to draw on, with its words: the given one, or a new one at report width."""
    if ax is None:
        _figure, ax = plt.subplots(figsize=(9, height), dpi=110, layout="constrained")
    ax.set_title(title)
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    return ax


def nothing(ax: Axes, table: pd.DataFrame, *columns: Any, by: str | None = None) -> bool:
    """Whether there is no number to draw in `columns`; if so the Axes says it in plain words.

    Raises `ColumnError` where a filled table lacks one of `columns`, or the names in `by`.
    """
    needs = [*columns, *([by] if by else [])]
    if len(table) and (missing := [c for c in needs if c not in table.columns]):
        found = ", ".join(map(str, table.columns))
        raise ColumnError(f"this chart needs the column '{missing[0]}'; the table has {found}.")
    if len(table) and columns and table[list(columns)].notna().any(axis=None):
        return False
    ax.set(xticks=[], yticks=[], xlabel="", ylabel="")
    ax.spines[:].set_visible(False)
    note = _("There is nothing to show yet.")
    ax.text(0.5, 0.5, note, transform=ax.transAxes, ha="center", va="center", color=MUTED)
    return True


def keyed(table: pd.DataFrame, key: str) -> pd.DataFrame:
    """The table with `key` as its index, wherever it was before."""
    return table.set_index(key) if key in table.columns else table


def numbers(axis: Axis, column: str) -> None:
    """Label an axis as the format of `column` says; the unit of money is in the axis title."""
    percent = tables.value(0.5, column).endswith("%")
    say = functools.partial(tables.share, decimals=0) if percent else tables.number
    axis.set_major_formatter(lambda value, _position: say(value))


def names(axis: Axis, labels: Iterable[str], *, at: Iterable[float], all_of: bool = False) -> None:
    """Name the places of an axis: every n-th where all would not fit, or upright with `all_of`."""
    labels, places = list(labels), np.asarray(list(at), dtype=float)
    lines = [line for label in labels for line in label.split("\n")]
    across = axis.axis_name == "x"
    low, high = sorted(axis.get_view_interval())
    pitch = room(axis.axes, axis.axis_name) * np.diff(places).min(initial=high - low) / (high - low)
    gap = 3 if all_of else 7
    needs = {
        size: max(span(line, size) for line in lines) + gap if across else 12.5 for size in SIZES
    }
    fitting = [size for size in SIZES if needs[size] <= pitch]
    upright = all_of and across and not fitting
    if upright and pitch < 22:  # two lines side by side would touch the next two
        labels = [label.replace("\n", " ") for label in labels]
    step = 1 if fitting or upright else int(np.ceil(needs[SIZES[0]] / pitch))
    axis.set_ticks(places[::step], labels[::step], rotation=90 * upright)
    axis.set_tick_params(length=0, labelsize=(fitting or SIZES)[0])
    axis.grid(False)


def note(
    ax: Axes, words: str, at: tuple[float, float], *, below: bool = False, left: float = 0
) -> None:
    """A small label just above a point, or below it; `left` of it by so many points."""
    text = ax.annotate(words, at, (-left, -6 if below else 6), textcoords="offset points")
    text.set(ha="center", va="top" if below else "bottom", size=8.5, color=MUTED)
    text.set_path_effects(HALO)


def bars(ax: Axes, places: np.ndarray, heights: np.ndarray, *, of: int, **look: Any) -> None:
    """Bars where there is a value; the axis has room for at least five of them."""
    known = ~np.isnan(heights)
    ax.bar(places[known], heights[known], width=0.72, **{"color": BLUE, **look})
    ax.axhline(0, color=GREY, linewidth=0.8)
    spare = max(0.2, (5 - of) / 2)
    ax.set_xlim(-0.5 - spare, of - 0.5 + spare)


def legend_above(ax: Axes) -> None:
    """A legend between the title and the chart, where it hides no data."""
    ax.set_title(ax.get_title(loc="left"), pad=28)
    ax.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=9, borderaxespad=0.1)


def room(ax: Axes, side: str) -> float:
    """The length of a side of the Axes in points, about: the layout comes only with the drawing."""
    box, dpi = ax.get_window_extent(), ax.figure.dpi
    if ax.figure.get_layout_engine() is None or len(ax.figure.axes) > 1:
        return (box.width if side == "x" else box.height) * 72 / dpi
    width, height = ax.figure.get_size_inches() * 72
    ticks = [span(text.get_text(), 9) for text in ax.yaxis.get_ticklabels()]
    return width - max(ticks, default=0) - 40 if side == "x" else height - 75


def span(text: str, size: float) -> float:
    """How wide a text is at a font size, in points."""
    broad = tables.width(text) - len(text)
    font = font_manager.get_font(font_manager.findfont(FONTS[0]))
    font.set_size(size, 72)
    font.set_text("".join(c for c in text if tables.width(c) == 1))
    return broad * size + font.get_width_height()[0] / 64


def wrap(text: str, width: int) -> str:
    """Text in lines of about `width` Latin characters; Japanese breaks anywhere."""
    lines, line = [], ""
    for word in _words(text):
        if line and tables.width(line + word.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += word
    return "\n".join([*lines, line.rstrip()])


def shorten(text: str, width: int) -> str:
    """Text cut to about `width` Latin characters."""
    if tables.width(text) <= width:
        return text
    ends = np.cumsum([tables.width(c) for c in text])
    return text[: int((ends < width).sum())].rstrip() + tables.MORE


def _words(text: str) -> list[str]:
    pieces = []
    for word in text.replace("\n", " ").split(" "):
        broad = any(unicodedata.east_asian_width(c) in "WF" for c in word)
        pieces += [*word[:-1], word[-1:] + " "] if broad else [word + " "]
    return pieces


def name_ends(ax: Axes, ends: list[tuple[float, float, str, Any]]) -> None:
    """Name lines where they end: (x, y, words, colour); a name moves up until it is free."""
    taken: list[Bbox] = []
    scale = 72 / ax.figure.dpi
    for x, y, words, colour in sorted(ends, key=lambda end: end[1]):
        left, middle = ax.transData.transform((x, y)) * scale
        box = Bbox.from_bounds(left, middle - 6, 6 * tables.width(words), 12)
        while any(box.overlaps(other) for other in taken):
            box = box.translated(0, 1)
        taken.append(box)
        note = ax.annotate(words, (x, y), (7, box.y0 - middle + 6), textcoords="offset points")
        note.set(va="center", color=colour, path_effects=HALO)
