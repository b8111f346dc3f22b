"""The checks of the quality gate: each takes the measures, and returns a finding and its figure."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ltvkit import periods
from ltvkit.core.i18n import _, n_
from ltvkit.display import formats, joining
from ltvkit.ingest.reconciliation import list_broken
from ltvkit.ingest.validation import PLACEHOLDER
from ltvkit.quality import (
    anomalies,
    beginning,
    customer_ids,
    order_ids,
    repeated_orders,
    rounded_ids,
    summary,
)
from ltvkit.quality.measures import Measures

# Shares above which something is found: of the lines, of the money.
MOST_GUESTS, MOST_TWINS, MOST_RETURNED = 0.2, 0.01, 0.25


def _unusable(m: Measures) -> tuple[bool, str]:
    read, lost = summary.count_unusable(m.quality)
    broken = m.quality[m.quality["reason"].isin(list_broken(m.quality))]
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
    listed = [joining.aside(row.reason, formats.count(row.lines)) for row in top.itertuples()]
    found = lost > m.most_broken * read or money > m.most_broken + 1e-9
    return found, joining.colon(figure, joining.items(listed)) if listed else figure


def _placeholders(m: Measures) -> tuple[bool, str]:
    """Lines dated with a day that means none, with their money."""
    rows = m.quality[m.quality["reason"] == PLACEHOLDER]
    n, read = int(rows["lines"].sum()), summary.count_unusable(m.quality)[0]
    text = n_(
        "{n} of {lines} lines is dated with a day that means none, such as 9999-12-31",
        "{n} of {lines} lines are dated with a day that means none, such as 9999-12-31",
        n,
    )
    text += _(" (amount: {money})") * (n > 0)
    money = formats.money(rows["amount"].sum())
    return n > 0, formats.fill(text, n=n, lines=read, money=money)


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


def _beginning(m: Measures) -> tuple[bool, str]:
    days = len(m.days[: m.as_of])
    customers = int(m.customer_ids.totals["customers"])
    return beginning.check_beginning(m.beginning, days=days, customers=customers, as_of=m.as_of)


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
    return True, text.format(spans=joining.items(spans))


def _changes(m: Measures) -> tuple[bool, str]:
    found = anomalies.find_sudden_changes(m.days[: m.as_of])
    if found is None:
        return False, _("too short a history to tell")
    text, silent = _("{measure} in {period}: {factor} times the usual"), _("no orders in {period}")
    words = {"orders": _("orders"), "revenue_per_order": _("revenue per order")}
    rows = [
        (text if factor else silent).format(
            measure=words[which], period=when, factor=formats.number(factor, decimals=2)
        )
        for when, which, factor in found.head(3).itertuples(index=False)
    ]
    return len(found) > 0, joining.items(rows) or _("the latest month, weeks and days are as usual")


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
    if taken > paid:
        text = _("amounts below zero ({taken}) are more than those above ({paid})")
    money = {"taken": formats.money(taken), "paid": formats.money(paid)}
    share = taken / paid if paid else 0.0
    return taken > MOST_RETURNED * paid, formats.fill(text, share=share, **money)


def _unmapped(m: Measures) -> tuple[bool, str]:
    """Columns of the export that would change the amounts, and are in none."""
    found = m.facts.get("unmapped", ())
    if not found:
        return False, _("no column that would change the amounts was left out")
    parts = []
    for one in found:
        text = n_("{column} is filled on {n} line", "{column} is filled on {n} lines", one["lines"])
        if one["part"] in ("exclude", "return_rows"):
            text = n_(
                "{column} says that {n} line is no sale",
                "{column} says that {n} lines are no sale",
                one["lines"],
            )
        said = formats.fill(text, column=repr(one["header"]), n=one["lines"])
        money = "" if one["amount"] is None else joining.aside("", formats.money(one["amount"]))
        parts.append(_("{said}, for {part}").format(said=said + money, part=one["part"]))
    return True, joining.clauses(parts)


def _personal(m: Measures) -> tuple[bool, str]:
    """Columns that hold people, and are in no table."""
    kinds = {
        "mails": _("{column} ({header}) has the e-mail addresses of {share} of its customers"),
        "telephones": _(
            "{column} ({header}) has the telephone numbers of {share} of its customers"
        ),
        "ids": _("{column} ({header}) has the customer's own id for {share} of its customers"),
        "names": _(
            "{column} ({header}) has a name or number of their own for {share} of customers"
        ),
        "header": _("{column} ({header}) is named like personal data"),
    }
    said = [
        formats.fill(
            kinds[one["kind"]],
            column=one["column"],
            header=repr(one["header"]),
            share=float(one["share"]),
        )
        for one in m.facts.get("personal", ())
    ]
    return bool(said), joining.clauses(said) or _("no column but the customer's id holds people")


CHECKS = {
    "unusable_lines": _unusable,
    "placeholder_dates": _placeholders,
    "late_dates": _late,
    "early_dates": _early,
    "data_end": _data_end,
    "left_truncation": _beginning,
    "gap_days": _gaps,
    "sudden_changes": _changes,
    "guests": _guests,
    "duplicates": _duplicates,
    "negative_amounts": _negative,
    "unmapped_columns": _unmapped,
    "personal_columns": _personal,
    "rounded_ids": lambda m: rounded_ids.check_rounded(m.rounded),
    "missing_order_ids": lambda m: order_ids.check_missing(m.order_ids),
    "repeated_order_ids": lambda m: order_ids.check_restarts(m.order_ids),
    "repeated_orders": lambda m: repeated_orders.check_repeated(m.repeated, m.facts),
    "largest_order": lambda m: order_ids.check_largest(m.order_ids),
    "repeated_totals": lambda m: order_ids.check_totals(m.order_ids),
    "spelled_ids": lambda m: customer_ids.check_spellings(m.customer_ids),
    "customer_names": lambda m: customer_ids.check_names(m.customer_ids),
    "probable_guests": lambda m: customer_ids.check_guests(m.customer_ids),
    "one_customer": lambda m: customer_ids.check_largest(m.customer_ids),
}
