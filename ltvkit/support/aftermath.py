"""What customers do after an enquiry, against customers without one who were alike on that day.

Each customer counts with the first enquiry. A landmark some days later, at which waiting time and
outcome are known, starts the days that count, for both sides: who orders before it is not credited
to how the enquiry ended (J. R. Anderson, K. C. Cain, R. D. Gelber 1983, Journal of Clinical
Oncology 1(11), 710-719). Those compared with had no enquiry so far, and are nearest in recency,
tenure, orders and revenue on that day, or up to four weeks before it (nearest neighbours with
replacement; E. A. Stuart 2010, Statistical Science 25(1), 1-21). Nothing was drawn at random, so no
effect is proven.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from ltvkit import periods
from ltvkit.engines import frames, sampling
from ltvkit.engines.frames import Frame
from ltvkit.errors import TooLittleData
from ltvkit.hypotheses.effects.estimates import FEWEST, Term, contrast
from ltvkit.hypotheses.effects.matching import ALIKE
from ltvkit.ingest import daily
from ltvkit.periods import Day
from ltvkit.support.texts import fill

MOST = 10_000  # customers; of more, a sample
FREE = 4_000  # customers of a day among whom the nearest are looked for; of more, every so many
BACK = (0, 7, 14, 21, 28)  # days before the enquiry on which others may have been alike
SETTLED, WITHIN = 14, 90  # days to the landmark, and days after it that count
NEAREST, YEAR = 5, 365  # customers to compare one with; days from which recency counts alike
LEVEL = 0.05
MINUTES = 24 * 60
WAITS = {"within_a_day": (0, 1), "within_3_days": (1, 3), "longer": (3, np.inf)}
AGAINST = {"not_solved": "solved", "longer": "within_a_day"}
NO_ENQUIRY = "no_enquiry"
OUTCOMES = {"retention": "", "value": "value_"}  # and how their q and verdict begin
COLUMNS = [
    "by", "case", "against", "customers", "retention", "retention_of_others",
    "retention_difference", "retention_difference_low", "retention_difference_high", "q", "verdict",
    "value", "value_of_others", "value_difference", "value_difference_low", "value_difference_high",
    "value_q", "value_verdict", "gap", "grade",
]  # fmt: skip


@dataclass(frozen=True)
class Histories:
    """Days of customers, by position of the customer and day, with running sums."""

    names: np.ndarray
    keys: np.ndarray  # position * SPAN + day, ascending
    orders: np.ndarray  # running, with 0 before the first
    revenue: np.ndarray
    bought: np.ndarray  # keys of days with a purchase
    first: np.ndarray
    span: int

    def count(self, who: np.ndarray, day: np.ndarray | int, running: np.ndarray) -> np.ndarray:
        """The sum up to and including `day` for each of the customers."""
        upto = np.searchsorted(self.keys, who * self.span + day, side="right")
        start = np.searchsorted(self.keys, who * self.span, side="left")
        return running[upto] - running[start]

    def find_last(self, who: np.ndarray, day: int) -> np.ndarray:
        """The latest day with a purchase up to `day`; there must be one."""
        upto = np.searchsorted(self.bought, who * self.span + day, side="right")
        return self.bought[upto - 1] - who * self.span


class Pairs(NamedTuple):
    """Enquiries with their customers' features and outcomes, and those of the nearest others."""

    events: pd.DataFrame
    who: np.ndarray
    others: np.ndarray  # a row per enquiry
    outcomes: np.ndarray  # enquiries x (ordered again, revenue)
    other_outcomes: np.ndarray  # enquiries x others x both
    features: np.ndarray
    other_features: np.ndarray


