"""ABC analysis: the few items that bring most of the revenue, and the many that do not.

Items are products, categories or customers: any column of the order lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods, transitions
from ltvkit.core.i18n import N_, _
from ltvkit.display import formats
from ltvkit.display.texts import fill
from ltvkit.engines import frames, ranking
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, check_grouping, is_number
from ltvkit.ingest.lines import filter_until
from ltvkit.periods import Day

__all__ = [
    "CLASSES", "changes", "check_cuts", "classify", "find_columns", "finding", "findings",
    "leaders", "name", "name_period", "pareto", "recent", "reconcile", "summarize", "table_name",
]  # fmt: skip

__dir__ = __all__.copy

CLASSES = ("A", "B", "C", "none")
LEAST_ITEMS = 5  # with fewer, a class would be one item or two: the list itself says more
MONTHS = 12  # every season once, and items change their class as old months leave
COLUMNS = ("rank", "revenue", "revenue_share", "cumulative_share", "class")  # besides the item's
PLURALS = {
    "product_id": N_("products"), "category": N_("categories"), "customer_id": N_("customers"),
}  # fmt: skip


def find_columns(lines: Frame, by: Sequence[str]) -> list[str]:
    """Those columns of `by` that the order lines have; raises `ColumnError` where there is none.

    >>> find_columns(pd.DataFrame({"customer_id": ["A"]}), ["product_id", "customer_id"])
    ['customer_id']
    """
    names = frames.lazy(lines).collect_schema().names()
    found = [column for column in by if column in names]
    if not found:
        frames.lazy(lines, needs=tuple(by))
    return found


def recent(lines: Frame, *, as_of: Day, months: int = MONTHS) -> Frame:
    """Order lines -> those of the last `months` months up to `as_of`; all up to it with 0.

    The day so many months before `as_of` is not in it: a month to 30 June begins after 31 May.
    Returns the kind of frame that it got. Raises `ParamsError` for less than 0 months.
    """
    if not isinstance(months, int) or months < 0:
        raise ParamsError(f"months={months!r}: give a whole number of months, or 0 for all orders.")
    seen = filter_until(frames.lazy(lines, needs=("order_date", "amount")), as_of)
    if months:
        # From the day after `as_of`, so that the ends of months meet: 30 June, 31 May.
        first = (
            pd.Timestamp(periods.day(as_of)) + pd.DateOffset(days=1) - pd.DateOffset(months=months)
        )
        seen = seen.filter(nw.col("order_date") >= nw.lit(first.to_pydatetime()))
    return frames.to_native(seen, like=lines)


def classify(lines: Frame, *, by: str, cuts: Sequence[float] = (0.7, 0.9)) -> Frame:
    """Order lines -> one row per item of column `by`: revenue, rank, shares and `class`.

    Items are ranked by revenue (equal revenue: by the item's id). An item is in the class in which
    its share begins: A if the items before it bring less than the first cut, B if less than the
    second, else C. So the first item is always A, however large, and one that begins at a cut is in
    the class after it. Items of equal revenue are in one class, that of the first of them. Items
    whose revenue is zero or less (given away, or returned) are "none": they have no share, and
    shares are of the revenue of the others. All are "none" where fewer than `LEAST_ITEMS` have
    revenue, and without shares where returns leave no revenue in all. Lines that name no item count
    as one item, "(none)". A frame without `amount` that has `revenue`, as customers have it, does
    as well. Returns the kind of frame that it got. Raises `ColumnError`, and `ParamsError` where
    `by` is one of the result's own `COLUMNS`.

    >>> sold = {"product_id": list("abcdef"), "amount": [40.0, 25.0, 15.0, 12.0, 8.0, 0.0]}
    >>> classify(pd.DataFrame(sold), by="product_id")[["product_id", "class"]].to_dict("list")
    {'product_id': ['a', 'b', 'c', 'd', 'e', 'f'], 'class': ['A', 'A', 'A', 'B', 'C', 'none']}
    """
    check_cuts(cuts)
    check_grouping("by", by, COLUMNS)
    opened = frames.lazy(lines, needs=(by,))
    names = opened.collect_schema().names()
    money = "revenue" if "revenue" in names and "amount" not in names else "amount"
    item = nw.col(by)
    if by != "customer_id":  # every line has a customer
        item = item.cast(nw.String).fill_null("(none)")
    items = (
        frames.lazy(opened, needs=(money,))
        .select(item=item, revenue=nw.col(money).cast(nw.Float64))
        .group_by("item")
        .agg(nw.col("revenue").sum())
        .with_columns(frames.round_money("revenue"))
        .with_columns(counted=frames.above_zero("revenue"))
    )
    items = frames.lazy(frames.materialize(items, like=lines))
    paying = (nw.col("counted") > 0).cast(nw.Int64).sum()
    sums = items.select(nw.col("revenue", "counted").sum(), paying=paying)
    sums = frames.table(sums.with_columns(frames.round_money("revenue", "counted"))).iloc[0]
    whole = sums["counted"] if sums["revenue"] > 0 else np.nan
    placed = ranking.rank(items, by="revenue", ties="item", running=["counted"])
    placed = placed.with_columns(begins=nw.col("counted_upto") - nw.col("counted"))
    begins = placed.group_by("revenue").agg(nw.col("begins").min())
    ranked = (
        placed.drop("begins")
        .join(begins, on="revenue")
        .with_columns(
            revenue_share=nw.col("counted") / whole,
            cumulative_share=nw.col("counted_upto") / whole,
        )
        .with_columns(**{"class": _class(cuts, whole, few=sums["paying"] < LEAST_ITEMS)})
        .drop("counted", "counted_upto", "begins")
        .rename({"item": by})
        .sort("rank")
    )
    return frames.materialize(ranked, like=lines)


def summarize(classified: Frame) -> pd.DataFrame:
    """Classified items -> one row per class: class, items, items_share, revenue, revenue_share.

    Shares of revenue are NaN where there is none to share.
    """
    sums = ("revenue", "revenue_share")
    opened = frames.lazy(classified, needs=("class", *sums))
    table = frames.add_up(opened, "class", sums=sums, items=nw.len()).set_index("class")
    present = [c for c in CLASSES if c in table.index or c != "none"]
    table = table.reindex(present).fillna(0).astype({"items": "int64"})
    table = table.assign(items_share=table["items"] / table["items"].sum())
    if not table["revenue_share"].sum() > 0:
        table["revenue_share"] = np.nan
    return table.reset_index()[["class", "items", "items_share", "revenue", "revenue_share"]]


def leaders(classified: Frame, lines: Frame, *, by: str, n: int = 10) -> pd.DataFrame:
    """Classified items -> the first `n` by revenue: rank, item, revenue, shares, class.

    Products have their name where the lines have one. Customers have no id, as the table is for
    pages.
    """
    best = frames.lazy(classified, needs=(by, *COLUMNS)).filter(nw.col("rank") <= n)
    shown = [COLUMNS[0], by, *COLUMNS[1:]]
    named = frames.lazy(lines)
    if by == "product_id" and "product" in named.collect_schema().names():
        names = named.group_by(by).agg(nw.col("product").max())
        best, shown = best.join(names, on=by, how="left"), [*shown[:2], "product", *shown[2:]]
    table = frames.table(best.select(*shown).sort("rank"))
    return table.drop(columns="customer_id", errors="ignore")


def pareto(classified: Frame, *, points: int = 400) -> pd.DataFrame:
    """Classified items -> the Pareto curve: items_share, cumulative_share, class.

    All items where there are at most `points`; else every n-th, and the first and the last of each
    class.
    """
    opened = frames.lazy(classified, needs=("rank", "cumulative_share", "class"))
    rank = nw.col("rank")
    spans = frames.table(opened.group_by("class").agg(first=rank.min(), last=rank.max()))
    n = max(spans["last"], default=0)
    step, ends = max(1, n // points), [*spans["first"], *spans["last"]]
    shown = opened.filter(rank.is_in(ends) | (rank % step == 0))
    table = frames.table(shown.sort("rank").select("rank", "cumulative_share", "class"))
    return table.assign(items_share=table["rank"] / n)[["items_share", "cumulative_share", "class"]]


def changes(before: Frame, after: Frame, *, by: str) -> pd.DataFrame:
    """Items classified at two dates -> how many moved from which class to which."""
    return transitions.count(
        before, after, item=by, label="class", labels=list(CLASSES), absent=(_("new"), _("gone"))
    )


def reconcile(lines: Frame, summaries: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Order lines and summaries by kind of item -> what each says of all revenue."""
    whole = frames.table(frames.lazy(lines).select(nw.col("amount").sum()))["amount"].iloc[0]
    revenues = [float(table["revenue"].sum()) for table in summaries.values()]
    return pd.DataFrame({"items": [name(by) for by in summaries], "orders_say": whole}).assign(
        table_says=revenues, difference=[round(revenue - whole, 4) for revenue in revenues]
    )


def name(by: str) -> str:
    """What is counted when items are those of column `by`, in the plural."""
    words = PLURALS | {"product": N_("products"), "channel": N_("channels")}
    return _(words[by]) if by in words else fill("values_of", column=by)


def name_period(as_of: Day, *, months: int = MONTHS) -> str:
    """Of which months the orders of `recent` are, for a title.

    >>> name_period("2024-06-30"), name_period("2024-06-30", months=0)
    ('12 months to 30 June 2024', 'all orders to 30 June 2024')
    """
    return fill("months_to" if months else "all_to", n=months, day=formats.day(as_of))


def table_name(by: str) -> str:
    """The name of the report's table of items of column `by`.

    >>> table_name("product_id"), table_name("channel")
    ('abc_products', 'abc_channel')
    """
    return f"abc_{PLURALS.get(by, by)}"


def findings(
    summaries: Mapping[str, pd.DataFrame], *, by: Sequence[str], months: int = 0
) -> list[str]:
    """Summaries by kind of item -> a sentence for each column of `by`, missing ones too.

    `months`: those of the orders (see `recent`).
    """
    return [
        finding(summaries[column], items=name(column), months=months)
        if column in summaries
        else fill("no_column", items=name(column), column=column)
        for column in by
    ]


def finding(summary: pd.DataFrame, *, items: str, months: int = 0) -> str:
    """How concentrated revenue is; `items` is what is counted, in the plural ("products").

    `months` says of how many months the revenue is; 0: of all.
    """
    rows = summary.set_index("class")
    a, c, whole = (int(n) for n in (*rows.loc[["A", "C"], "items"], rows["items"].sum()))
    if not a:
        return _explain_no_classes(rows, items, months)
    if a == whole:
        period = fill("in_months", n=months) if months else ""
        return fill("all_class_a", whole=whole, items=items, period=period)
    best, rest = rows.loc[["A", "C"], "revenue_share"]
    period = fill("of_months", n=months) if months else ""
    text = fill("class_a", n=a, whole=whole, items=items, revenue=best, period=period)
    return text + (fill("class_c", n=c, revenue=rest) if c else _("."))


def _explain_no_classes(rows: pd.DataFrame, items: str, months: int) -> str:
    """Why no item has a class: none brings revenue, returns exceed it, or they are too few."""
    name = "one_item" if rows["items"].sum() == 1 else "few_items"
    if not rows["revenue_share"].sum() > 0:
        name = "items_below_zero" if rows["revenue"].sum() < 0 else "no_item"
    period = fill("in_months", n=months) if months else ""
    return fill(name, items=items, period=period, least=LEAST_ITEMS)


def _class(cuts: Sequence[float], whole: float, *, few: bool) -> nw.Expr:
    if few or not whole > 0:
        return nw.lit("none")
    # A share that equals a cut on paper may miss it by the last bit of a float.
    first, second = (c - 1e-12 for c in cuts)
    begins = nw.col("begins") / whole
    paid = nw.when(begins < second).then(nw.lit("B")).otherwise(nw.lit("C"))
    paid = nw.when(begins < first).then(nw.lit("A")).otherwise(paid)
    return nw.when(nw.col("revenue") <= 0).then(nw.lit("none")).otherwise(paid)


def check_cuts(cuts: Sequence[float], name: str = "cuts") -> None:
    """Raise `ParamsError` unless `cuts` are two rising shares."""
    numbers = all(map(is_number, cuts))
    if not numbers or len(cuts) != 2 or not 0 < cuts[0] < cuts[1] <= 1:
        raise ParamsError(f"{name}={list(cuts)}: give two rising shares, as in [0.7, 0.9].")
