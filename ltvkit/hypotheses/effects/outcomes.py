"""Outcomes that are no orders: a table of customer_id, date and value, joined to the customers.

A hypothesis names the table as `outcomes: data/visits.csv`; its metrics are then also
`visits_per_customer` (the values added up) and `any_visits` (the share of the group whose values
add up to more than nothing). The table is read and checked as orders are.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ltvkit import orders, periods
from ltvkit.core import files, paths
from ltvkit.display import formats, joining
from ltvkit.errors import DataError, LtvkitError
from ltvkit.hypotheses.effects import customer_days, metrics
from ltvkit.hypotheses.effects.customer_days import Histories, Outcome
from ltvkit.hypotheses.hypothesis import Hypothesis
from ltvkit.hypotheses.texts import fill

COLUMNS = {"customer_id": "customer_id", "order_date": "date", "amount": "value"}


class Table(NamedTuple):
    """A table as read: its days by customer, its last day, rows read, and why others are out."""

    days: Histories
    last: int
    rows: int
    refused: str


def attach(histories: Histories, hypothesis: Hypothesis) -> Histories:
    """The same customers, with what the table of a hypothesis says of each.

    Raises `DataError` for a table that cannot be read, and for one in which nobody is of the
    orders or the list.
    """
    if not hypothesis.outcomes:
        return histories
    path = paths.resolve(hypothesis.outcomes)
    key = ("outcomes", str(path), files.hash_file(path) if path.is_file() else "")
    table = histories.cached((*key, histories.last), lambda: _read(path, hypothesis, histories))
    ids = np.asarray([*histories.ids, *_list_strangers(histories, hypothesis)], dtype=object)
    where = table.days.positions(ids)
    matched = int((where < len(table.days.ids)).sum())
    if not matched:
        raise DataError(fill("outcomes_strangers", id=hypothesis.id, table=hypothesis.outcomes))
    joined = Outcome(table.days, where, table.last, len(table.days.ids) - matched)
    joined = joined._replace(rows=table.rows, refused=table.refused)
    return replace(histories, outcomes={metrics.name_table(hypothesis.outcomes): joined})


def _list_strangers(histories: Histories, hypothesis: Hypothesis) -> list[str]:
    """Those of the list that was drawn who never ordered, in the order of their positions."""
    if hypothesis.assigned is None:
        return []
    listed = hypothesis.assigned["customer_id"]
    listed = listed[histories.contains(listed)]
    return listed[histories.positions(listed) >= len(histories.ids)].tolist()


def _read(path: Path, hypothesis: Hypothesis, histories: Histories) -> Table:
    named = {"id": hypothesis.id, "table": hypothesis.outcomes}
    try:
        book = orders.read(str(path), columns=COLUMNS)
    except LtvkitError as error:
        raise DataError(fill("outcomes_unreadable", **named, error=error)) from error
    first, last = (periods.number_of(book.facts[end]) for end in ("first", "last"))
    if first > histories.last:
        raise DataError(fill("outcomes_later", **named, first=book.facts["first"]))
    until = periods.start(histories.last, "day")
    days = customer_days.build(book.lines, as_of=until, share=histories.share)
    left_out = book.quality[book.quality["status"] == "quarantined"]
    reasons = [
        fill("outcomes_reason", reason=_rename(reason), n=int(n))
        for reason, n in zip(left_out["reason"], left_out["lines"], strict=True)
    ]
    return Table(
        days, min(last, histories.last), int(book.facts["lines_read"]), joining.clauses(reasons)
    )


def _rename(reason: str) -> str:
    """A reason in the words of this table."""
    for ours, theirs in {"amount": "value", "order_date": "date"}.items():
        reason = reason.replace(ours, theirs)
    return reason


def describe(outcome: Outcome, name: str) -> str:
    """How many rows were read, of whom, up to when, and what was left out or not matched."""
    days, date = outcome.days, lambda number: formats.date(periods.start(number, "day"))
    text = fill("outcomes_read", name=name, rows=outcome.rows, n=len(days.ids),
                first=date(days.first), last=date(outcome.last))  # fmt: skip
    if outcome.unmatched:
        text += fill("outcomes_unmatched", n=outcome.unmatched)
    return text + (fill("outcomes_refused", reasons=outcome.refused) if outcome.refused else "")
