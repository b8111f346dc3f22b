"""What was bought up to a day: what offers are chosen from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import periods
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.engines.ranking import number_within
from ltvkit.errors import TooLittleData
from ltvkit.offers import purchases
from ltvkit.offers.texts import fill
from ltvkit.periods import Day


class History(NamedTuple):
    """What was bought up to a day. `own`: customer_id, place, days and, by half-life, the columns
    that `weights` names, of the customers whom offers are asked for; `everybody`: the same of all;
    `items`: item, place (1: the best seller); `people`: customer_id, and group where customers have
    one; `grouped`: group, place, rank; `like`: of the engine."""

    own: nw.LazyFrame
    everybody: nw.LazyFrame
    items: nw.LazyFrame
    people: nw.LazyFrame
    grouped: nw.LazyFrame | None
    weights: dict[float, str]
    like: Frame


def open_history(
    lines: Frame,
    *,
    as_of: Day,
    item: str,
    half_lives: Sequence[float] = (0,),
    groups: Frame | None = None,
    by: str = "segment",
    only: nw.LazyFrame | None = None,
) -> History:
    """Order lines up to `as_of` -> `History`, its tables computed once in their engine. `only`:
    offers are asked for these customers alone; best sellers and neighbours are of all."""
    bought = purchases.select_items(lines, as_of=as_of, item=item)
    weights = purchases.name_weights(half_lives)
    counted = keep(purchases.count_items(bought, as_of=as_of, weights=weights), like=lines)
    items = keep(purchases.rank_items(counted, as_of=as_of), like=lines)
    if not frames.count(items):
        raise TooLittleData(fill("nothing_bought", item=item))
    own = everybody = keep(counted.join(items, on="item").drop("item"), like=lines)
    people = everybody.select("customer_id").unique()
    grouped = None
    if groups is not None:
        people = people.join(open_groups(groups, by=by, like=lines), on="customer_id", how="left")
        grouped = keep(_rank_in_groups(everybody, people, as_of=as_of), like=lines)
    if only is not None:
        people = people.join(only, on="customer_id", how="semi")
        own = keep(everybody.join(only, on="customer_id", how="semi"), like=lines)
    return History(own, everybody, items, keep(people, like=lines), grouped, weights, lines)


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


def keep(result: nw.LazyFrame, *, like: Frame) -> nw.LazyFrame:
    """A result, computed once in the engine of `like`."""
    return frames.lazy(frames.materialize(result, like=like))
