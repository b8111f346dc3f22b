"""A shop's params file and the notebooks it is for, checked before anything runs."""

from ltvkit.config.params import Params, load

__all__ = ["Params", "load"]

__dir__ = __all__.copy
