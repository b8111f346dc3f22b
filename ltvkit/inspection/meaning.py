"""Propose what rows and columns of an export mean: who bought, what is a sale, what was paid."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ltvkit.core import personal_data, redaction
from ltvkit.core.i18n import _, n_
from ltvkit.core.personal_data import header_key
from ltvkit.display import formats, joining
from ltvkit.engines.sql import quoted
from ltvkit.ingest import status_words, systems
from ltvkit.ingest.parse import values
from ltvkit.inspection import keys, parts, statuses, totals
from ltvkit.inspection.fill_down import iterate_texts, propose_fill_down
from ltvkit.inspection.result import Inspection
from ltvkit.inspection.stakes import Ask

_MASKED = ("customer_id", "order_id")
_FLAGS = ("flag_headers", "test_headers", "cancel_date_headers", "status_headers")
SAMPLES = 3
MOST_PRODUCTS = 5000  # names that are looked through for shipping and fees


def propose_customer(
    head: Any, columns: Mapping[str, str], system: Any
) -> tuple[dict[str, str], list[Ask], list[str]]:
    """The head of an export and what is mapped -> the customer's column, what to ask, to know."""
    unsaid = system is not None and "customer" in system.lacks
    return keys.propose_customer(_merge_orders(head, columns), columns, unsaid=unsaid)


def propose_meaning(seen: Inspection, raw: Any, head: Any) -> tuple[Inspection, list[Ask]]:
    """An inspection of the columns -> the same with what rows mean, and what may be asked."""
    columns, policies, system = dict(seen.columns), dict(seen.policies), seen.system
    asks = [Ask(key, _(a["question"]), a.get("otherwise")) for key, a in _list_asks(system)]
    policies = {"fill_down": propose_fill_down(head, columns)} | policies
    more, asked = keys.propose_guests(head, columns, policies)
    policies, asks = policies | more, asks + asked
    values_of = _list_few_values(raw, head)
    if not system:
        named, more, asked = statuses.propose_returns(values_of, head, columns)
        columns = {n: h for n, h in (columns | named).items() if h is not None}
        policies, asks = policies | more, asks + asked
    if "status" in columns:
        known = _count_statuses(raw, columns)
        below = [] if system else statuses.find_below_zero(head, columns)
        more, asked = statuses.propose_statuses(known, system, below_zero=below)
        policies, asks = policies | more, asks + asked
    named, more, asked = statuses.propose_exclusions(values_of, columns, system)
    excluded = {**policies.get("exclude", {}), **more.get("exclude", {})}
    columns, policies, asks = columns | named, policies | more, asks + asked
    policies |= {"exclude": excluded}
    if not system:
        columns, asked = _propose_amount(raw, head, columns, policies)
        asks += asked
    if "columns.order_id" not in seen.checks:
        asks += keys.ask_orders(columns, head)
    policies = {n: v for n, v in policies.items() if v not in ([], {}, ())}
    notes = (*seen.notes, *_note_lacks(system, columns))
    samples = {n: _take_samples(head[h], masked=_is_masked(n, h)) for n, h in columns.items()}
    changed = {"columns": columns, "policies": policies, "samples": samples}
    return replace(seen, **changed, notes=notes), asks


def _propose_amount(
    raw: Any, head: Any, columns: dict[str, str], policies: Mapping[str, Any]
) -> tuple[dict[str, str], list[Ask]]:
    """What the amount is made of, in an export of no known system."""
    asks: list[Ask] = []
    for find in (totals.find_order_total, totals.find_paid_total):
        mapped, asked = find(head, columns)
        columns = {n: h for n, h in (columns | mapped).items() if h is not None}
        asks += asked
    mapped, asked = parts.propose_parts(head, columns, japanese=raw.japanese)
    columns, asks = columns | mapped, asks + asked + parts.ask_line_price(head, columns)
    asks += parts.ask_shares(head, columns)
    for name in ("product", "product_id", "category"):
        if name in columns:
            goods = _list_values(raw, [columns[name]], limit=MOST_PRODUCTS)[columns[name]]
            asks += statuses.ask_no_goods(goods, policies, name)
    return columns, asks


