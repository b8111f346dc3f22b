"""How one written value becomes an id, a date or a number: DuckDB expressions over raw columns.

Each function takes the raw column's name and DuckDB type and gives SQL that is NULL where the
value cannot be read, never an error and never a guess.
"""

from __future__ import annotations

# Year first only: 03/04/2024 is April in one country and March in another, so it is read only
# with a declared format.
DATE_FORMATS = [
    f"{date}{time}"
    for date in ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d")
    for time in ("", " %H:%M", " %H:%M:%S", "T%H:%M:%S", " %H:%M:%S.%f", "T%H:%M:%S.%f")
]

# A year before this is one of two digits, read as if it had four.
FIRST_YEAR = 1900

# Accountants' minus signs: triangles, and the minus of typography.
_MINUS = "[△▲\u2212]"
_WIDE, _NARROW = "０１２３４５６７８９，．－（）", "0123456789,.-()"
_GROUPED = r"^[-+]?\d{1,3}(,\d{3})+(\.\d*)?$"


def quoted(name: str) -> str:
    """A column name as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def text(column: str, kind: str) -> str:
    """An id or a name: trimmed; NULL where empty. A whole number loses no digit, gains no '.0'."""
    name = quoted(column)
    if kind in ("DOUBLE", "FLOAT"):
        whole = f"isfinite({name}) and {name} = floor({name}) and abs({name}) < 1e18"
        other = f"nullif({name}, 'nan')::varchar"
        return f"case when {whole} then {name}::bigint::varchar else {other} end"
    return f"nullif(trim({name}::varchar), '')"


def date(column: str, kind: str, date_format: str = "") -> str:
    """A day, as the timestamp of its midnight. A time with a zone counts by the day in UTC."""
    name = quoted(column)
    if kind.endswith("TIME ZONE"):
        # By the clock of UTC: the day must not depend on the machine's own zone.
        return f"date_trunc('day', make_timestamp(epoch_us({name})))"
    if kind.startswith(("DATE", "TIMESTAMP")):
        return f"date_trunc('day', {name}::timestamp)::timestamp"
    formats = [date_format] if date_format else DATE_FORMATS
    listed = ", ".join(literal(f) for f in formats)
    day = f"date_trunc('day', try_strptime(trim({name}::varchar), [{listed}]))::timestamp"
    return f"case when year({day}) >= {FIRST_YEAR} then {day} end"


def number(column: str, kind: str) -> str:
    """A quantity or an amount of money: 1200, 1,200, -1,200.50, ¥1,200, 1,200円, △500, (500)."""
    name = quoted(column)
    if kind != "VARCHAR":
        return f"case when isfinite({name}::double) then {name}::double end"
    narrow = f"translate(trim({name}), '{_WIDE}', '{_NARROW}')"
    bare = rf"regexp_replace({narrow}, '[¥￥$€£円\s]', '', 'g')"
    signed = rf"regexp_replace({bare}, '^(?:{_MINUS}|\((.*)\)$)', '-\1')"
    grouped = f"regexp_matches({signed}, '{_GROUPED}')"
    value = (
        f"try_cast(case when {grouped} then replace({signed}, ',', '') else {signed} end as double)"
    )
    return f"case when isfinite({value}) then {value} end"
