"""Drivers: why revenue changed between two periods, how sure that is, and who can change it.

`explain` shares a change out among the leaves of the tree of revenue, `split` among the values of a
column; `Formula` and `attribute` do it for any formula.
"""

from ltvkit.drivers.changes import Change, explain, find_spans, finding
from ltvkit.drivers.decomposition import attribute
from ltvkit.drivers.formula import Formula
from ltvkit.drivers.segments import describe_mix, share_out, split

__all__ = [
    "Change", "Formula", "attribute", "describe_mix", "explain", "find_spans", "finding",
    "share_out", "split",
]  # fmt: skip

__dir__ = __all__.copy
