"""Which quantiles make the cuts of types: those by which an earlier date best told what came after.

Each customer of the earlier date falls into one cell of a grid of quantiles; only the sums of these
cells leave the engine, and every combination of quantiles is tried on them.
"""

from __future__ import annotations

from itertools import product

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit.archetypes import factors, horizons, types
from ltvkit.archetypes.texts import fill
from ltvkit.archetypes.types import ACTIVE, GAP, HIGH, QUANTILES, TYPES
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import TooLittleData
from ltvkit.periods import Day

GRID = {**dict.fromkeys(HIGH, [0.6, 0.7, 0.8, 0.9]), ACTIVE: [0.3, 0.4, 0.5, 0.6, 0.7]}
WORTH = 0.01  # Gini coefficient: so much better must a choice be for each quantile that it moves
FEWEST, LEAST = 30, 0.01  # customers, and share of them, in each type that an offer is made to
OFFERED = ("all_round_best", "long_relationship", "high_price")


def choose_cuts(
    lines: Frame,
    *,
    as_of: Day,
    of: str = "revenue",
    months: int | None = None,
    export_begins: str = "",
) -> pd.DataFrame:
    """Order lines, or their `days` -> the shop's cuts of types, chosen on the past (`find_cuts`).

    Which quantile a cut is, is chosen `months` before `as_of` (12, 6 or 3: the most for which there
    are half as many months before it): the quantiles whose types, active or not, best order the
    customers of that date by the money `of` "revenue" or "margin" that each brought from then on
    (`choose_quantiles`). The cuts themselves are those quantiles of the customers at `as_of`. Hand
    the table to `assign`, now and later. Raises `TooLittleData` and `ColumnError`.
    """
    months = horizons.find_months(lines, as_of=as_of, times=1, months=months)
    earlier = horizons.move_back(as_of, months)
    past = factors.measure(lines, as_of=earlier, export_begins=export_begins)
    later = factors.sum_later(lines, after=earlier, until=as_of, of=of)
    chosen = choose_quantiles(past, later, of=of)
    now = factors.measure(lines, as_of=as_of, export_begins=export_begins)
    return types.find_cuts(now, of=of, quantiles=chosen)


def choose_quantiles(customers: Frame, later: nw.LazyFrame, *, of: str = "revenue") -> dict[str, float]:
    """Customers (as of `measure`), and the money that came `later` (`sum_later`) -> a quantile for
    each measure.

    Of all combinations of `GRID`, the one with the highest Gini coefficient of what came later
    between the groups (type, and active or not), less 0.01 for each quantile that differs from
    `QUANTILES`: a choice that is hardly better would change from month to month. Each type that
    offers are made to has 1% of the customers and 30 at least. Raises `TooLittleData` where nothing
    came later.
    """
    cells = _count_cells(customers, later, of=of)
    if not cells["later"].sum() > 0:
        raise TooLittleData(fill("nothing_later"))
    usual = tuple(QUANTILES.values())
    best, found = -np.inf, usual
    for chosen in product(*GRID.values()):
        n, money = _add_up(cells, chosen)
        least = max(FEWEST, LEAST * n.sum())
        offered = n.reshape(-1, 2).sum(axis=1)[[types.NAMES.index(name) for name in OFFERED]]
        moved = sum(one != other for one, other in zip(chosen, usual, strict=True))
        score = measure_gini(n, money) - WORTH * moved
        if score > best and (chosen == usual or (offered >= least).all()):
            best, found = score, chosen
    return dict(zip(GRID, found, strict=True))


def _count_cells(customers: Frame, later: nw.LazyFrame, *, of: str) -> pd.DataFrame:
    """Customers and later money by cell: how many cuts of the grid each measure is above."""
    edges = types.measure_cuts(customers, of=of, shares=GRID)
    gap = float(edges.loc[edges["measure"] == GAP, "cut"].iloc[0])
    measured = frames.lazy(factors.split(customers, of=of, gap_days=gap))
    above = {}
    for name in GRID:
        marks = [frames.one_if(nw.col(name) > cut) for cut in edges["cut"][edges["measure"] == name]]
        above[f"_{name}"] = nw.sum_horizontal(*marks)
    placed = measured.select("customer_id", **above).join(later, on="customer_id", how="left")
    placed = placed.with_columns(nw.col("later").fill_null(0.0))
    return frames.add_up(placed, *above, sums=("later",), customers=nw.len())


def _add_up(cells: pd.DataFrame, chosen: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Customers and money by type, and active or not, where these quantiles make the cuts."""
    above = {
        name: cells[f"_{name}"].to_numpy() > GRID[name].index(share)
        for name, share in zip(GRID, chosen, strict=True)
    }
    group = 2 * _place(above) + above[ACTIVE]
    n, money = (
        np.bincount(group, weights=cells[name].astype(float), minlength=2 * len(TYPES))
        for name in ("customers", "later")
    )
    return n, money


def _place(above: dict[str, np.ndarray]) -> np.ndarray:
    """The number of the type whose rule fits."""
    code = sum(above[name].astype(int) << k for k, name in enumerate(HIGH))
    return CODES[code]


def _list_codes() -> np.ndarray:
    """The type of each way in which measures may be high or low."""
    found = []
    for code in range(1 << len(HIGH)):
        named = {name: "high" if code >> k & 1 else "low" for k, name in enumerate(HIGH)}
        fits = [all(r[n] in ("any", named[n]) for n in HIGH) for r in TYPES]
        found.append(fits.index(True))
    return np.array(found)


CODES = _list_codes()


def measure_gini(customers: np.ndarray, money: np.ndarray) -> float:
    """Customers and money of groups -> the Gini coefficient of money between the groups: 0 where
    all bring the same on average; of customers who each bring the mean of their group.

    >>> round(measure_gini(np.array([50, 50]), np.array([0.0, 10.0])), 3)
    0.5
    """
    there = customers > 0
    n, money = customers[there], money[there]
    order = np.argsort(money / n, kind="stable")
    share, brought = n[order] / n.sum(), money[order] / money.sum()
    upto = np.cumsum(brought)
    return float(1 - (share * (2 * upto - brought)).sum())
