"""Packages whose modules are loaded when they are first used."""

import importlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


def load_on_use(package: str, modules: "tuple[str, ...]") -> "Callable[[str], ModuleType]":
    """A package and the names of its modules -> its `__getattr__`, which loads one of them."""

    def load(name: str) -> "ModuleType":
        if name in modules:
            return importlib.import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return load
