"""Whether two tables say the same, of whatever kind and in whatever order they come."""

from __future__ import annotations

import numpy as np
import pandas as pd

KEYS = ("customer_id", "measure", "score", "segment", "decile", "class", "cohort", "age", "start")


def plain(table: object) -> pd.DataFrame:
    """A table of any engine as pandas."""
    table = table.toArrow() if hasattr(table, "toArrow") else table  # Spark
    for way in ("df", "to_pandas"):
        if hasattr(table, way):
            return getattr(table, way)()
    return table


def difference(table: pd.DataFrame, other: pd.DataFrame) -> str:
    """What tells two tables of the same facts apart; empty where they are equal.

    Rows that are all zero say nothing, and neither do columns that only one has, as they follow
    from the others.
    """
    columns = [c for c in other if c in table]
    if (set(other) - set(table)) or len(columns) < 2:
        return f"columns {list(other)} and {list(table)}"
    keys = [c for c in columns if c in KEYS]
    one, two = (_settled(t[columns], keys) for t in (table, other))
    if len(one) != len(two):
        return f"{len(one)} rows and {len(two)}"
    for column in columns:
        if not _alike(one[column], two[column]):
            return f"{column}: {list(one[column])[:5]} and {list(two[column])[:5]}"
    return ""


def _settled(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    figures = table.drop(columns=keys).select_dtypes("number")
    said = table[(figures != 0).any(axis=1)]
    return said.astype({k: str for k in keys if k not in ("score", "age")}).sort_values(
        keys, ignore_index=True
    )


def _alike(one: pd.Series, two: pd.Series) -> bool:
    if pd.api.types.is_numeric_dtype(one):
        # Counts are below 1e9 here, where this tells any two whole numbers apart.
        values = one.astype(float), two.astype(float)
        return bool(np.allclose(*values, rtol=1e-9, atol=1e-6, equal_nan=True))
    return list(one.astype(str)) == list(two.astype(str))
