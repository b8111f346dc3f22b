"""Customer ids that are written in more than one way: folded together, and shown."""

from __future__ import annotations

from typing import Any

import duckdb
import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import engine, values


def folded(sql: str, fold: str) -> str:
    """An id as SQL, with "width" (１ and 1, ｱ and ア), "case" (A and a), "both" or "none" folded.

    >>> import duckdb
    >>> duckdb.execute("select " + folded("'Ａ00１'", "both")).fetchall()
    [('a001',)]
    """
    sql = values.narrow(sql) if fold in ("width", "both") else sql
    return f"lower({sql})" if fold in ("case", "both") else sql


def alike(lines: Any) -> int:
    """Lines -> how many customers have several ids that differ only in width or case.

    >>> alike(pd.DataFrame({"customer_id": ["A1", "a1", "００１７", "0017", "B2", "B2"]}))
    2
    """
    known = engine.lazy(lines, needs=("customer_id",)).group_by("customer_id").agg(lines=nw.len())
    if known.implementation.is_duckdb():
        spelled = known.to_native()
    else:
        spelled = duckdb.connect().from_df(engine.table(known))
    return (
        spelled.project(f"{folded('customer_id', 'both')} as folded")
        .aggregate("folded, count(*) as spellings", "folded")
        .filter("folded is not null and spellings > 1")
        .aggregate("count(*)")
        .fetchall()[0][0]
    )


def collisions(lines: Any) -> pd.DataFrame:
    """Lines with `customer_id` and `_written_customer` -> one row per id of several spellings.

    `spellings` counts them, `written` joins them by " | ", `lines` counts the lines; most lines
    first.

    >>> frame = pd.DataFrame({"customer_id": ["a1", "a1", "b"]})
    >>> collisions(frame.assign(_written_customer=["A1", "a1", "b"]))
      customer_id  spellings  written  lines
    0          a1          2  A1 | a1      2
    """
    spelled = (
        engine.lazy(lines, needs=("customer_id", "_written_customer"))
        .filter(~nw.col("customer_id").is_null())
        .group_by("customer_id", "_written_customer")
        .agg(lines=nw.len())
    )
    several = (
        spelled.group_by("customer_id")
        .agg(spellings=nw.len(), all_lines=nw.col("lines").sum())
        .filter(nw.col("spellings") > 1)
    )
    found = engine.table(spelled.join(several, on="customer_id"))
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
