"""Detect the encoding of a text file, strictly and by reading all of it, or take the declared."""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ltvkit.core import redaction
from ltvkit.errors import DataError, ParamsError
from ltvkit.ingest.readers import code_pages, cp932

BLOCK = 1 << 18  # what the second-level cache of a core holds
MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
# Characters that Python decodes, but no text in CP932 has.
_NOT_CP932 = re.compile("[\x80\xa0\uf8f0-\uf8f3]")
# The last bytes of no-break and ideographic spaces, and of a byte order mark.
_WIDE_BLANKS = ((0xC2, 0xA0), (0x80, 0x80), (0xBB, 0xBF))
_SPACED = re.compile(rb'(?:^|[",;|:\t\r\n]) +"')
# Code pages of one byte a character, by the names that Python has for them.
_CODE_PAGES = re.compile(r"cp(?:125\d|85\d|437)|iso8859|mac-|koi8")
_KANA = re.compile("[ぁ-んァ-ヶ]")


class UndecidedEncodingError(DataError):
    """A file that may be in one of several code pages: `pages` -> some letters it then has."""

    def __init__(self, name: str, pages: dict[str, str]) -> None:
        self.pages = pages
        listed = " or ".join(f"{page} (with {letters})" for page, letters in pages.items())
        super().__init__(
            f"{name} is not UTF-8. By its letters it may be {listed}: say which under policies: "
            f"encoding, as in `encoding: {next(iter(pages))}`."
        )


@dataclass(frozen=True)
class Text:
    """A text file in UTF-8 at `path` with so many `lines`, without blank ones at its end.

    `encoding` is the original one. `odd`: only the exact reader can read it, because of NULs,
    carriage returns that end lines, or spaces before an opening quotation mark. `blanks`: it has
    white space other than spaces.
    """

    path: Path
    encoding: str
    lines: int
    odd: bool
    blanks: bool


def convert_to_utf8(path: Path, *, name: str, declared: str = "", copy: Path) -> Text:
    """A text file in any known encoding -> `Text`: itself if it is UTF-8, else its `copy`.

    A byte order mark decides; else the first of UTF-16, UTF-8, EUC-JP and CP932 in which all of
    it is text. Raises `DataError` for a file that is text in none of them, or in both EUC-JP and
    CP932 with nothing to tell them apart, and `UndecidedEncodingError` where it may be in a code
    page of the West, which is never guessed; `ParamsError` for a declared encoding that is unknown.
    A declared code page is that of files that are not UTF-8, as no text in it can be both.
    """
    head = next(_read_blocks(path), b"")[:4096]
    marked = next((known for mark, known in MARKS.items() if head.startswith(mark)), "")
    encoding = _check_declared(declared) or marked or _detect_utf16(path, head) or "utf-8"
    if (encoding == "utf-8" or _CODE_PAGES.match(encoding)) and (
        seen := _scan_utf8(_read_blocks(path), path)
    ):
        return seen
    if encoding == "utf-8" and not (marked or declared):
        return _convert_japanese(path, name, copy)
    if text := _convert(path, encoding, copy):
        return text
    reason = "`encoding` says" if declared else "its first bytes say"
    fault = _find_fault(path, encoding)
    raise DataError(f"{name} is not {encoding} throughout, as {reason}: {fault}.")


def _convert(path: Path, encoding: str, copy: Path) -> Text | None:
    """A text file as its `copy` in UTF-8; None where it is no text in this encoding."""
    blocks: Iterable[bytes | None] = (text.encode() for text in _decode(path, encoding))
    if encoding == cp932.ENCODING:
        blocks = cp932.convert_blocks(_read_blocks(path))
    elif _find_fault(path, encoding):
        return None
    with copy.open("wb") as file:
        text = _scan_utf8(_write(blocks, file), copy)
    return text and replace(text, encoding=encoding)


def _write(blocks: Iterable[bytes | None], file: BinaryIO) -> Iterator[bytes]:
    """Write blocks to a file, and yield them; at one that is None, what is not UTF-8."""
    for block in blocks:
        file.write(block or b"")
        yield b"\xff" if block is None else block


def _scan_utf8(blocks: Iterable[bytes], path: Path) -> Text | None:
    """The blocks of a text file as `Text` if all of it is UTF-8, else None."""
    feeds, odd, blanks, rest, tail = 0, False, False, b"", b""
    for block in blocks:
        start = _last_start(block := rest + block)
        rest, whole = block[start:], block[:start]
        if not _is_utf8(whole):
            return None
        codes = np.frombuffer(whole, np.uint8)
        feeds += int(np.count_nonzero(codes == 10))
        odd = odd or b"\0" in whole or (b"\r" in whole and _has_bare_return(block, start))
        odd = odd or (b'"' in block and _has_spaced_quote(tail[-99:] + block))
        blanks = blanks or _has_wide_blanks(whole)
        tail = (tail + whole[-4096:])[-4096:]
    if not _is_utf8(rest):
        return None
    end = (tail + rest).rstrip(b"\r\n")
    lines = feeds + rest.count(b"\n") - (tail + rest)[len(end) :].count(b"\n") + (end != b"")
    odd = odd or rest in (b"\r", b"\0")
    return Text(path, "utf-8", lines, odd=odd, blanks=blanks or _has_wide_blanks(rest))


