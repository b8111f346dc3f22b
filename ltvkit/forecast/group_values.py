"""What groups of customers are worth: LTV so far, and what is expected, with a range."""

from __future__ import annotations

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit.core.i18n import _
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import check_grouping
from ltvkit.forecast import predictions, uncertainty
from ltvkit.forecast.estimation import Fitted, histories
from ltvkit.forecast.models.fitting import NORMAL_95
from ltvkit.periods import MONTH_DAYS

FEWEST = 30  # customers: the sum of fewer is too far from normal for a range
SIZE, DRAWS = 200, 150  # customers of a group whose futures are simulated, and futures of each
COLUMNS = ["group", "customers", "ltv_so_far"]


def value_groups(
    customers: Frame,
    fitted: Fitted,
    drawn: pd.DataFrame | None = None,
    *,
    by: str,
    months: int = 12,
    discount: float = 0.0,
    margin_rate: float = 1.0,
    seed: int = 1,
) -> pd.DataFrame:
    """Customers with a label in column `by`, and their model -> what each group is worth.

    A row per label, most expected first (equal: by name): `group`, `customers`, `ltv_so_far`
    (revenue so far, times `margin_rate`), `ltv_<months>m` (expected, as by `predict`), both means
    per customer, `low`
    and `high`: the 95% range of the mean that such customers will bring, by chance and by the
    parameters in `drawn` (None: by chance alone); NaN for fewer than 30 customers. Where a season
    or a change of the shop comes on top, the range is too narrow (see `revenue`). A missing label
    is "(none)". Raises `ColumnError`.
    """
    ltv = f"ltv_{months}m"
    check_grouping("by", by, [*COLUMNS, ltv, "low", "high"])
    opened = frames.lazy(customers, needs=("customer_id", by))
    label = nw.col(by).cast(nw.String).fill_null(_("(none)"))
    named = frames.materialize(opened.with_columns(group=label), like=customers)
    rule = {"months": (months,), "discount": discount, "margin_rate": margin_rate}
    predicted = frames.lazy(predictions.predict(named, fitted, **rule))
    table = frames.add_up(predicted, "group", sums=["revenue", ltv], customers=nw.len())
    people = table["customers"].astype("int64")
    table = table.assign(
        customers=people,
        ltv_so_far=table["revenue"] * margin_rate / people,
        **{ltv: table[ltv] / people},
    )
    spread = _measure_spread(named, table, fitted, drawn, days=months * MONTH_DAYS, seed=seed)
    reach = NORMAL_95 * spread * table[ltv].abs()
    low = table[ltv] - reach
    low = low.mask((table[ltv] >= 0) & (low < 0), 0.0)  # of a gain no loss
    table = table.assign(low=low, high=table[ltv] + reach)
    ordered = table.sort_values([ltv, "group"], ascending=[False, True])
    return ordered[[*COLUMNS, ltv, "low", "high"]].reset_index(drop=True)


def _measure_spread(
    named: Frame,
    table: pd.DataFrame,
    fitted: Fitted,
    drawn: pd.DataFrame | None,
    *,
    days: float,
    seed: int,
) -> np.ndarray:
    """The standard deviation of each group's mean, as a share of what is expected."""
    rng, span = np.random.default_rng(seed), np.array([days])
    parts, scales = [], []
    by_group = dict(list(histories(named, by=("group",)).groupby("group", sort=False)))
    for name in table["group"]:
        triples = by_group[name].drop(columns="group")
        rows, scale = uncertainty.draw_customers(triples, rng, size=SIZE)
        parts.append(rows)
        scales.append(scale * len(rows) / triples["customers"].sum())
    pooled = pd.concat(parts, ignore_index=True)
    starts = np.cumsum([0, *map(len, parts)])[:-1]
    expected = uncertainty.expected_revenue(pooled, fitted, span)[:, 0]
    sums = np.add.reduceat(expected, starts)
    futures = uncertainty.simulate_futures(pooled, fitted, span, rng=rng, draws=DRAWS)[:, :, 0]
    # Of a sum of n sampled customers to one of all N: the spread grows by sqrt(N / n), the sum by
    # N / n.
    chance = np.add.reduceat(futures, starts, axis=1).std(axis=0, ddof=1) * np.array(scales)
    factor = np.zeros((2, len(sums)))
    if drawn is not None:
        each = np.array(uncertainty.revenue_by_draw(pooled, fitted, span, drawn))[:, :, 0]
        factor = np.add.reduceat(each, starts, axis=1) / np.maximum(sums, 1e-300)
    own = np.sqrt((chance / np.maximum(sums, 1e-300)) ** 2 + factor.var(axis=0, ddof=1))
    return np.where(table["customers"] >= FEWEST, own, np.nan)
