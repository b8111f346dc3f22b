"""What a better leaf would bring: the part of revenue that each department holds in its hands."""

from __future__ import annotations

import pandas as pd

from ltvkit.drivers.change import Change


def improve(found: Change, *, share: float = 0.1) -> pd.DataFrame:
    """A change -> what each leaf would bring if it alone were better by `share`, most first.

    Columns: leaf, gain (of revenue or margin in the later period, or of LTV), value_after (now),
    value_then (better: more, or less of what is sent back), department. Leaves that nobody can
    change are left out. All else is taken to stay as it is: who wins many more customers at once
    may win others. Of margin, a higher price is all margin.

    >>> from ltvkit.drivers import Change, Formula
    >>> leaves = pd.DataFrame({"leaf": ["days", "orders_per_customer", "returned_share"],
    ...     "value_after": [30.0, 2.0, 0.5]})
    >>> formula = Formula("days * orders_per_customer * (1 - returned_share)")
    >>> improve(Change(leaves, formula, ("2024-01", "2024-02"), 20.0, 30.0))[["leaf", "gain"]]
                      leaf  gain
    0  orders_per_customer   3.0
    1       returned_share   3.0
    """
    now, rows = found.now, []
    for leaf in now:
        if department := found.tree.name_department(leaf):
            then = found.better(leaf, share)
            gain = found.find_gain(leaf, then)
            sides = {"value_after": now[leaf], "value_then": then}
            rows.append({"leaf": leaf, "gain": gain, **sides, "department": department})
    columns = ["leaf", "gain", "value_after", "value_then", "department"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values("gain", ascending=False, ignore_index=True, kind="stable")
