"""Folders of reports/.cache: where they are, and what is removed there.

All of it can be made anew. What is damaged, and a file or link where a folder belongs, is removed
with a line that says so. Links are never followed.
"""

import os
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

from ltvkit.core import checksums, files, locks, notices, paths
from ltvkit.errors import ReportError

DAY = 86_400
# Folders that nobody has opened for so long are removed; and, beyond a size of all of them, those
# that were opened longest ago, but none of the last day.
MOST_DAYS, MOST_BYTES, MOST_OF_DISK = 30, 20_000_000_000, 0.25
_ENTRY = re.compile(r"[0-9a-f]{16}(-days(-spark)?)?")


def locate(*parts: str) -> Path:
    """The path of a folder of the cache, which need not exist; what is in its place is removed.

    Raises `ReportError` where reports/.cache itself leads out of reports/.
    """
    home, within = paths.cache(), os.path.realpath(paths.reports())
    loops = home.is_symlink() and not home.exists()
    if loops or not Path(os.path.realpath(home)).is_relative_to(within):
        raise ReportError(
            f"{home} leads out of {paths.reports()}, by a link: remove the link. To keep the cache "
            "elsewhere, say where the reports go with --out."
        )
    path = home
    for part in ("", *parts):
        path = path / part
        if path.is_symlink() and path != home:
            discard(path, "it is a link")
        elif path.exists() and not path.is_dir():
            discard(path, "it is no folder")
    return path


def discard(path: Path, fault: str) -> None:
    """Remove a damaged folder or file, or a link, and say so; what a link leads to stays.

    Raises `ReportError` where it cannot be removed.
    """
    notices.tell(f"{paths.shorten(path)}: {fault}; removed, and made anew where it is needed.")
    remove(path)
    if os.path.lexists(path):
        raise ReportError(
            f"{path} is damaged ({fault}) and cannot be removed: remove it yourself. Nothing in "
            "the cache is needed."
        )


def remove(path: Path) -> None:
    """Remove a folder, file or link as far as that is allowed; a folder vanishes at once."""
    hidden = path.with_name(f".{path.name}-{files.unique_path(path, '.part').name}")
    with suppress(OSError):
        os.rename(path, hidden)
        path = hidden
    if path.is_symlink() or not path.is_dir():
        with suppress(OSError):
            path.unlink()
        return
    shutil.rmtree(path, ignore_errors=True)
    if path.exists():  # once more, with folders that their owner may change
        with suppress(OSError):
            path.chmod(0o700)
            for folder, within, _files in os.walk(path):
                for name in within:
                    if not os.path.islink(inner := os.path.join(folder, name)):
                        os.chmod(inner, 0o700)
        shutil.rmtree(path, ignore_errors=True)


def sweep(home: Path, pattern: str = "*") -> None:
    """Remove what killed processes left in `home`: what nobody holds.

    Where nothing can be held, what is older than a day.
    """
    for left in home.glob(pattern):
        with suppress(OSError), locks.alone(left) as free:
            if free or (free is None and time.time() - left.lstat().st_mtime > DAY):
                remove(left)


def drop_old(home: Path) -> None:
    """Remove the prepared orders in `home` that nobody has opened for long; see `MOST_DAYS`."""
    found = []
    for path in home.iterdir() if home.is_dir() else ():
        with suppress(OSError):
            if _ENTRY.fullmatch(path.name) and not path.is_symlink():
                size = sum(mark[0] for mark in checksums.stamp(path).values())
                found.append((path.lstat().st_mtime, size, path))
    total = sum(size for _used, size, _path in found)
    unused_disk = shutil.disk_usage(home).free if found else 0
    most = min(MOST_BYTES, MOST_OF_DISK * (unused_disk + total))
    for used, size, path in sorted(found):
        unused = time.time() - used
        if unused > MOST_DAYS * DAY or (total > most and unused > DAY):
            with locks.alone(path) as free:
                if free is not False:
                    remove(path)
                    total -= size
