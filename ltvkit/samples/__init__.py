"""The sample shops: Parquet files with their known truth.

Readers open the files (`demo:shop`, `demo:untouched`); `simulate` makes them anew.
"""

from ltvkit.samples.shop import simulate, truth

__all__ = ["simulate", "truth"]
