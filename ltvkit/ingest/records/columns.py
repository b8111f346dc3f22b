"""Which header holds which column of records: by the params, a known format, or its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ltvkit.core import personal_data
from ltvkit.core.personal_data import header_key
from ltvkit.errors import ColumnError, nearest
from ltvkit.ingest import headers, mapping
from ltvkit.ingest.records.options import FORMATS, TABLES

if TYPE_CHECKING:
    from ltvkit.ingest.readers.part import Part
    from ltvkit.ingest.records.options import Options


def recognise(found: Iterable[str]) -> str:
    """The format of events that has these headers; "" where it is none of `FORMATS`.

    >>> recognise(["event_date", "event_timestamp", "event_name", "user_pseudo_id"])
    'ga4'
    >>> recognise(["date", "event"])
    ''
    """
    found = list(found)
    fitting = [
        name
        for name, known in FORMATS.items()
        if all(headers.match_header(h, found) for h in known["known_by"])
    ]
    return max(fitting, key=lambda name: len(FORMATS[name]["known_by"]), default="")


def map_columns(part: Part, options: Options) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Canonical column -> the header of a part; and those that several headers fit equally well.

    What the params map comes first, then the columns of the format, then headers that are known.
    Raises `ColumnError` for a header that is not there, and for a column that is needed.
    """
    said = {name: header for name, header in options.columns.items() if header.strip()}
    mapped = {
        n: mapping.find_header(n, h, part, part.name or options.source) for n, h in said.items()
    }
    left = [name for name in options.table["columns"] if name not in options.columns]
    form = (
        FORMATS.get(options.format or recognise(part.columns), {})
        if options.name == "events"
        else {}
    )
    for name in left:
        known = (
            headers.match_header(h, part.columns) for h in form.get("columns", {}).get(name, ())
        )
        if header := next((h for h in known if h and h not in mapped.values()), None):
            mapped[name] = header
    free = [h for h in part.columns if h not in mapped.values()]
    sure, open_ = find_columns([n for n in left if n not in mapped], free, options.name)
    mapped |= sure
    for group in options.table["needs"]:
        if not any(name in mapped for name in group):
            raise _explain_missing(group, part, options, open_)
    return mapped, {name: fits for name, fits in open_.items() if name not in mapped}


def find_columns(
    names: Iterable[str], found: Sequence[str], table: str
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Canonical columns of a table, and headers -> those that are certain, and the ambiguous ones.

    >>> find_columns(["visitor_id", "event_time"], ["訪問者ID", "日時", "備考"], "events")
    ({'visitor_id': '訪問者ID', 'event_time': '日時'}, {})
    """
    sure: dict[str, str] = {}
    ambiguous: dict[str, list[str]] = {}
    bare = {header: _strip_unit(header) for header in found}
    tiers = {name: TABLES[table]["columns"][name]["headers"] for name in names}
    # The first tier of each before the second of any: "category" is not the text's to take.
    for rank in range(max(map(len, tiers.values()), default=0)):
        for name, known in tiers.items():
            if name in sure or name in ambiguous or rank >= len(known):
                continue
            keys = set(map(_strip_unit, known[rank]))
            fits = [h for h, key in bare.items() if key in keys and h not in sure.values()]
            fits = [h for h in fits if header_key(h) == header_key(name)] or fits
            if len(fits) == 1 and not _names_people(name, fits[0]):
                sure[name] = fits[0]
            elif len(fits) > 1:
                ambiguous[name] = fits
    return sure, ambiguous


def recognise_table(found: Sequence[str]) -> str:
    """The table whose export has these headers, "events" or "enquiries"; "" where it is neither.

    Orders have money. Events are told by a format, or by the header of their name; enquiries by
    that of their text, or of their id with a text or an intent of any name.

    >>> recognise_table(["日時", "イベント名", "訪問者ID"]), recognise_table(["受付日時", "本文"])
    ('events', 'enquiries')
    >>> recognise_table(["customer_id", "order_date", "amount"])
    ''
    """
    if recognise(found):
        return "events"
    priced = headers.match_columns(found) | headers.find_ambiguous(found)
    if {"amount", "unit_price"} & set(priced):
        return ""
    for table, needed in (("enquiries", ["text", "enquiry_id"]), ("events", ["event"])):
        sure, several = find_columns(TABLES[table]["columns"], found, table)
        groups = TABLES[table]["needs"]
        whole = all(any(name in {*sure, *several} for name in group) for group in groups)
        if whole and any(_is_first(table, name, sure.get(name)) for name in needed):
            return table
    return ""


def _is_first(table: str, name: str, header: str | None) -> bool:
    """Whether a header is one of the first tier of a column."""
    first = TABLES[table]["columns"][name]["headers"][0]
    return header is not None and _strip_unit(header) in set(map(_strip_unit, first))


def _strip_unit(header: str) -> str:
    """A header in the form for comparison, without what stands in brackets and blanks."""
    key = header_key(header).split("(")[0].split("[")[0].split("【")[0]
    for ending in (" min", " mins", " minutes", " sec", " secs", " seconds", " hours", " hrs"):
        key = key.removesuffix(ending)
    return key.removeprefix("お").removeprefix("ご").replace(" ", "") or header_key(header)


def _names_people(name: str, header: str) -> bool:
    return name not in ("customer_id", "answered_by") and personal_data.is_refused(header)


def _explain_missing(
    group: Sequence[str], part: Part, options: Options, ambiguous: Mapping[str, Any]
) -> ColumnError:
    wanted = " or ".join(group)
    for name in group:
        if name in ambiguous:
            fits = ", ".join(map(repr, ambiguous[name]))
            return ColumnError(
                f"{fits} fit {name} equally well: choose one under `columns:`, as in "
                f"columns: {{{name}: {ambiguous[name][0]}}}."
            )
    hint = nearest(group[0], headers.drop_data(part.columns))
    return ColumnError(
        f"no column is mapped to {wanted}.{hint} Map it under `columns:` of {options.name}; "
        f"{part.name or options.source} has: {headers.list_found(part.columns)}."
    )
