"""Tell the lines of a delimited text that are one record each, without reading their fields."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FEED, RETURN, SPACE, QUOTE = b'\n\r "'
LONGEST_FIELD = 1 << 24  # bytes; beyond that, `csv_records` tells

Codes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Lines:
    """The lines of a block of bytes: where each ends, and what is known of it.

    `clean`: it is a record of the expected number of fields by itself, provided that no record from
    above goes on in it. `quoted`: it has quotation marks. `codes` is the block without the spaces
    that fields begin with, which count for nothing; `tidy_ends` are the ends of lines in it.
    """

    ends: Places
    clean: Flags
    quoted: Flags
    codes: Codes
    tidy_ends: Places


def judge_lines(codes: Codes, *, delimiter: int, width: int) -> Lines:
    """Whole lines, the last of which has its end too -> `Lines`.

    >>> block = np.frombuffer(b'a,b\\n"a,b\\n"a,b",c\\na,b,c\\n', np.uint8)
    >>> judge_lines(block, delimiter=ord(","), width=2).clean.tolist()
    [True, False, True, False]
    """
    marks = _Marks(codes, delimiter)
    ends = marks.ends
    if (spaced := marks.find_spaced_fields()).size:
        codes = _drop_spaces(codes, spaced)
        marks = _Marks(codes, delimiter)
    clean = marks.delimiters == width - 1
    clean[marks.broken] = False
    clean &= np.diff(marks.ends, prepend=0) < LONGEST_FIELD
    clean[np.searchsorted(marks.ends, np.flatnonzero(codes == 0), "right")] = False
    return Lines(ends, clean, marks.quotes > 0, codes, marks.ends)


class _Marks:
    """The delimiters, quotation marks and ends of lines in a block.

    Of each line: where it ends, how many `quotes` and how many `delimiters` outside them it has.
    `broken` are lines in which a quotation mark opens or closes elsewhere than at the start or end
    of a field.
    """

    def __init__(self, codes: Codes, delimiter: int) -> None:
        self._codes, self._delimiter = codes, delimiter
        found = (codes == FEED) | (codes == delimiter) | (codes == QUOTE)
        if (returns := codes == RETURN).any():
            found |= returns & ~np.append(codes[1:] == FEED, False)
        self._at = np.flatnonzero(found)
        self._kinds = codes[self._at]
        self._last = np.flatnonzero((self._kinds == FEED) | (self._kinds == RETURN))
        self.ends = self._at[self._last] + 1
        self._counts = np.diff(self._last, prepend=-1)
        self.delimiters, self.broken = self._counts - 1, np.zeros(0, np.int64)
        self._inside = np.zeros(0, np.int64)  # marks within quotation marks
        quotes = np.searchsorted(self._last, np.flatnonzero(self._kinds == QUOTE))
        self.quotes = np.bincount(quotes, minlength=len(self._last))
        if quotes.size:
            self._look_at_quotes(np.flatnonzero(self.quotes))

    def find_spaced_fields(self) -> Places:
        """Where fields begin that have a space first."""
        spaced = np.append(self._codes[self._at[:-1] + 1] == SPACE, False)
        if spaced.any():
            spaced &= self._kinds != QUOTE
            spaced[self._inside] = False
            spaced[self._last[:-1]] = self._codes[self.ends[:-1]] == SPACE
        first = np.flatnonzero(self._codes[:1] == SPACE)
        return np.concatenate([first, self._at[spaced] + 1])

    def _look_at_quotes(self, lines: Places) -> None:
        """Count the delimiters outside quotation marks, and find broken lines, in `lines`."""
        counts = self._counts[lines]
        firsts = np.cumsum(counts) - counts
        line = np.repeat(np.arange(len(lines)), counts)
        marks = np.arange(len(line)) + (self._last[lines] + 1 - counts - firsts)[line]
        quotes = self._kinds[marks] == QUOTE
        before = np.cumsum(quotes) - quotes
        inside = (before - before[firsts][line]) % 2 == 1
        self._inside = marks[inside]
        outside = (self._kinds[marks] == self._delimiter) & ~inside
        self.delimiters[lines] = np.add.reduceat(outside, firsts, dtype=np.int64)
        # A quotation mark that is written twice closes its field and opens it again.
        borders = np.isin(np.arange(256), [self._delimiter, QUOTE, FEED, RETURN])
        beside = (self._at[marks] + np.where(inside, 1, -1)) % len(self._codes)
        wrong = quotes & ~borders[self._codes[beside]]
        odd = self.quotes[lines] % 2 == 1
        self.broken = np.concatenate([lines[odd], lines[line[wrong]]])


def _drop_spaces(codes: Codes, starts: Places) -> Codes:
    """A block without the runs of spaces that begin at `starts`."""
    spaces = np.flatnonzero(codes == SPACE)
    last = np.append(np.flatnonzero(np.diff(spaces) != 1), len(spaces) - 1)  # of each run
    stops = spaces[last[np.searchsorted(last, np.searchsorted(spaces, starts))]] + 1
    # Without them, a carriage return and a line feed around a blank line would be one end.
    blank = (codes[starts - 1] == RETURN) & (codes[stops] == FEED)
    change = np.zeros(len(codes), np.int8)
    change[starts[~blank]] = 1
    change[stops[~blank]] -= 1
    return codes[np.cumsum(change, dtype=np.int8) == 0]
