"""Two traits together: which combinations of first orders go with a higher, or a lower, LTV."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from ltvkit.traits import differences
from ltvkit.traits.comparison import (
    OPEN,
    PARTS_OF_LTV,
    SHRUNK,
    UNCLEAR,
    YES,
    check_later,
    judge,
    list_groups,
)
from ltvkit.traits.first_orders import PREFIX
from ltvkit.traits.following import Followed

NAMES = ["trait", "group", "trait_2", "group_2"]
ORDER = [
    *NAMES, "customers", "customers_share", "ltv", "ltv_of_rest", "ltv_difference", "low", "high",
    "worth", "p", "q", "ltv_expected", "more_than_both", "seen_later", "verdict",
]  # fmt: skip


def combine(followed: Followed) -> pd.DataFrame:
    """Followed customers -> a row per pair of values of two traits that 30 customers or more have.

    - `trait`, `group`, `trait_2`, `group_2`, `customers`, `customers_share`, `ltv`, `ltv_of_rest`,
      `ltv_difference`, `low`, `high`, `p`, `seen_later` and `verdict` as in `comparison.compare`;
      `q` is adjusted for all pairs tried, whether they are found or not
    - `worth`: the difference times the customers, what they brought more (or less) in all than as
      many of the rest would have
    - `ltv_expected`: what both values alone say, if they add up; `more_than_both`: "yes" where the
      pair differs from that by more than chance (adjusted for all pairs), else "cannot_tell"

    The amount of the first order and its basket are left out: LTV begins with them. The largest
    difference comes first, equal ones by name. A pair is worth a campaign of its own only where it
    is better, `more_than_both`, and above `ltv_expected`; else each of its values says as much.
    """
    table, ltv = followed.table, followed.table["ltv"].to_numpy(dtype=float)
    found = [_measure(*pairs, ltv, table["first_order"]) for pairs in list_pairs(followed)]
    if not found:
        return pd.DataFrame(columns=ORDER)
    pairs = pd.concat(found, ignore_index=True)
    pairs["q"] = differences.adjust(pairs["p"].to_numpy())
    sure = differences.adjust(pairs["_p"].to_numpy()) <= differences.LEVEL
    pairs["more_than_both"] = np.where(sure, YES, OPEN)
    kinds = (pairs["trait"] + "\n" + pairs["trait_2"]).tolist()
    observed, error = (pairs[n].to_numpy() for n in ("ltv_difference", "error"))
    shrunk = differences.shrink(observed, error, kinds)
    pairs = pairs.assign(**dict(zip(SHRUNK, shrunk, strict=True)))
    pairs["worth"] = pairs["ltv_difference"] * pairs["customers"]
    pairs["customers_share"] = pairs["customers"] / max(len(ltv), 1)
    pairs["verdict"] = judge(pairs)
    named = {name: pairs[name].str.removeprefix(PREFIX) for name in NAMES[::2]}
    ordered = pairs.assign(_less=-observed, **named)
    return ordered.sort_values(["_less", *NAMES], ignore_index=True)[ORDER]


def choose(table: pd.DataFrame, *, costs: pd.DataFrame | None = None) -> pd.DataFrame:
    """A table of `combine`, or of `compare` -> the rows with a verdict: what is better, and worse.

    With `costs`, the table of `acquisition_costs.afford` of the same values (or pairs): also their
    affordable_cost, acquisition_cost and headroom.
    """
    chosen = table[table["verdict"] != UNCLEAR].reset_index(drop=True)
    if costs is None:
        return chosen
    names = [name for name in NAMES if name in table]
    added = ["affordable_cost", "acquisition_cost", "headroom"]
    return chosen.merge(costs[[*names, *added]], on=names, how="left")


def list_pairs(followed: Followed) -> Iterator[tuple[pd.DataFrame, np.ndarray, np.ndarray]]:
    """For each two traits: the names of pairs of their values, who has the one, and who the other:
    the pairs that 30 customers or more have, and as many have not."""
    traits = [t for t in followed.traits if t not in PARTS_OF_LTV]
    each = {t: list_groups(followed.table, [t]) for t in traits}
    for one, other in combinations(traits, 2):
        (names, members), (names_2, members_2) = each[one], each[other]
        both, least = members.T @ members_2, differences.FEWEST
        enough = (both >= least) & (len(members) - both >= least)
        # A product and its category are no pair: all who have the one have the other.
        apart = both < np.minimum(members.sum(axis=0)[:, None], members_2.sum(axis=0))
        rows, columns = np.nonzero(enough & apart)
        if len(rows):
            left, right = (
                side.reset_index(drop=True) for side in (names.iloc[rows], names_2.iloc[columns])
            )
            named = pd.concat([left, right], axis=1).set_axis(NAMES, axis=1)
            yield named, members[:, rows], members_2[:, columns]


def _measure(
    names: pd.DataFrame, one: np.ndarray, other: np.ndarray, ltv: np.ndarray, won: pd.Series
) -> pd.DataFrame:
    """The pairs of two traits -> their differences, whether these hold, and what both alone say."""
    both = one * other
    found = pd.concat([names, differences.measure(both, ltv), check_later(both, ltv, won)], axis=1)
    alone = (one.T @ ltv / one.sum(axis=0), other.T @ ltv / other.sum(axis=0))
    cut = np.minimum(ltv, np.quantile(ltv, differences.CUT))
    return found.assign(ltv_expected=sum(alone) - ltv.mean(), _p=_test_more(one, other, cut))


def _test_more(one: np.ndarray, other: np.ndarray, values: np.ndarray) -> np.ndarray:
    """p of whether one value makes another difference with the other one than without it."""
    values = values - values.mean()
    sums = np.column_stack([np.ones(len(values)), values, values**2])
    both, left, right = ((x.T @ sums).T for x in (one * other, one, other))
    whole = sums.sum(axis=0)[:, None]
    cells = ((1, both), (-1, left - both), (-1, right - both), (1, whole - left - right + both))
    contrast, variance = np.zeros(one.shape[1]), np.zeros(one.shape[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        for sign, (n, total, square) in cells:
            mean = total / n
            contrast += np.where(n >= differences.FEWEST, sign * mean, np.nan)
            variance += np.maximum(square / n - mean**2, 0) / (n - 1)
        return 2 * stats.norm.sf(np.abs(contrast) / np.sqrt(variance))
