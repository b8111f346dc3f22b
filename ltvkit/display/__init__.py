"""Finished tables as people see them: numbers, labels, tables and charts."""

from ltvkit.core.lazy import load_on_use

_MODULES = ("formats", "plots", "tables")

__getattr__ = load_on_use(__name__, _MODULES)
__dir__ = [*_MODULES].copy
