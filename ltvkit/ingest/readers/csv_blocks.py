"""Split a delimited text into blocks of clean records; only lines in doubt are parsed.

The records are those of `csv_records.parse_records`, whatever the file. Whether a line is one
record by itself is told by its marks (`clean_lines`). It always is where the line above ended
outside quotation marks, so that a line in doubt affects others only where it leaves one open.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ltvkit.ingest.readers import progress
from ltvkit.ingest.readers.clean_lines import Lines, Places, judge_lines
from ltvkit.ingest.readers.csv_records import LONGEST, Record, make_form, parse_next

SIZE = 1 << 20  # bytes of a block


@dataclass(frozen=True)
class Form:
    """The delimiter and the number of fields, and what follows from them."""

    delimiter: str
    width: int

    @cached_property
    def dialect(self) -> Any:
        return make_form(self.delimiter)

    @cached_property
    def empty(self) -> bytes:
        """A record of empty fields."""
        return self.delimiter.encode() * (self.width - 1) + b"\n"

    def render(self, fields: Sequence[str]) -> bytes:
        """A record as a clean line, or as lines where a field has several."""
        quoted = ('"' + field.replace('"', '""') + '"' for field in fields)
        return (self.delimiter.join(quoted) + "\n").encode()


@dataclass(frozen=True)
class Block:
    """The records of a block as clean `text`, each with its line number.

    Each of `faults` has empty fields in it, in the row that is its key.
    """

    text: bytes
    lines: Places
    faults: dict[int, Record]


def split_file(path: Path, *, first: int, size: int, form: Form) -> Iterator[Block]:
    """A text in UTF-8 -> its blocks, from the header in line `first` on.

    A block is of `size` bytes, or of as many more as its first record needs.
    """
    with path.open("rb") as file:
        line = 1 + _skip_lines(file, path, first - 1)
        pieces = progress.show_pieces(iter(lambda: file.read(size), b""), path)
        block, more = b"", True
        while more:
            piece = next(pieces, b"")
            more = bool(piece)
            block += piece
            if not more and block and block[-1] not in b"\r\n":
                block += b"\n"
            end = _find_last_end(block) if more else len(block)
            if end:
                found, used, lines = _split_block(block[:end], line, not more, form)
                block, line = block[used:], line + lines
                if len(found.lines):
                    yield found


def _skip_lines(file: BinaryIO, path: Path, count: int) -> int:
    """Go on to the line after the first `count`, behind a byte order mark; how many there were."""
    with path.open(encoding="utf-8-sig", newline="") as text:
        above = [len(line.encode()) for line in itertools.islice(text, count)]
    mark = len(BOM_UTF8) * (file.read(len(BOM_UTF8)) == BOM_UTF8)
    file.seek(mark + sum(above))
    return len(above)


def _find_last_end(block: bytes) -> int:
    """Where the last line of a block ends for sure; a line feed may follow a carriage return."""
    return block.rfind(b"\n") + 1 or block.rfind(b"\r", 0, len(block) - 1) + 1


def _split_block(block: bytes, line: int, final: bool, form: Form) -> tuple[Block, int, int]:
    """Whole lines from number `line` on -> their records; how many bytes and lines these are.

    It ends before a record that may go on in the next block.
    """
    codes = np.frombuffer(block, np.uint8)
    lines = judge_lines(codes, delimiter=ord(form.delimiter), width=form.width)
    doubts = _Doubts(block, lines, final, form)
    count, kept = len(lines.ends), np.ones(len(lines.ends), bool)
    pieces, faults, done = [], {}, 0
    ends = np.concatenate([[0], lines.tidy_ends])
    numbers = np.flatnonzero(~lines.clean)
    begin = 0
    for number, start, end in zip(
        numbers.tolist(), ends[numbers].tolist(), ends[numbers + 1].tolist(), strict=True
    ):
        if number < done:
            continue
        record, used = doubts.parse(number, line)
        if not used:
            count = number
            break
        done = number + used
        pieces.append(lines.codes[begin:start])
        begin = end if used == 1 else int(ends[done])
        if record is None or used > 1:
            kept[number + (record is not None) : done] = False
        if record and record.fault:
            pieces.append(form.empty)
            faults[number] = record
        elif record:
            pieces.append(form.render(record.fields))
    pieces.append(lines.codes[begin : ends[count]])
    rows = np.flatnonzero(kept[:count])
    at = np.searchsorted(rows, np.fromiter(faults, np.int64, len(faults))).tolist()
    found = Block(b"".join(pieces), rows + line, dict(zip(at, faults.values(), strict=True)))
    return found, int(lines.ends[count - 1]) if count else 0, count


class _Doubts:
    """Lines of a block that are not clean."""

    def __init__(self, block: bytes, lines: Lines, final: bool, form: Form) -> None:
        self._block, self._count = block, len(lines.ends)
        self._ends = [0, *lines.ends.tolist()]
        self._quoted = np.flatnonzero(lines.quoted).tolist()
        self._final, self._form = final, form

    def parse(self, number: int, above: int) -> tuple[Record | None, int]:
        """The record that begins in a line, and how many lines it takes; 0 if that is not known.

        Of the lines below only those with quotation marks can end a field. Where they make it a
        record, all are parsed.
        """
        read = [number]
        form = {"form": self._form.dialect, "width": self._form.width, "line": above + number}
        first = self._decode(number)
        record, used = parse_next(first, self._read_on(read), **form)
        if read[-1] == self._count:
            return None, 0
        if used > 1:
            below = map(self._decode, range(number + 1, read[used - 1] + 1))
            record, used = parse_next(first, below, **form)
        return record, used

    def _read_on(self, read: list[int]) -> Iterator[str]:
        """The lines with quotation marks below the one that is `read`; their numbers are added."""
        number = read[0]
        for n in range(bisect_right(self._quoted, number), len(self._quoted)):
            if self._quoted[n] >= number + LONGEST:
                return
            read.append(self._quoted[n])
            yield self._decode(self._quoted[n])
        if not self._final and self._count < number + LONGEST:
            read.append(self._count)  # it may end in the next block

    def _decode(self, number: int) -> str:
        return self._block[self._ends[number] : self._ends[number + 1]].decode()
