"""The path of lessons: each in twenty minutes, on the sample shop, and each ends with a check."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

HOME = Path(__file__).parents[1] / "notebooks"
LESSONS = sorted((HOME / "lessons").glob("*.ipynb"))
SECTIONS = [
    "## Aim", "## The idea", "## By hand", "## On data", "## Check", "## Discuss", "## Next",
]  # fmt: skip
WORDS = 1_500  # that are read in fifteen minutes, at a hundred a minute
LINK = re.compile(r"\]\(([^)#]+\.ipynb)\)")
each = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def read_cells(path: Path) -> list[dict]:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return [cell | {"source": "".join(cell["source"])} for cell in cells]


def list_texts(path: Path) -> list[str]:
    return [c["source"] for c in read_cells(path) if c["cell_type"] == "markdown"]


def test_lessons_are_numbered_from_the_first_on():
    assert [path.stem[:2] for path in LESSONS] == [f"{n:02d}" for n in range(1, len(LESSONS) + 1)]


@each
def test_a_lesson_has_its_parts_in_order(path):
    texts = list_texts(path)
    number = int(path.stem[:2])
    assert re.match(rf"# Lesson {number}: .+\?\n", texts[0])
    assert sum(text.startswith("# ") for text in texts) == 1
    heads = [line for text in texts for line in text.splitlines() if line.startswith("## ")]
    assert heads == SECTIONS


@each
def test_a_lesson_can_be_read_in_its_time(path):
    words = sum(len(text.split()) for text in list_texts(path))
    assert words <= WORDS
    [minutes] = re.findall(r"About (\d+) minutes\.", list_texts(path)[0])
    assert 5 <= int(minutes) <= 20


@each
def test_code_is_short_and_has_run(path):
    code = [cell for cell in read_cells(path) if cell["cell_type"] == "code"]
    sizes = [sum(bool(line.strip()) for line in cell["source"].splitlines()) for cell in code]
    assert max(sizes) <= 12
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    for cell in code:
        assert not any(isinstance(node, kinds) for node in ast.walk(ast.parse(cell["source"])))
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))


@each
def test_a_lesson_asks_at_least_two_questions_and_leads_on(path):
    asked = [cell for cell in read_cells(path) if "exercise" in cell["metadata"].get("tags", ())]
    assert len(asked) >= 2
    links = [link for text in list_texts(path) for link in LINK.findall(text)]
    assert all((path.parent / link).resolve().exists() for link in links)
    if path != LESSONS[-1]:
        assert LESSONS[LESSONS.index(path) + 1].name in links
    assert any(link.startswith("../") for link in links)
