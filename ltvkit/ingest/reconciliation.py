"""Reconciliation: every line read is kept or quarantined, in lines and in money."""

from collections.abc import Iterable

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit.core.i18n import _
from ltvkit.engines import frames
from ltvkit.ingest import validation
from ltvkit.ingest.schema import ESTIMATE

MOST_PLACEHOLDERS = 0.5  # of the lines, or of the money
MOST_TIMES = 1000  # the average line: beyond that a text is no amount


def count_lines(
    validated: nw.LazyFrame, *, returns: str, bounds: Iterable[str] = ("order_date",)
) -> pd.DataFrame:
    """Validated lines -> a row per status and reason: lines, amount, `known` (lines with an
    amount), `below` (whether the reason is that of kept returns); of the columns in `bounds` the
    least value and the greatest, as first_... and last_...
    """
    labels = {"net": _("returns, netted from revenue"), "separate": _("returns, kept beside")}
    kept, label = nw.col("reason").is_null(), labels.get(returns, "")
    spans = {f"first_{name}": nw.col(name).min() for name in bounds}
    spans |= {f"last_{name}": nw.col(name).max() for name in bounds}
    counted = frames.table(
        validated.with_columns(
            status=_choose(kept, "kept", "quarantined"),
            reason=nw.coalesce("reason", _choose(nw.col("amount") < 0, label, _("sales"))),
        )
        .group_by("status", "reason")
        .agg(lines=nw.len(), amount=nw.col("amount").sum(), known=nw.col("amount").count(), **spans)
        .sort("status", "lines", "reason", descending=[True, True, False])
    )
    below = (counted["status"] == "kept") & (counted["reason"] == label)
    return counted.assign(below=below)


def reconcile(counted: pd.DataFrame) -> pd.DataFrame:
    """Counted lines -> the reconciliation: status, reason, lines, amount, share (of lines read).

    read = kept + quarantined, in lines and in money. `amount` is NaN where no amount of the lines
    can be read, and for rows that are no order line (a total row repeats other lines).
    """
    priced = (counted["known"] > 0) & ~counted["reason"].isin(validation.NO_ORDER_LINE)
    counted = counted.assign(amount=counted["amount"].where(priced))
    read = pd.DataFrame({"status": ["read"], "reason": [_("all lines")]}).assign(
        lines=counted["lines"].sum(), amount=counted["amount"].sum()
    )
    parts = [read, counted[["status", "reason", "lines", "amount"]]]
    return with_share(pd.concat([p for p in parts if len(p)], ignore_index=True))


def list_broken(table: pd.DataFrame) -> list[str]:
    """A reconciliation -> the reasons in it that mean a broken line.

    Days that mean none are such where they are most of the lines, or on most of the money: then
    another column may hold the day.
    """
    found = set(table["reason"]) & set(validation.BROKEN)
    dated = table["reason"] == validation.PLACEHOLDER
    kept = (table["status"] == "kept") & (table["amount"] > 0)
    for measure, rest in (("lines", table["status"] == "read"), ("amount", kept | dated)):
        if table.loc[dated, measure].sum() > MOST_PLACEHOLDERS * table.loc[rest, measure].sum():
            found.add(validation.PLACEHOLDER)
    return sorted(found)


def estimate_unusable(validated: nw.LazyFrame, reasons: Iterable[str]) -> float:
    """Validated lines -> about which share of the money is on lines with these `reasons`.

    A line whose text says no number counts as much as the average line that is kept, and none more
    than `MOST_TIMES` as much.
    """
    known = frames.table(
        validated.filter(nw.col("reason").is_null())
        .with_columns(_money=nw.col("amount").abs())
        .select(lines=nw.len(), money=nw.col("_money").sum())
    ).iloc[0]
    usual = known["money"] / max(known["lines"], 1)
    estimate = nw.col(ESTIMATE).fill_null(usual)
    capped = nw.when(estimate > MOST_TIMES * usual).then(MOST_TIMES * usual).otherwise(estimate)
    broken = validated.filter(nw.col("reason").is_in(list(reasons)))
    lost = frames.table(broken.with_columns(_lost=capped).select(nw.col("_lost").sum()))
    lost = float(lost["_lost"].fillna(0).iloc[0])
    return lost / (lost + float(known["money"])) if lost else 0.0


def _choose(holds: nw.Expr, then: str, otherwise: str) -> nw.Expr:
    return nw.when(holds).then(nw.lit(then)).otherwise(nw.lit(otherwise))


def with_share(table: pd.DataFrame) -> pd.DataFrame:
    """A reconciliation -> the same with `share`, of the lines read."""
    whole = table.loc[table["status"] == "read", "lines"].sum()
    return table[["status", "reason", "lines", "amount"]].assign(
        share=table["lines"] / max(whole, 1)
    )
