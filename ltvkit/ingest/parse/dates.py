"""Parse dates: DuckDB expressions, NULL where a date cannot be read.

Year first only: 03/04/2024 is April in one country and March in another, so it needs a declared
format. A time with a zone counts on the day of the shop's zone.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterable, Mapping
from functools import cache

from ltvkit.engines.connection import connect
from ltvkit.engines.sql import literal, once, quoted
from ltvkit.errors import ParamsError, nearest
from ltvkit.ingest.parse.values import narrow, parse_text, trim

# An earlier year has two digits read as four, or is a placeholder.
FIRST, LAST = "1900-01-01", "9999-12-31"
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
_SERIAL = r"^(?:[2-7]\d{4}|80000)(?:\.\d*)?$"


def parse_date(column: str, kind: str, *, date_format: str = "", zone: str = "UTC") -> str:
    """A day, as the timestamp of its midnight; with a `date_format`, texts in that form only.

    Reads 2024-01-05, 2024/1/5, 2024.1.5, 20240105, 2024年1月5日, 令和6年1月5日, R6.1.5, a time
    after any of them, the serials of Excel (45296), and instants as 2024-01-05T23:30:00+09:00.

    >>> import duckdb
    >>> written = duckdb.sql("select unnest(['令和6年1月5日', '2024-01-05T16:00Z', '1/5']) as day")
    >>> days = written.project(parse_date("day", "VARCHAR", zone="Asia/Tokyo") + "::date::varchar")
    >>> days.fetchall()
    [('2024-01-05',), ('2024-01-06',), (None,)]
    """
    name = quoted(column)
    if kind.startswith(("DATE", "TIMESTAMP")):
        # By the clock of `zone`: the day must not depend on the machine's own.
        local = _to_zone(name, zone) if kind.endswith("TIME ZONE") else name
        return f"case when {_is_plausible(f'{local}::date')} then {local}::date::timestamp end"
    x = name if kind == "VARCHAR" else "x"
    read = _parse_declared(x, date_format, zone) if date_format else _parse_undeclared(x, zone)
    return read if kind == "VARCHAR" else once(parse_text(column, kind), "x", read)


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


def check_format(date_format: str) -> None:
    """Raise `ParamsError` unless a day written in this form can be read back.

    >>> check_format("dd/mm/yyyy")
    Traceback (most recent call last):
    ltvkit.errors.ParamsError: date_format='dd/mm/yyyy' does not give a year, month and day: \
