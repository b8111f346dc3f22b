"""CP932 by tables is what Python's codec makes of it."""

from __future__ import annotations

import random

import pytest

from ltvkit.errors import DataError
from ltvkit.ingest.readers import cp932, encodings

STRANGE = "\x80\xa0\uf8f0\uf8f1\uf8f2\uf8f3"  # what the codec makes of bytes that are no text
BYTES = [*b"a,\n|\x40\x5c\x7e\x7f\x80", 0x81, 0x8A, 0x9F, 0xA0, 0xA1, 0xB1, 0xDF, 0xE0, 0xFC, 0xFD]


def by_codec(text: bytes) -> bytes | None:
    try:
        found = text.decode("cp932")
    except UnicodeDecodeError:
        return None
    return None if set(found) & set(STRANGE) else found.encode()


def test_every_character_and_every_pair_of_bytes():
    pairs = [bytes([a, b]) for a in range(256) for b in range(256)]
    whole = [p for p in pairs if by_codec(p) is not None]
    assert cp932.convert(b"".join(whole)) == b"".join(map(by_codec, whole))
    wrong = [p for p in pairs if p[0] >= 0x80 and by_codec(p) is None]
    assert [p for p in wrong if cp932.convert(p) is not None] == []


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_a_text_that_is_cut_anywhere(size):
    rng = random.Random(size)
    told = 0
    for _ in range(300):
        text = bytes(rng.choices(BYTES, k=rng.randint(0, 9)))
        blocks = [text[n : n + size] for n in range(0, len(text), size)]
        made = list(cp932.convert_blocks(blocks))
        found = None if None in made else b"".join(made)
        assert found == by_codec(text), text
        told += found is not None
    assert 50 < told < 250


def test_a_fault_far_down_is_told_with_its_line(tmp_path, monkeypatch):
    monkeypatch.setattr(encodings, "BLOCK", 64)
    path = tmp_path / "a.csv"
    path.write_bytes("煎茶,1\n".encode("cp932") * 50 + b"\x81\n")
    with pytest.raises(DataError, match="line 51 holds bytes that are no character"):
        encodings.convert_to_utf8(path, name="a", declared="cp932", copy=tmp_path / "copy")
    path.write_bytes("煎茶,1\n".encode("cp932") * 50)
    text = encodings.convert_to_utf8(path, name="a", copy=tmp_path / "copy")
    assert (text.encoding, text.lines, text.path) == ("cp932", 50, tmp_path / "copy")
    assert text.path.read_text("utf-8") == "煎茶,1\n" * 50
