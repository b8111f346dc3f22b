"""What is to be run: which notebooks, with which parameters, and what a finished run is called.

A finished run is named by everything it depends on: the notebook's cells, the parameters, the
prepared orders, the kit's own code and the versions of the packages below it. The same name
means the same result, so that it can be reused, and needs no date to be trusted.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import ltvkit
from ltvkit import params, paths, pseudonyms
from ltvkit.errors import ParamsError, ReportError, nearest
from ltvkit.hypotheses import registry

# What can change a number or a picture, and what else builds a report.
PACKAGES = (
    "duckdb", "ipykernel", "lifelines", "lifetimes", "matplotlib", "narwhals", "numpy", "pandas",
    "pillow", "polars", "pyarrow", "pyyaml", "scikit-learn", "scipy", "seaborn", "statsmodels",
)  # fmt: skip
ALL_PACKAGES = (
    *PACKAGES, "bleach", "jinja2", "latex2mathml", "mistune", "nbconvert", "openpyxl",
    "papermill", "pygments",
)  # fmt: skip
# Code that builds the report around the notebooks' results, and cannot change them.
AROUND = ("report", "cli.py", "commands.py", "__main__.py")


@dataclass(frozen=True)
class Notebook:
    """One notebook of the kit: `page` names it ("01_rfm"), `nav` is its short title."""

    path: Path
    page: str
    title: str
    nav: str
    declared: tuple[str, ...]
    digest: str


@dataclass(frozen=True)
class Job:
    """One notebook to run for one report; `folder` is where the finished run is kept."""

    notebook: Notebook
    parameters: dict[str, Any]
    folder: Path

    @property
    def done(self) -> bool:
        return (self.folder / "result.json").is_file()


def notebooks() -> list[Notebook]:
    """Every notebook of the project, in reading order."""
    folder = paths.root() / "notebooks"
    found = [_notebook(path) for path in sorted(folder.glob("*.ipynb"))]
    if not found:
        raise ReportError(f"{folder} holds no notebooks. Run this inside the project.")
    return found


def select(books: list[Notebook], only: Iterable[str]) -> list[Notebook]:
    """The notebooks that `only` names, loosely: "rfm", "01" and "01_rfm" are all 01_rfm."""
    chosen: set[str] = set()
    for name in only:
        word = name.strip().removesuffix(".ipynb").lower().replace("-", "_")
        parts = {b.page: (b.page, *b.page.split("_", 1)) for b in books}
        hits = [p for p in parts if word in parts[p]] or [p for p in parts if word and word in p]
        if not hits:
            hint = nearest(word, [part for names in parts.values() for part in names])
            raise ParamsError(f"--only: no notebook '{name}'.{hint} There is {', '.join(parts)}.")
        chosen |= set(hits)
    return [b for b in books if b.page in chosen or not chosen]


def jobs(books: list[Notebook], given: params.Params, *, month: str, orders_key: str) -> list[Job]:
    """A report's notebooks with the parameters each declares, and the name of each run."""
    folder = paths.cache() / "runs" / given.shop / month
    below = orders_key, code(without=AROUND), versions(), os.environ.get("LTVKIT_LANG")
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
    sum_ = registry.digest(registry.folder(given.shop, named))
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


def digest(*parts: Any) -> str:
    """A short name for anything JSON can hold: the start of its SHA-256."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def code(*, without: tuple[str, ...] = ()) -> str:
    """The kit's own files as one digest, but those below the names in `without`."""
    home = Path(ltvkit.__file__).parent
    files = {path.relative_to(home): path for path in home.rglob("*") if path.is_file()}
    left_out = {"__pycache__", *without}
    kept = {str(name): path for name, path in files.items() if not left_out & set(name.parts)}
    return digest({n: hashlib.sha256(path.read_bytes()).hexdigest() for n, path in kept.items()})


def source_of(cell: dict[str, Any]) -> str:
    """A cell's text; notebook files keep it as a list of lines or as one string."""
    return "".join(cell["source"])


def tags(cell: dict[str, Any]) -> list[str]:
    """A cell's tags."""
    return cell["metadata"].get("tags", [])


def _notebook(path: Path) -> Notebook:
    content = json.loads(path.read_text("utf-8"))
    cells = [
        (c["cell_type"], source_of(c), tags(c), c.get("attachments")) for c in content["cells"]
    ]
    kernel = content["metadata"].get("kernelspec", {}).get("name")
    heads = (s for kind, s, *_rest in cells if kind == "markdown" and s.startswith("# "))
    title = next(heads, f"# {path.stem}").splitlines()[0].removeprefix("# ").strip()
    nav = content["metadata"].get("ltvkit", {}).get("nav", title)
    declared = (*params.declared(path), *params.RESERVED)
    return Notebook(path, path.stem, title, nav, declared, digest(cells, kernel))
