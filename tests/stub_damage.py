"""Damages of files in the cache, as disks, programs and people do them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path


def flip(path: Path) -> None:
    """One bit in the middle of a file; its size and times stay."""
    seen, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(bytes(content))
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


def rewrite(path: Path, text: str) -> None:
    """Another text of the same length, with the times of the one before."""
    seen = path.stat()
    assert len(text.encode()) == seen.st_size
    path.write_text(text, "utf-8", newline="")
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def replace_by_folder(path: Path) -> None:
    path.unlink()
    (path / "within").mkdir(parents=True)


def replace_by_json(path: Path) -> None:
    path.write_text('{"files": {"a": 1}}')


def replace_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def replace_by_copy(path: Path) -> None:
    """A link to a copy of the file elsewhere: what it leads to can change at any time."""
    copy = path.parents[1] / f"copy-{path.name}"
    shutil.move(path, copy)
    path.symlink_to(copy)


def add_beside(path: Path) -> None:
    shutil.copyfile(path, path.with_name("rows-99.parquet"))


def swap_folder(path: Path) -> None:
    """A file in place of the whole folder."""
    shutil.rmtree(path.parent)
    path.parent.write_text("{}")


DAMAGES: list[Callable[[Path], None]] = [
    flip,
    empty,
    cut,
    Path.unlink,
    replace_by_folder,
    replace_by_json,
    replace_by_pipe,
    replace_by_copy,
    add_beside,
    swap_folder,
]
