"""Cache of orders: each source is validated once, stored as Parquet and opened by every notebook.

A cache entry is named by a hash of all it depends on (files, mapping, policies, code), so it is
never stale and needs no refresh. It is safe to delete.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ltvkit.core import files, paths, redaction
from ltvkit.core.code_digest import hash_code
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

# A small dictionary: most columns have few values, or nearly all are distinct.
_PARQUET = "format parquet, dictionary_size_limit 5000"
FACTS = "facts.json"
# What stored rows depend on of the kit: `ingest` and the layers that it stands on.
CODE = ("core", "engines", "ingest", "errors.py", "periods.py")
_LATER = ("max_quarantined", "checks", "memory_limit")  # policies that change no stored row
# Names a run of the report. A table on a server is read once for all its notebooks.
RUN = "LTVKIT_RUN"


@dataclass(frozen=True, kw_only=True)
class CachedOrders(Orders):
    """`Orders` opened from the cache: DuckDB relations over Parquet.

    With the engine pandas or Polars, `lines` and `returns` are in memory.
    """

    folder: Path
    key: str

    @cached_property
    def days(self) -> Any:
        """The lines aggregated by customer and day, stored with the cache entry."""
        if engines.in_memory(self.lines):
            return daily.aggregate(self.lines)
        kept = self.folder / "days.parquet"
        if not kept.exists():
            with files.replacing(kept) as part:
                daily.aggregate(self.lines).write_parquet(str(part))
        return self.lines.query("lines", f"select * from read_parquet({one_file(kept)})")

    def store_days(self) -> None:
        """Build the daily table now so that parallel notebooks do not each build it."""
        if not engines.in_memory(self.lines):
            _kept = self.days


def open_orders(
    source: str,
    *,
    columns: Mapping[str, str] | None = None,
    policies: Mapping[str, Any] | None = None,
    engine: str = "duckdb",
) -> CachedOrders:
    """A source as `orders.read` takes it -> its orders from the cache, written there at first.

    Raises what `orders.read` raises; `engine` is not Spark.
    """
    rules = check_options(columns=columns, policies=policies)
    seen = readers.fingerprint(source, rules)
    home, depends = paths.cache() / "orders", list_dependencies(source, columns, policies, rules)
    raw, note = None, None
    if seen is None:
        note = find_run_note(*depends)
        if note and note.exists():
            named = note.read_text("utf-8")
            return _load(home / named, rules, engine)
        raw = readers.open_source(source, rules)
        seen = raw.facts["digest"]
    named = make_key(seen, *depends)
    if not (home / named / FACTS).exists():
        _prepare(raw or readers.open_source(source, rules), columns or {}, rules, home / named)
    if note:
        files.write(note, named)
    return _load(home / named, rules, engine)


def list_dependencies(
    source: str, columns: Mapping | None, policies: Mapping | None, rules: Policies
) -> tuple[Any, ...]:
    """What a cache entry depends on besides the source and the code."""
    rates = currencies.load_rates(rules.rates)
    beside = "" if rates is None else rates.to_csv()
    decided = {n: p for n, p in (policies or {}).items() if n not in _LATER}
    return source, columns or {}, decided, beside


def find_run_note(*depends: Any) -> Path | None:
    """The file in which a run of the report notes the key of what it read first, so that all its
    notebooks read the same rows; None outside a run.
    """
    run = os.environ.get(RUN)
    return paths.cache() / "orders" / f"{make_key(run, *depends)}.asked" if run else None


def make_key(seen: object, *asked: Any) -> str:
    """The name of a cache entry; `seen` is a fingerprint of the source."""
    parts = [seen, *asked, hash_code(within=CODE), language()]
    return hashlib.sha256(json.dumps(parts, default=dict).encode()).hexdigest()[:16]


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
            raise ReportError(
                f"the orders cannot be cached in {folder}: {redaction.describe_error(error)}."
            ) from error


def _store(connection: Any, relation: Any, name: str, first: int | None) -> str:
    """A `pipeline.Store` into Parquet files of the folder that the connection names."""
    path = f"getvariable('folder') || '/{name}.parquet'"
    connection.execute(f"copy ({relation.sql_query()}) to ({path}) ({_PARQUET})")
    if first is None:
        return f"select * from read_parquet({path})"
    line = f"file_row_number + {first} as {LINE}"
    chosen = f"select * exclude (file_row_number), {line}"
    return f"{chosen} from read_parquet({path}, file_row_number = true)"


def _set_folder(connection: Any, folder: Path) -> None:
    connection.execute(f"set variable folder = {literal(str(folder))}")


def _load(folder: Path, rules: Policies, engine: str) -> CachedOrders:
    spill = paths.cache() / "spill"
    connection = connect(memory=limits.parse_memory(rules.memory_limit), spill=spill)
    _set_folder(connection, folder)
    rows = pipeline.Rows.from_json((folder / FACTS).read_text("utf-8"))
    book = pipeline.open_rows(connection, rows, returns=rules.returns)
    book = CachedOrders(**vars(book), folder=folder, key=folder.name)
    if engine == "duckdb":
        return book
    held = {name: engines.collect_as(getattr(book, name), engine) for name in ("lines", "returns")}
    return replace(book, **held)
