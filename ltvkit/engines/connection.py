"""A DuckDB connection that keeps to itself: in memory, off the network, within its limits."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

# It would fetch code from elsewhere when it meets an address; without, it can read none.
CLOSED = dict.fromkeys(("autoinstall_known_extensions", "autoload_known_extensions"), False)
CLOSED |= dict.fromkeys(("allow_community_extensions", "allow_persistent_secrets"), False)


def connect(
    *, memory: int | None = None, spill: Path | None = None, threads: int | None = None
) -> Any:
    """A fresh connection. Beyond `memory` (bytes) it works on disk, in `spill`.

    A report says by LTVKIT_THREADS how many cores are a notebook's; alone, it may have them all.
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
    connection.sql("set timezone = 'UTC'")  # not the machine's
    return connection
