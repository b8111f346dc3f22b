"""Data quality: what was read, what of it is used, and which lines to check."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import periods
from ltvkit.core import pseudonyms
from ltvkit.core.i18n import N_, _, n_
from ltvkit.display import formats, joining
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.ingest import headers
from ltvkit.ingest.parse import ids
from ltvkit.ingest.reconciliation import list_broken, with_share
from ltvkit.periods import Day

if TYPE_CHECKING:
    from ltvkit.ingest.book import Orders

DUPLICATES = N_("kept, but exactly like an earlier line (sold twice?)")
LATER = N_("kept, but dated after the report's last day")
MOST_LINES = 100_000  # of a list to look at


def origin(book: Orders) -> str:
    """Where the orders come from, what their amount is made of, and whose day a time falls on.

    Also says what revenue means, and if each line counts as an order, as there are no order ids.
    """
    facts = book.facts
    read = joining.items(
        filter(None, [facts["source"], facts.get("encoding"), describe_sheet(facts)])
    )
    days = _("Days are as written.")
    if facts["timezone"]:
        days = _("Days are as written; times with a zone count in {zone}.")
    said = [
        _("Read from {source}.").format(source=read),
        describe_amounts(facts),
        days.format(zone=facts["timezone"]),
    ]
    counted = _("There are no order ids, so each line counts as an order.")
    return joining.sentences([*said, *[counted] * (facts["orders_from"] == "lines")])


def describe_amounts(facts: Mapping[str, Any]) -> str:
    """What amounts are made of, and what revenue means, by the facts of the orders' source."""
    tax = {"included": _("tax included"), "excluded": _("tax excluded")}
    amount = facts["amount_from"]
    text = _(
        "Amounts: {amount} ({tax}). Revenue is what customers paid for goods, after discounts and "
        "refunds, without shipping, fees and tax on top, as far as the export tells them apart."
    )
    basis = headers.find_tax_basis(amount)
    return text.format(amount=amount, tax=tax.get(basis, _("tax not stated")))


def describe_sheet(facts: Mapping[str, Any]) -> str:
    """Which sheet of several was read, in words; empty where there is no choice."""
    if "other_sheets" not in facts:
        return ""
    count = len(facts["other_sheets"]) + 1
    return _("sheet {name} of {count}").format(name=facts["sheet"], count=count)


def _summarize_duplicates(lines: Frame, facts: Mapping[str, Any]) -> pd.DataFrame:
    more = nw.col("copies") - 1
    found = frames.table(
        _find_duplicates(lines, facts).select(
            lines=more.sum(), amount=(nw.col("amount") * more).sum()
        )
    ).assign(status="of which", reason=_(DUPLICATES))
    return found[found["lines"] > 0].astype({"lines": "int64"})


def _find_duplicates(frame: Frame, facts: Mapping[str, Any]) -> nw.LazyFrame:
    """Lines that come more than once, each with its `copies`.

    None where the orders' totals are known: lines add up to them, so equal ones are two sales.
    """
    lines = frames.lazy(frame)
    if facts.get("totals_known"):
        lines = lines.head(0)
    names = lines.collect_schema().names()
    lines = lines.rename({n: f"{n} (raw)" for n in names if n.casefold() == "copies"})
    # An order id that the kit made from the line's number differs between copies.
    made_up = [] if facts["orders_from"] == "order_id" else ["order_id"]
    columns = [c for c in lines.collect_schema().names() if c not in made_up]
    return lines.group_by(*columns).agg(copies=nw.len()).filter(nw.col("copies") > 1)


def list_duplicates(book: Orders) -> pd.DataFrame:
    """Kept lines that occur more than once, with their number of `copies`; most first.

    At most `MOST_LINES`. With pseudonyms, only columns that cannot name anybody; a mapped column
    named copies is `copies (raw)`.
    """
    twins = _find_duplicates(book.lines, book.facts)
    if pseudonyms.key():
        twins = twins.select("customer_id", "order_date", "amount", "copies")
    names = [c for c in twins.collect_schema().names() if c != "copies"]
    listed = twins.sort("copies", *names, descending=[True] + [False] * len(names))
    return frames.table(listed.head(MOST_LINES))


