"""Support: which enquiries need a human, what causes them, and what they cost."""

from ltvkit.core.lazy import load_names_on_use

__all__: list[str] = []

__getattr__ = load_names_on_use(__name__, __file__)
__dir__ = __all__.copy
