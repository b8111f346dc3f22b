"""RFM segments: what the R and F scores of customers say, who moved, and what to do next."""

from __future__ import annotations

from math import nan
from typing import NamedTuple

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import transitions
from ltvkit.core import files
from ltvkit.core.i18n import N_, _
from ltvkit.display import formats, joining
from ltvkit.display.texts import explain_no_shares, fill
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, one_of
from ltvkit.rfm.scores import NEEDS

FEWEST = 5  # customers whose scores from 1 to 5 say something


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
PAIR = ("r_score", "f_score")
TOO_FEW = N_("Too few to compare: look at what each of them buys, and when")
AT_A_LOSS = N_("Find out why they bring nothing before you spend on them")
LOSES = N_("Each sale costs more than it brings: change prices or goods before you spend on them")
PAYS, GONE = N_("Nothing to do while they pay"), N_("Ask once why they stopped paying")
FACTS = (*PAIR, "recency_days", "orders")


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


def summarize(segmented: Frame, *, margin_rate: float = nan, regular: bool = False) -> pd.DataFrame:
    """Segmented customers -> one row per segment that has any, the best first.

    Its columns are `COLUMNS`. Shares of revenue are of what customers above zero paid (see
    `deciles.summarize`), and NaN where all revenue together is zero or less. Fewer customers than
    there are scores get no action of their segment. Where customers pay in a `regular` rhythm, who
    paid last week is no newer than who paid three weeks ago: actions say only who still pays. Below
    a `margin_rate` of zero no segment is worth money.
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
    actions = {s.name: s.action for s in SEGMENTS}
    if regular:
        actions = {s.name: PAYS if max(s.r) > 2 else GONE for s in SEGMENTS}
    if margin_rate < 0:
        actions = dict.fromkeys(actions, LOSES)
    if table["customers"].sum() < FEWEST:
        actions = dict.fromkeys(actions, TOO_FEW)
    return table.assign(
        customers_share=table["customers"] / table["customers"].sum(),
        revenue_share=table["_paid"] / whole,
        average_order_value=table["revenue"] / table["orders"],
        revenue_per_customer=table["revenue"] / table["customers"],
        action=table["segment"]
        .map({name: _(action) for name, action in actions.items()})
        .where(table["revenue"] > 0, _(AT_A_LOSS)),
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
    """Which segment brings in most, and how many good customers have gone quiet.

    Of fewer customers than there are scores, no more than whether they brought revenue.
    """
    if len(summary) > 1 and not summary["revenue"].sum() > 0:
        return explain_no_shares(summary["revenue"].sum())
    if (n := int(summary["customers"].sum())) < FEWEST:
        return fill("few_to_score", n=n)
    if len(summary) == 1:
        name = _(summary["segment"].iloc[0])
        return fill("one_segment", segment=name, ago=_days_ago(summary))
    best = summary.loc[summary["revenue"].idxmax()]
    people = next(_(s.people) for s in SEGMENTS if s.name == best["segment"])
    figures = {"customers": best["customers_share"], "revenue": best["revenue_share"]}
    figures["ago"] = _days_ago(summary[summary["segment"] == best["segment"]])
    leaders = fill("best_segment", people=people, **figures)
    if (summary["action"] == _(LOSES)).any():
        return joining.sentences([leaders, fill("loses")])
    quiet = summary[summary["segment"].isin(QUIET)]
    if quiet.empty:
        return leaders
    n, revenue = int(quiet["customers"].sum()), quiet["revenue_share"].sum()
    return joining.sentences([leaders, fill("quiet", n=n, revenue=revenue, ago=_days_ago(quiet))])


def _days_ago(rows: pd.DataFrame) -> str:
    """How long ago the last orders of these segments are: "12 to 95 days ago", or "1 day ago"."""
    ends = int(rows["shortest_recency_days"].min()), int(rows["longest_recency_days"].max())
    few, many = map(formats.count, ends)
    days = few if few == many else fill("span", few=few, many=many)
    return fill("days_ago", n=ends[1], days=days)
