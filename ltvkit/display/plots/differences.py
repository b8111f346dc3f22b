"""Differences between groups of customers, each with its range.

>>> import pandas as pd
>>> table = pd.DataFrame({"trait": ["channel"], "group": ["search"], "ltv_difference": [120.0],
...     "low": [20.0], "high": [220.0], "verdict": ["better"]})
>>> differences(table, currency="JPY").get_xlabel()
'Against the rest (JPY)'
"""

import pandas as pd
from matplotlib.axes import Axes

from ltvkit.core.i18n import _
from ltvkit.display import formats, joining
from ltvkit.display.plots import _style
from ltvkit.display.texts import fill

MOST, LONGEST_NAME = 24, 40
COLOURS = {"better": _style.BLUE, "worse": _style.AMBER, "unclear": _style.GREY}


@_style.styled
def differences(table: pd.DataFrame, *, currency: str = "", ax: Axes | None = None) -> Axes:
    """trait, group, ltv_difference, low, high, verdict -> each difference with its range, a row
    each, in the order of the table.

    Blue is better, amber worse, grey unclear. Of more than 24 rows those that are clear, and then
    the largest; how many are left out, or have no range, is said below.
    """
    needs = ("ltv_difference", "low", "high")
    known = table.dropna(subset=[c for c in needs if c in table])
    if len(known) > MOST:
        clear = known["verdict"] != "unclear"
        size = known["ltv_difference"].abs() + clear * known["ltv_difference"].abs().max()
        known = known.loc[size.nlargest(MOST).index.sort_values()]
    x = formats.label("ltv_difference", currency)
    ax = _style.axes(ax, "differences", x=x, height=1.4 + 0.3 * len(known))
    if _style.is_empty(ax, known, *needs, by=("trait", "group", "verdict")):
        return ax
    ax.axvline(0, color=_style.INK, linewidth=1.2, zorder=1)
    for place, row in enumerate(known.to_dict("records")):
        colour = COLOURS[row["verdict"]]
        ax.hlines(place, row["low"], row["high"], color=colour, linewidth=2.5)
        ax.plot([row["ltv_difference"]], [place], "o", color=colour, ms=7)
    names = [
        _style.short(joining.colon(formats.label(trait), f"{group}"), LONGEST_NAME)
        for trait, group in known[["trait", "group"]].itertuples(index=False)
    ]
    ax.set_yticks(range(len(known)), names)
    ax.set_ylim(len(known) - 0.4, -0.6)
    ax.grid(False, axis="y")
    _style.numbers(ax.xaxis, "ltv_difference")
    if hidden := len(table) - len(known):
        ax.set_xlabel(f"{x}\n{fill('rows_left_out', n=hidden)}")
    verdicts = known["verdict"].value_counts()
    at = known["ltv_difference"].abs().idxmax()
    facts = {name: int(verdicts.get(name, 0)) for name in COLOURS}
    value = formats.difference(known["ltv_difference"][at], "ltv", currency)
    most = _("{trait}: {group}").format(
        trait=formats.label(known["trait"][at]), group=known["group"][at]
    )
    _style.describe(ax, "differences", name=most, value=value, **facts)
    return ax
