"""What all charts share: one calm palette, one font list, and the small helpers around seaborn.

`styled` applies the settings while a chart is drawn, and takes them back.
"""

import bisect
import functools
import itertools
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import PercentFormatter
from pandas.api.types import is_integer

from ltvkit.core import files, redaction
from ltvkit.core.i18n import _
from ltvkit.display import formats, joining, wrapping
from ltvkit.display.plots import _fonts
from ltvkit.display.tables import MORE
from ltvkit.display.texts import fill
from ltvkit.errors import ColumnError

RC = sns.plotting_context("notebook", font_scale=0.85) | sns.axes_style("whitegrid")
RC |= mpl.rc_params_from_file(
    Path(__file__).with_name("charts.mplstyle"), use_default_template=False
)
CHARTS = files.read_yaml(__name__, "charts.yaml")
LONGEST_TITLE = 90  # characters in a line
WIDEST_NAME = 24  # columns of a name below the x axis
GREY, INK, LINE = RC["axes.edgecolor"], RC["text.color"], RC["grid.color"]
# Blue and amber stay apart for every common kind of colour blindness, and in grey.
BLUE, AMBER, PAPER = "#2f6690", "#d98a29", "#ffffff"
BLUES = sns.blend_palette(["#eef4f8", "#a9c8dc", "#4d87ae", "#163f63"], as_cmap=True)


class Chart(Figure):
    """A figure with an alternative text, which notebooks keep beside the picture.

    >>> Chart()._repr_mimebundle_()
    ({}, {'image/png': {'alt': ''}})
    """

    alt = ""

    def _repr_mimebundle_(self, **_kinds: Any) -> tuple[dict, dict]:
        return {}, {"image/png": {"alt": self.alt}}


class _NoData(Exception):
    """A chart has nothing to draw; its Axes says so already."""


def styled(draw: Callable[..., Axes]) -> Callable[..., Axes]:
    """Draw under the kit's settings, and restore the caller's afterwards."""

    @functools.wraps(draw)
    def drawn(*table: Any, **options: Any) -> Axes:
        _fonts.read_shipped()  # makes them known to matplotlib
        with mpl.rc_context(RC), warnings.catch_warnings():
            # Labels are measured while a chart is drawn; their letters are completed after it.
            warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")
            try:
                ax = draw(*table, **options)
            except _NoData as empty:
                (ax,) = empty.args
            _set_fonts(ax)
            _fonts.complete(ax)
            _leave_to_cell(ax)
            live = mpl.is_interactive()
        # The first chart of a kernel turns its live display on; that must outlast the context.
        mpl.interactive(live)
        return ax

    return drawn


def _leave_to_cell(ax: Axes) -> None:
    """Leave drawing to the end of the cell, which shows the picture.

    Until then matplotlib takes it for an outdated one on the screen, and draws it once more.
    """
    if "inline" in (mpl.get_backend(auto_select=False) or ""):
        ax.get_figure(root=True).stale = False


def axes(
    ax: Axes | None, chart: str, *, x: str = "", y: str = "", height: float = 4.5, **figures: Any
) -> Axes:
    """The Axes to draw on, with its words: the given one, or a new one at report width.

    The words are those of `chart` in charts.yaml, with their `figures`; `x` and `y` replace them.
    """
    if ax is None:
        look = {"figsize": (9, height), "dpi": 110, "layout": "constrained"}
        _figure, ax = plt.subplots(FigureClass=Chart, **look)
    _set_fonts(ax)
    parts = {part: text for part, text in CHARTS[chart].items() if part != "alt"}
    words = {part: formats.fill(_(text), **figures) for part, text in parts.items()}
    title(ax, words["title"])
    ax.set(xlabel=x or words.get("x", ""), ylabel=y or words.get("y", ""))
    return ax


def add_customers(ax: Axes, table: pd.DataFrame, column: str = "customers") -> None:
    """Say in the title of how many customers a chart is, where its table counts them."""
    if column in table and len(table):
        n = fill("customers", n=int(table[column].sum()))
        title(ax, joining.aside(ax.get_title(loc="left"), n))


def span(table: pd.DataFrame, column: str) -> str:
    """The first and the last name of a column: "2024-01 to 2024-09"."""
    names = list(table[column].iloc[[0, -1]].unique()) if column in table and len(table) else [""]
    return joining.span(map(formats.tick, map(str, names)))


def title(ax: Axes, text: str) -> None:
    """Set the title, in lines that fit."""
    ax.set_title("\n".join(wrapping.wrap(text, LONGEST_TITLE)))


def describe(ax: Axes, chart: str, **figures: Any) -> None:
    """Say the main fact of a chart in words: its alternative text, after its title.

    The words are those of `chart` in charts.yaml, with their `figures`.
    """
    _set_alt(ax, formats.fill(_(CHARTS[chart]["alt"]), **figures))


