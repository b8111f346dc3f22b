"""What to offer next: to each customer, and to groups of customers; again and new apart.

Each method is a list of parts that follow one another: the best of the first, then of the next one
that are not in it yet, until there are `k`.
"""

from __future__ import annotations

from typing import NamedTuple

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import periods
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, TooLittleData, one_of
from ltvkit.offers import neighbours, purchases
from ltvkit.offers.purchases import number_within
from ltvkit.offers.texts import fill
from ltvkit.periods import Day

KINDS = ("again", "new", "any")
OWN, FRESH, ALL = "own", "fresh", "all"  # bought before, never bought, both
POPULAR, GROUP, PERSONAL, NEAR = "popular", "group", "personal", "near"  # what they are ranked by
# By kind and method: the parts.
METHODS = {
    "again": {
        "best_sellers": [(OWN, POPULAR)],
        "group_best_sellers": [(OWN, GROUP), (OWN, POPULAR)],
        "personal": [(OWN, PERSONAL)],
        "item_knn": [(OWN, NEAR), (OWN, POPULAR)],
    },
    "new": {
        "best_sellers": [(FRESH, POPULAR)],
        "group_best_sellers": [(FRESH, GROUP), (FRESH, POPULAR)],
        "item_knn": [(FRESH, NEAR), (FRESH, POPULAR)],
    },
    "any": {
        "best_sellers": [(ALL, POPULAR)],
        "group_best_sellers": [(ALL, GROUP), (ALL, POPULAR)],
        "personal": [(OWN, PERSONAL), (FRESH, POPULAR)],
        "item_knn": [(ALL, NEAR), (ALL, POPULAR)],
        "personal_then_knn": [(OWN, PERSONAL), (FRESH, NEAR), (FRESH, POPULAR)],
    },
}
MOST = 100  # offers per customer
DEPTH = 20  # so many times the offers asked for are looked through for what a customer never bought


