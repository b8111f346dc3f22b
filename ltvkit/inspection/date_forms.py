"""Find in which form dates are written, from samples of them."""

from __future__ import annotations

import datetime as dt
import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ltvkit.engines.connection import connect
from ltvkit.ingest.parse import dates
from ltvkit.ingest.parse.date_formats import (
    BETWEEN,
    BUDDHIST,
    UNIX,
    YEAR_FIRST,
)
from ltvkit.ingest.parse.placeholder_days import names_placeholder

# The share of the samples that forms must read, as the others may be typing errors; where no forms
# do, the share with which they are better than none.
ENOUGH = 0.98, 0.8
MOST_FORMS, MOST_TIMES = 3, 4  # of days, and of times after them, in one column
_SINCE = 631_152_000  # of seconds since 1970: the year 1990
_CLOCK = re.compile(
    r"(?P<between>(?<=\w)[^\d:]{1,5})(?P<hour>\d{1,2}):\d\d(?P<second>:\d\d)?(?P<part>\.\d{1,6})?"
    r"(?P<noon> ?[AaPp][Mm])?(?P<zone> ?(?:[A-Z]{1,4}|[-+]\d\d:?\d\d))?$"
)
_NUMERIC = ("%d{0}%m{0}%Y", "%m{0}%d{0}%Y", "%d{0}%m{0}%y", "%m{0}%d{0}%y", "%y{0}%m{0}%d")
_NAMED = ("%d{0}%b{0}%Y", "%d{0}%b{0}%y", "%b{0}%d{0}%Y", "%b{0}%d{0}%y", "%Y{0}%b{0}%d")
_DAYS = (
    *(form.format(mark) for mark in ("/", "-", ".", "") for form in _NUMERIC),
    *(form.format(mark) for mark in (" ", "-", "/", ".", "") for form in _NAMED),
    *("%b %d, %Y", "%d. %b %Y", "%d de %b de %Y", "%a, %d %b %Y", "%a, %b %d, %Y", "%y年%m月%d日"),
)
_MONTHS = (
    *("%Y-%m", "%Y/%m", "%Y.%m", "%Y%m", "%m/%Y", "%m-%Y", "%m.%Y", "%Y年%m月"),
    *("%b %Y", "%b-%Y", "%b-%y", "%b %y", "%b, %Y", "%Y %b", "%Y-%b"),
)


def guess_formats(samples: Iterable[str]) -> list[str]:
    """Written dates -> each `date_format` that fits them; [""] if they are read without one.

    Several are ambiguous: the shop must choose. None: no known form fits. One of several forms
    names them all, for a column that holds more than one.

    >>> guess_formats(["2024-01-05"]), guess_formats(["13/04/2024", "01/05/2024"])
    ([''], ['%d/%m/%Y'])
    >>> guess_formats(["03/04/2024"])
    ['%d/%m/%Y', '%m/%d/%Y']
    >>> guess_formats(["04/13/2024", "04/14/2024", "2024-04-15"])
    ['%m/%d/%Y | year first']
    """
    # Days that mean none must not decide on the form of the others.
    days = (s for s in samples if s and re.search(r"[1-9]", s) and not names_placeholder(s))
    texts = sorted({s.strip() for s in days})
    if not texts:
        return []
    read = _read(texts, [YEAR_FIRST])
    if len(read.get(YEAR_FIRST, ())) == len(texts):
        return [""]
    read = _read(texts, [*_list_forms(texts), YEAR_FIRST])
    for least, size in itertools.product(ENOUGH, range(1, MOST_FORMS + 1)):
        found = [
            forms
            for forms in itertools.combinations(read, size)
            if len(set().union(*(read[f] for f in forms))) >= least * len(texts)
        ]
        if found:
            orders = itertools.chain(*(_order(forms, read) for forms in found))
            return [_join(forms, texts) for forms in orders]
    return []


def _read(texts: Sequence[str], forms: Sequence[str]) -> dict[str, dict[int, dt.date]]:
    """Each form that reads any of the texts -> number of a text -> its day."""
    import pyarrow as pa

    table = pa.table({"n": range(len(texts)), "x": pa.array(texts, pa.string())})
    frame = connect().from_arrow(table)
    days = [f"{dates.parse_date('x', 'VARCHAR', date_format=f)}::date" for f in forms]
    counts = frame.aggregate(", ".join(f"count({day})" for day in days)).fetchall()[0]
    used = [(f, day) for f, day, count in zip(forms, days, counts, strict=True) if count]
    if not used:
        return {}
    rows = frame.project(", ".join(["n", *(day for _form, day in used)])).fetchall()
    read = {
        form: {row[0]: row[k] for row in rows if row[k]} for k, (form, _day) in enumerate(used, 1)
    }
    return dict(_drop_equal(read))


