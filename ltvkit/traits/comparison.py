"""Which traits of the first order go with a higher, or a lower, LTV."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ltvkit.traits import adjustment, differences
from ltvkit.traits.first_orders import PREFIX
from ltvkit.traits.following import Followed

SHRUNK = ("ltv_difference", "low", "high")
BETTER, WORSE, UNCLEAR = "better", "worse", "unclear"
YES, NO, OPEN = "yes", "no", "cannot_tell"
# LTV begins with the amount of the first order, so customers who differ in it differ in LTV. That
# is sure to be found, and would make the test of all other traits milder.
PARTS_OF_LTV = ("first_amount_band", "first_basket")
ORDER = [
    "trait", "group", "customers", "customers_share", "ltv", "ltv_of_rest", *SHRUNK, "p", "q",
    *adjustment.COLUMNS, "ltv_difference_earlier", "ltv_difference_later", "seen_later", "verdict",
]  # fmt: skip


def compare(followed: Followed) -> pd.DataFrame:
    """Followed customers -> a row per value of each trait: their LTV against the rest.

    - `trait` (named as its column in the orders), `group` (the value), `customers`,
      `customers_share` of all followed
    - `ltv`, `ltv_of_rest`: means as they are; `ltv_difference` with `low`, `high` (90%): shrunk
      (see `differences`), so that the largest is not the luckiest
    - `p`, and `q`: adjusted for the number of values compared (false discovery rate); the amount
      of the first order and its basket, which are parts of LTV, apart from all other traits, and
      as these are two sets of tests, each q is doubled
    - `ltv_adjusted`, `ltv_adjusted_low`, `ltv_adjusted_high`: for all other traits (see
      `adjustment`)
    - `ltv_difference_earlier`, `ltv_difference_later`: unshrunk, of the half of customers won
      first, and of the other; `seen_later`: "yes" where that of the later half has the direction of
      the earlier one beyond chance (one-sided p of .05), "no" where it has the other direction,
      else "cannot_tell"
    - `verdict`: "better" or "worse" where q is .05 at most, the range leaves out zero, and
      `seen_later` is not "no"; else "unclear"

    Traits in the order of the columns; values by unshrunk difference, the largest first (equal: by
    name), and those of fewer than 30 customers, which have none, last. What goes with a trait need
    not come from it.
    """
    table, ltv = followed.table, followed.table["ltv"].to_numpy(dtype=float)
    names, members = list_groups(table, followed.traits)
    found = pd.concat([names, differences.measure(members, ltv)], axis=1)
    shrunk = differences.shrink(
        found["ltv_difference"].to_numpy(), found["error"].to_numpy(), found["trait"].tolist()
    )
    observed = found["ltv_difference"]
    found = found.assign(**dict(zip(SHRUNK, shrunk, strict=True)))
    found["customers_share"] = found["customers"] / max(len(ltv), 1)
    found["q"] = adjust_apart(found["p"], found["trait"].isin(PARTS_OF_LTV))
    adjusted = adjustment.adjust(table, followed.traits)
    found = found.merge(adjusted, on=["trait", "group"], how="left")
    halves = check_later(members, ltv, table["first_order"])
    found = pd.concat([found, halves], axis=1)
    found["verdict"] = judge(found)
    return _order(found.assign(_less=-observed), followed.traits)


def adjust_apart(p: pd.Series, apart: pd.Series) -> pd.Series:
    """p-values -> adjusted for the number of tests, those that are `apart` among themselves; and
    where there are both, times two, so that together they find no more by chance."""
    found = pd.Series(np.nan, index=p.index)
    kinds = [rows for rows in (apart, ~apart) if p[rows].notna().any()]
    for rows in kinds:
        found[rows] = np.minimum(differences.adjust(p[rows].to_numpy()) * len(kinds), 1.0)
    return found


def list_groups(table: pd.DataFrame, traits: Sequence[str]) -> tuple[pd.DataFrame, np.ndarray]:
    """Followed customers -> trait and group of each value, and who has it: customers x groups."""
    coded = {trait: adjustment.code(table[trait]) for trait in traits}
    pairs = [(trait, str(name)) for trait, groups in coded.items() for name in groups]
    empty = np.empty((len(table), 0))
    members = np.column_stack([empty, *(groups.to_numpy() for groups in coded.values())])
    return pd.DataFrame(pairs, columns=["trait", "group"]), members


def check_later(members: np.ndarray, ltv: np.ndarray, won: pd.Series) -> pd.DataFrame:
    """Whether what is found on the half of customers won first is seen on the others, too."""
    middle = won.sort_values(ignore_index=True).iloc[len(won) // 2] if len(won) else None
    later = (won >= middle).to_numpy()
    sides = [
        differences.measure(members[half], ltv[half])
        if half.sum() >= 2 * differences.FEWEST
        else pd.DataFrame({"ltv_difference": np.nan, "p": np.nan}, index=range(members.shape[1]))
        for half in (~later, later)
    ]
    before, after = (side["ltv_difference"] for side in sides)
    same = np.sign(before) == np.sign(after)
    sure = same & (sides[1]["p"] / 2 <= differences.LEVEL)
    known = before.notna() & after.notna()
    holds = np.select([known & sure, known & ~same], [YES, NO], OPEN)
    return pd.DataFrame(
        {"ltv_difference_earlier": before, "ltv_difference_later": after, "seen_later": holds}
    )


def judge(found: pd.DataFrame) -> np.ndarray:
    """q, low, high and seen_later -> the verdict."""
    clear = (found["q"] <= differences.LEVEL) & (found["seen_later"] != NO)
    better, worse = clear & (found["low"] > 0), clear & (found["high"] < 0)
    return np.select([better, worse], [BETTER, WORSE], UNCLEAR)


def _order(found: pd.DataFrame, traits: Sequence[str]) -> pd.DataFrame:
    place = found["trait"].map({name: n for n, name in enumerate(traits)})
    ordered = found.assign(_place=place, trait=found["trait"].str.removeprefix(PREFIX))
    return ordered.sort_values(["_place", "_less", "group"], ignore_index=True)[ORDER]
