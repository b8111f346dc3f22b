"""What each customer has bought, and how often: items are products, categories or any column."""

from __future__ import annotations

import math
from collections.abc import Sequence

import narwhals.stable.v2 as nw

from ltvkit import periods
from ltvkit.engines import frames, ranking
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, check_grouping
from ltvkit.ingest.lines import filter_purchases, filter_until
from ltvkit.periods import Day

RECENT = 91  # days in which best sellers are counted
# Of the results; a column of items has another name.
COLUMNS = (
    *("customer_id", "rank", "days_bought", "customers", "share", "again_share"),
    *("last_bought", "silent_days", "due_low", "due", "due_high"),
)
ITEMS = ("product", "product_id", "category")
PLACES = 9  # decimals kept of sums of weights, so that ties are ties on every engine
SCALE = 10**9  # more than a shop has customers


def choose_item(lines: Frame, given: str = "") -> str:
    """Order lines, and the column of what is offered or "" -> the column: the one given, else the
    first of product_id, product and category that the lines have.

    >>> import pandas as pd
    >>> choose_item(pd.DataFrame({"category": ["tea"], "product": ["sencha"]}))
    'product'
    """
    found = frames.lazy(lines).collect_schema().names()
    return given or next((name for name in ITEMS if name in found), ITEMS[0])


def select_items(lines: Frame, *, as_of: Day, item: str) -> nw.LazyFrame:
    """Order lines -> customer_id, item, day (a number), amount of each purchase up to `as_of`;
    lazy.

    Lines without a customer or an item are left out, and so are returns. Raises `ColumnError`.
    """
    check_grouping("item", item, COLUMNS)
    needs = ("customer_id", "order_date", "amount", item)
    seen = filter_purchases(filter_until(frames.lazy(lines, needs=needs), as_of))
    selected = seen.select(
        nw.col("customer_id").cast(nw.String),
        item=nw.col(item).cast(nw.String),
        day=periods.number("order_date"),
        amount=nw.col("amount").cast(nw.Float64),
    )
    named = [~nw.col(name).is_null() & (nw.col(name) != "") for name in ("customer_id", "item")]
    return selected.filter(*named)


def name_weights(half_lives: Sequence[float]) -> dict[float, str]:
    """Half-lives (days; 0: none) -> the column with the weight of each (see `count_items`)."""
    for half_life in half_lives:
        if not half_life >= 0:
            raise ParamsError(f"half_life={half_life}: give a number of days, or 0 for none.")
    return {days: f"weight_{n}" for n, days in enumerate(dict.fromkeys(half_lives))}


def count_items(bought: nw.LazyFrame, *, as_of: Day, weights: dict[float, str]) -> nw.LazyFrame:
    """Rows of `select_items` -> a row per customer and item: `days` with a purchase of it, `last`
    (the number of the last one), and by half-life the column that `weights` names; lazy.

    The weight is the sum over these days of 1/2 ^ (age in days / half-life); 0: each day counts 1.
    """
    age = (periods.number_of(as_of) - nw.col("day")).cast(nw.Float64)
    each = {
        name: (age * (-math.log(2) / half_life)).exp() if half_life else nw.lit(1.0)
        for half_life, name in weights.items()
    }
    return (
        bought.select("customer_id", "item", "day")
        .unique()
        .with_columns(**each)
        .group_by("customer_id", "item")
        .agg(nw.col(*each).sum(), days=nw.len(), last=nw.col("day").max())
        .with_columns(nw.col(*each).round(PLACES), nw.col("days").cast(nw.Int64))
    )


def rank_items(counted: nw.LazyFrame, *, as_of: Day) -> nw.LazyFrame:
    """Rows of `count_items` -> item, `place`: 1 for the best seller, and so on; lazy.

    By the customers who bought it in the last 91 days; equal: by all who ever did, then by id.
    """
    since = periods.number_of(as_of) - RECENT
    recent = frames.one_if(nw.col("last") > since) * SCALE
    found = (
        counted.select("item", weighed=recent + 1)
        .group_by("item")
        .agg(nw.col("weighed").sum())
        .with_columns(nw.col("weighed").cast(nw.Int64))
    )
    ranked = ranking.rank(found, by="weighed", ties="item")
    return ranked.select("item", place=nw.col("rank"))
