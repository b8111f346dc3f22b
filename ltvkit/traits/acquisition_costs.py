"""What a new customer may cost, by the traits of the first order."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ltvkit.errors import ParamsError, is_number
from ltvkit.traits import combinations, differences
from ltvkit.traits.comparison import PARTS_OF_LTV, UNCLEAR, list_groups
from ltvkit.traits.first_orders import PREFIX
from ltvkit.traits.following import Followed

EVERYBODY = "all_customers"
ROOM, DEAR = "room", "too_dear"
ALIKE = 30  # customers
FIGURES = ["customers", "ltv", "low", "high", "affordable_cost", "acquisition_cost"]
FIGURES += ["headroom", "verdict"]


def afford(
    followed: Followed,
    *,
    acquisition_cost: Mapping[str, float],
    by: str = "channel",
    pairs: bool = False,
) -> pd.DataFrame:
    """Customers followed for as many months as a cost may take to come back, best of margin -> a
    row per value of each trait (`pairs`: per two of them, see `combinations.combine`).

    - `trait`, `group` (and `trait_2`, `group_2`), `customers`
    - `ltv` of one, and its range `low` to `high` (90%, shrunk towards the mean of all as
      differences are, see `differences`); NaN where they are fewer than 30
    - `affordable_cost`: the lower end, which is the most that winning one may cost to come back in
      these months, as far as the orders say; 0 at least
    - `acquisition_cost`: what was paid for one, by the value of `by` in the first order ("all" for
      values that are not named), as a mean over the customers whose cost is known; NaN: of none
    - `headroom`: what is left of the affordable cost; `verdict`: "room" where it is 0 or more,
      "too_dear" where the cost is above the upper end, else "unclear"

    The amount of the first order and its basket are no traits that customers can be won by, and are
    left out. First comes a row for all customers (trait "all_customers"; not with `pairs`), then
    the values of `by`, then all others, each by `affordable_cost`, the largest first (equal: by
    name). Raises `ParamsError` for a cost that is not money.
    """
    table, ltv = followed.table, followed.table["ltv"].to_numpy(dtype=float)
    cost = find_costs(followed, acquisition_cost, by=by)
    traits = [t for t in followed.traits if t not in PARTS_OF_LTV]
    if pairs:
        parts = [(names, one * other) for names, one, other in combinations.list_pairs(followed)]
    else:
        everybody = pd.DataFrame({"trait": [EVERYBODY], "group": [""]})
        parts = [(everybody, np.ones((len(table), 1)))]
        parts += [list_groups(table, [trait]) for trait in traits]
    found = [
        pd.concat([names, _weigh(names, members, ltv, cost)], axis=1) for names, members in parts
    ]
    names = combinations.NAMES if pairs else combinations.NAMES[:2]
    if not found:
        return pd.DataFrame(columns=[*names, *FIGURES])
    rows = pd.concat(found, ignore_index=True)
    plain = {name: rows[name].str.removeprefix(PREFIX) for name in names[::2]}
    place = plain["trait"].map({EVERYBODY: 0} if pairs else {EVERYBODY: 0, by: 1}).fillna(2)
    ordered = rows.assign(_place=place, _less=-rows["affordable_cost"], **plain)
    return ordered.sort_values(["_place", "_less", *names], ignore_index=True)[[*names, *FIGURES]]


def find_costs(followed: Followed, given: Mapping[str, float], *, by: str) -> np.ndarray:
    """What each customer cost to win, by the value of `by` in the first order; NaN: not known.

    A value so rare that it was gathered with others costs what "all" does. A cost of a value that
    none of these customers has is not used.
    """
    wrong = [name for name, cost in given.items() if not is_number(cost, 0)]
    if wrong:
        name = wrong[0]
        raise ParamsError(f"acquisition_cost: {name}={given[name]!r}; give money, 0 or more.")
    rest = float(given.get("all", np.nan))
    column = PREFIX + by
    if not by or column not in followed.table:
        return np.full(len(followed.table), rest)
    costs = {name: float(cost) for name, cost in given.items()}
    values = followed.table[column].astype(object)
    return values.map(costs).fillna(rest).to_numpy(dtype=float)


def _weigh(
    names: pd.DataFrame, members: np.ndarray, ltv: np.ndarray, cost: np.ndarray
) -> pd.DataFrame:
    """Values of one trait (or of two), who has them, what each customer brought and cost -> the
    figures of each value."""
    n, known = members.sum(axis=0), np.isfinite(cost)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = members.T @ ltv / n
        variance = (members.T @ (ltv - ltv.mean()) ** 2 - n * (mean - ltv.mean()) ** 2) / (n - 1)
        # A few customers who are alike by chance are not known exactly: the spread of all counts
        # as that of so many more.
        mixed = (ALIKE * ltv.var(ddof=1) + (n - 1) * variance) / (ALIKE + n - 1)
        error = np.sqrt(mixed / n)
        paid = members[known].T @ cost[known] / members[known].sum(axis=0)
    few = n < differences.FEWEST
    error[few] = np.nan
    _moved, *ends = differences.shrink(mean - ltv.mean(), error, [""] * len(names))
    low, high = (ltv.mean() + end for end in ends)
    affordable = np.maximum(low, 0)  # NaN stays NaN
    verdict = np.select([low >= paid, high < paid], [ROOM, DEAR], UNCLEAR)
    columns = (n.astype("int64"), mean, low, high, affordable, paid, affordable - paid, verdict)
    return pd.DataFrame(dict(zip(FIGURES, columns, strict=True)))
