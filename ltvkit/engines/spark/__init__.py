"""A Spark cluster: its session, DuckDB on its workers, ranks without a global sort."""

import sys


def close() -> None:
    """End the Spark session of this process, if there is one."""
    if session := sys.modules.get(f"{__name__}.session"):
        session.close()
