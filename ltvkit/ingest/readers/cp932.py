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
    leads = _find_leads(codes)
    if leads.size and leads[-1] + 1 == len(codes):
        return None
    pairs = codes[leads].astype(np.uint16) << 8 | codes[leads + 1]
    table, sizes = _make_table()
    single = (codes == 0x80) | (codes >= 0xA0)
    single[leads] = single[leads + 1] = False
    kana = np.flatnonzero(single)
    if not sizes[pairs].all() or ((codes[kana] < KANA[0]) | (codes[kana] > KANA[-1])).any():
        return None
    utf8 = table[pairs]
    body = codes.copy()
    body[leads], body[leads + 1] = utf8[:, 0], utf8[:, 1]
    long = sizes[pairs] == 3
    after, more = leads[long] + 1, utf8[long, 2]
    if kana.size:
        utf8 = table[codes[kana]]
        body[kana] = utf8[:, 0]
        after = np.concatenate([after, np.repeat(kana, 2)])
        order = np.argsort(after, kind="stable")
        after, more = after[order], np.concatenate([more, utf8[:, 1:].ravel()])[order]
    return _insert(body, after, more).tobytes()


def _find_leads(codes: Codes) -> npt.NDArray[np.int64]:
    """The places of the first bytes of two: of bytes that may be, every other one in a row."""
    able = np.flatnonzero((codes ^ 0x20) - np.uint8(0xA1) < len(LEADS))
    apart = np.flatnonzero(np.diff(able, prepend=-2) != 1)
    firsts = np.repeat(able[apart], np.diff(apart, append=len(able)))
    return able[(able - firsts) % 2 == 0]


def _insert(body: Codes, after: npt.NDArray[np.int64], more: Codes) -> Codes:
    """A text with more bytes, each after a place of it."""
    added = after + np.arange(1, len(after) + 1)
    whole = np.empty(len(body) + len(more), np.uint8)
    old = np.ones(len(whole), bool)
    old[added] = False
    whole[added], whole[old] = more, body
    return whole


@lru_cache
def _make_table() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Of each code of one or two bytes: its bytes in UTF-8, and how many; 0 for no character."""
    table, sizes = np.zeros((1 << 16, 3), np.uint8), np.zeros(1 << 16, np.uint8)
    codes = [bytes([lead, trail]) for lead in LEADS for trail in range(0x40, 0xFD)]
    for code in [*codes, *(bytes([kana]) for kana in KANA)]:
        with suppress(UnicodeDecodeError):
            utf8 = code.decode(ENCODING).encode()
            number = int.from_bytes(code, "big")
            table[number, : len(utf8)], sizes[number] = list(utf8), len(utf8)
    return table, sizes
