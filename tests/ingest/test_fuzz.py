"""Broken files through the reader: no traceback, and not a character lost.

Each file is one of tests/inputs, mutated by its number alone, so that a failure is found again.
`make test` reads the first 2,000, `make fuzz` 20,000 (or as many as LTVKIT_FUZZ says).
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import random
import re
import zipfile
from functools import partial
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from ltvkit import orders
from ltvkit.cli.main import main
from ltvkit.engines.connection import connect
from ltvkit.errors import LtvkitError
from ltvkit.ingest import readers
from ltvkit.ingest.readers import csv_batches, csv_files

FILES, ROUNDS, FULL = int(os.environ.get("LTVKIT_FUZZ", "2000")), 10, 50
COLUMNS = ["customer_id", "order_id", "order_date", "amount"]
INPUTS = Path(__file__).parents[1] / "inputs"
SEEDS = [p for p in sorted(INPUTS.rglob("*.*")) if p.is_file() and p.stat().st_size < 6000]
TEXTS = [p for p in SEEDS if p.suffix in (".csv", ".tsv", ".txt")]
# Packed files are slow to open, and nearly all that is done to them breaks them the same way.
PACKED = [p for p in SEEDS if p.suffix in (".gz", ".zip", ".parquet", ".xlsx")]
BYTES = {p: p.read_bytes() for p in SEEDS}
SPICE = [bytes([b]) for b in b"\"\x00,\t;|\n\r \\'\x1a\x0b"] + [b"\r\n", b'""', b",,", b'","']
SPICE += [b"\xef\xbb\xbf", b"\xff\xfe", "\u2028".encode(), "\u3000".encode(), "茶".encode()]
SPICE += [
    "髙".encode("cp932"),
    "ｶ".encode("cp932"),
    "あ".encode("euc_jp"),
    "茶,".encode("utf-16-le"),
]


def broken(number: int) -> tuple[str, bytes]:
    """The file of this number: its suffix and content."""
    rng = random.Random(number)
    seed = rng.choice(PACKED if number % 50 == 0 else TEXTS)
    data = BYTES[seed]
    for _ in range(rng.randint(1, 4)):
        inside = zipfile.is_zipfile(io.BytesIO(data)) and rng.random() < 0.7
        data = (repacked if inside else rng.choice(MUTATIONS))(data, rng)
    return "".join(seed.suffixes[-2:]), data


def flip(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) or 1)
    return data[:at] + bytes(b ^ 1 << rng.randrange(8) for b in data[at : at + 1]) + data[at + 1 :]


def cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def take_out(data: bytes, rng: random.Random) -> bytes:
    start, end = sorted(rng.choices(range(len(data) + 1), k=2))
    return data[:start] + data[end:]


def splice(data: bytes, rng: random.Random) -> bytes:
    other = BYTES[rng.choice(TEXTS)]
    return cut(data, rng) + other[rng.randrange(len(other) + 1) :]


def repeat_lines(data: bytes, rng: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    at = rng.randrange(len(lines) or 1)
    return b"".join(lines[: at + 1] + lines[at:] * rng.randint(1, 2))


def insert(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(SPICE) + data[at:]


def repacked(data: bytes, rng: random.Random) -> bytes:
    """An archive of which one entry is broken, and the archive is not."""
    packed = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(packed, "w") as new:
            broken_one = rng.choice(old.namelist() or [""])
            for name in old.namelist():
                entry = old.read(name)
                entry = rng.choice(MUTATIONS)(entry, rng) if name == broken_one else entry
                new.writestr(zipfile.ZipInfo(name), entry)
    except Exception:  # broken already
        return data
    return packed.getvalue()


MUTATIONS = [flip, cut, take_out, splice, repeat_lines, insert, insert, insert]


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_broken_file_is_read_to_the_last_character_or_refused(round_, tmp_path, monkeypatch):
    read, rows, opened, several_lines = [], [], 0, []
    # Opening a connection, or writing Parquet, takes longer than reading a small file.
    monkeypatch.setenv("LTVKIT_THREADS", "1")
    connection = connect()
    monkeypatch.setattr(readers, "connect", lambda **_limits: connection)
    monkeypatch.setattr(csv_files, "write_exact", partial(_read_exactly, read))
    for number in range(round_, FILES, ROUNDS):
        suffix, data = broken(number)
        path = tmp_path / f"broken{suffix}"
        path.write_bytes(data)
        read.clear()
        try:
            raw = readers.open_source(str(path))  # what it unpacked lasts as long as it does
        except LtvkitError as error:
            several_lines += [number] * ("\n" in str(error))
            continue
        part = raw.parts[0]
        if suffix == ".parquet":
            with contextlib.suppress(duckdb.Error):  # the door says it in its own words
                connection.sql(part.sql).fetchall()
        if suffix in (".csv", ".tsv", ".txt"):
            _by_both_ways(part, read, connection, number)
            _to_the_last_character(part, read, data, number)
            rows += [[*r.fields, "", "", ""][:4] for r in read if r.fields]
            opened += 1
    assert several_lines == []
    assert opened > FILES / ROUNDS / 2
    monkeypatch.undo()
    _through_the_door(rows)


def _read_exactly(
    read: list, path: Path, columns: list[str], _work: Path, **form
) -> tuple[str, tuple, bool]:
    """All records one by one; by blocks they are the same."""
    records = list(csv_files.iterate_records(path, width=len(columns), **form))
    read.extend(records)
    if csv_batches.can_read(form["delimiter"], len(columns)):
        size = 1 + path.stat().st_size % 997
        batches = csv_batches.read_batches(path, columns, size=size, **form)
        rows = [zip(*(c.to_pylist() for c in batch.columns), strict=True) for batch in batches]
        told = [(r.line, r.fault, r.text, *(r.fields or [None] * len(columns))) for r in records]
        assert [*itertools.chain(*rows)] == told
    return "", (), False


def _by_both_ways(part: readers.Part, read: list, connection, number: int) -> None:
    """Where the quick way says that it read all, it gives what the exact one gives."""
    if part.exact is None:
        return
    part.exact()
    try:
        quick = connection.sql(part.sql).fetchall()
    except duckdb.Error:
        return
    if len(quick) == part.expected and len(part.columns) > 1:
        numbered = enumerate(quick, start=part.first)
        told = [(line, [(v or "").strip() for v in row]) for line, row in numbered]
        assert told == [(r.line, [v.strip() for v in r.fields]) for r in read], f"file {number}"


def _to_the_last_character(part: readers.Part, read: list, data: bytes, number: int) -> None:
    """Leave out delimiters, quotation marks and blanks: what is left is all there, in order."""
    encoding, delimiter = part.facts["encoding"], part.facts["delimiter"]
    text = data.decode(encoding).removeprefix("\ufeff")

    def ink(written: str) -> str:
        return "".join(re.split(rf'[\s\ufeff"{re.escape(delimiter)}]+', written))

    above = re.split("(?<=\n)|(?<=\r)(?!\n)", text)[: read[0].line - 1 if read else None]
    header = ink("".join(above))
    found = header + "".join(ink(r.text or "".join(r.fields)) for r in read)
    assert found == ink(text), f"file {number}"
    assert read or '"' in text or "\n" not in text.strip(), f"file {number}"


def _through_the_door(rows: list[list[str]]) -> None:
    """All their values at once: none stops the reading, and what is read adds up."""
    sure = ["a", "1", "2020-01-01", "1"]
    frame = pd.DataFrame([sure, *rows], columns=COLUMNS, dtype="str")
    # Mutated amounts carry the signs of many currencies; a column says that they are one.
    said = frame.assign(currency="JPY")
    book = orders.read(said, policies={"returns": "separate", "timezone": "Asia/Tokyo"})
    table = book.quality.groupby("status")[["lines", "amount"]].sum()
    assert len(frame) == table.loc["read", "lines"]
    assert len(frame) == len(book.lines) + len(book.returns) + len(book.quarantine)
    money = table.loc[["kept", "quarantined"], "amount"].sum()
    assert money == pytest.approx(table.loc["read", "amount"])
    asked = frame.iloc[book.quarantine["line"] - 1].reset_index(drop=True)
    pd.testing.assert_frame_equal(book.quarantine[COLUMNS], asked, check_dtype=False)


def test_a_user_sees_one_line_or_a_result(tmp_path):
    for number in range(0, FILES, FILES // FULL):
        suffix, data = broken(number + 7)
        path, params = tmp_path / f"broken{suffix}", tmp_path / "params.yaml"
        path.write_bytes(data)
        policies = {"max_quarantined": 1}
        params.write_text(yaml.safe_dump({"shop": "x", "source": str(path), "policies": policies}))
        ran = CliRunner().invoke(main, ["check", str(params)])
        assert ran.exception is None or isinstance(ran.exception, SystemExit), f"file {number + 7}"
        assert ran.exit_code in (0, 1, 2)
        assert ran.exit_code != 2 or ran.stderr.count("\n") == 1, f"file {number + 7}"
