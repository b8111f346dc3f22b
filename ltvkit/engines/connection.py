"""A DuckDB connection in memory, without network access and within limits."""

import os
from pathlib import Path
from typing import Any

# With these off, DuckDB fetches no extension, and so can read no network address.
CLOSED = dict.fromkeys(("autoinstall_known_extensions", "autoload_known_extensions"), False)
CLOSED |= dict.fromkeys(("allow_community_extensions", "allow_persistent_secrets"), False)


def connect(
    *, memory: int | None = None, spill: Path | None = None, threads: int | None = None
) -> Any:
    """A new connection. Beyond `memory` (bytes) it works on disk, in `spill`.

    It has as many `threads` as LTVKIT_THREADS, which a report sets for its notebooks; else all.
    """
    import duckdb

    config: dict[str, Any] = dict(CLOSED)
    if cores := threads or os.environ.get("LTVKIT_THREADS"):
        config["threads"] = int(cores)
    if memory:
        config["memory_limit"] = f"{memory}B"
    if spill:
        config["temp_directory"] = str(spill)
    connection = duckdb.connect(config=config)
    connection.sql("set timezone = 'UTC'")  # not that of the machine
    return connection
