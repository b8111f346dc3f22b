"""What the status of an enquiry says: whether it was solved, and whether it still waits.

DuckDB expressions as in `parse`; the words are in words.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping

from ltvkit.core import files
from ltvkit.core.personal_data import header_key
from ltvkit.engines.sql import literal, once, quoted
from ltvkit.ingest.parse.values import parse_text
from ltvkit.ingest.records.values import write_key

_WORDS = files.read_yaml(__name__, "words.yaml")
_OUTCOMES = {header_key(w): so for so, several in _WORDS["outcomes"].items() for w in several}
_BRACKETS = r" *[(\[【](.*?)[)\]】]? *$"
_SOLVED = {"yes": "true", "solved": "true", "no": "false", "unsolved": "false"}
# A plain yes or no tells nothing of whether an enquiry still waits.
_OPEN = {"waiting": "true", "solved": "false", "unsolved": "false", "closed": "false"}


def parse_solved(header: str, kind: str, decided: Mapping[str, str] | None = None) -> str:
    """Whether an enquiry was solved: yes and no, ○ and ×, 完了; NULL while it waits.

    `decided` is what words mean to the shop, by `write_key`, as the keys of words.yaml.

    >>> import duckdb
    >>> texts = "select unnest(['対応完了', '×', 'In Progress', '完了（返金）', '?']) as t"
    >>> duckdb.sql(texts).project(parse_solved("t", "VARCHAR")).fetchall()
    [(True,), (False,), (None,), (True,), (None,)]
    """
    return quoted(header) if kind == "BOOLEAN" else _find(header, kind, _SOLVED, decided or {})


def parse_open(header: str, kind: str, decided: Mapping[str, str] | None = None) -> str:
    """Whether an enquiry still waits, by the same status; NULL for a plain yes or no.

    >>> import duckdb
    >>> texts = "select unnest(['対応完了', '×', 'In Progress', '返信待ち', '対応不要']) as t"
    >>> duckdb.sql(texts).project(parse_open("t", "VARCHAR")).fetchall()
    [(False,), (None,), (True,), (True,), (False,)]
    """
    return "null::boolean" if kind == "BOOLEAN" else _find(header, kind, _OPEN, decided or {})


def _find(header: str, kind: str, means: Mapping[str, str], decided: Mapping[str, str]) -> str:
    """SQL: what a status means by `means`."""
    return f"try_cast({_choose(_read_outcome(header, kind, decided), means)} as boolean)"


def _read_outcome(header: str, kind: str, decided: Mapping[str, str]) -> str:
    """SQL for the outcome that a text says; NULL where it is not known.

    Words in brackets behind a known one say more of it, as 完了(返金), unless they say something
    else, as クローズ(未解決).
    """
    known = _OUTCOMES | decided
    bare = f"trim(regexp_replace(k, {literal(_BRACKETS)}, ''))"
    inside = f"trim(regexp_extract(k, {literal(_BRACKETS)}, 1))"
    named = {n: _name(k, known) for n, k in {"whole": "k", "bare": bare, "inside": inside}.items()}
    parts = ", ".join(f"'{name}': {sql}" for name, sql in named.items())
    read = """case when p.whole is not null then p.whole
        when p.bare = 'solved' and p.inside in ('no', 'unsolved') then 'unsolved'
        when p.inside is null or p.inside = p.bare then p.bare end"""
    key = write_key(parse_text(header, kind))
    return once(key, "k", once(f"{{{parts}}}", "p", read))


def _name(key: str, known: Mapping[str, str]) -> str:
    """SQL for the outcome of a text that `write_key` wrote."""
    waits = f"regexp_full_match({key}, {literal(_WORDS['waiting_form'])})"
    return f"coalesce({_choose(key, known)}, case when {waits} then 'waiting' end)"


def _choose(key: str, known: Mapping[str, str]) -> str:
    names, found = (", ".join(map(literal, part)) for part in (known, known.values()))
    return f"map([{names}], [{found}])[{key}]"
