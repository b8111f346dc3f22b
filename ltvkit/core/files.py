"""Files and folders that are there whole, or not at all."""

from __future__ import annotations

import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

DAY = 86_400
_PART = re.compile(r"\.(.+)-[0-9a-f]{32}\.part")


@contextmanager
def replacing(path: Path, *, sync: bool = False) -> Iterator[Path]:
    """A free name beside `path`, for a file or a folder; what is there at the end becomes `path`.

    If the block raises, `path` stays as it was and nothing is left beside it. A file takes the
    place of one that is there, a folder does not: that raises `OSError`. With `sync`, a file is on
    the disk before it takes its place.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}-{uuid.uuid4().hex}.part")
    try:
        yield part
        if sync:
            with part.open("rb+") as file:
                os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)


def write(path: Path, text: str) -> None:
    """A text as a file that is there whole, or not at all."""
    with replacing(path) as part:
        part.write_text(text, "utf-8")


def final_path(path: Path) -> Path:
    """What `replacing` will make of the free name that it gave; any other path as it is.

    >>> final_path(Path("runs/.01_rfm-0123456789abcdef0123456789abcdef.part")).name
    '01_rfm'
    """
    part = _PART.fullmatch(path.name)
    return path.with_name(part[1]) if part else path


def unique_path(folder: Path, suffix: str) -> Path:
    """A name in `folder` that no file there has."""
    return folder / f"{uuid.uuid4().hex}{suffix}"


def list_names(path: Path) -> list[str]:
    """The names of the files in the folder of a path; none where there is no folder."""
    return [found.name for found in path.parent.glob("*")]


def remove_stale(folder: Path, pattern: str = "*") -> None:
    """Remove what a run that was killed left in `folder`: whatever is older than a day."""
    for left in folder.glob(pattern):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > DAY:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
