"""Items that the same customers buy: item-kNN with the cosine of whom they were bought by.

Of each customer the 30 items of the largest weight are compared, and of each item the 20 nearest
are kept, so that work and memory grow with the customers, never with the square of the items (G.
Linden, B. Smith & J. York 2003, IEEE Internet Computing 7(1), 76-80; M. Deshpande & G. Karypis
2004, ACM Transactions on Information Systems 22(1), 143-177).
"""

from __future__ import annotations

import narwhals.stable.v2 as nw

from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.engines.ranking import number_within
from ltvkit.offers.purchases import PLACES

MOST = 30  # items of a customer that are compared
NEAREST = 20  # neighbours kept of an item
LEAST = 3  # customers who bought both; fewer are taken for chance


def select_most_bought(own: nw.LazyFrame, *, most: int = MOST) -> nw.LazyFrame:
    """customer_id, place, weight -> of each customer the `most` rows of the largest weight; equal:
    the better seller first."""
    keyed = own.select("customer_id", "place", "weight", _less=-nw.col("weight"))
    ranked = number_within(keyed, "customer_id", order=("_less", "place"))
    return ranked.filter(nw.col("rank") <= most).select("customer_id", "place", "weight")


def find_neighbours(
    own: nw.LazyFrame, *, nearest: int = NEAREST, least: int = LEAST
) -> nw.LazyFrame:
    """customer_id, place -> place, `other`, `cosine` of the `nearest` other items of each; lazy.

    cosine = customers of both / sqrt(customers of one x customers of the other). Pairs that fewer
    than `least` customers bought are left out. Equal: the better seller first.
    """
    other = own.select("customer_id", other=nw.col("place"))
    pairs = own.select("customer_id", "place").join(other, on="customer_id")
    counted = pairs.filter(nw.col("place") < nw.col("other")).group_by("place", "other")
    both = counted.agg(both=nw.len()).filter(nw.col("both") >= least)
    mirrored = both.select(place=nw.col("other"), other=nw.col("place"), both=nw.col("both"))
    sizes = own.group_by("place").agg(customers=nw.len())
    others = sizes.select(other=nw.col("place"), of_other=nw.col("customers"))
    expected = nw.col("customers").cast(nw.Float64) * nw.col("of_other").cast(nw.Float64)
    cosine = nw.col("both").cast(nw.Float64) / expected.sqrt()
    compared = (
        nw.concat([both.select("place", "other", "both"), mirrored])
        .join(sizes, on="place")
        .join(others, on="other")
        .select("place", "other", cosine=cosine.round(PLACES))
        .with_columns(_less=-nw.col("cosine"))
    )
    ranked = number_within(compared, "place", order=("_less", "other"))
    return ranked.filter(nw.col("rank") <= nearest).select("place", "other", "cosine")


def score_neighbours(
    own: nw.LazyFrame, *, like: Frame, only: nw.LazyFrame | None = None
) -> nw.LazyFrame:
    """What customers have bought -> customer_id, place, `score`: the sum of the cosines of what
    they bought with this item, weighed as it is; of `only` these customers where given; lazy.

    What it is computed from is kept in the engine of `like`.
    """
    basket = frames.lazy(frames.materialize(select_most_bought(own), like=like))
    near = frames.lazy(frames.materialize(find_neighbours(basket), like=like))
    asked = basket if only is None else basket.join(only, on="customer_id", how="semi")
    return (
        asked.join(near, on="place")
        .select("customer_id", place=nw.col("other"), score=nw.col("cosine") * nw.col("weight"))
        .group_by("customer_id", "place")
        .agg(nw.col("score").sum())
        .with_columns(nw.col("score").round(PLACES))
    )
