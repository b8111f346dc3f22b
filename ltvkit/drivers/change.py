"""A change of revenue, margin or LTV, shared out among leaves: its table, bridge and looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ltvkit.core.i18n import _
from ltvkit.display import formats
from ltvkit.drivers.formula import Formula
from ltvkit.drivers.kpi_tree import THE_KITS, KpiTree
from ltvkit.drivers.texts import fill


@dataclass(frozen=True)
class Change:
    """A change of revenue, or `of` margin, shared out among the leaves of its `formula`.

    `table`: a row per leaf, in the order of the tree: leaf, change_in_revenue (by this leaf), low,
    high (90% interval; NaN: not known, or nothing that chance decides), verdict ("raised" and
    "lowered" of revenue, "unclear" where the interval holds zero, "unmoved"), value_before,
    value_after (of the leaf), department (empty: nobody's). The changes add up to `after` less
    `before`. A part is called clear where a range wide enough for all parts looked at together
    (Bonferroni) leaves out zero. Of margin, the column is change_in_margin, the verdicts are
    "raised_margin" and "lowered_margin", and `no_margin` lines had none, and count as 0. `months`:
    of an LTV, up to which age it is; `days`: of periods that are not over, how many days of both
    are compared; `tree`: what the shop says of the leaves; `shops`: of two shops in one period,
    their names; `notes`: what a page says beside it.
    """

    table: pd.DataFrame
    formula: Formula
    periods: tuple[str, str]
    before: float
    after: float
    months: int = 0
    days: int = 0
    tree: KpiTree = THE_KITS
    shops: tuple[str, ...] = ()
    of: str = "revenue"
    no_margin: int = 0
    notes: tuple[str, ...] = ()

    @property
    def moved(self) -> str:
        """The column of the changes."""
        return f"change_in_{self.of}"

    @property
    def names(self) -> tuple[str, ...]:
        """The two periods in words, or the two shops."""
        if self.shops:
            return self.shops
        words = map(formats.period, self.periods)
        return tuple(fill("first_days", n=self.days, period=w) if self.days else w for w in words)

    def show(self, *, currency: str = "") -> pd.DataFrame:
        """The table to look at: the values as texts, each in the unit of its leaf."""
        return show_values(self.table, currency=currency, tree=self.tree)

    @property
    def bridge(self) -> pd.DataFrame:
        """From one revenue, or margin, to the other: step, amount, kind ("level", or the verdict of
        a leaf).

        Leaves that change nothing are left out.
        """
        moved = self.table[self.table[self.moved] != 0]
        levels = (
            [{"step": p, "amount": x, "kind": "level"}]
            for p, x in zip(self.names, (self.before, self.after), strict=True)
        )
        steps = moved[["leaf", self.moved, "verdict"]].set_axis(["step", "amount", "kind"], axis=1)
        first, last = map(pd.DataFrame, levels)
        return pd.concat([first, steps, last], ignore_index=True)

    def reconcile(self, history: pd.DataFrame) -> pd.DataFrame:
        """The tree, and its changes, against the totals of `margins.list_totals`: period, revenue
        (of the tree, or after all changes), key_figure_revenue, difference_in_revenue; of margin:
        margin, margin_of_orders, difference_in_margin. Of an earlier period that was cut to as many
        days as the later one, and of another shop, there is no total (NaN)."""
        values = dict(zip(self.table["leaf"], self.table["value_before"].fillna(0.0), strict=True))
        start = float(self.formula.evaluate(values))
        total = "key_figure_revenue" if self.of == "revenue" else "margin_of_orders"
        table = pd.DataFrame(
            {
                "period": self.periods,
                self.of: [start, start + self.table[self.moved].sum()],
                total: history.set_index("period")[self.of].reindex(self.periods),
            }
        )
        if self.days or self.shops:
            table.iloc[0, table.columns.get_loc(total)] = np.nan
        gap = table[self.of] - table[total]
        return table.assign(**{f"difference_in_{self.of}": gap}).reset_index(drop=True)


def show_values(
    table: pd.DataFrame, *, currency: str = "", tree: KpiTree = THE_KITS
) -> pd.DataFrame:
    """A table of leaves -> the same with `values`, from the first to the last, as a text in the
    unit of the leaf, in the place of both; with the shop's own labels and units where it has any.
    """
    first, last = (n for n in ("value_before", "value_after", "value_then") if n in table)
    texts = []
    for leaf, *pair in zip(table["leaf"], table[first], table[last], strict=True):
        old, new = (formats.value(x, leaf, currency) for x in pair)
        said = old if old == new else _("{old} to {new}").format(old=old, new=new)
        texts.append(f"{said} {tree[leaf].unit}".strip())
    shown = table.drop(columns=[first, last])
    shown["leaf"] = [tree[leaf].label or leaf for leaf in table["leaf"]]
    shown.insert(shown.columns.get_loc("department"), "values", texts)  # type: ignore[arg-type]
    return shown
