"""Where things are. Every relative path of a params file starts at the project root."""

from __future__ import annotations

import os
from pathlib import Path


def package() -> Path:
    """The folder of the installed kit."""
    return Path(__file__).resolve().parents[1]


def root() -> Path:
    """The project: LTVKIT_ROOT, else the nearest folder upwards holding params/ and notebooks/."""
    if chosen := os.environ.get("LTVKIT_ROOT"):
        return Path(chosen)
    here = Path.cwd().resolve()
    for folder in (here, *here.parents):
        if (folder / "params").is_dir() and (folder / "notebooks").is_dir():
            return folder
    return Path(__file__).resolve().parents[2]


def reports() -> Path:
    """Where reports are published: LTVKIT_REPORTS, else reports/ of the project."""
    return Path(os.environ.get("LTVKIT_REPORTS") or root() / "reports")


def cache() -> Path:
    """Where prepared orders and finished notebooks are kept; safe to delete at any time."""
    return reports() / ".cache"


def address(path: Path) -> str:
    """A path of this machine as Spark names it: letters stay as they are, which it does not decode.

    >>> address(Path("/注文 2024"))
    'file:///注文 2024'
    """
    return f"file://{path.absolute()}"


def shown(path: Path) -> str:
    """A path below `reports` as a page or message has it, which does not name the machine."""
    return path.relative_to(reports().parent).as_posix()


def resolve(path: str | Path) -> Path:
    """`path` as it stands if absolute, else below the project root."""
    return root() / Path(path).expanduser()


def given(source: str) -> str:
    """A source as typed where the user is, as a params file has it: from the project root."""
    typed = Path.cwd() / Path(source).expanduser()
    if not typed.exists() and not any(typed.parent.glob(typed.name)):
        return source
    below = typed.is_relative_to(root().resolve())
    return str(typed.relative_to(root().resolve()) if below else typed)
