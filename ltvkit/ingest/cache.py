"""Cache of orders: each source is validated once, stored as Parquet and opened by every notebook.

A cache entry is named by a hash of all it depends on (contents of files, mapping, policies, code),
so it is never stale and needs no refresh. It is safe to delete. A run of the report opens a source
once: all its notebooks get the same entry, whatever happens to the files meanwhile.
"""

import weakref
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ltvkit.core import cache_entries, cache_folder, paths, run_state
from ltvkit.core.locks import Hold
from ltvkit.engines import frames as engines
from ltvkit.engines import limits
from ltvkit.engines.connection import connect
from ltvkit.engines.sql import one_file
from ltvkit.errors import ReportError
from ltvkit.ingest import daily, pipeline, preparing
from ltvkit.ingest.book import Orders
from ltvkit.ingest.policies import Policies
from ltvkit.ingest.preparing import Request


@dataclass(frozen=True, kw_only=True)
class CachedOrders(Orders):
    """`Orders` opened from the cache: DuckDB relations over Parquet.

    With the engine pandas or Polars, `lines` and `returns` are in memory. The folder is held until
    `connection` and its relations are gone.
    """

    folder: Path
    key: str
    connection: Any = None

    @cached_property
    def days(self) -> Any:
        """The lines aggregated by customer and day, stored beside the cache entry."""
        if engines.in_memory(self.lines):
            return daily.aggregate(self.lines)

        def fill(part: Path) -> None:
            daily.aggregate(self.lines).write_parquet(str(part / "days.parquet"))

        kept = self.folder.with_name(f"{self.key}-days")
        weakref.finalize(self.connection, cache_entries.open_or_make(kept, fill).release)
        stored = one_file(kept / "days.parquet")
        return self.lines.query("lines", f"select * from read_parquet({stored})")

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
    request = Request.of(source, columns, policies)
    folder, held = open_entry(request, cache_folder.locate("orders"))
    return _load(folder, held, request.rules, engine)


def open_entry(request: Request, home: Path) -> tuple[Path, Hold]:
    """The cache entry of a request in `home`, which is held; in a run always the same one."""
    key = run_state.pinned(request.key())
    held = cache_entries.open_whole(home / key) if key else None
    if held is None:
        if key and run_state.in_notebook():
            raise ReportError(run_state.describe_damage(home / key, "it is missing"))
        key, held = preparing.find_or_prepare(request, home, pinned=key)
        first = run_state.pin(request.key(), key)
        if first != key:  # another notebook was first
            held.release()
            key, held = first, cache_entries.open_or_make(home / first, _refuse)
    return home / key, held


def _refuse(folder: Path) -> None:
    raise ReportError(f"{paths.shorten(folder)} is missing: run it again.")


def connect_to(folder: Path, held: Hold, rules: Policies) -> tuple[Any, pipeline.Rows]:
    """A cache entry -> a connection that reads its rows, and holds it, and the rows."""
    memory, spill = limits.parse_memory(rules.memory_limit), cache_folder.locate("spill")
    connection = connect(memory=memory, spill=spill)
    weakref.finalize(connection, held.release)
    preparing.set_folder(connection, folder)
    return connection, pipeline.Rows.from_json((folder / preparing.FACTS).read_text("utf-8"))


def _load(folder: Path, held: Hold, rules: Policies, engine: str) -> CachedOrders:
    connection, rows = connect_to(folder, held, rules)
    book = pipeline.open_rows(connection, rows, returns=rules.returns)
    book = CachedOrders(**vars(book), folder=folder, key=folder.name, connection=connection)
    if engine == "duckdb":
        return book
    found = {name: engines.collect_as(getattr(book, name), engine) for name in ("lines", "returns")}
    return replace(book, **found)
