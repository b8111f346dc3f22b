"""The documents say what is so."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from ltvkit import orders
from ltvkit.cli.main import main
from ltvkit.config.shop import Shop
from ltvkit.ingest import systems
from ltvkit.ingest.policies import CHECK_FACTS, POLICY_COMMENTS, Policies
from ltvkit.ingest.schema import COLUMNS
from ltvkit.inspection import proposals

ROOT = Path(__file__).parents[1]
FILES = ("csv", "html", "ipynb", "json", "jsonl", "md", "pdf", "toml", "xlsx", "yaml")
OF_A_PROJECT = "ltvkit/config/new_project/README.md"
TOP = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", OF_A_PROJECT)
PAGES = {
    str(path.relative_to(ROOT)): path.read_text("utf-8")
    for path in (*map(ROOT.joinpath, TOP), *sorted((ROOT / "docs").glob("*.md")))
}
README, PARAMS = PAGES["README.md"], PAGES["docs/params.md"]
PYTHON = [
    (name, code)
    for name, text in PAGES.items()
    if name != "SECURITY.md"  # its recipe is run by test_safety
    for code in re.findall(r"^```python\n(.*?)^```", text, flags=re.M | re.S)
]


def block(kind: str, text: str = PARAMS) -> str:
    return re.search(rf"^```{kind}\n(.*?)^```", text, flags=re.M | re.S).group(1)


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return listed.stdout.splitlines()


def test_the_tree_names_every_package_and_nothing_else():
    tree, beside = README.split("## What is where")[1].split("```")[1:3]
    packages = {path.parent.name for path in (ROOT / "ltvkit").glob("*/__init__.py")}
    assert set(re.findall(r"^  (\w+)/", tree, flags=re.M)) == packages
    for name in re.findall(r"^(\w[\w.]*/?)  +\S", tree, flags=re.M):
        assert (ROOT / name).exists() or name == "reports/", name
    modules = {path.stem for path in (ROOT / "ltvkit").glob("[a-z]*.py")} - {"errors"}
    listed = beside.partition(" are in ")[0].partition("(")[2]
    assert set(re.findall(r"`(\w+)`", listed)) == modules


def test_every_notebook_is_in_the_table_of_questions():
    named = re.findall(r"\[(\d\d_\w+)\]\(notebooks/\1\.ipynb\)", README)
    assert named == sorted(p.stem for p in (ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("name", PAGES)
def test_links_and_pictures_are_there(name):
    for target in re.findall(r"\]\(([^)#:]+)\)", PAGES[name]):
        assert ((ROOT / name).parent / target).exists(), target


def test_every_page_is_linked_from_the_readme_and_says_for_whom_it_is():
    for name, text in PAGES.items():
        assert name in ("README.md", OF_A_PROJECT) or f"]({name})" in README, name
        if name.startswith("docs/"):
            assert text.split("\n\n")[1].startswith("This page is for "), name


@pytest.mark.parametrize(("name", "code"), PYTHON, ids=[name for name, _code in PYTHON])
def test_the_python_examples_run(name, code, monkeypatch):
    monkeypatch.chdir(ROOT / "notebooks")
    found: dict = {}
    exec(code, found)
    if name == "docs/python.md" and "tenths" in found:
        assert found["tenths"]["customers"].sum() == found["segments"]["customers"].sum() == 23_570
        assert len(found["predicted"]) == 23_570


def test_names_of_code_in_the_documents_exist():
    """`module.name` and paths of files: what a rename would leave behind."""
    known: dict[str, set[str]] = {"shop": {"params", "book", "as_of", *dir(Shop)}}
    for dotted in (name.removesuffix(".__init__") for name in modules()):
        package, _dot, name = dotted.rpartition(".")
        module = importlib.import_module(dotted)
        known.setdefault(name, set()).update(vars(module), dir(module))  # or loaded on use
        known.setdefault(package.rpartition(".")[2], set()).add(name)
    for page, text in PAGES.items():
        for path in re.findall(r"`((?:ltvkit|tests|params|notebooks|docs)/[\w./-]+)`", text):
            example = any(word in path for word in ("weekdays", "mine", "params/hypotheses"))
            assert example or (ROOT / path).exists(), f"{page}: {path}"
        for module, name in re.findall(r"`(?:ltvkit\.)?(\w+)\.(\w+)[`(]", text):
            file = name in FILES
            assert file or module not in known or name in known[module], f"{page}: {module}.{name}"


def test_the_worked_example_does_what_it_says(tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_ROOT", str(tmp_path))
    (tmp_path / "mine.csv").write_text(block("csv"), "utf-8")
    given = yaml.safe_load(block("yaml"))
    book = orders.read(given["source"], columns=given["columns"], policies=given["policies"])
    lines = book.lines.df()
    assert book.quarantine.df()[["line", "reason"]].to_numpy().tolist() == [
        [6, "guest: no customer_id"]
    ]
    assert (len(lines), lines["amount"].sum()) == (5, 2400 + 900 + 1200 - 1200 + 3600)
    assert set(lines["customer_id"]) == {"00017", "00018"}


def test_the_worked_example_is_what_inspect_makes_of_the_file(tmp_path):
    (tmp_path / "mine.csv").write_text(block("csv"), "utf-8")
    seen = proposals.inspect(str(tmp_path / "mine.csv"))
    assert seen.columns == yaml.safe_load(block("yaml"))["columns"]
    for system in systems.SYSTEMS:
        assert system.name.partition(" (")[0] in README


def test_policies_and_columns_are_all_explained_with_their_defaults():
    table = PARAMS.split("## Policies that change")[1].split("## Is the export sound?")[0]
    for field in fields(Policies):
        assert f"`{field.name}`" in table
        assert f"- `{field.name}`" in Policies.__doc__
        assert POLICY_COMMENTS[field.name]
    for name in ("returns", "zero_amounts", "same_day"):
        assert re.search(rf"`{name}` \| `{getattr(Policies(), name)}`", table)
    for column in COLUMNS:
        assert f"`{column}`" in PARAMS


def test_every_check_is_in_the_table_with_its_severity():
    table = PARAMS.split("## Is the export sound?")[1]
    rows = re.findall(r"^\| (`.*`) \| ([a-z, ]+) \|", table, flags=re.M)
    told = {}
    for names, severities in rows:
        names, severities = re.findall(r"`(\w+)`", names), severities.split(", ")
        told |= dict(zip(names, severities * (len(names) // len(severities)), strict=True))
    assert told == {name: check["severity"] for name, check in CHECK_FACTS.items()}


def test_commands_in_the_documents_exist():
    texts = "\n".join(PAGES.values())
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in set(re.findall(r"(?:`|^)make ([a-z-]+)", texts, flags=re.M)):
        assert re.search(rf"^{target}:", makefile, flags=re.M), target
    commands = {name: command for name, command in main.commands.items() if name != "hypothesis"}
    for name, command in main.commands["hypothesis"].commands.items():
        commands[f"hypothesis {name}"] = command
    for line in re.findall(r"^(?:python -m )?ltvkit ([^#\n]*)", texts, flags=re.M):
        words = line.split()
        name = " ".join(words[:2]) if words[0] == "hypothesis" else words[0].strip("-")
        assert name == "help" or name in commands, line
        options = {o for p in getattr(commands.get(name), "params", ()) for o in p.opts}
        assert {w for w in words if w.startswith("--")} <= options | {"--help"}, line
    for name in commands:
        assert re.search(rf"ltvkit {name}\b", texts), f"{name} is in no document"


def modules() -> list[str]:
    return [f[:-3].replace("/", ".") for f in tracked() if re.match(r"ltvkit/.*\.py$", f)]


@pytest.mark.parametrize("name", [m for m in modules() if not m.endswith("__main__")])
def test_every_module_and_public_function_explains_itself(name):
    source = ast.parse((ROOT / (name.replace(".", "/") + ".py")).read_text("utf-8"))
    assert ast.get_docstring(source), name
    kinds = (ast.FunctionDef, ast.ClassDef)
    for node in (n for n in source.body if isinstance(n, kinds) and not n.name.startswith("_")):
        assert ast.get_docstring(node), f"{name}.{node.name}"
    importlib.import_module(name.removesuffix(".__init__"))
