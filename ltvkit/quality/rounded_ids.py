"""Ids that a spreadsheet has rounded: 1.23457E+11, or 18 digits that end in 000."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import narwhals.stable.v2 as nw

from ltvkit.core.i18n import _, n_
from ltvkit.display import formats, joining
from ltvkit.engines import frames

# As a spreadsheet writes a long number, and what it keeps of one: 15 digits, zeros for the rest.
SCIENTIFIC = r"^[0-9](?:[.,][0-9]+)?[eE][+][0-9]+(?: |$)"
LONG, KEPT = r"^[0-9]{16,}(?: |$)", r"^[0-9]{15}0+(?: |$)"
FEW_IDS, FEW_ZEROS, SHARE = 3, 6, 0.5  # of long ids; fewer end in zeros by chance


class Rounded(NamedTuple):
    """Lines with a rounded id in a column, their amount, and how many ids are left of them."""

    column: str
    lines: int
    ids: int
    amount: float


def find_rounded(lines: nw.LazyFrame, columns: Iterable[str]) -> list[Rounded]:
    """Order lines -> the id columns in which ids were rounded.

    >>> import pandas as pd
    >>> lines = pd.DataFrame({"order_id": ["1.23457E+11", "1.23457E+11", "7"], "amount": 5.0})
    >>> find_rounded(frames.lazy(lines), ["order_id"])
    [Rounded(column='order_id', lines=2, ids=1, amount=10.0)]
    """
    found = [_find_in_column(lines, column) for column in columns]
    return [one for one in found if one.lines]


def _find_in_column(lines: nw.LazyFrame, column: str) -> Rounded:
    written = lines.filter(nw.col(column).str.contains(f"{SCIENTIFIC}|{LONG}"))
    each = (
        written.group_by(column)
        .agg(lines=nw.len(), amount=nw.col("amount").sum())
        .with_columns(
            scientific=nw.col(column).str.contains(SCIENTIFIC),
            kept=nw.col(column).str.contains(KEPT),
            zeros=nw.col(column).str.len_chars() - 15,
        )
    )
    sums = each.group_by("scientific", "kept").agg(
        nw.col("lines", "amount", "zeros").sum(), ids=nw.len()
    )
    table = frames.table(sums)
    kept, scientific = table["kept"].astype(bool), table["scientific"].astype(bool)
    ids, zeros = table.loc[kept, "ids"].sum(), table.loc[kept, "zeros"].sum()
    sure = (
        ids >= FEW_IDS and zeros >= FEW_ZEROS and ids > SHARE * table.loc[~scientific, "ids"].sum()
    )
    bad = table[scientific | (kept & sure)]
    return Rounded(
        column, int(bad["lines"].sum()), int(bad["ids"].sum()), float(bad["amount"].sum())
    )


def check_rounded(found: list[Rounded]) -> tuple[bool, str]:
    """Whether ids were rounded."""
    if not found:
        return False, _("no id was rounded by a spreadsheet")
    parts = []
    for one in found:
        text = n_(
            "{column} of {n} line ({amount}) was rounded by a spreadsheet, as in 1.23457E+11 or "
            "digits that end in 000: {ids} ids are left",
            "{column} of {n} lines ({amount}) was rounded by a spreadsheet, as in 1.23457E+11 or "
            "digits that end in 000: {ids} ids are left",
            one.lines,
        )
        money = formats.money(one.amount)
        parts.append(formats.fill(text, column=one.column, n=one.lines, amount=money, ids=one.ids))
    return True, joining.clauses(parts)
