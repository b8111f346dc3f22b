"""What hangs on a question: orders and money as they are read, and under the other reading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ltvkit import orders
from ltvkit.core.i18n import _, n_
from ltvkit.display import formats, joining
from ltvkit.errors import LtvkitError

if TYPE_CHECKING:
    from ltvkit.inspection.result import Inspection


@dataclass(frozen=True)
class Ask:
    """A question about an export: its params key, its text, and the other plausible reading.

    `otherwise` has columns and policies to change; a column of None is not mapped. Where it would
    change no number, nothing is asked. None: the other reading is not known.
    """

    key: str
    question: str
    otherwise: Mapping[str, Mapping[str, Any]] | None = field(default=None)


def weigh(seen: Inspection, asks: Iterable[Ask]) -> dict[str, str]:
    """An inspection with its `book`, and what may be asked -> what is, with what hangs on it."""
    questions: dict[str, list[str]] = {}
    for ask in asks:
        text = ask.question
        if ask.otherwise is not None:
            if not {*ask.otherwise.get("columns", {}).values()} <= {None, *seen.headers}:
                continue  # the file has no such column
            other = _read_otherwise(seen, ask.otherwise)
            if other == count_orders(seen.book):
                continue
            text = joining.sentences([text, _compare(seen, other)])
        questions.setdefault(ask.key, []).append(text)
    return {key: joining.sentences(texts) for key, texts in questions.items()}


def count_orders(book: Any) -> tuple[int, int, float]:
    """Customers, orders and revenue of the kept lines."""
    sold = "filter (amount >= 0)"
    sums = f"count(distinct customer_id) {sold}, count(distinct order_id) {sold}, sum(amount)"
    customers, placed, revenue = book.lines.aggregate(sums).fetchall()[0]
    return customers, placed, round(revenue or 0, 2)


def _read_otherwise(
    seen: Inspection, otherwise: Mapping[str, Mapping[str, Any]]
) -> tuple[int, int, float] | None:
    """Customers, orders and revenue of the other reading; None where nothing can be read."""
    columns = dict(seen.columns) | dict(otherwise.get("columns", {}))
    policies = dict(seen.policies) | dict(otherwise.get("policies", {}))
    columns = {name: header for name, header in columns.items() if header is not None}
    try:
        return count_orders(orders.read(seen.source, columns=columns, policies=policies))
    except LtvkitError:
        return None


def _compare(seen: Inspection, other: tuple[int, int, float] | None) -> str:
    if other is None:
        return _("Otherwise no orders can be read.")
    text = _("As proposed: {now}. Otherwise: {then}.")
    return text.format(now=_describe(seen, count_orders(seen.book)), then=_describe(seen, other))


def _describe(seen: Inspection, counted: tuple[int, int, float]) -> str:
    customers, placed, revenue = counted
    text = n_("{orders} order", "{orders} orders", placed)
    text += _(" of ") + n_("{customers} customer", "{customers} customers", customers)
    money = formats.money(revenue, seen.currency)
    return joining.items([formats.fill(text, orders=placed, customers=customers), money])
