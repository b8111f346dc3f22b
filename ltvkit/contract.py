"""The contract at the door: which raw column means what, and why a line cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw

from ltvkit import dates, periods, sources, values
from ltvkit.errors import ColumnError, nearest

if TYPE_CHECKING:
    from ltvkit.orders import Policies

REQUIRED = ("customer_id", "order_date", "amount")
NUMBERS = ("amount", "quantity", "unit_price", "margin")
OPTIONAL = ("order_id", "product_id", "product", "category", "channel", "status")
COLUMNS = (*REQUIRED, *NUMBERS[1:], *OPTIONAL)
WORKING = ("line", "reason", "_written_id")
FIRST = ("customer_id", "order_id", "order_date", "amount")


def typed(raw: sources.Raw, *, columns: Mapping[str, str], date_format: str) -> Any:
    """Raw columns under their canonical names, each value read or NULL; one row per line read.

    Adds `_dated` and `_priced` (something is written there) and, where the export names no
    orders, a null `order_id` beside `_order_named` false.
    """
    mapped = _mapped(raw, columns)
    found = raw.columns
    written = {n: _value(n, h, found[h], date_format) for n, h in mapped.items()}
    if "amount" not in written:
        written["amount"] = f"({written['quantity']}) * ({written['unit_price']})"
    written.setdefault("order_id", "null::varchar")
    priced = [mapped[n] for n in ("amount", "quantity", "unit_price") if n in mapped]
    written |= {
        "_dated": _something(mapped["order_date"]),
        "_priced": " and ".join(map(_something, priced if "amount" not in mapped else priced[:1])),
        "_order_named": str("order_id" in mapped).lower(),
    }
    ordered = sorted(written, key=lambda n: FIRST.index(n) if n in FIRST else len(FIRST))
    chosen = ", ".join(f"{written[n]} as {values.quoted(n)}" for n in ordered)
    return raw.frame.project(f"line, {chosen}, _ragged")


def judged(lines: Any, rules: Policies) -> nw.LazyFrame:
    """Typed lines -> canonical columns, `reason` (null: the line is kept), and those of `WORKING`.

    The first reason that applies is the one given, in the order of `_reasons`.
    """
    opened = nw.from_native(lines).lazy()
    reason = nw.lit(None, nw.String)
    for text, applies in reversed(_reasons(rules)):
        reason = nw.when(applies).then(nw.lit(text)).otherwise(reason)
    named = opened.with_columns(reason=reason, _written_id=nw.col("order_id"))
    named = named.with_columns(order_id=_order_id(rules))
    if rules.returns == "net":
        named = _without_purchase(named)
    return named.drop("_ragged", "_dated", "_priced", "_order_named")


def _reasons(rules: Policies) -> list[tuple[str, nw.Expr]]:
    amount, order_id, customer = nw.col("amount"), nw.col("order_id"), nw.col("customer_id")
    reasons = [
        ("number of fields differs from the header", ~nw.col("_ragged").is_null()),
        ("order_date is missing", ~nw.col("_dated")),
        ("order_date is unreadable", nw.col("order_date").is_null()),
        *_after(rules.data_until),
        ("amount is missing", ~nw.col("_priced")),
        ("amount is unreadable", amount.is_null()),
        ("order_id is missing", nw.col("_order_named") & order_id.is_null()),
    ]
    if rules.cancelled_status:
        reasons += [("cancelled, by status", nw.col("status").is_in(rules.cancelled_status))]
    if rules.cancelled_prefix:
        reasons += [("cancelled, by order_id", order_id.str.starts_with(rules.cancelled_prefix))]
    reasons += [("guest: no customer_id", customer.is_null())]
    if rules.guest_ids:
        reasons += [("guest: customer_id means nobody", customer.is_in(rules.guest_ids))]
    if rules.returns == "drop":
        reasons += [("return, dropped by policy", amount < 0)]
    if rules.zero_amounts == "drop":
        reasons += [("zero amount, dropped by policy", amount == 0)]
    return reasons


def _after(data_until: str) -> list[tuple[str, nw.Expr]]:
    if not data_until:
        return []
    return [("order_date is after data_until", nw.col("order_date") > periods.day(data_until))]


def _order_id(rules: Policies) -> nw.Expr:
    day = nw.col("order_date").dt.to_string("%Y-%m-%d")
    by_day = nw.concat_str(nw.col("customer_id"), nw.lit(" "), day)
    if rules.same_day == "one_order":
        return by_day
    by_line = nw.concat_str(nw.lit("line "), nw.col("line").cast(nw.String))
    return nw.when(nw.col("_order_named")).then(nw.col("order_id")).otherwise(by_line)


def _without_purchase(lines: nw.LazyFrame) -> nw.LazyFrame:
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


def _mapped(raw: sources.Raw, columns: Mapping[str, str]) -> dict[str, str]:
    found, source = raw.columns, raw.facts["source"]
    mapped = {name: name for name in COLUMNS if name in found} | dict(columns)
    for name, header in mapped.items():
        if header not in found:
            raise ColumnError(
                f"columns: {name}: {header!r} is not a header of {source}."
                f"{nearest(header, found)} It has: {', '.join(found)}."
            )
    needed = [n for n in REQUIRED if n not in mapped]
    if "amount" in needed and {"quantity", "unit_price"} <= set(mapped):
        needed.remove("amount")
    if needed:
        strays = [n for n in mapped if n not in COLUMNS]
        hint = nearest(needed[0], strays) or nearest(needed[0], found)
        raise ColumnError(
            f"no column is mapped to {', '.join(needed)}.{hint} Map it under `columns:` in the "
            f"params file; {source} has: {', '.join(found)}."
        )
    return mapped


def _value(name: str, header: str, kind: str, date_format: str) -> str:
    if name == "order_date":
        return dates.date(header, kind, date_format=date_format)
    known_number = name in NUMBERS or (name not in COLUMNS and kind in ("BIGINT", "DOUBLE"))
    return (values.number if known_number else values.text)(header, kind)


def _something(header: str) -> str:
    return f"nullif(trim({values.quoted(header)}::varchar), '') is not null"
