"""Packages whose modules and names are loaded when they are first used."""

import ast
import importlib
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any


def load_on_use(package: str, modules: "tuple[str, ...]") -> "Callable[[str], ModuleType]":
    """A package and the names of its modules -> its `__getattr__`, which loads one of them."""

    def load(name: str) -> "ModuleType":
        if name in modules:
            return importlib.import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return load


def load_names_on_use(
    package: str, file: str, modules: "tuple[str, ...]" = ()
) -> "Callable[[str], Any]":
    """A package and its `__init__.py`, which imports names for type checkers alone, below `if
    TYPE_CHECKING:` -> its `__getattr__`, which loads them one by one, or one of the `modules`.

    Also where the kit is a zip archive, as the workers of a Spark cluster have it.
    """
    loader: Any = sys.modules[package].__loader__
    homes = {
        name.name: node.module or package
        for block in ast.parse(loader.get_data(file)).body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    below = {home.removeprefix(f"{package}.").split(".")[0] for home in homes.values()}
    load_module = load_on_use(package, (*modules, *below))

    def load(name: str) -> "Any":
        if name not in homes:
            return load_module(name)
        found = getattr(importlib.import_module(homes[name]), name)
        setattr(sys.modules[package], name, found)
        return found

    return load
