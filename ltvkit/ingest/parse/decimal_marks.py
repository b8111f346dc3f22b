"""Tell which mark is the decimal one, the point or the comma, by all amounts of a column."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from ltvkit.engines.sql import literal, quoted
from ltvkit.ingest.parse import signs, values

# What shows that a mark is the decimal one: one or two digits behind it, or four; a zero or four
# digits before it; a group before it; twice the other mark, which then groups.
_SHOWS = (
    r"{mark}(?:\d{{1,2}}|\d{{4,}})$|^0{mark}\d+$|\d{{4}}{mark}\d+$"
    r"|(?:{other}|[ {apostrophes}])\d{{3}}{mark}\d+$"
    r"|^\d{{1,3}}(?:{other}\d{{2,3}})+{other}\d{{3}}$"
)
_NUMBER = rf"\d(?:[\d., {values.APOSTROPHES}]*\d)?"
# What leaves it open: one mark before three digits.
_OPEN = r"^[1-9]\d{{0,2}}{mark}\d{{3}}$"


class Marks(NamedTuple):
    """How many amounts show a decimal `comma` and a decimal `point`; how many have one comma or one
    point before three digits, as 25.500, which shows neither, and an `example` of these.
    """

    comma: int
    point: int
    open_comma: int
    open_point: int
    example: str | None

    @property
    def open(self) -> int:
        """The amounts that show neither."""
        return self.open_comma + self.open_point

    @property
    def undecided(self) -> str:
        """The mark that may be the decimal one and may group; empty where the amounts tell."""
        if self.comma or self.point or not self.example:
            return ""
        return "," if "," in self.example else "."


def count_marks(relation: Any, columns: Collection[str]) -> Marks:
    """A DuckDB relation with columns of texts -> `Marks` of all their amounts."""
    if not columns:
        return Marks(0, 0, 0, 0, None)
    listed = " union all ".join(f"select {quoted(c)} as x from raw" for c in columns)
    text = values.narrow(values.strip_blanks("x"))
    number = f"regexp_extract({text}, {literal(_NUMBER)})"
    point = r"\."
    shown = [
        _SHOWS.format(mark=m, other=o, apostrophes=values.APOSTROPHES)
        for m, o in ((",", point), (point, ","))
    ]
    open_marks = [_OPEN.format(mark=m) for m in (",", point)]
    counts = [f"count(*) filter (regexp_matches(n, {literal(t)}))" for t in (*shown, *open_marks)]
    example = f"min(n) filter (regexp_matches(n, {literal('|'.join(open_marks))}))"
    numbers = f"(select {number} as n from ({listed}) where x is not null)"
    found = relation.query("raw", f"select {', '.join([*counts, example])} from {numbers}")
    return Marks(*found.fetchall()[0])


def decide(mark: str, currencies: Iterable[str]) -> str:
    """What a mark is before three digits, as in 25.500, in any of `currencies`.

    "group": it groups thousands; "decimal": it is the decimal mark; "" where nothing tells.

    >>> decide(".", ["IDR"]), decide(".", ["KWD"]), decide(".", ["EUR"]), decide(",", ["USD"])
    ('group', 'decimal', '', 'group')
    """
    known = set(currencies)
    groups = {
        ".": signs.NO_DECIMALS - signs.COMMA_GROUPS,
        ",": signs.NO_DECIMALS | signs.COMMA_GROUPS,
    }
    if known and known <= groups[mark]:
        return "group"
    return "decimal" if known and mark == "." and known <= signs.THREE_DECIMALS else ""


def read_both(example: str) -> tuple[str, str]:
    """An amount such as 25.500 -> how it reads with a decimal mark, and with one that groups.

    >>> read_both("25.500"), read_both("1,234")
    (('25.5', '25,500'), ('1.234', '1,234'))
    """
    return f"{float(example.replace(',', '.')):g}", f"{int(re.sub('[.,]', '', example)):,}"
