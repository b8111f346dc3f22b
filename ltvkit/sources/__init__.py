"""Opening what a shop hands over, as it is written: one row per record, with its line number.

CSV and TSV come as text through a strict reader, so that nothing is guessed at here; Parquet
and Excel keep the types they carry. `values` reads the values, `orders` judges them.
"""

from __future__ import annotations

import csv
import hashlib
import itertools
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ltvkit import paths
from ltvkit.errors import DataError, nearest
from ltvkit.policies import Policies
from ltvkit.sources import databases
from ltvkit.values import quoted

ENCODINGS = ("utf-8-sig", "cp932")
BATCH = 100_000
_RAGGED = "_ragged"


@dataclass(frozen=True)
class Raw:
    """An opened source: `frame`, a DuckDB relation with `line`, the raw columns and `_ragged`
    (the text of a record whose fields do not match the header, else NULL); `facts` about it.
    """

    frame: Any
    facts: dict[str, Any]

    @property
    def columns(self) -> dict[str, str]:
        """Raw column -> DuckDB type."""
        pairs = zip(self.frame.columns, map(str, self.frame.types), strict=True)
        return {name: kind for name, kind in pairs if name not in ("line", _RAGGED)}


def locate(source: str) -> Path:
    """The file behind a source: a path below the project root, or a sample (demo:cdnow).

    A sample is made on first use and kept in the cache.
    """
    if source.startswith("demo:"):
        from ltvkit import demo

        name = source.removeprefix("demo:")
        path = paths.cache() / "demo" / f"{name}-{demo.version()}.parquet"
        return path if path.exists() else demo.write(name, path)
    path = paths.resolve(source)
    if not path.is_file():
        beside = [p.name for p in path.parent.glob("*")] if path.parent.is_dir() else []
        raise DataError(
            f"source {source!r}: there is no file at {path}.{nearest(path.name, beside)} "
            "Give the path from the project's folder, or an absolute one."
        )
    return path


def open(source: str, rules: Policies | None = None) -> Raw:
    """A CSV, TSV, Excel or Parquet file, a database's URL, or a sample -> `Raw`."""
    import duckdb

    if databases.is_address(source):
        return _table(source, rules or Policies())
    path = locate(source)
    readers = {".csv": _csv, ".tsv": _csv, ".txt": _csv, ".parquet": _parquet, ".xlsx": _excel}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(
            f"source {source!r}: files ending in '{path.suffix}' cannot be read. "
            f"Export it as one of {', '.join(readers)}."
        )
    frame, facts = reader(duckdb.connect(), path)
    return Raw(frame, {"source": source, "sha256": _sha256(path), **facts})


def _table(url: str, rules: Policies) -> Raw:
    import duckdb

    connection = duckdb.connect()
    with tempfile.TemporaryDirectory() as work:
        facts = databases.keep(url, Path(work) / "table.parquet", table=rules.table)
        connection.read_parquet(f"{work}/table.parquet").create("raw")
    return Raw(_numbered(connection.table("raw"), first=1), facts)


def from_frame(frame: Any) -> Raw:
    """A pandas or Polars frame in memory -> `Raw`; lines are numbered from 1."""
    import duckdb
    import narwhals.stable.v2 as nw

    arrow = nw.from_native(frame, eager_only=True).to_arrow()
    opened = duckdb.connect().from_arrow(arrow)
    return Raw(_numbered(opened, first=1), {"source": "a frame in memory", "encoding": None})


def _parquet(connection: Any, path: Path) -> tuple[Any, dict[str, Any]]:
    return _numbered(connection.read_parquet(str(path)), first=1), {"encoding": None}


def _excel(connection: Any, path: Path) -> tuple[Any, dict[str, Any]]:
    import pandas as pd

    sheet = pd.read_excel(path, dtype=str, keep_default_na=False)
    return _numbered(connection.from_df(sheet), first=2), {"encoding": None}


def _numbered(relation: Any, *, first: int) -> Any:
    columns = ", ".join(quoted(c) for c in relation.columns)
    number = f"row_number() over () + {first - 1} as line"
    return relation.project(f"{number}, {columns}, null::varchar as {_RAGGED}")


def _csv(connection: Any, path: Path) -> tuple[Any, dict[str, Any]]:
    encoding = _encoding(path)
    delimiter = _delimiter(path, encoding)
    header = next(_records(path, encoding, delimiter), (1, []))[1]
    if not header:
        raise DataError(f"{path.name} is empty: the first line must name the columns.")
    _refuse_twins(header, path)
    for batch in _batches(itertools.islice(_records(path, encoding, delimiter), 1, None), header):
        rows = connection.from_arrow(batch)
        rows.create("raw") if batch.num_rows == 0 else rows.insert_into("raw")
    facts = {"encoding": encoding.removesuffix("-sig"), "delimiter": delimiter}
    return connection.table("raw"), facts


def _records(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        first = 1
        try:
            for record in reader:
                if record:
                    yield first, record
                first = reader.line_num + 1
        except csv.Error as error:
            raise DataError(
                f"{path.name}, record starting at line {first}: {error}. "
                "Look for a quotation mark that is opened and not closed; "
                'inside quotes, write it twice ("").'
            ) from error


def _batches(records: Iterator[tuple[int, list[str]]], header: list[str]) -> Iterator[Any]:
    """Arrow tables of at most `BATCH` records; the first is empty and gives the columns."""
    import pyarrow as pa

    texts = [(name, pa.string()) for name in (*header, _RAGGED)]
    schema = pa.schema([("line", pa.int64()), *texts])
    width = len(header)
    yield schema.empty_table()
    while chunk := list(itertools.islice(records, BATCH)):
        rows = [
            (line, *record, None)
            if len(record) == width
            else (line, *[None] * width, ",".join(record))
            for line, record in chunk
        ]
        yield pa.table(list(zip(*rows, strict=True)), schema=schema)


def _encoding(path: Path) -> str:
    for encoding in ENCODINGS:
        try:
            with path.open(encoding=encoding, newline="") as file:
                while file.read(1 << 20):
                    pass
            return encoding
        except UnicodeDecodeError as error:
            reason = error
    raise DataError(
        f"{path.name} is neither UTF-8 nor CP932 (Shift_JIS) throughout: {reason}. "
        "Save it as UTF-8."
    )


def _delimiter(path: Path, encoding: str) -> str:
    with path.open(encoding=encoding, newline="") as file:
        first = file.readline()
    return max(",\t;|", key=first.count)


def _refuse_twins(header: list[str], path: Path) -> None:
    twins = sorted({h for h in header if header.count(h) > 1})
    if twins:
        raise DataError(
            f"{path.name} has more than one column named {', '.join(map(repr, twins))}. "
            "Rename them in the export, so that it is certain which one is meant."
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
