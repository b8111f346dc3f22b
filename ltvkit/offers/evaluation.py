"""Which way to choose offers would have been right most often: tried on past days.

What was bought up to a day makes the offers, what was bought after it judges them. The half-life and
the method are chosen on an earlier day, and judged on a later one, so that the choice is not judged
by what it was made on.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.engines import frames, sampling
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, TooLittleData, one_of
from ltvkit.offers import purchases, recommendations, resampling
from ltvkit.offers.recommendations import ALL, KINDS, METHODS, NEAR, OWN, History
from ltvkit.offers.texts import fill
from ltvkit.periods import Day

HALF_LIVES = (0, 28, 91, 182, 365)  # days; 0: none
JUDGED = ("next_order", "days")
FEWEST = 30  # customers to judge by
DRAWS = 1000
PLAIN = "best_sellers"
MEASURES = ("recall", "hit", "revenue_caught")
SUMS = ["customers", "recall", "hit", "caught", "amount"]


@dataclass(frozen=True)
class Choice:
    """What was best on an earlier day: `half_life` (days; 0: none), the `method` of each kind of
    offer, and the `table` it follows from (see `choose`)."""

    half_life: float
    methods: dict[str, str]
    table: pd.DataFrame


def choose(
    lines: Frame,
    *,
    as_of: Day,
    item: str = "product_id",
    days: int = 28,
    k: int = 10,
    judged: str = "next_order",
    groups: Frame | None = None,
    by: str = "segment",
    half_lives: tuple[float, ...] = HALF_LIVES,
) -> Choice:
    """Order lines up to `as_of` -> the half-life and the methods that would have been best on the
    last `days` of them.

    `table`: kind, method, half_life, customers, recall. The half-life is the one with the highest
    recall@`k` of "personal" among offers of items bought before (equal: the first). With it, methods
    are tried in the order of the table, the simplest first, and one replaces those before it where
    its recall is higher by more than chance (95%). `groups` must be known on the day before these
    `days`. Raises as `compare` does.
    """
    split = periods.day(as_of) - dt.timedelta(days=days)
    rule: dict[str, Any] = {"split": split, "item": item, "days": days, "k": k, "judged": judged}
    rule |= {"groups": groups, "by": by}
    if not half_lives:
        raise ParamsError("half_lives: name one at least; 0 is none.")
    tried = [
        _measure(lines, half_life=half_life, kinds={"again": ["personal"]}, **rule)
        for half_life in half_lives
    ]
    found = pd.concat([_summarize(results) for results in tried], ignore_index=True)
    best = float(found.loc[found["recall"].idxmax(), "half_life"])
    results = _measure(lines, half_life=best, kinds=_list_methods(groups), **rule)
    methods = {kind: _choose_method([r for r in results if r["kind"] == kind]) for kind in KINDS}
    rest = _summarize(results)
    known = (rest["kind"] == "again") & (rest["method"] == "personal")
    table = pd.concat([found, rest[~known]], ignore_index=True)
    return Choice(best, methods, table[["kind", "method", "half_life", "customers", "recall"]])


def _choose_method(results: list[dict[str, Any]]) -> str:
    """The last of the methods that is better than the one kept so far by more than chance."""
    kept = results[0]
    for result in results[1:]:
        ahead = [_compute(resampling.resample(r["sums"], draws=DRAWS, seed=1)) for r in (result, kept)]
        low, _high = resampling.find_limits(ahead[0]["recall"] - ahead[1]["recall"])
        kept = result if low > 0 else kept
    return str(kept["method"])


def compare(
    lines: Frame,
    *,
    as_of: Day,
    item: str = "product_id",
    days: int = 28,
    k: int = 10,
    judged: str = "next_order",
    groups: Frame | None = None,
    by: str = "segment",
    choice: Choice | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> pd.DataFrame:
    """Order lines up to `as_of` -> how good offers made `days` before would have been, by method.

    A row per kind of offer (again, new, any) and method (see `recommend`): kind, method, `chosen`
    (whether `choice` names it; without one it is made by `choose` on the `days` before), half_life,
    `customers` (who bought something of the kind later), and of these

    - `recall`: the share of what a customer bought later that is among the `k` offers, on average
    - `hit`: the share of customers with at least one of it among their offers
    - `revenue_caught`: the share of the revenue of what they bought later; NaN: it brought none
    - each with `_low`, `_high`: 95%, by drawing customers, dealt into 256 groups, anew
    - `recall_vs_best_sellers`, and its `_low`, `_high`, of the same customers
    - `catalogue_share`: the share of all items ever bought that are offered to somebody

    `judged`: by the customer's "next_order" (the first day with a purchase within the `days`; what
    was bought on it) or by all that was bought in these "days", of which there is more than fits
    into the offers. Customers whose first purchase comes later are not in it: nobody can offer them
    anything by name. Items first sold later are missed by every method. `groups` must be known on
    the day of the offers; without any, group_best_sellers is not tried. Raises `ColumnError`, and
    `TooLittleData` where fewer than 30 customers bought both before and after.
    """
    split = periods.day(as_of) - dt.timedelta(days=days)
    rule: dict[str, Any] = {"item": item, "days": days, "k": k, "judged": judged}
    rule |= {"groups": groups, "by": by}
    choice = choice or choose(lines, as_of=split, **rule)
    kinds = _list_methods(groups)
    results = _measure(lines, split=split, half_life=choice.half_life, kinds=kinds, **rule)
    table = _summarize(results, draws=draws, seed=seed)
    chosen = [choice.methods.get(r.kind) == r.method for r in table.itertuples()]
    table.insert(2, "chosen", chosen)
    return table


def _list_methods(groups: Frame | None) -> dict[str, list[str]]:
    named = {kind: list(METHODS[kind]) for kind in KINDS}
    if groups is not None:
        return named
    return {kind: [m for m in ms if m != "group_best_sellers"] for kind, ms in named.items()}


def _measure(
    lines: Frame,
    *,
    split: Day,
    item: str,
    days: int,
    k: int,
    judged: str,
    half_life: float,
    kinds: dict[str, list[str]],
    groups: Frame | None,
    by: str,
) -> list[dict[str, Any]]:
    """Kind, method, half_life, catalogue_share, and sums by group of customers, of each method."""
    one_of("judged", judged, JUDGED)
    if days < 1 or not 1 <= k <= recommendations.MOST:
        raise ParamsError(f"days={days}, k={k}: give 1 or more (offers: {recommendations.MOST}).")
    later = _select_later(lines, split=split, item=item, days=days, judged=judged)
    later = frames.lazy(frames.materialize(later, like=lines))
    asked = later.select("customer_id").unique()
    near = any(r == NEAR for kind, ms in kinds.items() for m in ms for _a, r in METHODS[kind][m])
    history = recommendations.open_history(
        lines,
        as_of=split,
        item=item,
        half_life=half_life,
        groups=groups,
        by=by,
        near=near,
        only=asked,
    )
    aimed = frames.lazy(frames.materialize(_mark_aims(later, history), like=lines))
    n = frames.count(aimed.select("customer_id").unique())
    if n < FEWEST:
        raise TooLittleData(fill("too_few_to_judge", n=n, least=FEWEST, days=days))
    sold = frames.count(history.items)
    found = []
    for kind, methods in kinds.items():
        for method in methods:
            offers = recommendations.rank_offers(history, kind=kind, method=method, k=k)
            offers = frames.lazy(frames.materialize(offers, like=lines))
            offered = frames.count(offers.select("place").unique())
            sums = _add_up(aimed, offers, kind=kind)
            named = {"kind": kind, "method": method, "half_life": half_life}
            found.append({**named, "catalogue_share": offered / sold, "sums": sums})
    return found


def _select_later(
    lines: Frame, *, split: Day, item: str, days: int, judged: str
) -> nw.LazyFrame:
    """customer_id, item, amount of what each customer bought after `split`."""
    until = periods.day(split) + dt.timedelta(days=days)
    bought = purchases.select_items(lines, as_of=until, item=item)
    later = bought.filter(nw.col("day") > periods.number_of(split))
    if judged == "next_order":
        first = later.group_by("customer_id").agg(first=nw.col("day").min())
        later = later.join(first, on="customer_id").filter(nw.col("day") == nw.col("first"))
    return later.group_by("customer_id", "item").agg(nw.col("amount").sum())


def _mark_aims(later: nw.LazyFrame, history: History) -> nw.LazyFrame:
    """customer_id, place (0: not sold before), amount, owned (1: bought before) of known people."""
    owned = history.own.select("customer_id", "place", owned=nw.lit(1))
    return (
        later.join(history.people.select("customer_id"), on="customer_id", how="semi")
        .join(history.items, on="item", how="left")
        .with_columns(nw.col("place").fill_null(0).cast(nw.Int64))
        .join(owned, on=["customer_id", "place"], how="left")
        .select("customer_id", "place", "amount", owned=nw.col("owned").fill_null(0))
    )


def _add_up(aimed: nw.LazyFrame, offers: nw.LazyFrame, *, kind: str) -> pd.DataFrame:
    """Sums by group of customers: customers, recall, hit, caught, amount."""
    if METHODS[kind][PLAIN][0][0] != ALL:
        own = METHODS[kind][PLAIN][0][0] == OWN
        aimed = aimed.filter(nw.col("owned") == int(own))
    found = nw.lit(1.0)
    marked = aimed.join(
        offers.select("customer_id", "place", found=found), on=["customer_id", "place"], how="left"
    ).with_columns(nw.col("found").fill_null(0.0))
    each = (
        marked.with_columns(caught=nw.col("found") * nw.col("amount"))
        .group_by("customer_id")
        .agg(nw.col("found", "caught", "amount").sum(), items=nw.len())
        .with_columns(
            recall=nw.col("found") / nw.col("items").cast(nw.Float64),
            hit=nw.when(nw.col("found") > 0).then(nw.lit(1.0)).otherwise(nw.lit(0.0)),
            customers=nw.lit(1.0),
        )
        .select("customer_id", *SUMS)
    )
    return frames.add_up(sampling.deal(each), "group", sums=SUMS).set_index("group").astype(float)


def _summarize(
    results: list[dict[str, Any]], *, draws: int = 0, seed: int = 1
) -> pd.DataFrame:
    """Sums of `_measure` -> a row per kind and method; with `draws`, intervals."""
    plain = {r["kind"]: r["sums"] for r in results if r["method"] == PLAIN}
    rows = []
    for result in results:
        sums = result["sums"]
        row = {name: result[name] for name in ("kind", "method", "half_life")}
        row |= {"customers": int(sums["customers"].sum())}
        values = _compute(sums.sum())
        row |= {name: float(values[name]) for name in MEASURES}
        if draws:
            drawn = _compute(resampling.resample(sums, draws=draws, seed=seed))
            row |= _find_limits({name: drawn[name] for name in MEASURES})
            base = _compute(resampling.resample(plain[result["kind"]], draws=draws, seed=seed))
            ahead = "recall_vs_best_sellers"
            row[ahead] = row["recall"] - float(_compute(plain[result["kind"]].sum())["recall"])
            row |= _find_limits({ahead: drawn["recall"] - base["recall"]})
        rows.append(row | {"catalogue_share": result["catalogue_share"]})
    table = pd.DataFrame(rows)
    if not draws:
        return table
    ends = ("", "_low", "_high")
    measured = [f"{n}{end}" for n in (*MEASURES, "recall_vs_best_sellers") for end in ends]
    return table[["kind", "method", "half_life", "customers", *measured, "catalogue_share"]]


def _compute(sums: Any) -> dict[str, Any]:
    with np.errstate(invalid="ignore", divide="ignore"):
        people = np.asarray(sums["customers"], dtype=float)
        return {
            "recall": np.asarray(sums["recall"]) / people,
            "hit": np.asarray(sums["hit"]) / people,
            "revenue_caught": np.asarray(sums["caught"]) / np.asarray(sums["amount"], dtype=float),
        }


def _find_limits(drawn: dict[str, np.ndarray]) -> dict[str, float]:
    ends = {name: resampling.find_limits(values) for name, values in drawn.items()}
    return {f"{n}_{end}": x for n, both in ends.items() for end, x in zip(("low", "high"), both, strict=True)}