def _has_bare_return(block: bytes, start: int) -> bool:
    """Whether a carriage return before `start` ends a line by itself."""
    return block.count(b"\r", 0, start) > block.count(b"\r\n", 0, start + 1)


def _has_spaced_quote(text: bytes) -> bool:
    """Whether a field begins with spaces before its quotation mark; the pattern alone is slow."""
    codes = np.frombuffer(text, np.uint8)
    beside = (codes[:-1] == ord(" ")) & (codes[1:] == ord('"'))
    return bool(beside.any()) and bool(_SPACED.search(text))


def _last_start(block: bytes) -> int:
    """Where the last character of a block starts; it may continue in the next block."""
    back = (n for n in range(1, min(4, len(block)) + 1) if block[-n] & 0xC0 != 0x80)
    return len(block) - next(back, 0)


def _is_utf8(block: bytes) -> bool:
    """Whether a block is UTF-8; Arrow checks that several times as fast as it can be decoded."""
    import pyarrow as pa

    ends = pa.py_buffer(np.array([0, len(block)], np.int64))
    binary = pa.Array.from_buffers(pa.large_binary(), 1, [None, ends, pa.py_buffer(block)])
    try:
        binary.cast(pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True


def _has_wide_blanks(text: bytes) -> bool:
    """Whether white space other than spaces and ends of lines is in a text."""
    codes = np.frombuffer(text, np.uint8)
    pairs = (bool(((codes[:-1] == a) & (codes[1:] == b)).any()) for a, b in _WIDE_BLANKS)
    return any(b in text for b in b"\t\v\f") or any(pairs)


def _read_blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block


def _detect_utf16(path: Path, head: bytes) -> str:
    """UTF-16 without a mark: every other byte of its digits, commas and line feeds is NUL."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if min(even, odd) or max(even, odd) * 4 < len(head) or not head:
        return ""
    found = "utf-16-be" if even else "utf-16-le"
    return "" if _find_fault(path, found) else found


def _convert_japanese(path: Path, name: str, copy: Path) -> Text:
    """A text file in EUC-JP or CP932 as its `copy` in UTF-8."""
    text = _convert(path, cp932.ENCODING, copy)  # which tells at once whether it can be
    encoding = _detect_japanese(path, name, possible=[cp932.ENCODING] * (text is not None))
    return text if text and text.encoding == encoding else _convert(path, encoding, copy)


def _detect_japanese(path: Path, name: str, *, possible: list[str]) -> str:
    """EUC-JP or CP932, whichever fits; where both do, EUC-JP if the text then has kana."""
    if not _find_fault(path, "euc_jp"):
        possible = ["euc_jp", *possible]
    fitting = [e for e in possible if not code_pages.is_hardly_japanese(_decode(path, e))]
    if not fitting and (pages := _rank_code_pages(path)):
        raise UndecidedEncodingError(name, pages)
    fitting = fitting or possible
    if not fitting:
        raise DataError(
            f"{name} is text in none of UTF-8, UTF-16, EUC-JP and CP932 (Shift_JIS): as UTF-8, "
            f"{_find_fault(path, 'utf-8')}. Save it as UTF-8, or name its encoding under policies: "
            "encoding."
        )
    if len(fitting) == 1 or any(map(_KANA.search, _decode(path, "euc_jp"))):
        return fitting[0]
    raise DataError(
        f"{name} can be read as EUC-JP and as CP932, and only you know which it is. "
        "Say so under policies: encoding, as in `encoding: cp932`."
    )


def _rank_code_pages(path: Path) -> dict[str, str]:
    """The code pages of the West that a file may be in, with some letters that it then has."""
    fitting = (page for page in code_pages.USUAL if not _find_fault(path, page))
    return code_pages.rank_pages({page: _decode(path, page) for page in fitting})


def _find_fault(path: Path, encoding: str) -> str:
    """Why a file is not text in this encoding, with the line; empty if it is."""
    line, said = 1, "line {} holds bytes that are no character"
    try:
        for text in _decode(path, encoding):
            if encoding == cp932.ENCODING and (strange := _NOT_CP932.search(text)):
                return said.format(line + text.count("\n", 0, strange.start()))
            line += text.count("\n")
    except UnicodeDecodeError as error:
        return said.format(line + error.object[: error.start].count(b"\n"))
    except UnicodeError as error:  # UTF-16 by name alone, and no byte order mark
        return redaction.foreign(error)
    return ""


def _decode(path: Path, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    for block in _read_blocks(path):
        yield decoder.decode(block)
    yield decoder.decode(b"", final=True)


def _check_declared(name: str) -> str:
    if not name:
        return ""
    try:
        found = codecs.lookup(name).name
        "".encode(found)  # base64 is a codec, and of no text
    except LookupError as error:
        raise ParamsError(
            f"policies: encoding: {name!r} is no encoding; write it as cp932, euc_jp or utf-8."
        ) from error
    return "utf-8" if found == "utf-8-sig" else found
