"""The checks of the quality gate: each takes the measures, and returns a finding and its figure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import periods
from ltvkit.core.i18n import _, n_
from ltvkit.display import formats
from ltvkit.engines import frames
from ltvkit.ingest.lines import filter_until
from ltvkit.ingest.policies import Policies
from ltvkit.ingest.span import find_core
from ltvkit.ingest.truncation import LEAST, SPAN, Truncation, find_truncation
from ltvkit.ingest.validation import BROKEN
from ltvkit.periods import Day
from ltvkit.quality import anomalies, customer_ids, order_ids, rounded_ids, summary
from ltvkit.quality.customer_ids import CustomerIds
from ltvkit.quality.order_ids import OrderIds
from ltvkit.quality.rounded_ids import Rounded

if TYPE_CHECKING:
    from ltvkit.ingest.book import Orders

# Shares above which something is found: of the lines, of the money.
MOST_GUESTS, MOST_TWINS, MOST_RETURNED = 0.2, 0.01, 0.25


class Measures(NamedTuple):
    """What the checks look at: small tables, whatever the engine of the orders."""

    quality: pd.DataFrame
    days: pd.DataFrame
    early: pd.DataFrame
    late: pd.DataFrame
    lines: int
    facts: Mapping[str, Any]
    order_ids: OrderIds
    customer_ids: CustomerIds
    rounded: list[Rounded]
    truncation: Truncation | None
    until: Any
    as_of: dt.date
    declared: bool
    most_broken: float


def measure(book: Orders, reconciled: pd.DataFrame, *, as_of: Day, rules: Policies) -> Measures:
    """Orders and their reconciliation -> what the checks look at."""
    held = frames.hold_small(book.lines, rows=book.facts["lines_read"])
    lines = frames.lazy(held)
    daily = frames.table(
        lines.group_by("order_date")
        .agg(lines=nw.len(), orders=nw.col("order_id").n_unique(), revenue=nw.col("amount").sum())
        .sort("order_date")
    ).set_index("order_date")
    daily.index = pd.DatetimeIndex(daily.index)
    core = find_core(daily)
    before, after = daily.index < core.index[0], daily.index > core.index[-1]
    until = pd.Timestamp(periods.day(book.facts["until"]))
    last = min(until, core.index[-1]) if after.any() else max(until, core.index[-1])
    days = core.reindex(pd.date_range(core.index[0], last), fill_value=0)
    counted = filter_until(lines, as_of)
    ids = ["customer_id", *["order_id"] * (book.facts["orders_from"] == "order_id")]
    return Measures(
        quality=reconciled,
        days=days,
        early=daily[before],
        late=daily[after],
        lines=int(daily["lines"].sum()),
        facts=book.facts,
        order_ids=order_ids.measure(counted, book.facts),
        customer_ids=customer_ids.measure(counted, book.facts, fold=rules.fold_ids),
        rounded=rounded_ids.find_rounded(counted, ids),
        truncation=find_truncation(
            book.days if held is book.lines else held,
            as_of=as_of,
            export_begins=rules.export_begins,
        ),
        until=until,
        as_of=min(pd.Timestamp(periods.day(as_of)), last),
        declared=bool(rules.data_until),
        most_broken=float(rules.max_quarantined),
    )


def _unusable(m: Measures) -> tuple[bool, str]:
    read, lost = summary.count_unusable(m.quality)
    broken = m.quality[m.quality["reason"].isin(BROKEN)]
    money = m.facts.get("unusable_money", 0.0)
    text = _("{lost} of {read} lines ({share}) cannot be used, and the limit is {limit}")
    if lost:
        text = _(
            "{lost} of {read} lines ({share}) cannot be used, with about {money} of the money, and "
            "the limit is {limit}"
        )
    share = lost / max(read, 1)
    figure = formats.fill(text, lost=lost, read=read, share=share, money=money, limit=m.most_broken)
    top = broken.sort_values("lines", ascending=False, kind="stable").head(3)
    listed = [f"{row.reason} ({formats.count(row.lines)})" for row in top.itertuples()]
    found = lost > m.most_broken * read or money > m.most_broken + 1e-9
    return found, f"{figure}: {', '.join(listed)}" if listed else figure


def _late(m: Measures) -> tuple[bool, str]:
    text = n_(
        "{n} of {lines} lines is dated more than a year after all others, which end on {day}",
        "{n} of {lines} lines are dated more than a year after all others, which end on {day}",
        int(m.late["lines"].sum()),
    )
    return _describe_apart(m, m.late, text, day=m.days.index[-1])


def _early(m: Measures) -> tuple[bool, str]:
    text = n_(
        "{n} of {lines} lines is dated more than a year before all others, from {day} on",
        "{n} of {lines} lines are dated more than a year before all others, from {day} on",
        int(m.early["lines"].sum()),
    )
    return _describe_apart(m, m.early, text, day=m.days.index[0])


def _describe_apart(m: Measures, apart: pd.DataFrame, text: str, *, day: Any) -> tuple[bool, str]:
    """Whether lines lie apart, and the text with their number and the money at stake."""
    text += _(" (amount: {money})") * (not apart.empty)
    lines, money = int(apart["lines"].sum()), formats.money(apart["revenue"].sum())
    return lines > 0, formats.fill(text, n=lines, lines=m.lines, money=money, day=day)


def _data_end(m: Measures) -> tuple[bool, str]:
    end = periods.end(periods.index_of(m.as_of, "month"), "month")
    text = _("the data end on {until}, and the month of the report on {end}")
    return m.until < end, formats.fill(text, until=m.until, end=end)


def _truncation(m: Measures) -> tuple[bool, str]:
    found = m.truncation
    if found is None:
        text = _("customers who look new at first are as many, or buy, like later ones")
        short = len(m.days[: m.as_of]) < LEAST * SPAN
        return False, _("too short a history to tell") if short else text
    text = n_(
        "{n} customer looks new in the {days} days from {begins} on, and {share} of them had "
        "probably bought before",
        "{n} customers look new in the {days} days from {begins} on, and {share} of them had "
        "probably bought before",
        found.new,
    )
    until = _(". Who is new is known from {day} on")
    if found.known_from > m.as_of:
        until = _(". In none of these months can it be told who is new")
    share = found.old / max(found.new, 1)
    figures = {"n": found.new, "days": found.days, "begins": found.begins, "share": share}
    return True, formats.fill(text + until, day=found.known_from, **figures)


def _gaps(m: Measures) -> tuple[bool, str]:
    days = m.days[: m.as_of]
    if days.empty:
        return False, _("too short a history to tell")
    runs = anomalies.find_gaps(days, ends=m.declared or len(days) < len(m.days))
    runs = runs.sort_values("days", ascending=False, kind="stable")
    if runs.empty:
        return False, _("no silent day that is unlike this shop")
    spans = [
        f"{row.start:%Y-%m-%d}" + (f" to {row.end:%Y-%m-%d}" if row.days > 1 else "")
        for row in runs.head(3).sort_values("start").itertuples()
    ]
    text = _("no orders on {spans}") + (_(", and other days") if len(runs) > 3 else "")
    return True, text.format(spans=", ".join(spans))


def _changes(m: Measures) -> tuple[bool, str]:
    found = anomalies.find_sudden_changes(m.days[: m.as_of])
    if found is None:
        return False, _("too short a history to tell")
    text = _("{measure} in {period}: {factor} times the usual")
    words = {"orders": _("orders"), "revenue_per_order": _("revenue per order")}
    rows = [
        text.format(measure=words[which], period=when, factor=formats.number(factor, decimals=2))
        for when, which, factor in found.head(3).itertuples(index=False)
    ]
    return len(found) > 0, ", ".join(rows) or _("the latest month, weeks and days are as usual")


def _guests(m: Measures) -> tuple[bool, str]:
    text = _("{share} of the lines ({amount}) name no customer")
    return _compare_share(m, m.quality["reason"].str.startswith("guest:"), MOST_GUESTS, text)


def _duplicates(m: Measures) -> tuple[bool, str]:
    text = _("{share} of the lines ({amount}) are exactly like an earlier one")
    return _compare_share(m, m.quality["reason"] == _(summary.DUPLICATES), MOST_TWINS, text)


def _compare_share(m: Measures, rows: pd.Series, most: float, text: str) -> tuple[bool, str]:
    lines, read = m.quality["lines"], m.quality["status"] == "read"
    share = float(lines[rows].sum() / max(lines[read].sum(), 1))
    amount = formats.money(m.quality.loc[rows, "amount"].sum())
    return share > most, formats.fill(text, share=share, amount=amount)


def _negative(m: Measures) -> tuple[bool, str]:
    table = m.quality
    returned = (table["status"] == "kept") | table["reason"].str.startswith("return")
    taken = -table.loc[returned & (table["amount"] < 0), "amount"].sum()
    paid = table.loc[(table["status"] == "kept") & (table["amount"] > 0), "amount"].sum()
    text = _("amounts below zero are {share} of those above")
    return taken > MOST_RETURNED * paid, formats.fill(text, share=taken / paid if paid else 0.0)


def _overlap(m: Measures) -> tuple[bool, str]:
    """Orders in several files, and lines that stand again with another status."""
    said = []
    if again := m.facts.get("in_later_file"):
        text = n_(
            "{n} order stands in several files and counts once, as in the later file: {lines} "
            "lines ({amount}) of earlier files are left out",
            "{n} orders stand in several files and count once, as in the later file: {lines} "
            "lines ({amount}) of earlier files are left out",
            again["orders"],
        )
        said.append(_fill_orders(text, again))
    if apart := m.facts.get("in_several_files"):
        text = n_(
            "{n} order has lines in several files, none of them in both: all {lines} lines "
            "({amount}) count",
            "{n} orders have lines in several files, none of them in both: all {lines} lines "
            "({amount}) count",
            apart["orders"],
        )
        said.append(_fill_orders(text, apart))
    found, figure = order_ids.check_statuses(m.order_ids)
    if found or not said:
        said.append(figure)
    return found or len(said) > 1 or said != [figure], "; ".join(said)


def _fill_orders(text: str, row: Mapping[str, Any]) -> str:
    money = formats.money(row["amount"])
    return formats.fill(text, n=row["orders"], lines=row["lines"], amount=money)


def _unmapped(m: Measures) -> tuple[bool, str]:
    """Columns of the export that would change the amounts, and are in none."""
    found = m.facts.get("unmapped", ())
    if not found:
        return False, _("no column that would change the amounts was left out")
    parts = []
    for one in found:
        text = n_("{column} is filled on {n} line", "{column} is filled on {n} lines", one["lines"])
        said = formats.fill(text, column=repr(one["header"]), n=one["lines"])
        money = "" if one["amount"] is None else f" ({formats.money(one['amount'])})"
        parts.append(_("{said}, for {part}").format(said=said + money, part=one["part"]))
    return True, "; ".join(parts)


CHECKS = {
    "unusable_lines": _unusable,
    "late_dates": _late,
    "early_dates": _early,
    "data_end": _data_end,
    "left_truncation": _truncation,
    "gap_days": _gaps,
    "sudden_changes": _changes,
    "guests": _guests,
    "duplicates": _duplicates,
    "negative_amounts": _negative,
    "unmapped_columns": _unmapped,
    "rounded_ids": lambda m: rounded_ids.check_rounded(m.rounded),
    "missing_order_ids": lambda m: order_ids.check_missing(m.order_ids),
    "repeated_order_ids": lambda m: order_ids.check_restarts(m.order_ids),
    "repeated_orders": _overlap,
    "repeated_totals": lambda m: order_ids.check_totals(m.order_ids),
    "spelled_ids": lambda m: customer_ids.check_spellings(m.customer_ids),
    "customer_names": lambda m: customer_ids.check_names(m.customer_ids),
    "probable_guests": lambda m: customer_ids.check_guests(m.customer_ids),
    "one_customer": lambda m: customer_ids.check_largest(m.customer_ids),
}
