"""The quality gate: is this export what the shop usually delivers, or did something go wrong?

Each check is a row of `CHECKS`, with a severity that `policies: checks:` can change: "warn" is
said with the report, "stop" lets none be made, "off" does not look.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import engine, formats, ids, orders, periods, quality, rhythm
from ltvkit.errors import DataError
from ltvkit.i18n import N_, _
from ltvkit.judgement import BROKEN
from ltvkit.policies import Policies, check_options

if TYPE_CHECKING:
    from ltvkit.orders import Orders

APART_DAYS, APART_SHARE = 365, 0.02  # dates this far from the rest, of this share of the lines
FEW_CUSTOMERS = 100  # with fewer, a large share of one is no surprise
SEVERITIES = ("off", "warn", "stop")


class _Seen(NamedTuple):
    """What the checks look at: small tables, whatever the engine of the orders."""

    quality: pd.DataFrame
    days: pd.DataFrame
    early: int
    late: int
    lines: int
    customers: pd.Series
    alike: int
    first: Any
    until: Any
    as_of: dt.date
    declared: bool
    most_broken: float


@dataclass(frozen=True)
class Check:
    """One check: how severe it is, from what limit, how it is judged, what it means, what to do.

    `judge` takes what was seen and the limit, and gives whether the limit is passed, and the
    figure in words.
    """

    name: str
    severity: str
    limit: float
    judge: Callable[[_Seen, float], tuple[bool, str]]
    meaning: str


def check(
    book: Orders,
    *,
    as_of: Any,
    policies: Mapping[str, Any] | Policies | None = None,
    reconciled: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Orders -> check, severity, result, figure, meaning: one row per check of `CHECKS`.

    `result` is "ok", or the severity where the check's limit is passed ("warn", "stop"), or
    "off"; `meaning`, and what to do, is said where it is passed. `policies` are those the orders
    were read with; `reconciled` is `quality.report` of them, where that was made already.
    Days, customers and ids are looked at up to `as_of`; unusable lines, guests, duplicates,
    returns and implausible dates are those of the whole export.
    """
    rules = policies if isinstance(policies, Policies) else check_options(policies=policies)
    if reconciled is None:
        reconciled = quality.report(book, as_of=as_of)
    seen = _seen(book, reconciled, as_of=as_of, rules=rules)
    rows = []
    for one in CHECKS:
        severity = rules.checks.get(one.name, one.severity)
        passed, figure = (False, "") if severity == "off" else one.judge(seen, one.limit)
        result = "off" if severity == "off" else severity if passed else "ok"
        rows.append((one.name, severity, result, figure, _(one.meaning) if passed else ""))
    return pd.DataFrame(rows, columns=["check", "severity", "result", "figure", "meaning"])


def said(table: pd.DataFrame, *results: str) -> list[str]:
    """The rows of these results (default: warn and stop) in a sentence each."""
    bad = table[table["result"].isin(results or ("warn", "stop"))]
    return [f"{row.check}: {row.figure}. {row.meaning}" for row in bad.itertuples()]


def finding(table: pd.DataFrame) -> str:
    """The checks in a sentence."""
    looked = table[table["result"] != "off"]
    bad = looked.loc[looked["result"] != "ok", "check"]
    if bad.empty:
        return _("All {n} checks of the data are passed.").format(n=len(looked))
    text = _("{bad} of {n} checks of the data are not passed: {names}.")
    if len(bad) == 1:
        text = _("1 of {n} checks of the data is not passed: {names}.")
    return text.format(bad=len(bad), n=len(looked), names=", ".join(bad))


def pass_through(table: pd.DataFrame, *, where: str = "") -> None:
    """Raise `DataError` where a check stops the report; `where` its quarantine can be looked at."""
    stops = said(table, "stop")
    if stops:
        text = " ".join([_("the data do not pass their checks:"), *stops])
        looked = _("The quarantined lines are in {where}.").format(where=where) if where else ""
        raise DataError(f"{text} {looked}".strip())


