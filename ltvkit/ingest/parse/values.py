"""Parse ids, names and numbers: DuckDB expressions over raw columns.

Each function takes a raw column's name and DuckDB type and returns SQL that is NULL where the value
cannot be read. The fast form comes first; the full one is computed only for the rows that remain.
"""

import unicodedata

from ltvkit.engines.sql import literal, once, quoted
from ltvkit.ingest.parse.signs import TOKEN

_NUMERIC = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DECIMAL", "DOUBLE", "FLOAT")
# No-break and ideographic space, byte order mark: with the white space of ASCII, what stands
# around values and is none of them.
_WIDE_BLANKS = "\u00a0\u3000\ufeff"
BLANKS = " \t\n\r\v\f" + _WIDE_BLANKS

# Accountants' triangles, the minus of typography, and the hyphens and dash typed in its place.
_MINUS = "△▲\u2212\u2010\u2011\u2013"
# The apostrophe that groups digits in Switzerland, and what is typed in its place.
APOSTROPHES = "'\u2019\u2018\u00b4`"
# What numbers consist of, besides a slash and a hyphen, as a class of regular expressions.
NUMERALS = f"0-9０-９.,，．+＋－()（）{_MINUS}{APOSTROPHES}\\s{_WIDE_BLANKS}\u2000-\u200a\u202f"
# After a mark: no hundredths, as in 500.- and 500,-; in India 500/-.
_WHOLE = r"[.,/]--?"


def _build_folds() -> tuple[str, str]:
    codes = [0xA0, *range(0x2000, 0x200B), 0x202F, 0x3000, *range(0xFF01, 0xFFEF)]
    pairs = [(chr(c), unicodedata.normalize("NFKC", chr(c))) for c in codes]
    wide, plain = zip(*[(w, p) for w, p in pairs if w != p and len(p) == 1], strict=True)
    return "".join(wide), "".join(plain)


_WIDE, _PLAIN = _build_folds()


def narrow(sql: str) -> str:
    """A text with full-width letters and digits, half-width katakana and wide blanks made plain.

    As Unicode's NFKC does for these characters; others only become composed (NFC).

    >>> import duckdb
    >>> duckdb.execute("select " + narrow("'Ａ１　ｶﾞ'")).fetchall()
    [('A1 ガ',)]
    """
    # Replacing costs a hundred times as much as seeing that there is nothing to replace.
    folded = f"when regexp_matches(v, '[{_WIDE}]') then translate(v, '{_WIDE}', {literal(_PLAIN)})"
    plain = (
        f"case when strlen(v) = length(v) then v else nfc_normalize(case {folded} else v end) end"
    )
    return once(sql, "v", plain)


def is_number(kind: str) -> bool:
    """Whether a DuckDB type is one of numbers, and not of lists of them."""
    return kind.removeprefix("U").startswith(_NUMERIC) and not kind.endswith("]")


def parse_text(column: str, kind: str, *, plain: bool = False) -> str:
    """An id or a name: trimmed; NULL where empty. A whole number loses no digit, gains no '.0'.

    `plain`: no value has other blanks around it than spaces.

    >>> import duckdb
    >>> duckdb.sql("select ' 007　' as id").project(parse_text("id", "VARCHAR")).fetchall()
    [('007',)]
    """
    name = quoted(column)
    if kind.startswith(("DOUBLE", "FLOAT", "DECIMAL")) and is_number(kind):
        whole = f"{name} = floor({name}) and abs({name}) < 1.7e38"
        return (
            # try_cast, as DuckDB also casts values that are no number, which `whole` leaves out.
            f"case when {whole} then try_cast({name} as hugeint)::varchar "
            f"when isfinite({name}::double) then {name}::varchar end"
        )
    name = f"cast({name} as varchar)" if kind != "VARCHAR" else name
    return trim(name, plain=plain)


def strip_blanks(sql: str) -> str:
    """A text without the blanks around it; NULL where it is blank."""
    return f"nullif(trim({sql}, {literal(BLANKS)}), '')"


def trim(sql: str, *, plain: bool = False) -> str:
    """The same as `strip_blanks`, faster where there are none (`plain`: only spaces occur)."""
    # Trimming costs ten times as much as seeing that there is nothing to trim.
    blanks = " " if plain else BLANKS
    starts = [f"{sql} >= '!'", *(f"not starts_with({sql}, '{b}')" for b in blanks if b > " ")]
    clean = " and ".join([*starts, *(f"not suffix({sql}, '{b}')" for b in blanks)])
    return f"case when {clean} then {sql} when {sql} > '' then {strip_blanks(sql)} end"


