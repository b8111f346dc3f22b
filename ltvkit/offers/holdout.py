"""Offers made on a past day, and what was bought after it: sums by group of customers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.engines import frames, resampling, sampling
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, TooLittleData, one_of
from ltvkit.offers import histories, methods, purchases
from ltvkit.offers.histories import History, keep
from ltvkit.offers.methods import ALL, METHODS, OWN, Way
from ltvkit.offers.texts import fill
from ltvkit.periods import Day

JUDGED = ("next_basket", "days")
FEWEST = 30  # customers to judge by
PLAIN = "best_sellers"
MEASURES = ("recall", "hit", "revenue_caught")
SUMS = ["customers", "recall", "hit", "caught", "amount"]


class Trial(NamedTuple):
    """A past day on which offers are tried. `history`: what was known; `aimed`: customer_id, group
    (one of 256), place (0: not sold before), amount, owned (1: bought before) of what known
    customers bought later; `sold`: how many items had been."""

    history: History
    aimed: nw.LazyFrame
    sold: int


def open_trial(
    lines: Frame,
    *,
    split: Day,
    item: str,
    days: int,
    k: int,
    judged: str,
    half_lives: Sequence[float],
    groups: Frame | None,
    by: str,
) -> Trial:
    """Order lines -> the day `split`, on which ways with any of `half_lives` can be tried."""
    later = select_later(lines, split=split, item=item, days=days, k=k, judged=judged)
    history = histories.open_history(
        lines,
        as_of=split,
        item=item,
        half_lives=half_lives,
        groups=groups,
        by=by,
        only=later.select("customer_id").unique(),
    )
    aimed = keep(sampling.deal(_mark_aims(later, history)), like=lines)
    n = frames.count(aimed.select("customer_id").unique())
    if n < FEWEST:
        raise TooLittleData(fill("too_few_to_judge", n=n, least=FEWEST, days=days))
    return Trial(history, aimed, frames.count(history.items))


def measure(trial: Trial, ways: Sequence[Way], *, k: int) -> list[dict[str, Any]]:
    """Offers made on the day of a trial -> kind, method, half_life, catalogue_share, and sums by
    group of customers, of each way."""
    offers = keep(methods.rank_offers(trial.history, ways, k=k), like=trial.history.like)
    named = offers.select("way", "place").unique().group_by("way").agg(n=nw.len())
    offered = frames.table(named).set_index("way")["n"]
    sums = _add_up(trial, offers, ways)
    return [
        {**way._asdict(), "catalogue_share": offered.get(n, 0) / trial.sold, "sums": sums[n]}
        for n, way in enumerate(ways)
    ]


def select_later(
    lines: Frame, *, split: Day, item: str, days: int, k: int, judged: str
) -> nw.LazyFrame:
    """Order lines -> customer_id, item, amount of what each customer bought after `split`, by which
    `k` offers are judged."""
    one_of("judged", judged, JUDGED)
    if days < 1 or not 1 <= k <= methods.MOST:
        raise ParamsError(f"days={days}, k={k}: give 1 or more (offers: {methods.MOST}).")
    until = periods.day(split) + dt.timedelta(days=days)
    bought = purchases.select_items(lines, as_of=until, item=item)
    later = bought.filter(nw.col("day") > periods.number_of(split))
    if judged == "next_basket":
        first = later.group_by("customer_id").agg(first=nw.col("day").min())
        later = later.join(first, on="customer_id").filter(nw.col("day") == nw.col("first"))
    summed = later.group_by("customer_id", "item").agg(nw.col("amount").sum())
    return keep(summed, like=lines)


def _mark_aims(later: nw.LazyFrame, history: History) -> nw.LazyFrame:
    """What was bought later, of known people: see `Trial`."""
    owned = history.own.select("customer_id", "place", owned=nw.lit(1).cast(nw.Int64))
    return (
        later.join(history.people.select("customer_id"), on="customer_id", how="semi")
        .join(history.items, on="item", how="left")
        .with_columns(nw.col("place").fill_null(0).cast(nw.Int64))
        .join(owned, on=["customer_id", "place"], how="left")
        .select("customer_id", "place", "amount", owned=nw.col("owned").fill_null(0))
    )


def _add_up(trial: Trial, offers: nw.LazyFrame, ways: Sequence[Way]) -> list[pd.DataFrame]:
    """Of each way, sums by group of customers: customers, recall, hit, caught, amount."""
    judged = pd.DataFrame(
        [(n, owned) for n, way in enumerate(ways) for owned in _list_judged(way)],
        columns=["way", "owned"],
    )
    like = nw.to_native(nw.from_native(trial.history.like))
    aimed = trial.aimed.join(frames.from_pandas(judged, like=like), on="owned")
    keys = ["way", "customer_id", "place"]
    marked = aimed.join(offers.select(*keys, found=nw.lit(1.0)), on=keys, how="left").with_columns(
        nw.col("found").fill_null(0.0)
    )
    each = (
        marked.with_columns(caught=nw.col("found") * nw.col("amount"))
        .group_by("way", "group", "customer_id")
        .agg(nw.col("found", "caught", "amount").sum(), items=nw.len())
        .with_columns(
            recall=nw.col("found") / nw.col("items").cast(nw.Float64),
            hit=nw.when(nw.col("found") > 0).then(nw.lit(1.0)).otherwise(nw.lit(0.0)),
            customers=nw.lit(1.0),
        )
        .select("way", "group", *SUMS)
    )
    table = frames.add_up(each, "way", "group", sums=SUMS)
    of = [table[table["way"] == n].set_index("group")[SUMS] for n in range(len(ways))]
    return [sums.astype(float) for sums in of]


def _list_judged(way: Way) -> tuple[int, ...]:
    """Which of what was bought later judges a way: bought before (1), not yet (0), or both."""
    among = METHODS[way.kind][PLAIN][0][0]
    return (0, 1) if among == ALL else (int(among == OWN),)


def summarize(results: list[dict[str, Any]], *, draws: int = 0, seed: int = 1) -> pd.DataFrame:
    """Sums of `measure` -> a row per kind and method; with `draws`, intervals."""
    plain = {r["kind"]: r["sums"] for r in results if r["method"] == PLAIN}
    rows = []
    for result in results:
        sums = result["sums"]
        row = {name: result[name] for name in ("kind", "method", "half_life")}
        row |= {"customers": int(sums["customers"].sum())}
        values = compute(sums.sum())
        row |= {name: float(values[name]) for name in MEASURES}
        if draws:
            drawn = compute(resampling.resample(sums, draws=draws, seed=seed))
            row |= _find_limits({name: drawn[name] for name in MEASURES})
            base = compute(resampling.resample(plain[result["kind"]], draws=draws, seed=seed))
            ahead = "recall_vs_best_sellers"
            row[ahead] = row["recall"] - float(compute(plain[result["kind"]].sum())["recall"])
            row |= _find_limits({ahead: drawn["recall"] - base["recall"]})
        rows.append(row | {"catalogue_share": result["catalogue_share"]})
    table = pd.DataFrame(rows)
    if not draws:
        return table
    ends = ("", "_low", "_high")
    measured = [f"{n}{end}" for n in (*MEASURES, "recall_vs_best_sellers") for end in ends]
    return table[["kind", "method", "half_life", "customers", *measured, "catalogue_share"]]


def compute(sums: Any) -> dict[str, Any]:
    """Sums of SUMS, of all or of draws -> recall, hit, revenue_caught."""
    with np.errstate(invalid="ignore", divide="ignore"):
        people = np.asarray(sums["customers"], dtype=float)
        return {
            "recall": np.asarray(sums["recall"]) / people,
            "hit": np.asarray(sums["hit"]) / people,
            "revenue_caught": np.asarray(sums["caught"]) / np.asarray(sums["amount"], dtype=float),
        }


def _find_limits(drawn: dict[str, np.ndarray]) -> dict[str, float]:
    ends = {name: resampling.find_limits(values) for name, values in drawn.items()}
    return {
        f"{n}_{end}": x
        for n, both in ends.items()
        for end, x in zip(("low", "high"), both, strict=True)
    }
