"""Folders in use: a process holds those that it reads or fills, so that no other removes them.

A hold ends with its process, however that ends. Where the system has no such locks (Windows, some
network drives), nothing is held, and only the age of a folder protects it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


class Hold:
    """A hold on a folder; `release` ends it, and may be called again."""

    def __init__(self, number: int | None) -> None:
        self._number = number

    def release(self) -> None:
        """Set the folder free."""
        number, self._number = self._number, None
        if number is not None:
            with suppress(OSError):
                os.close(number)

    def __enter__(self) -> "Hold":
        return self

    def __exit__(self, *_error: object) -> None:
        self.release()


def hold(folder: Path) -> Hold:
    """Hold a folder, beside others who do.

    Raises `OSError` where there is no such folder, or where another process is removing it.
    """
    if fcntl is None:
        folder.stat()
        return Hold(None)
    number = _open(folder)
    try:
        if _lock(number, fcntl.LOCK_SH) is False:
            raise BlockingIOError(f"{folder} is being removed")
        if not os.path.samestat(os.fstat(number), os.lstat(folder)):
            raise FileNotFoundError(f"{folder} has been replaced")
    except BaseException:
        os.close(number)
        raise
    return Hold(number)


def make_held(folder: Path, *, mode: int = 0o777) -> Hold:
    """Make a folder and hold it, even if another process just then removes what nobody holds."""
    for _attempt in range(100):
        folder.mkdir(mode, parents=True, exist_ok=True)
        with suppress(FileNotFoundError, BlockingIOError):
            return hold(folder)
    return Hold(None)


@contextmanager
def alone(folder: Path) -> Iterator[bool | None]:
    """Whether nobody holds the folder; while the block runs, nobody can then. None: unknown."""
    number = None
    with suppress(OSError):
        number = _open(folder) if fcntl else None
    if number is None:
        yield None
        return
    try:
        yield _lock(number, fcntl.LOCK_EX)
    finally:
        os.close(number)


def _open(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)


def _lock(number: int, kind: int) -> bool | None:
    """Whether an open folder could be locked; None on a file system without locks."""
    try:
        fcntl.flock(number, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
