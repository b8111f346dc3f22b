"""The classical factors: customers, orders per customer, order value, and of margin its rate; and
the tree that they make with their leaves."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ltvkit.drivers.change import Change, describe_values
from ltvkit.drivers.leaves import LEAVES
from ltvkit.errors import TooLittleData

FACTORS = ("customers", "orders_per_customer", "order_value")
OF_MARGIN = (*FACTORS, "margin_rate")
SHARES_OFF = ("returned_share",)  # leaves of the form (1 - share)
NO_PRODUCT = "the formula is no product of customers, orders per customer and order value."
AGAINST = "the parts of a factor's leaves have another sign than its own change."
SIDES = ["value_before", "value_after"]
NEAR = 1e-9  # relative: how exactly the factors give the formula


def add_up_factors(found: Change) -> pd.DataFrame:
    """A change -> factor, value_before, value_after, change_in_revenue, or _margin: a row for each.

    The leaves of a factor, multiplied, are its value; their parts, added up, are its part. So the
    parts add up to the change. Order value is after what was sent back. Raises `TooLittleData`
    where the formula is no product of these factors, a factor is not known on both sides, or the
    parts of a factor's leaves add up to another sign than its own change.

    >>> leaves = ["days", "customers_a_day", "orders_per_customer", "order_value"]
    >>> table = pd.DataFrame({"leaf": leaves, "value_before": [31.0, 2.0, 1.0, 10.0],
    ...     "value_after": [30.0, 2.0, 1.0, 12.0], "change_in_revenue": [-22.0, 0.0, 0.0, 122.0]})
    >>> from ltvkit.drivers import Formula
    >>> found = Change(table, Formula(" * ".join(leaves)), ("2024-08", "2024-09"), 620.0, 720.0)
    >>> add_up_factors(found)[["value_before", "value_after", "change_in_revenue"]].values.tolist()
    [[62.0, 60.0, -22.0], [1.0, 1.0, 0.0], [10.0, 12.0, 122.0]]
    """
    table = found.table.set_index("leaf")
    names = {leaf: LEAVES.get(leaf, {}).get("factor", "") for leaf in found.formula.leaves}
    factors = FACTORS if found.of == "revenue" else OF_MARGIN
    if set(names.values()) != set(factors):
        raise TooLittleData(NO_PRODUCT)
    evaluate = found.formula.evaluate
    neutral = {leaf: 0.0 if leaf in SHARES_OFF else 1.0 for leaf in names}
    rows = []
    for factor in factors:
        own = [leaf for leaf in names if names[leaf] == factor]
        many = 1.0 if factor == factors[0] else float(evaluate(neutral))  # kinds of customers, as 1
        values = [evaluate(neutral | table.loc[own, side].to_dict()) / many for side in SIDES]
        rows.append((factor, *values, table.loc[own, found.moved].sum()))
    known = pd.DataFrame(rows, columns=["factor", *SIDES, found.moved])
    known[SIDES] = known[SIDES].astype(float)
    for side in SIDES:
        whole = float(evaluate(table[side].to_dict()))
        if not np.isclose(known[side].prod(skipna=False), whole, rtol=NEAR):
            raise TooLittleData(NO_PRODUCT)
    if _contradict(known, found.moved, whole):
        raise TooLittleData(AGAINST)
    return known


def _contradict(factors: pd.DataFrame, moved: str, whole: float) -> bool:
    """Whether a factor fell and is told to have raised the whole, or the other way: its leaves
    may, where they moved apart by much."""
    step = factors[SIDES[1]] - factors[SIDES[0]]
    far = (step.abs() > NEAR * factors[SIDES].abs().max(axis=1)) & (
        factors[moved].abs() > NEAR * abs(whole)
    )
    return bool((far & (np.sign(step) != np.sign(factors[moved]))).any())


def list_nodes(found: Change, *, currency: str = "") -> pd.DataFrame:
    """A change -> the tree to draw: node, parent, label, values (a text), change, kind.

    The root (parent "") is what changed; below it the classical factors, and below them their
    leaves. A factor of one leaf stands for it; where the formula has no such factors, leaves are
    below the root. `kind` is the verdict of a leaf, "" of what was added up. Leaves that are the
    same on both sides, and so change nothing, are left out.
    """
    leaves = found.show(currency=currency).assign(node=found.table["leaf"])
    try:
        factors = add_up_factors(found)
        own = {leaf: LEAVES[leaf]["factor"] for leaf in leaves["node"]}
    except TooLittleData:
        factors, own = pd.DataFrame({"factor": []}), {}
    root = found.of
    levels = describe_values(found.of, found.before, found.after, currency=currency)
    rows = [(root, "", root, levels, found.after - found.before, "")]
    moved = leaves[leaves[found.moved] != 0]
    groups = [(f, moved[moved["node"].map(own) == f.factor]) for f in factors.itertuples()]
    for factor, below in groups or [(None, moved)]:
        parent = root
        if factor and len(below) > 1:
            values = describe_values(factor.factor, factor[2], factor[3], currency=currency)
            parent = f"{factor.factor} in all"  # a leaf may have the name of its factor
            rows.append((parent, root, factor.factor, values, factor[4], ""))
        for row in below.to_dict("records"):
            said = (row["leaf"], row["values"], row[found.moved], row["verdict"])
            rows.append((row["node"], parent, *said))
    return pd.DataFrame(rows, columns=["node", "parent", "label", "values", "change", "kind"])
