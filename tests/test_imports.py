"""The house: no import goes round in a circle or up, wherever in a file it stands."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from ltvkit.core import paths
from ltvkit.core.code_digest import hash_code
from ltvkit.ingest import preparing

ROOT = Path(__file__).parents[1]
HOME = ROOT / "ltvkit"


def modules() -> dict[str, Path]:
    found = {".".join(p.relative_to(ROOT).with_suffix("").parts): p for p in HOME.rglob("*.py")}
    return {name.removesuffix(".__init__"): path for name, path in found.items()}


def imported(path: Path, known: dict[str, Path]) -> set[str]:
    """The kit's modules that a file imports: at its top, in functions, under TYPE_CHECKING."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            found = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name if name in known else node.module for name in found}
    return names & set(known)


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    known = modules()
    return {name: imported(path, known) for name, path in known.items()}


def test_no_import_goes_round_in_a_circle(graph):
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_no_import_goes_up(graph):
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    layers = contracts["contracts"][0]["layers"]
    height = {name.strip(): -n for n, row in enumerate(layers) for name in row.split(":")}
    up = [
        (name, other)
        for name, others in graph.items()
        for other in others
        if name.count(".") and other.count(".") and name.split(".")[1] != "__main__"
        if height[name.split(".")[1]] < height[other.split(".")[1]]
    ]
    assert not up


def test_the_top_of_the_house_is_seen_at_a_glance():
    # Nine concepts of one file, eleven rooms of the house, and ten packages of concepts; __init__
    # and __main__ do not count. That is all that anybody takes in: what more comes must share one.
    entries = [p.name for p in HOME.iterdir() if not p.name.startswith("__")]
    assert len(entries) <= 30


def test_prepared_orders_depend_on_all_code_that_reading_uses(graph):
    """The key of prepared orders covers every module that `ingest` imports, directly or not."""
    reached, left = set(), [name for name in graph if name.startswith("ltvkit.ingest")]
    while left:
        name = left.pop()
        left += graph[name] - reached
        reached.add(name)
    files = {modules()[name].relative_to(HOME) for name in reached}
    assert [f for f in files if not any(map(f.is_relative_to, preparing.CODE))] == []


def test_the_key_of_prepared_orders_follows_that_code_and_no_other(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "package", lambda: tmp_path)
    keys = []
    for name in ("ingest/headers.yaml", "periods.py", "display/plots/series.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
        hash_code.cache_clear()
        keys.append(preparing.make_key("seen"))
    hash_code.cache_clear()
    assert (keys[0] != keys[1], keys[1] == keys[2]) == (True, True)


def test_checking_params_and_planning_a_report_wait_for_no_model():
    code = "import sys, ltvkit.config, ltvkit.report.session; print('lifetimes' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_modules_of_a_package_are_found_on_it():
    code = "from ltvkit import drivers, forecast; print(forecast.leaving.LTV, drivers.segments)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("ltv_12m <module 'ltvkit.drivers.segments'")
