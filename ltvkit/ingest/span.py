"""The days that orders span, without a few that lie far from all others."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import periods
from ltvkit.engines import frames
from ltvkit.errors import DataError
from ltvkit.ingest.policies import Policies
from ltvkit.ingest.schema import FRAME
from ltvkit.ingest.validation import PLACEHOLDER

APART_DAYS, APART_SHARE = 365, 0.02  # dates this far from the rest, of this share of the lines
ONE_OF = 20  # of so many lines, one alone may lie apart


def find_span(
    lines: nw.LazyFrame, counted: pd.DataFrame, table: pd.DataFrame, source: str, rules: Policies
) -> dict[str, Any]:
    """Lines read, first and last day of those kept, and the last day covered.

    `counted` are the validated `lines` by `reconciliation.count_lines`, `table` those reconciled.
    A few lines dated more than a year after all others do not count for the last day, as they may
    be typing errors: `late` has their number, amount and first day. Raises `DataError` where no
    line could be kept.
    """
    kept = counted["status"] == "kept"
    if rules.returns == "separate":
        kept &= ~counted["below"]
    first, last = counted.loc[kept, "first_order_date"], counted.loc[kept, "last_order_date"]
    if first.isna().all():
        raise _explain_nothing_kept(table, source)
    first, last, late = first.min(), last.max(), {}
    if (last - first).days > APART_DAYS:
        last, late = _find_late(lines, rules)
    last = last.date().isoformat()
    until = periods.day(rules.data_until).date().isoformat() if rules.data_until else last
    read = int(table.loc[table["status"] == "read", "lines"].sum())
    span = {"lines_read": read, "first": first.date().isoformat(), "last": last, "until": until}
    return span | late


def _find_late(lines: nw.LazyFrame, rules: Policies) -> tuple[pd.Timestamp, dict[str, Any]]:
    """The last day without a few that lie far after it, and what those are."""
    kept = nw.col("reason").is_null()
    if rules.returns == "separate":
        kept = kept & (nw.col("amount") >= 0)
    daily = frames.table(
        lines.filter(kept)
        .group_by("order_date")
        .agg(lines=nw.len(), amount=nw.col("amount").sum())
        .sort("order_date")
    ).set_index("order_date")
    daily.index = pd.DatetimeIndex(daily.index)
    last = find_core(daily).index[-1]
    late = daily[daily.index > last]
    if late.empty:
        return last, {}
    day = late.index[0].date().isoformat()
    return last, {"late": [int(late["lines"].sum()), float(late["amount"].sum()), day]}


def find_core(daily: pd.DataFrame) -> pd.DataFrame:
    """Days in order, with `lines` -> those without a few lines more than a year from all others.

    >>> days = pd.DatetimeIndex(["2024-01-05", "2024-01-06", "2042-01-07"])
    >>> len(find_core(pd.DataFrame({"lines": [50, 49, 1]}, index=days)))
    2
    """
    apart = pd.Series(daily.index).diff().dt.days.to_numpy() > APART_DAYS
    total = daily["lines"].sum()
    below = (daily["lines"].cumsum() - daily["lines"]).to_numpy()
    few = max(APART_SHARE * total, 1 if total >= ONE_OF else 0)
    starts = apart.nonzero()[0]
    first = max((n for n in starts if below[n] <= few), default=0)
    end = min((n for n in starts if total - below[n] <= few), default=len(daily))
    return daily.iloc[first:end]


def _explain_nothing_kept(table: pd.DataFrame, source: str) -> DataError:
    reasons = ", ".join(table.loc[table["status"] != "read", "reason"])
    dates = ' Declare how dates are written under policies: date_format, as in "%d/%m/%Y".'
    if source == FRAME:
        dates = " Say how dates are written, as in policies={'date_format': '%d/%m/%Y'}."
    none = " If another column holds the day of an order, map that under columns: order_date."
    money = " Map the column that holds the amounts, as numbers, under columns: amount."
    if not reasons:
        return DataError(f"{source} has no lines of data.")
    remedy = dates * ("order_date is unreadable" in reasons)
    remedy += none * (PLACEHOLDER in reasons)
    remedy += money * ("amount is unreadable" in reasons)
    return DataError(f"no line of {source} could be kept ({reasons}).{remedy}")
