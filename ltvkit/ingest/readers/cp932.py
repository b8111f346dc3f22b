"""Turn CP932 (Shift_JIS of Windows) into UTF-8 by tables: a codec holds the interpreter meanwhile.

All that Python's codec takes for text is, but the bytes that are characters in no file: 80, A0,
and FD to FF.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ltvkit.ingest.readers.threads import map_ahead

ENCODING = "cp932"
LEADS = bytes([*range(0x81, 0xA0), *range(0xE0, 0xFD)])  # the first bytes of two
KANA = range(0xA1, 0xE0)  # characters of one byte
THREADS = 2

Codes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]

_ABLE = np.isin(np.arange(256), list(LEADS))


def convert_blocks(blocks: Iterable[bytes]) -> Iterator[bytes | None]:
    """A text in CP932, cut anywhere -> the same in UTF-8; None for a block that is no such text."""
    return map_ahead(convert, _cut(blocks), threads=THREADS)


def _cut(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Blocks that end between characters."""
    rest = b""
    for block in blocks:
        whole = rest + block
        # Of such bytes in a row, the first begins a character: none ends with it.
        end = len(whole) - (len(whole) - len(whole.rstrip(LEADS))) % 2
        rest = whole[end:]
        yield whole[:end]
    yield rest


def convert(block: bytes) -> bytes | None:
    """Whole characters in CP932 -> UTF-8; None where bytes are no character.

    >>> convert("煎茶 200g".encode("cp932")).decode()
    '煎茶 200g'
    """
    codes = np.frombuffer(block, np.uint8)
    high = np.flatnonzero(codes > 0x7F)
    able = _ABLE[codes[high]]
    leads = _find_leads(high[able])
    if leads.size and leads[-1] + 1 == len(codes):
        return None
    seconds = leads + 1
    free = np.ones(len(codes), bool)
    free[seconds] = False
    ones = high[~able]
    ones = ones[free[ones]]  # characters of one byte
    pairs, kana = _look_up(codes, leads, seconds), _look_up(codes, ones)
    if not (pairs[:, 3].all() and kana[:, 3].all()):
        return None
    body = codes.copy()
    body[leads], body[seconds], body[ones] = pairs[:, 0], pairs[:, 1], kana[:, 0]
    after, more = seconds, pairs[:, 2]
    if not more.all():  # some have two bytes
        after, more = after[more > 0], more[more > 0]
    if ones.size:
        after = np.concatenate([after, np.repeat(ones, 2)])
        order = np.argsort(after, kind="stable")
        after, more = after[order], np.concatenate([more, kana[:, 1:3].ravel()])[order]
    return _insert(body, after, more).tobytes()


def _find_leads(able: Places) -> Places:
    """Of the places of bytes that may be the first of two, those that are: every other in a row."""
    apart = np.flatnonzero(np.diff(able, prepend=-2) != 1)
    odd = (able & 1).astype(bool)
    return able[odd == np.repeat(odd[apart], np.diff(apart, append=len(able)))]


def _look_up(codes: Codes, *places: Places) -> Codes:
    """The UTF-8 of characters that have a byte at each of the places: three bytes, and how many."""
    numbers = np.zeros(len(places[0]), np.uint16)
    for place in places:
        numbers = numbers << 8 | codes[place]
    return _make_table()[numbers].view(np.uint8).reshape(-1, 4)


def _insert(body: Codes, after: Places, more: Codes) -> Codes:
    """A text with more bytes, each after a place of it."""
    added = after + np.arange(1, len(after) + 1)
    whole = np.empty(len(body) + len(more), np.uint8)
    old = np.ones(len(whole), bool)
    old[added] = False
    whole[added], whole[old] = more, body
    return whole


@lru_cache
def _make_table() -> npt.NDArray[np.uint32]:
    """Of each code of one or two bytes: its UTF-8 and how many bytes that has, 0 for no character.

    A row of four bytes is one number, which is found at once.
    """
    table = np.zeros((1 << 16, 4), np.uint8)
    codes = [bytes([lead, second]) for lead in LEADS for second in range(0x40, 0xFD)]
    for code in [*codes, *(bytes([kana]) for kana in KANA)]:
        with suppress(UnicodeDecodeError):
            utf8 = code.decode(ENCODING).encode()
            table[int.from_bytes(code, "big")] = [*utf8.ljust(3, b"\0"), len(utf8)]
    return table.view(np.uint32).ravel()
