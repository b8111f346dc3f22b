"""Measures taken on customers: how a metric went, what all of them brought, and what is natural.

>>> import pandas as pd
>>> month = {"period": ["2024-05"], "start": [pd.Timestamp("2024-05-01")], "partial": [False]}
>>> table = pd.DataFrame({**month, "group": ["treated"], "value": [0.25]})
>>> timeline(table, metric="retention_rate", start="2024-05-01", end="2024-05-31").get_ylabel()
'Retention'
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ltvkit import periods
from ltvkit.core.i18n import N_, _
from ltvkit.display import formats, joining
from ltvkit.display.plots import _style
from ltvkit.display.plots.lifetimes import _dates
from ltvkit.display.texts import fill

DAY = pd.Timedelta(days=1)
Z = 1.96  # standard errors to each end of a 95% interval
MOST_DOTS, LONGEST_NAME = 60, 40
GROUPS = {
    "treated": (N_("treated"), {"color": _style.BLUE, "linestyle": "-", "zorder": 2.2}),
    "control": (N_("control"), {"color": _style.AMBER, "linestyle": "--", "zorder": 2.1}),
}


@_style.styled
def timeline(
    table: pd.DataFrame,
    *,
    metric: str,
    start: Any,
    end: Any,
    currency: str = "",
    ax: Axes | None = None,
) -> Axes:
    """period, start, group, value, partial -> the metric of each group, period by period.

    `start` and `end`, the first and the last day of the measure, are shaded. A period that the
    data cover only in part is hollow; where there is no value there is a gap.
    """
    every = formats.grain(table["period"]) if "period" in table else "month"
    period, y = formats.label(every), formats.label(metric, currency)
    dated = table.sort_values("start", kind="stable") if "start" in table else table
    figures = {"period": period.lower(), "span": _style.span(dated, "period")}
    ax = _style.axes(ax, "timeline", x=period, y=y, height=3.2, measure=y, **figures)
    needs = ("period", "start", "group", "partial")
    _style.require(ax, table, "value", by=needs)
    times = table.drop_duplicates("period").sort_values("start").set_index("period")["start"]
    for group in GROUPS:
        rows = table[table["group"] == group].set_index("period").reindex(times.index)
        _group(ax, rows, group)
    _window(ax, pd.to_datetime(times), every, start, end)
    ax.set_xlim(-0.6, len(times) - 0.4)
    if table["value"].min() >= 0:
        ax.set_ylim(bottom=0, top=1.08 * table["value"].max() or 1.0)
    _legend(ax)
    _style.numbers(ax.yaxis, metric)
    _style.names(ax, times.index)
    known = table.dropna(subset=["value"]).sort_values("start", kind="stable")
    last = known.groupby("group")["value"].last()
    said = (
        f"{_(GROUPS[g][0])} {formats.value(last[g], metric, currency)}" for g in GROUPS if g in last
    )
    _style.describe(ax, "timeline", last=known["period"].iloc[-1], values=joining.items(said))
    return ax


@_style.styled
def effects(board: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """The board of all hypotheses -> each relative effect with its 95% interval, a row each.

    Blue lies above zero, amber below, grey across it; what still runs is hollow. Columns: title,
    grade, status, verdict, relative_effect, relative_lowest, relative_highest; rows without an
    interval are counted below.
    """
    needs = ["relative_effect", "relative_lowest", "relative_highest"]
    known = board.dropna(subset=[c for c in needs if c in board])
    ax = _style.axes(ax, "effects", height=1.6 + 0.38 * len(known))
    named = ("title", "grade", "status", "verdict")
    if not _style.is_empty(ax, known, *needs, by=named):
        ax.set_xlabel(_("Relative effect on the main figure"))
        ax.axvline(0, color=_style.INK, linewidth=1.2, zorder=1)
        for place, row in enumerate(known.itertuples()):
            _effect(ax, place, row)
        names = [
            joining.aside(_style.short(r.title, LONGEST_NAME), r.grade) for r in known.itertuples()
        ]
        ax.set_yticks(range(len(known)), names)
        ax.set_ylim(len(known) - 0.4, -0.6)
        ax.grid(False, axis="y")
        _style.numbers(ax.xaxis, "share")
        _describe_effects(ax, known)
    if hidden := len(board) - len(known):
        ax.set_xlabel(f"{ax.get_xlabel()}\n{fill('no_range', n=hidden)}".strip())
    return ax


@_style.styled
def replays(
    natural: pd.DataFrame,
    *,
    change: float,
    metric: str,
    currency: str = "",
    ax: Axes | None = None,
) -> Axes:
    """start (days since 1970), change, se -> the changes on past dates, and the actual `change`.

    The actual one stands `back` days after each past one, or without that column as far to the
    right as the past ones lie apart.
    """
    unit = _("percentage points") if formats.kind(metric) == "share" else ""
    y = _("Change: {measure}").format(measure=formats.label(metric, currency))
    y = joining.aside(y, unit)
    ax = _style.axes(ax, "replays", y=y, height=3.6, measure=formats.label(metric, currency))
    _style.require(ax, natural, "change", by=("start", "se"))
    scale = 100 if unit else 1
    days, (values, errors) = natural["start"], scale * natural[["change", "se"]].to_numpy(float).T
    look = {"color": _style.GREY, "capsize": 3, "elinewidth": 1.5}
    look["label"] = _("past dates, likely range (95%)")
    ax.errorbar(_day(days), values, Z * errors, fmt="o", **look)
    look = {"color": _style.BLUE, "ms": 9, "zorder": 3, "label": _("this time")}
    ax.plot(_day([_now(natural)]), [scale * change], "o", **look)
    ax.axhline(0, color=_style.INK, linewidth=1.2, zorder=1)
    ax.margins(x=0.08)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    _style.numbers(ax.yaxis, "points" if unit else metric)
    _dates(ax)
    said = {"value": change, "low": natural["change"].min(), "high": natural["change"].max()}
    facts = {name: formats.difference(x, metric, currency) for name, x in said.items()}
    _style.describe(ax, "replays", n=len(natural), **facts)
    return ax


def _describe_effects(ax: Axes, known: pd.DataFrame) -> None:
    up, down = known["relative_lowest"] > 0, known["relative_highest"] < 0
    most = known.loc[known["relative_effect"].abs().idxmax()]
    facts = {"up": int(up.sum()), "down": int(down.sum()), "rest": int((~up & ~down).sum())}
    value = formats.change(most["relative_effect"])
    name = _style.short(most["title"], LONGEST_NAME)
    _style.describe(ax, "effects", n=len(known), name=name, value=value, **facts)


def _group(ax: Axes, rows: pd.DataFrame, group: str) -> None:
    """The line of a group; a dotted one leads to what is partial."""
    values, open_ = rows["value"].to_numpy(dtype=float), rows["partial"].eq(True).to_numpy()
    if np.isnan(values).all():
        return
    name, look = GROUPS[group]
    size = (5, 2) if len(values) <= MOST_DOTS else (1.5, 1.1)
    look = look | dict(zip(("ms", "linewidth"), size, strict=True))
    ax.plot(np.where(open_, np.nan, values), marker="o", label=_(name), **look)
    if np.isfinite(values[open_]).any():
        near = open_ | np.r_[open_[1:], False] | np.r_[False, open_[:-1]]
        dots = {"mfc": _style.PAPER, "ms": 6, "label": _("partial")}
        ax.plot(np.where(near, values, np.nan), color=look["color"], linestyle=":")
        ax.plot(np.where(open_, values, np.nan), "o", color=look["color"], zorder=3, **dots)


def _legend(ax: Axes) -> None:
    """Each word once, what is partial last."""
    handles, words = ax.get_legend_handles_labels()
    once = dict(zip(words, handles, strict=True))
    if partial := once.pop(_("partial"), None):
        once[_("partial")] = partial
    look = {"loc": "upper left", "bbox_to_anchor": (1, 1), "handlelength": 2.8}
    ax.legend(once.values(), once.keys(), **look)


def _window(ax: Axes, firsts: pd.Series, every: str, start: Any, end: Any) -> None:
    """Shade what lies in the measure; the point of a period is in the middle of it."""
    after = periods.end(periods.index_of(firsts.iloc[-1], every), every) + DAY
    edges = (pd.DatetimeIndex([*firsts, after]) - firsts.iloc[0]) / DAY
    asked = (pd.DatetimeIndex([start, pd.Timestamp(end) + DAY]) - firsts.iloc[0]) / DAY
    left, right = np.interp(asked, edges, np.arange(len(edges)) - 0.5)
    if left < right:
        ax.axvspan(left, right, color=_style.GREY, alpha=0.25, linewidth=0, label=_("measure"))


def _effect(ax: Axes, place: int, row: Any) -> None:
    """One row: dot, interval, and the verdict at the right."""
    low, high = row.relative_lowest, row.relative_highest
    colour = _style.BLUE if low > 0 else _style.AMBER if high < 0 else _style.GREY
    face = _style.PAPER if row.status == "running" else colour
    ax.hlines(place, low, high, color=colour, linewidth=2.5)
    ax.plot([row.relative_effect], [place], "o", color=colour, mfc=face, ms=8, mew=2)
    verdict, right = formats.cell(row.verdict, "word"), ax.get_yaxis_transform()
    ax.text(1.02, place, verdict, transform=right, va="center", fontsize="small")


def _day(days: Any) -> pd.Series:
    return pd.to_datetime(pd.Series(days), unit="D")


def _now(natural: pd.DataFrame) -> float:
    """The day of the comparison itself."""
    if "back" in natural:
        return (natural["start"] + natural["back"]).iloc[0]
    apart = natural["start"].sort_values().diff().min()
    return natural["start"].max() + (apart if apart > 0 else 30)
