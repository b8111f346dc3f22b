"""RFM: how recently, how often and how much each customer bought, and what to do next.

Source: Hughes, A. M. (1994), Strategic Database Marketing. Scores run from 1 to `bins`, the
higher the better; segments read the R and F scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import inf, nan
from typing import Any, Literal, NamedTuple

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import transitions
from ltvkit.core import files
from ltvkit.core.i18n import _
from ltvkit.display import formats
from ltvkit.display.texts import explain_no_shares, fill
from ltvkit.engines import frames, ranking
from ltvkit.engines.frames import Frame
from ltvkit.errors import DataError, ParamsError, is_number, one_of

__all__ = [
    "MEASURES", "SEGMENTS", "SEGMENT_NAMES", "Segment", "finding", "fixed_edges", "grid",
    "hold_to_facts", "members", "migrate", "score", "segment", "summarize", "thresholds",
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

# Scores compare customers with each other; what a segment's name says must also be true by itself.
RECENT_DAYS = 30  # who ordered since is not called at risk or lost
LAPSE_DAYS = 180  # who did not order since is not called new, loyal or a champion
LOST = 4  # times as long without an order: lost, however often they had bought

COLUMNS = [  # of `summarize`
    *("segment", "customers", "customers_share", "revenue", "revenue_share", "orders"),
    *("average_order_value", "revenue_per_customer", "median_recency_days"),
    *("shortest_recency_days", "longest_recency_days", "action"),
]
EDGES = {"below": ("above", "up_to"), "above": ("from", "below")}  # columns of `thresholds`
MEASURES = {"recency_days": "r_score", "orders": "f_score", "revenue": "m_score"}
NEEDS = ("customer_id", *MEASURES)
PAIR = ("r_score", "f_score")
FACTS = (*PAIR, "recency_days", "orders")


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


def segment(
    scored: Frame, *, recent_days: int = RECENT_DAYS, lapse_days: int = LAPSE_DAYS
) -> Frame:
    """Scored customers -> the same with `segment`, by R and F scores of 1 to 5 (see `SEGMENTS`).

    The scores are held to the facts first (see `hold_to_facts`), and stay as they are in the
    result. Of a frame without `recency_days` and `orders` only the scores are known.

    >>> silent = {"recency_days": [900], "orders": [1], "r_score": [5], "f_score": [1]}
    >>> segment(pd.DataFrame(silent))[["r_score", "segment"]].to_dict("records")
    [{'r_score': 5, 'segment': 'lost'}]
    """
    opened = frames.lazy(scored, needs=PAIR)
    known = set(FACTS) <= set(opened.collect_schema().names())
    held = _held(recent_days, lapse_days) if known else {name: nw.col(name) for name in PAIR}
    working = {f"_held_{name}": score for name, score in held.items()}
    named = _with_segment(opened.with_columns(**working), *working, like=scored)
    return frames.materialize(frames.without(named, *working), like=scored)


def hold_to_facts(
    scored: Frame, *, recent_days: int = RECENT_DAYS, lapse_days: int = LAPSE_DAYS
) -> Frame:
    """Scored customers -> the same, with R and F scores that do not contradict the facts.

    Scores of 1 to 5 compare customers with each other. Where all are silent for years, the least
    late have R 5; where all bought this week, the first of them have R 1. So:

    - no order for `lapse_days` or more: R is 2 at most (never new, loyal or a champion)
    - none for four times as long: R is 1 and F at most 2 (lost, and no longer at risk)
    - else an order within the last `recent_days`: R is 4 at least (never at risk, quiet or lost)
    - in between: R is 2 at least (nobody is lost who does not yet count as gone)
    - a second order: F is 2 at least (nobody is new who came back); without one, F is 1
    """
    held = _held(recent_days, lapse_days)
    return frames.materialize(frames.lazy(scored, needs=FACTS).with_columns(**held), like=scored)


def _held(recent_days: int, lapse_days: int) -> dict[str, nw.Expr]:
    days, again, (r, f) = nw.col("recency_days"), nw.col("orders") > 1, map(nw.col, PAIR)
    gone, lost = days >= lapse_days, days >= LOST * lapse_days
    least = nw.when(days <= recent_days).then(4).otherwise(2)
    here = nw.when(r < least).then(least).otherwise(r)
    r = nw.when(gone).then(nw.when(r > 2).then(2).otherwise(r)).otherwise(here)
    f = nw.when((f < 2) | lost).then(2).otherwise(f)
    return {
        "r_score": nw.when(lost).then(1).otherwise(r),
        "f_score": nw.when(again).then(f).otherwise(1),
    }


def _with_segment(opened: nw.LazyFrame, r: str, f: str, *, like: Frame) -> nw.LazyFrame:
    """With the segment of the scores in columns `r` and `f`."""
    opened = frames.without(opened, "segment")
    name = nw.lit(None, nw.String)
    for s in SEGMENTS:
        fits = nw.col(r).is_between(*s.r) & nw.col(f).is_between(*s.f)
        name = nw.when(fits).then(nw.lit(s.name)).otherwise(name)
    # A name for each pair of scores, of which there are few, and not for each customer.
    pairs = frames.table(opened.select(r, f).unique().with_columns(segment=name))
    if pairs["segment"].isna().any():
        raise ParamsError("segments need scores of 1 to 5: score with bins=5, or with four cuts.")
    return opened.join(frames.from_pandas(pairs, like=like), on=[r, f], how="left")


def summarize(segmented: Frame) -> pd.DataFrame:
    """Segmented customers -> one row per segment that has any, the best first.

    Its columns are `COLUMNS`. Shares of revenue are of what customers above zero paid (see
    `deciles.summarize`), and NaN where all revenue together is zero or less.
    """
    opened = frames.lazy(segmented, needs=(*NEEDS, "segment"))
    days = nw.col("recency_days")
    more = {"customers": nw.len(), "median_recency_days": days.median()}
    more |= {"shortest_recency_days": days.min(), "longest_recency_days": days.max()}
    opened = opened.with_columns(_paid=frames.above_zero("revenue"))
    table = frames.add_up(opened, "segment", sums=("revenue", "orders", "_paid"), **more)
    table = table.set_index("segment")
    table = table.loc[[n for n in SEGMENT_NAMES if n in table.index]].reset_index()
    whole = table["_paid"].sum() if table["revenue"].sum() > 0 else nan
    return table.assign(
        customers_share=table["customers"] / table["customers"].sum(),
        revenue_share=table["_paid"] / whole,
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
        name = _(summary["segment"].iloc[0])
        return fill("one_segment", segment=name, ago=_days_ago(summary))
    if not summary["revenue"].sum() > 0:
        return explain_no_shares(summary["revenue"].sum())
    best = summary.loc[summary["revenue"].idxmax()]
    people = next(_(s.people) for s in SEGMENTS if s.name == best["segment"])
    figures = {"customers": best["customers_share"], "revenue": best["revenue_share"]}
    figures["ago"] = _days_ago(summary[summary["segment"] == best["segment"]])
    leaders = fill("best_segment", people=people, **figures)
    quiet = summary[summary["segment"].isin(QUIET)]
    if quiet.empty:
        return leaders
    n, revenue = int(quiet["customers"].sum()), quiet["revenue_share"].sum()
    return f"{leaders} {fill('quiet', n=n, revenue=revenue, ago=_days_ago(quiet))}"


def _days_ago(rows: pd.DataFrame) -> str:
    """How long ago the last orders of these segments are: "12 to 95 days ago", or "1 day ago"."""
    ends = int(rows["shortest_recency_days"].min()), int(rows["longest_recency_days"].max())
    few, many = map(formats.count, ends)
    days = few if few == many else fill("span", few=few, many=many)
    return fill("days_ago", n=ends[1], days=days)


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
