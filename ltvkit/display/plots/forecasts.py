"""Forecasts and actual values: tracking, calibration, a matrix, predicted LTV, coming revenue.

>>> import pandas as pd
>>> tenths = pd.DataFrame({"decile": [1, 2], "predicted": [90.0, 20.0], "actual": [80.0, 25.0]})
>>> calibration(tenths, currency="USD").get_ylabel()
'Revenue (USD)'
"""

import math
from typing import Any

import numpy as np
import pandas as pd
from cycler import cycler
from matplotlib.axes import Axes
from pandas.api.types import is_integer

from ltvkit.core.i18n import _
from ltvkit.display import formats, joining
from ltvkit.display.plots import _style
from ltvkit.errors import Undefined, one_of

SHOWN = {"share": "p_alive", "mean": "expected_orders"}  # what the cells of a matrix hold
MOST_PRINTED, MOST_NAMED = 8, 12  # numbers, and ticks, along a side of a matrix
MOST_VALUES = 16  # bars that carry their share
STYLES = cycler(linestyle=["-", "--", ":", "-."]) * cycler(color=[_style.BLUE, _style.AMBER])


@_style.styled
def tracking(table: pd.DataFrame, *, split: Any, ax: Axes | None = None) -> Axes:
    """start, actual, then a column per method -> cumulative repeat orders, week by week.

    `start` is a week's first day. The methods knew the orders up to the date `split`; what is
    after it is shaded. Raises `ColumnError` if the table lacks a column.
    """
    ax = _style.axes(ax, "tracking")
    methods = [c for c in table.columns if c not in ("start", "actual")]
    _style.require(ax, table, "actual", *methods, by="start")
    weeks = pd.to_datetime(table["start"])
    at = max(0, (pd.Timestamp(split) - weeks.iloc[0]) / pd.Timedelta(days=7))
    look = {"color": _style.INK, "linewidth": 3.5, "alpha": 0.45, "label": formats.label("actual")}
    ax.plot(table["actual"].to_numpy(dtype=float), **look)
    for method, look in zip(methods, STYLES(), strict=False):
        ax.plot(table[method].to_numpy(dtype=float), label=formats.label(method), **look)
    if at <= len(table) - 1:
        ax.axvspan(at, len(table) - 1, color=_style.LINE, alpha=0.5, label=_("test period"))
        ax.axvline(at, color=_style.GREY, linestyle="--")
    ax.legend(loc="upper left")
    _style.numbers(ax.yaxis, "orders")
    _style.names(ax, weeks.map(formats.date))
    last = table.iloc[-1]
    others = joining.items(f"{formats.label(m)} {formats.count(last[m])}" for m in methods)
    facts = {"day": formats.date(weeks.iloc[-1]), "value": formats.count(last["actual"])}
    _style.describe(ax, "tracking", others=others, **facts)
    return ax


@_style.styled
def matrix(
    table: pd.DataFrame, *, kind: str, title: str, months: int = 0, ax: Axes | None = None
) -> Axes:
    """orders, then columns of recency in weeks -> a heatmap by recency and repeat orders.

    `kind`: what the cells hold, "share" P(alive), "mean" expected orders. `title` may name its
    `months`,
    as in "In the next {months} months". NaN is left blank. A
    number is printed in every n-th cell. Raises `ParamsError` for another `kind`, and `Undefined`
    where all values are 0, as where payments are regular and the late ones have left.
    """
    one_of("kind", kind, SHOWN)
    columns = [c for c in table.columns if is_integer(c)]
    if (table[columns].fillna(0.0) == 0).all(axis=None) and table[columns].notna().any(axis=None):
        raise Undefined(
            _(
                "all values are 0: whether customers paid in time says who is still there, and not "
                "how many orders they have."
            )
        )
    ax = _style.axes(ax, "matrix", title=_(title).replace("{months}", f"{months}"))
    _style.require(ax, table, *columns, by="orders")
    cells = table.set_index("orders")[columns].astype(float)
    top = 1 if kind == "share" else max(cells.max(axis=None), 1e-9)
    down, across = _steps(cells, MOST_NAMED)
    look = {"cmap": _style.BLUES, "cbar_kws": {"label": formats.label(SHOWN[kind])}}
    look |= {"vmin": 0, "vmax": top, "xticklabels": across, "yticklabels": down}
    _style.heat(ax, cells, upright=True, **look)
    _print(ax, cells, kind, top)
    _style.numbers(ax.collections[0].colorbar.ax.yaxis, SHOWN[kind])
    ax.invert_yaxis()
    known = cells.stack().dropna()
    orders, weeks = known.idxmax()
    ends = {"low": known.min(), "high": known.max()}
    facts = {name: formats.value(x, SHOWN[kind]) for name, x in ends.items()}
    _style.describe(ax, "matrix", orders=int(orders), weeks=int(weeks), **facts)
    return ax


