"""A DuckDB connection in memory, without network access and within limits."""

import atexit
import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from ltvkit.core import files

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
    if spill:
        with suppress(OSError):  # on a full or read-only disk, only what is too large then fails
            spill.mkdir(parents=True, exist_ok=True)
    connection = _start_database(os.getpid(), memory, spill, cores).cursor()
    connection.execute("set timezone = 'UTC'")  # not that of the machine
    return connection


@lru_cache(maxsize=2)  # starting one takes as long as reading a small file
def _start_database(process: int, memory: int | None, spill: Path | None, threads: int) -> Any:
    """A new instance of DuckDB, for one process: what it spills is in a folder of its own."""
    import duckdb

    config: dict[str, Any] = dict(CLOSED)
    if threads:
        config["threads"] = threads
    if memory:
        config["memory_limit"] = f"{memory}B"
    if spill:
        files.remove_stale(spill)
        config["temp_directory"] = str(files.unique_path(spill, f"-{process}"))
    return duckdb.connect(config=config)


atexit.register(_start_database.cache_clear)  # so that it removes what it has spilled
