"""What causes enquiries: phrases that come up more often with one product, lot, carrier, campaign
or period than with the others.

Log-odds with an informative Dirichlet prior (B. L. Monroe, M. P. Colaresi, K. M. Quinn 2008,
Political Analysis 16(4), 372-403): the prior holds each phrase as often as all enquiries do, and
weighs as much as a tenth of them. A phrase counts once per customer and group. The p-value is the
larger one of the score z and of the exact hypergeometric test, adjusted for all pairs of phrases
and groups (Y. Benjamini, Y. Hochberg 1995).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from scipy import sparse, stats

from ltvkit import periods
from ltvkit.core import redaction
from ltvkit.display import joining
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import TooLittleData
from ltvkit.periods import Day
from ltvkit.support import phrases
from ltvkit.support.phrases import FEWEST, Phrases
from ltvkit.support.savings import WORK, YEAR
from ltvkit.support.texts import fill

PLACES = ("product", "product_id", "lot", "carrier", "campaign", "quarter")
NEEDS = ("enquiry_id", "enquiry_date", "text", "customer_id")
MOST = 10_000  # enquiries that are read, the latest
LEAST, GROUP = 50, 10  # enquiries in all, and of a group
PRIOR = 0.1  # of all enquiries: what the prior weighs
LEVEL = 0.05
TOGETHER = 0.5  # of the enquiries of one row are those of another: one cause
NAMED = 3  # phrases of a cause that are shown
COLUMNS = [
    "place", "group", "phrases", "intent", "with_phrase", "customers", "share", "share_of_others",
    "z", "q", "also", "first_seen", "extra_a_year", "not_solved_share", "minutes_each",
]  # fmt: skip


class Causes(NamedTuple):
    """The `table` of causes, and which `enquiries` hold their phrases: a list (`cause`: the row of
    the table, from 1; its group, enquiry_id, customer_id)."""

    table: pd.DataFrame
    enquiries: pd.DataFrame


def find_causes(
    enquiries: Frame, *, as_of: Day, by: Sequence[str] = (), level: float = LEVEL
) -> Causes:
    """Enquiries up to `as_of` -> a row per cause, the highest z first (equal: by name).

    - `place`, `group`: where its phrases come up more often; of several the one with the highest z,
      and `also` the others
    - `phrases`: up to three of them; `intent`: what most of these enquiries are about, of those
      that five customers wrote about
    - `with_phrase`: enquiries that hold one of its phrases there, by so many `customers` (those
      without a customer count as enquiries, and in no test); `share` of the enquiries of the group,
      and `share_of_others` (in all other groups of the place)
    - `z`, and `q`: the p-value adjusted for all pairs tried
    - `first_seen` (day) and `extra_a_year`: the enquiries beyond that share, at the pace since then
      (of 90 days at least)
    - `not_solved_share` and `minutes_each` of work (mean; NaN: not recorded)

    `by`: columns; without any those of product (see `name_products`; or product_id), lot, carrier
    and campaign that are there, and the quarter. Groups of fewer than 10 enquiries are not looked
    at, nor phrases of fewer than five customers. A column `product` is taken out of the texts. An
    association, and no proof. Raises `ColumnError`, `TooLittleData` for fewer than 50 enquiries.
    """
    table = read(enquiries, as_of=as_of, by=by)
    found = phrases.find(table["text"], customers=table["customer_id"], names=table.get("product"))
    places = [name for name in (by or PLACES) if name in table]
    if "product" in places and not by:  # two names of the same
        places.remove("product_id")
    pairs = [compare(found, table, table[place].to_numpy(dtype=object)).assign(place=place)
             for place in places]  # fmt: skip
    return _gather(_adjust(pairs, level), found, table, as_of=as_of)


def find_rising(
    enquiries: Frame, *, as_of: Day, every: str = "quarter", level: float = LEVEL
) -> Causes:
    """Enquiries up to `as_of` -> what comes up more often in the latest period than before it.

    The columns of `find_causes`, with `kind`: "new" where no enquiry before it holds one of the
    phrases, else "rising". The latest period may be going on.
    """
    table = read(enquiries, as_of=as_of, by=())
    found = phrases.find(table["text"], customers=table["customer_id"], names=table.get("product"))
    now = [periods.index_of(day, every) for day in table["enquiry_date"]]
    latest = periods.label(periods.index_of(as_of, every), every)
    labels = np.where(np.array(now) == periods.index_of(as_of, every), latest, "")
    pairs = compare(found, table, labels.astype(object)).assign(place=every)
    rows = _adjust([pairs[pairs["group"] == latest]], level)
    gathered = _gather(rows, found, table.assign(**{every: labels}), as_of=as_of)
    kind = np.where(gathered.table["share_of_others"] == 0, "new", "rising")
    told = gathered.table.drop(columns="also").assign(kind=kind)
    return gathered._replace(table=told)


def name_products(enquiries: Frame, lines: Frame) -> Frame:
    """Enquiries with `product_id` and order lines with `product` -> enquiries with `product` (of
    several names of an id the first); as they are where either column is missing."""
    brought = frames.bring(enquiries, like=lines)
    opened, bought = frames.lazy(brought), frames.lazy(lines)
    have = ("product_id" in f.collect_schema().names() for f in (opened, bought))
    if not all(have) or "product" not in bought.collect_schema().names():
        return enquiries
    named = bought.filter(~nw.col("product_id").is_null(), ~nw.col("product").is_null())
    named = named.group_by("product_id").agg(product=nw.col("product").min())
    opened = frames.without(opened, "product")
    return frames.materialize(opened.join(named, on="product_id", how="left"), like=brought)


def read(enquiries: Frame, *, as_of: Day, by: Sequence[str]) -> pd.DataFrame:
    """The latest enquiries up to `as_of` as pandas, by id, with `quarter`."""
    wanted = dict.fromkeys([*NEEDS, *by, "product", "intent", "solved", WORK, *PLACES])
    opened = frames.lazy(enquiries, needs=(*NEEDS, *(n for n in by if n != "quarter")))
    names = opened.collect_schema().names()
    opened = opened.select(*(n for n in wanted if n in names))
    opened = opened.filter(~nw.col("text").is_null(), nw.col("enquiry_date") <= periods.day(as_of))
    ordered = opened.sort("enquiry_date", "enquiry_id", descending=[True, True]).head(MOST)
    table = frames.table(ordered).sort_values("enquiry_id", ignore_index=True)
    if len(table) < LEAST:
        raise TooLittleData(fill("few_enquiries", n=len(table), least=LEAST))
    quarter = [periods.label(periods.index_of(day, "quarter"), "quarter")
               for day in table["enquiry_date"]]  # fmt: skip
    return table.assign(quarter=quarter)


def compare(found: Phrases, table: pd.DataFrame, groups: np.ndarray) -> pd.DataFrame:
    """Phrases of enquiries and the group of each (missing: none; they count among the others) -> a
    row per pair of a group and a phrase that five customers of it wrote: group, phrase (its
    number), `z`, `p`, and `tried`: how many pairs there are, with those of fewer customers. If all
    have fewer, one row of no group. Enquiries without a customer are left out."""
    known = table["customer_id"].notna().to_numpy()  # nobody knows how many people the others are
    groups = np.where(pd.isna(groups), "", groups).astype(str)[known]
    names, at = np.unique(groups, return_inverse=True)
    who = table.loc[known, "customer_id"].astype(str)
    each = pd.factorize(pd.Series(at).astype(str) + "\n" + who.to_numpy())[0]
    count = each.max(initial=-1) + 1
    join = sparse.csr_matrix((np.ones(len(each)), (each, np.arange(len(each)))),
                             shape=(count, len(each)))  # fmt: skip
    held = (join @ found.held[np.flatnonzero(known)] > 0).astype(float)
    of = np.zeros(count, dtype=int)
    of[each] = at
    into = sparse.csr_matrix((np.ones(count), (of, np.arange(count))), shape=(len(names), count))
    inside = (into @ held).toarray()
    size = np.asarray(into.sum(axis=1)).ravel()
    large = (size >= GROUP) & (count - size >= GROUP) & (names != "")
    inside, size, names = inside[large], size[large], names[large]
    whole = np.asarray(held.sum(axis=0)).ravel()
    g, w = np.nonzero(inside >= FEWEST)
    z = _score(inside, whole)[g, w]
    exact = stats.hypergeom.sf(inside[g, w] - 1, count, whole[w], size[g])
    rows = {"group": names[g], "phrase": w, "z": z, "p": np.maximum(exact, stats.norm.sf(z))}
    tried = int(large.sum()) * len(whole)
    if tried and not len(w):  # tried, and nothing to show
        rows = {"group": [""], "phrase": [0], "z": [-np.inf], "p": [1.0]}
    return pd.DataFrame(rows).assign(tried=tried)


def _score(inside: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """How often groups hold each phrase, and all enquiries do -> z of the log-odds."""
    alpha = whole * PRIOR
    outside, pairs = whole - inside, inside.sum(axis=1, keepdims=True)
    rest = whole.sum() - pairs

    def weigh(y: np.ndarray, n: np.ndarray) -> np.ndarray:
        return np.log((y + alpha) / (n + alpha.sum() - y - alpha))

    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(1 / (inside + alpha) + 1 / (outside + alpha))
        return (weigh(inside, pairs) - weigh(outside, rest)) / error


def _adjust(pairs: list[pd.DataFrame], level: float) -> pd.DataFrame:
    """Pairs of all places -> those found, with q; pairs that were not shown count as tried."""
    tried = sum(int(rows["tried"].iloc[0]) for rows in pairs if len(rows))
    rows = pd.concat(pairs, ignore_index=True).sort_values("p", ignore_index=True)
    steps = rows["p"].to_numpy() * tried / np.arange(1, len(rows) + 1)
    rows["q"] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0)
    found = rows[(rows["q"] <= level) & (rows["z"] > 0)]
    return found.sort_values(["z", "place", "group", "phrase"], ascending=[False, True, True, True])


def _gather(rows: pd.DataFrame, found: Phrases, table: pd.DataFrame, *, as_of: Day) -> Causes:
    """Pairs, the highest z first -> causes: pairs that the same enquiries hold are one, and so are
    pairs of a group whose enquiries are about the same."""
    causes: list[dict[str, Any]] = []
    for row in rows.itertuples():
        member = (table[row.place].astype(object) == row.group).to_numpy()
        held = found.held[:, row.phrase].toarray().ravel() > 0
        inside = member & held
        intent = _find_intent(table, inside)
        place = (row.place, row.group)
        cause = next((c for c in causes if _is_same(c, place, inside, intent)), None)
        if cause is None:
            cause = {"place": place, "member": member, "inside": inside, "core": inside,
                     "held": held, "names": [], "also": [], "intent": intent, "z": row.z,
                     "q": row.q}  # fmt: skip
            causes.append(cause)
        if cause["place"] == place:
            cause["names"].append(found.names[row.phrase])
            cause["inside"], cause["held"] = cause["inside"] | inside, cause["held"] | held
        elif place not in cause["also"]:
            cause["also"].append(place)
    told = [_tell(cause, table, as_of=as_of) for cause in causes]
    own = [
        table.loc[cause["inside"], ["enquiry_id", "customer_id"]].assign(
            cause=n, group=cause["place"][1]
        )
        for n, cause in enumerate(causes, start=1)
    ]
    names = ["cause", "group", "enquiry_id", "customer_id"]
    listed = pd.concat(own or [pd.DataFrame(columns=names)], ignore_index=True)[names]
    return Causes(pd.DataFrame(told, columns=COLUMNS), listed)


def _is_same(cause: dict[str, Any], place: tuple, inside: np.ndarray, intent: Any) -> bool:
    if cause["place"] == place and intent and cause["intent"] == intent:
        return True
    both = (cause["inside"] & inside).sum()
    return bool(both >= TOGETHER * min(cause["inside"].sum(), inside.sum()))


def _find_intent(table: pd.DataFrame, inside: np.ndarray) -> str:
    if "intent" not in table:
        return ""
    named = table.loc[inside].dropna(subset="intent").groupby("intent", observed=True)
    counts = named.agg(n=("enquiry_id", "size"), people=("customer_id", "nunique"))
    shown = counts.loc[counts["people"] >= FEWEST, "n"].sort_index()
    return str(shown.idxmax()) if len(shown) else ""


def _tell(cause: dict[str, Any], table: pd.DataFrame, *, as_of: Day) -> dict[str, Any]:
    place, group = cause["place"]
    member, held = cause["member"], cause["inside"]
    usual = (cause["held"] & ~member).sum() / max((~member).sum(), 1)
    first = table.loc[held, "enquiry_date"].min()
    days = max((periods.day(as_of) - first).days + 1, 90)
    return {
        "place": place,
        "group": group,
        "phrases": " / ".join(map(redaction.mask_figures, _choose(cause["names"]))),
        "intent": cause["intent"],
        "with_phrase": int(held.sum()),
        "customers": int(table.loc[held, "customer_id"].nunique()),
        "share": held.sum() / member.sum(),
        "share_of_others": usual,
        "z": cause["z"],
        "q": cause["q"],
        "also": joining.items(group for _place, group in cause["also"]),
        "first_seen": first,
        "extra_a_year": max(held.sum() - usual * member.sum(), 0.0) * YEAR / days,
        "not_solved_share": 1 - _find_mean(table, held, "solved"),
        "minutes_each": _find_mean(table, held, WORK),
    }


def _find_mean(table: pd.DataFrame, held: np.ndarray, name: str) -> float:
    """The mean of what is recorded; NaN: nothing is."""
    known = (
        table.loc[held, name].dropna().astype(float) if name in table else pd.Series(dtype=float)
    )
    return float(known.mean()) if len(known) else np.nan


def _choose(names: list[str]) -> list[str]:
    """The first phrases that are not part of one before, or hold it."""
    kept: list[str] = []
    for name in names:
        if not any(name in other or other in name for other in kept):
            kept.append(name)
    return kept[:NAMED]
