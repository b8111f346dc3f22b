"""A new project: the notebooks, the params of the sample shops, and a README."""

import shutil
import tomllib
from pathlib import Path

from ltvkit.core import files, paths
from ltvkit.errors import ProjectError

NEW = Path(__file__).parent / "new_project"


def create(folder: Path) -> list[str]:
    """Make a project in `folder`, which need not exist -> the names of what was written there.

    Nothing is overwritten: a README.md or .gitignore that is there stays. Raises `ProjectError`
    where notebooks/ or params/ are there.
    """
    folder = folder.expanduser().resolve()
    first = next(path for path in (folder, *folder.parents) if path.exists())
    if not first.is_dir():
        raise ProjectError(f"{first} is a file: give the name of a folder.")
    there = [f"{name}/" for name in ("notebooks", "params") if (folder / name).exists()]
    if there:
        raise ProjectError(
            f"{folder} has {' and '.join(there)} already, and nothing is overwritten: give another "
            "folder, or move them away."
        )
    entries = {"README.md": NEW / "README.md", ".gitignore": NEW / "gitignore"}
    written = [name for name in entries if not (folder / name).exists()]
    for name in written:
        files.write(folder / name, entries[name].read_text("utf-8"))
    for name in ("params", "notebooks"):
        with files.replacing(folder / name) as part:
            for path, source in _files(name):
                (part / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, part / path)
    return ["notebooks/", "params/", *written]


def _files(name: str) -> list[tuple[Path, Path]]:
    """The files of one folder of a new project: each with its place in it."""
    home, patterns = paths.starter(), [f"{name}/**/*"]
    if (home / "pyproject.toml").is_file():
        settings = tomllib.loads((home / "pyproject.toml").read_text("utf-8"))
        patterns = [p for p in settings["tool"]["ltvkit"]["project"] if p.startswith(f"{name}/")]
    found = [path for pattern in patterns for path in sorted(home.glob(pattern)) if path.is_file()]
    if not found:
        raise ProjectError(f"the {name} of ltvkit are not in {home}: install it anew.")
    return [(path.relative_to(home / name), path) for path in found]
