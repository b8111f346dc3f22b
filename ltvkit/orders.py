"""The door: raw order lines in, the canonical contract out, and nothing lost on the way.

Every line read is either kept or quarantined with a reason. The canonical frame `lines` has one
row per order line: `customer_id` str, `order_id` str, `order_date` (midnight), `amount` float
(revenue of the line, one currency, returns negative), then what else the params map.

**A purchase** is an order with a line of zero or more; a line below zero is a return (or a
discount), which lowers revenue and is never a purchase of its own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import engine, periods
from ltvkit.policies import check_options


@dataclass(frozen=True)
class Orders:
    """What came through the door.

    `lines`: the kept lines. `returns`: the lines below zero under returns="separate" (else
    empty). `quarantine`: every other line with its file (of several), `line`, `reason`, its raw
    columns, and its `text` where it was no row. `quality`: the reconciliation as a pandas table
    (status, reason, lines, amount, share). `facts`: source, encoding, rows and date span.
    `refused`: of the quarantine the file, line, reason and `customer_id` alone.
    `spelled`: where ids were folded, `customer_id` and `_written_customer` of the kept lines.
    """

    lines: Any
    returns: Any
    quarantine: Any
    quality: pd.DataFrame
    facts: dict[str, Any]
    refused: Any = None
    spelled: Any = None

    @cached_property
    def days(self) -> Any:
        """The lines added up by customer and day (see `days.of`): figures come sooner from them."""
        from ltvkit import days

        return days.of(self.lines)

    def as_of(self, month: str) -> dt.date:
        """The last day a report of `month` counts ("1998-06", or "last")."""
        return periods.last_day(month, first=self.facts["first"], until=self.facts["until"])


def read(source: Any, *, columns: Mapping[str, str] | None = None, **policies: Any) -> Orders:
    """A source ("exports/2024-*.csv", "demo:cdnow") or a frame of raw order lines -> `Orders`.

    `columns` maps canonical names to the export's headers ({"customer_id": "CustomerID"}); a
    canonical name that the export already uses needs no mapping. Where `amount` is not mapped,
    it is quantity x unit_price. `policies` are the fields of `Policies`.

    Frames in memory come back as the kind that went in; what was read from files, as DuckDB
    relations over its preparation (see `prepared`). Raises `ColumnError` for a header that is not
    there, `ParamsError` for an option, `DataError` for a source that cannot be read or keeps no
    line.

    >>> raw = pd.DataFrame({"customer_id": ["1", "1", None], "order_date": ["2024-01-05"] * 3,
    ...                     "amount": ["1,200", "n/a", "10"]})
    >>> read(raw).quality[["status", "reason", "lines", "amount"]]
            status                 reason  lines  amount
    0         read              all lines      3  1210.0
    1  quarantined   amount is unreadable      1     NaN
    2  quarantined  guest: no customer_id      1    10.0
    3         kept                  sales      1  1200.0
    """
    from ltvkit import door, prepared, sources

    if isinstance(source, str | Path):
        return prepared.open(str(source), columns=columns, policies=policies)
    rules = check_options(columns=columns, policies=policies)
    raw = sources.from_frame(source)
    rows = door.pass_through(raw, columns=columns or {}, rules=rules, keep=door.in_memory)
    book = door.opened(raw.connection, rows, returns=rules.returns)
    frames = ("lines", "returns", "quarantine", "refused")
    return replace(book, **{f: engine.convert(getattr(book, f), like=source) for f in frames})


def until(lines: Any, *, as_of: Any) -> Any:
    """The lines up to and including the day `as_of`, as the kind of frame that went in."""
    return engine.unread(before(engine.lazy(lines), as_of), like=lines)


def before(lines: nw.LazyFrame, as_of: Any) -> nw.LazyFrame:
    """The lines up to and including the day `as_of`, still lazy."""
    return lines.filter(nw.col("order_date") < nw.lit(periods.day(as_of) + dt.timedelta(days=1)))


def purchases(lines: nw.LazyFrame) -> nw.LazyFrame:
    """The lines that are purchases: zero or more."""
    return lines.filter(purchased("amount"))


def purchased(amount: str) -> nw.Expr:
    """Whether the line with this amount, or one of the lines whose largest it is, is a purchase."""
    return nw.col(amount) >= 0
