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
from ltvkit.ingest.policies import DEFAULT_SEVERITY, Policies
from ltvkit.ingest.schema import COLUMNS
from ltvkit.inspection import proposals, systems

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def block(kind: str) -> str:
    return re.search(rf"^```{kind}\n(.*?)^```", README, flags=re.M | re.S).group(1)


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return listed.stdout.splitlines()


def test_the_tree_names_every_module_and_nothing_else():
    tree = README.split("## What is where")[1].split("```")[1]
    named = set(re.findall(r"^  (\w+(?:\.py|/))", tree, flags=re.M))
    inside = [f.removeprefix("ltvkit/") for f in tracked() if f.startswith("ltvkit/")]
    real = {f.split("/")[0] + "/" if "/" in f else f for f in inside if not f.startswith("__")}
    assert named == real
    for name in re.findall(r"^(\w[\w.]*/?)  +\S", tree, flags=re.M):
        assert (ROOT / name).exists() or name == "reports/", name


def test_every_notebook_is_in_the_table_of_questions():
    named = re.findall(r"\[(\d\d_\w+)\]\(notebooks/\1\.ipynb\)", README)
    assert named == sorted(p.stem for p in (ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_links_and_pictures_are_there(text):
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / target).exists(), target


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


def test_the_python_example_runs():
    found: dict = {}
    exec(block("python"), found)
    assert found["tenths"]["customers"].sum() == found["segments"]["customers"].sum() == 23_570


def test_policies_and_columns_are_all_explained_with_their_defaults():
    table = README.split("### Decisions")[1].split("## The report")[0]
    for field in fields(Policies):
        assert f"`{field.name}`" in table
        assert f"- `{field.name}`" in Policies.__doc__
    for name in ("returns", "zero_amounts", "same_day"):
        assert re.search(rf"`{name}` \| `{getattr(Policies(), name)}`", table)
    for column in COLUMNS:
        assert f"`{column}`" in README


def test_every_check_is_in_the_table_with_its_severity():
    table = README.split("### Is the export sound?")[1].split("## The report")[0]
    rows = re.findall(r"^\| (`.*`) \| ([a-z, ]+) \|", table, flags=re.M)
    told = {}
    for names, severities in rows:
        names, severities = re.findall(r"`(\w+)`", names), severities.split(", ")
        told |= dict(zip(names, severities * (len(names) // len(severities)), strict=True))
    assert told == DEFAULT_SEVERITY


def test_commands_in_the_documents_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"\bmake ([a-z]+)", README + CONTRIBUTING)):
        assert re.search(rf"^{target}:", makefile, flags=re.M), target
    from click.testing import CliRunner

    from ltvkit.cli.main import main

    named = [
        ("report",),
        ("inspect",),
        *(("hypothesis", c) for c in main.commands["hypothesis"].commands),
    ]
    shown = {" ".join(c): CliRunner().invoke(main, [*c, "--help"]).output for c in named}
    for option in set(re.findall(r"(?<![\w-])--[a-z]+", README)):
        assert any(option in text for text in shown.values()), option
    for command in set(re.findall(r"ltvkit (report|inspect|hypothesis \w+)", README)):
        assert command in shown, command


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
