"""Visitors and customers joined: which events belong to whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.funnel.stages import PURCHASE
from ltvkit.ingest import daily
from ltvkit.ingest.lines import filter_until
from ltvkit.periods import Day, day

NEEDS = ("visitor_id", "customer_id", "event_time", "event_date", "event", "stage")
OPTIONAL = ("channel", "order_id", "referred_by")
CUSTOMER, VISITOR = "c:", "v:"  # so that no visitor is taken for a customer with the same id


@dataclass(frozen=True)
class Joined:
    """Events with their customer, where it is known, and how many could be joined.

    `rows`: the events up to the day asked for, with `customer_id` filled in, and `person_id` (a
    customer, or a visitor of whom no customer is known). `table`: a row per kind of people: `kind`,
    `people`, `joined`, `joined_share`. `first`, `last`: days of the first and the last event.
    """

    rows: Any
    table: pd.DataFrame
    first: pd.Timestamp
    last: pd.Timestamp


def join_visitors(events: Frame, lines: Frame, *, as_of: Day) -> Joined:
    """Canonical events and order lines -> the events up to `as_of`, each with its person.

    A visitor is the customer who is named in one of the visitor's events, or by the order of one of
    them. The policy: an event that names a customer (or an order of one) is that customer's. Where
    a visitor's events name two customers or more, as on a shared device, the events that name
    nobody stay the visitor's, as nobody knows whose they are. One customer may be many visitors.

    `table` has the rows "visitors_bought" (visitors with a purchase event: how many are joined to a
    customer of the orders), "new_customers" (first order within the days of the events: how many
    have an event other than a purchase before it, or on that day), "shared_devices" (visitors of
    several customers; `joined` is 0) and "named_customers" (customer ids of the events: how many
    are in the orders; where few are, as where zeros were lost, the ids are written differently).
    NaN: nobody of the kind. Raises `ColumnError` where a column of the contract is missing.
    """
    opened = frames.lazy(frames.bring(events, like=lines), needs=NEEDS)
    opened = opened.filter(nw.col("event_date") <= nw.lit(day(as_of)))
    opened = _complete(opened)
    orders = _find_buyers(lines, as_of=as_of)
    named = opened.join(orders, on="order_id", how="left")
    named = named.with_columns(customer_id=_first_known("customer_id", "_buyer")).drop("_buyer")
    links = named.filter(~nw.col("visitor_id").is_null(), ~nw.col("customer_id").is_null())
    links = links.select("visitor_id", "customer_id").unique()
    counted = links.group_by("visitor_id").agg(
        _customers=nw.len(), _owner=nw.col("customer_id").min()
    )
    owner = nw.when(nw.col("_customers") == 1).then(nw.col("_owner"))
    owned = named.join(counted, on="visitor_id", how="left").with_columns(
        customer_id=nw.when(nw.col("customer_id").is_null())
        .then(owner)
        .otherwise(nw.col("customer_id"))
    )
    person = (
        nw.when(nw.col("customer_id").is_null())
        .then(nw.concat_str(nw.lit(VISITOR), nw.col("visitor_id")))
        .otherwise(nw.concat_str(nw.lit(CUSTOMER), nw.col("customer_id")))
    )
    rows = frames.materialize(
        owned.with_columns(person_id=person).drop("_customers", "_owner"), like=events
    )
    table, first, last = _count(frames.lazy(rows), counted, lines, as_of=as_of)
    return Joined(rows, table, first, last)


def _complete(events: nw.LazyFrame) -> nw.LazyFrame:
    """Events with the optional columns, null where there are none; an empty text is null."""
    found = events.collect_schema().names()
    texts = ["visitor_id", "customer_id", "stage", *(n for n in OPTIONAL if n in found)]
    known = [
        nw.when(nw.col(n).cast(nw.String) != "").then(nw.col(n).cast(nw.String)).alias(n)
        for n in texts
    ]
    missing = {n: nw.lit(None).cast(nw.String) for n in OPTIONAL if n not in found}
    completed = events.with_columns(*known, **missing)
    return completed.filter(~nw.col("visitor_id").is_null() | ~nw.col("customer_id").is_null())


def _find_buyers(lines: Frame, *, as_of: Day) -> nw.LazyFrame:
    """order_id, _buyer: of orders of one customer."""
    opened = frames.lazy(lines, needs=("order_id", "customer_id"))
    seen = filter_until(opened, as_of).select("order_id", _buyer=nw.col("customer_id"))
    counted = seen.unique().group_by("order_id").agg(_n=nw.len(), _buyer=nw.col("_buyer").min())
    return counted.filter(nw.col("_n") == 1).select("order_id", "_buyer")


def _first_known(one: str, other: str) -> nw.Expr:
    return nw.when(nw.col(one).is_null()).then(nw.col(other)).otherwise(nw.col(one))


def _count(
    rows: nw.LazyFrame, links: nw.LazyFrame, lines: Frame, *, as_of: Day
) -> tuple[pd.DataFrame, pd.Timestamp, pd.Timestamp]:
    ends = frames.table(
        rows.select(first=nw.col("event_date").min(), last=nw.col("event_date").max())
    ).iloc[0]
    first, last = pd.Timestamp(ends["first"]), pd.Timestamp(ends["last"])
    bought = rows.filter(nw.col("stage") == PURCHASE, ~nw.col("visitor_id").is_null())
    customers = frames.lazy(lines).select("customer_id").unique().with_columns(_ours=nw.lit(1))
    ours = nw.col("_ours").fill_null(0)
    flagged = bought.join(customers, on="customer_id", how="left").with_columns(ours)
    visitors = flagged.group_by("visitor_id").agg(_joined=nw.col("_ours").max())
    one = visitors.select(people=nw.len(), joined=nw.col("_joined").sum())
    shared = links.filter(nw.col("_customers") > 1).select(people=nw.len())
    new = _find_new(lines, first, last, as_of=as_of)
    named = rows.filter(~nw.col("customer_id").is_null())
    path = named.filter(nw.col("stage").is_null() | (nw.col("stage") != PURCHASE))
    seen = path.group_by("customer_id").agg(_seen=nw.col("event_date").min())
    met = new.join(seen, on="customer_id", how="left").with_columns(
        _met=frames.one_if(nw.col("_seen") <= nw.col("_first"))
    )
    two = met.select(people=nw.len(), joined=nw.col("_met").sum())
    ids = named.select("customer_id").unique().join(customers, on="customer_id", how="left")
    known = ids.with_columns(ours).select(people=nw.len(), joined=nw.col("_ours").sum())
    found = [frames.table(each).iloc[0].fillna(0) for each in (one, two, shared, known)]
    names = ("visitors_bought", "new_customers", "shared_devices", "named_customers")
    table = pd.DataFrame(
        {
            "kind": names,
            "people": [int(row["people"]) for row in found],
            "joined": [int(row.get("joined", 0)) for row in found],
        }
    )
    share = table["joined"] / table["people"].replace(0, np.nan)
    return table.assign(joined_share=share), first, last


def _find_new(lines: Frame, first: pd.Timestamp, last: pd.Timestamp, *, as_of: Day) -> nw.LazyFrame:
    """customer_id, _first: of those whose first order lies within the days of the events."""
    bought = daily.select_purchases(lines, as_of=as_of)
    began = bought.group_by("customer_id").agg(_first=nw.col("order_date").min())
    if pd.isna(first):  # no event: nobody was won in their days
        return began.filter(nw.col("_first").is_null())
    ends = [nw.lit(day.to_pydatetime()) for day in (first, last)]
    return began.filter(nw.col("_first") >= ends[0], nw.col("_first") <= ends[1])