def compare_after(
    enquiries: Frame,
    days: Frame,
    *,
    as_of: Day,
    within: int = WITHIN,
    settled: int = SETTLED,
    of: str = "revenue",
) -> pd.DataFrame:
    """Enquiries, and order lines or their `days` -> what came after the first enquiry of customers.

    A row per group: `by` ("all", "outcome", "waiting"), `case`, `against` ("no_enquiry": customers
    alike on that day; or another group, where the difference is that of both differences),
    `customers`, `retention` (another order within the days after the landmark) and
    `retention_of_others`, `retention_difference` with `_low` and `_high` (95%), `q` (adjusted for
    all rows and both outcomes), `verdict` ("higher", "lower", "unclear"); the same of `value`, the
    money of these days; `gap` (largest difference of means before, in standard deviations) and
    `grade`: C where both sides were alike (gap at most 0.1), else D, as in `hypotheses`; never
    better, as nothing was drawn at random.

    An enquiry counts as solved if it was answered by the landmark; where no `answer_minutes` are
    recorded, as the export has it, and the grade is D.

    Enquiries whose days are not over do not count. Groups of fewer than 30 customers are left out.
    Of more than 10,000 customers a sample counts. Raises `ColumnError`, `TooLittleData`.
    """
    histories, events = _read(enquiries, days, as_of=as_of, of=of)
    over = periods.number_of(as_of) - settled - within
    pairs = _match(histories, events, over=over, settled=settled, within=within)
    if len(pairs.events) < FEWEST:
        raise TooLittleData(fill("few_followed", n=len(pairs.events), least=FEWEST))
    groups = _list_groups(pairs.events, settled=settled)
    rows = [_compare_one(pairs, *group) for group in groups]
    named = {(by, group): inside for by, group, inside in groups}
    for (by, group), inside in named.items():
        other = named.get((by, AGAINST.get(group, "")))
        if other is not None:
            rows.append(_compare_both(pairs, by, group, inside, AGAINST[group], other))
    return _judge(pd.DataFrame(rows), dated=_is_dated(pairs.events))


def _read(enquiries: Frame, days: Frame, *, as_of: Day, of: str) -> tuple[Histories, pd.DataFrame]:
    seen = frames.lazy(daily.select_days(days, as_of=as_of).to_native(), needs=(of,))
    seen = seen.filter(~nw.col("customer_id").is_null())
    part, _share = sampling.draw(seen.to_native(), most=MOST, among=sampling.count(seen))
    numbered = frames.lazy(part).with_columns(day=periods.number("order_date"))
    each = numbered.group_by("customer_id", "day").agg(nw.col(of).sum(), nw.col("active").max())
    table = frames.table(each).sort_values(["customer_id", "day"], ignore_index=True)
    histories = _arrange(table, of)
    brought = frames.bring(enquiries, like=days)
    opened = frames.lazy(brought, needs=("enquiry_id", "customer_id", "enquiry_date"))
    names = opened.collect_schema().names()
    own = [n for n in ("solved", "answer_minutes") if n in names]
    asked = opened.filter(~nw.col("customer_id").is_null()).select(
        "customer_id", "enquiry_id", *own, day=periods.number("enquiry_date")
    )
    asked = asked.filter(nw.col("day") <= periods.number_of(as_of))
    firsts = asked.group_by("customer_id").agg(day=nw.col("day").min())
    begun = frames.table(asked.join(firsts, on=["customer_id", "day"]).join(
        frames.lazy(part).select("customer_id").unique(), on="customer_id"))  # fmt: skip
    ordered = begun.sort_values(["customer_id", "enquiry_id"]).drop_duplicates("customer_id")
    return histories, ordered.reset_index(drop=True)


def _arrange(table: pd.DataFrame, of: str) -> Histories:
    table = table[table.groupby("customer_id")["active"].transform("max") > 0]
    names, at = np.unique(table["customer_id"].to_numpy(dtype=object).astype(str),
                          return_inverse=True)  # fmt: skip
    day = table["day"].to_numpy(dtype="int64")
    span = int(day.max(initial=0)) + 10 * YEAR
    bought = table["active"].to_numpy() > 0
    keys = at * span + day
    first = np.full(len(names), span)
    np.minimum.at(first, at[bought], day[bought])
    sums = (bought.astype(float), table[of].to_numpy(dtype=float))
    running = [np.concatenate([[0.0], np.cumsum(values)]) for values in sums]
    return Histories(names, keys, running[0], running[1], keys[bought], first, span)


