"""The result of reading orders: lines kept, and lines left out with their reasons."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from ltvkit import periods
from ltvkit.display import formats, texts
from ltvkit.ingest import daily
from ltvkit.ingest.lines import select_until
from ltvkit.periods import Day


@dataclass(frozen=True)
class Orders:
    """Order lines read from a source.

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
        """Aggregated by customer and day (see `daily.aggregate`); figures compute faster."""
        return daily.aggregate(self.lines)

    def until(self, as_of: Day) -> Any:
        """The lines up to and including the day `as_of`."""
        return select_until(self.lines, as_of=as_of)

    def describe(
        self, title: str, shop: str, *, as_of: Day, currency: str, beside: str = ""
    ) -> str:
        """Whose orders these are, of which days, in a line; `beside`: "enquiries", where read."""
        named = {"title": title, "shop": shop, "currency": formats.unit_of(currency)}
        span = {"first": self.facts["first"], "as_of": as_of}
        return texts.fill(f"shop_{beside or 'orders'}", **named, **span)

    def as_of(self, month: str) -> dt.date:
        """The last day a report of `month` counts ("1998-06", or "last")."""
        return periods.last_day(month, first=self.facts["first"], until=self.facts["until"])
