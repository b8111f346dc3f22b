"""Name the columns of an export that would change its amounts, and are not mapped."""

from collections.abc import Mapping
from typing import Any

from ltvkit.ingest import amounts, money_columns, status_words, systems
from ltvkit.ingest.policies import Policies

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
    likely = money_columns.find_parts(free) or list(filter(status_words.is_flag, free))
    if raw.connection is None or (not wanted and (system or not likely)):
        return []
    head = _read_head(raw)
    flags = [] if system else _list_flags(head, mapped)
    if not system:
        wanted = _list_by_header(head, mapped, rules)
    named = [_measure(head, part, header) for part, header in wanted.items()]
    return [one for one in (*named, *flags) if one["lines"]]


def _read_head(raw: Any) -> Any:
    """The first lines of the first file; record by record where one of them is broken."""
    import duckdb

    part = raw.parts[0]
    try:
        return raw.connection.sql(f"select * from ({part.sql}) limit {HEAD}").df()
    except duckdb.InvalidInputException:
        return raw.connection.sql(f"select * from ({part.exact().sql}) limit {HEAD}").df()


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


def _list_by_header(head: Any, mapped: Mapping[str, str], rules: Policies) -> dict[str, str]:
    base = money_columns.read_base(head, mapped)
    if base is None or "order_total" in mapped:
        return {}
    left = {}
    for kind, header in money_columns.find_parts(
        h for h in head.columns if h not in mapped.values()
    ):
        applied = {f"order_{kind}", f"line_{kind}"} & set(mapped)
        if kind not in KINDS or applied or amounts.is_left(f"order_{kind}", rules):
            continue
        value = money_columns.read_money(head[header]).fillna(0).abs()
        if kind == "refund" or money_columns.settle(head, mapped, base, value) is not False:
            left.setdefault(f"order_{kind}", header)
    return left


def _list_flags(head: Any, mapped: Mapping[str, str]) -> list[dict[str, Any]]:
    """Flags of cancelled and test orders that are mapped to nothing."""
    found = []
    for header in filter(status_words.is_flag, head.columns):
        if header in mapped.values() or head[header].nunique() > status_words.MOST_VALUES:
            continue
        written = head[header].dropna().astype(str)
        meant = status_words.find_no_sale(header, written.unique())
        lines = int(written.isin(meant).sum())
        found.append({"header": header, "part": "exclude", "lines": lines, "amount": None})
    return found


def _measure(head: Any, part: str, header: str) -> dict[str, Any]:
    money = part in amounts.PARTS
    value = money_columns.read_money(head[header]).fillna(0).abs()
    filled = value > 0 if money else head[header].astype("string").str.strip().fillna("") != ""
    amount = float(value.sum().round(2)) if money else None
    return {"header": header, "part": part, "lines": int(filled.sum()), "amount": amount}
