"""Money beside the amount: discounts, refunds, shipping and tax of an export that is not known.

What they would change is asked about with the orders and money at stake; arithmetic among the
columns settles it where it can.
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
    INSIDE,
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
from ltvkit.inspection.totals import explain_alone


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
    used = explain_alone(head, columns, base) if total else None
    mapped: dict[str, str] = dict(used or {})
    asks = []
    for kind, header in find_parts(h for h in head.columns if h not in columns.values()):
        value = read_money(head[header]).fillna(0).abs()
        if kind in PAYING:
            if value.any() and total and f"order_{kind}" not in mapped:
                paid = _is_left_to_pay(head, columns, base)
                asks.append(_ask_paying(f"order_{kind}", header, taken=paid))
                mapped |= {f"order_{kind}": header} if paid else {}
            continue
        inside = kind in INSIDE
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
    inside = sum((v for k in INSIDE for v in money[k]), 0 * base)
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
