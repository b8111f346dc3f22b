"""The change of revenue by segment: more customers, other customers, or more from each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods, rfm
from ltvkit.core.i18n import N_, _
from ltvkit.display import formats
from ltvkit.drivers.customer_groups import add_group, check_group, is_group
from ltvkit.drivers.decomposition import attribute
from ltvkit.drivers.formula import Formula
from ltvkit.drivers.leaves import MOVED, Span
from ltvkit.drivers.texts import fill
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.ingest.lines import filter_until, is_purchase

OTHERS, NONE = N_("(all others)"), N_("(none)")
MOST = 12  # segments shown by name
EACH = Formula("customers * value")
SUMS = ["customers_before", "customers_after", "revenue_before", "revenue_after"]
OF_MARGIN = {name: name.replace("revenue", "margin") for name in (MOVED, *SUMS[2:])}
OF_MARGIN["from_value"] = "from_margin"


def split(
    lines: Frame,
    *,
    by: str,
    spans: Sequence[Span],
    lapse_days: int = rfm.LAPSE_DAYS,
    of: str = "revenue",
    margin_rate: float = 0.0,
    **rule: Any,
) -> pd.DataFrame:
    """Order lines, and the spans before and after -> the change by value of column `by`.

    Where the lines have no such column, "rfm_segment" is the customer's segment before each
    span, and "first_channel", or first_ and any column, that of their first order (see
    `customer_groups.add_group`, also for the `rule`: recent_days, cuts, edges, export_begins,
    all_days).

    - `segment`; `change_in_revenue`: the sum of `from_customers` (more or fewer of them) and
      `from_value` (more or less revenue from each), each the mean of both orders in which they may
      change. Of a new or a gone segment all is from customers.
    - `revenue_before`, `revenue_after`; `customers_before`, `customers_after`: who bought in the
      segment (a customer may be in several)
    - `status`: "new" or "gone" where nobody bought in the other span, else empty

    The largest change comes first. Of more than 12 values: the 11 with the largest change, then all
    others together. `of` "margin": columns named after margin, of the orders or `margin_rate` times
    their revenue. Raises `ColumnError`, and `ParamsError` for columns that tell single customers or
    orders.
    """
    check_group(f"by={by!r}", by)
    if is_group(by) and by not in frames.lazy(lines).collect_schema().names():
        lines = add_group(lines, by=by, spans=spans, lapse_days=lapse_days, **rule)
    money = "margin" if of == "margin" and not margin_rate else "amount"
    table = _count(lines, by=by, spans=spans, money=money)
    if margin_rate and of == "margin":
        table[SUMS[2:]] *= margin_rate
    table = _gather(table)
    table[MOVED] = table["revenue_after"] - table["revenue_before"]
    sides = []
    for side in ("before", "after"):
        customers = table[f"customers_{side}"].replace(0, np.nan)
        values = {
            "customers": table[f"customers_{side}"],
            "value": table[f"revenue_{side}"] / customers,
        }
        sides.append({name: column.to_numpy() for name, column in values.items()})
    table["from_customers"] = attribute(EACH, *sides)["customers"]
    table["from_value"] = table[MOVED] - table["from_customers"]
    came, left = table["customers_before"] == 0, table["customers_after"] == 0
    table["status"] = np.select([came & ~left, left & ~came], ["new", "gone"], "")
    ordered = ["segment", MOVED, "from_customers", "from_value", *SUMS[2:], *SUMS[:2], "status"]
    found = table[ordered].sort_values(MOVED, key=np.abs, ascending=False, ignore_index=True)
    return found.rename(columns=OF_MARGIN) if of == "margin" else found


def share_out(table: pd.DataFrame) -> dict[str, float]:
    """A table of `split` -> its change as `customers` (more of them, at the mean revenue of each),
    `mix` (relatively more of those who bring more) and `value` (more from each in a segment)."""
    table = table.rename(columns={ours: name for name, ours in OF_MARGIN.items()})
    sides = []
    for side in ("before", "after"):
        customers = float(table[f"customers_{side}"].sum())
        revenue = float(table[f"revenue_{side}"].sum())
        sides.append(
            {"customers": customers, "value": revenue / customers if customers else np.nan}
        )
    number = float(attribute(EACH, *sides)["customers"])
    mix = float(table["from_customers"].sum()) - number
    return {"customers": number, "mix": mix, "value": float(table["from_value"].sum())}


def _count(lines: Frame, *, by: str, spans: Sequence[Span], money: str) -> pd.DataFrame:
    last = max(periods.day(end) for _start, end in spans)
    needs = tuple(dict.fromkeys(("customer_id", "order_date", "amount", money, by)))
    opened = filter_until(frames.lazy(lines, needs=needs), last)
    opened = opened.with_columns(_day=periods.number("order_date"))
    day, columns = nw.col("_day"), {}
    for side, (start, end) in zip(("before", "after"), spans, strict=True):
        within = (day >= periods.number_of(start)) & (day <= periods.number_of(end))
        bought = within & is_purchase("amount")
        amount = nw.col(money).cast(nw.Float64).fill_null(0.0)
        columns[f"customers_{side}"] = frames.one_if(bought)
        columns[f"revenue_{side}"] = nw.when(within).then(amount).otherwise(nw.lit(0.0))
    marked = opened.select("customer_id", segment=nw.col(by).cast(nw.String), **columns)
    people = ["customers_before", "customers_after"]
    each = marked.group_by("segment", "customer_id").agg(
        nw.col(*people).max(), nw.col("revenue_before", "revenue_after").sum()
    )
    table = frames.table(each.group_by("segment").agg(nw.col(*SUMS).sum()))
    table["segment"] = table["segment"].astype(object).where(table["segment"].notna(), _(NONE))
    seen = (table[people] > 0).any(axis=1) | (table[SUMS[2:]] != 0).any(axis=1)
    return table[seen].sort_values("segment", ignore_index=True)


def _gather(table: pd.DataFrame) -> pd.DataFrame:
    """The segments shown by name, and all others as one."""
    if len(table) <= MOST:
        return table
    change = (table["revenue_after"] - table["revenue_before"]).abs()
    ordered = table.loc[change.sort_values(ascending=False, kind="stable").index]
    others = ordered.iloc[MOST - 1 :][SUMS].sum().to_frame().T.assign(segment=_(OTHERS))
    gathered = pd.concat([ordered.iloc[: MOST - 1], others], ignore_index=True)
    return gathered.astype({name: table[name].dtype for name in SUMS})


def describe_mix(table: pd.DataFrame, *, currency: str = "") -> str:
    """The parts of `share_out` in a sentence; empty where there is one segment."""
    if len(table) < 2:
        return ""
    parts = share_out(table)
    return fill("mix", **{n: formats.difference(x, "revenue", currency) for n, x in parts.items()})
