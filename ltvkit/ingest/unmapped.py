"""Name the columns of an export that would change its amounts, and are not mapped."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ltvkit.ingest import amounts, money_columns, status_words, systems
from ltvkit.ingest.policies import Policies
from ltvkit.ingest.schema import ANY

HEAD = 10_000  # lines that are looked at
KINDS = ("refund", "discount")  # which are never in an amount that is not told so


def list_unmapped(raw: Any, mapped: Mapping[str, str], rules: Policies) -> list[dict[str, Any]]:
    """An opened source and what is mapped -> header, part, lines, amount of what is left out.

    Of a known system's export, the parts of the amount and the flags that its description maps.
    Else refunds and discounts by their headers, unless the amount has them in it already.
    """
    found = list(raw.columns)
    system = systems.recognise(found)
    wanted = _list_of_system(system, found, mapped, rules) if system else {}
    free = [h for h in found if h not in mapped.values()]
    likely = money_columns.find_parts(free) or list(filter(status_words.may_be_status, free))
    if raw.connection is None or (not wanted and (system or not likely)):
        return []
    head = _read_head(raw)
    flags = [] if system else _list_flags(head, mapped, rules)
    if not system:
        wanted = _list_by_header(head, mapped, rules, japanese=raw.japanese)
    decimal = rules.decimal or "."
    named = [_measure(head, part, header, decimal) for part, header in wanted.items()]
    return [one for one in (*named, *flags) if one["lines"]]


def _read_head(raw: Any) -> Any:
    """The first lines of the first and last file; record by record where one of them is broken."""
    import duckdb

    heads = []
    for part in (*raw.parts[:1], *raw.parts[1:][-1:]):
        try:
            heads.append(raw.connection.sql(f"select * from ({part.sql}) limit {HEAD}").df())
        except duckdb.InvalidInputException:
            if part.exact is None:
                raise
            sql = f"select * from ({part.exact().sql}) limit {HEAD}"
            heads.append(raw.connection.sql(sql).df())
    return pd.concat(heads, ignore_index=True) if len(heads) > 1 else heads[0]


def _list_of_system(
    system: systems.System, found: list[str], mapped: Mapping[str, str], rules: Policies
) -> dict[str, str]:
    meant = system.mapping(found)
    flags = [n for n in system.policies.get("exclude", {}) if n not in rules.exclude]
    return {
        name: header
        for name, header in meant.items()
        if name not in mapped and header not in mapped.values()
        if name in flags or (name in amounts.PARTS and not amounts.is_left(name, rules))
    }


def _list_by_header(
    head: Any, mapped: Mapping[str, str], rules: Policies, *, japanese: bool
) -> dict[str, str]:
    base = money_columns.read_base(head, mapped)
    if base is None or "order_total" in mapped:
        return {}
    left = {}
    for kind, header in money_columns.find_parts(
        h for h in head.columns if h not in mapped.values()
    ):
        applied = {f"order_{kind}", f"line_{kind}"} & set(mapped)
        inside = kind in money_columns.INSIDE and not (kind == "tax" and japanese)
        whole = inside and money_columns.is_total(mapped.get("amount", ""))
        wanted = (kind in KINDS or whole) and not amounts.is_left(f"order_{kind}", rules)
        if applied or not wanted:
            continue
        value = money_columns.read_money(head[header]).fillna(0).abs()
        if kind == "discount" and money_columns.is_total(mapped.get("amount", "")):
            continue  # an order's total is what was paid, after discounts
        if (
            kind == "refund"
            or whole
            or money_columns.settle(head, mapped, base, value) is not False
        ):
            left.setdefault(f"order_{kind}", header)
    return left


def _list_flags(head: Any, mapped: Mapping[str, str], rules: Policies) -> list[dict[str, Any]]:
    """Flags and statuses of cancelled and test orders that count, and are mapped to nothing."""
    found = []
    kept = head[~_is_left_out(head, mapped, rules)]
    for header in filter(status_words.may_be_status, head.columns):
        written = kept[header].dropna().astype(str).str.strip()
        written = written[written != ""]
        several = written.nunique() > status_words.MOST_VALUES
        if header in mapped.values() or (several and not status_words.is_cancel_date(header)):
            continue
        back = status_words.find_returns(written.unique())
        meant = back or status_words.find_no_sale(header, written.unique())
        lines = written.isin(meant) | (ANY in meant)
        part = "return_rows" if back else "exclude"
        if back and _is_below_zero(kept, mapped, lines.index[lines]):
            continue
        found.append({"header": header, "part": part, "lines": int(lines.sum()), "amount": None})
    return found


def _is_left_out(head: Any, mapped: Mapping[str, str], rules: Policies) -> Any:
    """Which lines policies leave out already, by the values of columns."""
    left = pd.Series(False, head.index)
    for name, values in {**rules.exclude, "status": rules.cancelled_status}.items():
        if name in mapped and mapped[name] in head:
            written = head[mapped[name]].astype("string").str.strip()
            left |= written.isin(values).fillna(False) | (written.notna() & (ANY in values))
    return left


def _is_below_zero(head: Any, mapped: Mapping[str, str], lines: Any) -> bool:
    base = money_columns.read_base(head, mapped)
    return base is None or not (base[lines] > 0).any()


def _measure(head: Any, part: str, header: str, decimal: str) -> dict[str, Any]:
    money = part in amounts.PARTS
    value = money_columns.read_money(head[header], decimal).fillna(0).abs()
    filled = value > 0 if money else head[header].astype("string").str.strip().fillna("") != ""
    amount = float(value.sum().round(2)) if money else None
    return {"header": header, "part": part, "lines": int(filled.sum()), "amount": amount}
