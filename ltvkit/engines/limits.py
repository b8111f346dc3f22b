"""Limits of memory and disk for reading orders."""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from ltvkit.errors import DataError, ParamsError

UNITS = {"KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
LEAST = 256_000_000
# Disk needed, as a multiple of the file's size: for a transcoded or unpacked copy and Parquet.
NEEDED, PACKED = 2, 12


def parse_memory(limit: str) -> int:
    """Bytes that `limit` allows: "60%" of what the machine or its container has, or "4GB".

    Raises `ParamsError` for what is neither, or too little to read anything.

    >>> parse_memory("4GB")
    4000000000
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%|[KMGT]B)", str(limit).strip().upper())
    if not found:
        raise ParamsError(f"memory_limit={limit!r}: write it as 60%, or as 4GB.")
    number, unit = float(found[1]), found[2]
    allowed = int(number / 100 * _machine() if unit == "%" else number * UNITS[unit])
    if allowed < LEAST or (unit == "%" and number > 100):
        raise ParamsError(f"memory_limit={limit!r}: reading needs 256MB or more, up to 100%.")
    return allowed


def check_disk(files: Iterable[Path], home: Path) -> None:
    """Raise `DataError` unless the disk of `home` has room for reading `files`."""
    factors = {".gz": PACKED, ".zip": PACKED}
    need = sum(f.stat().st_size * factors.get(f.suffix.lower(), NEEDED) for f in files)
    free = shutil.disk_usage(home).free
    if need > free:
        raise DataError(
            f"reading needs about {need / 1e9:,.1f} GB of disk, and {home} has "
            f"{free / 1e9:,.1f} GB free. Free some, or set LTVKIT_REPORTS to a folder on a "
            "larger disk."
        )


def _machine() -> int:
    """Bytes of memory of this machine, or of its container."""
    import psutil

    whole = psutil.virtual_memory().total
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            limit = Path("/sys/fs/cgroup", name).read_text().strip()
        except OSError:
            continue
        if limit.isdigit():
            return min(whole, int(limit))
    return whole
