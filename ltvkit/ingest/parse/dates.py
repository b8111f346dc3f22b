"""Parse dates: DuckDB expressions, NULL where a date cannot be read.

Year first only: 03/04/2024 is April in one country and March in another, so it needs a declared
format. A time with a zone counts on the day that is written, or on that of a declared zone.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from functools import cache

from ltvkit.engines.connection import connect
from ltvkit.engines.sql import literal, once, quoted
from ltvkit.errors import ParamsError, nearest
from ltvkit.ingest.parse import date_formats
from ltvkit.ingest.parse.values import narrow, parse_text, trim

# An earlier year has two digits read as four; a later one is Buddhist, or means no day.
FIRST, LAST = "1900-01-02", "2199-12-31"
# Era, its other mark, the year before its first, and the days that it lasted.
ERAS = (
    ("令和", "R", 2018, "2019-05-01", LAST),
    ("平成", "H", 1988, "1989-01-08", "2019-04-30"),
    ("昭和", "S", 1925, "1926-12-25", "1989-01-07"),
)

_YEAR, _MINUTE = r"((?:19|[2-9]\d)\d\d)", r"[0-5]\d"
_HOUR = r"(?:[01]?\d|2[0-3])"
_CLOCK = rf"(?:{_HOUR}:{_MINUTE}(?::{_MINUTE}(?:\.\d+)?)?|24:00(?::00)?)"
_INSTANT = rf"^{_YEAR}[-/]\d\d?[-/]\d\d?[T ]{_CLOCK}"
_ZONE = rf"(?:Z| UTC| GMT| JST| ?[-+](?:0\d|1[0-4])(?::?{_MINUTE})?)"

_MONTH_DAY = r" ?[-/.年] ?(\d{1,2}) ?[-/.月] ?(\d{1,2})日?(?: ?\([日月火水木金土]\))?"
_TIME = (
    r"(?:T| +|\b| *(?:午前|午後|[AaPp][Mm]) ?)"
    rf"(?:{_CLOCK}|{_HOUR}時(?: ?[0-5]?\d分(?: ?[0-5]?\d秒)?)?)(?: ?[AaPp][Mm])?"
)
_PACKED = rf"{_YEAR}(\d\d)(\d\d)(?:[T ]?(?:[01]\d|2[0-3]){_MINUTE}(?:{_MINUTE})?)?"
_WRITTEN = rf"^(?:{_YEAR}{_MONTH_DAY}(?:{_TIME})?|{_PACKED}(?:{_TIME})?)$"
_AT_CLOCK = rf":{_MINUTE}(?:\.\d+)?(?: ?[AaPp][Mm])?$"
_UTC_HEADER = re.compile(r"(?i)(?<![a-z])(?:utc|gmt)(?![a-z]|\s*[-+]\s*\d)")
_SERIAL = r"^(?:[2-7]\d{4}|80000)(?:\.\d*)?$"


def parse_date(
    column: str, kind: str, *, date_format: str = "", zone: str = "", in_utc: bool = False
) -> str:
    """A day, as the timestamp of its midnight; with a `date_format`, texts in that form only.

    Reads 2024-01-05, 2024/1/5, 2024.1.5, 20240105, 2024年1月5日, 令和6年1月5日, R6.1.5, a time
    after any of them, the serials of Excel (45296), and instants as 2024-01-05T23:30:00+09:00:
    their day as written, or with `zone` their day there. Those of
    `placeholder_days` are no day. `in_utc`: times without a zone are of UTC, as the header says.

    >>> import duckdb
    >>> written = duckdb.sql("select unnest(['令和6年1月5日', '2024-01-05T16:00Z', '1/5']) as day")
    >>> days = written.project(parse_date("day", "VARCHAR", zone="Asia/Tokyo") + "::date::varchar")
    >>> days.fetchall()
    [('2024-01-05',), ('2024-01-06',), (None,)]
    """
    name = quoted(column)
    if kind.startswith(("DATE", "TIMESTAMP")):
        # By the clock of `zone`: the day must not depend on the machine's own.
        instant = f"timezone('UTC', {name})" if in_utc and kind.startswith("TIMESTAMP") else ""
        instant = name if kind.endswith("TIME ZONE") else instant
        local = _to_zone(instant, zone or "UTC") if instant else name
        return f"case when {is_plausible(f'{local}::date')} then {local}::date::timestamp end"
    x = name if kind == "VARCHAR" else "x"
    forms = date_formats.split_formats(date_format or date_formats.YEAR_FIRST)
    read = _parse_forms(x, forms, zone)
    if in_utc and zone:
        marked = f"case when regexp_matches({x}, '{_AT_CLOCK}') then {x} || ' UTC' end"
        known = _parse_forms("u", [date_formats.add_utc(form) for form in forms], zone)
        read = f"coalesce({once(marked, 'u', known)}, {read})"
    return read if kind == "VARCHAR" else once(parse_text(column, kind), "x", read)


def says_utc(header: str) -> bool:
    """Whether a header says that its times are of UTC.

    >>> says_utc("Created (UTC)"), says_utc("created_at_gmt"), says_utc("date (GMT+9)")
    (True, True, False)
    """
    return bool(_UTC_HEADER.search(header))


def normalize_day(day: str) -> str:
    """A day written year first -> the same as 1998-06-30; raises `ParamsError` for any other.

    >>> normalize_day("2024年12月31日"), normalize_day("2024/1/5")
    ('2024-12-31', '2024-01-05')
    """
    found = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", str(day).strip())
    try:
        return str(dt.date(*map(int, found.groups())))
    except (AttributeError, ValueError) as error:
        raise ParamsError(f"{day!r} is not a date: write it as 1998-06-30.") from error


def check_timezone(name: str) -> None:
    """Raise `ParamsError` unless `name` is a time zone.

    >>> check_timezone("Asia/Tokio")
    Traceback (most recent call last):
    ltvkit.errors.ParamsError: timezone='Asia/Tokio' is not known. Did you mean 'Asia/Tokyo'? \
