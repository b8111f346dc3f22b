"""What stands out in each type: categories, channels, first products, seasons and returns that its
customers have more often than others, beyond chance.

A description, and no cause: whoever buys an expensive product has a high price per order by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import scipy

from ltvkit import cohorts
from ltvkit.archetypes import seasons, types
from ltvkit.archetypes.texts import fill
from ltvkit.core.i18n import _
from ltvkit.display import formats, joining
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.engines.ranking import number_within
from ltvkit.errors import ColumnError, ParamsError
from ltvkit.ingest import schema
from ltvkit.ingest.lines import filter_purchases, filter_until, is_purchase
from ltvkit.periods import Day

USUAL = ("channel", "category", "product")  # where the lines have them
MOST = 30  # values of a column: those that most customers have
FEWEST = 30  # customers of a type, and who have a value; by chance 10 of the type, and of others
EXPECTED = 10
LEVEL = 0.05  # false discovery rate
COLUMNS = ["archetype", "trait", "group", "customers", "share", "share_of_others", "lift", "q"]


def profile(
    lines: Frame,
    assigned: Frame,
    *,
    as_of: Day,
    columns: Sequence[str] | None = None,
    level: float = LEVEL,
) -> pd.DataFrame:
    """Order lines, and customers with their type (`assign`) -> what stands out in each type.

    A row per archetype, trait and value (`group`) that its customers have more often than others:
    how many `customers` of the type have it, `share`, `share_of_others`, `lift` (share /
    share_of_others), `q`. Traits:

    - each of `columns` (channel, category and product where there are some): the share of a
      customer's purchase lines with the value, so that who buys often is not in everything
    - first_ and the column: the value on the largest line of the first day (`cohorts.members`);
      of customers whose beginning is known (`measure`) alone
    - quarter: the share of the days of purchase between the first and the last; `share_of_others`
      is then what the shop's seasons make of it (`seasons.count_quarters`)
    - returned: of all lines, those sent back

    Shares are means over customers. Of each column the 30 values that most customers have. A row
    is beyond chance where the difference of the means (one-sided, by customers; each side with the
    spread of all at least) has q up to `level`: the false discovery rate over all that was tested
    (Benjamini & Hochberg 1995). The types in their order, the largest lift first. Raises
    `ColumnError`, and `ParamsError` for columns that tell single customers or orders.
    """
    opened = filter_until(frames.lazy(lines, needs=("customer_id", "order_date", "amount")), as_of)
    wanted = _choose_columns(opened, columns)
    people = frames.lazy(assigned, needs=("customer_id", "archetype", "beginning_known"))
    people = people.select("customer_id", "archetype", known=nw.col("beginning_known"))
    traits = [_share(opened, name) for name in wanted]
    traits += [_find_first(lines, people, name, as_of=as_of) for name in wanted]
    traits += [_share_returns(opened)]
    counted = _count(dict(traits), people)
    sizes = frames.table(people.group_by("archetype", "known").agg(customers=nw.len()))
    tested = [_compare(counted, sizes), _compare_seasons(lines, assigned, as_of=as_of)]
    return _select(pd.concat(tested, ignore_index=True), level=level)


def _choose_columns(opened: nw.LazyFrame, columns: Sequence[str] | None) -> list[str]:
    found = opened.collect_schema().names()
    chosen = [name for name in USUAL if name in found] if columns is None else list(columns)
    for name in chosen:
        if name in schema.NO_GROUPS:
            raise ParamsError(f"columns: {name} tells single customers or orders; leave it out.")
        if name not in found:
            raise ColumnError(f"columns: the order lines have no column {name!r}.")
    return chosen


def _weigh(marked: nw.LazyFrame) -> nw.LazyFrame:
    """A row per line with its `value` -> customer_id, value, share: of the customer's lines."""
    each = marked.group_by("customer_id", "value").agg(lines=nw.len())
    whole = each.group_by("customer_id").agg(whole=nw.col("lines").sum())
    share = nw.col("lines").cast(nw.Float64) / nw.col("whole")
    return each.join(whole, on="customer_id").select("customer_id", "value", share=share)


def _share(opened: nw.LazyFrame, column: str) -> tuple[str, nw.LazyFrame]:
    bought = filter_purchases(opened)
    value = nw.col(column).cast(nw.String)
    return column, _weigh(bought.select("customer_id", value=value))


def _find_first(
    lines: Frame, people: nw.LazyFrame, column: str, *, as_of: Day
) -> tuple[str, nw.LazyFrame]:
    born = cohorts.members(lines, as_of=as_of, by=column, every="month")
    known = people.filter(nw.col("known")).select("customer_id")
    first = born.join(known, on="customer_id").select("customer_id", value=nw.col("cohort"))
    return f"first_{column}", first.with_columns(share=nw.lit(1.0))


def _share_returns(opened: nw.LazyFrame) -> tuple[str, nw.LazyFrame]:
    kind = nw.when(is_purchase("amount")).then(nw.lit("")).otherwise(nw.lit("returned"))
    shares = _weigh(opened.select("customer_id", value=kind))
    return "returned", shares.filter(nw.col("value") == "returned")


