"""Prepared orders: the door passed once, its result kept as Parquet and opened by every notebook.

A preparation is named by what it depends on (the files, the mapping, the policies, this code),
so that it never goes stale and never needs to be told to refresh. It is safe to delete.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from ltvkit.core import files, paths
from ltvkit.core.i18n import language
from ltvkit.engines import frames as engines
from ltvkit.engines import limits
from ltvkit.engines.connection import connect
from ltvkit.engines.sql import literal, one_file
from ltvkit.errors import ReportError
from ltvkit.ingest import daily, pipeline, readers
from ltvkit.ingest.book import Orders
from ltvkit.ingest.parse import currencies
from ltvkit.ingest.policies import Policies, check_options
from ltvkit.ingest.schema import LINE

# Small dictionaries: most columns of orders are either of few values or nearly all distinct.
_PARQUET = "format parquet, dictionary_size_limit 5000"
FACTS = "facts.json"
_LATER = ("max_quarantined", "checks", "memory_limit")  # policies that change nothing here
# Names a run of the report, all notebooks of which must see the same rows: a table on a server,
# which only reading can tell from what it was, is read once for it.
RUN = "LTVKIT_RUN"


@dataclass(frozen=True, kw_only=True)
class CachedOrders(Orders):
    """`Orders` opened from a preparation: DuckDB relations over Parquet, but for the lines and
    returns where another engine is asked for."""

    folder: Path
    key: str

    @cached_property
    def days(self) -> Any:
        """The lines added up by customer and day (see `days.of`), kept with the preparation."""
        if engines.in_memory(self.lines):
            return daily.aggregate(self.lines)
        kept = self.folder / "days.parquet"
        if not kept.exists():
            with files.replacing(kept) as part:
                daily.aggregate(self.lines).write_parquet(str(part))
        return self.lines.query("lines", f"select * from read_parquet({one_file(kept)})")

    def store_days(self) -> None:
        """Make the days that are kept, lest several notebooks make them at the same time."""
        if not engines.in_memory(self.lines):
            _kept = self.days


def open_orders(
    source: str,
    *,
    columns: Mapping[str, str] | None = None,
    policies: Mapping[str, Any] | None = None,
    engine: str = "duckdb",
) -> CachedOrders:
    """The prepared orders of a source; prepared now if they were not before.

    Takes what `orders.read` takes, and raises what it raises; `engine` is not Spark.
    """
    book = _open(source, columns=columns, policies=policies)
    if engine == "duckdb":
        return book
    frames = ("lines", "returns")
    return replace(
        book, **{name: engines.collect_as(getattr(book, name), engine) for name in frames}
    )


def _open(source: str, *, columns: Mapping | None, policies: Mapping | None) -> CachedOrders:
    rules = check_options(columns=columns, policies=policies)
    seen = readers.fingerprint(source, rules)
    home, depends = paths.cache() / "orders", list_dependencies(source, columns, policies, rules)
    raw, note = None, None
    if seen is None:
        note = find_run_note(*depends)
        if note and note.exists():
            named = note.read_text("utf-8")
            return _load(home / named, named, rules)
        raw = readers.open_source(source, rules)
        seen = raw.facts["digest"]
    named = make_key(seen, *depends)
    if not (home / named / FACTS).exists():
        _prepare(raw or readers.open_source(source, rules), columns or {}, rules, home / named)
    if note:
        files.write(note, named)
    return _load(home / named, named, rules)


def list_dependencies(
    source: str, columns: Mapping | None, policies: Mapping | None, rules: Policies
) -> tuple[Any, ...]:
    """What a preparation depends on, beside what is read and the code."""
    rates = currencies.load_rates(rules.rates)
    beside = "" if rates is None else rates.to_csv()
    decided = {n: p for n, p in (policies or {}).items() if n not in _LATER}
    return source, columns or {}, decided, beside


def find_run_note(*depends: Any) -> Path | None:
    """Where a run of the report notes the key of what it reads, so that all of it reads the same.

    None outside of a run.
    """
    run = os.environ.get(RUN)
    return paths.cache() / "orders" / f"{make_key(run, *depends)}.asked" if run else None


def make_key(seen: object, *asked: Any) -> str:
    """The name of a preparation: `seen` tells one reading of the source from another."""
    parts = [seen, *asked, _digest_code(), language()]
    return hashlib.sha256(json.dumps(parts, default=dict).encode()).hexdigest()[:16]


@cache
def _digest_code() -> str:
    """A digest of the kit's code and data files: another version of it reads anew."""
    files = (p for p in sorted(paths.package().rglob("*")) if p.suffix in (".py", ".yaml", ".csv"))
    return hashlib.sha256(b"".join(p.read_bytes() for p in files)).hexdigest()


def _prepare(raw: readers.Raw, columns: Mapping, rules: Policies, folder: Path) -> None:
    files.remove_stale(folder.parent, ".*.part")
    files.remove_stale(folder.parent, "*.asked")
    try:
        with files.replacing(folder) as part:
            part.mkdir(parents=True)
            _set_folder(raw.connection, part)
            rows = pipeline.validate_source(raw, columns=columns, rules=rules, keep=_store)
            (part / FACTS).write_text(rows.to_json(), "utf-8")
    except OSError as error:  # another run may have prepared the same meanwhile
        if not (folder / FACTS).exists():
            raise ReportError(f"prepared orders cannot be kept in {folder}: {error}.") from error


def _store(relation: Any, name: str, first: int | None) -> str:
    """A `door.Keep` into Parquet files of the folder that the connection names."""
    path = f"getvariable('folder') || '/{name}.parquet'"
    relation.query("kept", f"copy (select * from kept) to ({path}) ({_PARQUET})")
    if first is None:
        return f"select * from read_parquet({path})"
    line = f"file_row_number + {first} as {LINE}"
    chosen = f"select * exclude (file_row_number), {line}"
    return f"{chosen} from read_parquet({path}, file_row_number = true)"


def _set_folder(connection: Any, folder: Path) -> None:
    connection.execute(f"set variable folder = {literal(str(folder))}")


def _load(folder: Path, key: str, rules: Policies) -> CachedOrders:
    spill = paths.cache() / "spill"
    connection = connect(memory=limits.parse_memory(rules.memory_limit), spill=spill)
    _set_folder(connection, folder)
    rows = pipeline.Rows.from_json((folder / FACTS).read_text("utf-8"))
    book = pipeline.build_orders(connection, rows, returns=rules.returns)
    return CachedOrders(**vars(book), folder=folder, key=key)
