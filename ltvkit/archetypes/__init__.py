"""Archetypes: why a customer's LTV so far is above the mean, types by it, and loyalty tiers.

`measure` makes customers of order lines; `split` shares out each one's LTV above the mean into
length, frequency and price; `choose_cuts` chooses the shop's cuts on the past, and `assign` gives
each customer a type by them. `summarize` and `profile` say who the types are, `backtest` whether
they foretell what comes, `measure_stability` how many keep their type. `tiers` audits a loyalty
programme.
"""

from ltvkit.core.lazy import load_names_on_use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ltvkit.archetypes.backtesting import Backtest, backtest
    from ltvkit.archetypes.cuts import choose_cuts, choose_month_cuts
    from ltvkit.archetypes.factors import Means, find_means, measure, split, sum_later
    from ltvkit.archetypes.profiles import describe_profile, profile
    from ltvkit.archetypes.rivals import Cpm
    from ltvkit.archetypes.summaries import (
        describe_backtest,
        finding,
        measure_stability,
        summarize,
    )
    from ltvkit.archetypes.types import TYPES, assign, find_cuts

__all__ = [
    "TYPES", "Backtest", "Cpm", "Means", "assign", "backtest", "choose_cuts", "choose_month_cuts",
    "describe_backtest", "describe_profile", "find_cuts", "find_means", "finding", "measure",
    "measure_stability", "profile", "split", "sum_later", "summarize", "tiers",
]  # fmt: skip

__getattr__ = load_names_on_use(__name__, __file__, ("tiers",))
__dir__ = __all__.copy
