"""Which notebooks to run, with which parameters, and the cache key of each run.

The key covers everything a run depends on: the notebook's cells, the parameters, the prepared
orders, the kit's code and the versions of its packages. A run with the same key is reused.
"""

import platform
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from ltvkit.config import params
from ltvkit.config.notebooks import Notebook, digest
from ltvkit.core import paths, pseudonyms
from ltvkit.core.code_digest import hash_code
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
# Folders of code that uses the notebooks' results, and cannot change them.
AROUND = ("cli", "report/pages", "report/publishing")


@dataclass(frozen=True)
class Job:
    """One notebook to run for one report; `folder` is its place in the cache."""

    notebook: Notebook
    parameters: dict[str, Any]
    folder: Path

    @property
    def done(self) -> bool:
        return (self.folder / "result.json").is_file()


def list_jobs(
    books: list[Notebook], given: params.Params, *, month: str, orders_key: str
) -> list[Job]:
    """A report's notebooks, each with the parameters it declares and the folder of its run."""
    folder = paths.cache() / "runs" / given.shop / month
    below = orders_key, hash_code(without=AROUND), list_versions(), language()
    below += (pseudonyms.fingerprint(),)
    found = []
    for book in books:
        passed = given.for_notebook(book.declared)
        passed |= {"month": month} if "month" in passed else {}
        kept = find_register(given) if "register" in passed else {}
        key = digest(book.digest, passed, kept, *below)
        found.append(Job(book, passed, folder / f"{book.page}-{key}"))
    return found


def find_register(given: params.Params) -> dict[str, str]:
    """The shop's register of hypotheses, an input beside the orders; empty where there is none."""
    named = given.values.get("register", "")
    sum_ = store.digest(store.folder(given.shop, named))
    return {"register": named or given.shop, "sha256": sum_} if sum_ else {}


def list_versions(names: Iterable[str] = PACKAGES) -> dict[str, str]:
    """The installed versions of Python and of `names`; what is not installed is left out."""
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
