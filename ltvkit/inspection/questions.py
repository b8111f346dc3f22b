"""Questions about orders that could be read, for their owner: params key -> question."""

from __future__ import annotations

import datetime as dt
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ltvkit import periods
from ltvkit.core.i18n import _, n_
from ltvkit.core.personal_data import header_key
from ltvkit.display import formats
from ltvkit.ingest import readers
from ltvkit.ingest.parse import values
from ltvkit.ingest.policies import Policies
from ltvkit.inspection import suspicions
from ltvkit.inspection.stakes import Ask
from ltvkit.quality import summary

if TYPE_CHECKING:
    from ltvkit.inspection.result import Inspection

FEW_GAPS = 8  # between days with orders: fewer say nothing
OFTEN = 0.1  # of the gaps between days with orders
CLOSE_DAYS = 7  # a month whose last days have no order may be covered all the same
_CANCELLED_AT = re.compile(r"(date )?cancell?(ed|ation) (at|on|date)|date cancell?ed|.*取消日時?")


def find_asks(seen: Inspection, raw: readers.Raw) -> list[Ask]:
    """An inspection with its `book`, and its source -> what to decide about the orders."""
    asked = _ask_cancelled_at(seen, raw) | _ask_month_end(seen) | _ask_unusable(seen)
    return [*suspicions.find_asks(seen), *(Ask(key, text) for key, text in asked.items())]


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
    return {"policies.cancelled_status": said}


def _count_cancelled(raw: readers.Raw, lines: Any, ids: str) -> tuple[int, float]:
    """Orders of `lines` whose ids `ids` selects from `raw`: how many, and their amount."""
    sums = "count(distinct order_id), sum(amount)"  # DuckDB finds the lines by their name
    sql = f"select {sums} from lines where order_id in ({ids})"
    return raw.frame.query("raw", sql).fetchall()[0]


def _ask_month_end(seen: Inspection) -> dict[str, str]:
    """A question where only the last days of a month that was over have no orders."""
    end = find_month_end(seen)
    if end is None or is_usual_gap(seen, end):
        return {}
    question = _(
        'The last order is dated {last}. If the export covers the whole month, write "{end}". '
        "If left empty, the month counts as unfinished, and the latest report is for {before}."
    )
    before = format(periods.month_before(end), "%Y-%m")
    last = seen.book.facts["last"]
    return {"policies.data_until": question.format(last=last, end=end, before=before)}


def find_month_end(seen: Inspection) -> dt.date | None:
    """The end of the last order's month, where only its last days have no orders and it was over
    when the source was written; else None."""
    last = seen.book.facts["last"]
    end = periods.end(periods.index_of(last, "month"), "month").date()
    silent = (end - dt.date.fromisoformat(last)).days
    return end if 0 < silent <= CLOSE_DAYS and _last_modified(seen.source) > end else None


def is_usual_gap(seen: Inspection, end: dt.date) -> bool:
    """Whether the shop often has no order for as long as from the last one to `end`."""
    sql = "select distinct order_date::date d from lines where amount >= 0 order by d"
    days = [d for (d,) in seen.book.lines.query("lines", sql).fetchall()]
    gaps = [(after - before).days - 1 for before, after in pairwise(days)]
    silent = (end - days[-1]).days
    return len(gaps) >= FEW_GAPS and sum(g >= silent for g in gaps) > OFTEN * len(gaps)


def _last_modified(source: str) -> dt.date:
    """The day on which a source was last written; today where its files do not tell."""
    told = not readers.databases.is_address(source)
    times = [p.stat().st_mtime for p in (readers.list_files(source, Policies()) if told else ())]
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
