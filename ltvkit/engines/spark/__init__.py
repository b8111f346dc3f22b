"""Orders on a Spark cluster: its session, the door on its workers, ranks without a global sort."""

from __future__ import annotations

import sys


def close() -> None:
    """Give the cluster back, if this process has one."""
    if session := sys.modules.get(f"{__name__}.session"):
        session.close()
