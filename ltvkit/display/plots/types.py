"""Types of customers, and the risk that a silent customer has left.

>>> import pandas as pd
>>> table = pd.DataFrame({"archetype": ["high_price"], "customers": [40], "ltv_above_mean": [900.0],
...     "from_length": [-100.0], "from_frequency": [0.0], "from_price": [1000.0]})
>>> archetypes(table, currency="JPY").get_xlabel()
'LTV above the mean (JPY)'
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ltvkit.core.i18n import _
from ltvkit.display import formats
from ltvkit.display.plots import _style

PARTS = {"from_length": _style.BLUE, "from_frequency": _style.AMBER, "from_price": _style.INK}


@_style.styled
def archetypes(table: pd.DataFrame, *, currency: str = "", ax: Axes | None = None) -> Axes:
    """archetype, customers, ltv_above_mean and its parts -> what puts each type above the mean, or
    below it: three bars a type, that add up to the dot."""
    x = formats.label("ltv_above_mean", currency)
    ax = _style.axes(ax, "archetypes", x=x, height=1.6 + 0.7 * len(table))
    if _style.is_empty(ax, table, *PARTS, "ltv_above_mean", by=("archetype", "customers")):
        return ax
    places = np.arange(len(table))
    for n, (part, colour) in enumerate(PARTS.items()):
        values = table[part].to_numpy(dtype=float)
        ax.barh(places + 0.26 * (n - 1), values, 0.24, color=colour, label=formats.label(part))
    look = {"marker": "D", "linestyle": "none", "color": _style.GREY, "mec": _style.INK, "ms": 7}
    ax.plot(table["ltv_above_mean"], places, label=_("all together"), **look)
    ax.axvline(0, color=_style.INK, linewidth=1.2, zorder=1)
    names = [
        _("{name} ({n})").format(name=formats.cell(name, "word"), n=formats.count(n))
        for name, n in table[["archetype", "customers"]].itertuples(index=False)
    ]
    ax.set_yticks(places, names)
    ax.set_ylim(len(table) - 0.4, -0.6)
    ax.grid(False, axis="y")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    _style.numbers(ax.xaxis, "ltv_above_mean")
    at = table["ltv_above_mean"].idxmax()
    facts = {name: formats.difference(table[name][at], "ltv", currency) for name in PARTS}
    facts["value"] = formats.difference(table["ltv_above_mean"][at], "ltv", currency)
    _style.describe(ax, "archetypes", name=formats.cell(table["archetype"][at], "word"), **facts)
    return ax


@_style.styled
def risk(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """silent_days, risk, risk_low, risk_high -> how likely it is, after so many silent days, that a
    customer places no other order, with its range."""
    ax = _style.axes(ax, "risk")
    needs = ("risk", "risk_low", "risk_high")
    if _style.is_empty(ax, table, *needs, by="silent_days"):
        return ax
    days, mean = table["silent_days"], table["risk"].to_numpy(dtype=float)
    low, high = (table[name].to_numpy(dtype=float) for name in needs[1:])
    look = {"color": _style.BLUE, "linewidth": 0, "alpha": 0.2, "label": _("95% range")}
    ax.fill_between(days, low, high, **look)
    ax.plot(days, mean, "o-", color=_style.BLUE, label=formats.label("risk"))
    ax.set(xlim=(0, None), ylim=(0, 1.02))
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    _style.numbers(ax.yaxis, "risk")
    known = table.dropna(subset=["risk"]).iloc[[0, -1]]
    facts = {
        f"{name}{n}": row[name] for n, row in enumerate(known.to_dict("records"))
        for name in ("silent_days", "risk")
    }  # fmt: skip
    figures = {k: int(x) if "days" in k else float(x) for k, x in facts.items()}
    _style.describe(ax, "risk", **figures)
    return ax
