"""Customers day by day, as arrays: what each had done by a day, and did in a window.

Replays look at the same customers on many dates. Sorted by customer and day, with running totals,
each figure takes two look-ups per customer, and no new aggregation.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ltvkit import cohorts, customers, periods
from ltvkit.engines import frames, sampling
from ltvkit.engines.frames import Frame
from ltvkit.errors import DataError, ParamsError
from ltvkit.hypotheses.effects import metrics
from ltvkit.hypotheses.effects.metrics import ANY, table_of
from ltvkit.hypotheses.texts import fill
from ltvkit.ingest import daily as by_day
from ltvkit.ingest.lines import filter_until
from ltvkit.periods import Day

MAX_CUSTOMERS = 1_000_000  # customers; of more, a sample
_WHOLE = 17  # digits that the running totals of money, kept as whole numbers, can hold
COUNTED = ("customers", "once", "second")  # of each customer, by the days on which they bought
FLOWS = ("orders", "active", *by_day.MONEY.values())
READ = (*by_day.NEEDS, *by_day.MONEY, "channel")  # of the lines


class Cache:
    """The latest `most` results, by key; safe with several threads."""

    def __init__(self, most: int) -> None:
        self.most, self.known, self._lock = most, {}, threading.Lock()

    def get(self, key: Any, work: Callable[[], Any]) -> Any:
        """The result for `key`, from `work` if it is not known."""
        with self._lock:
            if key in self.known:
                return self.known[key]
        result = work()
        with self._lock:
            while len(self.known) >= self.most:
                del self.known[next(iter(self.known))]
            self.known[key] = result
        return result


class Outcome(NamedTuple):
    """A table of outcomes beside the orders (see `outcomes`): its `days` by customer, and `where`
    each customer of the orders, and after them each stranger of a list, stands in it; its `last`
    day, how many of its customers are in neither, how many `rows` it has, why others are out."""

    days: Histories
    where: np.ndarray
    last: int
    unmatched: int
    rows: int = 0
    refused: str = ""


@dataclass(frozen=True)
class Histories:
    """Customers by day: `ids` in order; a customer is identified by its position among them.

    `first` and `last` are the days of the data, as numbers; `channels` is None where the orders
    have none. These are all customers, or of very many a sample of the share `share` (see
    `sampling`); `everybody` is then `customers.totals` of all. What a rule selects in a sample is a
    sample of what it selects in the whole shop. `outcomes` are tables beside the orders, by name.
    """

    ids: np.ndarray
    first: int
    last: int
    channels: pd.Categorical | None
    rfm_cuts: Mapping[str, Any] | None
    abc_cuts: tuple[float, ...]
    _keys: np.ndarray
    _begins: np.ndarray
    _bought: np.ndarray
    _running: Mapping[str, np.ndarray]
    _units: Mapping[str, float]
    share: float = 1.0
    everybody: pd.DataFrame | None = None
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    _done: Cache = field(default_factory=lambda: Cache(64))
    _looked: Cache = field(default_factory=lambda: Cache(32))

    @property
    def has_margin(self) -> bool:
        """Whether the orders know their margin."""
        return "margin" in self._running

    @cached_property
    def _all(self) -> np.ndarray:
        return np.arange(len(self.ids))

    @cached_property
    def _buyers(self) -> int:
        return len(self.customers_on(self.last))

    def positions(self, ids: Any) -> np.ndarray:
        """Customer ids -> their positions; those who never bought have positions after all others,
        where nothing is found."""
        found = pd.Index(self.ids).get_indexer(pd.Index(np.asarray(ids, dtype=object)))
        strangers = found < 0
        return np.where(strangers, len(self.ids) + np.cumsum(strangers) - 1, found)

    @property
    def totals(self) -> pd.DataFrame:
        """One row: customers, orders and revenue of the whole shop."""
        if self.everybody is not None:
            return self.everybody
        sums = self.customers_on(self.last)[["orders", "revenue"]].sum()
        return pd.DataFrame([{"customers": self._buyers, **sums}])

    @property
    def note(self) -> str:
        """That these are a sample, in a sentence; "" where they are all customers."""
        if self.share == 1:
            return ""
        return sampling.note(self._buyers, of=self.totals["customers"].iloc[0])

    def contains(self, ids: Any) -> np.ndarray:
        """Whether each of these ids belongs to the sample, bought or not; all belong to all."""
        return sampling.contains(ids, self.share)

    def scale_up(self, n: int, ids: Any = ()) -> int:
        """`n` customers of the sample -> how many they are in the whole shop, rounded.

        For customers of a list `ids`, by the share of the list that is in the sample; for others,
        by the share of all customers.
        """
        if self.share == 1 or not n:
            return n
        if len(ids):
            return round(n / self.contains(ids).mean())
        return round(n * self.totals["customers"].iloc[0] / self._buyers)

    def customers_on(self, day: int) -> pd.DataFrame:
        """The customers who had bought by the end of `day`, as `customers.summarize` describes
        them; `customer_id` is their position."""
        return self.cached(day, lambda: self._summarize(day))

    def cached(self, key: Any, work: Callable[[], Any]) -> Any:
        """The result of `work`, computed once: hypotheses of the same days share it."""
        return self._done.get(key, work)

    def column(self, name: str, who: np.ndarray, start: int, end: int) -> np.ndarray:
        """What each of `who` did from day `start` to day `end`, both included.

        orders, revenue, margin, quantity; active (0 or 1: bought); customers (1 each); once (1:
        had bought on one day before the window), second (1: of those, bought in it). Of a table of
        outcomes: its name (the values added up), and any_ with its name (1: more than nothing).
        """
        if outcome := self.outcomes.get(name.removeprefix(ANY)):
            value = outcome.days.column("revenue", outcome.where[who], start, end)
            return (value > 0).astype(float) if name.startswith(ANY) else value
        if name == "customers":
            return np.ones(len(who))
        if name == "second":
            return self.column("once", who, start, end) * self.column("active", who, start, end)
        before, after = self._rows(who, start - 1), self._rows(who, end)
        if name == "once":
            began = self._rows(who, self.first - 1)
            return (self._between("active", began, before) == 1).astype(float)
        did = self._between(name, before, after)
        return (did > 0).astype(float) if name == "active" else did

    def parts(self, metric: str, who: np.ndarray, start: int, end: int) -> np.ndarray:
        """The two columns by which `metric` is counted, for each of `who` in a window: (n, 2)."""
        known = metrics.find(metric)
        for name in (known.of, known.per):
            if name not in (*self._running, *COUNTED) and not self.outcomes.get(table_of(metric)):
                raise ParamsError(fill("metric_unknown", metric=metric, column=name))
        columns = [self.column(name, who, start, end) for name in (known.of, known.per)]
        return np.array(columns).T

    def first_day(self, metric: str) -> int:
        """The first day on which a metric is known."""
        outcome = self.outcomes.get(table_of(metric))
        return max(self.first, outcome.days.first) if outcome else self.first

    def rows_of(self, metric: str, who: np.ndarray) -> pd.DataFrame:
        """Each day that has something of a metric for one of `who`: place, day, and what it had."""
        outcome = self.outcomes.get(table_of(metric))
        if not outcome:
            return self.rows(who)
        found = outcome.days.rows(outcome.where[who])
        value = found["revenue"]
        return found[["place", "day"]].assign(active=value > 0, **{table_of(metric): value})

    def rows(self, who: np.ndarray) -> pd.DataFrame:
        """Each day on which one of `who` is in the orders: place, day, orders, active, money."""
        span = self.last - self.first + 2
        chosen = np.flatnonzero(np.isin(self._keys // span, who))
        place, day = np.divmod(self._keys[chosen], span)
        did = {name: self._between(name, chosen, chosen + 1) for name in self._running}
        return pd.DataFrame({"place": place, "day": day - 1 + self.first, **did})

    def _rows(self, who: np.ndarray, day: int) -> np.ndarray:
        """For each of `who`, the number of rows of all customers up to their own `day`."""
        span = self.last - self.first + 2
        at = min(max(day - self.first + 1, 0), span - 1)

        def find() -> tuple[np.ndarray, np.ndarray]:
            # `who` is kept, so that no other array gets its id.
            return who, np.searchsorted(self._keys, who * span + at, side="right")

        return self._looked.get((id(who), day), find)[1]

    def _between(self, name: str, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        running = self._running[name]
        return (running[after] - running[before]) / self._units.get(name, 1)

    def _summarize(self, day: int) -> pd.DataFrame:
        began, upto = self._begins, self._rows(self._all, day)
        orders = self._between("orders", began, upto).astype("int64")
        who = np.flatnonzero(orders > 0)
        began, upto = began[who], upto[who]
        # The first row is a purchase (ingestion drops returns before it), the last need not be.
        bought = self._bought[upto]
        born = self._keys[began] % (self.last - self.first + 2) - 1 + self.first
        return pd.DataFrame(
            {
                "customer_id": who,
                "orders": orders[who],
                "revenue": self._between("revenue", began, upto).round(6),
                "recency_days": day - bought,
                "tenure_days": day - born,
            }
        )


def prepare(lines: Frame | Histories, *, as_of: Day) -> Histories:
    """Order lines, or `Histories` of them up to the same day -> `Histories`."""
    if not isinstance(lines, Histories):
        return build(lines, as_of=as_of)
    if lines.last != periods.number_of(as_of):
        raise ParamsError(f"these histories end on another day than {as_of}: build them anew.")
    return lines


def build(
    lines: Frame,
    *,
    as_of: Day,
    rfm_cuts: Mapping[str, Any] | None = None,
    abc_cuts: Sequence[float] = (0.7, 0.9),
    share: float | None = None,
) -> Histories:
    """Order lines up to `as_of` -> `Histories`. Raises `DataError` where there are none.

    `rfm_cuts` and `abc_cuts` are the edges of segments and classes, as in `rfm` and `abc_classes`.
    With more than a million customers, a sample by their ids is taken inside the engine; `share`
    is the share of customers of a sample that is to be the same.
    """
    seen = filter_until(frames.lazy(lines, needs=by_day.NEEDS), as_of)
    read = [c for c in seen.collect_schema().names() if c in READ]
    known = seen.select(*read).to_native()
    of = (MAX_CUSTOMERS, sampling.count(known)) if share is None else (share, 1)
    part, share = sampling.draw(known, most=of[0], among=of[1])
    days = by_day.aggregate_until(part, as_of=as_of)
    table = frames.table(days.sort("customer_id", "order_date"))
    if table.empty:
        raise DataError(f"there is no order up to {periods.day(as_of):%Y-%m-%d}.")
    places, ids = pd.factorize(table["customer_id"])
    days = table["order_date"].to_numpy().astype("datetime64[D]").astype("int64")
    first, last = int(days.min()), periods.number_of(as_of)
    units = {name: _unit(table[name]) for name in by_day.MONEY.values() if name in table}
    running = {n: _running_total(table[n].fillna(0) * units.get(n, 1)) for n in FLOWS if n in table}
    latest = np.maximum.accumulate(np.where(table["active"] > 0, places * (last + 1) + days, 0))
    keys = places.astype("int64") * (last - first + 2) + (days - first + 1)
    return Histories(
        ids=np.asarray(ids, dtype=object),
        first=first,
        last=last,
        channels=_first_channels(part, ids, as_of),
        rfm_cuts=rfm_cuts or None,
        abc_cuts=tuple(abc_cuts),
        _keys=keys,
        _begins=np.searchsorted(places, np.arange(len(ids))),
        _bought=np.r_[0, latest % (last + 1)],
        _running=running,
        _units=units,
        share=share,
        everybody=customers.totals(customers.summarize(lines, as_of=as_of)) if share < 1 else None,
    )


def _unit(money: pd.Series) -> float:
    """The factor that makes money whole numbers, millionths where they fit: sums are exact."""
    digits = np.ceil(np.log10(money.abs().sum() + 1))
    return 10.0 ** min(6, max(0, _WHOLE - digits))


def _running_total(values: pd.Series) -> np.ndarray:
    return np.r_[0, np.cumsum(np.rint(values.to_numpy(dtype=float)).astype("int64"))]


def _first_channels(lines: Any, ids: pd.Index, as_of: Any) -> pd.Categorical | None:
    if "channel" not in frames.lazy(lines).collect_schema().names():
        return None
    born = cohorts.members(lines, as_of=as_of, by="channel", every="month")
    each = frames.table(born.select("customer_id", "cohort")).set_index("customer_id")["cohort"]
    return pd.Categorical(each.reindex(ids).astype(str))
