"""Folders of the kit and the project. Relative paths in params start at the project root."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from ltvkit.errors import ParamsError, ProjectError

_chosen: ContextVar[Path | None] = ContextVar("_chosen", default=None)


def package() -> Path:
    """The folder of the installed kit."""
    return Path(__file__).resolve().parents[1]


def root() -> Path:
    """The project's folder.

    It is the one chosen by `inside`, else LTVKIT_ROOT, else the nearest folder upwards that holds
    params/ and notebooks/, else the checkout that the kit is installed from. Raises `ProjectError`
    where there is none of them.
    """
    if chosen := _chosen.get() or os.environ.get("LTVKIT_ROOT"):
        return Path(chosen)
    here = Path.cwd().resolve()
    found = find_project(here) or checkout()
    if found is None:
        raise ProjectError(
            f"{here} is no ltvkit project: neither it nor a folder above it has params/ and "
            "notebooks/. Go to your project's folder, or make one: ltvkit init myshop"
        )
    return found


def find_project(folder: Path) -> Path | None:
    """The nearest project at or above `folder`; None without one."""
    return next(filter(_is_project, (folder, *folder.parents)), None)


def checkout() -> Path | None:
    """The checkout that the kit is installed from; None where it is a wheel."""
    home = package().parent
    return home if _is_project(home) else None


def starter() -> Path:
    """Where the files are that a new project starts with: the checkout, else the wheel's."""
    return checkout() or package() / "config" / "new_project"


def _is_project(folder: Path) -> bool:
    return (folder / "params").is_dir() and (folder / "notebooks").is_dir()


@contextmanager
def inside(project: Path | None) -> Iterator[None]:
    """While the block runs, `project` is the root; None changes nothing."""
    token = _chosen.set(project or _chosen.get())
    try:
        yield
    finally:
        _chosen.reset(token)


def reports() -> Path:
    """Where reports are published: LTVKIT_REPORTS, else reports/ of the project."""
    return Path(os.environ.get("LTVKIT_REPORTS") or root() / "reports")


def cache() -> Path:
    """The cache of prepared orders and finished notebooks; safe to delete at any time."""
    return reports() / ".cache"


def address(path: Path) -> str:
    """The address of a local path for Spark. Letters are not percent-encoded: Spark decodes none.

    >>> address(Path("/注文 2024"))
    'file:///注文 2024'
    """
    return f"file://{path.absolute()}"


def shorten(path: Path) -> str:
    """A path in `reports` for pages and messages, without the folders of this machine."""
    return path.relative_to(reports().parent).as_posix()


def resolve(path: str | Path) -> Path:
    """An absolute `path` unchanged; a relative one below the project root."""
    try:
        return root() / Path(path).expanduser()
    except RuntimeError as error:
        raise ParamsError(
            f"{path}: there is no home folder of that user. Give the whole path."
        ) from error


def from_root(source: str) -> str:
    """A source typed in the working folder -> relative to the project root, as params need it."""
    typed = Path.cwd() / Path(source).expanduser()
    if not typed.exists() and not any(typed.parent.glob(typed.name)):
        return source
    below = typed.is_relative_to(root().resolve())
    return str(typed.relative_to(root().resolve()) if below else typed)
