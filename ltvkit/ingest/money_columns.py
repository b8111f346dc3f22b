"""Columns of money beside the amount: refunds, discounts, shipping, fees and tax, by their headers.

money_columns.yaml has the headers. Values are read roughly here, to compare columns with one
another: arithmetic often settles what a header leaves open.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from ltvkit.core import files
from ltvkit.core.personal_data import header_key
from ltvkit.ingest import headers

PARTS = {
    part: re.compile("|".join(patterns))
    for part, patterns in files.read_yaml(__name__, "money_columns.yaml").items()
}
ORDER = ("refund", "discount", "shipping", "fee", "tax", "points", "gift_card")
INSIDE = ("shipping", "fee", "tax")  # which an order's total has in it
PAYING = ("points", "gift_card")  # with which a customer pays: what is left to pay is without them
MOST = 0.95  # of the rows: what so many say is settled
FEW = 3  # rows that say nothing yet


def read_money(column: Any, decimal: str = ".") -> pd.Series:
    """A column as numbers, roughly: for comparing columns, not for reading them.

    A share ("10%") and a word (a coupon's code) are no money.
    """
    text = column.astype("string")
    text = text.mask(text.str.contains(r"[%％]|[a-z]{4}", case=False).fillna(False))
    plain = text.str.replace(rf"[^\d\{decimal}\-]", "", regex=True).str.replace(decimal, ".")
    return pd.to_numeric(plain, errors="coerce").astype("float64")


def read_base(head: Any, columns: Mapping[str, str]) -> pd.Series | None:
    """The amount of each line or order as it would be read; None where there is none."""
    for name in ("amount", "order_total"):
        if name in columns:
            return read_money(head[columns[name]])
    if {"quantity", "unit_price"} <= set(columns):
        return read_money(head[columns["quantity"]]) * read_money(head[columns["unit_price"]])
    return None


def is_total(header: str) -> bool:
    """Whether a header is that of an order's total with more than goods in it."""
    return headers.is_order_total(header) and not PARTS["subtotal"].search(header_key(header))


def find_parts(found: Iterable[str]) -> list[tuple[str, str]]:
    """Headers -> the kind and header of those of money beside the amount.

    >>> find_parts(["Amount", "Refunded Amount", "ShipCharge"])
    [('refund', 'Refunded Amount'), ('shipping', 'ShipCharge')]
    """
    free = {h: (header_key(h), _join(h)) for h in found}
    return [
        (kind, header)
        for kind in ORDER
        for header, keys in free.items()
        if any(map(PARTS[kind].search, keys))
    ]


def _join(header: str) -> str:
    """A header without blanks, as ShipCharge."""
    return header_key(header).replace(" ", "")


def settle(
    head: Any, columns: Mapping[str, str], base: pd.Series, discount: pd.Series
) -> bool | None:
    """Whether base less discount is another column (True), or base has it off already (False)."""
    rows = discount > 0
    if rows.sum() < FEW:
        return None
    if {"quantity", "unit_price"} <= set(columns) and "amount" in columns:
        product = read_money(head[columns["quantity"]]) * read_money(head[columns["unit_price"]])
        if are_equal(product - discount, base)[rows].mean() >= MOST:
            return False
    taken = {*columns.values()}
    for header in head.columns:
        if header in taken:
            continue
        other = read_money(head[header])
        if are_equal(base - discount, other)[rows].mean() >= MOST:
            return True
        if are_equal(base + discount, other)[rows].mean() >= MOST:
            return False
    return None


def are_equal(left: pd.Series, right: pd.Series) -> pd.Series:
    """Whether two amounts are the same, to half a cent."""
    return (left - right).abs() < 0.005
