"""Customer lifetime value: observed curves, formulas side by side, survival, unit economics.

>>> from ltvkit.ltv import curves, survival, unit_economics
"""

from ltvkit.core.lazy import load_on_use
from ltvkit.ltv.formulas import compare, finding, measures

__all__ = ["compare", "finding", "measures"]
_MODULES = (
    "contracts",
    "curves",
    "formulas",
    "intervals",
    "lapse",
    "largest",
    "order_steps",
    "survival",
    "unit_economics",
)

__getattr__ = load_on_use(__name__, _MODULES)
__dir__ = [*__all__, *_MODULES].copy
