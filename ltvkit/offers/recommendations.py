"""What to offer next: to each customer, and to groups of customers; again and new apart."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.engines.ranking import number_within
from ltvkit.errors import ParamsError, one_of
from ltvkit.offers import histories, methods
from ltvkit.offers.methods import KINDS, METHODS, MOST, Way
from ltvkit.periods import Day


def recommend(
    lines: Frame,
    *,
    as_of: Day,
    item: str = "product_id",
    kind: str = "again",
    method: str = "",
    half_life: float = 0,
    k: int = 10,
    groups: Frame | None = None,
    by: str = "segment",
) -> Frame:
    """Order lines up to `as_of` -> up to `k` offers per customer, the best first.

    customer_id, `rank`, the `item` column ("product_id", "category", ...), `days_bought` (days on
    which the customer has bought it; 0: never). `kind`: "again" (bought before), "new" (never
    bought), "any". `method`:

    - "best_sellers": by customers who bought it in the last 91 days
    - "group_best_sellers": by those of the customer's group (`groups`: customer_id and column `by`)
    - "personal": by the customer's own days with a purchase of it, each weighed by `half_life`
    - "item_knn": by what customers who bought the same buy (see `neighbours`)
    - "personal_then_knn" (any): what was bought before, then item-kNN

    Without one it is "personal", of new items "item_knn". What a method leaves open, best sellers
    fill; equal: the better seller first, then by id, on every engine alike. Comes back as the kind
    of frame that went in, sorted. Raises `ColumnError` without the column, `ParamsError`.

    >>> lines = pd.DataFrame({"customer_id": list("aaab"), "amount": 5.0,
    ...     "order_date": pd.to_datetime(["2024-01-01", "2024-02-01", "2024-02-01", "2024-02-01"]),
    ...     "product_id": ["tea", "tea", "cup", "pot"]})
    >>> recommend(lines, as_of="2024-02-29", k=2)["product_id"].tolist()
    ['tea', 'cup', 'pot']
    >>> recommend(lines, as_of="2024-02-29", kind="new", k=2)["product_id"].tolist()
    ['pot', 'cup', 'tea']
    """
    method = method or ("item_knn" if kind == "new" else "personal")
    _check(kind, method, k, grouped=groups is not None)
    rule: dict[str, Any] = {"as_of": as_of, "item": item, "groups": groups, "by": by}
    history = histories.open_history(lines, half_lives=[half_life], **rule)
    ranked = methods.rank_offers(history, [Way(kind, method, half_life)], k=k)
    bought = history.own.select("customer_id", "place", days_bought=nw.col("days"))
    listed = (
        ranked.join(history.items, on="place")
        .join(bought, on=["customer_id", "place"], how="left")
        .select(
            "customer_id", "rank", nw.col("item").alias(item), nw.col("days_bought").fill_null(0)
        )
        .sort("customer_id", "rank")
    )
    return frames.materialize(listed, like=lines)


def summarize(
    offers: Frame, groups: Frame, *, by: str = "segment", item: str = "product_id", k: int = 10
) -> pd.DataFrame:
    """Offers of `recommend`, and customers with the column `by` -> the `k` items that are offered
    to most customers of each group: `by`, rank, `item`, customers, share (of those of the group who
    get any offer). Equal: by id."""
    opened = frames.lazy(offers, needs=("customer_id", item))
    labels = histories.open_groups(groups, by=by, like=offers)
    named = opened.select("customer_id", item=nw.col(item)).join(labels, on="customer_id")
    people = frames.table(
        named.select("customer_id", "group").unique().group_by("group").agg(people=nw.len())
    )
    counted = named.group_by("group", "item").agg(customers=nw.len())
    counted = counted.with_columns(_less=-nw.col("customers").cast(nw.Int64))
    ranked = number_within(counted, "group", order=("_less", "item")).filter(nw.col("rank") <= k)
    table = frames.table(ranked.sort("group", "rank")).merge(people, on="group", how="left")
    table["share"] = table["customers"] / table["people"]
    columns = ["group", "rank", "item", "customers", "share"]
    return table[columns].rename(columns={"group": by, "item": item})


def _check(kind: str, method: str, k: int, *, grouped: bool) -> None:
    one_of("kind", kind, KINDS)
    one_of("method", method, tuple(METHODS[kind]))
    if not 1 <= k <= MOST:
        raise ParamsError(f"k={k}: give a number of offers from 1 to {MOST}.")
    if method == "group_best_sellers" and not grouped:
        raise ParamsError(
            f"method={method!r} needs groups: customers with a column that groups them."
        )
