"""Fold customer ids that are written in several ways, and list them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit.engines import frames, sql
from ltvkit.engines.connection import connect
from ltvkit.engines.frames import Frame
from ltvkit.ingest.parse import values

FOLDS = ("none", "width", "case", "both", "number", "all")
# What a number loses where a program takes it for one: 17.0 and 00017 become 17.
_AS_NUMBER = (("^([0-9]+)[.]0+$", "\\1"), ("^0+([0-9]+)$", "\\1"))


def fold_id(sql: str, fold: str) -> str:
    """An id as SQL, with "width" (１ and 1, ｱ and ア), "case" (A and a), "both" of them, "number"
    (17, 17.0 and 00017), "all" or "none" folded.

    >>> import duckdb
    >>> duckdb.execute("select " + fold_id("'Ａ00１'", "both")).fetchall()
    [('a001',)]
    """
    sql = values.narrow(sql) if fold in ("width", "both", "all") else sql
    if fold in ("number", "all"):
        for written, folded in _AS_NUMBER:
            sql = f"regexp_replace({sql}, '{written}', '{folded}')"
    return f"lower({sql})" if fold in ("case", "both", "all") else sql


def fold_ids(names: Sequence[str], fold: str) -> list[str]:
    """Ids of the params, folded as those that are read."""
    if not names:
        return []
    rows = [f"select {fold_id(sql.literal(name), fold)}" for name in names]
    return [name for (name,) in connect().execute(" union all ".join(rows)).fetchall()]


def select_folds(sql: str) -> str:
    """An id as SQL -> a projection with it in each way of folding, as the columns `FOLDS`."""
    return ", ".join(f'{fold_id(sql, fold)} as "{fold}"' for fold in FOLDS)


def propose_fold(folded: Frame) -> tuple[str, int]:
    """Ids, once each, by `select_folds` -> the smallest fold that joins all ids that differ in
    width or case, and how many customers have several ids; ("none", 0) if none differ.

    >>> import duckdb
    >>> written = duckdb.sql("select unnest(['a1', 'ａ1', 'b']) as id")
    >>> propose_fold(written.project(select_folds("id")))
    ('width', 1)
    """
    folds = frames.lazy(folded)
    left = frames.table(folds.select(nw.col(*FOLDS).n_unique())).fillna(0).iloc[0]
    fold = left.idxmin()
    if fold == "none":
        return fold, 0
    ways = folds.group_by(fold).agg(ids=nw.len()).filter(nw.col("ids") > 1)
    return fold, frames.count(ways)


def list_collisions(lines: Any, *, most: int) -> pd.DataFrame:
    """Lines with `customer_id` and `_written_customer` -> one row per id of several spellings.

    `spellings` counts them, `written` joins them by " | ", `lines` counts the lines; most lines
    first, at most `most` ids.

    >>> frame = pd.DataFrame({"customer_id": ["a1", "a1", "b"]})
    >>> list_collisions(frame.assign(_written_customer=["A1", "a1", "b"]), most=9)
      customer_id  spellings  written  lines
    0          a1          2  A1 | a1      2
    """
    spelled = _count_spellings(lines)
    first = (
        _filter_collisions(spelled)
        .sort("all_lines", "customer_id", descending=[True, False])
        .head(most)
    )
    found = frames.table(spelled.join(first, on="customer_id"))
    return (
        found.sort_values(["all_lines", "customer_id", "_written_customer"], ascending=[0, 1, 1])
        .groupby("customer_id", sort=False)
        .agg(
            spellings=("spellings", "first"),
            written=("_written_customer", " | ".join),
            lines=("all_lines", "first"),
        )
        .reset_index()
    )


def count_collision_lines(lines: Any) -> int:
    """Lines with `customer_id` and `_written_customer` -> those of ids of several spellings.

    >>> frame = pd.DataFrame({"customer_id": ["a1", "a1", "b"]})
    >>> count_collision_lines(frame.assign(_written_customer=["A1", "a1", "b"]))
    2
    """
    several = _filter_collisions(_count_spellings(lines)).select(nw.col("all_lines").sum())
    return int(frames.table(several)["all_lines"].fillna(0).iloc[0])


def _count_spellings(lines: Any) -> nw.LazyFrame:
    """Each spelling of each customer, with its lines."""
    return (
        frames.lazy(lines, needs=("customer_id", "_written_customer"))
        .filter(~nw.col("customer_id").is_null())
        .group_by("customer_id", "_written_customer")
        .agg(lines=nw.len())
    )


def _filter_collisions(spelled: nw.LazyFrame) -> nw.LazyFrame:
    """Customers of several spellings: how many, and all their lines."""
    return (
        spelled.group_by("customer_id")
        .agg(spellings=nw.len(), all_lines=nw.col("lines").sum())
        .filter(nw.col("spellings") > 1)
    )
