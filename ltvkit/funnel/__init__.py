"""Funnel: which stages people reach before the first order and after it, and their worth.

`read_events` reads what visitors and customers did, `join_visitors` says which of it belongs to
which customer, `reach` who reached which stage and when. `summarize` and `series` say how many go
on to the next one, and how soon. `value_stages` holds LTV against stages, from one age on;
`measure_referral` counts the customers that customers bring, and `value_points` says what one
percentage point more at each step is worth, and whose it is.
"""

from ltvkit.core.lazy import load_names_on_use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ltvkit.funnel.ever_reached import compare_ever
    from ltvkit.funnel.findings import (
        describe_match,
        describe_points,
        describe_referral,
        describe_unmapped,
        describe_value,
        finding,
        reconcile,
    )
    from ltvkit.funnel.joining import Joined, join_visitors
    from ltvkit.funnel.landmark import value_stages
    from ltvkit.funnel.points import value_points
    from ltvkit.funnel.reaching import Stages, describe_missing, describe_unjoined, reach
    from ltvkit.funnel.reading import read_events
    from ltvkit.funnel.referral import Referral, measure_referral
    from ltvkit.funnel.stages import name_stages
    from ltvkit.funnel.summaries import series, summarize
    from ltvkit.ingest.records import Records

__all__ = [
    "Joined", "Records", "Referral", "Stages", "compare_ever", "describe_match", "describe_missing",
    "describe_points", "describe_referral", "describe_unjoined", "describe_unmapped",
    "describe_value", "finding", "join_visitors", "measure_referral", "name_stages", "reach",
    "read_events", "reconcile", "series", "summarize", "value_points", "value_stages",
]  # fmt: skip

__getattr__ = load_names_on_use(__name__, __file__)
__dir__ = __all__.copy
