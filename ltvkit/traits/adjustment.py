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
    found = []
    for trait in traits:
        others = [n for n in dummies if n != trait and not _tell(dummies[trait], dummies[n])]
        parts = [dummies[n].to_numpy()[:, 1:] for n in others]
        known = np.column_stack([np.ones(len(ltv)), *parts])
        found.append(_adjust_trait(dummies[trait], known, ltv).assign(trait=trait))
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


def _adjust_trait(groups: pd.DataFrame, known: np.ndarray, ltv: np.ndarray) -> pd.DataFrame:
    """By the theorem of Frisch, Waugh and Lovell: each group's membership less what the other
    traits tell of it, and the same of LTV; their slope is the coefficient of both in one model."""
    x = groups.to_numpy()
    values = np.column_stack([x, ltv - ltv.mean()])
    fitted = known @ np.linalg.lstsq(known.T @ known, known.T @ values, rcond=None)[0]
    own, paid = x - fitted[:, :-1], values[:, -1] - fitted[:, -1]
    squares, n = (own**2).sum(axis=0), len(ltv)
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = own.T @ paid / squares
        left = squares / (x.var(axis=0) * n)
        residuals = paid[:, None] - own * slope
        scale = n / max(n - known.shape[1] - 1, 1)
        error = np.sqrt(scale * (own**2 * residuals**2).sum(axis=0)) / squares
    members = x.sum(axis=0)
    enough = (left >= LEFT) & (np.minimum(members, n - members) >= FEWEST)
    found = np.column_stack([slope, slope - WIDTH * error, slope + WIDTH * error])
    found[~enough] = np.nan
    return pd.DataFrame(found, columns=COLUMNS).assign(group=groups.columns.astype(str))
