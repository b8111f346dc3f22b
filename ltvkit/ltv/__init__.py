"""Customer lifetime value: observed curves, formulas side by side, survival, unit economics.

>>> from ltvkit.ltv import curves, survival, unit_economics
"""

from ltvkit.ltv.formulas import compare, finding, measures

__all__ = ["compare", "finding", "measures"]
