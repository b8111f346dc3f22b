"""RFM: how recently, how often and how much each customer bought, and what to do next.

Source: Hughes, A. M. (1994), Strategic Database Marketing. Scores run from 1 to `bins`, the
higher the better; segments read the R and F scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import inf, nan
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import transitions
from ltvkit.core import files
from ltvkit.core.i18n import _
from ltvkit.display import formats
from ltvkit.display.texts import fill
from ltvkit.engines import frames, ranking
from ltvkit.engines.frames import Frame
from ltvkit.errors import DataError, ParamsError, is_number, one_of

__all__ = [
    "MEASURES", "SEGMENTS", "SEGMENT_NAMES", "Segment", "finding", "fixed_edges", "grid",
    "members", "migrate", "score", "segment", "summarize", "thresholds",
]  # fmt: skip

__dir__ = __all__.copy


class Segment(NamedTuple):
    """One segment: its name, the R and F scores it spans (both ends included), what to do with
    it, and what its customers are called in a sentence."""

    name: str
    r: tuple[int, int]
    f: tuple[int, int]
    action: str
    people: str


SEGMENTS = tuple(
    Segment(**row | {"r": tuple(row["r"]), "f": tuple(row["f"])})
    for row in files.read_yaml(formats.__name__, "rfm_segments.yaml")
)
SEGMENT_NAMES = tuple(s.name for s in SEGMENTS)

# Good customers who no longer order.
QUIET = ("at risk", "can't lose")

COLUMNS = [  # of `summarize`
    *("segment", "customers", "customers_share", "revenue", "revenue_share", "orders"),
    *("average_order_value", "revenue_per_customer", "median_recency_days", "action"),
]
MEASURES = {"recency_days": "r_score", "orders": "f_score", "revenue": "m_score"}
NEEDS = ("customer_id", *MEASURES)
PAIR = ("r_score", "f_score")


def thresholds(
    customers: Frame, *, bins: int = 5, cuts: pd.DataFrame | Mapping | None = None
) -> pd.DataFrame:
    """Customers -> the edges between scores: measure, score, above, up_to, customers.

    The k-th edge is the smallest value that at least k/bins of the customers do not exceed, so
    it is a value that occurs. A customer has a score when above < value <= up_to: same value,
    same score. Where many share one value (most customers bought once), they all take the
    lowest score of the span they fill, and the scores in between stay empty.
    Recency counts downwards: the fewest days have the highest score.

    `cuts` holds edges fixed: a table from here, or edges per measure, ascending
    ({"recency_days": [30, 90, 180, 365], ...}). Only the count of customers is then new.
    """
    opened = frames.lazy(customers, needs=NEEDS)
    return _with_counts(opened, _all_edges(opened, bins, cuts))


def score(customers: Frame, *, bins: int = 5, cuts: pd.DataFrame | Mapping | None = None) -> Frame:
    """Customers -> the same with `r_score`, `f_score`, `m_score` (1 to `bins`, 5 is best of 5).

    Edges are the quantiles of these customers, or `cuts` where given (see `thresholds`); a value
    on an edge belongs below it. Columns of these names that are there already are replaced. Returns
    the kind of frame that it got.
    """
    opened = frames.lazy(customers, needs=NEEDS)
    edges = _all_edges(opened, bins, cuts)
    scores = {MEASURES[m]: _score(m, edges[m]) for m in MEASURES}
    scored = frames.without(opened, *scores).with_columns(**scores)
    return frames.materialize(scored, like=customers)


def segment(scored: Frame) -> Frame:
    """Scored customers -> the same with `segment`, by R and F scores of 1 to 5 (see `SEGMENTS`)."""
    opened = frames.without(frames.lazy(scored, needs=PAIR), "segment")
    name = nw.lit(None, nw.String)
    for s in SEGMENTS:
        fits = nw.col("r_score").is_between(*s.r) & nw.col("f_score").is_between(*s.f)
        name = nw.when(fits).then(nw.lit(s.name)).otherwise(name)
    # A name for each pair of scores, of which there are few, and not for each customer.
    pairs = frames.table(opened.select(*PAIR).unique().with_columns(segment=name))
    if pairs["segment"].isna().any():
        raise ParamsError("segments need scores of 1 to 5: score with bins=5, or with four cuts.")
    segmented = opened.join(frames.from_pandas(pairs, like=scored), on=list(PAIR), how="left")
    return frames.materialize(segmented, like=scored)


def summarize(segmented: Frame) -> pd.DataFrame:
    """Segmented customers -> one row per segment that has any, the best first.

    Its columns are `COLUMNS`; shares of revenue are NaN where there is none.
    """
    opened = frames.lazy(segmented, needs=(*NEEDS, "segment"))
    more = {"customers": nw.len(), "median_recency_days": nw.col("recency_days").median()}
    table = frames.add_up(opened, "segment", sums=("revenue", "orders"), **more)
    table = table.set_index("segment")
    table = table.loc[[n for n in SEGMENT_NAMES if n in table.index]].reset_index()
    whole = table["revenue"].sum()
    return table.assign(
        customers_share=table["customers"] / table["customers"].sum(),
        revenue_share=table["revenue"] / (whole if whole > 0 else nan),
        average_order_value=table["revenue"] / table["orders"],
        revenue_per_customer=table["revenue"] / table["customers"],
        action=table["segment"].map({s.name: _(s.action) for s in SEGMENTS}),
    )[COLUMNS]


def grid(scored: Frame) -> pd.DataFrame:
    """Scored customers -> how many have each R (rows, best first) and F score (columns)."""
    counts = frames.table(frames.lazy(scored).group_by("r_score", "f_score").agg(n=nw.len()))
    top = max(5, int(counts[["r_score", "f_score"]].max().max()))
    return (
        counts.pivot(index="r_score", columns="f_score", values="n")
        .reindex(index=range(top, 0, -1), columns=range(1, top + 1))
        .fillna(0)
        .astype("int64")
        .reset_index()
        .rename_axis(columns=None)
    )


def members(segmented: Frame, *, segment: str) -> Frame:
    """The customers of one segment, the highest revenue first, as the kind that went in.

    For lists to act on: the customer's id, figures and scores.
    """
    one_of("segment", segment, SEGMENT_NAMES)
    chosen = frames.lazy(segmented).filter(nw.col("segment") == segment)
    return frames.materialize(
        chosen.sort("revenue", "customer_id", descending=[True, False]), like=segmented
    )


def migrate(before: Frame, after: Frame) -> pd.DataFrame:
    """Segmented customers at two dates -> how many moved from which segment to which.

    Score both dates with the same `cuts`, or the edges move as well as the customers.
    """
    return transitions.count(
        before,
        after,
        item="customer_id",
        label="segment",
        labels=list(SEGMENT_NAMES),
        absent=(_("not yet a customer"), _("gone")),
    )


def finding(summary: pd.DataFrame) -> str:
    """Which segment brings in most, and how many good customers have gone quiet."""
    if len(summary) == 1:
        return fill("one_segment", segment=_(summary["segment"].iloc[0]))
    if not summary["revenue"].sum() > 0:
        return fill("no_revenue")
    best = summary.loc[summary["revenue"].idxmax()]
    people = next(_(s.people) for s in SEGMENTS if s.name == best["segment"])
    shares = {"customers": best["customers_share"], "revenue": best["revenue_share"]}
    leaders = fill("best_segment", people=people, **shares)
    quiet = summary[summary["segment"].isin(QUIET)]
    if quiet.empty:
        return leaders
    n, revenue = int(quiet["customers"].sum()), quiet["revenue_share"].sum()
    return f"{leaders} {fill('quiet', n=n, revenue=revenue)}"


def _all_edges(customers: nw.LazyFrame, bins: int, cuts: Any) -> dict[str, list[float]]:
    if not isinstance(bins, int) or bins < 2:
        raise ParamsError(f"bins={bins!r}: give a whole number of 2 or more.")
    if cuts is not None:
        return fixed_edges(cuts)
    size = frames.count(customers)
    if not size:
        raise DataError("there are no customers to score: nobody had bought by that date.")
    return {measure: _edges(customers, measure, bins, size) for measure in MEASURES}


def _edges(customers: nw.LazyFrame, measure: str, bins: int, size: int) -> list[float]:
    counted = customers.group_by(measure).agg(n=nw.len())
    reached = ranking.rank(counted, by=measure, ascending=True, running=["n"])
    edge = {
        f"e{k}": nw.when(nw.col("n_upto") * bins >= k * size).then(nw.col(measure)).min()
        for k in range(1, bins)
    }
    return [float(v) for v in frames.table(reached.select(**edge)).iloc[0]]


def fixed_edges(cuts: pd.DataFrame | Mapping, name: str = "cuts") -> dict[str, list[float]]:
    """`cuts` as edges per measure; raises `ParamsError` unless all measures have ascending ones."""
    if isinstance(cuts, pd.DataFrame):
        inner = cuts.sort_values(["measure", "up_to"])
        edges = {m: list(rows["up_to"])[:-1] for m, rows in inner.groupby("measure")}
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


def _score(measure: str, edges: list[float]) -> nw.Expr:
    passed = nw.sum_horizontal(*((nw.col(measure) > e).cast(nw.Int64) for e in edges))
    return len(edges) + 1 - passed if measure == "recency_days" else passed + 1


def _with_counts(customers: nw.LazyFrame, edges: dict[str, list[float]]) -> pd.DataFrame:
    places = [
        (measure, place, above, up_to)
        for measure, inner in edges.items()
        for place, (above, up_to) in enumerate(pairwise([-inf, *inner, inf]), start=1)
    ]
    within = {
        f"{measure}_{place}": (nw.col(measure) > above) & (nw.col(measure) <= up_to)
        for measure, place, above, up_to in places
    }
    counts = frames.table(
        customers.select(**{n: w.cast(nw.Int64).sum() for n, w in within.items()})
    )
    table = pd.DataFrame(places, columns=["measure", "score", "above", "up_to"])
    table["customers"] = counts.iloc[0].fillna(0).astype("int64").to_numpy()
    recency = table["measure"] == "recency_days"
    best = len(edges["recency_days"]) + 2
    return table.assign(score=table["score"].where(~recency, best - table["score"]))
