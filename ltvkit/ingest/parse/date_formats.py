"""The policy `date_format`: how dates are declared to be written, and SQL that reads them so.

One format, or several with " | " between them, tried in this order. A format is `YEAR_FIRST`, one
of `UNIX`, or of %d, %m, %Y and the like, with "Buddhist " before it where years count from 543 BC.
%b is a month's name in many languages, %Z a zone's as in dates.yaml.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from ltvkit.core import files
from ltvkit.engines.connection import connect
from ltvkit.engines.sql import literal, once
from ltvkit.errors import ParamsError
from ltvkit.ingest.parse.values import narrow

BETWEEN = " | "
YEAR_FIRST = "year first"
# Name -> how many of it are a second.
UNIX = {"unix seconds": 1, "unix milliseconds": 1_000, "unix microseconds": 1_000_000}
BUDDHIST, _BUDDHIST_YEARS = "Buddhist ", 543

_NAMES = files.read_yaml(__name__, "dates.yaml")
MONTHS = {name: month for month, names in _NAMES["months"].items() for name in names}
ZONES = _NAMES["zones"]
_NAMED_ZONE = re.compile(rf" ?(?:%Z|(?<=[SMpf ])(?:{'|'.join(ZONES)}))$")
_OFFSET = re.compile(r" ?%z$")


def split_formats(date_format: str) -> list[str]:
    """The formats of a policy, in the order in which they are tried.

    >>> split_formats("%d/%m/%Y | year first")
    ['%d/%m/%Y', 'year first']
    """
    return [form.strip() for form in date_format.split(BETWEEN.strip())]


def names_months(form: str) -> bool:
    """Whether a format has no day, so that it names months only.

    >>> names_months("%Y-%m"), names_months("%Y-%m-%d")
    (True, False)
    """
    return "%m" in form.replace("%-", "%").replace("%B", "%m").replace("%b", "%m") and not (
        re.search(r"%-?[djxc]", form)
    )


def add_utc(form: str) -> str:
    """A format of times without a zone, with the mark of UTC after them; others as they are.

    >>> add_utc("%d/%m/%Y %H:%M"), add_utc("%d/%m/%Y")
    ('%d/%m/%Y %H:%M UTC', '%d/%m/%Y')
    """
    bare = re.search("%-?[HI]", form) and "%z" not in form and not _NAMED_ZONE.search(form)
    return f"{form} UTC" if bare else form


def check_format(date_format: str) -> None:
    """Raise `ParamsError` unless a day, or a month, in each of these formats can be read back.

    >>> check_format("dd/mm/yyyy")
    Traceback (most recent call last):
    ltvkit.errors.ParamsError: date_format='dd/mm/yyyy' does not give a year, month and day: \
