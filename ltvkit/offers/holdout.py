"""Offers made on a past day, and what was bought after it: sums by group of customers."""

from __future__ import annotations

import datetime as dt
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.engines import frames, resampling, sampling
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, TooLittleData, one_of
from ltvkit.offers import methods as ways
from ltvkit.offers import purchases
from ltvkit.offers.methods import ALL, METHODS, NEAR, OWN, History
from ltvkit.offers.texts import fill
from ltvkit.periods import Day

JUDGED = ("next_basket", "days")
FEWEST = 30  # customers to judge by
PLAIN = "best_sellers"
MEASURES = ("recall", "hit", "revenue_caught")
SUMS = ["customers", "recall", "hit", "caught", "amount"]


def measure(
    lines: Frame,
    later: nw.LazyFrame,
    *,
    split: Day,
    item: str,
    days: int,
    k: int,
    half_life: float,
    kinds: dict[str, list[str]],
    groups: Frame | None,
    by: str,
) -> list[dict[str, Any]]:
    """Order lines, and what was bought after `split` (`select_later`) -> kind, method, half_life,
    catalogue_share, and sums by group of customers, of each method."""
    asked = later.select("customer_id").unique()
    near = any(r == NEAR for kind, ms in kinds.items() for m in ms for _a, r in METHODS[kind][m])
    history = ways.open_history(
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
            offers = ways.rank_offers(history, kind=kind, method=method, k=k)
            offers = frames.lazy(frames.materialize(offers, like=lines))
            offered = frames.count(offers.select("place").unique())
            sums = _add_up(aimed, offers, kind=kind)
            named = {"kind": kind, "method": method, "half_life": half_life}
            found.append({**named, "catalogue_share": offered / sold, "sums": sums})
    return found


def select_later(
    lines: Frame, *, split: Day, item: str, days: int, k: int, judged: str
) -> nw.LazyFrame:
    """Order lines -> customer_id, item, amount of what each customer bought after `split`, by which
    `k` offers are judged; computed once, for all that is tried on that day."""
    one_of("judged", judged, JUDGED)
    if days < 1 or not 1 <= k <= ways.MOST:
        raise ParamsError(f"days={days}, k={k}: give 1 or more (offers: {ways.MOST}).")
    until = periods.day(split) + dt.timedelta(days=days)
    bought = purchases.select_items(lines, as_of=until, item=item)
    later = bought.filter(nw.col("day") > periods.number_of(split))
    if judged == "next_basket":
        first = later.group_by("customer_id").agg(first=nw.col("day").min())
        later = later.join(first, on="customer_id").filter(nw.col("day") == nw.col("first"))
    summed = later.group_by("customer_id", "item").agg(nw.col("amount").sum())
    return frames.lazy(frames.materialize(summed, like=lines))


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
