"""Customers day by day, held as arrays: what each had done by a day, and did in a window.

Replays ask for the same customers at many dates. Kept sorted by customer and day, with running
totals, the orders answer each question by two look-ups per customer, and not by a new aggregation.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ltvkit import cohorts, customers, periods
from ltvkit.engines import frames, sampling
from ltvkit.errors import DataError, ParamsError
from ltvkit.hypotheses.effects.metrics import METRICS
from ltvkit.ingest import daily as by_day
from ltvkit.ingest.lines import filter_until

MAX_CUSTOMERS = 1_000_000  # customers; of more, a sample
_WHOLE = 17  # digits that the running totals of money, kept as whole numbers, can hold
COUNTED = ("customers", "once", "second")  # of each customer, by the days on which they bought
FLOWS = ("orders", "active", *by_day.MONEY.values())
READ = (*by_day.NEEDS, *by_day.MONEY, "channel")  # of the lines


class Cache:
    """The latest answers, as many as `most`; safe to ask from several threads."""

    def __init__(self, most: int) -> None:
        self.most, self.known, self._lock = most, {}, threading.Lock()

    def get(self, key: Any, work: Callable[[], Any]) -> Any:
        """The answer for `key`, from `work` if it is not known."""
        with self._lock:
            if key in self.known:
                return self.known[key]
        answer = work()
        with self._lock:
            while len(self.known) >= self.most:
                del self.known[next(iter(self.known))]
            self.known[key] = answer
        return answer


@dataclass(frozen=True)
class Histories:
    """Customers by day: `ids` in order; a customer is meant by its place among them.

    `first` and `last` are the days of the data, as numbers; `channels` is None where the orders
    know none. These are all customers, or of very many the sample of `share` (see `sampling`);
    `everybody` is then what `customers.totals` says of all. What a rule selects among a sample is
    a sample of what it would select among all.
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
        """Customer ids -> their places; who never bought has one of their own, after all others,
        at which nothing is found."""
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
        """`n` customers of these -> how many they are of the whole shop, rounded.

        Of a list `ids` it is known how many of it were drawn, so that its length comes out where
        all of it are meant; of others, how many of all customers were.
        """
        if self.share == 1 or not n:
            return n
        if len(ids):
            return round(n / self.contains(ids).mean())
        return round(n * self.totals["customers"].iloc[0] / self._buyers)

    def customers_on(self, day: int) -> pd.DataFrame:
        """The customers who had bought by the end of `day`: what `customers.summarize` says of
        them, with `customer_id` being their place."""
        return self.cached(day, lambda: self._summarize(day))

    def cached(self, key: Any, work: Callable[[], Any]) -> Any:
        """What `work` gives, done once: hypotheses of the same days share the latest of it."""
        return self._done.get(key, work)

    def column(self, name: str, who: np.ndarray, start: int, end: int) -> np.ndarray:
        """What each of `who` did from day `start` to day `end`, both included.

        orders, revenue, margin, quantity; active (0 or 1: bought); customers (1 each); once (1:
        had bought on one day before the window), second (1: of those, bought in it).
        """
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
        known = METRICS[metric]
        for name in (known.of, known.per):
            if name not in (*self._running, *COUNTED):
                raise ParamsError(
                    f"metric {metric}: the orders have no {name}; map it under `columns:` in the "
                    "params file, or take another metric."
                )
        columns = [self.column(name, who, start, end) for name in (known.of, known.per)]
        return np.array(columns).T

    def rows(self, who: np.ndarray) -> pd.DataFrame:
        """Each day on which one of `who` is in the orders: place, day, orders, active, money."""
        span = self.last - self.first + 2
        chosen = np.flatnonzero(np.isin(self._keys // span, who))
        where = {"place": self._keys[chosen] // span}
        where["day"] = self._keys[chosen] % span - 1 + self.first
        return pd.DataFrame(
            where | {name: self._between(name, chosen, chosen + 1) for name in self._running}
        )

    def _rows(self, who: np.ndarray, day: int) -> np.ndarray:
        """For each of `who`, the number of rows of all customers up to their own `day`.

        The latest answers are kept: the metrics of a hypothesis ask the same.
        """
        span = self.last - self.first + 2
        at = min(max(day - self.first + 1, 0), span - 1)
        # Kept with the customers themselves, so that no others take their place in memory.
        return self._looked.get(
            (id(who), day),
            lambda: (who, np.searchsorted(self._keys, who * span + at, side="right")),
        )[1]

    def _between(self, name: str, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        running = self._running[name]
        return (running[after] - running[before]) / self._units.get(name, 1)

    def _summarize(self, day: int) -> pd.DataFrame:
        began, upto = self._begins, self._rows(self._all, day)
        orders = self._between("orders", began, upto).astype("int64")
        who = np.flatnonzero(orders > 0)
        began, upto = began[who], upto[who]
        # The first row is a purchase (the door keeps no return before it), the last need not be.
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


def prepare(lines: Any, *, as_of: Any) -> Histories:
    """Order lines, or `Histories` of them up to the same day -> `Histories`."""
    if not isinstance(lines, Histories):
        return build(lines, as_of=as_of)
    if lines.last != periods.number_of(as_of):
        raise ParamsError(f"these histories end on another day than {as_of}: build them anew.")
    return lines


def build(
    lines: Any,
    *,
    as_of: Any,
    rfm_cuts: Mapping[str, Any] | None = None,
    abc_cuts: Sequence[float] = (0.7, 0.9),
) -> Histories:
    """Order lines up to `as_of` -> `Histories`. Raises `DataError` where there are none.

    `rfm_cuts` and `abc_cuts` are the edges of segments and classes, as in `rfm` and `abc_classes`.
    Of more than a million customers a sample is taken, by their id, before anything leaves the
    engine.
    """
    seen = filter_until(frames.lazy(lines, needs=by_day.NEEDS), as_of)
    read = [c for c in seen.collect_schema().names() if c in READ]
    known = seen.select(*read).to_native()
    part, share = sampling.draw(known, most=MAX_CUSTOMERS, among=sampling.count(known))
    days = by_day.aggregate_until(part, as_of=as_of)
    table = frames.table(days.sort("customer_id", "order_date"))
    if table.empty:
        raise DataError(f"there is no order up to {periods.day(as_of):%Y-%m-%d}.")
    places, ids = pd.factorize(table["customer_id"])
    days = table["order_date"].to_numpy().astype("datetime64[D]").astype("int64")
    first, last = int(days.min()), periods.number_of(as_of)
    units = {
        name: _unit(table[name]) for name in ("revenue", "margin", "quantity") if name in table
    }
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
        everybody=_shop_totals(lines, as_of) if share < 1 else None,
    )


def _shop_totals(lines: Any, as_of: Any) -> pd.DataFrame:
    return customers.totals(customers.summarize(lines, as_of=as_of))


def _unit(money: pd.Series) -> float:
    """Money is added up as whole numbers, of a millionth where they fit: exact in any order."""
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