@_style.styled
def calibration(
    table: pd.DataFrame, *, value: str = "revenue", currency: str = "", ax: Axes | None = None
) -> Axes:
    """decile (1: predicted highest), predicted, actual -> both means per customer, side by side."""
    y = formats.label(value, currency)
    ax = _style.axes(ax, "calibration", y=y, measure=y)
    _style.require(ax, table, "predicted", "actual", by="decile")
    places = np.arange(len(table))
    for column, colour, side in (("predicted", _style.AMBER, -0.2), ("actual", _style.BLUE, 0.2)):
        look = {"width": 0.38, "color": colour, "label": formats.label(column)}
        ax.bar(places + side, table[column].to_numpy(dtype=float), **look)
    ax.legend(loc="upper right")
    _style.numbers(ax.yaxis, value)
    _style.names(ax, table["decile"])
    first, means = table.iloc[0], table[["predicted", "actual"]].mean()
    said = {"predicted": first["predicted"], "value": first["actual"]}
    said |= {"all": means["predicted"], "sum": means["actual"]}
    facts = {name: formats.value(x, value, currency) for name, x in said.items()}
    _style.describe(ax, "calibration", first=int(first["decile"]), **facts)
    return ax


@_style.styled
def ltv_distribution(table: pd.DataFrame, *, currency: str, ax: Axes | None = None) -> Axes:
    """above, up_to, customers, customers_share -> customers in each range of predicted LTV.

    All bars have the same width, whatever their range; the height is the number of customers, the
    number above it the share.
    """
    words = {"x": formats.label("ltv", currency), "y": formats.label("customers")}
    ax = _style.axes(ax, "ltv_distribution", **words)
    _style.add_customers(ax, table)
    needs = ("customers", "customers_share")
    _style.require(ax, table, *needs, by=("above", "up_to"))
    look = {"color": _style.BLUE, "width": 0.94}
    bars = ax.bar(range(len(table)), table["customers"].to_numpy(dtype=float), **look)
    if len(table) <= MOST_VALUES:
        ax.bar_label(bars, table["customers_share"].map(formats.share), padding=3, fontsize=8)
    ax.margins(y=0.1)
    _style.numbers(ax.yaxis, "customers")
    _ranges(ax, table, currency)
    most = table.loc[table["customers"].idxmax()]
    ends = (formats.money(most[c], currency) for c in ("above", "up_to"))
    text = _("from {low} to {high}").format(**dict(zip(("low", "high"), ends, strict=True)))
    if not np.isfinite(most["above"]):
        text = _("up to {high}").format(high=formats.money(most["up_to"], currency))
    if not np.isfinite(most["up_to"]):
        text = _("above {low}").format(low=formats.money(most["above"], currency))
    facts = {"most": int(most["customers"]), "share": float(most["customers_share"])}
    _style.describe(ax, "ltv_distribution", range=text, **facts)
    return ax


