"""Offers: what to offer next, when an item is due again, when to act, and whom to treat.

`recommend` lists offers per customer, `compare` judges on past days which way to choose them is
right most often. `find_due` says who is due for what. `measure_timing` says after how many silent
days customers have likely left, `find_entering` who gets there next month. `find_rule` says, after
a randomized measure, whom it works for, or that nobody can tell; `find_rules` of a whole register.
"""

from ltvkit.core.lazy import load_names_on_use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ltvkit.offers.after_tests import Rules, find_rules
    from ltvkit.offers.evaluation import Choice, choose, compare
    from ltvkit.offers.findings import (
        describe_due,
        describe_incentives,
        describe_list,
        describe_rule,
        describe_timing,
        describe_wait,
        finding,
    )
    from ltvkit.offers.gaps import measure_gaps, summarize_gaps
    from ltvkit.offers.incentives import find_entering, weigh_incentives
    from ltvkit.offers.purchases import choose_item
    from ltvkit.offers.recommendations import recommend, summarize
    from ltvkit.offers.reorders import check_due, choose_wait, find_due, summarize_due
    from ltvkit.offers.timing import Timing, measure_timing
    from ltvkit.offers.uplift import Rule, find_rule, spend_budget

__all__ = [
    "Choice", "Rule", "Rules", "Timing", "check_due", "choose", "choose_item", "choose_wait",
    "compare", "describe_due", "describe_incentives", "describe_list", "describe_rule",
    "describe_timing", "describe_wait", "find_due", "find_entering", "find_rule", "find_rules",
    "finding", "measure_gaps", "measure_timing", "recommend", "spend_budget", "summarize",
    "summarize_due", "summarize_gaps", "weigh_incentives",
]  # fmt: skip

__getattr__ = load_names_on_use(__name__, __file__)
__dir__ = __all__.copy
