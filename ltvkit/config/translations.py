"""The notebooks in the reader's language: one notebook per lesson, whose text is in a catalogue.

A catalogue (`ltvkit/core/locale/<language>/LC_MESSAGES/notebooks.po`) has a message for each
Markdown cell, by the notebook's name and the cell's id. Its source is the English text, so that a
cell that was changed is without a translation at once, and is shown in English. Code, tags and
parameters are those of the English notebook.

`python -m ltvkit.config.translations ja` writes the Japanese notebooks to notebooks/ja/, and the
lessons to notebooks/ja/lessons/.
"""

import ast
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from ltvkit.config.notebooks import Notebook, digest, find_title, read_source
from ltvkit.core import files, i18n, paths
from ltvkit.core.i18n import Message

DOMAIN, NAV = "notebooks", "nav"
TITLES = ("title", "caption")  # what tables and charts are given in code, and translate


def translate(content: dict[str, Any], page: str) -> dict[str, Any]:
    """A notebook's content -> the same with its Markdown in the reader's language.

    >>> translate({"metadata": {"ltvkit": {"nav": "RFM"}}, "cells": []}, "01_rfm")
    {'metadata': {'ltvkit': {'nav': 'RFM'}}, 'cells': []}
    """
    said = dict(content["metadata"].get("ltvkit", {}))
    if NAV in said:
        said[NAV] = _translate(page, NAV, said[NAV])
    cells = [
        cell | {"source": _translate(page, cell["id"], read_source(cell)).splitlines(keepends=True)}
        if cell["cell_type"] == "markdown"
        else cell
        for cell in content["cells"]
    ]
    metadata = content["metadata"] | ({"ltvkit": said} if said else {})
    return content | {"metadata": metadata, "cells": cells}


def say(book: Notebook) -> Notebook:
    """A notebook -> the same with its title and short title in the reader's language."""
    known = i18n.language()
    if known == i18n.SOURCE:
        return book
    said = _say(book.path, book.digest, known)
    return replace(book, title=said["title"], nav=said["nav"], words=said["words"])


@cache
def _say(path: Path, _digest: str, _language: str) -> dict[str, str]:
    content = read(path)
    texts = [read_source(cell) for cell in content["cells"] if cell["cell_type"] == "markdown"]
    title, nav = find_title(texts, path), content["metadata"].get("ltvkit", {}).get(NAV)
    return {"title": title, "nav": nav or title, "words": digest(texts)}


def read(path: Path) -> dict[str, Any]:
    """The content of a notebook file in the reader's language."""
    return translate(json.loads(path.read_text("utf-8")), path.stem)


def write(language: str) -> list[Path]:
    """Write all notebooks and lessons in a language, as files that have not been run."""
    home, written = paths.root() / "notebooks", []
    with i18n.speaking(language):
        for path in (*sorted(home.glob("*.ipynb")), *sorted(home.glob("lessons/*.ipynb"))):
            content = read(path)
            for cell in content["cells"]:
                if cell["cell_type"] == "code":
                    cell |= {"outputs": [], "execution_count": None}
            written.append(home / language / path.relative_to(home))
            text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True)
            files.write(written[-1], f"{text}\n")
    return written


def extract_cells(
    file: BinaryIO, _keywords: Any, _comments: Any, **_options: Any
) -> Iterator[Message]:
    """The texts of a notebook for Babel, each with its notebook and cell as context."""
    content, page = json.load(file), Path(file.name).stem
    texts = {c["id"]: read_source(c) for c in content["cells"] if c["cell_type"] == "markdown"}
    for key, text in (texts | {NAV: content["metadata"].get("ltvkit", {}).get(NAV, "")}).items():
        if text:
            yield 1, "pgettext", (_context(page, key), text), []


def extract_titles(
    file: BinaryIO, _keywords: Any, _comments: Any, **_options: Any
) -> Iterator[Message]:
    """The titles of charts and tables that a notebook's code gives, for Babel."""
    for cell in json.load(file)["cells"]:
        source = read_source(cell) if cell["cell_type"] == "code" else ""
        for node in ast.walk(ast.parse(source)):
            given = node.keywords if isinstance(node, ast.Call) else []
            texts = [each.value for each in given if each.arg in TITLES]
            said = [text.value for text in texts if isinstance(text, ast.Constant)]
            yield from ((1, "_", text, []) for text in said if isinstance(text, str))


def _translate(page: str, key: str, text: str) -> str:
    return i18n.find(DOMAIN, _context(page, key), text)


def _context(page: str, key: str) -> str:
    return f"{page}:{key}"


if __name__ == "__main__":
    print(*write(sys.argv[1]), sep="\n")
