"""A new project: the notebooks, the params of the sample shops, and a README."""

import re
import shutil
import tomllib
from pathlib import Path

from ltvkit.core import files, i18n, paths
from ltvkit.errors import ProjectError

NEW = Path(__file__).parent / "new_project"
LANGUAGE = re.compile(r'(?m)^language: ""( *)')  # of a params file


def create(folder: Path, *, language: str = i18n.SOURCE) -> list[str]:
    """Make a project in `folder`, which need not exist -> the names of what was written there.

    In another `language` than English, its README and params are in it, and notebooks/<language>/
    has the notebooks and lessons in it, beside the English ones that reports run. Nothing is
    overwritten: a README.md or .gitignore that is there stays. Raises `ProjectError` where
    notebooks/ or params/ are there.
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
    readme = "README.md" if language == i18n.SOURCE else f"README.{language}.md"
    entries = {"README.md": NEW / readme, ".gitignore": NEW / "gitignore"}
    written = [name for name in entries if not (folder / name).exists()]
    for name in written:
        files.write(folder / name, entries[name].read_text("utf-8"))
    for name in ("params", "notebooks"):
        with files.replacing(folder / name) as part:
            for path, source in _files(name):
                if _find_language(path) not in ("", language):
                    continue
                (part / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, part / path)
            for path in part.glob("*.yaml") if language != i18n.SOURCE else ():
                said = LANGUAGE.sub(rf"language: {language}\1", path.read_text("utf-8"))
                files.write(path, said)
    return ["notebooks/", "params/", *written]


def _find_language(path: Path) -> str:
    """That of notebooks/<language>/...; "" of what all projects have."""
    return path.parts[0] if path.parts[0] in i18n.list_languages() else ""


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
