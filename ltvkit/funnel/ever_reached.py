"""LTV by stage ever reached: the comparison that most reports show, and that misleads."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.funnel.landmark import COMPARED, FEWEST, find_customers
from ltvkit.funnel.reaching import Stages
from ltvkit.ingest import daily


def compare_ever(lines: Frame, stages: Stages, *, of: str = "revenue") -> pd.DataFrame:
    """The same stages -> what most reports show: the LTV so far of customers who have ever reached
    a stage, and of the rest. stage, customers, other_customers, `ltv_so_far`, `ltv_of_rest`,
    `ltv_difference`, `low`, `high` (95%, unequal variances). It rewards a stage for having stayed
    long enough to reach it: to be shown beside `value_stages`, never alone."""
    seen = daily.select_days(lines, as_of=stages.as_of)
    paid = (
        frames.lazy(seen.to_native(), needs=(of,)).group_by("customer_id").agg(_m=nw.col(of).sum())
    )
    buyers = find_customers(stages).select("customer_id").join(paid, on="customer_id", how="left")
    buyers = buyers.with_columns(_m=nw.col("_m").fill_null(0.0))
    rows = []
    for name in (n for n in COMPARED if n not in stages.missing):
        reached = frames.lazy(stages.rows).filter(nw.col("stage") == name).select("customer_id")
        flagged = buyers.join(
            reached.unique().with_columns(_has=nw.lit(1)), on="customer_id", how="left"
        )
        flagged = flagged.with_columns(_has=nw.col("_has").fill_null(0), _s=nw.col("_m") ** 2)
        sums = flagged.group_by("_has").agg(nw.col("_m", "_s").sum(), n=nw.len())
        rows.append({"stage": name} | _compare_means(frames.table(sums).set_index("_has")))
    return pd.DataFrame(rows)


def _compare_means(sums: pd.DataFrame) -> dict[str, Any]:
    sums = sums.reindex([1, 0]).fillna(0.0)
    n = sums["n"].to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = sums["_m"].to_numpy() / n
        variance = (sums["_s"].to_numpy() - n * mean**2) / (n - 1)
        error = float(np.sqrt((variance / n).sum())) if (n >= FEWEST).all() else np.nan
    gap = mean[0] - mean[1]
    found = {"customers": int(n[0]), "other_customers": int(n[1]), "ltv_so_far": mean[0]}
    found |= {"ltv_of_rest": mean[1], "ltv_difference": gap}
    return found | {"low": gap - 1.96 * error, "high": gap + 1.96 * error}
