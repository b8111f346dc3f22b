"""Propose how an order export is read, and list what only its owner can decide.

Reads a file as a report would, with the columns that `systems` and `headers` propose. Values of ids
and personal data are shown as dots.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from ltvkit import orders
from ltvkit.core.i18n import _, n_
from ltvkit.display import formats, joining
from ltvkit.engines.sql import quoted
from ltvkit.errors import LtvkitError
from ltvkit.ingest import headers, systems
from ltvkit.ingest.parse import ids, values
from ltvkit.ingest.readers.part import MOST_COLUMNS, Part
from ltvkit.inspection import days, keys, layout, meaning, money, questions, stakes, totals
from ltvkit.inspection.fill_down import iterate_texts
from ltvkit.inspection.result import Inspection
from ltvkit.inspection.stakes import Ask

Proposal: TypeAlias = tuple[dict[str, Any], dict[str, str]]  # policies, and questions by key
FEW = 60  # columns that are looked at beside those known by header, where a file has very many
HEAD = 5000  # lines from which columns are judged, and samples taken


def inspect(source: str, opened: layout.Layout | None = None) -> Inspection:
    """A source as `readers.open_source` takes it -> `Inspection`; raises its `DataError`.

    `opened` is its layout, where that is known.
    """
    opened = opened or layout.find_layout(source)
    policies = opened.policies
    raw, head = _read_head(_keep_known(opened.raw))
    found = tuple(raw.columns)
    system = systems.recognise(found)
    columns, checks = _propose_columns(head, system)
    key, keyed, notes = {}, [], []
    if "columns.customer_id" not in checks:
        key, keyed, notes = meaning.propose_customer(head, columns, system)
    columns, checks = columns | key, opened.checks | checks
    texts = {n: list(iterate_texts(head[h])) for n, h in columns.items()}
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
        notes=(
            *opened.notes,
            *_note_columns(opened.raw),
            *(map(_, system.notes) if system else ()),
            *notes,
        ),
    )
    seen, asks = meaning.propose_meaning(seen, raw, head)
    return _try_reading(seen, keyed + asks, raw)


def _read_head(raw: Any) -> tuple[Any, Any]:
    """The source and its first lines; a source of few lines is held, as it is asked many times."""
    frame = raw.frame
    head = _select_for_pandas(frame.limit(HEAD)).df()
    if len(head) == HEAD:
        return raw, head
    frame.query("frame", "create or replace temp table inspected as select * from frame")
    facts = {n: v for part in raw.parts for n, v in part.facts.items() if n == "database"}
    facts |= {"encoding": "cp932"} if raw.japanese else {}
    # Columns of numbers are such in all parts that have them.
    written = {c for part in raw.parts for c in part.columns if c not in part.numeric}
    known = {"facts": facts, "numeric": [c for c in raw.columns if c not in written]}
    held = Part.from_query(raw.connection, "", "select * from inspected", **known)
    return replace(raw, parts=[held]), head


def _keep_known(raw: Any) -> Any:
    """A source of very many columns without those whose headers say nothing, but for the first."""
    if len(raw.columns) <= MOST_COLUMNS:
        return raw
    found = tuple(raw.columns)
    system = systems.recognise(found)
    known = set(headers.match_columns(found).values())
    known.update(*headers.find_ambiguous(found).values())
    known.update(system.mapping(found).values() if system else ())
    return replace(raw, parts=[part.keep(known, most=FEW) for part in raw.parts])


def _note_columns(raw: Any) -> list[str]:
    if len(raw.columns) <= MOST_COLUMNS:
        return []
    text = _(
        "The file has {n:,} columns. Those known by their headers and the first {few} others were "
        "looked at: write others that you need under `columns`."
    )
    return [text.format(n=len(raw.columns), few=FEW)]


def _select_for_pandas(lines: Any) -> Any:
    """Lines without values that pandas cannot hold: bytes are written as text, and days and times
    without an end are NULL.
    """
    kinds = zip(lines.columns, map(str, lines.types), strict=True)
    chosen = []
    for column, kind in ((quoted(c), kind) for c, kind in kinds):
        if kind == "BLOB":
            chosen.append(f"{column}::varchar as {column}")
        elif kind == "DATE" or kind.startswith("TIMESTAMP"):
            chosen.append(f"case when isfinite({column}) then {column} end as {column}")
    return lines.project(f"* replace ({', '.join(chosen)})") if chosen else lines


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
        chosen = None if name == "amount" else keys.choose_alike(head, fits)
        if name == "amount":
            chosen = totals.choose_same(head, fits)
            several = totals.has_several_lines(head, columns)
            choose = totals.choose_line_amount if several else totals.choose_total
            chosen = chosen or choose(head, columns, fits)
        if chosen:
            columns[name] = chosen
            del checks[f"columns.{name}"]
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


def _try_reading(seen: Inspection, asks: list[Ask], raw: Any) -> Inspection:
    if seen.missing:
        lacking = _("No column was found for {names}.").format(names=joining.items(seen.missing))
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
    return joining.items(map(repr, texts))
