"""Transitions: items with a label at two dates, counted by label before and after."""

from __future__ import annotations

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit.engines import frames
from ltvkit.engines.frames import Frame

__all__ = ["count", "moves"]

__dir__ = __all__.copy


def count(
    before: Frame,
    after: Frame,
    *,
    item: str,
    label: str,
    labels: list[str],
    absent: tuple[str, str],
) -> pd.DataFrame:
    """Two labelled frames -> a table of counts: a row per label before, a column per label after.

    `absent` names the extra row (items not there before) and the extra column (items no longer
    there). Empty extra rows and columns are left out. Every item is counted once.
    """
    left, right = (
        frames.lazy(frame, needs=(item, label)).select(item=nw.col(item), **{when: nw.col(label)})
        for when, frame in (("before", before), ("after", after))
    )
    joined = left.join(right, on="item", how="full")
    moves = frames.table(joined.group_by("before", "after").agg(n=nw.len()))
    new, gone = absent
    named = moves.fillna({"before": new, "after": gone})
    matrix = (
        named.pivot_table(index="before", columns="after", values="n", aggfunc="sum")
        .reindex(index=[*labels, new], columns=[*labels, gone])
        .fillna(0)
        .astype("int64")
    )
    matrix = matrix.drop(index=new) if not matrix.loc[new].any() else matrix
    matrix = matrix.drop(columns=gone) if not matrix[gone].any() else matrix
    return matrix.rename_axis(index="before", columns=None).reset_index()


def moves(matrix: pd.DataFrame) -> pd.DataFrame:
    """A table of counts -> those who moved, largest first: before, after, customers, share.

    `share` is of all that were in `before`.
    """
    counts = matrix.set_index("before").rename_axis(columns="after")
    share = counts.div(counts.sum(axis=1), axis=0)
    long = pd.DataFrame({"customers": counts.stack(), "share": share.stack()}).reset_index()
    moved = long[(long["before"] != long["after"]) & (long["customers"] > 0)]
    return moved.sort_values("customers", ascending=False, kind="stable", ignore_index=True)
