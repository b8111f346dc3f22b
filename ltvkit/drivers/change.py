"""A change of revenue, margin or LTV, shared out among leaves: its table, bridge and looks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ltvkit.core.i18n import _
from ltvkit.display import formats
from ltvkit.drivers.formula import Formula
from ltvkit.drivers.kpi_tree import THE_KITS, KpiTree
from ltvkit.drivers.texts import fill

ALL_MARGIN = ("price_per_item",)  # a higher price costs no goods
# Leaves that mean the same in a part of a month. All others count or add up, or count a customer
# once who comes twice: orders per customer are more in a month than in its first ten days.
OF_ANY_LENGTH = (
    "new_customers_a_day", "won_back_a_day", "items_per_order", "price_per_item", "order_value",
    "returned_share",
)  # fmt: skip


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
    their names; `notes`: what a page says beside it; `part`: whether the later side is a part of a
    shop's orders.
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
    part: bool = False

    @property
    def moved(self) -> str:
        """The column of the changes."""
        return f"change_in_{self.of}"

    @property
    def now(self) -> dict[str, float]:
        """The leaves in the later period; what is not known is 0."""
        return dict(zip(self.table["leaf"], self.table["value_after"].fillna(0.0), strict=True))

    def find_gain(self, leaf: str, value: float) -> float:
        """What the later period would gain if one leaf alone had this value; of margin, a higher
        price is all margin."""
        all_margin = self.of == "margin" and leaf in ALL_MARGIN
        now = self.now | ({"margin_rate": 1.0} if all_margin else {})
        return self.formula.gain(now, **{leaf: value})

    def better(self, leaf: str, share: float) -> float:
        """The value of a leaf that is better by a share (below 0: worse): more, or less of it."""
        return self.now[leaf] * (1 + share * (-1 if self.tree.is_less_better(leaf) else 1))

    def find_target(self, leaf: str) -> float:
        """The target of a leaf in the later period; NaN where there is none, and where it is of the
        whole shop, or of a whole month, and this is a part (see `OF_ANY_LENGTH`)."""
        if self.part or (self.days and leaf not in OF_ANY_LENGTH):
            return math.nan
        return self.tree.find_target(leaf, self.periods[1])

    def find_cost(self, leaf: str) -> float:
        """What the measure for a leaf costs in the later period, which must be a whole month of the
        whole shop; else NaN."""
        return math.nan if self.part or self.days else self.tree[leaf].cost

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


def describe_values(leaf: str, *values: float, currency: str = "", tree: KpiTree = THE_KITS) -> str:
    """One value of a leaf, or the first and the last, with its unit: that of the shop's own tree,
    which for money takes the place of the currency. A mean of nothing, NaN, is none.

    >>> describe_values("price_per_item", 106.0, 109.0, currency="JPY")
    '106 JPY to 109 JPY'
    >>> describe_values("price_per_item", np.nan, 109.0, currency="JPY")
    'none to 109 JPY'
    """
    unit = tree[leaf].unit
    if unit and formats.kind(leaf) == "money":
        places = formats.money_decimals(values, currency)
        texts = [formats.money(x, decimals=places) for x in values]
    else:
        texts = [formats.value(x, leaf, currency) for x in values]
    if np.isnan(values[0]) != np.isnan(values[-1]):
        texts = [_("none") if np.isnan(x) else text for x, text in zip(values, texts, strict=True)]
    old, new = texts[0], texts[-1]
    said = old if old == new else _("{old} to {new}").format(old=old, new=new)
    return f"{said} {unit}".strip()


def show_values(
    table: pd.DataFrame, *, currency: str = "", tree: KpiTree = THE_KITS
) -> pd.DataFrame:
    """A table of leaves -> the same with `values`, from the first to the last, as a text in the
    unit of the leaf, in the place of both; with the shop's own labels and units where it has any.
    """
    first, last = (n for n in ("value_before", "value_after", "value_then") if n in table)
    texts = [
        describe_values(leaf, *pair, currency=currency, tree=tree)
        for leaf, *pair in zip(table["leaf"], table[first], table[last], strict=True)
    ]
    shown = table.drop(columns=[first, last])
    shown["leaf"] = [tree[leaf].label or leaf for leaf in table["leaf"]]
    shown.insert(shown.columns.get_loc("department"), "values", texts)  # type: ignore[arg-type]
    return shown
