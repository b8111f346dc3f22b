"""Prepared orders: the door passed once, its result kept as Parquet and opened by every notebook.

A preparation is named by what it depends on (the file, the mapping, the policies, this code),
so that it never goes stale and never needs to be told to refresh. It is safe to delete.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ltvkit import files, paths, sources
from ltvkit.errors import ReportError
from ltvkit.i18n import language
from ltvkit.orders import Orders, check_options, read
from ltvkit.values import literal

_DOOR = ("sources", "values", "contract", "policies", "orders", "quality", "prepared")
_BELOW = ("periods", "engine", "errors", "i18n")
_FRAMES = ("lines", "returns", "quarantine")


@dataclass(frozen=True)
class Prepared(Orders):
    """`Orders` opened from a preparation: its frames are DuckDB relations over Parquet."""

    folder: Path
    key: str


def open(
    source: str,
    *,
    columns: Mapping[str, str] | None = None,
    policies: Mapping[str, Any] | None = None,
) -> Prepared:
    """The prepared orders of a file or a sample; prepared now if they were not before.

    Takes what `orders.read` takes, `policies` as one mapping, and raises what it raises.
    """
    check_options(columns=columns, policies=policies)
    key = _key(sources.locate(source), source, columns or {}, policies or {})
    folder = paths.cache() / "orders" / key
    if not (folder / "facts.json").exists():
        _prepare(read(source, columns=columns, **dict(policies or {})), folder)
    return _opened(folder, key)


def _key(path: Path, source: str, columns: Mapping, policies: Mapping) -> str:
    seen, home = path.stat(), Path(__file__).parent
    code = [
        p.read_text("utf-8")
        for n in _DOOR + _BELOW
        for p in sorted(home.glob(f"{n}*"), key=str)
        if p.suffix == ".py"
    ]
    parts = [source, str(path), seen.st_size, seen.st_mtime_ns, dict(columns), dict(policies)]
    text = json.dumps([*parts, code, language()], default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _prepare(book: Orders, folder: Path) -> None:
    try:
        with files.whole(folder) as part:
            part.mkdir()
            for name in _FRAMES:
                _write(getattr(book, name), part / f"{name}.parquet")
            book.quality.to_csv(part / "quality.csv", index=False)
            (part / "facts.json").write_text(json.dumps(book.facts, ensure_ascii=False), "utf-8")
    except OSError as error:  # another run may have prepared the same meanwhile
        if not (folder / "facts.json").exists():
            raise ReportError(f"prepared orders cannot be kept in {folder}: {error}.") from error


def _write(relation: Any, path: Path) -> None:
    relation.query("frame", f"copy (select * from frame) to {literal(str(path))} (format parquet)")


def _opened(folder: Path, key: str) -> Prepared:
    import duckdb

    # A report says how many cores are a notebook's; alone, it may have them all.
    threads = os.environ.get("LTVKIT_THREADS")
    connection = duckdb.connect(config={"threads": threads} if threads else {})
    frames = {n: connection.read_parquet(str(folder / f"{n}.parquet")) for n in _FRAMES}
    facts = json.loads((folder / "facts.json").read_text("utf-8"))
    quality = pd.read_csv(folder / "quality.csv")
    return Prepared(**frames, quality=quality, facts=facts, folder=folder, key=key)