@_style.styled
def fan(table: pd.DataFrame, *, currency: str, ax: Axes | None = None) -> Axes:
    """month, actual, existing_revenue, new_revenue, expected, low, high -> revenue by month.

    `actual` is NaN in the future, all others are NaN in the past. The bars are the revenue expected
    from existing and new customers; `low` to `high` is the 95% interval of `expected`. A thin line
    is the revenue of the same months a year before, where there is a column `last_year`.
    """
    y, months = formats.label("revenue", currency), _style.span(table, "month")
    ax = _style.axes(ax, "fan", y=y, span=months)
    columns = ("actual", "existing_revenue", "new_revenue", "expected", "low", "high")
    _style.require(ax, table, *columns, by="month")
    places = np.arange(len(table))
    actual, existing, new, expected, low, high = table[list(columns)].to_numpy(dtype=float).T
    line = {"color": _style.INK, "marker": "o", "markersize": 5}
    if "last_year" in table and table["last_year"].notna().any():
        before = table["last_year"].to_numpy(dtype=float)
        ax.plot(places, before, color=_style.GREY, linewidth=1.2, label=_("a year before"))
    ax.plot(places, actual, label=formats.label("actual"), **line)
    ax.plot(places, expected, "--", mfc=_style.PAPER, label=formats.label("expected"), **line)
    band = {"alpha": 0.18, "linewidth": 0, "label": _("95% range")}
    ax.fill_between(places, low, high, color=_style.INK, **band)
    ax.vlines(places, low, high, color=_style.INK, linewidth=1, alpha=0.3)  # a lone month's band
    area = {"width": 1, "alpha": 0.4, "linewidth": 0}
    names = formats.label("existing_revenue"), formats.label("new_revenue")
    ax.bar(places, existing, color=_style.BLUE, label=names[0], **area)
    ax.bar(places, new, bottom=existing, color=_style.AMBER, label=names[1], **area)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    _style.numbers(ax.yaxis, "revenue")
    ax.figure.draw_without_rendering()  # the legend leaves the months less room
    _style.names(ax, table["month"])
    _describe_fan(ax, table, currency)
    return ax


def _describe_fan(ax: Axes, table: pd.DataFrame, currency: str) -> None:
    ahead, past = (table.dropna(subset=[c]) for c in ("expected", "actual"))
    if ahead.empty:
        last = past.iloc[-1]
        value = formats.money(last["actual"], currency)
        _style.describe(ax, "fan_past", last=last["month"], value=value)
        return
    sums = {"value": ahead["expected"].sum(), "existing": ahead["existing_revenue"].sum()}
    facts = {name: formats.money(x, currency) for name, x in sums.items()}
    chart = "fan" if ahead["existing_revenue"].notna().all() else "fan_whole"
    _style.describe(ax, chart, n=len(ahead), **facts)


def _steps(cells: pd.DataFrame, most: int) -> list[int]:
    """The step along rows and columns that gives `most` labels at most."""
    return [-(-n // most) for n in cells.shape]


def _print(ax: Axes, cells: pd.DataFrame, kind: str, top: float) -> None:
    """The number in every n-th cell, white where the cell is dark."""
    down, across = _steps(cells, MOST_PRINTED)
    few = cells.iloc[down // 2 :: down, across // 2 :: across]
    for (row, column), x in few.stack().dropna().items():
        place = cells.columns.get_loc(column) + 0.5, cells.index.get_loc(row) + 0.5
        text = formats.share(x, decimals=0) if kind == "share" else formats.cell(x, kind)
        colour = _style.PAPER if x > 0.55 * top else _style.INK
        ax.text(*place, text, ha="center", va="center", fontsize=8, color=colour)


def _ranges(ax: Axes, table: pd.DataFrame, currency: str) -> None:
    """Name each bar by its range of money, in two lines; the first and last may be open."""
    ends = table[["above", "up_to"]].to_numpy(dtype=float)
    known, labels = ends[np.isfinite(ends)], []
    places = formats.money_decimals(known, currency) if (known % 1).any() else 0
    for low, high in ends:
        above, up_to = (formats.number(x, decimals=places) for x in (low, high))
        text = _("{above}–\n{up_to}") if math.isfinite(low) else _("up to\n{up_to}")
        text = text if math.isfinite(high) else _("above\n{above}")
        labels.append(text.format(above=above, up_to=up_to))
    _style.names(ax, [max(text.split("\n"), key=formats.width) for text in labels])
    shown = [int(x) for x in ax.get_xticks()]
    ax.set_xticks(shown, [labels[i] for i in shown])
