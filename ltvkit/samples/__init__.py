"""The sample shops, whose true parameters are known.

`demo:shop` and `demo:untouched` read the Parquet files; `simulate` computes them again.
"""

from ltvkit.samples.shop import simulate, truth

__all__ = ["simulate", "truth"]

__dir__ = __all__.copy
