"""Which notebooks to run, with which parameters, and the cache key of each run.

The key covers everything a run depends on: the notebook's cells, the parameters, the prepared
orders, the kit's code and the versions of its packages. A run with the same key is reused.
"""

import itertools
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from ltvkit.config import params, translations
from ltvkit.config.notebooks import Notebook, digest, read_notebook
from ltvkit.core import cache_folder, checksums, files, pseudonyms
from ltvkit.core.code_digest import has_changed, hash_code
from ltvkit.core.i18n import _, language
from ltvkit.hypotheses.registry import store

PACKAGES = files.read_yaml(__name__, "packages.yaml")
K = TypeVar("K")
# Folders of code that uses the notebooks' results, and cannot change them.
AROUND = ("cli", "report/pages", "report/publishing")


@dataclass(frozen=True)
class Job:
    """One notebook to run for one report; `folder` is its place in the cache.

    `register`: the hypotheses that it reads, as `find_register` found them for `given`.
    """

    notebook: Notebook
    parameters: dict[str, Any]
    folder: Path
    given: params.Params | None = None
    register: Mapping[str, str] = field(default_factory=dict)

    @property
    def language(self) -> str:
        """The language of its shop; "" leaves it to LTVKIT_LANG."""
        return self.given.language if self.given else ""

    @property
    def done(self) -> bool:
        """Whether it has been run, and all files of that run are as they were written."""
        return not checksums.find_fault(self.folder)

    def find_change(self) -> str:
        """What the run depends on and was changed since it was planned; "" if nothing was."""
        try:
            cells = read_notebook(self.notebook.path).digest
            register = find_register(self.given) if "register" in self.parameters else {}
        except (OSError, ValueError, LookupError):  # half written, or gone
            cells, register = "", self.register
        changed = {
            _("The notebook"): cells != self.notebook.digest,
            _("The hypotheses"): register != self.register,
            _("The code of ltvkit"): has_changed(without=AROUND),
        }
        return describe_change(next((what for what, known in changed.items() if known), ""))


def list_jobs(
    books: list[Notebook],
    given: params.Params,
    *,
    month: str,
    orders_key: str,
    records: Mapping[str, str] = MappingProxyType({}),
) -> list[Job]:
    """A report's notebooks, each with the parameters it declares and the folder of its run.

    `records` are the keys of the inputs beside the orders, by name: a run depends on those that its
    notebook declares. One whose input is not recorded (see `Notebook.needs`) has no run.
    """
    folder = cache_folder.locate("runs", given.shop, month)
    below = orders_key, hash_code(without=AROUND), list_versions("figures"), language()
    below += (pseudonyms.fingerprint(),)
    found = []
    for book in map(translations.say, books):
        if is_waiting(book, given):
            continue
        passed = given.for_notebook(book.parameters)
        passed |= {"month": month} if "month" in passed else {}
        kept = find_register(given) if "register" in passed else {}
        read = {name: key for name, key in records.items() if name in passed}
        key = digest(book.digest, book.words, passed, kept, read, *below)
        found.append(Job(book, passed, folder / f"{book.page}-{key}", given, kept))
    return found


def is_waiting(book: Notebook, given: params.Params) -> bool:
    """Whether a notebook needs an input that the params leave out."""
    return bool(book.needs) and not given.values.get(book.needs)


def order(reports: Mapping[K, Sequence[Job]]) -> list[tuple[K, Job]]:
    """The jobs of all reports, each with the key of its report, in the order to begin with them.

    Report by report; but long ones beside the others of the report before, so that in the end no
    core waits for them.
    """
    found = [
        (number - job.notebook.long, not job.notebook.long, key, job)
        for number, (key, jobs) in enumerate(reports.items())
        for job in jobs
    ]
    return [(key, job) for *_place, key, job in sorted(found, key=lambda each: each[:2])]


def describe_change(what: str) -> str:
    """A sentence on an input that changed under a run; "" where nothing did."""
    text = _("{what} changed while the report was built; run it again.")
    return text.format(what=what) if what else ""


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
