"""Why a line cannot be used: each line is judged by itself, then beside the others.

Every line has one reason at most; without one it is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import narwhals.stable.v2 as nw

from ltvkit import periods
from ltvkit.engines import frames
from ltvkit.engines.sql import literal
from ltvkit.ingest.parse import ids
from ltvkit.ingest.parse.values import narrow, strip_blanks
from ltvkit.ingest.readers.csv_records import NOT_CLOSED, NUL, RAGGED, STRAY, TOTAL, TOTAL_ROW
from ltvkit.ingest.schema import FAULT, FILE, LINE

if TYPE_CHECKING:
    from ltvkit.ingest.policies import Policies
    from ltvkit.ingest.readers.part import Part

# Why a line cannot be used though it was meant to be; too many of these stop a report.
NO_DATE, NO_AMOUNT = "order_date is unreadable", "amount is unreadable"
BROKEN = (
    RAGGED,
    NOT_CLOSED,
    STRAY,
    NUL,
    "order_date is missing",
    NO_DATE,
    "amount is missing",
    NO_AMOUNT,
    "order_id is missing",
    "currency is missing",
    "no rate for its currency",
)
# What is no line of an order, whatever stands where its amount would.
NO_ORDER_LINE = (RAGGED, NOT_CLOSED, STRAY, NUL, TOTAL_ROW, "empty row", "repeated header")


def validate_each_line(lines: nw.LazyFrame, rules: Policies, *, named: bool) -> nw.LazyFrame:
    """Typed lines -> the same with `reason` (null: the line can be kept, by itself).

    The first reason that applies is the one given, in the order of `_list_rules`. `named`: whether
    the export has order ids.
    """
    reason = nw.lit(None, nw.String)
    for text, applies in reversed(
        _list_rules(rules, named=named, columns=lines.collect_schema().names())
    ):
        reason = (
            nw.when(applies)
            .then(text if isinstance(text, nw.Expr) else nw.lit(text))
            .otherwise(reason)
        )
    lines = lines.with_columns(reason=reason)
    if rules.same_day == "one_order":
        written = {"written_order_id": nw.col("order_id")} if named else {}
        return lines.with_columns(**written, order_id=_by_day())
    return lines


def build_projection(
    part: Part, *, mapped: Mapping[str, str], file: str | None, rated: bool = False
) -> str:
    """Projection of judged lines onto what is kept of them: canonical columns and `WORKING`.

    Only here, where few lines are left to ask, what is unreadable is told from what is missing,
    and order lines from rows that never were: empty ones, totals, headers said again. Only of a
    line that is refused, or may be later, its raw columns are kept.
    """
    raw = {c: f"_raw_{n}::varchar" for n, c in enumerate(part.columns, start=1)}
    cells = f"coalesce({', '.join(f'{strip_blanks(text)}' for text in raw.values())})"
    date = raw[mapped["order_date"]]
    priced = [raw[mapped[n]] for n in ("amount", "quantity", "unit_price") if n in mapped]
    missing = " or ".join(
        f"{strip_blanks(p)} is null" for p in priced[: 1 if "amount" in mapped else 2]
    )
    reason = f"""case when {FAULT} is not null then reason
        when reason = '{NO_DATE}' and {cells} is null then 'empty row'
        when reason = '{NO_DATE}' and regexp_full_match({narrow(cells)}, '{TOTAL}', 'i')
        then '{TOTAL_ROW}'
        when reason = '{NO_DATE}' and trim({narrow(date)}) = {literal(mapped["order_date"])}
        then 'repeated header'
        when reason = '{NO_DATE}' and {strip_blanks(date)} is null then 'order_date is missing'
        when reason = '{NO_AMOUNT}' and ({missing}) then 'amount is missing'
        else reason end"""
    names, texts = ", ".join(map(literal, part.columns)), ", ".join(raw.values())
    written = f"case when reason is not null or amount < 0 then map([{names}], [{texts}]) end"
    left_out = ", ".join(
        [f"_raw_{n}" for n in range(1, len(raw) + 1)] + [FAULT] + ["_rated"] * rated
    )
    placed = f", {literal(file)} as {FILE}" if file else ""
    reason = f"case when reason is not null then {reason} end"
    return f"* exclude ({left_out}) replace ({reason} as reason), {written} as _written{placed}"


def needs_comparison(lines: nw.LazyFrame, rules: Policies, *, named: bool) -> bool:
    """Whether `compare_lines` could change anything of the judged lines."""
    if not named and rules.same_day == "separate":
        return True
    below = lines.filter(nw.col("reason").is_null() & (nw.col("amount") < 0))
    return rules.returns == "net" and len(frames.table(below.select("amount").head(1))) > 0


def compare_lines(lines: nw.LazyFrame, rules: Policies, *, named: bool) -> nw.LazyFrame:
    """Judged lines with their numbers -> the same, where a reason or an id takes more than a line.

    An order without an id is its line; a return needs an earlier purchase by its customer.
    """
    if not named and rules.same_day == "separate":
        by_line = _by_line(lines.collect_schema().names())
        lines = lines.with_columns(order_id=nw.coalesce("order_id", by_line))
    return _reject_orphan_returns(lines) if rules.returns == "net" else lines


def _list_rules(rules: Policies, *, named: bool, columns: Iterable[str]) -> list[tuple]:
    amount, order_id, customer = nw.col("amount"), nw.col("order_id"), nw.col("customer_id")
    reasons = [
        (nw.col(FAULT), ~nw.col(FAULT).is_null()),
        (NO_DATE, nw.col("order_date").is_null()),
        *_after(rules.data_until),
    ]
    if "currency" in columns:
        reasons += [("currency is missing", nw.col("currency").is_null())]
    if "_rated" in columns:
        reasons += [("no rate for its currency", ~nw.col("_rated"))]
    reasons += [(NO_AMOUNT, amount.is_null())]
    if named:
        reasons += [("order_id is missing", order_id.is_null())]
    if rules.cancelled_status:
        reasons += [("cancelled, by status", nw.col("status").is_in(rules.cancelled_status))]
    if rules.cancelled_prefix:
        reasons += [("cancelled, by order_id", order_id.str.starts_with(rules.cancelled_prefix))]
    reasons += [("guest: no customer_id", customer.is_null())]
    if rules.guest_ids:
        guests = ids.fold_ids(rules.guest_ids, rules.fold_ids)
        reasons += [("guest: customer_id means nobody", customer.is_in(guests))]
    if rules.returns == "drop":
        reasons += [("return, dropped by policy", amount < 0)]
    if rules.zero_amounts == "drop":
        reasons += [("zero amount, dropped by policy", amount == 0)]
    return reasons


def _after(data_until: str) -> list[tuple[str, nw.Expr]]:
    if not data_until:
        return []
    return [("order_date is after data_until", nw.col("order_date") > periods.day(data_until))]


def _by_day() -> nw.Expr:
    day = nw.col("order_date").dt.to_string("%Y-%m-%d")
    return nw.concat_str(nw.col("customer_id"), nw.lit(" "), day)


def _by_line(columns: Iterable[str]) -> nw.Expr:
    file = [nw.col(FILE), nw.lit(" ")] if FILE in columns else []
    return nw.concat_str(*file, nw.lit("line "), nw.col(LINE).cast(nw.String))


def _reject_orphan_returns(lines: nw.LazyFrame) -> nw.LazyFrame:
    usable = nw.col("reason").is_null()
    first = (
        lines.filter(usable & (nw.col("amount") >= 0))
        .group_by("customer_id")
        .agg(_first=nw.col("order_date").min())
    )
    unseen = nw.col("_first").is_null() | (nw.col("order_date") < nw.col("_first"))
    return (
        lines.join(first, on="customer_id", how="left")
        .with_columns(
            reason=nw.when(usable & (nw.col("amount") < 0) & unseen)
            .then(nw.lit("return without an earlier purchase in the data"))
            .otherwise(nw.col("reason"))
        )
        .drop("_first")
    )
