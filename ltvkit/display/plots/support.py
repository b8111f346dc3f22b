"""Enquiries: who answers them, and when they come after an order.

>>> import pandas as pd
>>> table = pd.DataFrame({"intent": ["receipt"], "labelled": [120], "verdict": ["automatic"]})
>>> answering(table).get_xlabel()
'Enquiries with a known intent'
"""

import pandas as pd
from matplotlib.axes import Axes

from ltvkit.display import formats
from ltvkit.display.plots import _style
from ltvkit.display.texts import fill

MOST, LONGEST_NAME = 20, 30
COLOURS = {"automatic": _style.BLUE, "needs_labels": "#a9c8dc", "not_told_apart": _style.GREY}
COLOURS["always_human"] = _style.AMBER
KINDS = {"first_order": _style.BLUE, "later_order": _style.AMBER}


@_style.styled
def answering(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """intent, labelled, verdict -> how many enquiries are about each intent, and who may answer
    them, by colour. Of more than 20 intents the most frequent."""
    shown = table.head(MOST)
    ax = _style.axes(ax, "answering", height=1.5 + 0.3 * len(shown))
    if _style.is_empty(ax, shown, "labelled", by=("intent", "verdict")):
        return ax
    for verdict, colour in COLOURS.items():
        rows = (shown["verdict"] == verdict).to_numpy().nonzero()[0]
        if len(rows):
            label = formats.cell(verdict, "word")
            ax.barh(rows, shown["labelled"].iloc[rows], color=colour, label=label)
    names = [_style.short(str(name).replace("_", " "), LONGEST_NAME) for name in shown["intent"]]
    ax.set_yticks(range(len(shown)), names)
    ax.set_ylim(len(shown) - 0.4, -0.6)
    ax.grid(False, axis="y")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    if hidden := len(table) - len(shown):
        ax.set_xlabel(f"{ax.get_xlabel()}\n{fill('rows_left_out', n=hidden)}")
    automatic = table["verdict"] == "automatic"
    share = table.loc[automatic, "labelled"].sum() / table["labelled"].sum()
    _style.describe(ax, "answering", n=int(automatic.sum()), of=len(table), share=float(share))
    return ax


@_style.styled
def days_after(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """order_kind, days_after, per_100_orders, per_100_low, per_100_high -> enquiries per 100 orders
    by days since the order, of first and of later orders, each with its range."""
    ax = _style.axes(ax, "days_after")
    needs = ("per_100_orders", "per_100_low", "per_100_high")
    if _style.is_empty(ax, table, *needs, by=("order_kind", "days_after")):
        return ax
    bands = table["days_after"].drop_duplicates().tolist()
    for n, (kind, colour) in enumerate(KINDS.items()):
        rows = table[table["order_kind"] == kind].dropna(subset=list(needs))
        place = [bands.index(name) + 0.16 * (2 * n - 1) for name in rows["days_after"]]
        label = formats.cell(kind, "word")
        ax.vlines(place, rows["per_100_low"], rows["per_100_high"], color=colour, linewidth=2.5)
        ax.plot(place, rows["per_100_orders"], "o", color=colour, ms=7, label=label)
    _style.names(ax, bands)
    ax.set_ylim(0, None)
    ax.legend(loc="upper right")
    known = table.dropna(subset=["per_100_orders"])
    row = known.loc[known["per_100_orders"].idxmax()]
    facts = {"kind": formats.cell(row["order_kind"], "word"), "days": row["days_after"]}
    _style.describe(ax, "days_after", value=formats.number(row["per_100_orders"]), **facts)
    return ax
