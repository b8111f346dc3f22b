"""Find the orders in an export: the sheet, the header line, the files."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ltvkit.core.i18n import _
from ltvkit.display import formats, joining
from ltvkit.errors import LtvkitError
from ltvkit.ingest import headers, readers, schema
from ltvkit.ingest.policies import Policies
from ltvkit.ingest.readers import excel
from ltvkit.ingest.readers.encodings import UndecidedEncodingError

HEADER_WITHIN = 10  # lines in which the names of the columns are looked for
_SHOWN = 5  # files named in a question


@dataclass(frozen=True)
class Layout:
    """An opened source, the `policies` to open it, and what its owner has to decide (`checks`, by
    params key) or to know (`notes`).
    """

    raw: readers.Raw
    policies: Mapping[str, Any]
    checks: Mapping[str, str]
    notes: tuple[str, ...] = ()


def find_layout(source: str) -> Layout:
    """A source -> the sheet and files with the most headers that are known, as `Layout`.

    Raises the `DataError` of a source that cannot be opened at all.
    """
    try:
        return _find_layout(source, {})
    except UndecidedEncodingError as error:
        layout = _find_layout(source, {"encoding": next(iter(error.pages))})
        return replace(layout, checks={**layout.checks, "policies.encoding": str(error)})


def _find_layout(source: str, rules: Mapping[str, Any]) -> Layout:
    sheets = readers.list_sheets(source)
    found, refusals = {}, []
    for sheet in sheets or [""]:
        try:
            found[sheet] = _skip_titles(
                source, {**rules, **({"sheet": sheet} if sheets[1:] else {})}
            )
        except LtvkitError as error:
            refusals.append(error)
    if not found:
        raise refusals[0]
    kinds = {
        (tuple(raw.columns), str(policies | {"sheet": ""})) for raw, policies in found.values()
    }
    if sheets[1:] and len(found) == len(sheets) and len(kinds) == 1:
        return _read_all_sheets(source, sheets, next(iter(found.values()))[1])
    best = max(found, key=lambda sheet: _score_headers(found[sheet][0].columns))
    raw, policies = found.pop(best)
    raw, checks = _select_alike(raw)
    rest = joining.items(_describe_sheet(s, found.get(s)) for s in sheets if s != best)
    if not rest:
        return Layout(raw, policies, checks)
    if any(_score_headers(other.columns)[0] for other, _policies in found.values()):
        question = _(
            "{sheet} is read; not read: {rest}. Choose one, or save the sheets of orders as CSV "
            "files in a folder, and give the folder as source."
        )
        said = question.format(sheet=repr(best), rest=rest)
        return Layout(raw, policies, checks | {"policies.sheet": said})
    note = _("The sheet {sheet} of the workbook is read; not read: {rest}.")
    return Layout(raw, policies, checks, (note.format(sheet=repr(best), rest=rest),))


def _read_all_sheets(source: str, sheets: list[str], rules: Mapping[str, Any]) -> Layout:
    """A workbook whose sheets all have the same columns, as one a month: all are read."""
    policies = {**rules, "sheet": excel.ALL}
    question = _(
        "All {n} sheets have the same columns and are read: {sheets}. If one is a copy, name the "
        "one that counts."
    )
    said = question.format(n=len(sheets), sheets=joining.items(map(repr, sheets)))
    return Layout(
        readers.open_source(source, Policies(**policies)), policies, {"policies.sheet": said}
    )


def _skip_titles(source: str, rules: Mapping) -> tuple[readers.Raw, dict[str, Any]]:
    """The source from its first line with known headers on; from its first line without any."""
    opened, refusals = [], []
    for line in range(1, 2 if readers.databases.is_address(source) else HEADER_WITHIN + 1):
        policies = rules | ({"header_line": line} if line > 1 else {})
        try:
            raw = readers.open_source(source, Policies(**policies))
        except LtvkitError as error:
            refusals.append(error)
            continue
        if len(headers.match_columns(raw.columns)) > 1:
            return raw, policies
        opened = opened or [(raw, policies)]
    if not opened:
        raise refusals[0]
    return opened[0]


def _select_alike(raw: readers.Raw) -> tuple[readers.Raw, dict[str, str]]:
    """The files with the headers that are known best; a question where others differ."""
    kinds = Counter(tuple(part.columns) for part in raw.parts)
    best = max(kinds, key=lambda kind: (_score_headers(kind), kinds[kind]))
    needed = headers.match_columns(best).values()
    lacking = [
        [h for h in needed if not headers.match_header(h, part.columns)] for part in raw.parts
    ]
    strange = [(p.name, lacks) for p, lacks in zip(raw.parts, lacking, strict=True) if lacks]
    if not strange:
        return raw, {}
    question = _(
        "The files have different headers: {files}. Give a pattern that matches one kind, as "
        '"exports/orders-*.csv".'
    )
    each = _("{file} has no {headers}")
    named = [each.format(file=repr(n), headers=joining.items(ls[:3])) for n, ls in strange[:_SHOWN]]
    listed = joining.clauses(named) + " ..." * (len(strange) > _SHOWN)
    alike = [p for p, lacks in zip(raw.parts, lacking, strict=True) if not lacks]
    return replace(raw, parts=alike), {"source": question.format(files=listed)}


def _score_headers(found: Iterable[str]) -> tuple[bool, int]:
    """Whether headers can be those of orders, and how many are known."""
    found = list(found)
    known = {*headers.match_columns(found), *headers.find_ambiguous(found)}
    return not {"order_date", "amount"} & {*schema.find_missing(known)}, len(known)


def _describe_sheet(sheet: str, found: tuple[readers.Raw, Any] | None) -> str:
    if found is None:
        return _("{sheet} (no table)").format(sheet=repr(sheet))
    rows = found[0].frame.aggregate("count(*)").fetchall()[0][0]
    return _("{sheet} (rows: {rows})").format(sheet=repr(sheet), rows=formats.count(rows))
