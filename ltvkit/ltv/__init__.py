"""Customer lifetime value: observed curves, formulas side by side, survival, unit economics.

>>> from ltvkit.ltv import curves, survival, unit_economics
"""

from ltvkit.core.lazy import load_names_on_use

TYPE_CHECKING = False
if TYPE_CHECKING:
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

__getattr__ = load_names_on_use(__name__, __file__, _MODULES)
__dir__ = [*__all__, *_MODULES].copy
