"""Which notebooks to run, with which parameters, and the cache key of each run.

The key covers everything a run depends on: the notebook's cells, the parameters, the prepared
orders, the kit's code and the versions of its packages. A run with the same key is reused.
"""

import itertools
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from ltvkit.config import params
from ltvkit.config.notebooks import Notebook, digest
from ltvkit.core import files, paths, pseudonyms
from ltvkit.core.code_digest import hash_code
from ltvkit.core.i18n import language
from ltvkit.hypotheses.registry import store

PACKAGES = files.read_yaml(__name__, "packages.yaml")
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
    below = orders_key, hash_code(without=AROUND), list_versions("figures"), language()
    below += (pseudonyms.fingerprint(),)
    found = []
    for book in books:
        passed = given.for_notebook(book.parameters)
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


def list_versions(*parts: str) -> dict[str, str]:
    """The versions of Python and of packages, by `parts` of packages.yaml, without any: of all.

    What is not installed is left out.
    """
    found = {"python": platform.python_version()}
    for name in itertools.chain(*map(PACKAGES.get, parts or PACKAGES)):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
