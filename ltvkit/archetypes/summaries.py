"""Types of customers in numbers, how many keep their type, and what the tables say in sentences."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit.archetypes import types
from ltvkit.archetypes.backtesting import BEST, Backtest
from ltvkit.archetypes.factors import PARTS
from ltvkit.archetypes.texts import TEXTS, fill
from ltvkit.core.i18n import _
from ltvkit.display import formats, joining
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.periods import MONTH_DAYS

EXPECTED = "expected_ltv"
FEWEST = 30  # customers; of a smaller type no more is said than how many they are
SUMS = ("orders", "tenure_days", "relationship_months", "ltv_so_far", "ltv_above_mean", *PARTS)
CENT = 0.005  # a difference of money that is none


def summarize(assigned: Frame, *, expected: str = "") -> pd.DataFrame:
    """Customers with their type (`assign`) -> a row per type that has any, in the order of `TYPES`.

    - `archetype`, `customers`, `customers_share`, `active_share` (of its customers)
    - `ltv_so_far` per customer, `ltv_share` (of the LTV so far of all; NaN where that is zero or
      less), `expected_ltv`: the mean of the column `expected` (NaN: not handed in)
    - `order_value`: money by orders; `orders_per_year`: orders by years of relationship;
      `relationship_months` and `tenure_months` (since the first order) per customer
    - `ltv_above_mean`, and its parts `from_length`, `from_frequency`, `from_price`, per customer;
      by the customers, the former adds up to 0
    - `known_share`: of whom the beginning is known (`measure`); others have been customers for
      longer than the orders tell

    Raises `ColumnError`.
    """
    needs = ("archetype", "active", "beginning_known", *SUMS)
    opened = frames.lazy(assigned, needs=(*needs, *([expected] if expected else [])))
    wanted = nw.col(expected).cast(nw.Float64) if expected else nw.lit(0.0)
    marked = opened.select(
        "archetype", *SUMS, wanted=wanted, active=frames.one_if(nw.col("active")),
        known=frames.one_if(nw.col("beginning_known")),
    )  # fmt: skip
    sums = (*SUMS, "wanted", "active", "known")
    table = frames.add_up(marked, "archetype", sums=sums, customers=nw.len()).set_index("archetype")
    table = table.reindex([name for name in types.NAMES if name in table.index]).astype(float)
    n, whole = table["customers"], table["ltv_so_far"].sum()
    found = {
        "customers": n.astype("int64"),
        "customers_share": n / n.sum(),
        "active_share": table["active"] / n,
        "ltv_so_far": table["ltv_so_far"] / n,
        "ltv_share": table["ltv_so_far"] / (whole if whole > 0 else np.nan),
        EXPECTED: table["wanted"] / n if expected else np.nan,
        "order_value": table["ltv_so_far"] / table["orders"],
        "orders_per_year": 12 * table["orders"] / table["relationship_months"],
        "relationship_months": table["relationship_months"] / n,
        "tenure_months": table["tenure_days"] / n / MONTH_DAYS,
        **{name: table[name] / n for name in ("ltv_above_mean", *PARTS)},
        "known_share": table["known"] / n,
    }
    return pd.DataFrame(found).reset_index()


def measure_stability(before: Frame, after: Frame) -> pd.DataFrame:
    """Customers with their type at two dates -> how many kept it: a row per type before, and "all".

    Columns: archetype (before), customers (of both dates), kept_share; and of those to whom nothing
    happened in between (no order, and no money came or went back): unchanged, unchanged_kept_share.
    NaN: there are none. Who became active or quiet keeps the type. Raises `ColumnError`.
    """
    facts = ("archetype", "orders", "ltv_so_far")
    sides = [frames.lazy(side, needs=("customer_id", *facts)) for side in (before, after)]
    names = [{f"_{name}{n}": nw.col(name) for name in facts} for n in range(2)]
    left, right = (s.select("customer_id", **n) for s, n in zip(sides, names, strict=True))
    both = left.join(right, on="customer_id")
    quiet = nw.col("_orders0") == nw.col("_orders1")
    quiet = quiet & ((nw.col("_ltv_so_far0") - nw.col("_ltv_so_far1")).abs() < CENT)
    kept = nw.col("_archetype0") == nw.col("_archetype1")
    marks = {"kept": kept, "unchanged": quiet, "still": quiet & kept}
    marked = both.select(
        archetype=nw.col("_archetype0"), **{n: frames.one_if(m) for n, m in marks.items()}
    )
    table = frames.add_up(marked, "archetype", sums=tuple(marks), customers=nw.len())
    table = table.set_index("archetype")
    table = table.reindex([name for name in types.NAMES if name in table.index])
    table.loc["all"] = table.sum()
    n, unchanged = (table[c].astype(float).replace(0, np.nan) for c in ("customers", "unchanged"))
    return pd.DataFrame(
        {
            "customers": table["customers"].astype("int64"),
            "kept_share": table["kept"] / n,
            "unchanged": table["unchanged"].astype("int64"),
            "unchanged_kept_share": table["still"] / unchanged,
        }
    ).reset_index()


def finding(table: pd.DataFrame, *, found: Backtest | None = None, currency: str = "") -> str:
    """The table of `summarize`, and a `Backtest`, in sentences: who the types are that offers are
    made to, and whether types foretell what comes better than other groupings."""
    offered = table[~table["archetype"].isin(["others", "balanced"])]
    few = offered["customers"] < FEWEST
    if few.sum() > 1:
        offered = offered[~few]
    said = [_describe_type(row, currency) for row in offered.to_dict("records")]
    said += [fill("few_types", n=int(few.sum()), least=FEWEST)] if few.sum() > 1 else []
    said = said or [fill("no_type")]
    known = float(np.average(table["known_share"], weights=table["customers"]))
    said += [fill("beginning_unknown", share=1 - known)] if known < 1 else []
    return joining.sentences([*said, *(describe_backtest(found) if found else [])])


def _describe_type(row: dict[str, Any], currency: str) -> str:
    people = _(TEXTS["people"][row["archetype"]])
    if row["customers"] < FEWEST:
        return fill("type_few", n=row["customers"], people=people)
    money = formats.money(row["ltv_so_far"], currency)
    shares = {"share": float(row["customers_share"]), "ltv_share": float(row["ltv_share"])}
    shares["active"] = float(row["active_share"])
    return fill("type", n=row["customers"], people=people, ltv_so_far=money, **shares)


def describe_backtest(found: Backtest) -> list[str]:
    """Whether types foretell better than other groupings, in sentences."""
    rows = found.table.set_index("method")
    ours = rows.loc["archetypes"]
    figures = {
        "best": formats.share(BEST, decimals=0),
        "n": found.months,
        "caught": float(ours["caught"]),
    }
    limits = {"low": float(ours["caught_low"]), "high": float(ours["caught_high"])}
    of = _("margin") if found.of == "margin" else _("revenue")
    said = [fill("caught", of=of, start=formats.day(found.start), **figures, **limits)]
    for verdict in ("better", "unclear", "worse"):
        names = rows.index[rows["verdict"] == verdict]
        others = [fill("rival", name=_(TEXTS["rivals"][n]), caught=float(rows.loc[n, "caught"]))
                  for n in names]  # fmt: skip
        if others:
            said.append(fill(f"foretell_{verdict}", others=joining.items(others)))
    return said
