"""Parse records of a delimited text: a faulty line affects only itself."""

import csv
import itertools
import re
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple

NOT_CLOSED = "quotation mark is not closed"
STRAY = "text after a closing quotation mark"
RAGGED = "number of fields differs from the header"
NUL = "NUL character"
TOTAL_ROW = "total row"
# The first cell of a total row.
TOTAL = "(合計|小計|総計|総合計|計|(grand |sub ?)?total|sum)[ 　:：]*"
_TOTAL = re.compile(TOTAL, re.IGNORECASE)
# Lines of a field, at most; beyond that its quotation mark is not closed.
LONGEST = 1000
# Lines read at once: few after a fault, more while there is none.
LEAST, MOST = 32, LONGEST

csv.field_size_limit(1 << 24)


class Record(NamedTuple):
    """A record: its first line and `fields`, or its `fault` and text."""

    line: int
    fields: list[str] | None
    fault: str | None = None
    text: str | None = None


def parse_records(
    lines: Iterable[str], *, delimiter: str, width: int = 0, line: int = 1
) -> Iterator[Record]:
    """Physical lines, ends included, from `line` on -> records; blank lines are none.

    With `width`, a record with another number of fields is a fault (empty fields at its end do not
    count). Where a quotation mark is not closed, only its line is a fault.

    >>> list(parse_records(["a,b\\n", '"1,2\\n', "3,4\\n"], delimiter=",", width=2))[1:]
    [Record(line=2, fields=None, fault='quotation mark is not closed', text='"1,2'),
     Record(line=3, fields=['3', '4'], fault=None, text=None)]
    """
    source, size, form = _Lines(lines), MOST, make_form(delimiter)
    while chunk := source.take(size):
        rows, used = _parse_chunk(chunk, width, form)
        yield from (Record(line + n, fields) for n, fields in rows)
        line += used
        size = min(MOST, 2 * size)
        if used < len(chunk):
            source.give_back(chunk[used:])
            below = source.look_ahead()
            record, taken = parse_next(next(below), below, form=form, width=width, line=line)
            source.take(taken)
            size = LEAST
            if record:
                yield record
            line += taken


@lru_cache
def make_form(delimiter: str) -> Any:
    """The form of a text with this delimiter, for `csv.reader`."""
    return csv.reader((), delimiter=delimiter, strict=True, skipinitialspace=True).dialect


def parse_next(
    first: str, below: Iterable[str], *, form: Any, width: int, line: int
) -> tuple[Record | None, int]:
    """The record that begins with a line, and how many lines it takes; none if that line is blank.

    Lines `below` are read as long as a quotation mark is open.

    >>> parse_next('"1,2\\n', ["3,4\\n"], form=make_form(","), width=2, line=7)
    (Record(line=7, fields=None, fault='quotation mark is not closed', text='"1,2'), 1)
    """
    taken = [first]
    fields, fault = _parse_fields(_add(taken, below), form)
    if fault == STRAY and len(taken) == 1 and (fields := _parse_blanks_after_quotes(first, form)):
        fault = None
    if fault is None and width and len(fields) != width:
        fault = _check_width(fields, width)
    if len(taken) > 1 and fault:
        fault = NOT_CLOSED
    elif fault != NOT_CLOSED and any("\0" in line for line in taken):
        fault = NUL
    if fault in (NOT_CLOSED, STRAY):
        del taken[1:]
    text = first if len(taken) == 1 else "".join(taken)
    if fault:
        return Record(line, None, fault, text.rstrip("\r\n")), len(taken)
    # A line of as many tabs as a record has is one whose fields are empty.
    blank = text.isspace() and not (width > 1 and text.count(form.delimiter) == width - 1)
    return (None if blank else Record(line, fields)), len(taken)


class _Lines:
    """Lines of a file that can be put back and read again."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines, self._back = iter(lines), deque()

    def take(self, count: int) -> list[str]:
        """The next lines, as many as there are."""
        again = [self._back.popleft() for _n in range(min(count, len(self._back)))]
        return again + list(itertools.islice(self._lines, count - len(again)))

    def give_back(self, lines: list[str]) -> None:
        """These are the next lines again."""
        self._back.extendleft(reversed(lines))

    def look_ahead(self) -> Iterator[str]:
        """The next lines, which stay the next ones."""
        for n in itertools.count():
            if n == len(self._back):
                self._back.extend(itertools.islice(self._lines, 1))
            if n == len(self._back):
                return
            yield self._back[n]


def _parse_chunk(
    chunk: list[str], width: int, form: Any
) -> tuple[list[tuple[int, list[str]]], int]:
    """The rows before the first fault, each with its line's position; how many lines they are.

    A record that goes on beyond the chunk is not among them.
    """
    rows, used = [], 0
    if not width or "\0" in "".join(chunk):
        return rows, used
    reader = csv.reader(chunk, form)
    with suppress(csv.Error):
        for row in reader:
            if len(row) != width:
                break
            rows.append((used, row))
            used = reader.line_num
    return rows, used


def _parse_fields(lines: Iterable[str], form: Any) -> tuple[list[str], str | None]:
    """The fields of the record that begins with the first line, or why there are none."""
    try:
        return next(csv.reader(lines, form)), None
    except csv.Error as error:
        return [], NOT_CLOSED if "end of data" in str(error) else STRAY


def _add(taken: list[str], below: Iterable[str]) -> Iterator[str]:
    """A line, and those below it that are asked for, which are added to what is `taken`."""
    yield taken[0]
    for line in itertools.islice(below, LONGEST - 1):
        taken.append(line)
        yield line


def _parse_blanks_after_quotes(line: str, form: Any) -> list[str]:
    """The fields of a line in which blanks follow closing quotation marks; else none."""
    tidy = re.sub(f'" +(?={re.escape(form.delimiter)}|[\r\n]*$)', '"', line)
    try:
        return next(csv.reader([tidy], form))
    except csv.Error:
        return []


def _check_width(fields: list[str], width: int) -> str | None:
    """The fault of a record without `width` fields; a record of empty fields is made to fit."""
    first = next((f for f in fields if f.strip()), "")
    if not first:
        fields[:] = [""] * width
    elif any(fields[width:]) or len(fields) < width:
        narrow = unicodedata.normalize("NFKC", first).strip()
        return TOTAL_ROW if _TOTAL.fullmatch(narrow) else RAGGED
    del fields[width:]
    return None
