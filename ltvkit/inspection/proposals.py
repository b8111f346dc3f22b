"""Propose how an order export is read, and list what only its owner can decide.

Reads a file as a report would, with the columns that `systems` and `headers` propose. Values of ids
and personal data are shown as dots.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from ltvkit import orders
from ltvkit.core import personal_data
from ltvkit.core.i18n import _, n_
from ltvkit.core.personal_data import header_key
from ltvkit.display import formats
from ltvkit.engines.sql import quoted
from ltvkit.errors import LtvkitError
from ltvkit.ingest import headers, status_words, systems
from ltvkit.ingest.parse import ids, values
from ltvkit.inspection import days, keys, layout, money, parts, questions, stakes, statuses
from ltvkit.inspection.fill_down import propose_fill_down
from ltvkit.inspection.result import Inspection
from ltvkit.inspection.stakes import Ask

Proposal: TypeAlias = tuple[dict[str, Any], dict[str, str]]  # policies, and questions by key
HEAD = 5000  # lines from which columns are judged, and samples taken
_MASKED = ("customer_id", "order_id")
_FLAGS = ("flag_headers", "test_headers", "status_headers")
MOST_PRODUCTS = 5000  # names that are looked through for shipping and fees


def inspect(source: str) -> Inspection:
    """A source as `readers.open_source` takes it -> `Inspection`; raises its `DataError`."""
    opened = layout.find_layout(source)
    raw, policies = opened.raw, opened.policies
    found = tuple(raw.columns)
    system = systems.recognise(found)
    head = raw.frame.limit(HEAD).df()
    columns, checks = _propose_columns(head, system)
    checks = opened.checks | checks
    texts = {n: [str(v) for v in head[h].dropna() if str(v).strip()] for n, h in columns.items()}
    for propose in (money.propose_decimal, _propose_fold):
        more, questions = propose(raw, columns, texts, system)
        policies, checks = policies | more, checks | questions
    if system:
        policies = {n: _keep_mapped(n, v, columns) for n, v in system.policies.items()} | policies
    currency, questions = money.propose_currency(raw, columns, system)
    dated, asked = days.propose(raw, columns, policies, currency)
    policies, checks = policies | dated, checks | asked
    checks = checks | money.find_questions(raw, columns, policies.get("decimal") or ".")
    seen = Inspection(
        source=source,
        facts=raw.facts,
        headers=found,
        system=system,
        columns=columns,
        currency=currency,
        policies=policies,
        checks=checks | questions,
        notes=(*opened.notes, *(map(_, system.notes) if system else ())),
    )
    return _try_reading(*_propose_meaning(seen, raw, head), raw)


def _propose_columns(head: Any, system: Any) -> tuple[dict[str, str], dict[str, str]]:
    empty = keys.find_empty(head)
    found = keys.keep_filled(head.columns, empty)
    columns = system.mapping(found) if system else {}
    priced = {"amount", "order_total"} & set(columns) or {"quantity", "unit_price"} <= set(columns)
    taken = {"amount"} if priced else set()
    free = [h for h in found if h not in columns.values()]
    sure = headers.match_columns(free)
    columns |= {n: h for n, h in sure.items() if n not in columns and n not in taken}
    checks = {
        f"columns.{name}": _("{headers} fit equally well: choose one.").format(headers=_join(fits))
        for name, fits in headers.find_ambiguous(free).items()
        if name not in columns and name not in taken
    }
    for name in [n.removeprefix("columns.") for n in checks]:
        fits = headers.find_ambiguous(free)[name]
        chosen = keys.choose_alike(head, fits)
        if name == "amount":
            several = parts.has_several_lines(head, columns)
            choose = parts.choose_line_amount if several else parts.choose_total
            chosen = chosen or choose(head, columns, fits)
        if chosen:
            columns[name] = chosen
            del checks[f"columns.{name}"]
    ordered = dict.fromkeys([*(n for n in headers.ALIASES if n in columns), *columns])
    return {n: columns[n] for n in ordered}, checks


def _propose_meaning(seen: Inspection, raw: Any, head: Any) -> tuple[Inspection, list[Ask]]:
    """What rows and columns mean -> the inspection with its proposals, and what may be asked."""
    columns, policies, system = dict(seen.columns), dict(seen.policies), seen.system
    asks = [Ask(key, _(a["question"]), a.get("otherwise")) for key, a in _list_asks(system)]
    notes = list(seen.notes)
    unsaid = system is not None and "customer" in system.lacks
    if "columns.customer_id" not in seen.checks:
        merged = _merge_orders(head, columns)
        key, asked, said = keys.propose_customer(merged, columns, unsaid=unsaid)
        columns, asks, notes = columns | key, asks + asked, notes + said
    policies = {"fill_down": propose_fill_down(head, columns)} | policies
    more, asked = keys.propose_guests(head, columns, policies)
    policies, asks = policies | more, asks + asked
    if "status" in columns:
        known = _count_statuses(raw, columns, seen.currency)
        more, asked = statuses.propose_statuses(known, system)
        policies, asks = policies | more, asks + asked
    values = _list_few_values(raw, head)
    named, more, asked = statuses.propose_exclusions(values, columns, system)
    columns, policies, asks = columns | named, policies | more, asks + asked
    if not system:
        for find in (parts.find_order_total, parts.find_paid_total):
            mapped, asked = find(head, columns)
            columns = {n: h for n, h in (columns | mapped).items() if h is not None}
            asks += asked
        mapped, asked = parts.propose_parts(head, columns, japanese=raw.japanese)
        columns, asks = columns | mapped, asks + asked + parts.ask_line_price(head, columns)
        if "product" in columns:
            goods = _list_values(raw, columns["product"], limit=MOST_PRODUCTS)
            asks += statuses.ask_no_goods(goods, policies)
    if "columns.order_id" not in seen.checks:
        asks += keys.ask_orders(columns, head)
    policies = {n: v for n, v in policies.items() if v not in ([], {}, ())}
    notes += _note_lacks(system, columns)
    samples = {n: _take_samples(head[h], masked=_is_masked(n, h)) for n, h in columns.items()}
    changed = {"columns": columns, "policies": policies, "samples": samples}
    return replace(seen, **changed, notes=tuple(notes)), asks


def _list_asks(system: Any) -> list[tuple[str, Mapping[str, Any]]]:
    return list(system.asks.items()) if system else []


def _note_lacks(system: Any, columns: Mapping[str, str]) -> list[str]:
    """What the exports of a system do not say, as far as no column of this one does."""
    said = {"customer": "customer_id", "cancelled": "status"}
    lacks = [n for n in (system.lacks if system else ()) if said.get(n) not in columns]
    text = _("The file does not say: {lacking}.")
    lacking = ", ".join(_(systems.LACKS[name]) for name in lacks)
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
    likely = [c for c in few if any(status_words.WORDS[w].search(header_key(c)) for w in _FLAGS)]
    return {c: _list_values(raw, c) for c in likely}


def _propose_fold(raw: Any, columns: Mapping, texts: Mapping, system: Any) -> Proposal:
    header = columns.get("customer_id")
    if not header or raw.columns[header] != "VARCHAR":
        return {}, {}
    name = values.parse_text(header, "VARCHAR")
    written = raw.frame.query("raw", f"select distinct {name} as id from raw")
    fold, several = ids.propose_fold(written.project(ids.select_folds("id")))
    if not several:
        return {}, {}
    kinds = {"width": _("width"), "case": _("case"), "both": _("width or case")}
    kinds |= {"number": _("how a number is written"), "all": _("how they are written")}
    question = n_(
        "{n} customer has ids written in several ways, which differ only in {kind}.",
        "{n} customers have ids written in several ways, which differ only in {kind}.",
        several,
    )
    question += _(' "{fold}" counts each as one customer, "none" counts every way as its own.')
    said = formats.fill(question, n=several, kind=kinds[fold], fold=fold)
    return {"fold_ids": fold}, {"policies.fold_ids": said}


def _try_reading(seen: Inspection, asks: list[Ask], raw: Any) -> Inspection:
    if seen.missing:
        lacking = _("No column was found for {names}.").format(names=", ".join(seen.missing))
        asked = {f"columns.{name}": _("Which column is it?") for name in seen.missing}
        return replace(seen, refusal=lacking, checks=asked | dict(seen.checks))
    if "source" in seen.checks:
        one_kind = _("The orders can be read when source takes one kind of file.")
        return replace(seen, refusal=one_kind)
    if "policies.date_format" in seen.checks:
        return replace(seen, refusal=_("The orders can be read when date_format is chosen."))
    try:
        book = orders.read(seen.source, columns=seen.columns, policies=seen.policies)
    except LtvkitError as error:
        return replace(seen, refusal=str(error))
    seen = _cover_month(replace(seen, book=book))
    asks += questions.find_asks(seen, raw)
    seen = replace(seen, checks=dict(seen.checks) | stakes.weigh(seen, asks))
    return days.examine(seen, raw)


def _cover_month(seen: Inspection) -> Inspection:
    """The whole last month, where a few silent days at its end are usual for the shop."""
    end = questions.find_month_end(seen)
    if end is None or "data_until" in seen.policies or not questions.is_usual_gap(seen, end):
        return seen
    note = _("The last order is dated {last}; the month counts as covered to its end, {end}.")
    said = note.format(last=seen.book.facts["last"], end=end)
    policies = dict(seen.policies) | {"data_until": str(end)}
    return replace(seen, policies=policies, notes=(*seen.notes, said))


def _count_statuses(raw: Any, columns: Mapping[str, str], currency: str) -> dict[str, str]:
    """The statuses, the most frequent first, each with its orders."""
    name = values.parse_text(columns["status"], raw.columns[columns["status"]])
    order = quoted(columns["order_id"]) if "order_id" in columns else "*"
    counted = f"count({'distinct ' if order != '*' else ''}{order})"
    sql = f"select {name} v, {counted} n from raw where v is not null group by 1 order by n desc, 1"
    found = raw.frame.query("raw", f"{sql} limit {status_words.MOST_VALUES}").fetchall()
    return {v: formats.fill(n_("{n} order", "{n} orders", n), n=n) for v, n in found}


def _list_values(raw: Any, header: str, limit: int = 20) -> list[str]:
    name = values.parse_text(header, raw.columns[header])
    sql = f"select {name} v from raw where v is not null group by 1 order by count(*) desc, 1"
    return [v for (v,) in raw.frame.query("raw", f"{sql} limit {limit}").fetchall()]


def _take_samples(column: Any, *, masked: bool) -> list[str]:
    texts = (t for t in map(str, column.dropna()) if t.strip())
    shown = (re.sub(r"\w", "•", t) if masked or "@" in t else t for t in texts)
    return list(dict.fromkeys(t.strip()[:40] for t in shown))[:3]


def _is_masked(name: str, header: str) -> bool:
    return name in _MASKED or personal_data.is_personal(header)


def _keep_mapped(policy: str, value: Any, columns: Mapping) -> Any:
    """The value of a policy without the columns that are not mapped."""
    if isinstance(value, Mapping):
        return {n: v for n, v in value.items() if n in columns}
    if policy == "fill_down":
        return [v for v in value if v in columns]
    if policy == "cancelled_status":
        return value if "status" in columns else []
    return value


def _join(texts: Iterable[str]) -> str:
    return ", ".join(map(repr, texts))