def parse_number(column: str, kind: str, *, decimal: str = ".") -> str:
    """A quantity or an amount of money, finite.

    Reads 1200, 1,200, 1 200, 1'200, 1,25,007.00 (as India groups), １，２００, 500.-, 500,-, with
    a currency's sign or code on either side; and as below zero -500, −500, △500, ▲ 500, (500) and
    500-. With `decimal` ",": 1.200,50. Groups are of three digits, so that 1,5 is unreadable until
    a decimal comma is declared; so is ¥500-, a price in Japan and a debt elsewhere. 1_200, which
    casts take for a number, is none.

    >>> import duckdb
    >>> written = duckdb.sql("select unnest(['△1,200円', 'Rs. 1,25,007.00', '1_200']) as amount")
    >>> written.project(parse_number("amount", "VARCHAR")).fetchall()
    [(-1200.0,), (125007.0,), (None,)]
    """
    name = quoted(column)
    if is_number(kind):
        # A float of 32 bits as it is written: 5.1, not 5.099999904632568.
        value = f"{name}::varchar::double" if kind == "FLOAT" else f"{name}::double"
        return f"case when isfinite({value}) then {value} end"
    name = f"cast({name} as varchar)" if kind != "VARCHAR" else name
    cheap = f"try_cast({name} as double)"
    if decimal == ",":
        point = f"replace({name}, ',', '.')"
        cheap = f"case when not contains({name}, '.') then try_cast({point} as double) end"
    # Seeking the underscore costs half as much as the cast, so not where there is no room for one.
    plain = f"isfinite({cheap}) and (strlen({name}) < 3 or not contains({name}, '_'))"
    rich = once(_parse_money(name, decimal), "n", "case when isfinite(n) then n end")
    return f"case when {plain} then {cheap} when {name} > '' then {rich} end"


def _parse_money(name: str, decimal: str) -> str:
    minus = f"regexp_replace({narrow(trim(name))}, '[{_MINUS}]', '-', 'g')"
    behind = rf"(\d(?:[., {APOSTROPHES}]?\d)*) ?-( ?{TOKEN})?"
    below = rf"^(?:({TOKEN}? ?)\((.*)\)( ?{TOKEN}?)|{behind})$"
    signed = f"regexp_replace({minus}, {literal(below)}, '-\\1\\2\\3\\4\\5')"
    whole = f"regexp_extract({signed}, {literal(_match_money(decimal))})"
    # A token before its characters: that of Rs. is no decimal mark.
    beside = literal(f"{TOKEN}|{_WHOLE}|[^-0-9{decimal}]")
    bare = f"regexp_replace({whole}, {beside}, '', 'g')"
    return f"try_cast(replace({bare}, ',', '.') as double)"


def _match_money(decimal: str) -> str:
    """A regular expression for an amount, minus in front, in a text that is made narrow."""
    group, point = (",", r"\.") if decimal == "." else (r"\.", ",")
    ways = [rf"\d{{1,3}}(?:{g}\d{{3}})+" for g in (group, " ", f"[{APOSTROPHES}]")]
    ways += [r"\d{1,2}(?:,\d{2})+,\d{3}"] * (decimal == ".")
    digits = "(?:" + "|".join([*ways, r"\d+"]) + ")"
    sign = rf"(?:[-+] ?{TOKEN}? ?|{TOKEN} ?[-+]? ?)?"
    return rf"^{sign}(?:{digits}(?:{point}\d*|{_WHOLE})?|{point}\d+) ?{TOKEN}?$"


def estimate_money(text: str) -> str:
    """SQL for about how much money a text says that `parse_number` could not read; else NULL.

    Above zero. One or two digits behind the last mark are taken for decimals.

    >>> import duckdb
    >>> texts = "select unnest(['1.137,50 EURO', '12,34,5', '(1 2345.-)', '12:30', 'n/a']) as t"
    >>> duckdb.sql(texts).project(estimate_money("t")).fetchall()
    [(1137.5,), (1234.5,), (12345.0,), (None,), (None,)]
    """
    number = rf"^[^0-9]{{0,6}}([0-9](?:[0-9., {APOSTROPHES}]*[0-9])?)[^0-9]{{0,6}}$"
    digits = "try_cast(regexp_replace(n, '[^0-9]', '', 'g') as double)"
    decimals = r"length(regexp_extract(n, '[.,]([0-9]{1,2})$', 1))"
    found = once(
        f"regexp_extract({narrow(trim(text))}, {literal(number)}, 1)",
        "n",
        f"{digits} / 10 ** {decimals}",
    )
    return once(found, "m", "case when isfinite(m) then m end")
