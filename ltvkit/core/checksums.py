"""The list of a folder's files with their sizes and SHA-256, to find out whether any has changed.

A file in which a bit has flipped can be read like any other, so only its content tells.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ltvkit.core import files

NAME = "sums.json"


def write(folder: Path) -> None:
    """Write the list of all files below `folder`; call it when they are complete."""
    found = {name: path for name, path in _walk(folder) if name != NAME}
    sums = files.hash_files(found.values())
    listed = {n: [p.stat().st_size, s] for (n, p), s in zip(found.items(), sums, strict=True)}
    files.write_json(folder / NAME, {"files": listed})


def read(folder: Path) -> dict[str, str]:
    """The files of a folder by its list, each with its SHA-256; none where the list is damaged."""
    path = folder / NAME
    kept = (files.read_json(path) or {}).get("files") if _is_file(path) else None
    try:
        return {name: str(sum_) for name, (_size, sum_) in kept.items()} if kept else {}
    except (AttributeError, TypeError, ValueError):
        return {}


def find_fault(folder: Path) -> str:
    """What differs from the list of a folder, as "rows.parquet is missing"; "" if nothing does."""
    if folder.is_symlink():
        return "it is a link"
    try:
        listed = read(folder)
        if not listed:
            return f"{NAME} is missing or damaged"
        found = {name: path for name, path in _walk(folder) if name != NAME}
        if missing := sorted(listed.keys() - found):
            return f"{missing[0]} is missing"
        if more := sorted(found.keys() - listed):
            return f"{more[0]} is not of this cache"
        if strange := [name for name, path in found.items() if not _is_file(path)]:
            return f"{strange[0]} is no file"
        sums = files.hash_files(found.values())
    except OSError as error:
        return f"{Path(error.filename or folder).name} cannot be read ({error.strerror})"
    damaged = [name for name, sum_ in zip(found, sums, strict=True) if listed[name] != sum_]
    return f"{damaged[0]} is damaged" if damaged else ""


def stamp(folder: Path) -> dict[str, list[int]]:
    """Each file of a folder -> its size, times and number on the disk, which change when it does.

    None of this reads the files. Raises `OSError`.
    """
    return {name: files.identify(path) for name, path in _walk(folder)}


def _walk(folder: Path, within: str = "") -> Iterator[tuple[str, Path]]:
    """All that is below a folder except folders: path in it, path. Links are not followed."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path), f"{within}{entry.name}/")
            else:
                yield f"{within}{entry.name}", Path(entry.path)


def _is_file(path: Path) -> bool:
    """Whether a path is a plain file, neither a link nor a pipe, which could not be read."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
