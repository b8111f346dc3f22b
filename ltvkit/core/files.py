"""Atomic writes: a file or folder appears complete or not at all."""

import hashlib
import json
import os
import re
import shutil
import sys
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

_PART = re.compile(r"\.(.+)-[0-9a-f]{32}\.part")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # by libyaml: eight times as fast


@contextmanager
def replacing(path: Path, *, sync: bool = False) -> Iterator[Path]:
    """Yield a temporary path for a file or folder; after the block it atomically becomes `path`.

    If the block raises, `path` is unchanged and nothing is left behind. A file replaces an existing
    one; a folder that exists raises `OSError`. With `sync`, the file is flushed to disk first.
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


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; None if the file is missing, broken or holds no object."""
    try:
        return parse_json(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None


def parse_json(text: str) -> dict[str, Any] | None:
    """The object in a JSON text; None if the text is broken or holds no object."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):  # brackets in brackets, without end
        return None
    return found if isinstance(found, dict) else None


def read_yaml(module: str, name: str) -> Any:
    """A YAML file of the kit: the one called `name` beside the module named `module`.

    Also where the kit is a zip archive, as the workers of a Spark cluster have it.
    """
    folder = resources.files(sys.modules[module].__package__ or "ltvkit")
    return yaml.load(folder.joinpath(name).read_text("utf-8"), Loader=_LOADER)


def hash_file(path: Path) -> str:
    """The SHA-256 of a file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_files(paths: Iterable[Path]) -> list[str]:
    """`hash_file` of each, several at once."""
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:  # hashing frees the interpreter
        return list(pool.map(hash_file, paths))


def identify(path: Path) -> list[int]:
    """Size, times and number on the disk of a file: what changes when its content does.

    A program can set the time of a file's content back, but not that of the change of its entry.
    """
    seen = path.lstat()
    return [seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino]


def write(path: Path, text: str) -> None:
    """Write a text to a file, atomically."""
    with replacing(path) as part:
        part.write_text(text, "utf-8", newline="\n")


def write_json(path: Path, content: Any) -> None:
    """Write what JSON can hold to a file, atomically; what it cannot hold, such as dates, as text.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "a.json")
    >>> write_json(path, {"until": Path("注文")})
    >>> read_json(path)
    {'until': '注文'}
    """
    write(path, json.dumps(content, ensure_ascii=False, indent=1, default=str) + "\n")


def final_path(path: Path) -> Path:
    """The path that a temporary path of `replacing` will become; any other path unchanged.

    >>> final_path(Path("runs/.01_rfm-0123456789abcdef0123456789abcdef.part")).name
    '01_rfm'
    """
    part = _PART.fullmatch(path.name)
    return path.with_name(part[1]) if part else path


def unique_path(folder: Path, suffix: str) -> Path:
    """A new path in `folder`, with a random name."""
    return folder / f"{uuid.uuid4().hex}{suffix}"


def list_names(path: Path) -> list[str]:
    """The names of the files beside `path`; none if its folder does not exist."""
    return [found.name for found in path.parent.glob("*")]
