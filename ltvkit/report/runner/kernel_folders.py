"""Temporary folders of kernels: sockets and whatever the libraries of a notebook put aside.

A folder is locked by the run that made it. One that no run has locked any more, as its run was
killed, is removed by its worker or by the next run.
"""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

PREFIX = "ltvkit-kernel-"
_NAME = re.compile(re.escape(PREFIX) + r"\w{8}")
_LOCK = "run.lock"
_HOUR = 3600
_SHORT = Path("/tmp")
_LONGEST = 103  # bytes of the path of a socket on macOS; Linux takes four more


@contextmanager
def kernel_folder() -> Iterator[Path]:
    """A folder of this run's own, while the block runs. Its path is short, as sockets need it."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=find_home()))
    lock = filelock.FileLock(folder / _LOCK, timeout=0)
    try:
        with lock:
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def find_home() -> Path:
    """The temporary folder; the system's, where that one's path is too long for sockets."""
    home = Path(tempfile.gettempdir())
    socket = home / f"{PREFIX}12345678" / "kernel.json-ipc-12"
    fits = os.name != "posix" or len(os.fsencode(socket)) <= _LONGEST
    return home if fits else _SHORT


def environment(folder: Path) -> dict[str, str]:
    """What makes `folder` the temporary folder of a process."""
    return dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))


def remove_vanished() -> None:
    """Remove the folders of this user's runs that were killed."""
    for folder in find_home().glob(f"{PREFIX}*"):
        with suppress(OSError, filelock.Timeout):
            if _NAME.fullmatch(folder.name) and _is_own(folder):
                _remove(folder)


def _is_own(folder: Path) -> bool:
    ours = not hasattr(os, "getuid") or folder.lstat().st_uid == os.getuid()
    return ours and folder.is_dir() and not folder.is_symlink()


def _remove(folder: Path) -> None:
    """Remove a folder that no run has locked; raises `Timeout` if one has."""
    if (folder / _LOCK).exists():
        with filelock.FileLock(folder / _LOCK, timeout=0):
            shutil.rmtree(folder, ignore_errors=True)
    elif time.time() - folder.stat().st_mtime > _HOUR:  # a younger one may be in the making
        shutil.rmtree(folder, ignore_errors=True)