def _count(traits: dict[str, nw.LazyFrame], people: nw.LazyFrame) -> pd.DataFrame:
    """Of each trait, shares by customer -> by trait, value and type: customers, and the sums of
    shares and squares; of the values that most customers have."""
    columns = ("customer_id", "value", "share")
    numbered = [
        shares.select(*columns, number=nw.lit(n).cast(nw.Int64))
        for n, shares in enumerate(traits.values())
    ]
    placed = nw.concat(numbered).filter(~nw.col("value").is_null()).join(people, on="customer_id")
    common = placed.group_by("number", "value").agg(n=nw.len())
    common = common.with_columns(_less=-nw.col("n").cast(nw.Int64))
    common = number_within(common, "number", order=("_less", "value"))
    common = common.filter(nw.col("rank") <= MOST).select("number", "value")
    kept = placed.join(common, on=["number", "value"])
    kept = kept.with_columns(squares=nw.col("share") * nw.col("share"))
    keys, sums = ("number", "value", "archetype"), ("share", "squares")
    found = frames.add_up(kept, *keys, sums=sums, customers=nw.len())
    return found.assign(trait=found.pop("number").map(dict(enumerate(traits))))


def _compare(counted: pd.DataFrame, sizes: pd.DataFrame) -> pd.DataFrame:
    """Sums by trait, value and type -> each type's share and that of all others, and z; where there
    are enough customers."""
    whole = sizes.groupby("archetype")["customers"].sum()
    known = sizes[sizes["known"].astype(bool)].groupby("archetype")["customers"].sum()
    keys = counted[["trait", "value"]].drop_duplicates()
    table = keys.merge(pd.Series(whole.index, name="archetype"), how="cross")
    table = table.merge(counted, on=["trait", "value", "archetype"], how="left").fillna(0.0)
    first = table["trait"].str.startswith("first_")
    n = table["archetype"].map(known).where(first, table["archetype"].map(whole)).fillna(0.0)
    table = table.assign(n=n.astype(float))
    sums = ["customers", "share", "squares", "n"]
    total = table.groupby(["trait", "value"])[sums].transform("sum")
    rest = total - table[sums]
    enough = (table["n"] >= FEWEST) & (rest["n"] >= FEWEST) & (total["customers"] >= FEWEST)
    smaller = np.minimum(table["n"], rest["n"])
    enough &= total["customers"] * smaller / total["n"] >= EXPECTED
    table, rest, total = table[enough], rest[enough], total[enough]
    (one, spread), (other, around), (_mean, usual) = map(_describe, (table, rest, total))
    # Of a side on which by chance hardly anybody has the value, the spread looks too small.
    errors = [np.maximum(s, usual) / np.maximum(side["n"] - 1, 1)
              for s, side in ((spread, table), (around, rest))]  # fmt: skip
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (one - other) / np.sqrt(errors[0] + errors[1])
    return table.assign(share=one, share_of_others=other, z=z)


def _compare_seasons(lines: Frame, assigned: Frame, *, as_of: Day) -> pd.DataFrame:
    """As `_compare`, of quarters against what the shop's seasons make of them."""
    table = seasons.count_quarters(lines, assigned, as_of=as_of)
    table = table[(table["n"] >= FEWEST) & (table["customers"] >= EXPECTED)]
    n = table["n"].astype(float)
    share, expected = (table[name].astype(float) / n for name in ("share", "expected"))
    spread = np.maximum(table["squares"].astype(float) / n - (share - expected) ** 2, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (share - expected) / np.sqrt(spread / (n - 1))
    return table.assign(trait="quarter", share=share, share_of_others=expected, z=z)


def _select(tested: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """The rows beyond chance, the types in their order."""
    z = tested["z"].to_numpy(dtype=float)
    p = np.where(np.isfinite(z), scipy.stats.norm.sf(z), 1.0)
    q = scipy.stats.false_discovery_control(p) if len(p) else p
    with np.errstate(invalid="ignore", divide="ignore"):
        lift = tested["share"] / tested["share_of_others"]
    found = tested.assign(lift=lift, q=q, customers=tested["customers"].astype("int64"))
    found = found[(found["q"] <= level) & (found["lift"] > 1)]
    found = found.assign(_place=found["archetype"].map(types.NAMES.index))
    by, ascending = ["_place", "lift", "trait", "value"], [True, False, True, True]
    ordered = found.sort_values(by, ascending=ascending).rename(columns={"value": "group"})
    return ordered[COLUMNS].reset_index(drop=True)


def _describe(side: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The mean share of these customers, and the variance of their shares."""
    n = side["n"].to_numpy()
    mean = side["share"].to_numpy() / n
    return mean, np.maximum(side["squares"].to_numpy() / n - mean**2, 0.0)


def describe_profile(table: pd.DataFrame, *, most: int = 3) -> str:
    """The table of `profile` in sentences: for each type the values with the largest lift, at most
    so many."""
    said = []
    for name, rows in table.groupby("archetype", sort=False):
        values = [_describe_value(row) for row in rows.head(most).to_dict("records")]
        said.append(fill("profile", type=formats.label(name), values=_("; ").join(values)))
    return joining.sentences(said) or fill("profile_none")


def _describe_value(row: dict[str, Any]) -> str:
    kind = row["trait"] if row["trait"] in ("quarter", "returned") else "value"
    figures = {name: float(row[name]) for name in ("share", "share_of_others")}
    trait = formats.label(row["trait"])
    return fill(f"profile_{kind}", trait=trait, value=row["group"], **figures)
