"""Map raw columns to canonical ones, and build the SQL that reads their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ltvkit.engines.sql import quoted
from ltvkit.errors import ColumnError, ParamsError, nearest
from ltvkit.ingest import amounts, headers, schema
from ltvkit.ingest.parse import currencies, dates, ids, values
from ltvkit.ingest.readers.part import normalize_header
from ltvkit.ingest.schema import COLUMNS, FAULT, FILE, FIRST, LINE, NUMBERS, TEXT

if TYPE_CHECKING:
    from ltvkit.ingest.policies import Policies
    from ltvkit.ingest.readers.part import Part


def map_columns(part: Part, *, columns: Mapping[str, str], source: str) -> dict[str, str]:
    """Canonical name -> raw column: those of `columns`, and those that have a canonical name.

    Raises `ColumnError` for a header that is not there or stands over several columns, and for a
    required column that is not mapped.
    """
    found = part.columns
    said = {name: name for name in COLUMNS if name in found} | dict(columns)
    mapped = {n: find_header(n, h, part, source) for n, h in said.items()}
    if needed := schema.find_missing(mapped):
        strays = [n for n in mapped if n not in COLUMNS]
        hint = nearest(needed[0], strays) or nearest(needed[0], headers.drop_data(found))
        remedy = "Map it under `columns:` in the params file"
        if source == schema.FRAME:
            known = headers.match_columns(found)
            remedy = f"Give columns={ {n: known.get(n, 'its column') for n in needed} }"
        raise ColumnError(
            f"no column is mapped to {', '.join(needed)}.{hint} {remedy}; {source} has: "
            f"{headers.list_found(found)}."
        )
    return mapped


def fill_down(part: Part, mapped: Mapping[str, str], rules: Policies) -> Part:
    """A part with the columns of `fill_down` on every line; raises `ParamsError` without an id."""
    if not rules.fill_down:
        return part
    if unknown := [n for n in (*rules.fill_down, "order_id") if n not in mapped]:
        raise ParamsError(
            f"policies: fill_down: no column is mapped to {unknown[0]}; orders are told apart by "
            f"order_id. Mapped are: {', '.join(mapped)}."
        )
    how = {"order_id": mapped["order_id"], "restarts": bool(rules.order_id_restarts)}
    return part.fill_down([mapped[n] for n in rules.fill_down], **how)


def build_columns(
    part: Part, *, mapped: Mapping[str, str], rules: Policies, zone: str
) -> dict[str, str]:
    """Canonical names -> SQL for their values in a part's records: NULL where one cannot be read.

    `mapped` is canonical name -> raw column. Adds the raw columns as `_raw_1`, `_raw_2`, ...
    """
    _check_policy_columns(mapped, rules, part)
    written = {n: _parse_value(n, h, part, rules, zone) for n, h in mapped.items()}
    amount = amounts.build_line_amount(written, rules)
    if back := amounts.find_refunded_line(written, amount, rules):
        written[amounts.REFUNDED] = back
    written["amount"] = amounts.negate_returns(written, amount, rules)
    written.setdefault("order_id", "null::varchar")
    if rules.fold_ids != "none":
        customer = mapped["customer_id"]
        written["_written_customer"] = values.parse_text(customer, part.columns[customer])
    priced = next(mapped[n] for n in ("amount", "unit_price", "order_total") if n in mapped)
    if "currency" not in mapped and part.columns[priced] == "VARCHAR":
        written["_sign"] = currencies.detect_sign(priced)
    written |= {f"_raw_{n}": quoted(c) for n, c in enumerate(part.columns, start=1)}
    written |= {n: n if n in part.working else "null::varchar" for n in (FAULT, TEXT)}
    written |= {n: n for n in (FILE, LINE) if n in part.working}
    return {n: written[n] for n in dict.fromkeys((*FIRST, *written))}


def build_query(part: Part, columns: Mapping[str, str]) -> str:
    """SQL for the records of a part with the columns of `build_columns`."""
    chosen = ", ".join(f"{value} as {quoted(name)}" for name, value in columns.items())
    return f"select {chosen} from ({part.sql})"


def _check_policy_columns(mapped: Mapping[str, str], rules: Policies, part: Part) -> None:
    needed = [("cancelled_status", "status"), ("rates", "currency")]
    needed += [("discount_rows", "order_id")]
    by_values = [
        (p, n) for p in ("exclude", "discount_rows", "return_rows") for n in getattr(rules, p)
    ]
    for policy, name in needed + by_values:
        if getattr(rules, policy) and name not in mapped:
            where = f" of {part.name}" * bool(part.name)
            raise ParamsError(
                f"policies: {policy} needs the column {name}, and no column{where} is mapped to "
                f"it. Mapped are: {', '.join(mapped)}."
            )
    for policy, name in by_values:
        if name in (*NUMBERS, *amounts.PARTS, "order_date"):
            raise ParamsError(
                f"policies: {policy}: {name} is read as a number or a day, and not by its texts. "
                f"Map {mapped[name]!r} under a name of your own as well, and give that name here."
            )


def find_header(name: str, written: str, part: Part, source: str) -> str:
    """The raw column of a part that `written` names; raises `ColumnError`, which names `name`."""
    found = {normalize_header(column): column for column in part.columns}
    wanted = normalize_header(written)
    if not wanted:
        raise ColumnError(
            f"columns: {name}: its header is not filled in yet. {source} has: "
            f"{headers.list_found(found)}."
        )
    wanted += " (2)" * (wanted.casefold() in schema.RESERVED)
    first = wanted.removesuffix(" (1)")
    if first != wanted and first.casefold() in part.twins:
        return next(c for c in part.columns if c.casefold() == first.casefold())
    if wanted.casefold() in part.twins:
        raise ColumnError(
            f"columns: {name}: {source} has more than one column named {wanted!r}. "
            f"Map the one that is meant as '{wanted} (1)', '{wanted} (2)' and so on."
        )
    if wanted in found:
        return found[wanted]
    if alike := headers.match_header(written, part.columns):
        return alike
    further = " If a line below names the columns: policies: header_line."
    further *= "column 2" in found  # a header without a name
    raise ColumnError(
        f"columns: {name}: {wanted!r} is not a header of {source}."
        f"{nearest(wanted, headers.drop_data(found))} It has: {headers.list_found(found)}.{further}"
    )


def _parse_value(name: str, header: str, part: Part, rules: Policies, zone: str) -> str:
    kind = part.columns[header]
    if kind == "BLOB":
        raise ColumnError(
            f"columns: {name}: {header!r} holds bytes that are not text in UTF-8: store it as text."
        )
    if name == "order_date":
        how = {"date_format": rules.date_format, "in_utc": dates.says_utc(header)}
        return dates.parse_date(header, kind, zone=zone, **how)
    by_text = (rules.exclude, rules.discount_rows, rules.return_rows)
    named = any(name in values for values in by_text)
    extra = name not in COLUMNS and values.is_number(kind) and not named
    if name in NUMBERS or name in amounts.PARTS or extra:
        # A database writes its numbers with a point, whatever the shop does.
        decimal = "." if "database" in part.facts else rules.decimal or "."
        return values.parse_number(header, kind, decimal=decimal)
    text = values.parse_text(header, kind, plain=part.plain)
    if name == "currency":
        return f"upper({text})"
    return ids.fold_id(text, rules.fold_ids) if name == "customer_id" else text
