"""The funnel: how many go on at each step, after how many days, and by month.

>>> import pandas as pd
>>> table = pd.DataFrame({"stage": ["purchase"], "next_stage": ["loyal"], "people": [40],
...     "next_stage_share": [0.4], "lowest_share": [0.3], "highest_share": [0.5]})
>>> funnel(table).get_yticklabels()[0].get_text()
'First order to loyal (40)'
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ltvkit.core.i18n import _
from ltvkit.display import formats
from ltvkit.display.plots import _style

SHARES = ["next_stage_share", "lowest_share", "highest_share"]
DAYS = ["median_days", "median_days_low", "median_days_high"]
SECOND_HALF = ("purchase", "second_order", "third_order", "quiet")  # steps from these
PALE = 0.35  # of fewer than 30 people
NAMES = ("stage", "next_stage", "people")


@_style.styled
def funnel(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Table of `funnel.summarize` -> the share who go on at each step, with its 95% interval.

    Before the first order and after it in two colours; pale: fewer than 30 people.
    """
    known = _select_known(table, SHARES[0])
    ax = _style.axes(ax, "funnel", height=1.8 + 0.4 * max(len(known), 3))
    _style.require(ax, known, *SHARES, by=NAMES)
    share, low, high = known[SHARES].to_numpy(dtype=float).T
    colours, alphas = _colour(known), _fade(known)
    places = np.arange(len(known))
    for place, colour, alpha in zip(places, colours, alphas, strict=True):
        ax.barh(place, share[place], 0.6, color=colour, alpha=alpha)
    look = {"fmt": "none", "ecolor": _style.INK, "capsize": 3, "elinewidth": 1}
    ax.errorbar(share, places, xerr=[share - low, high - share], **look)
    for place in places:
        text = formats.share(share[place])
        ax.text(high[place] + 0.015, place, text, va="center", fontsize="small")
    _name_steps(ax, known)
    _add_halves(ax, known)
    ax.set_xlim(0, min(1.12, max(high) + 0.14))
    _style.numbers(ax.xaxis, SHARES[0])
    worst = known.loc[known[SHARES[0]].idxmin()]
    _style.describe(ax, "funnel", step=_name(worst), value=float(worst[SHARES[0]]))
    return ax


@_style.styled
def stage_days(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Table of `funnel.summarize` -> the days by which half of those who go on have done so, with
    the 95% interval."""
    known = _select_known(table, DAYS[0])
    ax = _style.axes(ax, "stage_days", height=1.8 + 0.4 * max(len(known), 3))
    _style.require(ax, known, *DAYS, by=NAMES)
    days, low, high = known[DAYS].to_numpy(dtype=float).T
    for place, colour in enumerate(_colour(known)):
        ax.plot(days[place], place, "o", color=colour, alpha=_fade(known)[place])
        if low[place] == low[place]:
            ax.hlines(place, low[place], high[place], color=colour, linewidth=2)
        end = np.nanmax([days[place], high[place]])
        ax.annotate(
            formats.count(days[place]), (end, place), (6, 0), textcoords="offset points",
            va="center", fontsize="small",
        )  # fmt: skip
    _name_steps(ax, known)
    _add_halves(ax, known)
    ax.set_xlim(0, 1.12 * max(1, np.nanmax([days, high])))
    longest = known.loc[known[DAYS[0]].idxmax()]
    _style.describe(ax, "stage_days", step=_name(longest), value=int(longest[DAYS[0]]))
    return ax


@_style.styled
def stage_series(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Table of `funnel.series` -> the share who go on, by the period in which they reached the
    stage: a line per step. Periods of fewer than 30 people, or too young, are left out."""
    known = _select_known(table, SHARES[0])
    known = known[~known["few"].astype(bool)] if "few" in known else known
    ax = _style.axes(ax, "stage_series", y=formats.label(SHARES[0]))
    _style.require(ax, known, SHARES[0], by=("stage", "next_stage", "period", "start"))
    periods = known[["period", "start"]].drop_duplicates().sort_values("start")["period"].tolist()
    for (first, after), rows in known.groupby(["stage", "next_stage"], sort=False):
        late = first in SECOND_HALF
        steps = known["stage"].isin(SECOND_HALF) == late
        order = known.loc[steps, "next_stage"].unique().tolist()
        shade = 1 - 0.6 * order.index(after) / max(len(order), 1)
        x = [periods.index(period) for period in rows["period"]]
        name = _name({"stage": first, "next_stage": after})
        colour = _style.AMBER if late else _style.BLUE
        style = ["-", "--", ":", "-."][order.index(after) % 4]
        ax.plot(
            x, rows[SHARES[0]], style, marker=".", color=colour, alpha=shade,
            label=_style.short(name, 40),
        )  # fmt: skip
    ax.set_ylim(0, None)
    _style.numbers(ax.yaxis, SHARES[0])
    ax.legend(loc="upper left", bbox_to_anchor=(0, -0.2), ncols=2)
    _style.names(ax, periods)
    last = known[known["period"] == periods[-1]].iloc[0]
    facts = {"step": _name(last), "period": periods[-1], "value": float(last[SHARES[0]])}
    _style.describe(ax, "stage_series", **facts)
    return ax


def _select_known(table: pd.DataFrame, column: str) -> pd.DataFrame:
    return table[table[column].notna()] if column in table else table


def _name(row) -> str:
    """A step, as "Cart to first order"."""
    first, after = (formats.cell(row[name], "stage") for name in NAMES[:2])
    known = f"stage_{row['next_stage']}" in formats.LABELS
    return _("{stage} to {next}").format(
        stage=first, next=after[0].lower() + after[1:] if known else after
    )


def _name_steps(ax: Axes, table: pd.DataFrame) -> None:
    names = [
        _("{name} ({n})").format(name=_name(row), n=formats.count(row["people"]))
        for row in table.to_dict("records")
    ]
    ax.set_yticks(range(len(table)), [_style.short(name, 48) for name in names])
    ax.set_ylim(len(table) - 0.4, -0.6)
    ax.grid(False, axis="y")


def _colour(table: pd.DataFrame) -> list[str]:
    return [_style.AMBER if late else _style.BLUE for late in table["stage"].isin(SECOND_HALF)]


def _fade(table: pd.DataFrame) -> list[float]:
    if "few" not in table:
        return [1.0] * len(table)
    return [PALE if few else 1.0 for few in table["few"].astype(bool)]


def _add_halves(ax: Axes, table: pd.DataFrame) -> None:
    """What the two colours mean, where there are both."""
    late = table["stage"].isin(SECOND_HALF)
    words = {_style.BLUE: _("before the first order"), _style.AMBER: _("after it")}
    if late.any() and not late.all():
        for colour, text in words.items():
            ax.plot([], [], "s", color=colour, label=text)
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
