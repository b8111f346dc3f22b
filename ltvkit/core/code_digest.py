"""A digest of the kit's own files, which cached results depend on."""

import hashlib
from functools import cache

from ltvkit.core import paths


def has_changed(*, without: tuple[str, ...] = ()) -> bool:
    """Whether the kit's files are others than when `hash_code` was first asked for them."""
    return hash_code.__wrapped__(without=without) != hash_code(without=without)


@cache
def hash_code(*, within: tuple[str, ...] = ("",), without: tuple[str, ...] = ()) -> str:
    """The kit's files in the folders `within` (all, where not given), except those in `without`.

    A file may be named as well as a folder. The same files always have the same digest.
    """
    home, digest = paths.package(), hashlib.sha256()
    for path in sorted(home.rglob("*")):
        name = path.relative_to(home)
        if "__pycache__" in name.parts or not path.is_file():
            continue
        if any(map(name.is_relative_to, within)) and not any(map(name.is_relative_to, without)):
            digest.update(f"{name.as_posix()} {path.stat().st_size} ".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
