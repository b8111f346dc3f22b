"""Records of a delimited text, read so that a fault costs its own line and no other."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

NOT_CLOSED = "quotation mark is not closed"
STRAY = "text after a closing quotation mark"
RAGGED = "number of fields differs from the header"
NUL = "NUL character"
TOTAL_ROW = "total row"
# What stands in the first cell of a row that adds up others.
TOTAL = "(合計|小計|総計|総合計|計|(grand |sub ?)?total|sum)[ 　:：]*"
# A field that runs on for so many lines was never meant to: its quotation mark is not closed.
LONGEST = 1000

csv.field_size_limit(1 << 24)


class Record(NamedTuple):
    """A record: the line it begins on, and its `fields`; or why it is no row, and its text."""

    line: int
    fields: list[str] | None
    fault: str | None = None
    text: str | None = None


class _Lines:
    """Lines of a file that remember which of them the record being read has taken."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines, self._back = iter(lines), deque()
        self.taken: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if len(self.taken) >= LONGEST:
            raise csv.Error("unexpected end of data")
        line = self._back.popleft() if self._back else next(self._lines)
        self.taken.append(line)
        return line

    def give_back(self) -> None:
        """All that was taken but the first line is read again."""
        self._back.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]


def records(lines: Iterable[str], *, delimiter: str, width: int = 0) -> Iterator[Record]:
    """Physical lines, ends included -> records; blank lines are none.

    With `width`, a record of another number of fields is a fault, but for empty ones at its end.
    Where a quotation mark is not closed, its line alone is the fault, and the next is read anew.

    >>> list(records(["a,b\\n", '"1,2\\n', "3,4\\n"], delimiter=",", width=2))[1:]
    [Record(line=2, fields=None, fault='quotation mark is not closed', text='"1,2'),
     Record(line=3, fields=['3', '4'], fault=None, text=None)]
    """
    source, line = _Lines(lines), 1
    reader = csv.reader(source, delimiter=delimiter, strict=True, skipinitialspace=True)
    while True:
        source.taken = []
        try:
            fields, fault = next(reader), None
        except StopIteration:
            return
        except csv.Error as error:
            fields, fault = [], NOT_CLOSED if "end of data" in str(error) else STRAY
        text, several = "".join(source.taken), len(source.taken) > 1
        if fault is None and width and len(fields) != width:
            fault = _ragged(fields, width)
        if several and fault not in (None, NOT_CLOSED):
            fault = NOT_CLOSED
        elif "\0" in text and fault != NOT_CLOSED:
            fault = NUL
        if fault in (NOT_CLOSED, STRAY):
            source.give_back()
            text = source.taken[0]
            reader = csv.reader(source, delimiter=delimiter, strict=True, skipinitialspace=True)
        if fault:
            yield Record(line, None, fault, text.rstrip("\r\n"))
        elif not text.isspace():
            yield Record(line, fields)
        line += len(source.taken)


def _ragged(fields: list[str], width: int) -> str | None:
    """The fault of a record whose fields are not `width`; one of empty fields is made to fit."""
    first = next((f for f in fields if f.strip()), "")
    if not first:
        fields[:] = [""] * width
    elif any(fields[width:]) or len(fields) < width:
        total = re.fullmatch(TOTAL, unicodedata.normalize("NFKC", first).strip(), re.IGNORECASE)
        return TOTAL_ROW if total else RAGGED
    del fields[width:]
    return None
