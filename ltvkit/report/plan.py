"""What is to be run: which notebooks, with which parameters, and what a finished run is called.

A finished run is named by everything it depends on: the notebook's cells, the parameters, the
prepared orders, the kit's own code and the versions of the packages below it. The same name
means the same result, so that it can be reused, and needs no date to be trusted.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from ltvkit.config import params
from ltvkit.config.notebooks import Notebook, digest
from ltvkit.core import paths, pseudonyms
from ltvkit.core.i18n import language
from ltvkit.hypotheses.registry import store

# What can change a number or a picture, and what else builds a report.
PACKAGES = (
    "duckdb", "ipykernel", "lifelines", "lifetimes", "matplotlib", "narwhals", "numpy", "pandas",
    "pillow", "polars", "pyarrow", "pyyaml", "scikit-learn", "scipy", "seaborn", "statsmodels",
)  # fmt: skip
ALL_PACKAGES = (
    *PACKAGES, "jinja2", "latex2mathml", "mistune", "nbconvert", "nh3", "openpyxl",
    "papermill", "pygments",
)  # fmt: skip
# Code that builds the report around the notebooks' results, and cannot change them.
AROUND = (
    "cli", "pages", "publishing", "runner", "build.py", "plan.py", "session.py", "__main__.py",
)  # fmt: skip


@dataclass(frozen=True)
class Job:
    """One notebook to run for one report; `folder` is where the finished run is kept."""

    notebook: Notebook
    parameters: dict[str, Any]
    folder: Path

    @property
    def done(self) -> bool:
        return (self.folder / "result.json").is_file()


def jobs(books: list[Notebook], given: params.Params, *, month: str, orders_key: str) -> list[Job]:
    """A report's notebooks with the parameters each declares, and the name of each run."""
    folder = paths.cache() / "runs" / given.shop / month
    below = orders_key, code(without=AROUND), versions(), language()
    below += (pseudonyms.fingerprint(),)
    found = []
    for book in books:
        passed = given.for_notebook(book.declared)
        passed |= {"month": month} if "month" in passed else {}
        kept = register(given) if "register" in passed else {}
        key = digest(book.digest, passed, kept, *below)
        found.append(Job(book, passed, folder / f"{book.page}-{key}"))
    return found


def register(given: params.Params) -> dict[str, str]:
    """The shop's register of hypotheses, an input beside the orders; empty where there is none."""
    named = given.values.get("register", "")
    sum_ = store.digest(store.folder(given.shop, named))
    return {"register": named or given.shop, "sha256": sum_} if sum_ else {}


def versions(names: Iterable[str] = PACKAGES) -> dict[str, str]:
    """The installed versions of Python and of `names`; what is not installed is left out."""
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@cache
def code(*, without: tuple[str, ...] = ()) -> str:
    """The kit's own files as one digest, but those below the names in `without`."""
    home = paths.package()
    files = {path.relative_to(home): path for path in home.rglob("*") if path.is_file()}
    left_out = {"__pycache__", *without}
    kept = {str(name): path for name, path in files.items() if not left_out & set(name.parts)}
    return digest({n: hashlib.sha256(path.read_bytes()).hexdigest() for n, path in kept.items()})
