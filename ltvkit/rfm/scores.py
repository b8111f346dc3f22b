"""RFM scores: the edges between them, and the scores of customers.

Source: Hughes, A. M. (1994), Strategic Database Marketing. Scores run from 1 to `bins`, the
higher the better.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import inf
from typing import Any, Literal

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit.engines import frames, ranking
from ltvkit.engines.frames import Frame
from ltvkit.errors import DataError, ParamsError, is_number, one_of

EDGES = {"below": ("above", "up_to"), "above": ("from", "below")}  # columns of `thresholds`
MEASURES = {"recency_days": "r_score", "orders": "f_score", "revenue": "m_score"}
NEEDS = ("customer_id", *MEASURES)


def thresholds(
    customers: Frame,
    *,
    bins: int = 5,
    cuts: pd.DataFrame | Mapping | None = None,
    edges: str = "below",
) -> pd.DataFrame:
    """Customers -> the edges between scores: measure, score, above, up_to, customers.

    The k-th edge is the smallest value that at least k/bins of the customers do not exceed, so
    it is a value that occurs. A customer has a score when above < value <= up_to: same value,
    same score. Where many share one value (most customers bought once), they all take the
    lowest score of the span they fill, and the scores in between stay empty.
    Recency counts downwards: the fewest days have the highest score.

    `cuts` holds edges fixed: a table from here, or edges per measure, ascending
    ({"recency_days": [30, 90, 180, 365], ...}). Only the count of customers is then new. `edges`
    says where a value on an edge of such a mapping belongs: "below" it, as in a table from here and
    in `cut` of R, or "above" it, as with given thresholds in R's package rfm. The table then has
    the columns `from` and `below` in place of `above` and `up_to`: from <= value < below.
    """
    opened = frames.lazy(customers, needs=NEEDS)
    rule = _rule(cuts, edges)
    return _with_counts(opened, _all_edges(opened, bins, cuts), rule)


def score(
    customers: Frame,
    *,
    bins: int = 5,
    cuts: pd.DataFrame | Mapping | None = None,
    edges: str = "below",
) -> Frame:
    """Customers -> the same with `r_score`, `f_score`, `m_score` (1 to `bins`, 5 is best of 5).

    Edges are the quantiles of these customers, or `cuts` where given (see `thresholds`); a value
    on an edge belongs below it, or above it where `edges` or the columns of a table in `cuts` say
    so. Columns of these names that are there already are replaced. Returns the kind of frame that
    it got.
    """
    opened = frames.lazy(customers, needs=NEEDS)
    rule, inner = _rule(cuts, edges), _all_edges(opened, bins, cuts)
    scores = {MEASURES[m]: _score(m, inner[m], rule) for m in MEASURES}
    scored = frames.without(opened, *scores).with_columns(**scores)
    return frames.materialize(scored, like=customers)


def _rule(cuts: Any, edges: str) -> str:
    """Where a value on an edge belongs; a table of cuts tells it by its columns."""
    one_of("edges", edges, EDGES)
    if isinstance(cuts, pd.DataFrame):
        return next((rule for rule, (_low, high) in EDGES.items() if high in cuts), edges)
    return "below" if cuts is None else edges


def _all_edges(customers: nw.LazyFrame, bins: int, cuts: Any) -> dict[str, list[float]]:
    if not isinstance(bins, int) or bins < 2:
        raise ParamsError(f"bins={bins!r}: give a whole number of 2 or more.")
    if cuts is not None:
        return fixed_edges(cuts)
    size = frames.count(customers)
    if not size:
        raise DataError("there are no customers to score: nobody had bought by that date.")
    shares = [k / bins for k in range(1, bins)]
    return ranking.find_quantiles(customers, shares=dict.fromkeys(MEASURES, shares), rows=size)


def fixed_edges(cuts: pd.DataFrame | Mapping, name: str = "cuts") -> dict[str, list[float]]:
    """`cuts` as edges per measure; raises `ParamsError` unless all measures have ascending ones."""
    if isinstance(cuts, pd.DataFrame):
        ends = EDGES[_rule(cuts, "below")][1]
        inner = cuts.sort_values(["measure", ends])
        edges = {m: list(rows[ends])[:-1] for m, rows in inner.groupby("measure")}
    else:
        edges = {m: _numbers(name, m, e) for m, e in cuts.items()}
    for measure in MEASURES:
        if measure not in edges:
            raise ParamsError(f"{name}: no edges for {measure}; give {', '.join(MEASURES)}.")
        if edges[measure] != sorted(edges[measure]):
            raise ParamsError(f"{name}: the edges of {measure} must ascend; got {edges[measure]}.")
    return edges


def _numbers(name: str, measure: str, edges: Any) -> list[float]:
    one_of(name, measure, MEASURES)
    if not isinstance(edges, list | tuple) or not all(map(is_number, edges)):
        raise ParamsError(f"{name}: {measure}: {edges!r} must be a list of numbers.")
    return list(map(float, edges))


def _score(measure: str, edges: list[float], rule: str) -> nw.Expr:
    value = nw.col(measure)
    beyond = [value > e if rule == "below" else value >= e for e in edges]
    passed = nw.sum_horizontal(*(each.cast(nw.Int64) for each in beyond))
    return len(edges) + 1 - passed if measure == "recency_days" else passed + 1


def _with_counts(customers: nw.LazyFrame, edges: dict[str, list[float]], rule: str) -> pd.DataFrame:
    places = [
        (measure, place, low, high)
        for measure, inner in edges.items()
        for place, (low, high) in enumerate(pairwise([-inf, *inner, inf]), start=1)
    ]
    closed: Literal["left", "right"] = "right" if rule == "below" else "left"
    within = {
        f"{measure}_{place}": nw.col(measure).is_between(low, high, closed=closed)
        for measure, place, low, high in places
    }
    counts = frames.table(
        customers.select(**{n: w.cast(nw.Int64).sum() for n, w in within.items()})
    )
    table = pd.DataFrame(places, columns=["measure", "score", *EDGES[rule]])
    table["customers"] = counts.iloc[0].fillna(0).astype("int64").to_numpy()
    recency = table["measure"] == "recency_days"
    best = len(edges["recency_days"]) + 2
    return table.assign(score=table["score"].where(~recency, best - table["score"]))
