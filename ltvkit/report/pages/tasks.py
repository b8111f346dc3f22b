"""To do this month: what the tables of a report ask somebody to act on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import pandas as pd

from ltvkit.core.i18n import _, n_
from ltvkit.display import formats
from ltvkit.drivers.leaves import LEAVES
from ltvkit.report.pages.front_page import drop_data_end

MOST, YOUNG = 5, 4  # tasks; months of key figures
Tables = Mapping[str, pd.DataFrame]


class Task(NamedTuple):
    """What to do, who does it (empty: not known), the table that says so, and a list of customers
    to work through (empty: none)."""

    text: str
    owner: str
    table: str
    list: str = ""


def list_tasks(tables: Tables, *, currency: str = "") -> list[Task]:
    """The tables of a report -> at most five tasks, those that somebody waits for first."""
    finders: tuple[Callable[[Tables, str], Iterator[Task]], ...] = (
        _decide, _keep, _ask_why, _call, _mend,
    )  # fmt: skip
    return [task for find in finders for task in find(tables, currency)][:MOST]


def _decide(tables: Tables, _currency: str) -> Iterator[Task]:
    """Measures that have ended without a decision."""
    table = tables.get("hypotheses")
    if table is None or not {"status", "decision", "title", "owner", "verdict"} <= set(table):
        return
    ended = table[(table["status"] == "ended") & _is_empty(table["decision"])]
    for row in ended.to_dict("records")[:2]:
        verdict = formats.cell(row["verdict"], "word")
        text = _("Decide on {title}, which has ended ({verdict}).")
        yield Task(text.format(title=row["title"], verdict=verdict), row["owner"], "hypotheses")


def _keep(tables: Tables, currency: str) -> Iterator[Task]:
    """Customers who will be overdue by the end of next month; not in a shop's first three months,
    when nobody knows what a customer is worth in a year."""
    table = tables.get("leaving")
    if table is None or len(tables.get("kpis_month", range(YOUNG))) < YOUNG:
        return
    for row in table[table["status"] == "overdue_soon"].to_dict("records"):
        if row["customers"] and row["ltv_at_stake"] > 0:
            text = n_(
                "Write to the customer who is about to be overdue: {amount} is at stake.",
                "Write to the {n} customers who are about to be overdue: {amount} is at stake.",
                row["customers"],
            )
            spread = row["ltv_at_stake"] / row["customers"] ** 0.5
            amount = formats.rough_money(row["ltv_at_stake"], spread=spread, currency=currency)
            said = text.format(n=formats.count(row["customers"]), amount=amount)
            yield Task(said, _("customer relations"), "leaving", "entering_risk")


def _ask_why(tables: Tables, currency: str) -> Iterator[Task]:
    """The part that has clearly lowered revenue most since last month, and has an owner."""
    table = tables.get("drivers_previous")
    if table is None:
        return
    owned = table[(table["verdict"] == "lowered") & ~_is_empty(table["department"])]
    for row in owned.nsmallest(1, "change_in_revenue").to_dict("records"):
        text = _("Find out why: {what} ({amount} since last month).")
        amount = formats.difference(row["change_in_revenue"], "revenue", currency)
        way = "rise" if row["value_after"] > row["value_before"] else "fall"
        said = text.format(what=_(LEAVES[row["leaf"]][way]), amount=amount)
        yield Task(said, formats.cell(row["department"], "word"), "drivers_previous")


def _call(tables: Tables, currency: str) -> Iterator[Task]:
    """The best customers who have gone silent."""
    table = tables.get("rfm_segments")
    rows = pd.DataFrame() if table is None else table[table["segment"] == "can't lose"]
    for row in rows.to_dict("records"):
        if row["revenue"] > 0:
            text = n_(
                "Call {n} good customer who has gone quiet, and has paid {amount} so far.",
                "Call {n} good customers who have gone quiet, and have paid {amount} so far.",
                row["customers"],
            )
            amount = formats.money(row["revenue"], currency)
            said = text.format(n=formats.count(row["customers"]), amount=amount)
            yield Task(said, _("customer relations"), "rfm_segments", "segment can't lose")


def _mend(tables: Tables, _currency: str) -> Iterator[Task]:
    """Checks of the data that warn."""
    table = tables.get("data_checks")
    n = 0 if table is None else int((drop_data_end(table)["result"] == "warn").sum())
    if n:
        text = n_(
            "Look into {n} warning about the data.", "Look into {n} warnings about the data.", n
        )
        yield Task(text.format(n=n), "", "data_checks")


def _is_empty(texts: pd.Series) -> pd.Series:
    return texts.isna() | (texts.astype(str) == "")