def _drop_equal(read: Mapping[str, Mapping]) -> Iterator[tuple[str, Mapping]]:
    """Forms without those that read what an earlier one reads, with the parts in the same order."""
    kept: list[tuple[list[str], Mapping]] = []
    for form, days in read.items():
        parts = re.findall(r"%-?([a-zA-Z])", form)
        if (parts, days) not in kept:
            kept.append((parts, days))
            yield form, days


def _order(forms: Sequence[str], read: Mapping[str, Mapping]) -> Iterator[Sequence[str]]:
    """The orders in which forms may be tried: each, if two of them differ on a text."""
    pairs = itertools.combinations((read[f].items() for f in forms), 2)
    alike = all(dict(one)[n] == day for one, other in pairs for n, day in other if n in dict(one))
    return iter([forms]) if alike else itertools.permutations(forms)


def _join(forms: Iterable[str], texts: Sequence[str]) -> str:
    """Forms as one `date_format`, without those for times that no text has."""
    parts = [part for form in forms for part in form.split(BETWEEN)]
    read = _read(texts, parts) if parts[1:] else parts
    joined = BETWEEN.join(part for part in parts if part in read)
    return joined if joined != YEAR_FIRST else ""


def _list_forms(texts: Sequence[str]) -> Iterator[str]:
    """The forms that the texts may have, with the times of day that they have."""
    texts = [unicodedata.normalize("NFKC", text) for text in texts]
    times = [_find_time(text) for text in texts]
    ends = list(dict.fromkeys(times))[:MOST_TIMES]
    seen = {_reduce(_CLOCK.sub("", text)) for text in texts}
    days = [form for form in _DAYS if _reduce(form) in seen]
    yield from (BETWEEN.join(day + end for end in ends) for day in days)
    yield from (form for form in _MONTHS if _reduce(form) in seen)
    yield from _list_rare_forms(texts, days, ends)


def _reduce(written: str) -> str:
    """A date, or the form of one, by its marks alone: each number as 0, each word as a.

    >>> _reduce("05-oct.-26"), _reduce("%d-%b-%y")
    ('0-a-0', '0-a-0')
    """
    plain = re.sub("(?:%[abB])+", "a", re.sub("(?:%[dmYy])+", "0", written))
    return re.sub(r"[^\W\d_]+\.?", "a", re.sub(r"\d+", "0", plain))


def _list_rare_forms(
    texts: Sequence[str], days: Sequence[str], ends: Sequence[str]
) -> Iterator[str]:
    """Buddhist years, and times counted since 1970."""
    if any(re.search(r"(?<!\d)2[4-6]\d\d(?!\d)", t) for t in texts):
        yield BUDDHIST + YEAR_FIRST
        full = [day for day in days if "%Y" in day]
        yield from (BETWEEN.join(BUDDHIST + day + end for end in ends) for day in full)
    numbers = [float(t) for t in texts if re.fullmatch(r"\d{9,16}(\.\d*)?", t)]
    units = [form for form, unit in UNIX.items() if numbers and min(numbers) / unit > _SINCE]
    yield from units[-1:]


def _find_time(text: str) -> str:
    """The time at the end of a text, as a format; empty if there is none.

    >>> _find_time("Jan 5, 2024, 3:04:05 PM"), _find_time("05/01/2024 10:30 UTC")
    (', %I:%M:%S %p', ' %H:%M %Z')
    """
    found = _CLOCK.search(text)
    if not found:
        return ""
    noon, zone = found["noon"] or "", found["zone"] or ""
    between = found["between"].replace("%", "%%")
    clock = ("%I:%M" if noon else "%H:%M") + ":%S" * bool(found["second"])
    clock += ".%f" * bool(found["part"]) + " " * noon.startswith(" ") + "%p" * bool(noon)
    kind = "%z" if re.search(r"\d", zone) else "%Z"
    return between + clock + (" " * zone.startswith(" ") + kind) * bool(zone)
