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
        _lock(number, fcntl.LOCK_SH)
        if not os.path.samestat(os.fstat(number), os.lstat(folder)):
            raise FileNotFoundError(f"{folder} has been replaced")
    except BaseException:
        os.close(number)
        raise
    return Hold(number)


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Whether nobody holds the folder; while the block runs, nobody can then."""
    if fcntl is None:
        yield True
        return
    try:
        number = _open(folder)
    except OSError:  # it is no folder, or cannot be opened: nobody works in it
        yield True
        return
    try:
        yield _lock(number, fcntl.LOCK_EX, needed=False)
    finally:
        os.close(number)


def _open(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)


def _lock(number: int, kind: int, *, needed: bool = True) -> bool:
    """Lock an open folder; False, or an error where it is `needed`, if another has locked it."""
    try:
        fcntl.flock(number, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        if needed:
            raise
        return False
    except OSError:  # a file system without locks
        return True
    return True