write it with %Y (or %y), %m and %d, as "%d/%m/%Y".
    """
    for form in split_formats(date_format):
        if form not in (YEAR_FIRST, *UNIX) and not _reads_back(form.removeprefix(BUDDHIST)):
            raise ParamsError(
                f"date_format={form!r} does not give a year, month and day: "
                'write it with %Y (or %y), %m and %d, as "%d/%m/%Y".'
            )


def _reads_back(form: str) -> bool:
    import duckdb

    if form == YEAR_FIRST:
        return True
    sure = _NAMED_ZONE.sub("", form)
    day = "2024-11-01" if names_months(form) else "2024-11-28"
    back = f"try_strptime(strftime(timestamp '{day}', {literal(sure)}), {literal(sure)})::date"
    try:
        return connect().execute(f"select {back} = date '{day}'").fetchone()[0] is True
    except duckdb.Error:
        return False


def parse_format(x: str, form: str, zone: str, kind: str = "date") -> str:
    """SQL for the day of a text in a format other than `YEAR_FIRST`; NULL where it is not in it.

    A time with a zone counts on the day that is written, or on that of `zone` where one is given.
    With the `kind` "timestamp", SQL for the time by the same clock.
    """
    if form in UNIX:
        digits = f"regexp_matches({x}, '^[0-9]{{9,16}}([.][0-9]*)?$')"
        instant = f"to_timestamp(try_cast({x} as double) / {UNIX[form]})"
        return f"case when {digits} then timezone({literal(zone or 'UTC')}, {instant})::{kind} end"
    if form.startswith(BUDDHIST):
        common = form.removeprefix(BUDDHIST)
        return subtract_buddhist(x, lambda y: parse_format(y, common, zone, kind))
    plain = form.replace("%B", "%b")
    named = plain != form or "%b" in form
    texts = [(x, form), (narrow(x), form)]
    if named:
        texts = [(x, form), (_translate_month(narrow(x)), strip_accents(plain))]
    return f"coalesce({', '.join(_parse_time(sql, f, zone, kind) for sql, f in texts)})"


def subtract_buddhist(x: str, read: Callable[[str], str]) -> str:
    """SQL for a text with a Buddhist year by `read`, once the year is that of the common era."""
    year = f"regexp_extract({x}, '2[4-6][0-9][0-9]')"
    common = f"replace({x}, y, (try_cast(y as integer) - {_BUDDHIST_YEARS})::varchar)"
    return once(year, "y", f"case when y > '' then {once(common, 'b', read('b'))} end")


def strip_accents(text: str) -> str:
    """A text without accents, as the names of months in dates.yaml are."""
    marked = unicodedata.normalize("NFD", text)
    return "".join(c for c in marked if not unicodedata.combining(c))


def _parse_time(x: str, form: str, zone: str, kind: str) -> str:
    """SQL for the day or the time of a text by strptime, its zone read apart."""
    if _NAMED_ZONE.search(form):
        body = f"regexp_replace({x}, ' ?[A-Z]+$', '')"
        local = f"try_strptime({body}, {literal(_NAMED_ZONE.sub('', form))})"
        if not zone:
            return f"{local}::{kind}"
        ahead = f"map {ZONES_AS_MINUTES}[regexp_extract({x}, '([A-Z]+)$', 1)]"
        instant = f"timezone('UTC', {local} - to_minutes({ahead}))"
        return f"timezone({literal(zone)}, {instant})::{kind}"
    if "%z" in form and (zone or not _OFFSET.search(form)):
        return f"timezone({literal(zone or 'UTC')}, try_strptime({x}, {literal(form)}))::{kind}"
    if "%z" in form:
        written = f"regexp_extract({x}, '^(.*?) ?[-+][0-9]{{2}}:?(?:[0-9]{{2}})?$', 1)"
        return f"try_strptime({written}, {literal(_OFFSET.sub('', form))})::{kind}"
    return f"try_strptime({x}, {literal(form)})::{kind}"


def _translate_month(x: str) -> str:
    """SQL for a text with the first name of a month in it in short English, without accents."""
    names = "|".join(sorted(MONTHS, key=len, reverse=True))
    pairs = ", ".join(f"'{name}': '{month}'" for name, month in MONTHS.items())
    found = f"regexp_extract(t, '(?i)(?:^|[^a-z])({names})(?:[^a-z]|$)', 1)"
    english = f"map {{{pairs}}}[lower(w)]"
    replaced = f"replace(replace(t, w || '.', {english}), w, {english})"
    plain = f"replace(strip_accents({x}), 'ı', 'i')"
    return once(plain, "t", once(found, "w", f"case when w > '' then {replaced} end"))


def _count_minutes(offset: str) -> int:
    hours, minutes = offset[1:].split(":")
    return (int(hours) * 60 + int(minutes)) * (-1 if offset[0] == "-" else 1)


ZONES_AS_MINUTES = (
    "{" + ", ".join(f"'{name}': {_count_minutes(offset)}" for name, offset in ZONES.items()) + "}"
)
