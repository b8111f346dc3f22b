"""Parse records of a delimited text: a faulty line affects only itself."""

import csv
import itertools
import re
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

NOT_CLOSED = "quotation mark is not closed"
STRAY = "text after a closing quotation mark"
RAGGED = "number of fields differs from the header"
NUL = "NUL character"
TOTAL_ROW = "total row"
# The first cell of a total row.
TOTAL = "(合計|小計|総計|総合計|計|(grand |sub ?)?total|sum)[ 　:：]*"
# Lines of a field, at most; beyond that its quotation mark is not closed.
LONGEST = 1000
# Lines read at once: few after a fault, more while there is none.
LEAST, MOST = 32, 1024

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
    form = {"delimiter": delimiter, "strict": True, "skipinitialspace": True}
    source, size = _Lines(lines), MOST
    while chunk := source.take(size):
        rows, used = _parse_chunk(chunk, width, form)
        yield from (Record(line + n, fields) for n, fields in rows)
        line += used
        size = min(MOST, 2 * size)
        if used < len(chunk):
            source.give_back(chunk[used:])
            size = LEAST
            fields, fault, text = _parse_one(source, width, form)
            if fault:
                yield Record(line, None, fault, "".join(text).rstrip("\r\n"))
            elif not "".join(text).isspace():
                yield Record(line, fields)
            line += len(text)


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


def _parse_chunk(
    chunk: list[str], width: int, form: dict[str, Any]
) -> tuple[list[tuple[int, list[str]]], int]:
    """The rows before the first fault, each with its line's position; how many lines they are.

    A record that goes on beyond the chunk is not among them.
    """
    rows, used = [], 0
    if not width or "\0" in "".join(chunk):
        return rows, used
    reader = csv.reader(chunk, **form)
    with suppress(csv.Error):
        for row in reader:
            if len(row) != width:
                break
            rows.append((used, row))
            used = reader.line_num
    return rows, used


def _parse_one(
    source: _Lines, width: int, form: dict[str, Any]
) -> tuple[list[str], str | None, list[str]]:
    """The next record: its fields, its fault, and its lines."""
    taken: list[str] = []

    def lines() -> Iterator[str]:
        while (line := source.take(1)) and len(taken) < LONGEST:
            taken.extend(line)
            yield line[0]
        source.give_back(line)

    try:
        fields, fault = next(csv.reader(lines(), **form)), None
    except csv.Error as error:
        fields, fault = [], NOT_CLOSED if "end of data" in str(error) else STRAY
    if (
        fault == STRAY
        and len(taken) == 1
        and (fields := _parse_blanks_after_quotes(taken[0], form))
    ):
        fault = None
    if fault is None and width and len(fields) != width:
        fault = _check_width(fields, width)
    if len(taken) > 1 and fault:
        fault = NOT_CLOSED
    elif any("\0" in line for line in taken) and fault != NOT_CLOSED:
        fault = NUL
    if fault in (NOT_CLOSED, STRAY):
        source.give_back(taken[1:])
        del taken[1:]
    return fields, fault, taken


def _parse_blanks_after_quotes(line: str, form: dict[str, Any]) -> list[str]:
    """The fields of a line in which blanks follow closing quotation marks; else none."""
    tidy = re.sub(f'" +(?={re.escape(form["delimiter"])}|[\r\n]*$)', '"', line)
    try:
        return next(csv.reader([tidy], **form))
    except csv.Error:
        return []


def _check_width(fields: list[str], width: int) -> str | None:
    """The fault of a record without `width` fields; a record of empty fields is made to fit."""
    first = next((f for f in fields if f.strip()), "")
    if not first:
        fields[:] = [""] * width
    elif any(fields[width:]) or len(fields) < width:
        total = re.fullmatch(TOTAL, unicodedata.normalize("NFKC", first).strip(), re.IGNORECASE)
        return TOTAL_ROW if total else RAGGED
    del fields[width:]
    return None
