"""Orders that an export holds several times: in several files, or again with another status.

An order is the same in two files if its id, its customer and its day are, and a line of it stands
in both. So order numbers that begin again in each file stay orders of their own, and an order that
the end of a file cuts in two stays whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import narwhals.stable.v2 as nw

from ltvkit.core.i18n import N_
from ltvkit.engines import frames
from ltvkit.ingest.schema import FILE, LINE

CHOICES = ("later_file", "later_line", "keep")
IN_LATER_FILE = N_("again in a later file")
IN_LATER_LINE = N_("again in a later line, with another status")
_LINE = ("amount", "product_id", "product", "quantity")
# Of lines of one content: whether there are several, each with a status of its own.
COUNTED = {"copies": nw.len(), "statuses": nw.col("status").n_unique()}
DIFFER = (nw.col("copies") > 1) & (nw.col("statuses") == nw.col("copies"))


def list_content(columns: Iterable[str]) -> list[str]:
    """The columns that make two lines of an export the same line of the same order."""
    found = set(columns)
    return [*_identify(found), *(n for n in _LINE if n in found)]


def _identify(columns: Collection[str]) -> list[str]:
    """The columns that tell orders apart; the number as it is written, where days are orders."""
    number = "written_order_id" if "written_order_id" in columns else "order_id"
    return [number, "customer_id", "order_date"]


def has_repeats(lines: nw.LazyFrame, *, choice: str) -> bool:
    """Whether `leave_out` could leave out any of the validated lines."""
    names = lines.collect_schema().names()
    if choice == "keep":
        return False
    if choice == "later_line" and "status" in names:
        return True
    if FILE not in names:
        return False
    files = lines.group_by("order_id").agg(files=nw.col(FILE).n_unique())
    return len(frames.table(files.filter(nw.col("files") > 1).head(1))) > 0


def leave_out(lines: nw.LazyFrame, *, choice: str) -> nw.LazyFrame:
    """Numbered lines with `reason` -> the same, with a reason for lines that come again later.

    Of an order in several files the rows of the later file count: that of the later last day, and
    among equal ones the last by name. `choice` "later_line": also the last of lines that differ
    in nothing but their status.
    """
    names = lines.collect_schema().names()
    if FILE in names:
        lines = _leave_out_files(lines)
    if choice == "later_line" and "status" in names:
        lines = _leave_out_lines(lines)
    return lines


def describe(lines: nw.LazyFrame) -> dict[str, dict[str, Any]]:
    """Validated lines of several files -> facts: orders that stand in more than one of them.

    `in_later_file`: those of which a later file's rows count, with the lines left out for it;
    `in_several_files`: those with the same id, customer and day that have no line in common, so
    that all their lines count. Each with `orders`, `lines` and `amount`; only those that there are.
    """
    names = lines.collect_schema().names()
    if FILE not in names:
        return {}
    order = _identify(names)
    again = lines.filter(nw.col("reason") == IN_LATER_FILE)
    kept = lines.filter(nw.col("reason").is_null())
    several = (
        kept.group_by(*order)
        .agg(files=nw.col(FILE).n_unique(), lines=nw.len(), amount=nw.col("amount").sum())
        .filter(nw.col("files") > 1)
    )
    ids = again.select(*order).unique()
    sums = {
        "in_later_file": again.select(nw.col("amount").sum(), lines=nw.len()),
        "in_several_files": several.select(nw.col("lines", "amount").sum()),
    }
    orders = {"in_later_file": frames.count(ids), "in_several_files": frames.count(several)}
    rows = {name: frames.table(sums[name]).iloc[0] for name, count in orders.items() if count}
    return {
        name: {"orders": orders[name], "lines": int(row["lines"]), "amount": float(row["amount"])}
        for name, row in rows.items()
    }


def _leave_out_files(lines: nw.LazyFrame) -> nw.LazyFrame:
    columns = lines.collect_schema().names()
    lines = lines.with_columns(_who=nw.coalesce("customer_id", nw.lit("")))
    last = lines.group_by(FILE).agg(_until=nw.col("order_date").max())
    until = nw.coalesce(nw.col("_until").dt.to_string("%Y-%m-%d"), nw.lit(""))
    placed = lines.join(last, on=FILE, how="left").with_columns(
        _place=nw.concat_str(until, nw.lit(" "), nw.col(FILE))
    )
    key, content = (
        ["_who" if n == "customer_id" else n for n in names]
        for names in (_identify(columns), list_content(columns))
    )
    readable = ~(nw.col(key[0]).is_null() | nw.col("amount").is_null())
    shared = (
        placed.filter(readable)
        .group_by(*content)
        .agg(files=nw.col(FILE).n_unique())
        .filter(nw.col("files") > 1)
        .select(*key)
        .unique()
    )
    latest = (
        placed.join(shared, on=key, how="semi").group_by(*key).agg(_last=nw.col("_place").max())
    )
    earlier = nw.col("reason").is_null() & (nw.col("_place") < nw.col("_last"))
    return (
        placed.join(latest, on=key, how="left")
        .with_columns(reason=nw.when(earlier).then(nw.lit(IN_LATER_FILE)).otherwise("reason"))
        .select(*columns)
    )


def _leave_out_lines(lines: nw.LazyFrame) -> nw.LazyFrame:
    columns = lines.collect_schema().names()
    content = [*list_content(columns), *([FILE] if FILE in columns else [])]
    # As text, since a join finds no column that is empty.
    texts = (nw.coalesce(nw.col(n).cast(nw.String), nw.lit("")) for n in content)
    lines = lines.with_columns(_content=nw.concat_str(*texts, separator="\n"))
    usable = nw.col("reason").is_null()
    several = (
        lines.filter(usable & ~nw.col(content[0]).is_null())
        .group_by("_content")
        .agg(**COUNTED, _last=nw.col(LINE).max())
        .filter(DIFFER)
        .select("_content", "_last")
    )
    earlier = usable & (nw.col(LINE) < nw.col("_last"))
    return (
        lines.join(several, on="_content", how="left")
        .with_columns(reason=nw.when(earlier).then(nw.lit(IN_LATER_LINE)).otherwise("reason"))
        .select(*columns)
    )
