"""Whether the orders can be relied on: what became of each line, and checks of the data."""

from ltvkit.quality.gate import check, check_finding, describe, raise_on_stop
from ltvkit.quality.records import list_left_out
from ltvkit.quality.summary import (
    describe_later,
    finding,
    list_duplicates,
    list_folded_ids,
    list_quarantined,
    origin,
    summarize,
)

__all__ = [
    "check", "check_finding", "describe", "describe_later", "finding", "list_duplicates",
    "list_folded_ids", "list_left_out", "list_quarantined", "origin", "raise_on_stop", "summarize",
]  # fmt: skip

__dir__ = __all__.copy
