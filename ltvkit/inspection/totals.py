"""The totals of orders: which column they are, and what lies between them and the goods."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ltvkit.core.i18n import _
from ltvkit.display import formats, joining
from ltvkit.ingest import headers
from ltvkit.ingest.money_columns import (
    FEW,
    INSIDE,
    PAYING,
    are_equal,
    find_parts,
    is_total,
    read_base,
    read_money,
)
from ltvkit.inspection.stakes import Ask

_MOST_ORDERS = 0.5  # whose lines add up to their total: the sum is understood


def find_order_total(
    head: Any, columns: Mapping[str, str]
) -> tuple[dict[str, str | None], list[Ask]]:
    """An order's total that stands on its lines -> it as `order_total`, so that it counts once."""
    header = columns.get("amount")
    if header is None or "order_id" not in columns or not headers.is_order_total(header):
        return {}, []
    several = has_several_lines(head, columns)
    total = read_money(head[header])
    varied = total.groupby(head[columns["order_id"]]).nunique().max()
    if not several or varied != 1:
        return {}, []
    question = _("{header} is the same on all lines of an order, and counts once for it.")
    otherwise = {"columns": {"amount": header, "order_total": None}}
    asked = Ask("columns.order_total", question.format(header=repr(header)), otherwise)
    return {"amount": None, "order_total": header}, [asked]


def has_several_lines(head: Any, columns: Mapping[str, str]) -> bool:
    """Whether orders have several lines."""
    if "order_id" not in columns:
        return False
    return head[columns["order_id"]].dropna().duplicated(keep=False).sum() >= FEW


def choose_same(head: Any, fits: list[str]) -> str | None:
    """Of amounts that fit equally well, the first, where all are the same on every row."""
    first = read_money(head[fits[0]])
    return fits[0] if all(are_equal(first, read_money(head[h])).all() for h in fits[1:]) else None


def choose_line_amount(head: Any, columns: Mapping[str, str], fits: list[str]) -> str | None:
    """Of amounts that fit equally well, the only one that differs between lines of an order."""
    orders = head[columns["order_id"]]
    varied = [h for h in fits if read_money(head[h]).groupby(orders).nunique().max() > 1]
    return varied[0] if len(varied) == 1 else None


def choose_total(_head: Any, _columns: Mapping[str, str], fits: list[str]) -> str | None:
    """Of amounts of an order that fit equally well, the only one that has shipping in it, too.

    What was paid for goods is the total without shipping; a subtotal may lack discounts.
    """
    totals = [h for h in fits if is_total(h)]
    return totals[0] if len(totals) == 1 and len(fits) > 1 else None


def find_paid_total(head: Any, columns: Mapping[str, str]) -> tuple[dict[str, str], list[Ask]]:
    """A total with shipping and tax in it that most orders' lines add up to, but not all.

    The others have a discount that no column says: the total, less shipping and tax, knows it.
    """
    base = read_base(head, columns)
    if base is None or "order_id" not in columns or "order_total" in columns:
        return {}, []
    orders = head[columns["order_id"]]
    lines = base.groupby(orders).sum()
    free = [h for h in head.columns if h not in columns.values()]
    paying = {f"order_{kind}": h for kind, h in find_parts(free) if kind in PAYING}
    paid = [_read_of_orders(head[h], orders) for h in paying.values()]
    for header in head.columns:
        if header in columns.values() or not is_total(header):
            continue
        total = read_money(head[header]).groupby(orders).max()
        used, same = _explain(head, columns, total + sum(paid, 0 * total), lines, orders)
        if used is None or same.all():
            continue
        said = _(
            "The lines of {share} of the orders add up to more than {total}: a discount. The "
            "total, less {rest}, is taken."
        ).format(
            share=formats.share(1 - same.mean()),
            total=repr(header),
            rest=joining.items(map(repr, used.values())) or _("nothing"),
        )
        if paying:
            also = _("{headers} paid for it as well, and is added.")
            headers = joining.items(map(repr, paying.values()))
            said = joining.sentences([said, also.format(headers=headers)])
        mapped = {"order_total": header} | used | paying
        otherwise = {"columns": dict.fromkeys(mapped)}
        return mapped, [Ask("columns.order_total", said, otherwise)]
    return {}, []


def _explain(
    head: Any, columns: Mapping[str, str], total: pd.Series, goods: pd.Series, orders: Any
) -> tuple[dict[str, str] | None, Any]:
    """Which of shipping, fees and tax are in a total: what leaves the goods, or a little less.

    Returns them with the orders for which nothing is less; None where that explains too few.
    """
    beside = {
        f"order_{kind}": header
        for kind, header in find_parts(h for h in head.columns if h not in columns.values())
        if kind in INSIDE
    }
    for names in (list(beside), [n for n in beside if n != "order_tax"], []):
        used = {n: beside[n] for n in names}
        parts = [_read_of_orders(head[h], orders) for h in used.values()]
        rest = total - sum(parts, 0 * total)
        same = are_equal(rest, goods)
        if same.mean() >= _MOST_ORDERS and (rest <= goods + 0.005).all():
            return used, same
    return None, None


def _read_of_orders(column: Any, orders: Any) -> pd.Series:
    """What each order has in a column of money, wherever on its lines it stands."""
    return read_money(column).abs().groupby(orders).max().fillna(0)


def explain_alone(head: Any, columns: Mapping[str, str], total: pd.Series) -> dict | None:
    """Of one row per order: which of shipping, fees and tax lie between its subtotal and total."""
    rows = pd.Series(range(len(head)), head.index)
    for header in head.columns:
        if headers.is_order_total(header) and not is_total(header):
            goods = read_money(head[header])
            used, _same = _explain(head, columns, total, goods, rows)
            if used is not None:
                return used
    return None
