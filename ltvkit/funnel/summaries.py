"""How many people are at each stage, how many go on to the next one, and how soon."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.core.i18n import N_, _
from ltvkit.engines import frames
from ltvkit.errors import ParamsError, TooLittleData, Undefined, one_of
from ltvkit.funnel import estimation
from ltvkit.funnel.estimation import FIGURES, MEDIAN, PARTS
from ltvkit.funnel.reaching import Stages
from ltvkit.funnel.stages import PURCHASE, QUIET, SECOND_HALF, Step, list_steps
from ltvkit.funnel.texts import fill

FEW = 30  # people; a share of fewer is mostly chance
FIRST_HALF_DAYS = 30  # in which visitors go on
HORIZONS = (365, 180, 90, 30)  # days, of customers: the longest that fits twice
UNKNOWN = N_("(not known)")
BY = ("", "channel", "cohort")
COLUMNS = ["stage", "next_stage", "people", "next_people", *FIGURES, *MEDIAN, "horizon_days", "few"]


def summarize(
    stages: Stages, *, by: str = "", every: str = "quarter", within: int = 0
) -> pd.DataFrame:
    """Stages reached -> a row per step from a stage to the next one, in the order of the funnel.

    - the column `by`, if given: "channel" (of a person), or "cohort" (the period in which a person
      entered this half of the funnel: a week, month, quarter or year, as `every` says)
    - `stage`, `next_stage`; `people`: at the stage; `next_people`: of these, who have reached the
      next stage (or one after it, in the first half) by now
    - `next_stage_share`: the share who reach it within `horizon_days`, and its 95% interval,
      `lowest_share` to `highest_share`; people who came lately are censored (`estimation`)
    - `median_days`: by which half of those who reach it in that time have done so, with its 95%
      interval, `median_days_low` to `median_days_high`
    - `horizon_days`: `within`; 0: in the first half 30, else the longest of 365, 180, 90 and 30
      that fits twice into the days that were seen
    - `few`: whether there are fewer than 30 people

    Who was further before, on an earlier day, is not counted: a customer who sees an advertisement
    is not won again. Nor are customers of whom it is not known when they were new. A stage that
    only events tell is followed from the first to the last event. Steps to or from a stage that is
    not recorded have NaN throughout. NaN of shares: nobody was seen for so long. Raises `Undefined`
    by "channel" where none is known.
    """
    one_of("by", by, BY)
    if within < 0:
        raise ParamsError(f"within={within}: give days, or 0.")
    rows: list[dict[str, Any]] = []
    held = stages.hold()
    for step in list_recorded(held):
        days = within or choose_days(held, step)
        cells = count_waits(held, step, by=by, every=every, within=days)
        followed = count_entered(held, step, by=by, every=every)
        if by == "channel" and set(cells["_value"]) <= {_(UNKNOWN)}:
            continue
        rows += [
            _name(value, by, every) | summarize_group(step, part, followed, days)
            for value, part in _split(cells, by)
        ]
    if not rows:
        raise Undefined(fill("no_channel" if by == "channel" else "nobody"))
    return pd.DataFrame(rows) if by else _add_missing(rows, stages)[COLUMNS]


def series(stages: Stages, *, every: str = "month", within: int = 0) -> pd.DataFrame:
    """Stages reached -> a row per step and period (day, week, month, quarter or year) in which
    people reached the first of both stages: stage, next_stage, `period`, `start` (its first day)
    and the figures of `summarize`. Periods without anybody between the first and the last one have
    0 people; the shares of those that end less than `horizon_days` ago are NaN."""
    one_of("every", every, periods.EVERY)
    rows: list[dict[str, Any]] = []
    held = stages.hold()
    for step in list_recorded(held):
        days = within or choose_days(held, step)
        cells = count_waits(held, step, by="period", every=every, within=days)
        last = held.find_limits(step)[1] - days
        found = dict(_split(cells, "period"))
        for index in range(min(found), max(found) + 1) if found else ():
            part = found.get(index, cells.iloc[:0])
            named = {"period": periods.label(index, every), "start": periods.start(index, every)}
            row = named | summarize_group(step, part, None, days)
            if periods.number_of(periods.end(index, every)) > last:
                row |= dict.fromkeys((*FIGURES, *MEDIAN), np.nan)
            rows.append(row)
    if not rows:
        raise TooLittleData(fill("nobody"))
    figures = [name for name in COLUMNS[2:] if name not in MEDIAN[1:]]
    return pd.DataFrame(rows)[["stage", "next_stage", "period", "start", *figures]]


def list_recorded(stages: Stages) -> list[Step]:
    """The steps of which both stages are recorded, by somebody."""
    return [s for s in stages.steps if s.stage not in stages.missing]


def choose_days(stages: Stages, step: Step) -> int:
    """How long a step is followed."""
    if step.next_stage in stages.first_half:
        return FIRST_HALF_DAYS
    first, last = stages.find_limits(step)
    rows = frames.lazy(stages.rows).filter(nw.col("stage") == step.stage, nw.col("known") == 1)
    begins = frames.table(rows.select(nw.col("reached").min()))["reached"].iloc[0]
    seen = 0 if pd.isna(begins) else last - max(first, periods.number_of(begins))
    return next((days for days in HORIZONS if 2 * days <= seen), HORIZONS[-1])


def count_waits(
    stages: Stages, step: Step, *, by: str = "", every: str = "month", within: int
) -> pd.DataFrame:
    """A step -> how long people waited (part, time, reached, people, since; `ever`: of these who
    have gone on by now), by value of `by`."""
    last = stages.find_limits(step)[1]
    dated = select_people(stages, step).with_columns(_value=_find_values(by, every))
    seen, wait = last - nw.col("_day"), periods.number("_next") - nw.col("_day")
    waited = dated.with_columns(
        _over=nw.when(seen > within).then(nw.lit(within)).otherwise(seen),
        _wait=wait,
        since=nw.col("_day") - nw.col("_in"),
        ever=frames.one_if(nw.col("_went") & (wait <= seen)),
    )
    soon = nw.col("_went") & (nw.col("_wait") <= nw.col("_over"))
    waited = waited.with_columns(reached=frames.one_if(soon))
    waited = waited.with_columns(
        time=nw.when(nw.col("reached") == 1).then(nw.col("_wait")).otherwise(nw.col("_over")),
        part=nw.sum_horizontal(*((nw.col("since") > days).cast(nw.Int64) for days in PARTS)),
    )
    cells = waited.group_by("_value", "part", "time", "reached")
    return frames.table(cells.agg(nw.col("since", "ever").sum(), people=nw.len()))


def select_people(stages: Stages, step: Step) -> nw.LazyFrame:
    """Who were at the first stage of a step while they could be seen to take it, and were not
    further before: the rows of `stages`, `_day` (reached), `_in` (entered), `_next` (the day of
    the next stage, of those who `_went`)."""
    first, last = stages.find_limits(step)
    rows = frames.lazy(stages.rows)
    passed = rows.filter(nw.col("stage").is_in([*step.later])).group_by("person_id")
    later = passed.agg(_next=nw.col("reached").min())
    base = rows.filter(nw.col("stage") == step.stage, nw.col("known") == 1)
    if step.stage == PURCHASE:
        base = base.filter(~nw.col("customer_id").is_null())
    went = base.join(later, on="person_id", how="left").with_columns(
        _went=~nw.col("_next").is_null()
    )
    dated = went.with_columns(
        _day=periods.number("reached"),
        _in=periods.number("entered"),
        _next=nw.when(nw.col("_went")).then(nw.col("_next")).otherwise(nw.col("reached")),
    )
    dated = dated.filter(nw.col("_day") >= first, nw.col("_day") <= last)
    return dated.filter(nw.col("_next") >= nw.col("reached"))


def _find_values(by: str, every: str) -> nw.Expr:
    return {
        "": nw.lit(""),
        "channel": nw.col("channel").fill_null(_(UNKNOWN)),
        "cohort": periods.index("entered", every),
        "period": periods.index("reached", every),
    }[by]


def count_entered(
    stages: Stages, step: Step, *, by: str = "", every: str = "month"
) -> pd.DataFrame:
    """How many people entered this half of the funnel so many `days` ago (_value, days, people),
    whether or not they have reached the step's stage: the later ones have had less time to."""
    first, last = stages.find_limits(step)
    half = [*stages.first_half] if step.stage in stages.first_half[:-1] else [PURCHASE]
    rows = frames.lazy(stages.rows).filter(nw.col("stage").is_in(half), nw.col("known") == 1)
    if half == [PURCHASE]:
        rows = rows.filter(~nw.col("customer_id").is_null())
    began = rows.filter(nw.col("reached") == nw.col("entered")).with_columns(
        _value=_find_values(by, every), _in=periods.number("entered")
    )
    began = began.filter(nw.col("_in") >= first, nw.col("_in") <= last)
    people = began.select("person_id", "_value", days=last - nw.col("_in")).unique()
    return frames.table(people.group_by("_value", "days").agg(people=nw.len()))