def _seen(book: Orders, reconciled: pd.DataFrame, *, as_of: Any, rules: Policies) -> _Seen:
    lines = engine.lazy(book.lines)
    daily = engine.table(
        lines.group_by("order_date")
        .agg(lines=nw.len(), orders=nw.col("order_id").n_unique(), revenue=nw.col("amount").sum())
        .sort("order_date")
    ).set_index("order_date")
    daily.index = pd.DatetimeIndex(daily.index)
    core = _core(daily)
    before, after = daily.index < core.index[0], daily.index > core.index[-1]
    until = pd.Timestamp(periods.day(book.facts["until"]))
    last = min(until, core.index[-1]) if after.any() else max(until, core.index[-1])
    days = core.reindex(pd.date_range(core.index[0], last), fill_value=0)
    counted = orders.before(lines, as_of)
    per_customer = (
        counted.group_by("customer_id")
        .agg(revenue=nw.col("amount").sum(), orders=nw.col("order_id").n_unique())
        .select(
            nw.col("revenue", "orders").sum(),
            customers=nw.len(),
            top_revenue=nw.col("revenue").max(),
            top_orders=nw.col("orders").max(),
        )
    )
    return _Seen(
        quality=reconciled,
        days=days,
        early=int(daily.loc[before, "lines"].sum()),
        late=int(daily.loc[after, "lines"].sum()),
        lines=int(daily["lines"].sum()),
        customers=engine.table(per_customer).iloc[0],
        alike=0 if rules.fold_ids == "both" else ids.alike(counted),
        first=core.index[0],
        until=until,
        as_of=min(pd.Timestamp(periods.day(as_of)), last),
        declared=bool(rules.data_until),
        most_broken=rules.max_quarantined,
    )


def _core(daily: pd.DataFrame) -> pd.DataFrame:
    """The days without a few lines that lie more than a year before or after all others."""
    apart = pd.Series(daily.index).diff().dt.days.to_numpy() > APART_DAYS
    below = (daily["lines"].cumsum() - daily["lines"]).to_numpy() / daily["lines"].sum()
    starts = apart.nonzero()[0]
    first = max((n for n in starts if below[n] <= APART_SHARE), default=0)
    end = min((n for n in starts if 1 - below[n] <= APART_SHARE), default=len(daily))
    return daily.iloc[first:end]


def _unusable(seen: _Seen, _limit: float) -> tuple[bool, str]:
    read = _lines(seen.quality["status"] == "read", seen.quality)
    broken = seen.quality[seen.quality["reason"].isin(BROKEN)]
    lost = int(broken["lines"].sum())
    text = _("{lost} of {read} lines ({share}) cannot be used, and the limit is {limit}")
    figure = text.format(
        lost=formats.count(lost),
        read=formats.count(read),
        share=formats.share(lost / max(read, 1)),
        limit=formats.share(seen.most_broken),
    )
    top = broken.sort_values("lines", ascending=False, kind="stable").head(3)
    listed = [f"{row.reason} ({formats.count(row.lines)})" for row in top.itertuples()]
    return lost > seen.most_broken * read, ": ".join([figure, *filter(None, [", ".join(listed)])])


def _late(seen: _Seen, _limit: float) -> tuple[bool, str]:
    text = _("{n} of {lines} lines are dated more than a year after all others, which end on {day}")
    day = f"{seen.days.index[-1]:%Y-%m-%d}"
    return _dated(seen.late, text, seen, day)


def _early(seen: _Seen, _limit: float) -> tuple[bool, str]:
    text = _("{n} of {lines} lines are dated more than a year before all others, from {day} on")
    return _dated(seen.early, text, seen, f"{seen.first:%Y-%m-%d}")


def _dated(n: int, text: str, seen: _Seen, day: str) -> tuple[bool, str]:
    return n > 0, text.format(n=formats.count(n), lines=formats.count(seen.lines), day=day)


def _data_end(seen: _Seen, _limit: float) -> tuple[bool, str]:
    end = periods.end(periods.index_of(seen.as_of, "month"), "month")
    text = _("the data end on {until}, and the month of the report on {end}")
    return seen.until < end, text.format(until=f"{seen.until:%Y-%m-%d}", end=f"{end:%Y-%m-%d}")


def _gaps(seen: _Seen, _limit: float) -> tuple[bool, str]:
    days = seen.days[: seen.as_of]
    runs = rhythm.silent_runs(days, ends=seen.declared or len(days) < len(seen.days))
    runs = runs.sort_values("days", ascending=False, kind="stable")
    if runs.empty:
        return False, _("no silent day that is unlike this shop")
    spans = [
        f"{row.start:%Y-%m-%d}" + (f" to {row.end:%Y-%m-%d}" if row.days > 1 else "")
        for row in runs.head(3).sort_values("start").itertuples()
    ]
    text = _("no orders on {spans}") + (_(", and other days") if len(runs) > 3 else "")
    return True, text.format(spans=", ".join(spans))


def _changes(seen: _Seen, _limit: float) -> tuple[bool, str]:
    found = rhythm.sudden_changes(seen.days[: seen.as_of])
    if found is None:
        return False, _("too short a history to tell")
    text = _("{measure} in {period}: {factor} times the usual")
    words = {"orders": _("orders"), "revenue_per_order": _("revenue per order")}
    rows = [
        text.format(
            measure=words[row.measure],
            period=row.period,
            factor=formats.number(row.factor, decimals=2),
        )
        for row in found.head(3).itertuples()
    ]
    return len(found) > 0, ", ".join(rows) or _("the latest month, weeks and days are as usual")