def list_folded_ids(book: Orders) -> pd.DataFrame:
    """The customer ids that were written in several ways and count as one (see `ids`).

    At most `MOST_LINES`, those of most lines first.
    """
    if book.spelled is None:
        return pd.DataFrame(columns=["customer_id", "spellings", "written", "lines"])
    found = ids.list_collisions(book.spelled, most=MOST_LINES)
    return found.drop(columns="written") if pseudonyms.key() else found


def _summarize_folded(book: Orders) -> pd.DataFrame:
    lines = 0 if book.spelled is None else ids.count_collision_lines(book.spelled)
    said = _("kept, of customers whose id is written in several ways")
    return pd.DataFrame({"status": ["of which"], "reason": said, "lines": lines})


def summarize(book: Orders, *, as_of: Day) -> pd.DataFrame:
    """The reconciliation of one report: `book.quality`, and kept lines to check.

    Their rows are "of which", as they are part of "kept": exact copies of earlier lines, and lines
    dated after `as_of`.
    """
    lines = frames.hold_small(book.lines, rows=book.facts["lines_read"])
    later = frames.table(
        frames.lazy(lines)
        .filter(nw.col("order_date") > nw.lit(periods.day(as_of)))
        .select(lines=nw.len(), amount=nw.col("amount").sum())
    ).assign(status="of which", reason=_(LATER))
    twins = _summarize_duplicates(lines, book.facts)
    parts = [book.quality, twins, _summarize_folded(book), later]
    return with_share(pd.concat([p for p in parts if p["lines"].any()], ignore_index=True))


def count_unusable(table: pd.DataFrame) -> tuple[int, int]:
    """A reconciliation -> the lines read, and those of them that are broken."""
    read = table.loc[table["status"] == "read", "lines"].sum()
    return int(read), int(table.loc[table["reason"].isin(list_broken(table)), "lines"].sum())


def list_quarantined(book: Orders) -> Any:
    """The quarantine as a list of the report: of `book.quarantine` the raw columns that are mapped.

    They are named by what they are mapped to, as in `amount (raw)`. What the others hold nobody has
    said. With pseudonyms, only line, reason and customer_id: a raw line could name somebody.
    """
    if pseudonyms.key():
        return book.refused
    named = book.facts.get("in_quarantine")
    if named is None:
        return book.quarantine
    hidden = {
        one[known] for one in book.facts.get("personal", ()) for known in ("header", "column")
    }
    listed = frames.lazy(book.quarantine)
    found = listed.collect_schema().names()
    raw: dict[str, list[str]] = {}  # files may spell a header in several ways
    for column in found:
        header = re.sub(r"( \(raw\))+$", "", column)
        if header in named and hidden.isdisjoint((header, named[header])):
            raw.setdefault(f"{named[header]} (raw)", []).append(column)
    placed = [c for c in found if c in ("file", "line", "reason")]
    shown = {label: nw.coalesce(*spelled) for label, spelled in raw.items()}
    shown |= {c: nw.col(c) for c in found if c == "text"}
    return frames.to_native(listed.select(*placed, **shown), like=book.quarantine)


def finding(table: pd.DataFrame) -> str:
    """The reconciliation in a sentence."""
    lines = table.groupby("status")["lines"].sum()
    read, lost = int(lines["read"]), int(lines.get("quarantined", 0))
    text = n_(
        "{kept} of {read} line is used ({share}).",
        "{kept} of {read} lines are used ({share}).",
        read,
    )
    if lost:
        gone = n_("{lost} line was left out.", "{lost} lines were left out.", lost)
        text = joining.sentences([text, gone])
    return formats.fill(text, kept=read - lost, read=read, share=1 - lost / read, lost=lost)


def describe_later(table: pd.DataFrame) -> str:
    """How many of the lines that are used are of days after the report, and so in none of its
    figures; empty without any."""
    n = int(table.loc[table["reason"] == _(LATER), "lines"].sum())
    text = n_(
        "{n} of them is of a day after this report, and counts in later ones only.",
        "{n} of them are of days after this report, and count in later ones only.",
        n,
    )
    return formats.fill(text, n=n) if n else ""
