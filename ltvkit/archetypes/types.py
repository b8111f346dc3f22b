"""Types of customers by the shop's own cuts: why their LTV so far is high, and who is active.

`types.yaml` has one rule per type. Cuts are quantiles of the shop's customers, kept as a table
that can be handed in again, so that types of two dates mean the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit.archetypes import factors
from ltvkit.core import files
from ltvkit.engines import frames, ranking
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, one_of

TYPES = files.read_yaml(__name__, "types.yaml")
NAMES = tuple(rule["name"] for rule in TYPES)
HIGH = ("ltv_so_far", "relationship_months", "order_value", "orders_per_month")
ACTIVE, GAP = "recency_days", "usual_gap_days"
# Of the customers, how many are not above the cut. Of those up to `recency_days`, the active ones.
QUANTILES = {**dict.fromkeys(HIGH, 0.8), ACTIVE: 0.5}
BAND = 0.03  # by which the quantile of a cut of an earlier date may have moved
COLUMNS = ("measure", "quantile", "cut")


def find_cuts(
    customers: Frame,
    *,
    of: str = "revenue",
    quantiles: Mapping[str, float] = QUANTILES,
    before: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Customers (as of `measure`) -> the cuts of types: a table of measure, quantile, cut.

    A cut is the smallest value that at least so many of the customers do not exceed: it occurs, and
    equal values are on one side. Rows are `ltv_so_far`, `relationship_months`, `order_value`,
    `orders_per_month`, `recency_days`, and `usual_gap_days`, the days between two orders by which
    lengths were measured (it has no quantile). `quantiles` may name some of the measures; others
    are as in `QUANTILES`. `before`: a table of an earlier date. Its usual_gap_days are kept, and
    each cut of the same quantile that still lies within 3 points of it, so that types do not change
    with every small move of the shop. Raises `TooLittleData`, and `ParamsError` for an unknown
    measure.
    """
    shares = dict(QUANTILES)
    for name, share in quantiles.items():
        one_of("quantiles", name, QUANTILES)
        if not 0 < share < 1:
            raise ParamsError(f"quantiles: {name}={share!r}: give a share above 0 and below 1.")
        shares[name] = share
    if before is None:
        return measure_cuts(customers, of=of, shares={n: [s] for n, s in shares.items()})
    old, kept = read_cuts(before), read_quantiles(before)
    wanted = {n: [max(s - BAND, 0.0), s, min(s + BAND, 1.0)] for n, s in shares.items()}
    ends = measure_cuts(customers, of=of, shares=wanted, gap_days=old[GAP])
    rows = []
    for name, share in shares.items():
        low, now, high = ends.loc[ends["measure"] == name, "cut"]
        still = kept[name] == share and low <= old[name] <= high
        rows.append((name, share, old[name] if still else now))
    return pd.DataFrame([*rows, (GAP, np.nan, old[GAP])], columns=list(COLUMNS))


def measure_cuts(
    customers: Frame,
    *,
    of: str,
    shares: Mapping[str, list[float]],
    gap_days: float | None = None,
) -> pd.DataFrame:
    """As `find_cuts`, for several shares of each measure."""
    means = factors.find_means(customers, of=of, gap_days=gap_days)
    measured = factors.add_parts(frames.lazy(customers), means, of=of)
    found = ranking.find_quantiles(measured, shares=shares, rows=means.customers)
    rows = [
        (name, share, cut)
        for name, wanted in shares.items()
        for share, cut in zip(wanted, found[name], strict=True)
    ]
    return pd.DataFrame([*rows, (GAP, np.nan, means.gap_days)], columns=list(COLUMNS))


def read_cuts(cuts: pd.DataFrame | Mapping[str, float]) -> dict[str, float]:
    """A table of cuts, or cuts by measure -> by measure; raises `ParamsError` for a missing one."""
    if isinstance(cuts, pd.DataFrame):
        frames.lazy(cuts, needs=("measure", "cut"))
        cuts = dict(zip(cuts["measure"], cuts["cut"], strict=True))
    for name in (*HIGH, ACTIVE, GAP):
        if not np.isfinite(float(cuts.get(name, np.nan))):
            raise ParamsError(
                f"cuts: no number for {name}; give {', '.join((*HIGH, ACTIVE, GAP))}, as the table "
                "of archetypes.choose_cuts has them."
            )
    return {str(name): float(cut) for name, cut in cuts.items()}


def read_quantiles(cuts: pd.DataFrame) -> dict[str, float]:
    """A table of cuts -> the quantile of each measure; raises `ParamsError` for a missing one."""
    given = frames.table(frames.lazy(cuts, needs=COLUMNS)).set_index("measure")["quantile"]
    for name in QUANTILES:
        if not 0 < float(given.get(name, np.nan)) < 1:
            raise ParamsError(f"cuts: no quantile for {name}: hand in a table of choose_cuts.")
    return {name: float(given[name]) for name in QUANTILES}


def assign(
    customers: Frame, *, cuts: pd.DataFrame | Mapping[str, float], of: str = "revenue"
) -> Frame:
    """Customers (as of `measure`) -> `split`, and two more columns.

    - `archetype`: the type whose rule in `TYPES` fits. A value on a cut is low. `balanced`: a high
      LTV so far, and no single reason.
    - `active`: whether the latest order is as recent as the cut of `recency_days`, or more so

    Without an order or a return, nothing but `active` changes from one date to another where the
    same `cuts` are handed in. Comes back as the kind that went in. Raises `ParamsError`.
    """
    known = read_cuts(cuts)
    means = factors.find_means(customers, of=of, gap_days=known[GAP])
    measured = factors.add_parts(frames.lazy(customers), means, of=of)
    placed = frames.without(measured, "archetype", "active").with_columns(
        archetype=name_type({name: nw.col(name) > known[name] for name in HIGH}),
        active=nw.col(ACTIVE) <= known[ACTIVE],
    )
    return frames.materialize(placed, like=customers)


def name_type(high: Mapping[str, nw.Expr]) -> nw.Expr:
    """Whether each measure is high -> the name of the type."""
    named = nw.lit(None, nw.String)
    for rule in TYPES:
        asked = [high[name] if rule[name] == "high" else ~high[name]
                 for name in HIGH if rule[name] != "any"]  # fmt: skip
        fits = reduce(lambda one, other: one & other, asked)
        named = nw.when(fits).then(nw.lit(rule["name"])).otherwise(named)
    return named
