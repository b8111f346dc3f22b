"""Support: which enquiries need a person, what causes them, and what they cost.

`train` decides from enquiries with a known intent which may be answered automatically, `route` says
who answers those that wait. `find_causes` and `find_rising` list what comes up more often with one
product, lot, carrier, campaign or period, `count_rates` enquiries per 100 orders. `compare_after`
says what customers did after an enquiry, `measure_days` when enquiries and returns come,
`find_guides` which new customers need help first. `weigh_causes` and `measure_leaf` say what it
costs.
"""

from ltvkit.core.lazy import load_names_on_use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ltvkit.ingest.records import Records
    from ltvkit.support.after_purchase import Guides, find_guides, measure_days
    from ltvkit.support.aftermath import compare_after
    from ltvkit.support.causes import Causes, find_causes, find_rising, name_products
    from ltvkit.support.costs import measure_leaf, weigh_causes
    from ltvkit.support.drafts import draft_hypothesis, list_drafts
    from ltvkit.support.findings import (
        describe_after,
        describe_causes,
        describe_guides,
        describe_labels,
        describe_leaf,
        describe_waiting,
        finding,
        reconcile,
    )
    from ltvkit.support.rates import count_rates
    from ltvkit.support.reading import read_enquiries, select_until
    from ltvkit.support.recording import describe_recording
    from ltvkit.support.routing import (
        Router,
        choose_high_value,
        route,
        summarize_waiting,
        train,
    )
    from ltvkit.support.savings import price

__all__ = [
    "Causes", "Guides", "Records", "Router", "choose_high_value", "compare_after", "count_rates",
    "describe_after", "describe_causes", "describe_guides", "describe_labels", "describe_leaf",
    "describe_recording", "describe_waiting", "draft_hypothesis", "find_causes",
    "find_guides", "find_rising", "finding",
    "list_drafts", "measure_days", "measure_leaf", "name_products", "price", "read_enquiries",
    "reconcile", "route", "select_until", "summarize_waiting", "train", "weigh_causes",
]  # fmt: skip

__getattr__ = load_names_on_use(__name__, __file__)
__dir__ = __all__.copy
