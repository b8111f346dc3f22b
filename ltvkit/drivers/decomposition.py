"""What each leaf of a formula has to do with a change: exact, and fair in every order.

The change of a product is not the sum of what each factor alone would have changed, and if factors
are changed one after the other, what each brings depends on the order. The Shapley value is the
mean over all orders, and the only way of sharing that fulfils: the shares add up to the change; a
leaf that does not move gets nothing; leaves that play the same part get the same; and of two
figures added up each leaf gets the sum (L. S. Shapley, "A value for n-person games", 1953; for
such formulas J. Albrecht, D. Francois and K. Schors, "A Shapley decomposition of carbon emissions
without residuals", Energy Policy 30, 2002). Brackets do not matter: (a b) c is a (b c).
"""

from __future__ import annotations

from math import factorial
from typing import Any

import numpy as np

from ltvkit.drivers.formula import Formula, Values
from ltvkit.errors import ParamsError

MOST = 16  # leaves that move: each of 2^16 ways in which some have moved is computed
CELLS = 2_000_000  # numbers held at a time


def attribute(formula: Formula, before: Values, after: Values) -> dict[str, np.ndarray]:
    """A formula, and its leaves before and after -> the part of the change by leaf.

    Values are numbers, or arrays of one shape: then each element is a change of its own. A leaf
    that is not known (NaN) on one side, as the orders per customer where nobody bought, counts as
    unmoved, so that others account for the change; not known on both, as 0. Raises `ParamsError`
    where more than 16 leaves move.

    >>> sales = Formula("customers * orders * price")
    >>> before = {"customers": 100, "orders": 2, "price": 50}
    >>> after = {"customers": 100, "orders": 1, "price": 100}
    >>> {leaf: float(part) for leaf, part in attribute(sales, before, after).items()}
    {'customers': 0.0, 'orders': -7500.0, 'price': 7500.0}
    """
    names = formula.leaves
    shape = np.broadcast_shapes(*(np.shape(side[n]) for side in (before, after) for n in names))
    old, new = ({n: _fill(side[n], shape) for n in names} for side in (before, after))
    for n in names:
        old[n], new[n] = _complete(old[n], new[n])
    moved = [n for n in names if (old[n] != new[n]).any()]
    if len(moved) > MOST:
        raise ParamsError(f"{len(moved)} leaves move; share out a change among {MOST} at most.")
    parts = {n: np.zeros(old[n].size) for n in names}
    step = max(1, CELLS >> len(moved))
    for first in range(0, parts[names[0]].size if moved else 0, step):
        part = slice(first, first + step)
        sides = ({n: side[n][part] for n in names} for side in (old, new))
        for n, share in zip(moved, _share(formula, *sides, moved=moved), strict=True):
            parts[n][part] = share
    return {n: part.reshape(shape) for n, part in parts.items()}


def _share(formula: Formula, old: Values, new: Values, *, moved: list[str]) -> list[np.ndarray]:
    """The Shapley value of each leaf that moved: one row of values for each set of moved leaves."""
    n = len(moved)
    sets = np.arange(1 << n)
    has = (sets[:, None] >> np.arange(n)) & 1 == 1
    values: dict[str, Any] = dict(old)
    values |= {m: np.where(has[:, [i]], new[m], old[m]) for i, m in enumerate(moved)}
    worth = np.broadcast_to(formula.evaluate(values), (len(sets), len(old[moved[0]])))
    weights = np.array([factorial(k) * factorial(n - 1 - k) / factorial(n) for k in range(n)])
    sizes = has.sum(axis=1)
    shares = []
    for i in range(n):
        without = sets[~has[:, i]]
        shares.append(weights[sizes[without]] @ (worth[without | 1 << i] - worth[without]))
    return shares


def _fill(value: Any, shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(np.asarray(value, dtype=float), shape).ravel()


def _complete(old: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both sides known: what one does not know is as on the other."""
    known = [np.isfinite(side) for side in (old, new)]
    both = (np.where(known[0], old, new), np.where(known[1], new, old))
    return tuple(np.where(known[0] | known[1], side, 0.0) for side in both)  # type: ignore[return-value]