def _match(
    histories: Histories, events: pd.DataFrame, *, over: int, settled: int, within: int
) -> Pairs:
    """The first enquiries of customers that are old enough, each with its nearest others."""
    place = pd.Series(np.arange(len(histories.names)), index=histories.names)
    events = events.assign(who=events["customer_id"].astype(str).map(place))
    events = events.dropna(subset="who").astype({"who": int}).sort_values(["day", "customer_id"])
    asked = np.full(len(histories.names), np.iinfo("int64").max)
    asked[events["who"]] = events["day"]
    known = histories.first[events["who"]] <= events["day"].to_numpy()
    events = events[known & (events["day"] <= over).to_numpy()].reset_index(drop=True)
    kept, found = [], []
    for day, rows in events.groupby("day"):
        who, pools = rows["who"].to_numpy(), []
        for on in (int(day) - back for back in BACK):
            free = np.flatnonzero((histories.first <= on) & (asked > on))
            free = free[:: max(1, -(-len(free) // FREE))]
            seen = _observe(histories, free, on + settled, on + settled + within)
            pools.append((free, _describe(histories, free, on), seen))
        free, there, theirs = map(np.concatenate, zip(*pools, strict=True))
        if len(free) < NEAREST:
            continue
        own, spread = _describe(histories, who, int(day)), np.maximum(there.std(axis=0), 1e-9)
        at = cKDTree(there / spread).query(own / spread, k=NEAREST)[1]
        mine = _observe(histories, who, int(day) + settled, int(day) + settled + within)
        found.append((who, free[at], mine, theirs[at], own, there[at]))
        kept.append(rows)
    if not kept:
        none = np.empty((0, 2))
        return Pairs(events.iloc[:0], none, none, none, none, none, none)
    joined = [np.concatenate(part) for part in zip(*found, strict=True)]
    return Pairs(pd.concat(kept, ignore_index=True), *joined)


def _describe(histories: Histories, who: np.ndarray, day: int) -> np.ndarray:
    """What is known of customers at the end of a day, as logarithms."""
    recency = np.minimum(day - histories.find_last(who, day), YEAR)
    tenure = np.minimum(day - histories.first[who], 3 * YEAR)
    sums = [histories.count(who, day, x) for x in (histories.orders, histories.revenue)]
    return np.log1p(np.maximum(np.column_stack([recency, tenure, *sums]), 0))


def _observe(histories: Histories, who: np.ndarray, start: int, end: int) -> np.ndarray:
    """Whether customers ordered after `start` and up to `end`, and the money of these days."""
    sums = [
        histories.count(who, end, x) - histories.count(who, start, x)
        for x in (histories.orders, histories.revenue)
    ]
    return np.column_stack([sums[0] > 0, sums[1]]).astype(float)


def _list_groups(events: pd.DataFrame, *, settled: int) -> list[tuple[str, str, np.ndarray]]:
    """by, group, and which enquiries are in it; those of fewer than 30 customers are left out."""
    groups = [("all", "all_enquiries", np.ones(len(events), dtype=bool))]
    if "solved" in events:
        solved = _settle(events, settled=settled)
        groups += [("outcome", "solved", solved.fillna(False).to_numpy(dtype=bool))]
        groups += [("outcome", "not_solved", (~solved).fillna(False).to_numpy(dtype=bool))]
    if "answer_minutes" in events:
        wait = events["answer_minutes"].astype(float) / MINUTES
        late = ~(wait <= settled)
        for name, (low, high) in WAITS.items():
            inside = (wait >= low if not low else wait > low) & (wait <= high) & ~late
            groups += [("waiting", name, inside.to_numpy())]
        groups += [("waiting", "no_answer_yet", late.to_numpy())]
    return [group for group in groups if group[2].sum() >= FEWEST]


def _settle(events: pd.DataFrame, *, settled: int) -> pd.Series:
    """Whether enquiries were solved by the landmark, as far as it is recorded when they were
    answered: one that is solved later was not yet, and of one without a time nobody knows."""
    solved = events["solved"].astype("boolean")
    if not _is_dated(events):
        return solved
    wait = events["answer_minutes"].astype("Float64") / MINUTES
    done = solved.fillna(False)
    return solved.mask(done & wait.isna(), pd.NA).mask(done & (wait > settled).fillna(False), False)


def _is_dated(events: pd.DataFrame) -> bool:
    return "answer_minutes" in events and bool(events["answer_minutes"].notna().any())


def _make_terms(pairs: Pairs, inside: np.ndarray, outcome: int, sign: int) -> list[Term]:
    own = pairs.outcomes[inside, outcome]
    others = pairs.other_outcomes[inside][:, :, outcome].ravel()
    who, people = pairs.who[inside], pairs.others[inside].ravel()
    parts = [np.column_stack([values, np.ones(len(values))]) for values in (own, others)]
    return [Term(sign, who, parts[0]), Term(-sign, people, parts[1])]


def _compare_one(pairs: Pairs, by: str, group: str, inside: np.ndarray) -> dict[str, Any]:
    row = {"by": by, "case": group, "against": NO_ENQUIRY, "customers": int(inside.sum())}
    row |= _estimate([_make_terms(pairs, inside, outcome, 1) for outcome in (0, 1)])
    return row | {"gap": _find_gap(pairs, inside)}


def _compare_both(
    pairs: Pairs, by: str, group: str, inside: np.ndarray, name: str, other: np.ndarray
) -> dict[str, Any]:
    row = {"by": by, "case": group, "against": name, "customers": int(inside.sum())}
    terms = [[*_make_terms(pairs, inside, k, 1), *_make_terms(pairs, other, k, -1)] for k in (0, 1)]
    row |= _estimate(terms) | {"gap": max(_find_gap(pairs, x) for x in (inside, other))}
    means = [pairs.outcomes[other, k].mean() for k in (0, 1)]
    return row | {"retention_of_others": means[0], "value_of_others": means[1]}


def _estimate(terms: list[list[Term]]) -> dict[str, float]:
    row: dict[str, float] = {}
    for (name, prefix), each in zip(OUTCOMES.items(), terms, strict=True):
        found = contrast(each)
        low, high = found.interval
        row |= {name: each[0].figure, f"{name}_of_others": each[1].figure}
        limits = {"": found.effect, "_low": low, "_high": high}
        row |= {f"{name}_difference{end}": x for end, x in limits.items()}
        row |= {f"{prefix}p": found.p}
    return row


def _find_gap(pairs: Pairs, inside: np.ndarray) -> float:
    own, others = pairs.features[inside], pairs.other_features[inside].mean(axis=1)
    spread = np.maximum(pairs.features.std(axis=0), 1e-9)
    return float((np.abs(own.mean(axis=0) - others.mean(axis=0)) / spread).max())


def _judge(table: pd.DataFrame, *, dated: bool = True) -> pd.DataFrame:
    from statsmodels.stats.multitest import multipletests

    p = np.concatenate([table["p"], table["value_p"]])
    known = np.isfinite(p)  # statsmodels blanks all where one is missing
    q = np.full(len(p), np.nan)
    if known.any():
        q[known] = multipletests(p[known], method="holm")[1]
    table = table.assign(q=q[: len(table)], value_q=q[len(table) :])
    for name, prefix in OUTCOMES.items():
        low, high = (table[f"{name}_difference_{end}"] for end in ("low", "high"))
        sure = table[f"{prefix}q"] <= LEVEL
        verdicts = np.select([sure & (low > 0), sure & (high < 0)], ["higher", "lower"], "unclear")
        table[f"{prefix}verdict"] = verdicts
    late = (table["by"] == "outcome") & (not dated)  # an outcome of the export, not of the landmark
    table["grade"] = np.where((table["gap"] <= ALIKE) & ~late, "C", "D")
    return table[COLUMNS]
