"""Money beside the amount: discounts, refunds, shipping and tax of an export that is not known.

What they would change is asked about with the orders and money at
stake; arithmetic among the columns settles it where it can.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ltvkit.core.i18n import _
from ltvkit.core.personal_data import header_key
from ltvkit.display import formats
from ltvkit.ingest import headers
from ltvkit.ingest.money_columns import (
    FEW,
    MOST,
    ORDER,
    PAYING,
    are_equal,
    find_parts,
    is_total,
    read_base,
    read_money,
    settle,
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
    paid = [read_money(head[h]).abs().groupby(orders).max().fillna(0) for h in paying.values()]
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
            rest=", ".join(map(repr, used.values())) or _("nothing"),
        )
        if paying:
            also = _("{headers} paid for it as well, and is added.")
            said += " " + also.format(headers=", ".join(map(repr, paying.values())))
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
        if kind in ("shipping", "fee", "tax")
    }
    for names in (list(beside), [n for n in beside if n != "order_tax"], []):
        used = {n: beside[n] for n in names}
        parts = [read_money(head[h]).abs().groupby(orders).max().fillna(0) for h in used.values()]
        rest = total - sum(parts, 0 * total)
        same = are_equal(rest, goods)
        if same.mean() >= _MOST_ORDERS and (rest <= goods + 0.005).all():
            return used, same
    return None, None


def propose_parts(
    head: Any, columns: Mapping[str, str], *, japanese: bool
) -> tuple[dict[str, str], list[Ask]]:
    """The head of an export and what is mapped -> parts to map as well, and what to ask.

    Refunds are taken off, and shipping, fees and tax where the amount is an order's total. Tax in
    Japanese prices stays. A discount is taken off where that gives another column of the export.
    """
    base = read_base(head, columns)
    if base is None:
        return {}, []
    total = is_total(columns.get("amount") or columns.get("order_total") or "")
    if "order_total" in columns and columns.get("order_shipping"):
        total = False  # explained already
    used = _explain_alone(head, columns, base) if total else None
    mapped: dict[str, str] = dict(used or {})
    asks = []
    for kind, header in find_parts(h for h in head.columns if h not in columns.values()):
        value = read_money(head[header]).fillna(0).abs()
        if kind in PAYING:
            if value.any() and total and f"order_{kind}" not in mapped:
                known = True if _is_left_to_pay(head, columns, base) else None
                asks.append(_ask_paying(f"order_{kind}", header, taken=bool(known)))
                mapped |= {f"order_{kind}": header} if known else {}
            continue
        inside = kind in ("shipping", "fee", "tax")
        if not value.any() or f"order_{kind}" in mapped:
            continue
        if inside and (used is not None or not total or (kind == "tax" and japanese)):
            continue
        known = True
        if kind == "discount":
            # An order's total is what was paid, after discounts.
            known = (
                False if total or "order_total" in columns else settle(head, columns, base, value)
            )
        if known is False:
            continue
        whole = "order_id" in columns or inside
        part = f"order_{kind}" if whole else f"line_{kind}"
        asks.append(_ask(part, header, taken=bool(known)))
        if known:
            mapped[part] = header
    return mapped, asks


def ask_shares(head: Any, columns: Mapping[str, str]) -> list[Ask]:
    """Discounts written as a share of the price, which the amount does not have off yet."""
    base = read_base(head, columns)
    priced = "amount" not in columns and "order_total" not in columns
    asks = []
    for header in head.columns if base is not None and priced else ():
        text = head[header].astype("string").str.strip()
        marked = text.str.fullmatch(r"-?\d+(?:[.,]\d+)? ?[%％]").fillna(False)
        bare = header_key(header).rstrip(" %)(率").strip()
        if not marked.any() or not find_parts([bare]) or find_parts([bare])[0][0] != "discount":
            continue
        share = pd.to_numeric(text[marked].str.strip("-%％ ").str.replace(",", "."), "coerce") / 100
        off = float((base[marked] * share).abs().sum())
        if off:
            said = _(
                "{header} is a share of the price, and is not taken off: about {money} in the "
                "first {n} lines. Export the discount as an amount, or the amount after it."
            )
            text = formats.fill(said, header=repr(header), money=formats.money(off), n=len(head))
            asks.append(Ask("columns.line_discount", text))
    return asks


def _is_left_to_pay(head: Any, columns: Mapping[str, str], base: pd.Series) -> bool:
    """Whether a total and what was paid by points and gift cards are another column together."""
    found = find_parts(head.columns)
    money = {k: [read_money(head[h]).fillna(0).abs() for n, h in found if n == k] for k in ORDER}
    paid = sum((v for k in PAYING for v in money[k]), 0 * base)
    inside = sum((v for k in ("shipping", "fee", "tax") for v in money[k]), 0 * base)
    free = [h for h in head.columns if h not in columns.values() and headers.is_order_total(h)]
    others = [read_money(head[h]) for h in free]
    wholes = (base + paid, base + paid - inside)
    return any(are_equal(w, other).mean() >= MOST for w in wholes for other in others)


def _ask_paying(part: str, header: str, *, taken: bool) -> Ask:
    if taken:
        text = _("{header} was paid as well, and is added to the amount. Is that right?")
        return Ask(f"columns.{part}", text.format(header=repr(header)), {"columns": {part: None}})
    text = _(
        "{header} is not added to the amount. If the amount is what was left to pay, map it as "
        "{part}."
    )
    said = text.format(header=repr(header), part=part)
    return Ask(f"columns.{part}", said, {"columns": {part: header}})


def _explain_alone(head: Any, columns: Mapping[str, str], total: pd.Series) -> dict | None:
    """Of one row per order: which of shipping, fees and tax lie between its subtotal and total."""
    rows = pd.Series(range(len(head)), head.index)
    for header in head.columns:
        if headers.is_order_total(header) and not is_total(header):
            goods = read_money(head[header])
            used, _same = _explain(head, columns, total, goods, rows)
            if used is not None:
                return used
    return None


def ask_line_price(head: Any, columns: Mapping[str, str]) -> list[Ask]:
    """Where a "unit price" grows with the quantity, it is the line's total."""
    if not {"quantity", "unit_price"} <= set(columns) or "amount" in columns:
        return []
    quantity, price = (read_money(head[columns[n]]) for n in ("quantity", "unit_price"))
    product = next((columns[n] for n in ("product_id", "product") if n in columns), None)
    groups = head[product] if product else pd.Series(0, head.index)
    frame = pd.DataFrame(
        {"p": price, "each": (price / quantity).round(2), "q": quantity, "g": groups}
    )
    varied = frame[frame["q"] > 0].groupby("g").filter(lambda g: g["q"].nunique() > 1)
    if len(varied) < FEW:
        return []
    counts = varied.groupby("g")[["p", "each"]].nunique()
    if not (counts["each"] < counts["p"]).mean() >= MOST:
        return []
    question = _(
        "{header} grows with the quantity, as a line's total does, and is multiplied by {quantity}."
    )
    said = question.format(header=repr(columns["unit_price"]), quantity=repr(columns["quantity"]))
    other = {"columns": {"amount": columns["unit_price"], "unit_price": None}}
    return [Ask("columns.unit_price", said, other)]


def _ask(part: str, header: str, *, taken: bool) -> Ask:
    if taken:
        text = _("{header} is taken off the amount. Is that right?")
        otherwise: dict = {"columns": {part: None}}
    else:
        text = _("{header} is not taken off the amount. If it should be, map it as {part}.")
        otherwise = {"columns": {part: header}}
    return Ask(f"columns.{part}", text.format(header=repr(header), part=part), otherwise)