def summarize_group(
    step: Step, cells: pd.DataFrame, followed: pd.DataFrame | None, within: int
) -> dict[str, Any]:
    """One step of one group -> the figures of `COLUMNS`. Of a period all weigh the same (None)."""
    people = int(cells["people"].sum())
    found = dict.fromkeys((*FIGURES, *MEDIAN), np.nan)
    if people and followed is None:
        found = estimation.estimate(estimation.arrange(cells, None, within=within), draws=0)
    elif followed is not None and people:
        own = followed[followed["_value"].isin(cells["_value"].unique())]
        found = estimation.estimate(estimation.arrange(cells, own, within=within))
    named = {"stage": step.stage, "next_stage": step.next_stage}
    counts = {"people": people, "next_people": int(cells["ever"].sum())}
    return named | counts | found | {"horizon_days": within, "few": people < FEW}


def _name(value: Any, by: str, every: str) -> dict[str, str]:
    if not by:
        return {}
    return {by: periods.label(int(value), every) if by == "cohort" else str(value)}


def _split(cells: pd.DataFrame, by: str) -> list[tuple]:
    """The groups: of channels the most people first (equal: by name), else in order."""
    parts = list(cells.groupby("_value", sort=True))
    if by == "channel":
        return sorted(parts, key=lambda part: (-part[1]["people"].sum(), part[0]))
    return parts


def _add_missing(rows: list[dict], stages: Stages) -> pd.DataFrame:
    """Rows, and those of steps to stages that are not recorded, in the order of the funnel."""
    table = pd.DataFrame(rows)
    absent = [
        {"stage": step.stage, "next_stage": step.next_stage, "few": False}
        for step in list_steps(stages.asked)
        if {step.stage, step.next_stage} & {*stages.missing}
        and (step.stage in stages.missing or step.next_stage in SECOND_HALF)
    ]
    order = {name: n for n, name in enumerate((*stages.asked, QUIET, *SECOND_HALF))}
    first = {*stages.asked} - {PURCHASE}
    whole = pd.concat([table, pd.DataFrame(absent)], ignore_index=True) if absent else table
    place = [
        (order[a], order[b]) if a in first else (len(first), order[b])
        for a, b in zip(whole["stage"], whole["next_stage"], strict=True)
    ]
    return whole.iloc[sorted(range(len(whole)), key=place.__getitem__)].reset_index(drop=True)
