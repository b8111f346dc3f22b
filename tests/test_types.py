"""Public functions name the type of a frame and of a day; mypy checks the rest."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

HOME = Path(__file__).parents[1]
MEANT = {
    "Frame": {
        "frame",
        "lines",
        "customers",
        "scored",
        "segmented",
        "classified",
        "before",
        "after",
    },
    "Day": {"as_of", "split"},
}


def public_functions():
    """The public functions of the modules whose types are checked."""
    settings = tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))["tool"]["mypy"]
    [checked] = [x["module"] for x in settings["overrides"] if "disallow_untyped_defs" in x]
    for path in sorted((HOME / "ltvkit").rglob("*.py")):
        name = ".".join(path.relative_to(HOME).with_suffix("").parts).removesuffix(".__init__")
        covered = name in checked or any(
            m.endswith(".*") and f"{name}.".startswith(m[:-1]) for m in checked
        )
        if covered and "spark" not in name:
            for node in ast.parse(path.read_text("utf-8")).body:
                if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                    yield f"{name}.{node.name}", node


def test_frames_and_days_are_named_by_their_types():
    found = [
        f"{name}: {argument.arg}: {ast.unparse(argument.annotation)}"
        for name, node in public_functions()
        for argument in (*node.args.args, *node.args.kwonlyargs)
        for meant, names in MEANT.items()
        if argument.arg in names and ast.unparse(argument.annotation) == "Any"
    ]
    assert not found