def _guests(seen: _Seen, limit: float) -> tuple[bool, str]:
    guests = _lines(seen.quality["reason"].str.startswith("guest:"), seen.quality)
    return _part(guests, seen, limit, _("{share} of the lines name no customer"))


def _duplicates(seen: _Seen, limit: float) -> tuple[bool, str]:
    twins = _lines(seen.quality["reason"] == _(quality.TWINS), seen.quality)
    return _part(twins, seen, limit, _("{share} of the lines are exactly like an earlier one"))


def _part(lines: int, seen: _Seen, limit: float, text: str) -> tuple[bool, str]:
    share = lines / max(_lines(seen.quality["status"] == "read", seen.quality), 1)
    return share > limit, text.format(share=formats.share(share))


def _negative(seen: _Seen, limit: float) -> tuple[bool, str]:
    table = seen.quality
    returned = (table["status"] == "kept") | table["reason"].str.startswith("return")
    taken = -table.loc[returned & (table["amount"] < 0), "amount"].sum()
    paid = table.loc[(table["status"] == "kept") & (table["amount"] > 0), "amount"].sum()
    text = _("amounts below zero are {share} of those above")
    return taken > limit * paid, text.format(share=formats.share(taken / paid if paid else 0))


def _spelled(seen: _Seen, _limit: float) -> tuple[bool, str]:
    if seen.alike == 0:
        return False, _("no customer is written in more than one way")
    text = _("{n} customers are written in more than one way")
    text = _("1 customer is written in more than one way") if seen.alike == 1 else text
    return True, text.format(n=formats.count(seen.alike))


def _one_customer(seen: _Seen, limit: float) -> tuple[bool, str]:
    row = seen.customers
    most = limit * max(1, FEW_CUSTOMERS / row["customers"])
    if most >= 1:
        return False, _("too few customers to tell")
    shares = {
        _("revenue"): row["top_revenue"] / row["revenue"] if row["revenue"] > 0 else 0.0,
        _("orders"): row["top_orders"] / max(row["orders"], 1),
    }
    of, share = max(shares.items(), key=lambda pair: pair[1])
    text = _("one customer has {share} of all {of}")
    return bool(share > most), text.format(share=formats.share(share), of=of)


def _lines(rows: pd.Series, table: pd.DataFrame) -> int:
    return int(table.loc[rows, "lines"].sum())


# fmt: off
CHECKS = (
    Check("unusable_lines", "stop", 0.01, _unusable, N_(
        "What is left may not stand for the whole. Mend the export, or raise "
        "policies: max_quarantined.")),
    Check("late_dates", "stop", APART_SHARE, _late, N_(
        "Typing errors would move the month of the report. Mend them, or give the export's last "
        "day as policies: data_until, so that they are quarantined.")),
    Check("early_dates", "warn", APART_SHARE, _early, N_(
        "Typing errors, or days that mean \"unknown\", make cohorts that never were. Mend them.")),
    Check("data_end", "warn", 0, _data_end, N_(
        "The month is compared low with whole ones. Export again after its end.")),
    Check("gap_days", "warn", rhythm.FALSE_ALARM, _gaps, N_(
        "The shop was closed, or a part of the export is missing. Look whether a file is.")),
    Check("sudden_changes", "warn", 0, _changes, N_(
        "A campaign or a season, or lines that are missing, doubled or in another unit. Look "
        "before you explain it.")),
    Check("guests", "warn", 0.2, _guests, N_(
        "They are in no figure here. Ask guests for an account, or fill in an id that stays.")),
    Check("duplicates", "warn", 0.01, _duplicates, N_(
        "A part may have been exported twice: look at lists/duplicates.csv, and mend the export. "
        "But two equal lines can be two sales; then set policies: checks: {duplicates: off}.")),
    Check("negative_amounts", "warn", 0.25, _negative, N_(
        "Many returns, or amounts with the wrong sign. Look at some of them.")),
    Check("spelled_ids", "warn", 0, _spelled, N_(
        "Their ids differ only in width (１ and 1) or case (A and a), so each counts as several "
        "customers. Set policies: fold_ids: width (or case, or both).")),
    Check("one_customer", "warn", 0.1, _one_customer, N_(
        "Perhaps an id that means nobody, or a wholesaler. If so, name it in "
        "policies: guest_ids.")),
)
# fmt: on