write it with %Y (or %y), %m and %d, as "%d/%m/%Y".
    """
    import duckdb

    form = literal(date_format)
    back = f"try_strptime(strftime(timestamp '2024-11-28', {form}), {form})::date"
    try:
        same = connect().execute(f"select {back} = date '2024-11-28'").fetchone()[0]
    except duckdb.Error:
        same = False
    if not same:
        raise ParamsError(
            f"date_format={date_format!r} does not give a year, month and day: "
            'write it with %Y (or %y), %m and %d, as "%d/%m/%Y".'
        )


def guess_format(samples: Iterable[str]) -> list[str]:
    """Written dates -> the formats that fit all of them; [""] if `parse_date` needs none.

    Several formats are ambiguous: the shop must choose. None: no known format fits.

    >>> guess_format(["2024-01-05"]), guess_format(["13/04/2024", "01/05/2024"])
    ([''], ['%d/%m/%Y'])
    >>> guess_format(["03/04/2024"])
    ['%d/%m/%Y', '%m/%d/%Y']
    """
    texts = [s for s in samples if s and s.strip()]
    if not texts:
        return []
    if _find_fitting(texts, {"": parse_date("x", "VARCHAR")}):
        return [""]
    # Nearly all are ruled out by their form alone, which is a tenth of the work.
    near = _find_fitting(texts, {f: _match_format(f) for f in _list_formats()})
    return _find_fitting(texts, {f: parse_date("x", "VARCHAR", date_format=f) for f in near})


def _find_fitting(texts: list[str], readings: Mapping[str, str]) -> list[str]:
    """Of `readings` (format -> SQL of `x`, or of `narrowed`) those that read all the texts."""
    import pyarrow as pa

    if not readings:
        return []
    connection = connect()
    connection.register("written", pa.table({"x": pa.array(texts, pa.string())}))
    fits = ", ".join(f"count({read}) = count(*)" for read in readings.values())
    rows = f"select x, {narrow('x')} as narrowed from written"
    found = connection.execute(f"select {fits} from ({rows})").fetchall()[0]
    return [form for form, fit in zip(readings, found, strict=True) if fit]


def _match_format(form: str) -> str:
    """NULL where `x` and `narrowed` hold no day in this form, plausible or not."""
    tried = (f"try_strptime({text}, {literal(form)})" for text in ("x", "narrowed"))
    return f"coalesce({', '.join(tried)})"


def _list_formats() -> list[str]:
    orders = ("%d{0}%m{0}%Y", "%m{0}%d{0}%Y", "%d{0}%m{0}%y", "%m{0}%d{0}%y", "%y{0}%m{0}%d")
    days = [order.format(mark) for mark in ("/", "-", ".", "") for order in orders]
    days += ["%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y"]
    times = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
    return [day + time for time, day in itertools.product(times, days)]


def _parse_declared(x: str, date_format: str, zone: str) -> str:
    def read(sql: str) -> str:
        found = f"try_strptime({sql}, {literal(date_format)})"
        return f"{_to_zone(found, zone) if '%z' in date_format.lower() else found}::date"

    plausible = f"case when {_is_plausible('d')} then d end"
    found = once(f"coalesce({read(x)}, {read(narrow(x))})", "d", plausible)
    # A text without a digit is no date: "epoch" and "infinity" would be one to strptime.
    return f"case when regexp_matches({x}, '[0-9０-９]') then {found} end::timestamp"


def _parse_undeclared(x: str, zone: str) -> str:
    bare = f"try_cast({x} as date)"
    # Too short for a time, or a time without a zone, first as most write it: the cast would drop
    # the zone.
    zoneless = (
        f"strlen({x}) between 8 and 10 or ({x} like '____-__-_____:__:__' and {x} not like '%Z') "
        f"or regexp_matches({x}, '{_INSTANT}$')"
    )
    rich = once(narrow(trim(x)), "t", _parse_rich("t", zone))
    return (
        f"case when {_is_plausible(bare)} and ({zoneless}) then {bare} "
        f"when {x} > '' then {rich} end::timestamp"
    )


def _parse_rich(t: str, zone: str) -> str:
    joined = f"replace(replace({t}, ' +', '+'), ' -', '-')"
    days = f"try_cast({t}[:5] as integer)"
    readings = {
        f"{_INSTANT}{_ZONE}$": _to_zone(f"try_cast({joined} as timestamptz)", zone) + "::date",
        _WRITTEN: f"try_cast(regexp_replace({t}, '{_WRITTEN}', '\\1\\4-\\2\\5-\\3\\6') as date)",
        # Day 60 is a 29 February 1900 that never was; later days count as from 1899-12-30.
        _SERIAL: f"date '1899-12-30' + {days}",
    }
    tried = [f"when regexp_matches({t}, '{form}') then {day}" for form, day in readings.items()]
    eras = ", ".join(_parse_era(t, *era) for era in ERAS)
    return f"case {' '.join(tried)} else coalesce({eras}) end"


def _parse_era(t: str, name: str, mark: str, before: int, first: str, last: str) -> str:
    written = rf"^(?:{name}|(?i:{mark})\.?) ?(\d{{1,2}}|元){_MONTH_DAY}(?:{_TIME})?$"
    parts = f"regexp_extract({t}, '{written}', ['y', 'm', 'd'])"
    # By ['y']: p.y would be the field of a column that is named p.
    year = f"({before} + try_cast(replace(p['y'], '元', '1') as integer))"
    day = once(parts, "p", f"try_cast(concat({year}, '-', p['m'], '-', p['d']) as date)")
    return once(day, "d", f"case when d between '{first}' and '{last}' then d end")


def _to_zone(instant: str, zone: str) -> str:
    return f"timezone({literal(zone)}, {instant})"


def _is_plausible(day: str) -> str:
    return f"{day} between '{FIRST}' and '{LAST}'"