def _list_asks(system: Any) -> list[tuple[str, Mapping[str, Any]]]:
    return list(system.asks.items()) if system else []


def _note_lacks(system: Any, columns: Mapping[str, str]) -> list[str]:
    """What the exports of a system do not say, as far as no column of this one does."""
    said = {"customer": "customer_id", "cancelled": "status"}
    lacks = [n for n in (system.lacks if system else ()) if said.get(n) not in columns]
    text = _("The file does not say: {lacking}.")
    lacking = joining.items(_(systems.LACKS[name]) for name in lacks)
    return [text.format(lacking=lacking)] * bool(lacks)


def _merge_orders(head: Any, columns: Mapping[str, str]) -> Any:
    """The head with one row per order, each column's first value: what stands on one line only."""
    if "order_id" not in columns:
        return head
    filled = head.astype("string").apply(lambda c: c.str.strip().replace("", None))
    return filled.groupby(columns["order_id"], dropna=False, sort=False).first().reset_index()


def _list_few_values(raw: Any, head: Any) -> dict[str, list[str]]:
    """Columns of few different values -> their values, the most frequent first."""
    few = [c for c in head.columns if 0 < head[c].nunique() <= status_words.MOST_VALUES]
    dates = [c for c in head.columns if status_words.is_cancel_date(c) and head[c].notna().any()]
    listed = _list_values(raw, list(dict.fromkeys((*few, *dates))))
    return {
        c: v
        for c, v in listed.items()
        if any(status_words.WORDS[w].search(header_key(c)) for w in _FLAGS)
        or status_words.are_statuses(v)
        or status_words.find_returns(v)
    }


def _count_statuses(raw: Any, columns: Mapping[str, str]) -> dict[str, str]:
    """The statuses, the most frequent first, each with its orders."""
    name = values.parse_text(columns["status"], raw.columns[columns["status"]])
    order = quoted(columns["order_id"]) if "order_id" in columns else "*"
    counted = f"count({'distinct ' if order != '*' else ''}{order})"
    sql = f"select {name} v, {counted} n from raw where v is not null group by 1 order by n desc, 1"
    found = raw.ask(f"{sql} limit {status_words.MOST_VALUES}")
    return {v: formats.fill(n_("{n} order", "{n} orders", n), n=n) for v, n in found}


def _list_values(raw: Any, listed: list[str], limit: int = 20) -> dict[str, list[str]]:
    """Columns -> their values, the most frequent first; all are counted in one reading."""
    found: dict[str, list[str]] = {header: [] for header in listed}
    if not found:
        return found
    texts = (values.parse_text(header, raw.columns[header]) for header in listed)
    cells = ", ".join(f"{{'c': {n}, 'v': {text}}}" for n, text in enumerate(texts))
    counted = f"""select c, v, row_number() over (partition by c order by count(*) desc, v) r
        from (select unnest([{cells}], recursive := true) from raw)
        where v is not null group by c, v"""
    sql = f"select c, v from ({counted}) where r <= {limit} order by c, r"
    for number, value in raw.ask(sql):
        found[listed[number]].append(value)
    return found


def _take_samples(column: Any, *, masked: bool) -> list[str]:
    known: set[str] = set()  # to mask takes longer than to compare
    samples: dict[str, None] = {}
    for text in iterate_texts(column):
        shown = (re.sub(r"\w", "•", text) if masked or "@" in text else text).strip()
        if shown not in known:
            known.add(shown)
            samples[redaction.mask_figures(shown)[:40]] = None
        if len(samples) == SAMPLES:
            break
    return list(samples)


def _is_masked(name: str, header: str) -> bool:
    return name in _MASKED or personal_data.is_personal(header)