Give its name, as "Asia/Tokyo" or "UTC".
    """
    known = _list_timezones()
    if name not in known:
        raise ParamsError(
            f"timezone={name!r} is not known.{nearest(name, known)} "
            'Give its name, as "Asia/Tokyo" or "UTC".'
        )


@cache
def _list_timezones() -> list[str]:
    return [n for (n,) in connect().execute("select name from pg_timezone_names()").fetchall()]


def _parse_forms(x: str, forms: Sequence[str], zone: str) -> str:
    days = [parse_form(x, form, zone) for form in forms]
    return f"coalesce({', '.join(days)})" if days[1:] else days[0]


def parse_form(x: str, form: str, zone: str) -> str:
    """SQL for the day, as its midnight, of a text in one form; NULL where it is not in it."""
    year_first = date_formats.YEAR_FIRST
    if form == year_first:
        return _parse_undeclared(x, zone)
    if form == date_formats.BUDDHIST + year_first:
        common = date_formats.subtract_buddhist(x, lambda y: _parse_undeclared(y, zone))
        return f"{common}::timestamp"
    found = once(date_formats.parse_format(x, form, zone), "d", _keep_plausible("d"))
    # A text without a digit is no date: "epoch" and "infinity" would be one to strptime.
    return f"case when regexp_matches({x}, '[0-9０-９]') then {found} end::timestamp"


def _parse_undeclared(x: str, zone: str) -> str:
    bare = f"try_cast({x} as date)"
    # Too short for a time, or a time, first as most write it. The cast drops a zone, which
    # gives the day as written.
    dropped = "" if zone else f"(?:{_ZONE})?"
    zoneless = (
        f"strlen({x}) between 8 and 10 or ({x} like '____-__-_____:__:__' and {x} not like '%Z') "
        f"or regexp_matches({x}, '{_INSTANT}{dropped}$')"
    )
    rich = once(narrow(trim(x)), "t", once(_parse_rich("t", zone), "d", _keep_plausible("d")))
    return (
        f"case when {is_plausible(bare)} and ({zoneless}) then {bare} "
        f"when {x} > '' then {rich} end::timestamp"
    )


def _parse_rich(t: str, zone: str) -> str:
    days = f"try_cast({t}[:5] as integer)"
    readings = {
        f"{_INSTANT}{_ZONE}$": _parse_instant(t, zone),
        _WRITTEN: f"try_cast(regexp_replace({t}, '{_WRITTEN}', '\\1\\4-\\2\\5-\\3\\6') as date)",
        # Day 60 is a 29 February 1900 that never was; later days count as from 1899-12-30.
        _SERIAL: f"date '1899-12-30' + {days}",
    }
    tried = [f"when regexp_matches({t}, '{form}') then {day}" for form, day in readings.items()]
    eras = ", ".join(_parse_era(t, *era) for era in ERAS)
    return f"case {' '.join(tried)} else coalesce({eras}) end"


def _parse_instant(t: str, zone: str) -> str:
    if not zone:
        return f"try_cast(regexp_extract({t}, '^[^T ]+') as date)"
    joined = f"replace(replace({t}, ' +', '+'), ' -', '-')"
    return _to_zone(f"try_cast({joined} as timestamptz)", zone) + "::date"


def _parse_era(t: str, name: str, mark: str, before: int, first: str, last: str) -> str:
    written = rf"^(?:{name}|(?i:{mark})\.?) ?(\d{{1,2}}|元){_MONTH_DAY}(?:{_TIME})?$"
    parts = f"regexp_extract({t}, '{written}', ['y', 'm', 'd'])"
    # By ['y']: p.y would be the field of a column that is named p.
    year = f"({before} + try_cast(replace(p['y'], '元', '1') as integer))"
    day = once(parts, "p", f"try_cast(concat({year}, '-', p['m'], '-', p['d']) as date)")
    return once(day, "d", f"case when d between '{first}' and '{last}' then d end")


def _to_zone(instant: str, zone: str) -> str:
    return f"timezone({literal(zone)}, {instant})"


def _keep_plausible(day: str) -> str:
    return f"case when {is_plausible(day)} then {day} end"


def is_plausible(day: str) -> str:
    """SQL: whether a day can be meant: neither far off nor the first that programs count."""
    return f"({day} between '{FIRST}' and '{LAST}' and {day} <> '1970-01-01')"
