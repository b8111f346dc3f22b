"""Parse times of day: DuckDB expressions, NULL where a time cannot be read.

Dates are read as `dates.parse_date` reads them, so a text is a time where it is a day there.
"""

from __future__ import annotations

from ltvkit.engines.sql import literal, once, quoted
from ltvkit.ingest.parse import date_formats, dates
from ltvkit.ingest.parse.values import narrow, parse_text, trim

# A second since 1970 has ten digits from 2001 to 2286, so the number of digits tells the unit.
_DIGITS = {10: 1_000_000, 13: 1_000, 16: 1}  # how many microseconds one is
_UNIX = r"^(?:[1-9]\d{9}(?:\.\d*)?|[1-9]\d{12}(?:\.\d*)?|[1-9]\d{15})$"
_ZONE = r"(?:Z| UTC| GMT| JST| ?[-+](?:0\d|1[0-4])(?::?[0-5]\d)?)"
_INSTANT = rf"^\d{{4}}[-/]\d\d?[-/]\d\d?[T ]\d\d?:\d\d(?::\d\d(?:\.\d+)?)?{_ZONE}$"
# An hour and what follows it: behind a day, so not the first digits of a text.
_CLOCK = (
    r"\D(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d{1,6})?)\d*)?"
    r"|\D(\d{1,2})時(?: ?(\d{1,2})分)?(?: ?(\d{1,2})秒)?"
)
_PACKED = r"^\d{8}[T ]?(\d{2}):?(\d{2}):?(\d{2})?"
_SERIAL = r"^[2-7]\d{4}\.\d+$"  # days of a spreadsheet: the fraction is the time
_LATE, _EARLY = "午後|[Pp][Mm]", "午前|[Aa][Mm]"


def parse_time(
    column: str, kind: str, *, date_format: str = "", zone: str = "", in_utc: bool = False
) -> str:
    """A time by the clock of `zone`, as a timestamp without a zone; with a `date_format`, texts in
    that form only.

    Reads what `dates.parse_date` reads, with the time of day behind it (midnight where none is
    written): 2024-01-05 9:30, 2024年1月5日 午後3時5分, 20240105093000, 2024-01-05T00:30:00Z.
    Without a `date_format`, also seconds, milliseconds and microseconds since 1970, told apart by
    their number of digits. A time with a zone is that of the clock of `zone`; without one, as
    written.

    >>> import duckdb
    >>> texts = "select unnest(['2024/1/5 午後3:05', '2024-01-05T16:00Z', '1704438000']) as t"
    >>> times = parse_time("t", "VARCHAR", zone="Asia/Tokyo") + "::varchar"
    >>> [t for (t,) in duckdb.sql(texts).project(times).fetchall()]
    ['2024-01-05 15:05:00', '2024-01-06 01:00:00', '2024-01-05 16:00:00']
    """
    name = quoted(column)
    if kind.startswith(("DATE", "TIMESTAMP")):
        instant = f"timezone('UTC', {name})" if in_utc and kind.startswith("TIMESTAMP") else ""
        instant = name if kind.endswith("TIME ZONE") else instant
        local = f"timezone({literal(zone or 'UTC')}, {instant})" if instant else name
        return once(f"{local}::timestamp", "p", _keep_plausible("p"))
    x = parse_text(column, kind)
    if date_format:
        forms = date_formats.split_formats(date_format)
        return once(x, "x", f"coalesce({', '.join(_parse_form(f, zone, in_utc) for f in forms)})")
    return once(
        x,
        "x",
        f"coalesce({_parse_form(date_formats.YEAR_FIRST, zone, in_utc)}, {_parse_unix('x', zone)})",
    )


def _parse_form(form: str, zone: str, in_utc: bool) -> str:
    """SQL for the time of the text `x` in a form."""
    if in_utc and zone:
        if form.removeprefix(date_formats.BUDDHIST) == date_formats.YEAR_FIRST:
            clock = ":[0-5][0-9](?:[.][0-9]+)?$"
            marked = f"case when regexp_matches(x, '{clock}') then x || ' UTC' end"
            known = once(marked, "u", _parse_written("u", form, zone))
        else:
            known = _parse_written("x", date_formats.add_utc(form), zone)
        return f"coalesce({known}, {_parse_written('x', form, zone)})"
    return _parse_written("x", form, zone)


def _parse_written(x: str, form: str, zone: str) -> str:
    if form.removeprefix(date_formats.BUDDHIST) != date_formats.YEAR_FIRST:
        found = date_formats.parse_format(x, form, zone, "timestamp")
        plain = once(found, "p", _keep_plausible("p"))
        return f"case when regexp_matches({x}, '[0-9０-９]') then {plain} end"
    day = dates.parse_form(x, form, zone)
    # By a zone, the whole is moved; else the clock is added to the day.
    joined = "replace(replace(replace(n, ' +', '+'), ' -', '-'), '/', '-')"
    instant = f"timezone({literal(zone)}, try_cast({joined} as timestamptz))"
    moved = f"when regexp_matches(n, '{_INSTANT}') then {instant} " if zone else ""
    timed = f"case when d is null then null {moved}else d + {_parse_clock('n')} end"
    rich = once(narrow(trim(x)), "n", once(day, "d", timed))
    if form != date_formats.YEAR_FIRST:
        return rich
    # As most write it: the rest costs ten times as much.
    plain = f"case when {x} like '____-__-__ __:__:__' then try_cast({x} as timestamp) end"
    return f"coalesce({once(plain, 'p', _keep_plausible('p'))}, {rich})"


def _parse_clock(t: str) -> str:
    """SQL for the time of day in a text, as an interval; midnight where there is none."""
    parts = f"regexp_extract({t}, '{_CLOCK}', ['h', 'm', 's', 'jh', 'jm', 'js'])"
    packed = f"regexp_extract({t}, '{_PACKED}', ['h', 'm', 's'])"
    hour, minute, second = (
        f"coalesce(try_cast(c['{p}'] as {kind}), try_cast(c['j{p}'] as {kind}), "
        f"try_cast(k['{p}'] as {kind}), 0)"
        for p, kind in (("h", "integer"), ("m", "integer"), ("s", "double"))
    )
    half = (
        f"case when regexp_matches({t}, '{_LATE}') then {hour} % 12 + 12 "
        f"when regexp_matches({t}, '{_EARLY}') then {hour} % 12 else {hour} end"
    )
    spent = (
        f"to_hours({half}) + to_minutes({minute}) + to_microseconds((({second}) * 1000000)::bigint)"
    )
    clock = once(parts, "c", once(packed, "k", spent))
    fraction = f"to_seconds(round((try_cast({t} as double) % 1) * 86400)::bigint)"
    return f"case when regexp_matches({t}, '{_SERIAL}') then {fraction} else {clock} end"


def _parse_unix(x: str, zone: str) -> str:
    """SQL for the time of a text that counts from 1970, in the unit that its digits tell."""
    whole = f"regexp_extract({x}, '^[0-9]+')"
    units = " ".join(
        f"when {digits} then (try_cast({x} as decimal(38, 6)) * {unit})::bigint"
        for digits, unit in _DIGITS.items()
    )
    instant = f"make_timestamp(case strlen({whole}) {units} end)::timestamp"
    local = f"timezone({literal(zone or 'UTC')}, timezone('UTC', {instant}))"
    sure = once(local, "p", _keep_plausible("p"))
    return f"case when regexp_matches({x}, '{_UNIX}') then {sure} end"


def _keep_plausible(time: str) -> str:
    return f"case when {dates.is_plausible(f'{time}::date')} then {time} end"
