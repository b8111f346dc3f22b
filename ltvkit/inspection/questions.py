"""Questions about orders that could be read, for their owner: params key -> question."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

from ltvkit import periods
from ltvkit.core.i18n import _, n_
from ltvkit.core.personal_data import header_key
from ltvkit.display import formats
from ltvkit.ingest import readers
from ltvkit.ingest.parse import values
from ltvkit.ingest.policies import Policies
from ltvkit.quality import summary

if TYPE_CHECKING:
    from ltvkit.inspection.result import Inspection

CLOSE_DAYS = 7  # a month whose last days have no order may be covered all the same
_CANCELLED_AT = re.compile(r"(date )?cancell?(ed|ation) (at|on|date)|date cancell?ed|.*取消日時?")


def find_questions(seen: Inspection, raw: readers.Raw) -> dict[str, str]:
    """An inspection with its `book`, and its source -> what to decide about the orders."""
    asked = _ask_amounts(seen) | _ask_cancelled_at(seen, raw)
    return asked | _ask_month_end(seen) | _ask_unusable(seen)


def _ask_amounts(seen: Inspection) -> dict[str, str]:
    """A question where all lines of an order have the same amount, which may be the order's."""
    if not {"amount", "order_id"} <= set(seen.columns):
        return {}
    several, same = seen.book.lines.query(
        "lines",
        "select count(*), count(*) filter (amounts = 1) from (select count(*) lines, "
        "count(distinct amount) amounts from lines group by order_id) where lines > 1",
    ).fetchall()[0]
    if several < 3 or same < 0.9 * several:
        return {}
    question = _(
        "{header} is the same on all lines of an order. If it is the order's total, it counts once "
        "per line: map the line's amount, or quantity and unit_price, instead."
    )
    return {"columns.amount": question.format(header=seen.columns["amount"])}


def _ask_cancelled_at(seen: Inspection, raw: readers.Raw) -> dict[str, str]:
    """A question where orders have a day of cancellation, but no cancelled status."""
    keyed = {h: header_key(h).replace("キャンセル", "取消") for h in seen.headers}
    header = next((h for h, key in keyed.items() if _CANCELLED_AT.fullmatch(key)), None)
    if header is None or "order_id" not in seen.columns:
        return {}
    order, at = (values.parse_text(h, raw.columns[h]) for h in (seen.columns["order_id"], header))
    ids = f"select {order} from raw where {at} is not null"
    count, amount = _count_cancelled(raw, seen.book.lines.to_arrow_reader(), ids)
    if not count:
        return {}
    question = n_(
        "{orders} order ({amount}) has {header} filled and counts all the same, as its status is "
        "not a cancelled one. If it should not, leave it out of the export.",
        "{orders} orders ({amount}) have {header} filled and count all the same, as their status "
        "is not a cancelled one. If they should not, leave them out of the export.",
        count,
    )
    money = formats.money(amount, seen.currency)
    said = formats.fill(question, orders=count, amount=money, header=repr(header))
    key = "policies.cancelled_status"
    return {key: " ".join(filter(None, [seen.checks.get(key), said]))}


def _count_cancelled(raw: readers.Raw, lines: Any, ids: str) -> tuple[int, float]:
    """Orders of `lines` whose ids `ids` selects from `raw`: how many, and their amount."""
    sums = "count(distinct order_id), sum(amount)"  # DuckDB finds the lines by their name
    sql = f"select {sums} from lines where order_id in ({ids})"
    return raw.frame.query("raw", sql).fetchall()[0]


def _ask_month_end(seen: Inspection) -> dict[str, str]:
    """A question where only the last days of a month that was over have no orders."""
    last = seen.book.facts["last"]
    end = periods.end(periods.index_of(last, "month"), "month").date()
    silent = (end - dt.date.fromisoformat(last)).days
    if not 0 < silent <= CLOSE_DAYS or _last_modified(seen.source) <= end:
        return {}
    question = _(
        'The last order is dated {last}. If the export covers the whole month, write "{end}". '
        "If left empty, the month counts as unfinished, and the latest report is for {before}."
    )
    before = format(periods.month_before(end), "%Y-%m")
    return {"policies.data_until": question.format(last=last, end=end, before=before)}


def _last_modified(source: str) -> dt.date:
    """The day on which a source was last written; today where its files do not tell."""
    files: Any = (
        () if readers.databases.is_address(source) else readers.fingerprint(source, Policies())
    )
    times = [time / 1e9 for _path, _size, time in files]
    return dt.date.fromtimestamp(max(times)) if times else dt.date.today()


def _ask_unusable(seen: Inspection) -> dict[str, str]:
    """A question where a report would stop at the lines that cannot be used."""
    limit = Policies().max_quarantined
    read, lost = summary.count_unusable(seen.book.quality)
    money = seen.book.facts.get("unusable_money", 0.0)
    if lost <= limit * read and money <= limit + 1e-9:
        return {}
    question = _(
        "{lost} of {read} lines ({share}) cannot be used, with about {money} of the money, and "
        "above {limit} no report is made: mend the export, or raise the limit if what is left "
        "stands for the whole."
    )
    figures = {"lost": lost, "read": read, "share": lost / read, "money": money, "limit": limit}
    said = formats.fill(question, **figures)
    return {"policies.max_quarantined": said}
