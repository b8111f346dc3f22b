"""The notebooks of a project, and the parameters that each declares."""

import ast
import hashlib
import io
import json
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ltvkit.core import paths
from ltvkit.errors import ParamsError, ReportError, nearest

# The report decides where a notebook writes, and `compare` with what; a params file may not.
COMPARED = ("against", "where", "other")
RESERVED = ("out", *COMPARED)
KINDS: dict[str, tuple[Any, str]] = {
    "str": (str, "text"),
    "int": (int, "a whole number"),
    "float": ((int, float), "a number"),
    "bool": (bool, "true or false"),
    "list": (list, "a list, as in [a, b]"),
    "dict": (dict, "a mapping, as in {name: value}"),
}


class Parameter(NamedTuple):
    """One line of a `parameters` cell."""

    name: str
    kind: str
    default: Any
    help: str


@dataclass(frozen=True)
class Notebook:
    """One notebook of the kit: `page` names it ("01_rfm"), `nav` is its short title.

    A `long` one takes several times as long as most: reports begin with it. Where the params leave
    the input out that it `needs`, as "enquiries", it is not run, and has no page. `words`: a digest
    of its Markdown where that is in another language than English (see `translations.say`).
    """

    path: Path
    page: str
    title: str
    nav: str
    parameters: dict[str, Parameter]
    digest: str
    long: bool = False
    needs: str = ""
    words: str = ""


def find_notebooks() -> list[Notebook]:
    """Every notebook of the project, in reading order."""
    folder = paths.root() / "notebooks"
    found = [read_notebook(path) for path in sorted(folder.glob("*.ipynb"))]
    if not found:
        raise ReportError(f"{folder} holds no notebooks. Run this inside the project.")
    return found


def select_notebooks(books: list[Notebook], only: Iterable[str]) -> list[Notebook]:
    """The notebooks that `only` names, loosely: "rfm", "01" and "01_rfm" are all 01_rfm."""
    chosen: set[str] = set()
    for name in only:
        word = _plain(name.strip().removesuffix(".ipynb"))
        parts = {b.page: [*map(_plain, (b.page, *b.page.split("_", 1)))] for b in books}
        hits = [p for p in parts if word in parts[p]] or [
            p for p in parts if word and word in _plain(p)
        ]
        if not hits:
            hint = nearest(word, [part for names in parts.values() for part in names])
            raise ParamsError(f"--only: no notebook '{name}'.{hint} There is {', '.join(parts)}.")
        chosen |= set(hits)
    return [b for b in books if b.page in chosen or not chosen]


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")


def digest(*parts: Any) -> str:
    """A short name for anything JSON can hold: the start of its SHA-256."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_source(cell: dict[str, Any]) -> str:
    """A cell's text; notebook files keep it as a list of lines or as one string."""
    return "".join(cell["source"])


def read_tags(cell: dict[str, Any]) -> list[str]:
    """A cell's tags."""
    return cell["metadata"].get("tags", [])


def read_notebook(path: Path) -> Notebook:
    """One notebook, with the parameters that it declares.

    They are read as Python, so that a default may hold "=" and nothing is skipped. Raises
    `ReportError` for a line that is not `name: type = literal`, or a type that a params file cannot
    give.
    """
    content = json.loads(path.read_text("utf-8"))
    cells = [
        (c["cell_type"], read_source(c), read_tags(c), c.get("attachments"))
        for c in content["cells"]
    ]
    kernel = content["metadata"].get("kernelspec", {}).get("name")
    title = find_title((s for kind, s, *_rest in cells if kind == "markdown"), path)
    said = content["metadata"].get("ltvkit", {})
    nav, long, needs = said.get("nav", title), bool(said.get("long")), said.get("needs", "")
    declaring = next((source for _kind, source, tags, *_rest in cells if "parameters" in tags), "")
    parameters = {parameter.name: parameter for parameter in _declarations(declaring, path)}
    if needs and needs not in parameters:
        raise ReportError(f"{path} says that it needs '{needs}', and declares no such parameter.")
    return Notebook(path, path.stem, title, nav, parameters, digest(cells, kernel), long, needs)


def find_title(texts: Iterable[str], path: Path) -> str:
    """The first heading of a notebook's Markdown; without one, the name of its file."""
    heads = (text for text in texts if text.startswith("# "))
    return next(heads, f"# {path.stem}").splitlines()[0].removeprefix("# ").strip()


def _declarations(source: str, notebook: Path) -> Iterable[Parameter]:
    words = tokenize.generate_tokens(io.StringIO(source).readline)
    notes = {t.start[0]: t.string.lstrip("# ") for t in words if t.type == tokenize.COMMENT}
    line: Any  # an `ast.AnnAssign`, or else an AttributeError
    for line in ast.parse(source).body:
        try:
            kind = ast.unparse(line.annotation)
            KINDS[kind]
            default = ast.literal_eval(line.value)
        except (AttributeError, KeyError, ValueError) as error:
            raise ReportError(
                f"{notebook}: `{ast.unparse(line)}` in the parameters cell is not "
                f"`name: type = literal` with a type of {', '.join(KINDS)}."
            ) from error
        yield Parameter(line.target.id, kind, default, notes.get(line.end_lineno, ""))
