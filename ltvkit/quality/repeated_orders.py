"""Orders that stand in several files, and lines that stand again with another status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw

from ltvkit.core.i18n import _, n_
from ltvkit.display import formats, joining
from ltvkit.engines import frames
from ltvkit.ingest import overlap
from ltvkit.ingest.lines import filter_purchases


class Repeated(NamedTuple):
    """Lines that are like another of their order but for the status: how many, and their amount."""

    lines: int = 0
    amount: float = 0.0


def measure(lines: nw.LazyFrame, facts: Mapping[str, Any]) -> Repeated:
    """Order lines, and facts of their source -> those that stand again with another status."""
    names = lines.collect_schema().names()
    if "status" not in names or facts["orders_from"] != "order_id":
        return Repeated()
    alike = filter_purchases(lines).group_by(*overlap.list_content(names)).agg(**overlap.COUNTED)
    again = (
        alike.filter(overlap.DIFFER)
        .with_columns(more=nw.col("copies") - 1)
        .with_columns(money=nw.col("amount") * nw.col("more"))
    )
    row = frames.table(again.select(nw.col("more", "money").sum())).fillna(0).iloc[0]
    return Repeated(int(row["more"]), float(row["money"]))


def check_repeated(found: Repeated, facts: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether orders stand in several files (`facts`, of `overlap.describe`) or lines again."""
    said = []
    if again := facts.get("in_later_file"):
        text = n_(
            "{n} order stands in several files and counts once, as in the later file: {lines} "
            "lines ({amount}) of earlier files are left out",
            "{n} orders stand in several files and count once, as in the later file: {lines} "
            "lines ({amount}) of earlier files are left out",
            again["orders"],
        )
        said.append(_fill(text, n=again["orders"], lines=again["lines"], amount=again["amount"]))
    if apart := facts.get("in_several_files"):
        text = n_(
            "{n} order has lines in several files, none of them in both: all {lines} lines "
            "({amount}) count",
            "{n} orders have lines in several files, none of them in both: all {lines} lines "
            "({amount}) count",
            apart["orders"],
        )
        if facts.get("totals_known"):
            text += _(", and the total of an order counts in each file")
        said.append(_fill(text, n=apart["orders"], lines=apart["lines"], amount=apart["amount"]))
    if found.lines:
        text = n_(
            "{n} line ({amount}) stands again in the same order with another status, and counts "
            "each time",
            "{n} lines ({amount}) stand again in the same order with another status, and count "
            "each time",
            found.lines,
        )
        said.append(_fill(text, n=found.lines, amount=found.amount))
    nothing = _("no order stands in several files, or again with another status")
    return bool(said), joining.clauses(said) or nothing


def _fill(text: str, *, amount: float, **counts: int) -> str:
    return formats.fill(text, amount=formats.money(amount), **counts)
