"""Referral: who brought whom, how many customers each brings, and what LTV is with these.

How many customers one brings within some days is a mean of counts that go on (Nelson 1988, Journal
of Quality Technology 20(1), 24-35): each counts for as long as he or she was there. If each brings
k, who bring k each in turn, one becomes 1 + k + k^2 + ... = 1 / (1 - k).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.display import formats
from ltvkit.engines import frames, sampling
from ltvkit.engines.frames import Frame
from ltvkit.errors import NotRecorded, TooLittleData
from ltvkit.funnel import accumulation
from ltvkit.funnel.joining import Joined
from ltvkit.funnel.reaching import Stages
from ltvkit.funnel.stages import PURCHASE
from ltvkit.funnel.texts import fill
from ltvkit.ingest import daily

LEAST_CODES = 30  # customers who brought somebody
HORIZONS = (365, 180, 90, 30)  # days after the first order; the longest that fits
KINDS = ("both", "were_brought", "bring_others", "neither")


@dataclass(frozen=True)
class Referral:
    """Customers by whether they were brought, and bring others; see `measure_referral`.

    `figures`: `codes` (customers who brought somebody), `brought`, `left_out` (namings that cannot
    be used), `codes_followed` (codes of customers won since events began), `horizon_days`, and with
    `_low` and `_high` (95%, by drawing customers anew) `k` (customers brought by one within these
    days), `multiplier`, `ltv` (what one brings in these days) and `ltv_with_brought`. `refused`:
    why there is no multiplier, or no k (NaN); "" where both are there.
    """

    table: pd.DataFrame
    figures: dict[str, float]
    refused: str


def measure_referral(
    lines: Frame, joined: Joined | None, stages: Stages, *, of: str = "revenue", within: int = 0
) -> Referral:
    """Order lines, or their days, joined events and stages reached -> `Referral`.

    Who brought a customer is named by the first event with `referred_by` (equal times: by id). It
    counts where both have ordered, and the one who is named first did so on an earlier day: so
    nobody brings himself, and there is no circle. All else is `left_out`, and counted.

    `table`: a row per kind of customers ("both", "were_brought", "bring_others", "neither"):
    `kind`, `customers`, `revenue` (or margin: their own, so they add up to that of all),
    `ltv_so_far` (mean of that), `customers_brought` (by them), `revenue_brought` (of those, so far:
    a part of the total, not more of it), and `ltv_with_brought_so_far` (own and brought, per
    customer: not to be added up, as a sale counts for who bought and for who brought the buyer).

    k counts from the first event or the first order, whichever is later: only customers won while
    codes are recorded are followed. `within` 0: the longest of 365, 180, 90 and 30 days that fits
    twice into the days of the events. The multiplier takes it that customers who are brought bring
    as much, and as many, as all others. It is refused where the upper end of k is 1 or more. k is
    refused, too, where fewer than 30 of those followed brought somebody, as in an old shop whose
    introducers were all won before codes were recorded; or where nobody was seen for so long.
    Raises `NotRecorded` without events, `TooLittleData` where fewer than 30 customers of any time
    brought somebody.
    """
    if joined is None:
        raise NotRecorded(fill("no_referrals"))
    pairs, named = _find_pairs(joined, stages)
    with frames.materialized(pairs, like=lines) as held:
        counts = held.select(brought=nw.len(), codes=nw.col("introducer").n_unique())
        row = frames.table(counts).iloc[0].fillna(0)  # nobody was introduced
        codes, brought = int(row["codes"]), int(row["brought"])
        if codes < LEAST_CODES:
            raise TooLittleData(fill("too_few_codes", n=codes, least=LEAST_CODES))
        table = _tabulate(lines, held, stages, of=of)
        days = within or _choose_days(joined)
        figures, refused = _follow(lines, held, joined, stages, of=of, within=days)
    counted = {"codes": codes, "brought": brought, "left_out": named - brought}
    return Referral(table, counted | {"horizon_days": days} | figures, refused)


def _find_pairs(joined: Joined, stages: Stages) -> tuple[nw.LazyFrame, int]:
    """introducer, customer_id, brought_on (the first order); and how many customers name one."""
    events = frames.lazy(joined.rows).filter(
        ~nw.col("referred_by").is_null(), ~nw.col("customer_id").is_null()
    )
    for key in ("event_time", "referred_by"):
        events = events.filter(nw.col(key) == nw.col(key).min().over("customer_id"))
    naming = events.select("customer_id", introducer=nw.col("referred_by")).unique()
    first = _find_first(stages)
    began = first.select(introducer=nw.col("customer_id"), _began=nw.col("reached"))
    paired = naming.join(first, on="customer_id").join(began, on="introducer")
    earlier = paired.filter(nw.col("_began") < nw.col("reached"))
    pairs = earlier.select("introducer", "customer_id", brought_on=nw.col("reached"))
    return pairs, frames.count(naming)


def _find_first(stages: Stages) -> nw.LazyFrame:
    rows = frames.lazy(stages.rows).filter(nw.col("stage") == PURCHASE)
    return rows.filter(~nw.col("customer_id").is_null()).select("customer_id", "reached")


def _tabulate(lines: Frame, pairs: nw.LazyFrame, stages: Stages, *, of: str) -> pd.DataFrame:
    seen = daily.select_days(lines, as_of=stages.as_of)
    days = frames.lazy(seen.to_native(), needs=(of,))
    paid = days.group_by("customer_id").agg(_own=nw.col(of).sum())
    people = _find_first(stages).join(paid, on="customer_id", how="left")
    people = people.with_columns(nw.col("_own").fill_null(0.0))
    theirs = pairs.join(people.select("customer_id", "_own"), on="customer_id")
    worth = theirs.group_by("introducer").agg(_theirs=nw.col("_own").sum(), _n=nw.len())
    worth = worth.rename({"introducer": "customer_id"})
    was = pairs.select("customer_id", _was=nw.lit(1))
    whole = people.join(worth, on="customer_id", how="left").join(was, on="customer_id", how="left")
    whole = whole.with_columns(nw.col("_theirs").fill_null(0.0), nw.col("_n", "_was").fill_null(0))
    brings, was_brought = nw.col("_n") > 0, nw.col("_was") > 0
    kind = (
        nw.when(brings & was_brought).then(nw.lit(KINDS[0]))
        .when(was_brought).then(nw.lit(KINDS[1]))
        .when(brings).then(nw.lit(KINDS[2]))
        .otherwise(nw.lit(KINDS[3]))
    )  # fmt: skip
    sums = whole.with_columns(kind=kind).group_by("kind")
    found = frames.table(sums.agg(nw.col("_own", "_theirs", "_n").sum(), customers=nw.len()))
    found = found.set_index("kind").reindex(KINDS).fillna(0.0)
    n = found["customers"].replace(0, np.nan)
    columns = {
        "customers": found["customers"].astype("int64"),
        of: found["_own"].round(6),
        "ltv_so_far": found["_own"] / n,
        "customers_brought": found["_n"].astype("int64"),
        f"{of}_brought": found["_theirs"].round(6),
        "ltv_with_brought_so_far": (found["_own"] + found["_theirs"]) / n,
    }
    return pd.DataFrame(columns).rename_axis("kind").reset_index()


def _choose_days(joined: Joined) -> int:
    seen = (joined.last - joined.first).days
    return next((days for days in HORIZONS if 2 * days <= seen), HORIZONS[-1])


def _follow(
    lines: Frame, pairs: nw.LazyFrame, joined: Joined, stages: Stages, *, of: str, within: int
) -> tuple[dict[str, float], str]:
    """k, multiplier, ltv, ltv_with_brought with their ends; and why there is no multiplier."""
    since, last = (periods.number_of(day) for day in (joined.first, joined.last))
    until = min(periods.number_of(stages.as_of), last)
    first = _find_first(stages).select("customer_id", first=periods.number("reached"))
    new = first.filter(nw.col("first") >= since, nw.col("first") <= until)
    seen = {"until": until, "within": within}
    with frames.materialized(sampling.deal(new), like=lines) as dealt:
        there = accumulation.count_there(dealt, **seen)
        came = pairs.join(dealt, left_on="introducer", right_on="customer_id")
        came = came.with_columns(age=periods.number("brought_on") - nw.col("first"))
        followed = accumulation.select_seen(came, **seen)
        codes = frames.count(followed.select("introducer").unique())
        counted = followed.group_by("group", "age").agg(n=nw.len())
        brought = accumulation.spread(frames.table(counted), "n", within)
        spent = accumulation.count_paid(lines, dealt, as_of=stages.as_of, of=of, **seen)
    found = {"k": accumulation.add_up(brought, there), "ltv": accumulation.add_up(spent, there)}
    multiplied = tuple(map(_multiply, found["k"]))
    found["multiplier"] = multiplied
    found["ltv_with_brought"] = tuple(x * m for x, m in zip(found["ltv"], multiplied, strict=True))
    figures: dict[str, float] = {"codes_followed": codes}
    for name, (value, drawn) in found.items():
        ends = (np.nan, np.nan)
        if not np.isnan(value):
            ends = np.nanquantile(drawn, [0.025, 0.975], method="nearest")
        low, high = map(float, ends)
        figures |= {name: float(value), f"{name}_low": low, f"{name}_high": high}
    return _refuse(figures, within)


def _refuse(figures: dict[str, float], within: int) -> tuple[dict[str, float], str]:
    """The figures, NaN where they cannot be said; and why not."""
    names: tuple[str, ...] = ("k", "multiplier", "ltv_with")
    if np.isnan(figures["k"]):
        why = fill("nobody_observed", days=within)
    elif figures["codes_followed"] < LEAST_CODES:
        why = fill("too_few_followed", n=int(figures["codes_followed"]), least=LEAST_CODES)
    elif figures["k_high"] >= 1:
        others = formats.number(100 * figures["k_high"], decimals=0)
        why, names = fill("k_too_large", k=others), names[1:]
    else:
        return figures, ""
    return figures | {n: np.nan for n in figures if n.startswith(names)}, why


def _multiply(k: Any) -> Any:
    """1 / (1 - k); infinite from 1 on."""
    return 1 / np.maximum(1 - np.asarray(k), 1e-12)
