"""Questions about orders that look as if their ids or refunds were read wrongly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals.stable.v2 as nw

from ltvkit.core.i18n import _, n_
from ltvkit.display import formats
from ltvkit.engines import frames
from ltvkit.inspection.stakes import Ask
from ltvkit.quality import order_ids, rounded_ids

if TYPE_CHECKING:
    from ltvkit.inspection.result import Inspection

NEAR = 0.2  # two counts or sums of money that differ by less are the same refunds


def find_asks(seen: Inspection) -> list[Ask]:
    """An inspection with its `book` -> questions about order numbers, totals and refunds."""
    facts = seen.book.facts
    lines = frames.lazy(frames.hold_small(seen.book.lines, rows=facts["lines_read"]))
    found = order_ids.measure(lines, facts)
    ids = [*_ask_restarts(found), *_ask_rounded(seen, lines)]
    return [*ids, *_ask_totals(seen, found), *_ask_refunds(seen)]


def _ask_restarts(found: order_ids.OrderIds) -> list[Ask]:
    """Order numbers that begin again, so that several orders are read as one."""
    if not found.restart:
        return []
    _found, figure = order_ids.check_restarts(found)
    otherwise = {"policies": {"order_id_restarts": found.restart}}
    return [Ask("policies.order_id_restarts", f"{figure}.", otherwise)]


def _ask_totals(seen: Inspection, found: order_ids.OrderIds) -> list[Ask]:
    """All lines of an order have the same amount, which may be the order's."""
    if found.restart or not found.same or "amount" not in seen.columns:
        return []
    question = _(
        "{header} is the same on all lines of an order, and counts once per line. If it is the "
        "order's total, map it as order_total."
    )
    header = seen.columns["amount"]
    otherwise = {"columns": {"amount": None, "order_total": header}}
    return [Ask("columns.amount", question.format(header=header), otherwise)]


def _ask_rounded(seen: Inspection, lines: nw.LazyFrame) -> list[Ask]:
    """Ids that a spreadsheet has rounded: several orders or customers are read as one."""
    written = [n for n in ("customer_id", "order_id") if n in seen.columns]
    text = _("{figure}. Export it as text.")
    return [
        Ask(f"columns.{one.column}", text.format(figure=rounded_ids.check_rounded([one])[1]))
        for one in rounded_ids.find_rounded(lines, written)
    ]


def _ask_refunds(seen: Inspection) -> list[Ask]:
    """As many rows below zero as orders that their status leaves out: the same refunds, twice?"""
    table = seen.book.quality.set_index("reason")[["lines", "amount"]]
    if "cancelled, by status" not in table.index or seen.policies.get("refunds"):
        return []
    sql = "select count(*), coalesce(-sum(amount), 0) from lines where amount < 0"
    rows, money = seen.book.lines.query("lines", sql).fetchall()[0]
    cancelled = table.loc["cancelled, by status"]
    if not rows or not _near(rows, cancelled["lines"]) or not _near(money, cancelled["amount"]):
        return []
    question = n_(
        "{n} row below zero takes off about as much as the orders that their status leaves out. "
        "If it is the same refund, set refunds: by_status.",
        "{n} rows below zero take off about as much as the orders that their status leaves out. "
        "If they are the same refunds, set refunds: by_status.",
        rows,
    )
    otherwise = {"policies": {"refunds": "by_status"}}
    return [Ask("policies.refunds", formats.fill(question, n=rows), otherwise)]


def _near(left: float, right: float) -> bool:
    return abs(left - right) <= NEAR * max(left, right)
