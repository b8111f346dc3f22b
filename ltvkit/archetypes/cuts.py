"""Which quantiles make the cuts of types: those by which an earlier date best told what came after.

Each customer of the earlier date falls into one cell of a grid of quantiles; only the sums of these
cells leave the engine, and other quantiles are tried on them. One is taken only where it is better
beyond chance: a choice between equals would change from month to month, and types with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.archetypes import factors, horizons, types
from ltvkit.archetypes.texts import fill
from ltvkit.archetypes.types import ACTIVE, GAP, HIGH, QUANTILES, TYPES
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import DataError, TooLittleData
from ltvkit.periods import Day

GRID = {**{name: [0.6, 0.7, 0.8, 0.9] for name in HIGH}, ACTIVE: [0.3, 0.4, 0.5, 0.6, 0.7]}
WORTH, ERRORS = 0.005, 3.0  # so much better must a quantile be: Gini, and standard errors
DRAWS = 200  # for the standard error
FEW = 100_000  # rows, that pandas takes through these steps sooner than DuckDB plans them
FEWEST, LEAST = 30, 0.01  # customers, and share of them, in each type that an offer is made to
OFFERED = ("all_round_best", "long_relationship", "high_price")


def choose_cuts(
    lines: Frame,
    *,
    as_of: Day,
    of: str = "revenue",
    months: int | None = None,
    before: pd.DataFrame | None = None,
    export_begins: str = "",
) -> pd.DataFrame:
    """Order lines, or their `days` -> the shop's cuts of types, chosen on the past (`find_cuts`).

    Which quantile a cut is, is chosen `months` before `as_of` (12, 6 or 3: the most for which there
    are half as many months before it): the quantiles whose types, active or not, best order the
    customers of that date by the money `of` "revenue" or "margin" that each brought from then on
    (`choose_quantiles`). The cuts themselves are those quantiles of the customers at `as_of`. Hand
    the table to `assign`, now and later. `before`: such a table of an earlier date, whose
    quantiles are kept where no other is clearly better, and whose cuts where they are still about
    their quantile (`find_cuts`). Raises `TooLittleData`, `ColumnError` and `ParamsError`.
    """
    months = horizons.find_months(lines, as_of=as_of, times=1, months=months)
    earlier = horizons.move_back(as_of, months)
    past = factors.measure(lines, as_of=earlier, export_begins=export_begins)
    later = factors.sum_later(lines, after=earlier, until=as_of, of=of)
    usual = QUANTILES if before is None else types.read_quantiles(before)
    chosen = choose_quantiles(past, later, of=of, usual=usual)
    now = factors.measure(lines, as_of=as_of, export_begins=export_begins)
    return types.find_cuts(now, of=of, quantiles=chosen, before=before)


def choose_month_cuts(
    lines: Frame, *, as_of: Day, of: str = "revenue", export_begins: str = ""
) -> pd.DataFrame:
    """Order lines, or their `days` -> `choose_cuts` of a month, held to those of last December.

    All months of a year are held to the same cuts, so that a month has the same types in its own
    report, in those of later months, and in a list that is drawn by them. Raises as `choose_cuts`.
    """
    lines = frames.hold_small(lines, most=FEW)  # some dozen short steps
    rule: dict[str, Any] = {"of": of, "export_begins": export_begins}
    december = periods.end(periods.index_of(as_of, "year") - 1, "year")
    try:
        before = choose_cuts(lines, as_of=december, **rule)
    except DataError:  # too early in the shop's life
        before = None
    return choose_cuts(lines, as_of=as_of, before=before, **rule)


def choose_quantiles(
    customers: Frame,
    later: nw.LazyFrame,
    *,
    of: str = "revenue",
    usual: Mapping[str, float] = QUANTILES,
) -> dict[str, float]:
    """Customers (as of `measure`), and the money that came `later` (`sum_later`) -> a quantile for
    each measure.

    From the `usual` ones on, one after the other is moved to the next of `GRID`: each time the one
    that raises most the Gini coefficient of what came later between the groups (type, and active or
    not), as long as it rises by 0.005 and three standard errors. Each type that offers are made to
    has 1% of the customers and 30 at least, or no fewer than before the move. Raises
    `TooLittleData` where nothing came later.
    """
    grid = {name: sorted({*shares, usual[name]}) for name, shares in GRID.items()}
    cells = _count_cells(customers, later, of=of, grid=grid)
    if not cells["later"].sum() > 0:
        raise TooLittleData(fill("nothing_later"))
    chosen = dict(usual)
    for _step in range(2 * len(grid)):  # it ends sooner, as each step must be clearly better
        moves = _list_moves(chosen, grid)
        now = _place(cells, chosen, grid)
        placed = [(move, _place(cells, move, grid)) for move in moves]
        fitting = [(m, group) for m, group in placed if _has_enough(cells, group, now)]
        scores = [_score(cells, group) for _move, group in fitting]
        best = int(np.argmax(scores)) if scores else -1
        if best < 0 or not _is_better(cells, fitting[best][1], now):
            break
        chosen = fitting[best][0]
    return chosen


def _list_moves(
    chosen: Mapping[str, float], grid: Mapping[str, list[float]]
) -> list[dict[str, float]]:
    """One quantile moved to a neighbour on the grid, each in turn."""
    found = []
    for name, shares in grid.items():
        at = shares.index(chosen[name])
        found += [
            dict(chosen) | {name: shares[k]} for k in (at - 1, at + 1) if 0 <= k < len(shares)
        ]
    return found


def _count_cells(
    customers: Frame, later: nw.LazyFrame, *, of: str, grid: Mapping[str, list[float]]
) -> pd.DataFrame:
    """Customers, later money and its squares by cell: how many cuts of the grid each measure is
    above."""
    edges = types.measure_cuts(customers, of=of, shares=grid)
    gap = float(edges.loc[edges["measure"] == GAP, "cut"].iloc[0])
    means = factors.find_means(customers, of=of, gap_days=gap)
    measured = factors.add_parts(frames.lazy(customers), means, of=of)
    above = {}
    for name in grid:
        marks = [
            frames.one_if(nw.col(name) > cut) for cut in edges["cut"][edges["measure"] == name]
        ]
        above[f"_{name}"] = nw.sum_horizontal(*marks)
    placed = measured.select("customer_id", **above).join(later, on="customer_id", how="left")
    placed = placed.with_columns(nw.col("later").fill_null(0.0))
    placed = placed.with_columns(squares=nw.col("later") * nw.col("later"))
    cells = frames.add_up(placed, *above, sums=("later", "squares"), customers=nw.len())
    return cells.astype(dict.fromkeys(("customers", "later", "squares"), float))


def _place(
    cells: pd.DataFrame, chosen: Mapping[str, float], grid: Mapping[str, list[float]]
) -> np.ndarray:
    """The group of each cell where these quantiles make the cuts: twice the number of its type, and
    one more where it is active."""
    above = {n: cells[f"_{n}"].to_numpy() > grid[n].index(s) for n, s in chosen.items()}
    return 2 * find_type(above) + ~above[ACTIVE]


def find_type(above: Mapping[str, np.ndarray]) -> np.ndarray:
    """Whether each measure is high -> the number of the type whose rule fits."""
    return CODES[sum(above[name].astype(int) << k for k, name in enumerate(HIGH))]


def _count(cells: pd.DataFrame, group: np.ndarray, name: str) -> np.ndarray:
    return np.bincount(group, weights=cells[name].to_numpy(), minlength=2 * len(TYPES))


def _score(cells: pd.DataFrame, group: np.ndarray) -> float:
    return measure_gini(_count(cells, group, "customers"), _count(cells, group, "later"))


def _has_enough(cells: pd.DataFrame, group: np.ndarray, now: np.ndarray) -> bool:
    """Whether each type that offers are made to has enough customers, or as many as now."""
    places = [types.NAMES.index(name) for name in OFFERED]
    each = [_count(cells, g, "customers").reshape(-1, 2).sum(axis=1)[places] for g in (group, now)]
    least = max(FEWEST, LEAST * cells["customers"].sum())
    return bool((each[0] >= np.minimum(least, each[1])).all())


def _is_better(cells: pd.DataFrame, group: np.ndarray, now: np.ndarray) -> bool:
    """Whether groups are better than those now, by more than customers drawn anew would make.

    Of customers drawn at random, the number in a cell and their money vary with the variances of a
    compound Poisson variable: the number, the squares, and between both the money.
    """
    gain = _score(cells, group) - _score(cells, now)
    if not gain >= WORTH:
        return False
    pairs = group * 2 * len(TYPES) + now
    kinds, place = np.unique(pairs, return_inverse=True)
    n, money, squares = (
        np.bincount(place, weights=cells[name].to_numpy())
        for name in ("customers", "later", "squares")
    )
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, DRAWS, len(kinds)))
    drawn = np.maximum(n + np.sqrt(n) * first, 0.0)
    rest = np.sqrt(np.maximum(squares - money**2 / n, 0.0))
    brought = money + money / np.sqrt(n) * first + rest * second
    gains = []
    for one, other in zip(drawn, brought, strict=True):
        scores = [
            measure_gini(np.bincount(side, weights=one), np.bincount(side, weights=other))
            for side in (kinds // (2 * len(TYPES)), kinds % (2 * len(TYPES)))
        ]
        gains.append(scores[0] - scores[1])
    return bool(gain > ERRORS * np.std(gains))


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
