"""What one percentage point more at each step is worth in a year, and whose it is."""

from __future__ import annotations

from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.drivers.kpi_tree import THE_KITS, KpiTree
from ltvkit.drivers.leaves import LEAVES
from ltvkit.engines import frames, resampling, sampling
from ltvkit.engines.frames import Frame
from ltvkit.funnel import accumulation, estimation, summaries
from ltvkit.funnel.accumulation import DRAWS
from ltvkit.funnel.landmark import TOO_FEW
from ltvkit.funnel.reaching import Stages
from ltvkit.funnel.referral import Referral
from ltvkit.funnel.stages import ADVOCATING, FACTS, INTRODUCING, PURCHASE, Step, list_leaves

POINT = 0.01
YEAR = 365
LEAST_SEEN = 90  # days; of fewer, nothing is said of a year
FEWEST = 30  # people who reached a stage; a value of fewer is mostly chance
WIDTH = 1.96  # standard errors
HORIZONS = (365, 180, 90)  # days in which a value comes in; the longest that fits
FIGURES = ["people_a_year", "next_stage_share", "onward_share", "value_each", "worth_a_year"]
COLUMNS = ["stage", "next_stage", *FIGURES, "low", "high", "owner", "department", "value_days"]


class Value(NamedTuple):
    """What somebody who reaches a stage brings, and in each draw."""

    each: float
    drawn: np.ndarray


def value_points(
    lines: Frame,
    stages: Stages,
    *,
    of: str = "revenue",
    tree: KpiTree = THE_KITS,
    landmark: pd.DataFrame | None = None,
    referral: Referral | None = None,
) -> pd.DataFrame:
    """Order lines, or their days, and stages reached -> a row per recorded step: what it is worth
    if one more of 100 people takes it.

    - `people_a_year`: who reach the first of both stages in a year (the people of `summarize` of
      the last 365 days, or of as many as were seen, times what is missing of a year; NaN: fewer
      than 90 days were seen); `next_stage_share`: who take the step (see
      `summarize`); `onward_share`: of those who do, who get to the first order (1 from there on)
    - `value_each`: what one who reaches the first order, or the stage after it, brings (revenue or
      margin, `of`) from that day on within `value_days`: 365, or 180 or 90 where the orders span
      less than twice that. "introducing": by the customers that one brings (`referral`), in its
      days. "advocating": what customers who had reached it brought more than others like them, of
      the table `landmark` of `value_stages`, in its days. NaN: not known, or fewer than 30 have
      reached it
    - `worth_a_year`: people x 1% x onward x value, `low` to `high` (95%, people and customers
      drawn anew; of "introducing" by the errors of both figures, of "advocating" the table's range)
    - `owner`: who answers for a leaf of `tree` that the stage belongs to ("": nobody is named),
      `department`

    It takes it that those who are won in addition are like those who come by themselves: a limit
    for what winning them may cost, and no forecast. Raises `ColumnError` without the column `of`.
    """
    steps = summaries.list_recorded(stages)
    days = _choose_days(stages)
    values = _find_values(lines, stages, steps, of=of, days=days)
    held = stages.hold()
    shares = _draw_shares(held, steps)
    rows = []
    for step in steps:
        onward = _find_onward(step, steps, shares)
        value = values.get(PURCHASE if step.next_stage in stages.first_half else step.next_stage)
        if step.next_stage == INTRODUCING:
            value = _value_introducing(referral)
        people = _count_a_year(held, step)
        figures = {"people_a_year": people, "next_stage_share": shares[step][0]}
        figures |= {"onward_share": onward[0]} | _weigh(people, onward, value)
        counted: dict[str, Any] = {"value_days": days}
        if step.next_stage == INTRODUCING and referral is not None:
            counted = {"value_days": int(referral.figures["horizon_days"])}
        if step.next_stage == ADVOCATING:
            counted |= _value_advocating(people, landmark)
        named = {"stage": step.stage, "next_stage": step.next_stage}
        rows.append(named | figures | counted | _find_owner(step.next_stage, tree))
    return pd.DataFrame(rows, columns=COLUMNS)


def _choose_days(stages: Stages) -> int:
    rows = frames.lazy(stages.rows).filter(nw.col("stage") == PURCHASE, nw.col("known") == 1)
    first = frames.table(rows.select(nw.col("reached").min()))["reached"].iloc[0]
    seen = 0 if pd.isna(first) else periods.number_of(stages.as_of) - periods.number_of(first)
    return next((days for days in HORIZONS if 2 * days <= seen), HORIZONS[-1])


