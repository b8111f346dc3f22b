"""Traits: which first orders come from customers who bring more, and what they may cost to win.

`collect` gathers the traits of first orders from order lines, `follow` what these customers
brought. `compare` holds each value of a trait against the rest, `combine` two at a time, `afford`
against what winning a customer costs; `predict_first_day` gives each new customer a value on the
day of the first order.
"""

from ltvkit.core.lazy import load_names_on_use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ltvkit.traits.acquisition_costs import afford
    from ltvkit.traits.combinations import choose, combine
    from ltvkit.traits.comparison import compare
    from ltvkit.traits.findings import describe_costs, describe_pairs, describe_value, finding
    from ltvkit.traits.first_day_values import FirstDayValue, predict_first_day
    from ltvkit.traits.first_orders import add_traits, collect, list_traits
    from ltvkit.traits.following import Followed, follow

__all__ = [
    "FirstDayValue", "Followed", "add_traits", "afford", "choose", "collect", "combine", "compare",
    "describe_costs", "describe_pairs", "describe_value", "finding", "follow", "list_traits",
    "predict_first_day",
]  # fmt: skip

__getattr__ = load_names_on_use(__name__, __file__)
__dir__ = __all__.copy
