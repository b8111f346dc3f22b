"""Drivers: why revenue, or margin, changed, how sure that is, and who can change it.

`explain` shares a change out among the leaves of the tree of revenue, `explain_ltv` a difference
of LTV between cohorts, `split` a change among the values of a column; `improve` says what a better
leaf would bring. `read_tree` reads a tree of the shop's own. `Formula` and `attribute` do it for
any formula.
"""

from ltvkit.core.lazy import load_names_on_use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ltvkit.drivers.change import Change, show_values
    from ltvkit.drivers.changes import explain, find_spans
    from ltvkit.drivers.comparisons import (
        Other,
        check_currencies,
        compare,
        describe_scope,
        read_other,
        select,
    )
    from ltvkit.drivers.costs import describe_costs, find_margin_rate, show_costs, weigh_costs
    from ltvkit.drivers.decomposition import attribute
    from ltvkit.drivers.early_signs import Link, describe_link, find_link, measure_link
    from ltvkit.drivers.factors import list_nodes
    from ltvkit.drivers.findings import describe_ltv, finding
    from ltvkit.drivers.formula import Formula
    from ltvkit.drivers.kpi_params import read_tree
    from ltvkit.drivers.kpi_tree import KpiTree
    from ltvkit.drivers.ltv_changes import explain_ltv, measure_ltv
    from ltvkit.drivers.margins import list_totals
    from ltvkit.drivers.owners import describe_limits, describe_targets, list_owners, show_owners
    from ltvkit.drivers.segments import describe_mix, share_out, split
    from ltvkit.drivers.what_if import improve

__all__ = [
    "Change", "Formula", "KpiTree", "Link", "Other", "attribute", "check_currencies", "compare",
    "describe_costs", "describe_limits", "describe_link", "describe_ltv", "describe_mix",
    "describe_scope",
    "describe_targets", "explain", "explain_ltv", "find_link", "find_margin_rate", "find_spans",
    "finding", "improve", "list_nodes", "list_owners", "list_totals", "measure_link", "measure_ltv",
    "read_other", "read_tree", "select", "share_out", "show_costs", "show_owners", "show_values",
    "split", "weigh_costs",
]  # fmt: skip

__getattr__ = load_names_on_use(__name__, __file__)
__dir__ = __all__.copy
