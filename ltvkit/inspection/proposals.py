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
from ltvkit.errors import LtvkitError
from ltvkit.ingest import headers, systems
from ltvkit.ingest.parse import ids, values
from ltvkit.inspection import days, layout, money, questions
from ltvkit.inspection.result import Inspection

Proposal: TypeAlias = tuple[dict[str, Any], dict[str, str]]  # policies, and questions by key
HEAD = 1000  # lines that samples are taken from
_MASKED = ("customer_id", "order_id")
_CANCELLED = re.compile(r"キャンセル|取消|取り消|\bcancel|\bvoid", re.IGNORECASE)


def inspect(source: str) -> Inspection:
    """A source as `readers.open_source` takes it -> `Inspection`; raises its `DataError`."""
    opened = layout.find_layout(source)
    raw, policies = opened.raw, opened.policies
    found = tuple(raw.columns)
    system = systems.recognise(found)
    columns, checks = _propose_columns(found, system)
    checks = opened.checks | checks
    head = raw.frame.limit(HEAD).df()
    texts = {n: [str(v) for v in head[h].dropna() if str(v).strip()] for n, h in columns.items()}
    for propose in (money.propose_decimal, _propose_fold, _propose_cancelled):
        more, questions = propose(raw, columns, texts, system)
        policies, checks = policies | more, checks | questions
    if system:
        policies = {n: _keep_mapped(n, v, columns) for n, v in system.policies.items()} | policies
    currency, questions = money.propose_currency(raw, columns, system)
    dated, asked = days.propose(raw, columns, policies, currency)
    policies, checks = policies | dated, checks | asked
    seen = Inspection(
        source=source,
        facts=raw.facts,
        headers=found,
        system=system,
        columns=columns,
        currency=currency,
        policies=policies,
        checks=checks | questions,
        samples={n: _take_samples(v, masked=_is_masked(n, columns[n])) for n, v in texts.items()},
        notes=(*opened.notes, *map(_, system.notes if system else ())),
    )
    return _try_reading(seen, raw)


def _propose_columns(found: tuple[str, ...], system: Any) -> tuple[dict[str, str], dict[str, str]]:
    columns = system.mapping(found) if system else {}
    taken = {"amount"} if {"quantity", "unit_price"} <= set(columns) else set()
    free = [h for h in found if h not in columns.values()]
    sure = headers.match_columns(free)
    columns |= {n: h for n, h in sure.items() if n not in columns and n not in taken}
    checks = {
        f"columns.{name}": _("{headers} fit equally well: choose one.").format(headers=_join(fits))
        for name, fits in headers.find_ambiguous(free).items()
        if name not in columns and name not in taken
    }
    mails = [h for h in free if re.search(r"メール|e ?mail", header_key(h))]
    sought = not {"customer_id", "columns.customer_id"} & {*columns, *checks}
    if sought and len(mails) == 1:
        columns["customer_id"] = mails[0]
    if personal_data.is_personal(columns.get("customer_id", "")):
        checks["columns.customer_id"] = _(
            "No customer number was found, so the e-mail address tells customers apart. It is "
            "personal data: better export a customer number, and map that."
        )
    ordered = dict.fromkeys([*(n for n in headers.ALIASES if n in columns), *columns])
    return {n: columns[n] for n in ordered}, checks


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


def _propose_cancelled(raw: Any, columns: Mapping, texts: Mapping, system: Any) -> Proposal:
    if "status" not in columns:
        return {}, {}
    known = _list_values(raw, columns["status"])
    listed = system.policies.get("cancelled_status", ()) if system else ()
    meant = list(dict.fromkeys((*listed, *(s for s in known if _CANCELLED.search(s)))))
    policy = {"cancelled_status": meant} if meant else {}
    if not known:
        return policy, {}
    yes, no = ([s for s in known if (s in meant) == is_so] for is_so in (True, False))
    question = _("No status counts as cancelled ({no}). Is that right?")
    if yes and no:
        question = _("Status {yes} counts as cancelled, {no} does not. Is that right?")
    elif yes:
        question = _("Every status counts as cancelled ({yes}). Is that right?")
    return policy, {"policies.cancelled_status": question.format(yes=_join(yes), no=_join(no))}


def _try_reading(seen: Inspection, raw: Any) -> Inspection:
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
    seen = replace(seen, book=book)
    seen = replace(seen, checks=dict(seen.checks) | questions.find_questions(seen, raw))
    return days.examine(seen, raw)


def _list_values(raw: Any, header: str, limit: int = 20) -> list[str]:
    name = values.parse_text(header, raw.columns[header])
    sql = f"select {name} v from raw where v is not null group by 1 order by count(*) desc, 1"
    return [v for (v,) in raw.frame.query("raw", f"{sql} limit {limit}").fetchall()]


def _take_samples(texts: Iterable[str], *, masked: bool) -> list[str]:
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
