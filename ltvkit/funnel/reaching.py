"""Who reached which stage, and when for the first time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import cohorts, periods
from ltvkit.display import formats, joining
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError
from ltvkit.funnel.joining import CUSTOMER, Joined
from ltvkit.funnel.stages import (
    FIRST_HALF,
    INTRODUCING,
    OF_EVENTS,
    PURCHASE,
    QUIET,
    Step,
    list_steps,
)
from ltvkit.funnel.texts import fill
from ltvkit.ingest import daily
from ltvkit.ingest.lines import filter_until
from ltvkit.ingest.truncation import find_known_from
from ltvkit.ltv import lapse
from ltvkit.periods import Day

LOYAL = 4  # orders
FEW = 300_000  # rows, that pandas takes through short steps sooner than DuckDB plans them
KEY = ("person_id", "stage")
DAY = nw.col("reached").cast(nw.Datetime("us"))
COLUMNS = ("person_id", "customer_id", "stage", "reached", "entered", "known", "channel")


@dataclass(frozen=True)
class Stages:
    """Who reached which stage, and when.

    `rows`: a row per person and stage reached, as the kind of frame that the orders are:
    `person_id`, `customer_id` (null: nobody of the orders, so their money is not known), `stage`,
    `reached` (the first day), `entered` (the first day in this half of the funnel), `known` (1; 0:
    it is not known when the customer was new), `channel` (of the person's first event that has
    one, by the day of the first order, else of that order).
    `asked`: the first half, in order; `first_half`: of these, what is recorded; `missing`: stages
    that are not recorded.
    `first`, `last`: days of the first and the last event (NaT: there are none).
    """

    rows: Any
    as_of: Day
    asked: tuple[str, ...]
    first_half: tuple[str, ...]
    missing: tuple[str, ...]
    first: pd.Timestamp
    last: pd.Timestamp
    lapse_days: int

    @property
    def steps(self) -> list[Step]:
        """The steps between recorded stages, of both halves."""
        steps = list_steps(self.first_half)
        return [step for step in steps if step.next_stage not in self.missing]

    def hold(self) -> Stages:
        """The same; a few rows in memory, for many short steps."""
        return replace(self, rows=frames.hold_small(self.rows, most=FEW))

    def find_limits(self, step: Step) -> tuple[int, int]:
        """Day numbers from which and until which people can be seen to take a step."""
        until = periods.number_of(self.as_of)
        if not step.by_events or pd.isna(self.first):
            return -(10**6), until
        return periods.number_of(self.first), min(until, periods.number_of(self.last))


def reach(
    lines: Frame,
    joined: Joined | None = None,
    *,
    as_of: Day,
    stages: tuple[str, ...] = FIRST_HALF,
    loyal_orders: int = LOYAL,
    lapse_days: int = 180,
    export_begins: str = "",
) -> Stages:
    """Order lines, or their days, and `joined` events (None: not recorded) up to `as_of` ->
    `Stages`.

    - `stages`: the first half, the first order last. All but that are those of events
    - "purchase", "second_order", "third_order", "loyal": the first, second, third day with a
      purchase, and that of number `loyal_orders` (4 or more). Of customers of the orders the orders
      alone decide. Of all others (visitors without a customer, and ids that are in no order) the
      first order is the first purchase event: they took that step, whoever they are. To count them
      as not having ordered, or to leave out those alone who bought, would make the rate that ends
      there too low. They have no money and no later orders, so they are in
      no step from the first order on (`describe_unjoined` says how many they are)
    - "quiet": the day on which a customer counts as gone for the first time, by `lapse_days` or the
      shop's own usual gap (`ltv.lapse.find`); "returned": the next day with a purchase
    - "introducing": the first day on which an event names the customer as who introduced somebody
      (`referred_by`; nobody introduces himself), or has this stage and names nobody; "advocating":
      the first such event's

    A stage that no event has is `missing`: not recorded, which is not the same as reached by
    nobody. Customers who were there before it is known who is new (`ingest.truncation`;
    `export_begins` is the policy) have `known` 0. Raises `ParamsError`.
    """
    list_steps(stages)
    if not isinstance(loyal_orders, int) or loyal_orders < LOYAL:
        raise ParamsError(f"loyal_orders={loyal_orders!r}: give a whole number, {LOYAL} or more.")
    gone = lapse.find(lines, as_of=as_of, lapse_days=lapse_days).lapse_days
    reached = [_find_order_stages(lines, as_of=as_of, loyal=loyal_orders, gone=gone)]
    if joined is not None:
        events = frames.lazy(joined.rows).join(
            _list_customers(lines, as_of=as_of), on="customer_id", how="left"
        )
        reached += _find_event_stages(events, stages)
    days = nw.concat([part.select(*KEY, DAY) for part in reached])
    first = days.group_by(*KEY).agg(nw.col("reached").min())
    with frames.materialized(first, like=lines) as held:
        whole = _describe(held, lines, joined, stages, as_of=as_of, export_begins=export_begins)
        rows = frames.materialize(whole, like=lines)
    seen = set(frames.table(frames.lazy(rows).select("stage").unique())["stage"])
    ends = (pd.NaT, pd.NaT) if joined is None else (joined.first, joined.last)
    known = tuple(name for name in stages if name in seen or name == PURCHASE)
    missing = tuple(n for n in (*stages, *OF_EVENTS) if n not in seen and n != PURCHASE)
    return Stages(rows, as_of, stages, known, missing, *ends, gone)


def describe_missing(stages: Stages) -> str:
    """Which stages are not recorded, in a sentence; "" where all are."""
    names = joining.items(formats.cell(name, "stage") for name in stages.missing)
    return fill("not_recorded", stages=names) if names else ""


def describe_unjoined(stages: Stages) -> str:
    """How many have a first order by their own purchase event alone, in a sentence; "" of none."""
    bought = frames.lazy(stages.rows).filter(nw.col("stage") == PURCHASE)
    n = frames.count(bought.filter(nw.col("customer_id").is_null()))
    return fill("unjoined", n=n) if n else ""


def _list_customers(lines: Frame, *, as_of: Day) -> nw.LazyFrame:
    """customer_id, _ours (1): the customers of the orders."""
    seen = filter_until(frames.lazy(lines), as_of).select("customer_id").unique()
    return seen.with_columns(_ours=nw.lit(1))


def _find_order_stages(lines: Frame, *, as_of: Day, loyal: int, gone: int) -> nw.LazyFrame:
    """person_id, stage, reached: all stages that orders tell."""
    bought = daily.select_purchases(lines, as_of=as_of).unique()
    number, day, order = nw.col("_number"), nw.col("reached"), {"order_by": "reached"}
    placed = bought.select("customer_id", reached=nw.col("order_date")).with_columns(
        _number=day.cum_count().over("customer_id", **order).cast(nw.Int64),
        _next=day.shift(-1).over("customer_id", **order),
        _left=day.dt.offset_by(f"{gone}d"),
        person_id=nw.concat_str(nw.lit(CUSTOMER), nw.col("customer_id")),
    )
    named = nw.lit(PURCHASE)
    for n, name in ((2, "second_order"), (3, "third_order"), (loyal, "loyal")):
        named = nw.when(number == n).then(nw.lit(name)).otherwise(named)
    numbered = placed.filter(number.is_in([1, 2, 3, loyal])).with_columns(stage=named)
    until = nw.lit(periods.day(as_of))
    open_, later = nw.col("_next").is_null(), nw.col("_next") > nw.col("_left")
    waited = placed.filter((open_ & (nw.col("_left") <= until)) | (~open_ & later))
    quiet = waited.with_columns(reached=nw.col("_left"), stage=nw.lit(QUIET))
    back = waited.filter(~open_).with_columns(reached=nw.col("_next"), stage=nw.lit("returned"))
    return nw.concat([part.select(*KEY, DAY) for part in (numbered, quiet, back)])


def _find_event_stages(events: nw.LazyFrame, stages: tuple[str, ...]) -> list[nw.LazyFrame]:
    """The same of events (`_ours`: null of nobody of the orders): each person's, and of whom events
    name as who introduced somebody."""
    dated = events.with_columns(reached=nw.col("event_date"))
    visitor, stage = nw.col("customer_id").is_null(), nw.col("stage")
    own = stage.is_in([*(n for n in stages if n != PURCHASE), *OF_EVENTS])
    brings = (stage == INTRODUCING) & ~nw.col("referred_by").is_null()
    bought = (stage == PURCHASE) & nw.col("_ours").is_null()
    of_person = dated.filter(own | bought).filter(~brings)
    himself = ~visitor & (nw.col("referred_by") == nw.col("customer_id"))
    brought = dated.filter(~nw.col("referred_by").is_null(), ~himself).with_columns(
        person_id=nw.concat_str(nw.lit(CUSTOMER), nw.col("referred_by")),
        stage=nw.lit(INTRODUCING),
    )
    return [of_person, brought]


def _describe(
    reached: nw.LazyFrame,
    lines: Frame,
    joined: Joined | None,
    stages: tuple[str, ...],
    *,
    as_of: Day,
    export_begins: str,
) -> nw.LazyFrame:
    """person_id, stage, reached -> `COLUMNS`."""
    since = find_known_from(lines, as_of=as_of, export_begins=export_begins)
    first_half = [name for name in stages if name != PURCHASE]
    half = nw.when(nw.col("stage").is_in(first_half)).then(nw.lit(1)).otherwise(nw.lit(2))
    halved = reached.with_columns(_half=half)
    began = halved.filter(nw.col("stage").is_in([*stages]))
    entered = began.group_by("person_id", "_half").agg(entered=nw.col("reached").min())
    bought = reached.filter(nw.col("stage") == PURCHASE)
    bought = bought.select("person_id", _bought=nw.col("reached"))
    channels = _find_channels(lines, joined, bought, as_of=as_of)
    known = nw.lit(1)
    if since is not None:
        known = 1 - frames.one_if(nw.col("_bought") < nw.lit(since.to_pydatetime()))
    customer = nw.col("person_id").str.starts_with(CUSTOMER)
    named = nw.col("person_id").str.slice(len(CUSTOMER))
    return (
        halved.join(entered, on=["person_id", "_half"], how="left")
        .join(bought, on="person_id", how="left")
        .join(channels, on="person_id", how="left")
        .with_columns(customer_id=nw.when(customer).then(named), known=known.cast(nw.Int64))
        .join(_list_customers(lines, as_of=as_of), on="customer_id", how="left")
        .with_columns(customer_id=nw.when(nw.col("_ours") == 1).then(nw.col("customer_id")))
        .select(*COLUMNS)
    )


def _find_channels(
    lines: Frame, joined: Joined | None, bought: nw.LazyFrame, *, as_of: Day
) -> nw.LazyFrame:
    """person_id, channel: of the first event that has one (ties: by name), else of the first order.

    Later events do not count: else those who come again would be the ones whose channel is known.
    """
    found = []
    opened, person = frames.lazy(lines), nw.concat_str(nw.lit(CUSTOMER), nw.col("customer_id"))
    if {"channel", "amount"} <= set(opened.collect_schema().names()):
        first = cohorts.members(lines, as_of=as_of, by="channel", every="month")
        late = nw.lit(periods.day(as_of)).cast(nw.Datetime("us"))
        named = {"person_id": person, "channel": nw.col("cohort"), "_at": late}
        found += [first.select(**named, _order=nw.lit(1))]
    if joined is not None:
        events = frames.lazy(joined.rows).filter(~nw.col("channel").is_null())
        known = events.join(bought, on="person_id", how="left")
        early = nw.col("_bought").is_null() | (nw.col("event_date") <= nw.col("_bought"))
        at = nw.col("event_time").cast(nw.Datetime("us"))
        found += [known.filter(early).select("person_id", "channel", _at=at, _order=nw.lit(0))]
    if not found:
        nobody = opened.select(person_id=person, channel=nw.col("customer_id"))
        return nobody.filter(nw.col("person_id").is_null()).unique()
    seen = nw.concat(found)
    for key in ("_order", "_at"):
        seen = seen.filter(nw.col(key) == nw.col(key).min().over("person_id"))
    return seen.group_by("person_id").agg(nw.col("channel").min())
