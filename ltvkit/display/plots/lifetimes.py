"""How long customers stay: survival, leaving by tenure, from order to order, one customer.

>>> import pandas as pd
>>> left = pd.DataFrame({"tenure_days": [30.4375], "hazard": [0.2], "at_risk": [50]})
>>> hazard(left).get_ylabel()
'Share leaving in the period'
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import MaxNLocator

from ltvkit.core.i18n import _
from ltvkit.display import formats
from ltvkit.display.plots import _style
from ltvkit.periods import MONTH_DAYS as MONTH

LONGEST_IN_DAYS = 92
FEWEST = 30  # customers; a share of fewer is drawn pale
MANY = 0.1  # of those at the beginning: of fewer left the highest share is highest by chance
GOES_ON = ["next_order_share", "lowest_share", "highest_share"]
STEP_COLUMNS = {"step", "customers", "median_days", "horizon_days", *GOES_ON}
MODELS = {"sbg": (_style.AMBER, "-"), "bdw": (_style.INK, "--")}


@_style.styled
def survival(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """tenure_days, survival, survival_low, survival_high (sbg, bdw) -> the share who stay.

    The observed share is a step curve from (0, 1) with its 95% interval; models are lines.
    """
    ax = _style.axes(ax, "survival")
    models = [c for c in MODELS if c in table.columns]
    needs = ("survival", "survival_low", "survival_high", *models)
    _style.require(ax, table, *needs, by="tenure_days")
    x = _tenure(ax, table)
    lines = {c: np.r_[1, table[c].to_numpy(dtype=float)] for c in needs}
    look = {"color": _style.BLUE, "linewidth": 0, "alpha": 0.2, "label": _("95% range")}
    ax.fill_between(x, lines["survival_low"], lines["survival_high"], step="post", **look)
    ax.step(x, lines["survival"], where="post", color=_style.BLUE, label=_("observed"))
    for model in models:
        colour, style = MODELS[model]
        ax.plot(x, lines[model], style, color=colour, label=formats.label(model))
    ax.set(xlim=(0, None), ylim=(0, 1.02))
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    _style.numbers(ax.yaxis, "survival")
    known = table.dropna(subset=["survival"])
    many = known[known["at_risk"] >= FEWEST] if "at_risk" in known else known
    last = (known if many.empty else many).iloc[-1]
    facts = {"days": round(last["tenure_days"]), "value": float(last["survival"])}
    _style.describe(ax, "survival", **facts)
    return ax


@_style.styled
def hazard(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """tenure_days (a period's end), hazard, at_risk -> the share leaving in each period of tenure.

    Bars are pale if fewer than 30 customers could leave.
    """
    ax = _style.axes(ax, "hazard")
    _style.require(ax, table, "hazard", by=("tenure_days", "at_risk"))
    edges = _tenure(ax, table)
    few = table["at_risk"].to_numpy() < FEWEST
    values = table["hazard"].to_numpy(dtype=float)
    for where, alpha, label in (
        (~few, 1, _("{n} customers or more")),
        (few, 0.3, _("fewer than {n} customers")),
    ):
        look = {"color": _style.BLUE, "alpha": alpha, "label": label.format(n=FEWEST)}
        if where.any():
            widths = np.diff(edges)[where] * 0.92
            ax.bar(edges[:-1][where], values[where], widths, align="edge", **look)
    if few.any():
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    ax.set_xlim(left=0)
    _style.numbers(ax.yaxis, "hazard")
    many = ~few & (table["at_risk"] >= MANY * table["at_risk"].max()).to_numpy()
    sure = table[many] if values[many].any() else table
    at, days = sure["hazard"].idxmax(), np.r_[0, table["tenure_days"]].round().astype(int)
    place = table.index.get_loc(at)
    chart = "hazard" if table["hazard"][at] > 0 else "hazard_none"
    facts = {"start": int(days[place]), "end": int(days[place + 1])}
    _style.describe(ax, chart, value=float(table["hazard"][at]), **facts)
    return ax


@_style.styled
def order_steps(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Table of `ltv.order_steps.rates` -> the share who place the next order, step by step.

    A group of customers each has its colour; the bars are the 95% intervals.
    """
    ax = _style.axes(ax, "order_steps", x=formats.label("step"), y=formats.label(GOES_ON[0]))
    _style.require(ax, table, *GOES_ON, by="step")
    group = next((c for c in table.columns if c not in STEP_COLUMNS), None)
    parts = {"": table} if group is None else dict(list(table.groupby(group, sort=False)))
    steps = list(dict.fromkeys(table["step"]))
    shades = [_style.BLUE] if len(parts) == 1 else _style.BLUES(np.linspace(0.35, 1, len(parts)))
    for place, (name, rows) in enumerate(parts.items()):
        share, low, high = rows[GOES_ON].to_numpy(dtype=float).T
        x = rows["step"].map(steps.index) + 0.6 * ((place + 0.5) / len(parts) - 0.5)
        look = {"fmt": "o", "color": shades[place], "capsize": 3}
        ax.errorbar(
            x, share, yerr=[share - low, high - share], label=_style.short(name, 28), **look
        )
    if group is not None:
        ax.legend(title=formats.label(group), loc="upper left", bbox_to_anchor=(1, 1))
    ax.set(xlim=(-0.5, len(steps) - 0.5), ylim=(0, None))
    _style.numbers(ax.yaxis, "next_order_share")
    _style.names(ax, steps)
    name, rows = next(iter(parts.items()))
    rows = rows.dropna(subset=[GOES_ON[0]])
    shares = zip(rows["step"], rows[GOES_ON[0]].map(formats.share), strict=True)
    values = _(", ").join(" ".join(map(str, each)) for each in shares)
    _style.describe(ax, "order_steps", values=f"{name} {values}".strip())
    return ax


@_style.styled
def one_customer(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """date, p_alive, ordered (whether on that day) -> P(alive) over time, with the order days."""
    ax = _style.axes(ax, "one_customer", y=formats.label("p_alive"))
    _style.require(ax, table, "p_alive", by=("date", "ordered"))
    dates, alive = pd.to_datetime(table["date"]), table["p_alive"].to_numpy(dtype=float)
    days = dates[table["ordered"].to_numpy(dtype=bool)]
    look = {"color": _style.AMBER, "linewidth": 1, "label": _("order")}
    ax.vlines(days, 0, 1, **look)
    ax.plot(dates, alive, color=_style.BLUE, label=formats.label("p_alive"))
    ax.set_ylim(0, 1.02)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    _style.numbers(ax.yaxis, "p_alive")
    _dates(ax)
    now = {"day": formats.date(dates.iloc[-1]), "value": float(alive[-1]), "n": len(days)}
    _style.describe(ax, "one_customer", **now)
    return ax


def _tenure(ax: Axes, table: pd.DataFrame) -> np.ndarray:
    """The ends of the periods from 0 on, in months if they are long; also labels the axis."""
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 3, 6, 10]))
    days = np.r_[0, table["tenure_days"].to_numpy(dtype=float)]
    months = days[-1] > LONGEST_IN_DAYS
    ax.set_xlabel(_("Months since the first order") if months else formats.label("tenure_days"))
    return days / MONTH if months else days


def _dates(ax: Axes) -> None:
    """A few ticks, each a year, a month or a day in full."""
    where = AutoDateLocator(minticks=3, maxticks=6)
    names = ["%Y", "%Y-%m", *["%Y-%m-%d"] * 4]
    look = {"formats": names, "zero_formats": names, "show_offset": False}
    ax.xaxis.set_major_locator(where)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(where, **look))
