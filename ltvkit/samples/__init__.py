"""The sample shops, whose true parameters are known.

`demo:shop`, `demo:untouched` (which never tried anything) and `demo:traits` (where customers differ
by their first order) read the Parquet files; `simulate` computes them again.
"""

from ltvkit.samples.shop import simulate, truth

__all__ = ["simulate", "truth"]

__dir__ = __all__.copy
