"""Customer ids under suspicion: several spellings, ids that mean nobody, names in place of ids.

Each check takes what `measure` found and returns whether it is a finding, and its figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit.core import files
from ltvkit.core.i18n import _, n_
from ltvkit.core.personal_data import is_name
from ltvkit.display import formats, joining
from ltvkit.engines import frames
from ltvkit.quality.spellings import Spellings, find_spellings

PLACEHOLDERS = tuple(files.read_yaml(__name__, "placeholders.yaml"))
FEW_CUSTOMERS = 100  # with fewer, a large share of one is no surprise
MOST_OF_ONE = 0.1  # share of all revenue or orders
# One id is probably nobody's with this share of all orders, this many times the next one's.
LARGE, TIMES, FEW = 0.05, 5, 20


class CustomerIds(NamedTuple):
    """`totals`: customers, orders, revenue, and the largest of one; `spelled`: several spellings.

    `guests`: placeholders with their orders and revenue; `largest`: orders, revenue of the two
    customers with most orders; `header`: the column that tells customers apart.
    """

    totals: pd.Series
    spelled: Spellings
    guests: pd.DataFrame
    largest: pd.DataFrame
    header: str


def measure(lines: nw.LazyFrame, facts: Mapping[str, Any], *, fold: str) -> CustomerIds:
    """Order lines, facts of their source and the policy `fold_ids` -> what the checks look at."""
    each = lines.group_by("customer_id").agg(
        revenue=nw.col("amount").sum(), orders=nw.col("order_id").n_unique()
    )
    with frames.materialized(each, like=lines) as known:
        totals = known.select(
            nw.col("revenue", "orders").sum(),
            customers=nw.len(),
            top_revenue=nw.col("revenue").max(),
            top_orders=nw.col("orders").max(),
        )
        meant = known.filter(nw.col("customer_id").str.to_lowercase().is_in(PLACEHOLDERS))
        largest = known.sort("orders", "revenue", descending=True).head(2)
        return CustomerIds(
            totals=frames.table(totals).iloc[0],
            spelled=Spellings() if fold == "all" else find_spellings(known),
            guests=frames.table(meant.sort("customer_id")),
            largest=frames.table(largest.select("orders", "revenue")),
            header=facts.get("customer_from", ""),
        )


def check_spellings(found: CustomerIds) -> tuple[bool, str]:
    """Whether customers have ids that differ only in how they are written."""
    spelled = found.spelled
    if not spelled.customers:
        return False, _("no customer is written in more than one way")
    text = n_(
        "{n} customer is written in more than one way: {ids} ids with a revenue of {revenue}, "
        'which fold_ids "{fold}" would join',
        "{n} customers are written in more than one way: {ids} ids with a revenue of {revenue}, "
        'which fold_ids "{fold}" would join',
        spelled.customers,
    )
    revenue = formats.money(spelled.revenue)
    figures = {"n": spelled.customers, "ids": spelled.ids, "fold": spelled.fold}
    return True, formats.fill(text, revenue=revenue, **figures)


def check_guests(found: CustomerIds) -> tuple[bool, str]:
    """Whether ids probably mean nobody: placeholders, or one id with very many orders."""
    said = []
    if len(found.guests):
        text = n_(
            "the customer id {names} probably means nobody ({orders} orders, {revenue})",
            "the customer ids {names} probably mean nobody ({orders} orders, {revenue})",
            len(found.guests),
        )
        names = joining.items(joining.quote(name) for name in found.guests["customer_id"])
        money = formats.money(found.guests["revenue"].sum())
        orders = int(found.guests["orders"].sum())
        said.append(formats.fill(text, names=names, orders=orders, revenue=money))
    top, others = found.largest["orders"][:1].sum(), found.largest["orders"][1:].sum()
    large = top > LARGE * found.totals["orders"] and top > TIMES * others
    if large and top >= FEW and found.totals["customers"] >= FEW:
        text = _(
            "one customer id has {orders} orders ({revenue}), {times} times as many as the next"
        )
        money = formats.money(found.largest["revenue"].iloc[0])
        times = formats.number(top / others, decimals=0)
        said.append(formats.fill(text, orders=int(top), revenue=money, times=times))
    return bool(said), joining.clauses(said) or _("no customer id looks like that of guests")


def check_names(found: CustomerIds) -> tuple[bool, str]:
    """Whether customers are told apart by their names."""
    if not is_name(found.header):
        return False, _("customers are not told apart by their names")
    text = n_(
        "{n} customer ({revenue}) is told apart by a name alone, the column {header}",
        "{n} customers ({revenue}) are told apart by a name alone, the column {header}",
        int(found.totals["customers"]),
    )
    money = formats.money(found.totals["revenue"])
    count = int(found.totals["customers"])
    return True, formats.fill(text, n=count, revenue=money, header=repr(found.header))


def check_largest(found: CustomerIds) -> tuple[bool, str]:
    """Whether one customer has a large share of the revenue or of the orders."""
    row = found.totals
    most = MOST_OF_ONE * max(1, FEW_CUSTOMERS / max(row["customers"], 1))
    if most >= 1:
        return False, _("too few customers to tell")
    shares = {
        _("revenue"): row["top_revenue"] / row["revenue"] if row["revenue"] > 0 else 0.0,
        _("orders"): row["top_orders"] / max(row["orders"], 1),
    }
    of, share = max(shares.items(), key=lambda pair: pair[1])
    text = _("one customer has {share} of all {of}")
    return bool(share > most), formats.fill(text, share=share, of=of)
