"""Tell which mark is the decimal one, the point or the comma, by all amounts of a column."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

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

# What a point before three digits is, by currency.
_BY_POINT = {"group": signs.NO_DECIMALS - signs.COMMA_GROUPS, "decimal": signs.THREE_DECIMALS}


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
    def point_is_sure(self) -> bool:
        """Whether no amount reads otherwise with a decimal comma, or one shows a decimal point."""
        return self.point > 0 or self.open == 0

    @property
    def undecided(self) -> str:
        """The mark that may be the decimal one and may group; empty where the amounts tell."""
        if self.comma or self.point or not self.example:
            return ""
        return "," if "," in self.example else "."


def count_marks(ask: Callable[[str], list[tuple]], columns: Collection[str]) -> Marks:
    """Columns of texts of what `ask` gives as `raw` -> `Marks` of all their amounts."""
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
    [found] = ask(f"select {', '.join([*counts, example])} from {numbers}")
    return Marks(*found)


def add(found: Iterable[Marks]) -> Marks:
    """The marks of several sources together."""
    several = list(found)
    counts = [sum(column) for column in zip(*(m[:4] for m in several), strict=True)]
    example = min((m.example for m in several if m.example), default=None)
    return Marks(*counts, example) if several else Marks(0, 0, 0, 0, None)


def decide(mark: str, currencies: Sequence[str]) -> str:
    """What a mark is before three digits, as in 25.500, in `currencies`, the likeliest first.

    "group": it groups thousands; "decimal": it is the decimal mark; "" where nothing tells. A point
    has to be the same in all of them; of the comma the likeliest decides, since nobody who writes a
    decimal comma has three decimals.

    >>> decide(".", ["IDR"]), decide(".", ["KWD"]), decide(".", ["EUR"]), decide(",", ["USD"])
    ('group', 'decimal', '', 'group')
    """
    if mark == ",":
        known = signs.NO_DECIMALS | signs.COMMA_GROUPS
        return "group" if known.intersection(currencies[:1]) else ""
    for meant, known in _BY_POINT.items():
        if currencies and known.issuperset(currencies):
            return meant
    return ""


def read_both(example: str) -> tuple[str, str]:
    """An amount such as 25.500 -> how it reads with a decimal mark, and with one that groups.

    >>> read_both("25.500"), read_both("1,234")
    (('25.5', '25,500'), ('1.234', '1,234'))
    """
    return f"{float(example.replace(',', '.')):g}", f"{int(re.sub('[.,]', '', example)):,}"
