"""What groups of customers are worth: LTV so far, and what is expected, with a range."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit.core.i18n import _
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import check_grouping
from ltvkit.forecast import predictions, uncertainty
from ltvkit.forecast.estimation import NEEDS, Fitted, histories
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
    by: str | Sequence[str],
    months: int = 12,
    discount: float = 0.0,
    margin_rate: float = 1.0,
    seed: int = 1,
) -> pd.DataFrame:
    """Customers with a label in column `by`, and their model -> what each group is worth.

    A row per label, most expected first (equal: by name): `group`, `customers`, `ltv_so_far`
    (revenue so far, times `margin_rate`), `ltv_<months>m` (expected, as by `predict`), both means
    per customer, `low` and `high`: the 95% range of the mean that such customers will bring, by
    chance and by the parameters in `drawn` (None: by chance alone); NaN for fewer than 30
    customers. Where a season or a change of the shop comes on top, the range is too narrow (see
    `revenue`). A missing label is "(none)". With several columns, each has its rows, after a column
    `grouping` with its name. Raises `ColumnError`.
    """
    columns, ltv = [by] if isinstance(by, str) else [*by], f"ltv_{months}m"
    for column in columns:
        check_grouping("by", column, ["grouping", *COLUMNS, ltv, "low", "high"])
    opened = frames.lazy(customers, needs=("customer_id", *columns))
    labels = {f"_by{n}": nw.col(name).cast(nw.String) for n, name in enumerate(columns)}
    labels = {name: label.fill_null(_("(none)")) for name, label in labels.items()}
    named = opened.select("customer_id", *NEEDS, **labels)
    rule = {"months": (months,), "discount": discount, "margin_rate": margin_rate}
    tables = []
    with frames.materialized(named, like=customers) as people:
        native = nw.to_native(people)
        predicted = predictions.predict(native, fitted, **rule)
        for name, column in zip(labels, columns, strict=True):
            table = _add_up(frames.lazy(predicted), name, ltv, margin_rate=margin_rate)
            span = {"days": months * MONTH_DAYS, "seed": seed}
            spread = _measure_spread(native, name, table, fitted, drawn, **span)
            reach = NORMAL_95 * spread * table[ltv].abs()
            low = table[ltv] - reach
            low = low.mask((table[ltv] >= 0) & (low < 0), 0.0)  # of a gain no loss
            table = table.assign(grouping=column, low=low, high=table[ltv] + reach)
            tables.append(table.sort_values([ltv, "group"], ascending=[False, True]))
    found = pd.concat(tables, ignore_index=True)
    first = [] if isinstance(by, str) else ["grouping"]
    return found[[*first, *COLUMNS, ltv, "low", "high"]]


def _add_up(predicted: nw.LazyFrame, name: str, ltv: str, *, margin_rate: float) -> pd.DataFrame:
    table = frames.add_up(predicted, name, sums=["revenue", ltv], customers=nw.len())
    people = table["customers"].astype("int64")
    means = {"ltv_so_far": table["revenue"] * margin_rate / people, ltv: table[ltv] / people}
    return table.rename(columns={name: "group"}).assign(customers=people, **means)


def _measure_spread(
    named: Frame,
    name: str,
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
    by_group = dict(list(histories(named, by=(name,)).groupby(name, sort=False)))
    for group in table["group"]:
        triples = by_group[group].drop(columns=name)
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
