"""Validate lines: rules for each line first, then rules that compare lines.

A line has at most one reject reason; without one it is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import narwhals.stable.v2 as nw

from ltvkit import periods
from ltvkit.engines import frames
from ltvkit.engines.sql import literal
from ltvkit.ingest import amounts, order_numbers, overlap
from ltvkit.ingest.parse import ids
from ltvkit.ingest.parse.placeholder_days import is_placeholder
from ltvkit.ingest.parse.values import estimate_money, narrow, strip_blanks
from ltvkit.ingest.readers.csv_records import NOT_CLOSED, NUL, RAGGED, STRAY, TOTAL, TOTAL_ROW
from ltvkit.ingest.returned_orders import reject_returned_orders
from ltvkit.ingest.schema import ANY, ESTIMATE, FAULT, FILE, LINE, NONE

if TYPE_CHECKING:
    from ltvkit.ingest.policies import Policies
    from ltvkit.ingest.readers.part import Part

# Reasons that mean a broken line; too many of them stop a report.
NO_DATE, NO_AMOUNT = "order_date is unreadable", "amount is unreadable"
_NO_RECORD = (RAGGED, NOT_CLOSED, STRAY, NUL)
_MISSING = tuple(f"{n} is missing" for n in ("order_date", "amount", "order_id", "currency"))
BROKEN = (*_NO_RECORD, *_MISSING, NO_DATE, NO_AMOUNT, "no rate for its currency")
# Not broken: programs write such a day where an order has none, as one that was never completed.
PLACEHOLDER = "order_date means no day, such as 9999-12-31"
# Reasons of rows that are no order line: their amount does not count.
NO_ORDER_LINE = (*_NO_RECORD, TOTAL_ROW, "empty row", "repeated header")
DISCOUNT_ROW = "discount, spread over the lines of its order"


def validate_each_line(lines: nw.LazyFrame, rules: Policies, *, named: bool) -> nw.LazyFrame:
    """Typed lines -> the same with `reason` (null: the line passes the rules for single lines).

    A fault of the record is the reason, else the first rule of `_list_rules` that applies.
    `named`: whether the export has order ids.
    """
    reason = nw.lit(None, nw.String)
    columns = lines.collect_schema().names()
    for text, applies in reversed(_list_rules(rules, named=named, columns=columns)):
        reason = nw.when(applies).then(nw.lit(text)).otherwise(reason)
    lines = lines.with_columns(reason=nw.coalesce(nw.col(FAULT), reason))
    if rules.same_day == "one_order":
        written = {"written_order_id": nw.col("order_id")} if named else {}
        day = nw.col("order_date").dt.to_string("%Y-%m-%d")
        by_day = nw.concat_str(nw.col("customer_id"), nw.lit(" "), day)
        return lines.with_columns(**written, order_id=by_day)
    if named and rules.order_id_restarts:
        return lines.with_columns(order_numbers.tell_apart(rules.order_id_restarts))
    return lines


def build_projection(
    part: Part, *, mapped: Mapping[str, str], file: str | None, columns: Iterable[str]
) -> str:
    """Projection of validated lines onto what is stored: canonical columns and `WORKING`.

    Rejected lines are few, so only here a missing value is told from an unreadable one, and order
    lines from empty rows, totals and repeated headers. Raw columns are stored only for lines that
    are rejected, or may be later.
    """
    raw = {c: f"_raw_{n}::varchar" for n, c in enumerate(part.columns, start=1)}
    cells = f"coalesce({', '.join(f'{strip_blanks(text)}' for text in raw.values())})"
    date = raw[mapped["order_date"]]
    priced = ("order_total",) if "order_total" in mapped else ("quantity", "unit_price")
    needed = [raw[mapped[n]] for n in (("amount",) if "amount" in mapped else priced)]
    missing = " or ".join(f"{strip_blanks(p)} is null" for p in needed)
    reason = f"""case when {FAULT} is not null then reason
        when reason = '{NO_DATE}' and {cells} is null then 'empty row'
        when reason = '{NO_DATE}' and regexp_full_match({narrow(cells)}, '{TOTAL}', 'i')
        then '{TOTAL_ROW}'
        when reason = '{NO_DATE}' and trim({narrow(date)}) = {literal(mapped["order_date"])}
        then 'repeated header'
        when reason = '{NO_DATE}' and {strip_blanks(date)} is null then 'order_date is missing'
        when reason = '{NO_DATE}' and {is_placeholder(date)} then '{PLACEHOLDER}'
        when reason = '{NO_AMOUNT}' and ({missing}) then 'amount is missing'
        else reason end"""
    names, texts = ", ".join(map(literal, part.columns)), ", ".join(raw.values())
    written = f"case when reason is not null or amount < 0 then map([{names}], [{texts}]) end"
    helping = [c for c in columns if c in ("_rated", amounts.REFUNDED, *amounts.PARTS)]
    left_out = ", ".join([*(f"_raw_{n + 1}" for n in range(len(raw))), FAULT, *helping])
    placed = f", {literal(file)} as {FILE}" if file else ""
    reason = f"case when reason is not null then {reason} end"
    estimate = f"case when reason is not null then {_estimate(raw, mapped)} end as {ESTIMATE}"
    added = f"{written} as _written, {estimate}{placed}"
    return f"* exclude ({left_out}) replace ({reason} as reason), {added}"


def _estimate(raw: Mapping[str, str], mapped: Mapping[str, str]) -> str:
    """SQL for about how much money a rejected line holds: its amount, or what its text may say."""
    name = next(n for n in ("amount", "unit_price", "order_total") if n in mapped)
    said = estimate_money(raw[mapped[name]])
    times = " * coalesce(abs(quantity), 1)" * (name == "unit_price" and "quantity" in mapped)
    return f"coalesce(abs(amount), {said}{times})"


def needs_comparison(lines: nw.LazyFrame, rules: Policies, *, named: bool) -> bool:
    """Whether `compare_lines` could change any of the validated lines."""
    if rules.same_day == "one_order" or not named:
        return True
    if named and overlap.has_repeats(lines, choice=rules.repeated_orders):
        return True
    below = lines.filter(nw.col("reason").is_null() & (nw.col("amount") < 0))
    looks_back = rules.returns == "net" or rules.returned_orders == "drop"
    return looks_back and len(frames.table(below.select("amount").head(1))) > 0


def compare_lines(lines: nw.LazyFrame, rules: Policies, *, named: bool) -> nw.LazyFrame:
    """Numbered lines -> the same after the rules that need more than one line.

    Without order ids each line is an order; an order counts once, however many files hold it; a
    return needs an earlier purchase by its customer.
    """
    if not named and rules.same_day == "separate":
        lines = lines.with_columns(order_id=nw.coalesce("order_id", _write_line(lines)))
    if named and overlap.has_repeats(lines, choice=rules.repeated_orders):
        lines = overlap.leave_out(lines, choice=rules.repeated_orders)
    if rules.returned_orders == "drop":
        lines = reject_returned_orders(lines)
    lines = _reject_orphan_returns(lines) if rules.returns == "net" else lines
    return _name_by_line(lines) if rules.same_day == "one_order" else lines


def _name_by_line(lines: nw.LazyFrame) -> nw.LazyFrame:
    """Orders named by one of their lines: a customer and a day are no name to hand on.

    What a cluster cannot number keeps its name.
    """
    order, name = nw.col("order_id"), nw.col("_named").min().over("order_id")
    named = nw.when(~order.is_null()).then(nw.coalesce(name, order))
    lines = lines.with_columns(_named=_write_line(lines))
    lines = lines.with_columns(order_id=named).drop("_named")
    places = [n for n in (FILE, LINE) if n in lines.collect_schema().names()]
    return lines if frames.is_spark(lines) else lines.sort(*places)


def _write_line(lines: nw.LazyFrame) -> nw.Expr:
    file = [nw.col(FILE), nw.lit(" ")] if FILE in lines.collect_schema().names() else []
    return nw.concat_str(*file, nw.lit("line "), nw.col(LINE).cast(nw.String))


def _list_rules(rules: Policies, *, named: bool, columns: Iterable[str]) -> list[tuple]:
    amount, order_id, customer = nw.col("amount"), nw.col("order_id"), nw.col("customer_id")
    date, status, prefix = nw.col("order_date"), rules.cancelled_status, rules.cancelled_prefix
    refunds = rules.refunds
    until, guests = rules.data_until or "9999-12-31", ids.fold_ids(rules.guest_ids, rules.fold_ids)
    reasons = [
        (status, "cancelled, by status", nw.col("status").is_in(status)),
        *((True, f"left out, by {n}", _is_one_of(n, v)) for n, v in rules.exclude.items()),
        *((True, DISCOUNT_ROW, _is_one_of(n, v)) for n, v in rules.discount_rows.items()),
        (True, NO_DATE, date.is_null()),
        (rules.data_until, "order_date is after data_until", date > periods.day(until)),
        ("currency" in columns, "currency is missing", nw.col("currency").is_null()),
        ("_rated" in columns, "no rate for its currency", ~nw.col("_rated")),
        (True, NO_AMOUNT, amount.is_null()),
        (named, "order_id is missing", order_id.is_null()),
        (prefix, "cancelled, by order_id", order_id.str.starts_with(prefix)),
        (True, "guest: no customer_id", customer.is_null()),
        (guests, "guest: customer_id means nobody", customer.is_in(guests)),
        (amounts.REFUNDED in columns, "refunded in full", nw.col(amounts.REFUNDED)),
        (refunds in ("by_status", "by_column"), f"refund, taken off {refunds}", amount < 0),
        (rules.returns == "drop", "return, dropped by policy", amount < 0),
        (rules.zero_amounts == "drop", "zero amount, dropped by policy", amount == 0),
    ]
    return [(reason, rejects) for asked, reason, rejects in reasons if asked]


def _is_one_of(column: str, values: Iterable[str]) -> nw.Expr:
    """Whether a column has one of these values, `ANY` or `NONE`."""
    written = nw.col(column).cast(nw.String)
    if ANY in values:
        return ~written.is_null()
    found = written.str.to_lowercase().is_in([v.casefold() for v in values])
    return (found | written.is_null()) if NONE in values else found


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
