"""The anatomy of the notebooks: what a reader may rely on, and what nbval alone would let pass."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
import yaml

from ltvkit.config.notebooks import RESERVED
from ltvkit.config.params import LANGUAGE

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SECTIONS = [
    "## What you will learn, and what you need",
    "## Load and validate",
    "## The idea in brief",
    "## Reconciliation",
    "## Finding",
    "## Limits, and what to decide next",
    "## Exercises",
    "## References",
]
PARAMETER = re.compile(
    r"^(?P<name>\w+): (?P<type>str|int|float|bool|list|dict) = (?P<value>.+?)  # \S"
)


class Cell:
    def __init__(self, raw: dict) -> None:
        self.kind = raw["cell_type"]
        self.source = "".join(raw["source"])
        self.tags = raw["metadata"].get("tags", [])
        self.count = raw.get("execution_count")
        self.outputs = raw.get("outputs", [])
        self.lines = [line for line in self.source.splitlines() if line.strip()]


def cells(path: Path) -> list[Cell]:
    return [Cell(raw) for raw in json.loads(path.read_text("utf-8"))["cells"]]


def code(path: Path) -> list[Cell]:
    return [c for c in cells(path) if c.kind == "code"]


def parameters(path: Path) -> dict[str, tuple[str, object]]:
    cell = next(c for c in code(path) if "parameters" in c.tags)
    matches = [PARAMETER.match(line) for line in cell.lines]
    assert all(matches), f"{path.name}: each parameter is `name: type = literal  # help`"
    return {m["name"]: (m["type"], ast.literal_eval(m["value"])) for m in matches}


each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)


def test_there_are_notebooks_in_learning_order():
    assert [p.stem[:2] for p in NOTEBOOKS] == [f"{n:02d}" for n in range(len(NOTEBOOKS))]


@each
def test_the_title_is_a_question_and_the_only_h1(path):
    heads = [line for c in cells(path) if c.kind == "markdown" for line in c.lines]
    titles = [line for line in heads if line.startswith("# ")]
    assert cells(path)[0].lines[0] == titles[0]
    assert titles[0].endswith("?")
    assert len(titles) == 1


@each
def test_sections_come_in_the_same_order(path):
    heads = [
        c.lines[0] for c in cells(path) if c.kind == "markdown" and c.lines[0].startswith("## ")
    ]
    assert [h for h in heads if h in SECTIONS] == SECTIONS
    steps = [h for h in heads if re.match(r"## \d", h)]
    assert [int(h.split()[1][0]) for h in steps] == list(range(1, len(steps) + 1))
    assert heads.index("## The idea in brief") < heads.index(steps[0])
    assert heads.index(steps[-1]) < heads.index("## Reconciliation")


@each
def test_cells_are_short_and_define_nothing(path):
    sizes = [len(c.lines) for c in cells(path) if "parameters" not in c.tags]
    assert max(sizes) <= 12
    assert sum(n <= 8 for n in sizes) >= 0.9 * len(sizes)
    for cell in code(path):
        tree = ast.parse(cell.source)
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
        assert not any(isinstance(node, kinds) for node in ast.walk(tree))


@each
def test_parameters_are_flat_literals_of_their_type_and_out_is_empty(path):
    found = parameters(path)
    for name, (kind, value) in found.items():
        assert type(value).__name__ == kind, name
    assert found["out"] == ("str", "")


def test_a_parameter_means_the_same_everywhere():
    for path in NOTEBOOKS:
        for name, (kind, _default) in parameters(path).items():
            kinds = {parameters(p)[name][0] for p in NOTEBOOKS if name in parameters(p)}
            assert kinds == {kind}, name


@each
def test_orders_are_loaded_in_the_same_words(path):
    loading = (
        "book = orders.read("
        "source, columns=columns, policies=policies, engine=engine, spark=spark)\n"
        "as_of = book.as_of(month)\n"
    )
    assert sum(c.source.startswith(loading) for c in code(path)) == 1


@each
def test_every_picture_and_table_of_a_step_is_introduced_and_explained(path):
    found = cells(path)
    kinds = [c.kind for c in found]
    for place, cell in enumerate(found):
        if cell.kind == "code" and cell.source.rstrip().endswith(");"):
            before, after = found[place - 1], found[place + 1]
            assert before.kind == "markdown" or kinds[place - 2] == "markdown", cell.source
            assert after.kind == "markdown", cell.source
    explained = sum(c.source.startswith("**How to read it.**") for c in found)
    steps = sum(bool(re.match(r"## \d", c.source)) for c in found)
    assert explained >= steps


@each
def test_it_was_run_from_top_to_bottom_without_error(path):
    ran = code(path)
    assert [c.count for c in ran] == list(range(1, len(ran) + 1))
    outputs = [o for c in ran for o in c.outputs]
    assert not [o for o in outputs if o["output_type"] == "error"]
    assert not [o for o in outputs if o.get("name") == "stderr"]


@each
def test_every_text_output_is_checked_and_no_picture_is(path):
    for cell in code(path):
        mimes = {m for o in cell.outputs for m in o.get("data", {})}
        texts = [
            o
            for o in cell.outputs
            if o["output_type"] in ("stream", "execute_result", "display_data")
        ]
        checked = "nbval-check-output" in cell.tags
        if "image/png" in mimes:
            assert not checked, cell.source
        elif texts and "results.save" not in cell.source:
            assert checked, cell.source


@each
def test_every_chart_is_there(path):
    for cell in (c for c in code(path) if "plots." in c.source):
        assert any("image/png" in o.get("data", {}) for o in cell.outputs), cell.source


@each
def test_no_customer_is_named_in_a_stored_output(path):
    text = json.dumps([c.outputs for c in code(path)], ensure_ascii=False)
    assert not re.search(r"\bC\d{6}\b", text)
    assert '"Customer"' not in text


@each
def test_the_last_cell_hands_its_results_to_the_report(path):
    last = code(path)[-1]
    assert re.search(rf'results\.save\(\s*out, page="{path.stem}"', last.source)
    assert last.outputs[-1]["text"] == [f"finished: {path.stem}\n"]


@each
def test_exercises_are_tagged_and_findings_are_computed(path):
    tagged = {c.lines[0]: c.tags for c in cells(path) if c.lines}
    assert tagged["## Exercises"] == ["exercise"]
    finding = [c for c in code(path) if "finding" in c.tags]
    assert len(finding) == 1
    assert "findings" in finding[0].source
    assert any(re.search(r"findings?\(", c.source) for c in code(path))


@pytest.mark.parametrize("name", ["cdnow", "shop"])  # and no shop of the user's
def test_every_params_file_gives_every_key_a_comment(name):
    declared = {name for p in NOTEBOOKS for name in parameters(p)} - set(RESERVED)
    text = (ROOT / "params" / f"{name}.yaml").read_text("utf-8")
    assert set(yaml.safe_load(text)) == declared | {LANGUAGE.name}
    for key in re.findall(r"^(?:  )?(\w+):.*$", text, flags=re.M):
        assert re.search(rf"^\s*{key}:.*\s#", text, flags=re.M), f"{key} has no comment"
