"""Funnel: which stages people reach before the first order and after it, and their worth."""

from ltvkit.core.lazy import load_names_on_use

__all__: list[str] = []

__getattr__ = load_names_on_use(__name__, __file__)
__dir__ = __all__.copy
