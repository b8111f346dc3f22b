"""Whom a rule selects, on the selection date or, for a replay, on any date before it.

`select` works on the histories of an evaluation, `select_all` on all customers, to draw a list.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import abc_classes, cohorts, customers, deciles, periods, rfm
from ltvkit.display import formats, joining
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError
from ltvkit.hypotheses.effects.customer_days import Histories
from ltvkit.hypotheses.hypothesis import Target
from ltvkit.hypotheses.texts import fill
from ltvkit.periods import Day
from ltvkit.rfm import SEGMENT_NAMES

BEST = 5  # the highest score


def select(histories: Histories, target: Target, *, on: int, back: int = 0) -> np.ndarray:
    """The positions of the customers whom `target` selects by the end of day `on` - `back`.

    A cohort selected `back` days earlier is the customers who began as many days earlier, so that
    they are as old. Raises `ParamsError` for a rule that the orders cannot answer.
    """
    known = histories.customers_on(on - back)
    if known.empty:
        return np.array([], dtype="int64")
    if target.rule == "cohort":
        born = on - back - known["tenure_days"].to_numpy()
        chosen = np.zeros(len(known), dtype=bool)
        for first, last in map(_span, target.values):
            chosen |= (first - back <= born) & (born <= last - back)
    elif target.rule == "customers":
        chosen = np.isin(known["customer_id"], histories.positions(target.values))
    elif target.rule == "channel":
        if histories.channels is None:
            raise ParamsError(fill("no_channel"))
        chosen = histories.channels.isin(target.values)[known["customer_id"]]
    else:
        chosen = label(histories, target.rule, on=on - back).isin(target.values)
    return known["customer_id"].to_numpy()[chosen]


def count(histories: Histories, target: Target, who: np.ndarray) -> int:
    """How many customers of the whole shop `who`, selected by `target`, are."""
    return histories.scale_up(len(who), target.values if target.rule == "customers" else ())


def select_all(
    lines: Frame, target: Target, *, on: Day, rfm_cuts: Any = None, abc_cuts: Any = (0.7, 0.9)
) -> pd.DataFrame:
    """Order lines -> `customer_id` and `segment` of all whom `target` selects by the end of `on`.

    The same as `select` and `read_segments`, but of every customer, computed by the engine of the
    lines: only those who are selected leave it.
    """
    known = customers.summarize(lines, as_of=on)
    scored = frames.lazy(rfm.score(known, cuts=rfm_cuts or None))
    # By scores alone, as the lists on record were drawn: facts (rfm.hold_to_facts) bound nothing.
    segments = rfm.segment(nw.to_native(scored.select("customer_id", "r_score", "f_score")))
    if target.rule == "cohort":
        spans = [[periods.start(day, "day") for day in _span(value)] for value in target.values]
        within = [nw.col("first_order").is_between(*map(nw.lit, span)) for span in spans]
        chosen = frames.lazy(known).filter(nw.any_horizontal(*within, ignore_nulls=True))
    else:
        column = {"abc_class": "class", "channel": "cohort", "customers": "customer_id"}
        label = nw.col(column.get(target.rule, target.rule)).cast(nw.String)
        labelled = {
            "segment": lambda: segments,
            "decile": lambda: deciles.assign(known),
            "abc_class": lambda: abc_classes.classify(known, by="customer_id", cuts=abc_cuts),
            "channel": lambda: cohorts.members(lines, as_of=on, by="channel", every="month"),
            "customers": lambda: known,
        }[target.rule]()
        chosen = frames.lazy(labelled).filter(label.is_in(list(target.values)))
    found = frames.lazy(segments).join(chosen.select("customer_id"), on="customer_id")
    return frames.table(found.select("customer_id", "segment").sort("customer_id"))


def channels(lines: Frame) -> list[str]:
    """The channels that order lines name, in order; none where they know none."""
    opened = frames.lazy(lines)
    if "channel" not in opened.collect_schema().names():
        return []
    return sorted(frames.table(opened.select("channel").unique())["channel"].dropna().astype(str))


def explain_empty(target: Target, channels: Sequence[str]) -> str:
    """Why a target is empty, and what to do about it; `channels` are those that there are."""
    if target.rule == "customers":  # ids are on no page, so neither in an error
        return fill("empty_list", n=len(target.values))
    known = fill("known_channels", channels=joining.items(channels))
    hint, values = known if target.rule == "channel" else "", joining.items(target.values[:5])
    return fill("empty_target", rule=formats.label_inside(target.rule), values=values, hint=hint)


def read_segments(histories: Histories, who: np.ndarray, *, on: int) -> pd.Series:
    """The RFM segment of each of `who` on a day, by position."""
    known = histories.customers_on(on)["customer_id"]
    return pd.Series(label(histories, "segment", on=on), index=known).reindex(who)


def label(histories: Histories, rule: str, *, on: int) -> pd.Categorical:
    """The segment, decile or class of each customer known on a day, in their order."""
    return histories.cached((rule, on), lambda: _label(histories, rule, on))


def _label(histories: Histories, rule: str, on: int) -> pd.Categorical:
    known = histories.customers_on(on)
    if rule == "segment":
        # Segments depend on recency and orders; amounts, all different, would be sorted in vain.
        scored = rfm.score(known.assign(revenue=0.0), cuts=histories.rfm_cuts)
        pair = (scored["r_score"] - 1) * BEST + scored["f_score"] - 1
        return pd.Categorical.from_codes(_segment_grid()[pair], SEGMENT_NAMES)
    if rule == "decile":
        found = deciles.assign(known).sort_values("customer_id")
        return pd.Categorical(found["decile"]).rename_categories(str)
    found = abc_classes.classify(known, by="customer_id", cuts=histories.abc_cuts)
    return pd.Categorical(found.sort_values("customer_id")["class"])


@functools.cache
def _segment_grid() -> np.ndarray:
    """For each pair of scores, the position of its segment in `SEGMENT_NAMES`."""
    scores = np.divmod(np.arange(BEST**2), BEST)
    pairs = pd.DataFrame({"r_score": scores[0] + 1, "f_score": scores[1] + 1})
    return rfm.segment(pairs)["segment"].map(SEGMENT_NAMES.index).to_numpy()


def _span(name: str) -> tuple[int, int]:
    """The first and the last day of a cohort such as 2024-03, 2024-Q1, 2024-W09 or 2024."""
    every = formats.grain([name])
    first = dt.date.fromisoformat(f"{name}-1") if every == "week" else pd.Period(name).start_time
    last = periods.end(periods.index_of(first, every), every)
    return periods.number_of(first), periods.number_of(last)
