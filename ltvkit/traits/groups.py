"""Groups of customers by a trait: bands of an amount, and rare values gathered as one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import narwhals.stable.v2 as nw

from ltvkit.display import formats
from ltvkit.engines import frames, ranking
from ltvkit.traits.texts import fill

FEWEST = 30  # customers; a value of fewer is gathered with the others
MOST = 12  # groups of a trait
BAND = "first_amount_band"


def add_bands(customers: nw.LazyFrame, *, bands: int) -> nw.LazyFrame:
    """Customers with `amount` -> the same with `first_amount_band`: of as many customers each, as
    far as equal amounts stay together. An amount on an edge belongs below it."""
    edges = _find_edges(customers, bands)
    if not edges:
        return customers.with_columns(nw.lit(fill("band_all")).alias(BAND))
    shown = [formats.number(e, decimals=formats.money_decimals(edges)) for e in edges]
    if len(set(shown)) < len(shown):
        shown = [formats.number(e) for e in edges]
    names = [fill("band_lowest", high=shown[0])]
    names += [fill("band_between", low=low, high=high) for low, high in pairwise(shown)]
    named = nw.lit(fill("band_highest", low=shown[-1]))
    for edge, name in reversed(list(zip(edges, names, strict=True))):
        named = nw.when(nw.col("amount") <= edge).then(nw.lit(name)).otherwise(named)
    return customers.with_columns(named.alias(BAND))


def _find_edges(customers: nw.LazyFrame, bands: int) -> list[float]:
    """The amounts up to which a band goes: quantiles of all, without equal ones and the largest."""
    size = frames.count(customers)
    counted = customers.group_by("amount").agg(n=nw.len())
    reached = ranking.rank(counted, by="amount", ascending=True, running=["n"])
    amount = nw.col("amount")
    edge = {
        f"e{k}": nw.when(nw.col("n_upto") * bands >= k * size).then(amount).min()
        for k in range(1, bands)
    }
    row = frames.table(reached.select(**edge, largest=amount.max())).iloc[0]
    largest = float(row["largest"]) if size else 0.0
    return sorted({float(row[n]) for n in edge if size and row[n] < largest})


def gather(customers: nw.LazyFrame, traits: Sequence[str]) -> nw.LazyFrame:
    """Customers with traits -> the same with rare values as "(all others)": those of fewer than 30
    customers, and where there are more than 12 values all but the 11 most frequent (equal: first by
    name). A trait of one value is dropped."""
    dropped = []
    for trait in traits:
        counted = customers.group_by(trait).agg(_n=nw.len())
        ordered = counted.sort("_n", trait, descending=[True, False]).head(MOST + 1)
        found = frames.table(ordered)
        large = found[found["_n"] >= FEWEST]
        kept = large[trait].tolist()[: MOST if len(found) <= MOST else MOST - 1]
        if not kept or (len(kept) == 1 and len(found) == 1):
            dropped.append(trait)
        elif len(kept) < len(found):
            value = nw.col(trait)
            others = nw.when(value.is_in(kept)).then(value).otherwise(nw.lit(fill("others")))
            customers = customers.with_columns(others.alias(trait))
    return customers.drop(dropped)
