"""A DuckDB connection in memory, without network access and within limits."""

import atexit
import os
import shutil
import weakref
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from ltvkit.core import cache_folder, files, locks

# With these off, DuckDB fetches no extension, and so can read no network address.
CLOSED = dict.fromkeys(("autoinstall_known_extensions", "autoload_known_extensions"), False)
CLOSED |= dict.fromkeys(("allow_community_extensions", "allow_persistent_secrets"), False)


def connect(
    *, memory: int | None = None, spill: Path | None = None, threads: int | None = None
) -> Any:
    """A new connection. Beyond `memory` (bytes) it works on disk, in `spill`.

    It has as many `threads` as LTVKIT_THREADS, which a report sets for its notebooks; else all.
    Connections with the same limits share them, and see none of each other's temporary tables,
    variables and frames.
    """
    cores = int(threads or os.environ.get("LTVKIT_THREADS") or 0)
    database, spilled = _start_database(os.getpid(), memory, spill, cores)
    connection = database.cursor()
    weakref.finalize(connection, id, spilled)  # which lasts as long as any connection to it
    connection.execute("set timezone = 'UTC'")  # not that of the machine
    return connection


def ask(connection: Any, records: str, sql: str) -> list[tuple]:
    """The rows of a query of `raw`, which SQL selects as `records`.

    DuckDB's relations split such texts into words, which takes longer than most queries.
    """
    return connection.execute(f"with raw as ({records}) {sql}").fetchall()


class _Spill:
    """A folder for what one database spills, held while it is used, and then removed."""

    def __init__(self, home: Path) -> None:
        self.folder = files.unique_path(home, f"-{os.getpid()}")
        with suppress(OSError):  # on a full or read-only disk, only what is too large then fails
            held = locks.make_held(self.folder)
            weakref.finalize(self, _remove, self.folder, held)
            cache_folder.sweep(home)


def _remove(folder: Path, held: locks.Hold) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    held.release()


@lru_cache(maxsize=2)  # starting one takes as long as reading a small file
def _start_database(
    process: int, memory: int | None, spill: Path | None, threads: int
) -> tuple[Any, _Spill | None]:
    """A new instance of DuckDB, for one process: what it spills is in a folder of its own."""
    import duckdb

    config: dict[str, Any] = dict(CLOSED)
    if threads:
        config["threads"] = threads
    if memory:
        config["memory_limit"] = f"{memory}B"
    spilled = _Spill(spill) if spill else None
    if spilled:
        config["temp_directory"] = str(spilled.folder)
    return duckdb.connect(config=config), spilled


atexit.register(_start_database.cache_clear)  # so that it removes what it has spilled