def _find_values(
    lines: Frame, stages: Stages, steps: list[Step], *, of: str, days: int
) -> dict[str, Value]:
    """What one brings from the day on which a stage was reached: by stage that orders tell."""
    until = periods.number_of(stages.as_of)
    seen = {"until": until, "within": days - 1}
    found = {}
    for name in dict.fromkeys([PURCHASE, *(step.next_stage for step in steps)]):
        if FACTS.get(name, {}).get("from") != "orders":
            continue
        rows = frames.lazy(stages.rows).filter(nw.col("stage") == name, nw.col("known") == 1)
        rows = rows.filter(~nw.col("customer_id").is_null())
        people = rows.select("customer_id", first=periods.number("reached"))
        with frames.materialized(sampling.deal(people), like=lines) as dealt:
            there = accumulation.count_there(dealt, **seen)
            paid = accumulation.count_paid(lines, dealt, as_of=stages.as_of, of=of, **seen)
        known = there[:, 0].sum() >= FEWEST and there[:, -1].sum() > 0
        found[name] = Value(*accumulation.add_up(paid, there)) if known else _unknown()
    return found


def _unknown() -> Value:
    return Value(np.nan, np.full(DRAWS, np.nan))


def _draw_shares(stages: Stages, steps: list[Step]) -> dict[Step, tuple[float, np.ndarray]]:
    """The share who take each step, and in each draw."""
    found = {}
    for n, step in enumerate(steps):
        days = summaries.choose_days(stages, step)
        cells = summaries.count_waits(stages, step, within=days)
        if cells.empty:
            found[step] = (np.nan, np.full(DRAWS, np.nan))
            continue
        followed = summaries.count_entered(stages, step)
        waits = estimation.arrange(cells, followed, within=days)
        share = estimation.estimate(waits, draws=0)["next_stage_share"]
        found[step] = (share, 1 - estimation.draw(waits, draws=DRAWS, seed=n)[:, -1])
    return found


def _find_onward(
    step: Step, steps: list[Step], shares: dict[Step, tuple[float, np.ndarray]]
) -> tuple[float, np.ndarray]:
    """Of those who take a step, the share who get to the first order."""
    names = [each.stage for each in steps]
    share, drawn = 1.0, np.ones(DRAWS)
    name = step.next_stage
    while name != PURCHASE and FACTS.get(name, {}).get("half", "first") == "first":
        after = steps[names.index(name)]
        share, drawn = share * shares[after][0], drawn * shares[after][1]
        name = after.next_stage
    return share, drawn


def _count_a_year(stages: Stages, step: Step) -> float:
    first, last = stages.find_limits(step)
    dated = summaries.select_people(stages, step).filter(nw.col("_day") > last - YEAR)
    row = frames.table(dated.select(n=nw.len(), began=nw.col("_day").min())).iloc[0]
    if not row["n"]:
        return 0.0
    seen = min(YEAR, last - max(first, int(row["began"])) + 1)
    return float(row["n"]) * YEAR / seen if seen >= LEAST_SEEN else np.nan


def _weigh(people: float, onward: tuple[float, np.ndarray], value: Value | None) -> dict[str, Any]:
    each, drawn = value or _unknown()
    low, high = resampling.find_limits(onward[1] * drawn)
    part = people * POINT
    worth = {"worth_a_year": part * onward[0] * each, "low": part * low, "high": part * high}
    return {"value_each": each} | worth


def _value_introducing(referral: Referral | None) -> Value:
    """What the customers bring whom one customer brings who brings any."""
    if referral is None:
        return _unknown()
    found = referral.figures
    each, brought = found["brought"] / found["codes"], found["brought"]
    of_ltv = (found["ltv_high"] - found["ltv_low"]) / (2 * WIDTH * found["ltv"])
    of_number = np.sqrt(brought - found["codes"]) / brought  # each brings one at least
    rng = np.random.default_rng(accumulation.SEED)
    drawn = 1 + np.hypot(of_ltv, of_number) * rng.standard_normal(DRAWS)
    return Value(each * found["ltv"], each * found["ltv"] * drawn)


def _value_advocating(people: float, landmark: pd.DataFrame | None) -> dict[str, float]:
    """The table's difference, and its range."""
    known = landmark is not None and ADVOCATING in set(landmark["stage"])
    row = landmark.set_index("stage").loc[ADVOCATING] if known else {}  # type: ignore[union-attr]
    if not known or row["verdict"] == TOO_FEW:
        return dict.fromkeys(("value_each", "worth_a_year", "low", "high"), np.nan)
    each, low, high = (float(row[name]) for name in ("ltv_difference", "low", "high"))
    part = people * POINT
    worth = {"worth_a_year": part * each, "low": part * low, "high": part * high}
    return {"value_each": each, "value_days": int(row["horizon_days"])} | worth


def _find_owner(stage: str, tree: KpiTree) -> dict[str, str]:
    leaves = list_leaves(stage)
    named = [leaf for leaf in leaves if tree[leaf].owner]
    leaf = named[0] if named else leaves[0]
    department = tree[leaf].department or LEAVES[leaf]["department"]
    return {"owner": tree[leaf].owner, "department": department}
