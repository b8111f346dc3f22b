"""The ways to choose offers: what was bought up to a day, and how each method ranks it.

Each method is a list of parts that follow one another: the best of the first, then of the next one
those that are not in it yet, until there are `k`.
"""

from __future__ import annotations

from typing import NamedTuple

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import periods
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import TooLittleData
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
    """What was bought up to a day. `own`: customer_id, place, weight, days; `items`: item, place
    (1: the best seller); `people`: customer_id, and group where customers have one; `grouped`:
    group, place, rank; `near`: customer_id, place, score; None: not asked for. `like`: of the
    engine."""

    own: nw.LazyFrame
    items: nw.LazyFrame
    people: nw.LazyFrame
    grouped: nw.LazyFrame | None
    near: nw.LazyFrame | None
    like: Frame


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
        people = people.join(open_groups(groups, by=by, like=lines), on="customer_id", how="left")
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
    if ranked in (POPULAR, GROUP) and among != OWN:
        return _list_from_ranking(history, among, ranked, k=k)
    scored = _score_near(history, among) if ranked == NEAR else _score_own(history, ranked)
    return _take_first(scored, k=k)


def _take_first(scored: nw.LazyFrame, *, k: int) -> nw.LazyFrame:
    """customer_id, place, _less (the smallest first) -> of each customer the first `k`, ranked."""
    scored = scored.select("customer_id", "place", "_less")
    listed = number_within(scored, "customer_id", order=("_less", "place"))
    return listed.filter(nw.col("rank") <= k)


def _score_own(history: History, ranked: str) -> nw.LazyFrame:
    """What customers have bought, by how often, by best sellers, or by those of their group."""
    if ranked == GROUP and history.grouped is not None:
        own = history.own.join(history.people, on="customer_id")
        own = own.join(history.grouped, on=["group", "place"])
        return own.with_columns(_less=nw.col("rank").cast(nw.Float64))
    by = -nw.col("weight") if ranked == PERSONAL else nw.col("place").cast(nw.Float64)
    return history.own.with_columns(_less=by)


def _score_near(history: History, among: str) -> nw.LazyFrame:
    """What is bought by customers who bought the same."""
    assert history.near is not None
    keys = ["customer_id", "place"]
    if among == OWN:
        found = history.near.join(history.own, on=keys, how="semi")
    elif among == FRESH:
        found = history.near.join(history.own, on=keys, how="anti")
    else:
        found = history.near
    return found.with_columns(_less=-nw.col("score"))


def _list_from_ranking(history: History, among: str, ranked: str, *, k: int) -> nw.LazyFrame:
    """The first `k` best sellers, of all or of the group, that each customer has not bought."""
    ranking = history.items.select("place", _less=nw.col("place"))
    on: list[str] = []
    if ranked == GROUP and history.grouped is not None:
        ranking, on = history.grouped.rename({"rank": "_less"}), ["group"]
    deep = k if among == ALL else k + _count_bought(history, ranking, on, most=DEPTH * k)
    first, people = ranking.filter(nw.col("_less") <= deep), history.people
    listed = people.join(first, on=on) if on else people.join(first, how="cross")
    if among == FRESH:
        bought = history.own.select("customer_id", "place")
        listed = listed.join(bought, on=["customer_id", "place"], how="anti")
    return _take_first(listed, k=k)


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
    return number_within(counted, "group", order=("_less", "place")).select(
        "group", "place", "rank"
    )


def open_groups(groups: Frame, *, by: str, like: Frame) -> nw.LazyFrame:
    """customer_id, group, in the engine of `like`."""
    opened = frames.lazy(groups, needs=("customer_id", by))
    opened = opened.select(nw.col("customer_id").cast(nw.String), group=nw.col(by).cast(nw.String))
    if isinstance(groups, pd.DataFrame) and not isinstance(like, pd.DataFrame):
        return frames.from_pandas(frames.table(opened), like=nw.to_native(nw.from_native(like)))
    return opened
