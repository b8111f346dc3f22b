"""The ways to choose offers: how each method ranks what was bought up to a day.

Each method is a list of parts that follow one another: the best of the first, then of the next one
those that are not in it yet, until there are `k`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit.engines import frames
from ltvkit.engines.ranking import number_within
from ltvkit.offers import neighbours
from ltvkit.offers.histories import History, keep

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


class Way(NamedTuple):
    """A way to choose offers: a method of `METHODS`, and the half-life of what was bought."""

    kind: str
    method: str
    half_life: float = 0

    @property
    def parts(self) -> list[tuple[str, str, float]]:
        """The parts of its method, each with the half-life that it depends on."""
        weighed = (PERSONAL, NEAR)
        parts = METHODS[self.kind][self.method]
        return [(among, by, self.half_life if by in weighed else 0) for among, by in parts]


def rank_offers(history: History, ways: Sequence[Way], *, k: int) -> nw.LazyFrame:
    """`History` -> way (its place in `ways`), customer_id, place, rank (1 to `k`); lazy.

    What several ways have in common is computed once.
    """
    numbers = {part: n for n, part in enumerate(dict.fromkeys(p for w in ways for p in w.parts))}
    steps = [
        (way, numbers[part], step * (MOST + 1))
        for way, one in enumerate(ways)
        for step, part in enumerate(one.parts)
    ]
    table = pd.DataFrame(steps, columns=["way", "part", "after"])
    placed = frames.from_pandas(table, like=nw.to_native(nw.from_native(history.like)))
    first = (
        _list_parts(history, list(numbers), k=k)
        .join(placed, on="part")
        .with_columns(_key=nw.col("rank") + nw.col("after"))
        .group_by("way", "customer_id", "place")
        .agg(nw.col("_key").min())
    )
    # Places break the ties that two parts could only have with themselves.
    listed = number_within(first, "way", "customer_id", order=("_key", "place"))
    return listed.filter(nw.col("rank") <= k).select("way", "customer_id", "place", "rank")


def _list_parts(
    history: History, parts: Sequence[tuple[str, str, float]], *, k: int
) -> nw.LazyFrame:
    """part (its number), customer_id, place, rank: the first `k` of each part and customer, kept in
    the engine."""
    near = {half_life: _open_near(history, half_life) for _, by, half_life in parts if by == NEAR}
    deep = {
        by: _count_bought(history, by, most=DEPTH * k)
        for by in dict.fromkeys(by for among, by, _ in parts if among == FRESH and by != NEAR)
    }
    scored = []
    for number, (among, by, half_life) in enumerate(parts):
        if by == NEAR:
            found = _score_near(near[half_life], among)
        elif among == OWN:
            found = _score_own(history, by, half_life)
        else:
            found = _list_from_ranking(history, among, by, deep=k + deep.get(by, 0))
        less = nw.col("_less").cast(nw.Float64)
        part = nw.lit(number).cast(nw.Int64)
        scored.append(found.select("customer_id", "place", _less=less, part=part))
    listed = number_within(nw.concat(scored), "part", "customer_id", order=("_less", "place"))
    first = listed.filter(nw.col("rank") <= k)
    return keep(first.select("part", "customer_id", "place", "rank"), like=history.like)


def _score_own(history: History, by: str, half_life: float) -> nw.LazyFrame:
    """What customers have bought, by how often, by best sellers, or by those of their group."""
    if by == GROUP and history.grouped is not None:
        own = history.own.join(history.people, on="customer_id")
        own = own.join(history.grouped, on=["group", "place"])
        return own.with_columns(_less=nw.col("rank"))
    weight = nw.col(history.weights[half_life]) if by == PERSONAL else None
    return history.own.with_columns(_less=nw.col("place") if weight is None else -weight)


def _open_near(history: History, half_life: float) -> nw.LazyFrame:
    """What is bought by customers who bought the same: customer_id, place, score, owned (1: bought
    before)."""
    weight = nw.col(history.weights[half_life])
    weighed = history.everybody.select("customer_id", "place", weight=weight)
    only = history.people.select("customer_id")
    scores = neighbours.score_neighbours(weighed, like=history.like, only=only)
    owned = history.own.select("customer_id", "place", owned=nw.lit(1).cast(nw.Int64))
    marked = scores.join(owned, on=["customer_id", "place"], how="left")
    return keep(marked.with_columns(nw.col("owned").fill_null(0)), like=history.like)


def _score_near(near: nw.LazyFrame, among: str) -> nw.LazyFrame:
    found = near if among == ALL else near.filter(nw.col("owned") == int(among == OWN))
    return found.with_columns(_less=-nw.col("score"))


def _list_from_ranking(history: History, among: str, by: str, *, deep: int) -> nw.LazyFrame:
    """The first best sellers, of all or of the group; of `FRESH`, those that each customer has not
    bought."""
    ranking, on = _find_ranking(history, by)
    first, people = ranking.filter(nw.col("_less") <= deep), history.people
    listed = people.join(first, on=on) if on else people.join(first, how="cross")
    if among == FRESH:
        bought = history.own.select("customer_id", "place")
        listed = listed.join(bought, on=["customer_id", "place"], how="anti")
    return listed


def _find_ranking(history: History, by: str) -> tuple[nw.LazyFrame, list[str]]:
    """place and `_less`, of all or of each group, and by which column."""
    if by == GROUP and history.grouped is not None:
        return history.grouped.rename({"rank": "_less"}), ["group"]
    return history.items.select("place", _less=nw.col("place")), []


def _count_bought(history: History, by: str, *, most: int) -> int:
    """How many of the first `most` of a ranking a customer has bought, at most."""
    ranking, on = _find_ranking(history, by)
    own = history.own.select("customer_id", "place")
    own = own.join(history.people, on="customer_id") if on else own
    first = ranking.filter(nw.col("_less") <= most)
    counts = own.join(first, on=[*on, "place"]).group_by("customer_id").agg(n=nw.len())
    found = frames.table(counts.select(nw.col("n").max()))["n"]
    return int(found.iloc[0]) if len(found) and not pd.isna(found.iloc[0]) else 0
