"""Do types foretell what customers bring? Tested on the last months against other groupings.

Groups are formed at an earlier date, and what they are expected to bring is learned from a date as
long before that. Then it is seen what came. All groupings know the same, and are judged alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit.archetypes import cuts, factors, horizons, rivals, types
from ltvkit.archetypes.rivals import Cpm
from ltvkit.archetypes.texts import fill
from ltvkit.engines import frames, resampling, sampling
from ltvkit.engines.frames import Frame
from ltvkit.errors import TooLittleData
from ltvkit.periods import Day

METHODS = ("archetypes", "cpm", "rfm_cells", "revenue_groups")
BEST = 0.2  # of the customers
COVERED = 0.95  # of the intervals
PRIOR = 20  # customers who brought the mean, added to each group when its worth is learned
FEWEST = 200  # customers to test on


@dataclass(frozen=True)
class Backtest:
    """What each grouping foretold, and what came.

    `table`: a row per method: method, groups (that had customers), caught (share of the money that
    came which the best 20% of the customers brought, by what was foretold), explained (share of the
    variance of money between customers; below zero: worse than the mean of all), each with `_low`
    and `_high` (95%, by drawing 256 groups of customers anew), and caught_less, explained_less: of
    archetypes, less that of the method, with `_low` and `_high` (of archetypes itself NaN), and
    verdict: "better", "worse" or "unclear" by `caught_less` (of archetypes itself empty).
    `groups`: method, group, customers, foretold and brought per customer, the most foretold first.
    `start`: the day by whose end groups were formed; `months` that were then foretold, `of` money.
    """

    table: pd.DataFrame
    groups: pd.DataFrame
    start: pd.Timestamp
    months: int
    of: str


def backtest(
    lines: Frame,
    *,
    as_of: Day,
    of: str = "revenue",
    months: int | None = None,
    cpm: Cpm | None = Cpm(),  # noqa: B008
    export_begins: str = "",
    draws: int = 1000,
    seed: int = 1,
) -> Backtest:
    """Order lines, or their `days` -> `Backtest` of the last `months` (12, 6 or 3: the most that
    fit twice into the orders, with half as many before them).

    - archetypes: type, and active or not; quantiles of cuts chosen as `choose_cuts` does at `start`
    - cpm: the ten groups of fixed cuts; None leaves it out, as where money is not in yen
    - rfm_cells: the 125 cells of R, F and M quintiles, joined into as many groups as archetypes
      have, by what customers of a cell brought before
    - revenue_groups: as many groups, by revenue so far

    All have quantiles of the customers of the date, and the worth of a group is what its customers
    of the earlier date brought in as many months, as if 20 more who brought the mean were in it. A
    group that had nobody then counts as the mean; one of cpm as the next lower (`rivals.ORDER`).
    Raises `TooLittleData` and `ColumnError`.
    """
    lines = frames.hold_small(lines, most=cuts.FEW)
    months = horizons.find_months(lines, as_of=as_of, times=2, months=months)
    start, earlier = (horizons.move_back(as_of, n * months) for n in (1, 2))
    people = [
        factors.measure(lines, as_of=d, export_begins=export_begins) for d in (earlier, start)
    ]
    spans = [(earlier, start), (start, as_of)]
    later = [factors.sum_later(lines, after=a, until=b, of=of) for a, b in spans]
    chosen = cuts.choose_quantiles(people[0], later[0], of=of)
    learned: dict[str, pd.DataFrame] = {}
    tested: dict[str, pd.DataFrame] = {}
    for method in (m for m in METHODS if m != "cpm" or cpm):
        labels = [_name(method, p, of, chosen, cpm, learned, later[0]) for p in people]
        learned[method] = _add_up(labels[0], later[0])
        tested[method] = _add_up(labels[1], later[1], dealt=True)
    n = tested["archetypes"]["customers"].sum()
    if n < FEWEST or not tested["archetypes"]["later"].sum() > 0:
        raise TooLittleData(fill("few_to_test", n=int(n), least=FEWEST))
    return judge(learned, tested, start=start, months=months, of=of, draws=draws, seed=seed)


def _name(
    method: str,
    people: Frame,
    of: str,
    chosen: dict[str, float],
    cpm: Cpm | None,
    learned: dict[str, pd.DataFrame],
    later: nw.LazyFrame,
) -> nw.LazyFrame:
    """Customers of a date -> customer_id, `label` of a method; lazy."""
    if method == "archetypes":
        found = types.find_cuts(people, of=of, quantiles=chosen)
        placed = frames.lazy(types.assign(people, cuts=found, of=of))
        state = nw.when(nw.col("active")).then(nw.lit("")).otherwise(nw.lit(" quiet"))
        return placed.select("customer_id", label=nw.concat_str(nw.col("archetype"), state))
    if method == "cpm" and cpm:
        return rivals.name_cpm(people, cpm=cpm)
    groups = learned["archetypes"]["label"].nunique()
    if method == "revenue_groups":
        return rivals.name_deciles(people, groups=groups)
    scored = rivals.score_rfm(people)
    if "_cells" not in learned:  # of the earlier date
        learned["_cells"] = _learn_cells(scored, later, groups)
    cells = frames.from_pandas(learned["_cells"], like=people)
    return scored.join(cells, on=rivals.CELLS.names).select("customer_id", "label")


def _learn_cells(scored: nw.LazyFrame, later: nw.LazyFrame, groups: int) -> pd.DataFrame:
    placed = scored.join(later, on="customer_id", how="left")
    placed = placed.with_columns(nw.col("later").fill_null(0.0))
    cells = frames.add_up(placed, *rivals.CELLS.names, sums=("later",), customers=nw.len())
    worth = float(cells["later"].sum() / cells["customers"].sum())
    return rivals.group_cells(cells, groups=groups, worth=worth)


def _add_up(labelled: nw.LazyFrame, later: nw.LazyFrame, *, dealt: bool = False) -> pd.DataFrame:
    """Labelled customers and later money -> customers, later and squares (of money) by label, and
    by one of 256 groups of customers where they are `dealt`."""
    placed = labelled.join(later, on="customer_id", how="left")
    placed = placed.with_columns(nw.col("later").fill_null(0.0))
    placed = placed.with_columns(squares=nw.col("later") * nw.col("later"))
    by = ["group", "label"] if dealt else ["label"]
    placed = sampling.deal(placed) if dealt else placed
    sums = ("later", "squares")
    return frames.add_up(placed, *by, sums=sums, customers=nw.len())


def judge(
    learned: dict[str, pd.DataFrame],
    tested: dict[str, pd.DataFrame],
    *,
    start: pd.Timestamp,
    months: int,
    of: str,
    draws: int,
    seed: int,
) -> Backtest:
    """What customers brought by label, at the earlier date and (dealt into groups) at the later
    one, for each method -> `Backtest`."""
    hands = sorted(tested["archetypes"]["group"].unique())
    weights = resampling.draw_weights(draws=draws, seed=seed, groups=len(hands))
    weights = np.vstack([np.ones(len(hands)), weights])  # first, the customers as they are
    scores, groups = {}, []
    for method in tested:
        worth = _learn(learned[method], order=rivals.ORDER if method == "cpm" else [])
        cube, labels = _fold(tested[method], hands)
        foretold = worth.reindex(labels).fillna(worth["*"]).to_numpy()
        scores[method] = measure(weights, cube, foretold, mean=worth["*"])
        groups.append(_list_groups(method, labels, cube.sum(axis=0), foretold))
    rows = [_describe(method, tested[method], scores) for method in tested]
    return Backtest(pd.DataFrame(rows), pd.concat(groups, ignore_index=True), start, months, of)


def _learn(table: pd.DataFrame, *, order: list[str]) -> pd.Series:
    """What a customer of each label brings; of all, and of labels not seen, under "*". With an
    order of labels, one not seen is as the next lower one, or as the lowest."""
    sums = table.set_index("label")[["customers", "later"]].astype(float)
    mean = float(sums["later"].sum() / sums["customers"].sum())
    worth = (sums["later"] + PRIOR * mean) / (sums["customers"] + PRIOR)
    known = worth.reindex(order).bfill().ffill() if order else worth
    return pd.concat([known, pd.Series({"*": mean})])


def _fold(table: pd.DataFrame, hands: list[str]) -> tuple[np.ndarray, list[str]]:
    """A table by group and label -> customers, later, squares as an array by group and label."""
    wide = table.pivot(index="group", columns="label", values=["customers", "later", "squares"])
    wide = wide.reindex(hands).fillna(0.0).astype(float)
    labels = list(wide["customers"].columns)
    return np.stack([wide[n].to_numpy() for n in ("customers", "later", "squares")], 2), labels


def measure(
    weights: np.ndarray, cube: np.ndarray, foretold: np.ndarray, *, mean: float
) -> dict[str, np.ndarray]:
    """Weights of groups of customers (draws x groups), their sums (groups x labels x 3), and what
    was foretold by label -> what the best 20% caught, and the variance explained, by draw.

    The money of a label that lies across the 20% counts by the share of its customers within them.
    Explained: 1 - squares around what was foretold / squares around the mean that was known.
    """
    order = np.argsort(-foretold, kind="stable")
    n, money, squares = np.moveaxis(np.tensordot(weights, cube[:, order], axes=1), 2, 0)
    share = n / n.sum(axis=1, keepdims=True)
    before = np.cumsum(share, axis=1) - share
    with np.errstate(invalid="ignore", divide="ignore"):
        within = np.where(n > 0, np.clip((BEST - before) / share, 0, 1), 0)
        caught = (within * money).sum(axis=1) / money.sum(axis=1)
    errors = [
        (squares - 2 * money * value + n * value**2).sum(axis=1)
        for value in (foretold[order], mean)
    ]
    return {"caught": caught, "explained": 1 - errors[0] / errors[1]}


def _describe(
    method: str, table: pd.DataFrame, scores: dict[str, dict[str, np.ndarray]]
) -> dict[str, object]:
    row: dict[str, object] = {"method": method, "groups": int(table["label"].nunique())}
    ours, own = scores["archetypes"], scores[method]
    for name in ("caught", "explained"):
        row |= _summarize(name, own[name])
    for name in ("caught", "explained"):
        less = ours[name] - own[name]
        row |= _summarize(f"{name}_less", less * (np.nan if method == "archetypes" else 1))
    less = (ours["caught"] - own["caught"])[1:]
    tail = (1 - COVERED) / 2 / (len(scores) - 1)  # as several rivals are looked at together
    low, high = np.quantile(less, [tail, 1 - tail])
    verdict = "better" if low > 0 else "worse" if high < 0 else "unclear"
    return row | {"verdict": "" if method == "archetypes" else verdict}


def _summarize(name: str, values: np.ndarray) -> dict[str, float]:
    low, high = np.quantile(values[1:], [(1 - COVERED) / 2, (1 + COVERED) / 2])
    return {name: float(values[0]), f"{name}_low": float(low), f"{name}_high": float(high)}


def _list_groups(
    method: str, labels: list[str], sums: np.ndarray, foretold: np.ndarray
) -> pd.DataFrame:
    found = {"method": method, "group": labels, "customers": sums[:, 0].astype(int)}
    table = pd.DataFrame(found).assign(foretold=foretold, brought=sums[:, 1] / sums[:, 0])
    return table.sort_values("foretold", ascending=False, ignore_index=True)