def _set_alt(ax: Axes, text: str) -> None:
    if isinstance(ax.figure, Chart):
        name = formats.line(ax.get_title(loc="left"))
        ax.figure.alt = joining.sentences([joining.stop(name), formats.line(text)])


def _set_fonts(ax: Axes) -> None:
    """The kit's fonts for all texts, also for those made under other settings."""
    for text in ax.findobj(Text):
        text.set(parse_math=False, fontfamily=RC["font.family"])


def require(ax: Axes, table: pd.DataFrame, *columns: Any, by: str | Sequence[str] = ()) -> None:
    """End the chart here, with a note, where there is no number to draw in `columns`.

    Raises `ColumnError` where a filled table lacks one of `columns`, or of the names in `by`.
    """
    if is_empty(ax, table, *columns, by=by):
        raise _NoData(ax)


def is_empty(ax: Axes, table: pd.DataFrame, *columns: Any, by: str | Sequence[str] = ()) -> bool:
    """Whether there is no number to draw in `columns`; if so the Axes says so. Raises as above."""
    needs = [*columns, *([by] if isinstance(by, str) else by)]
    if len(table) and (missing := [c for c in needs if c not in table.columns]):
        found = ", ".join(map(str, table.columns))
        raise ColumnError(f"this chart needs the column '{missing[0]}'; the table has {found}.")
    if len(table) and columns and table[list(columns)].notna().any(axis=None):
        return False
    ax.set(xticks=[], yticks=[], xlabel="", ylabel="")
    ax.spines[:].set_visible(False)
    empty = _("There is nothing to show.")
    ax.text(0.5, 0.5, empty, transform=ax.transAxes, ha="center")
    _set_alt(ax, empty)
    return True


def extremes(
    values: pd.Series, names: pd.Series, column: str, currency: str = ""
) -> dict[str, str]:
    """What an alternative text says of values: the last, the highest and the lowest, each named."""
    named = pd.Series(values.to_numpy(dtype=float), index=[short(n, 24) for n in names])
    say = {"value": named.iloc[-1], "high": named.max(), "low": named.min()}
    words = {name: formats.value(x, column, currency) for name, x in say.items()}
    words |= {"last": named.index[-1], "best": named.idxmax(), "worst": named.idxmin()}
    alike = words["low"] == words["high"]
    return words | {"range": words["low"] if alike else fill("named_range", **words)}


def heat(ax: Axes, cells: pd.DataFrame, *, upright: bool = False, **options: Any) -> None:
    """Cells coloured by their numbers, between the labels that the Axes has.

    Seaborn lays the chart out once, to see whether its labels must be turned; `upright`: they need
    not.
    """
    named = {"index": ax.get_ylabel(), "columns": ax.get_xlabel()}  # seaborn takes them from there
    figure = ax.get_figure(root=True)
    layout = figure.get_layout_engine() if upright else None
    if layout:
        figure.set_layout_engine("none")
    sns.heatmap(cells.rename_axis(**named), ax=ax, **options)
    if layout:
        figure.set_layout_engine(layout)
    ax.tick_params(axis="both" if upright else "y", rotation=0)
    ax.grid(False)


def keyed(table: pd.DataFrame, key: str) -> pd.DataFrame:
    """The table with `key` as its index, wherever it was before."""
    return table.set_index(key) if key in table.columns else table


def numbers(axis: Axis, column: str) -> None:
    """Label an axis as the format of `column` says; the unit of money is in the axis title."""
    percent = formats.kind(column) == "share"
    axis.set_major_formatter(PercentFormatter(1) if percent else lambda x, _at: formats.number(x))


def short(label: Any, most: int) -> str:
    """A label on one line, of at most `most` columns, without what cannot be seen, or shown.

    What is in a picture is masked here; so is what would no longer be known once it is cut.
    """
    text = redaction.mask_figures(formats.line(str(label)[: 9 * most]))
    ends = list(itertools.accumulate(map(formats.width, text)))
    if not ends or ends[-1] <= most:
        return text
    return text[: bisect.bisect(ends, most - 1)] + MORE


def names(ax: Axes, labels: Iterable[Any]) -> None:
    """Name the places 0, 1, 2, ... of the x axis: every n-th where all would not fit."""
    labels = [formats.tick(str(label)) for label in labels]
    widest = min(WIDEST_NAME, max(map(formats.width, labels)))
    room = ax.get_window_extent().width / ax.figure.dpi * 72 / 6  # in characters of 6 points
    step = 1 + int(len(labels) * (widest + 1) // room)
    shown = [short(label, WIDEST_NAME) for label in labels[::step]]
    ax.set_xticks(range(0, len(labels), step), shown)
    ax.grid(False, axis="x")


def ages(wide: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The columns of ages alone, a row per cohort, and what an age is."""
    table = keyed(wide, "cohort")
    cells = table[[c for c in table.columns if is_integer(c)]].astype(float)
    return cells, formats.label(f"age_{formats.grain(table.index)}s")