class History(NamedTuple):
    """What was bought up to a day. `own`: customer_id, place, weight, days; `items`: item, place (1:
    the best seller); `people`: customer_id, and group where customers have one; `grouped`: group,
    place, rank; `near`: customer_id, place, score; None: not asked for. `like`: of the engine."""

    own: nw.LazyFrame
    items: nw.LazyFrame
    people: nw.LazyFrame
    grouped: nw.LazyFrame | None
    near: nw.LazyFrame | None
    like: Frame


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

    >>> lines = pd.DataFrame({"customer_id": list("aaab"), "product_id": ["tea", "tea", "cup", "pot"],
    ...     "order_date": pd.to_datetime(["2024-01-01", "2024-02-01", "2024-02-01", "2024-02-01"]),
    ...     "amount": 5.0})
    >>> recommend(lines, as_of="2024-02-29", k=2)["product_id"].tolist()
    ['tea', 'cup', 'pot']
    >>> recommend(lines, as_of="2024-02-29", kind="new", k=2)["product_id"].tolist()
    ['pot', 'cup', 'tea']
    """
    method = method or ("item_knn" if kind == "new" else "personal")
    _check(kind, method, k, grouped=groups is not None)
    near = any(ranked == NEAR for _part, ranked in METHODS[kind][method])
    history = open_history(
        lines, as_of=as_of, item=item, half_life=half_life, groups=groups, by=by, near=near
    )
    ranked = rank_offers(history, kind=kind, method=method, k=k)
    bought = history.own.select("customer_id", "place", days_bought=nw.col("days"))
    listed = (
        ranked.join(history.items, on="place")
        .join(bought, on=["customer_id", "place"], how="left")
        .select("customer_id", "rank", nw.col("item").alias(item), nw.col("days_bought").fill_null(0))
        .sort("customer_id", "rank")
    )
    return frames.materialize(listed, like=lines)


def summarize(
    offers: Frame, groups: Frame, *, by: str = "segment", item: str = "product_id", k: int = 10
) -> pd.DataFrame:
    """Offers of `recommend`, and customers with the column `by` -> the `k` items that are offered to
    most customers of each group: `by`, rank, `item`, customers, share (of those of the group who get
    any offer). Equal: by id."""
    opened = frames.lazy(offers, needs=("customer_id", item))
    labels = _open_groups(groups, by=by, like=offers)
    named = opened.select("customer_id", item=nw.col(item)).join(labels, on="customer_id")
    people = frames.table(named.select("customer_id", "group").unique().group_by("group").agg(
        people=nw.len()
    ))
    counted = named.group_by("group", "item").agg(customers=nw.len())
    counted = counted.with_columns(_less=-nw.col("customers").cast(nw.Int64))
    ranked = number_within(counted, "group", order=("_less", "item")).filter(nw.col("rank") <= k)
    table = frames.table(ranked.sort("group", "rank")).merge(people, on="group", how="left")
    table["share"] = table["customers"] / table["people"]
    columns = ["group", "rank", "item", "customers", "share"]
    return table[columns].rename(columns={"group": by, "item": item})


def open_history(
    lines: Frame,
    *,
    as_of: Day,
    item: str,
    half_life: float = 0,
    groups: Frame | None = None,
    by: str = "segment",
    near: bool = False,
    only: nw.LazyFrame | None = None,
) -> History:
    """Order lines up to `as_of` -> `History`, its tables computed once in their engine. `only`:
    offers are asked for these customers alone; best sellers and neighbours are of all."""
    bought = purchases.select_items(lines, as_of=as_of, item=item)
    counted = purchases.count_items(bought, as_of=as_of, half_life=half_life)
    counted = frames.lazy(frames.materialize(counted, like=lines))
    ranked = purchases.rank_items(counted, as_of=as_of)
    items = frames.lazy(frames.materialize(ranked, like=lines))
    if not frames.count(items):
        raise TooLittleData(fill("nothing_bought", item=item))
    own = counted.join(items, on="item").drop("item")
    own = frames.lazy(frames.materialize(own, like=lines))
    people = own.select("customer_id").unique()
    grouped = None
    if groups is not None:
        people = people.join(_open_groups(groups, by=by, like=lines), on="customer_id", how="left")
        grouped = _rank_in_groups(own, people, as_of=as_of)
        grouped = frames.lazy(frames.materialize(grouped, like=lines))
    people = people if only is None else people.join(only, on="customer_id", how="semi")
    people = frames.lazy(frames.materialize(people, like=lines))
    scores = neighbours.score_neighbours(own, like=lines, only=only) if near else None
    if only is not None:
        own = own.join(only, on="customer_id", how="semi")
        own = frames.lazy(frames.materialize(own, like=lines))
    return History(own, items, people, grouped, scores, lines)


def rank_offers(history: History, *, kind: str, method: str, k: int) -> nw.LazyFrame:
    """`History` -> customer_id, place, rank (1 to `k`) by a method; lazy."""
    parts = [
        _list_part(history, among, ranked, k=k).select(
            "customer_id", "place", _key=nw.col("rank") + number * (MOST + 1)
        )
        for number, (among, ranked) in enumerate(METHODS[kind][method])
    ]
    first = nw.concat(parts).group_by("customer_id", "place").agg(nw.col("_key").min())
    # Places break the ties that two parts could only have with themselves.
    listed = number_within(first, "customer_id", order=("_key", "place"))
    return listed.filter(nw.col("rank") <= k).select("customer_id", "place", "rank")


def _list_part(history: History, among: str, ranked: str, *, k: int) -> nw.LazyFrame:
    """customer_id, place, rank: the first `k` of each customer."""
    if ranked == POPULAR and among == ALL:
        first = history.items.filter(nw.col("place") <= k)
        return history.people.join(first, how="cross").with_columns(rank=nw.col("place"))
    if ranked in (POPULAR, GROUP) and among != OWN:
        return _list_from_ranking(history, among, ranked, k=k)
    if ranked == GROUP:
        own = history.own.join(history.people, on="customer_id")
        scored = own.join(history.grouped, on=["group", "place"])
        scored = scored.with_columns(_less=nw.col("rank").cast(nw.Float64))
    elif ranked == NEAR:
        how = {OWN: "semi", FRESH: "anti"}
        scored = history.near if among == ALL else history.near.join(
            history.own, on=["customer_id", "place"], how=how[among]
        )
        scored = scored.with_columns(_less=-nw.col("score"))
    else:
        by = -nw.col("weight") if ranked == PERSONAL else nw.col("place").cast(nw.Float64)
        scored = history.own.with_columns(_less=by)
    scored = scored.select("customer_id", "place", "_less")
    return number_within(scored, "customer_id", order=("_less", "place")).filter(nw.col("rank") <= k)


def _list_from_ranking(history: History, among: str, ranked: str, *, k: int) -> nw.LazyFrame:
    """The first `k` best sellers, of all or of the group, that each customer has not bought."""
    if ranked == GROUP:
        ranking, on = history.grouped.rename({"rank": "_less"}), ["group"]
    else:
        ranking, on = history.items.select("place", _less=nw.col("place")), []
    deep = k if among == ALL else k + _count_bought(history, ranking, on, most=DEPTH * k)
    ranking = ranking.filter(nw.col("_less") <= deep)
    listed = history.people.join(ranking, **({"on": on} if on else {"how": "cross"}))
    if among == FRESH:
        bought = history.own.select("customer_id", "place")
        listed = listed.join(bought, on=["customer_id", "place"], how="anti")
    listed = listed.select("customer_id", "place", "_less")
    return number_within(listed, "customer_id", order=("_less", "place")).filter(nw.col("rank") <= k)


def _count_bought(history: History, ranking: nw.LazyFrame, on: list[str], *, most: int) -> int:
    """How many of the first `most` of a ranking a customer has bought, at most."""
    own = history.own.select("customer_id", "place")
    own = own.join(history.people, on="customer_id") if on else own
    first = ranking.filter(nw.col("_less") <= most)
    counts = own.join(first, on=[*on, "place"]).group_by("customer_id").agg(n=nw.len())
    found = frames.table(counts.select(nw.col("n").max()))["n"]
    return int(found.iloc[0]) if len(found) and not pd.isna(found.iloc[0]) else 0


def _rank_in_groups(own: nw.LazyFrame, people: nw.LazyFrame, *, as_of: Day) -> nw.LazyFrame:
    """group, place, rank: by customers of the group who bought it in the last 91 days."""
    recent = nw.col("last") > periods.number_of(as_of) - purchases.RECENT
    counted = (
        own.filter(recent)
        .join(people, on="customer_id")
        .filter(~nw.col("group").is_null())
        .group_by("group", "place")
        .agg(customers=nw.len())
        .with_columns(_less=-nw.col("customers").cast(nw.Int64))
    )
    return number_within(counted, "group", order=("_less", "place")).select("group", "place", "rank")


def _open_groups(groups: Frame, *, by: str, like: Frame) -> nw.LazyFrame:
    """customer_id, group, in the engine of `like`."""
    opened = frames.lazy(groups, needs=("customer_id", by))
    opened = opened.select(nw.col("customer_id").cast(nw.String), group=nw.col(by).cast(nw.String))
    if isinstance(groups, pd.DataFrame) and not isinstance(like, pd.DataFrame):
        return frames.from_pandas(frames.table(opened), like=nw.to_native(nw.from_native(like)))
    return opened


def _check(kind: str, method: str, k: int, *, grouped: bool) -> None:
    one_of("kind", kind, KINDS)
    one_of("method", method, tuple(METHODS[kind]))
    if not 1 <= k <= MOST:
        raise ParamsError(f"k={k}: give a number of offers from 1 to {MOST}.")
    if method == "group_best_sellers" and not grouped:
        raise ParamsError(f"method={method!r} needs groups: customers with a column that groups them.")
