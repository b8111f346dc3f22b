"""Tab completion in JupyterLab offers the public names of a module, and nothing else."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ltvkit

ROOT = Path(__file__).parents[1]
# Run apart, as a shell changes its process. What IPython completes, with and without jedi.
COMPLETE = """
import json, sys
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

shell, found = InteractiveShell.instance(), {}
for statement, text in json.load(sys.stdin):
    shell.run_cell(statement, silent=True)
    for jedi in (True, False):
        shell.Completer.use_jedi = jedi
        with provisionalcompleter():
            names = {c.text.lstrip(".") for c in shell.Completer.completions(text, len(text))}
        found.setdefault(statement, []).append(sorted(names))
print(json.dumps(found))
"""


def imported_by_notebooks() -> set[str]:
    """The modules that notebooks import, and those that `ltvkit.` offers, by their full names."""
    found = {f"ltvkit.{name}" for name in dir(ltvkit) if name not in ltvkit.__all__}
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            lines = "".join(cell["source"])
            for package, names in re.findall(r"^from (ltvkit[\w.]*) import (.*)$", lines, re.M):
                found |= {f"{package}.{name}" for name in names.split(", ")}
    return found


MODULES = sorted(imported_by_notebooks())


@pytest.fixture(scope="module")
def completed() -> dict[str, list[list[str]]]:
    """For each import statement, what is completed with jedi and without it."""
    asked = [("import ltvkit", "ltvkit.")]
    for module in MODULES:
        package, name = module.rsplit(".", 1)
        asked.append((f"from {package} import {name}", f"{name}."))
    done = subprocess.run(
        [sys.executable, "-c", COMPLETE], input=json.dumps(asked), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_package_offers_open_and_its_concepts(completed):
    with_jedi, without = completed["import ltvkit"]
    assert with_jedi == without == sorted(set(dir(ltvkit)) - {"__version__"})
    assert {"open", "rfm", "forecast", "hypotheses", "display"} < set(without)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_offers_its_public_names_alone(completed, module):
    package, name = module.rsplit(".", 1)
    found = importlib.import_module(module)
    with_jedi, without = completed[f"from {package} import {name}"]
    assert with_jedi == without == sorted(dir(found))
    for public in dir(found):
        value = getattr(found, public)  # it is there
        home = getattr(value, "__module__", None) or getattr(value, "__name__", module)
        assert home.startswith("ltvkit") or public.isupper() or public == "Day", public


@pytest.mark.parametrize("module", MODULES)
def test_no_public_function_is_left_out(module):
    found = importlib.import_module(module)
    path = Path(found.__file__)
    # The functions of `errors` are for the kit's own use.
    kinds = (ast.ClassDef,) if module == "ltvkit.errors" else (ast.FunctionDef, ast.ClassDef)
    own = {n.name for n in ast.parse(path.read_text("utf-8")).body if isinstance(n, kinds)}
    assert {name for name in own if not name.startswith("_")} <= set(dir(found))
