"""The Japanese documents: each is of its English source as it stands now, and whole."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ("README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))))
BLOCK = re.compile(r"^```.*?^```$", re.M | re.S)
LINK = re.compile(r"\]\(([^)\s]+)\)")
each = pytest.mark.parametrize("source", SOURCES)


def locate(source: str) -> Path:
    """The Japanese file of an English one; both are named as from the root."""
    return ROOT / ("README.ja.md" if source == "README.md" else source.replace("docs/", "docs/ja/"))


def read(source: str) -> tuple[str, str]:
    return tuple(path.read_text("utf-8") for path in (ROOT / source, locate(source)))


def read_headings(text: str) -> list[str]:
    """Their marks, as `##`, in order. What stands in code is none."""
    return re.findall(r"^#+(?= )", BLOCK.sub("", text), flags=re.M)


def read_anchors(path: Path) -> set[str]:
    """Where links into a page can lead, by the rule of GitHub."""
    headings = re.findall(r"^#+ (.*)", BLOCK.sub("", path.read_text("utf-8")), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_has_a_translation_and_none_is_left_over():
    written = {ROOT / "README.ja.md", *(ROOT / "docs/ja").iterdir()}
    assert written == {locate(source) for source in SOURCES}


@each
def test_a_translation_is_of_its_source_as_it_stands(source):
    first = locate(source).read_text("utf-8").partition("\n")[0]
    digest = hashlib.sha256((ROOT / source).read_bytes()).hexdigest()
    assert first == f"<!-- {source} sha256:{digest} -->", "translate the change, then take this sum"


@each
def test_a_translation_has_the_code_headings_tables_and_lists_of_its_source(source):
    english, japanese = read(source)
    assert BLOCK.findall(japanese) == BLOCK.findall(english)
    assert read_headings(japanese) == read_headings(english)
    rows = [re.findall(r"^\|.*\|$", text, flags=re.M) for text in (english, japanese)]
    cells = [[len(re.split(r"(?<!\\)\|", row)) for row in table] for table in rows]
    assert cells[0] == cells[1]
    items = [
        len(re.findall(r"^- ", BLOCK.sub("", text), flags=re.M)) for text in (english, japanese)
    ]
    assert items[0] == items[1]


@each
def test_a_translation_names_the_code_that_its_source_names(source):
    first, second = (set(re.findall(r"`[^`\n]+`", BLOCK.sub("", text))) for text in read(source))
    assert first == second


@each
def test_links_lead_to_pages_in_japanese_and_back_to_the_source(source):
    home = locate(source).parent
    links = [link for link in LINK.findall(read(source)[1]) if ":" not in link]
    found = {(home / link.partition("#")[0]).resolve() for link in links}
    assert ROOT / source in found
    for link in links:
        name, _mark, anchor = link.partition("#")
        target = (home / name).resolve()
        assert target.exists(), link
        assert not anchor or anchor in read_anchors(target), link
    pages = {ROOT / name for name in SOURCES if name != source}
    notebooks = set((ROOT / "notebooks").glob("*.ipynb"))
    assert not found & (pages | notebooks), "link to the Japanese one"


def test_the_readme_leads_to_the_japanese_one():
    assert "](README.ja.md)" in "".join(read("README.md")[0].splitlines()[:3])
