"""Parse values of records: words, durations, satisfaction; DuckDB expressions as in `parse`.

NULL where a value cannot be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ltvkit.core import files
from ltvkit.core.personal_data import FORMS, header_key
from ltvkit.engines.sql import literal, once, quoted
from ltvkit.ingest.parse import values
from ltvkit.ingest.parse.values import narrow, parse_text

_WORDS = files.read_yaml(__name__, "words.yaml")
UNITS: dict[str, float] = {name: minutes for name, (minutes, _form) in _WORDS["units"].items()}
_FORMS = {name: form for name, (_minutes, form) in _WORDS["units"].items()}
_HEADERS = {unit: re.compile(form) for unit, form in _WORDS["unit_headers"].items()}
_SATISFIED = {header_key(w): so for so, several in _WORDS["satisfied"].items() for w in several}
_PERSONAL = "|".join((*FORMS["mail"], *FORMS["telephone"]))
_NUMBER = r"\d+(?:\.\d+)?"


def write_key(text: str) -> str:
    """SQL for a text in the form in which words are compared, as `personal_data.header_key` does.

    >>> import duckdb
    >>> duckdb.execute(f"select {write_key(literal('Add_To  Ｃart'))}").fetchall()
    [('add to cart',)]
    """
    plain = f"regexp_replace(trim({narrow(text)}), '[\\s_\\-]+', ' ', 'g')"
    return f"lower(trim({plain}))"


def look_up(text: str, known: Mapping[str, str]) -> str:
    """SQL for what a text is in `known`, whose keys are as `write_key` writes them; else NULL."""
    if not known:
        return "null::varchar"
    names, found = (", ".join(map(literal, part)) for part in (known, known.values()))
    return f"map([{names}], [{found}])[{write_key(text)}]"


def parse_word(header: str, kind: str, *, plain: bool = False) -> str:
    """A label: trimmed, without e-mails and telephone numbers; NULL where it is empty.

    >>> import duckdb
    >>> texts = duckdb.sql("select unnest([' signup a@b.org ', 'view_item', ' ']) as w")
    >>> texts.project(parse_word("w", "VARCHAR")).fetchall()
    [('signup ***',), ('view_item',), (None,)]
    """
    hidden = f"regexp_replace(w, {literal(_PERSONAL)}, '***', 'g')"
    guard = "regexp_matches(w, '[@＠]|[0-9０-９](?:[^0-9０-９]?[0-9０-９]){8}')"
    masked = f"case when {guard} then {hidden} else w end"
    return once(parse_text(header, kind, plain=plain), "w", masked)


def find_unit(header: str) -> str:
    """The unit that a header says its durations are in; "" where it says none.

    >>> [find_unit(h) for h in ("first reply (hrs)", "対応時間(秒)", "wait_minutes", "対応時間")]
    ['hours', 'seconds', 'minutes', '']
    """
    key = header_key(header)
    return next((unit for unit, form in _HEADERS.items() if form.search(key)), "")


def parse_minutes(header: str, kind: str, *, unit: str, decimal: str = ".") -> str:
    """A duration in minutes: a number in `unit`, 1:30 (hours and minutes), 0:05:00, or with units
    as in 1h 30m, 90 min, 1時間30分. None is below zero.

    >>> import duckdb
    >>> texts = "select unnest(['90', '1:30', '1時間30分', '45 sec', '2.5 hours', '-3']) as t"
    >>> duckdb.sql(texts).project(parse_minutes("t", "VARCHAR", unit="minutes")).fetchall()
    [(90.0,), (90.0,), (90.0,), (0.75,), (150.0,), (None,)]
    """
    if kind == "INTERVAL":
        return f"epoch({quoted(header)}) / 60"
    if kind == "TIME":
        return f"epoch({quoted(header)}) / 60"
    number = values.parse_number(header, kind, decimal=decimal)
    least = f"{number} * {UNITS[unit]}"
    if values.is_number(kind):
        return once(least, "m", "case when m >= 0 then m end")
    text = f"lower({narrow(parse_text(header, kind))})"
    read = f"coalesce({least}, {_parse_clock('t')}, {_parse_units('t')})"
    return once(text, "t", once(read, "m", "case when m >= 0 then m end"))


def _parse_clock(t: str) -> str:
    form = r"^(\d{1,4}):([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?$"
    parts = f"regexp_extract({t}, '{form}', ['h', 'm', 's'])"
    spent = (
        "try_cast(c['h'] as double) * 60 + try_cast(c['m'] as double) "
        "+ coalesce(try_cast(c['s'] as double), 0) / 60"
    )
    return once(parts, "c", spent)


def _parse_units(t: str) -> str:
    each = {
        unit: f"try_cast(regexp_extract({t}, {literal(_behind(form))}, 1) as double) * {minutes}"
        for (unit, form), minutes in zip(_FORMS.items(), UNITS.values(), strict=True)
    }
    whole = "".join(rf"(?:{_NUMBER} *{_FORMS[unit]}[ ,]*)?" for unit in reversed(_FORMS))
    summed = " + ".join(f"coalesce({sql}, 0)" for sql in each.values())
    return f"case when {t} > '' and regexp_full_match({t}, {literal(whole)}) then {summed} end"


def _behind(form: str) -> str:
    return rf"({_NUMBER}) *{form}(?:[^a-z]|$)"


def parse_score(header: str, kind: str, *, decimal: str = ".") -> str:
    """A satisfaction as it is written: 4, 4/5, 80%, ★★★★☆, or a word (good 1, bad 0).

    >>> import duckdb
    >>> texts = "select unnest(['4', '4 / 5', '★★★☆☆', '80%', '満足', 'x']) as t"
    >>> duckdb.sql(texts).project(parse_score("t", "VARCHAR")).fetchall()
    [(4.0,), (4.0,), (3.0,), (80.0,), (1.0,), (None,)]
    """
    number = values.parse_number(header, kind, decimal=decimal)
    if values.is_number(kind):
        return number
    of = r"^(\d+(?:\.\d+)?) *(?:/ *\d+|%|点)$"
    filled = "length(regexp_replace(t, '☆', '', 'g'))"
    stars = f"case when regexp_full_match(t, '[★⭐]+☆*') then {filled} end"
    shown = f"try_cast(regexp_extract(t, '{of}', 1) as double)"
    word = f"try_cast({look_up('t', _SATISFIED)} as double)"
    text = narrow(parse_text(header, kind))
    return once(text, "t", f"coalesce({number}, {shown}, {stars}::double, {word})")


def is_satisfied_word(text: str) -> str:
    """SQL: whether a text is a word for content or for not, as good and bad."""
    return f"{look_up(text, _SATISFIED)} is not null"


def is_unanswered(text: str) -> str:
    """SQL: whether a text says that nobody answered, so that it is no unreadable value."""
    words = ", ".join(literal(header_key(w)) for w in _WORDS["unanswered"])
    return f"coalesce({write_key(text)} in ({words}), true)"


def normalize(names: Iterable[str]) -> list[str]:
    """Words of the params, as `write_key` writes those that are read."""
    return [header_key(name) for name in names]
