"""Traits adjusted for one another: least squares on all of them and the month of the first order.

Customers won by one channel may have bought other products, in another season. The adjusted
difference compares customers who are alike in their other traits. It is no effect either: they may
differ in what no order tells.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ltvkit.traits.differences import FEWEST, WIDTH

SAME = 0.95  # of customers: where one trait tells another, as a product its category
LEFT = 0.1  # of a group's variance that other traits must leave, or they tell who is in it
COLUMNS = ["ltv_adjusted", "ltv_adjusted_low", "ltv_adjusted_high"]


def adjust(table: pd.DataFrame, traits: Sequence[str], *, month: str = "born") -> pd.DataFrame:
    """Followed customers -> trait, group, and the difference adjusted for all else, with its range.

    A row per value of each trait: `ltv_adjusted` (LTV against the rest, as a weighted mean over
    customers alike in all other traits and in the month of the first order),
    `ltv_adjusted_low`, `ltv_adjusted_high` (90%; errors robust to unequal variance, HC1: H. White
    1980). Traits that tell each other, as a product its category or a month its quarter, are not
    adjusted for one another. NaN where the other traits nearly tell who has the value.
    """
    ltv = table["ltv"].to_numpy(dtype=float)
    dummies = {name: code(table[name]) for name in (*traits, month)}
    x = np.column_stack([np.ones(len(ltv)), *(d.to_numpy() for d in dummies.values())])
    ends = np.cumsum([1, *(d.shape[1] for d in dummies.values())])
    place = {name: np.arange(*ends[n : n + 2]) for n, name in enumerate(dummies)}
    x = np.column_stack([x, ltv - ltv.mean()])
    gram, found = x.T @ x, []
    for trait in traits:
        others = [n for n in dummies if n != trait and not _tell(dummies[trait], dummies[n])]
        known = np.concatenate([[0], *(place[n][1:] for n in others)])
        rows = _adjust_trait(x, gram, known=known, groups=place[trait])
        found.append(rows.assign(group=dummies[trait].columns.astype(str), trait=trait))
    ordered = ["trait", "group", *COLUMNS]
    return pd.concat(found, ignore_index=True)[ordered] if found else pd.DataFrame(columns=ordered)


def code(values: pd.Series) -> pd.DataFrame:
    """A trait of customers -> a column of 0 and 1 for each of its values, by name."""
    return pd.get_dummies(values, dtype=float).sort_index(axis=1)


def _tell(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether the value of one of both traits tells that of the other, for nearly all customers."""
    counts = one.to_numpy().T @ other.to_numpy()
    return min(counts.shape) > 1 and any(_tells(side) for side in (counts, counts.T))


def _tells(counts: np.ndarray) -> bool:
    """By rows: leaving out the one row that is most mixed, as that of all other products."""
    largest, whole = counts.max(axis=1), counts.sum(axis=1)
    mixed = np.argmax(whole - largest) if len(counts) > 2 else -1
    kept = np.arange(len(counts)) != mixed
    base = counts[kept].sum(axis=0).max() / max(whole[kept].sum(), 1)
    share = largest[kept].sum() / max(whole[kept].sum(), 1)
    return bool(share >= SAME and base < SAME)


def _adjust_trait(
    x: np.ndarray, gram: np.ndarray, *, known: np.ndarray, groups: np.ndarray
) -> pd.DataFrame:
    """Columns of 1, of all traits and of LTV, last, and their products; which are known -> the
    slopes of the groups.

    By the theorem of Frisch, Waugh and Lovell: of each group's membership less what the known
    columns tell of it, and the same of LTV, the slope is the coefficient of both in one model.
    """
    asked = np.append(groups, x.shape[1] - 1)
    told = np.linalg.lstsq(gram[np.ix_(known, known)], gram[np.ix_(known, asked)], rcond=None)[0]
    left_over = x[:, asked] - x[:, known] @ told
    own, paid, n = left_over[:, :-1], left_over[:, -1], len(x)
    members, squares = gram[0, groups], (own**2).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = own.T @ paid / squares
        left = squares / (members * (1 - members / n))
        residuals = paid[:, None] - own * slope
        scale = n / max(n - len(known) - 1, 1)
        error = np.sqrt(scale * (own**2 * residuals**2).sum(axis=0)) / squares
    enough = (left >= LEFT) & (np.minimum(members, n - members) >= FEWEST)
    found = np.column_stack([slope, slope - WIDTH * error, slope + WIDTH * error])
    found[~enough] = np.nan
    return pd.DataFrame(found, columns=COLUMNS)
