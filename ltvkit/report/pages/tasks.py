"""To do this month: what the tables of a report ask somebody to act on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import pandas as pd

from ltvkit.core.i18n import _, n_
from ltvkit.customers import is_decisive
from ltvkit.display import formats, joining
from ltvkit.drivers.kpi_tree import name_move
from ltvkit.report.pages.front_page import drop_data_end

MOST, YOUNG = 5, 4  # tasks; months of key figures
CALL = 0.1  # of an order: of whom less is expected, a call costs more than it can bring
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
        _decide, _answer, _ask_why, _win_back, _keep, _call, _mend,
    )  # fmt: skip
    return [task for find in finders for task in find(tables, currency)][:MOST]


def _decide(tables: Tables, _currency: str) -> Iterator[Task]:
    """Measures that have ended without a decision."""
    table = tables.get("hypotheses")
    if table is None or not {"status", "decision", "title", "owner", "verdict", "until"} <= set(
        table
    ):
        return
    ended = table[(table["status"] == "ended") & _is_empty(table["decision"])]
    for row in ended.to_dict("records")[:2]:
        verdict = formats.cell(row["verdict"], "word")
        text = _("Decide on {title}, which ended on {day} ({verdict}).")
        day = formats.day(row["until"])
        said = text.format(title=row["title"], day=day, verdict=verdict)
        yield Task(said, row["owner"], "hypotheses")


def _answer(tables: Tables, _currency: str) -> Iterator[Task]:
    """Enquiries that wait, and that a person has to answer."""
    table = tables.get("support_waiting")
    n = 0 if table is None else int(table.loc[table["reason"] != "automatic", "enquiries"].sum())
    if n:
        text = n_(
            "Answer {n} enquiry that waits for a person.",
            "Answer {n} enquiries that wait for a person.",
            n,
        )
        said = text.format(n=formats.count(n))
        yield Task(said, _("customer support"), "support_waiting", "enquiries_waiting")


def _win_back(tables: Tables, currency: str) -> Iterator[Task]:
    """Customers who have become overdue lately, of whom something is still expected."""
    texts = {
        "each": _(
            "Win back the customers who became overdue in the last 30 days ({n}): {amount} is "
            "still expected of them in 12 months, {each} each."
        ),
        "one": _(
            "Win back the customers who became overdue in the last 30 days ({n}): {amount} is "
            "still expected of them in 12 months, {share} of it of one customer."
        ),
        "alike": _(
            "Win back the customers who became overdue in the last 30 days ({n}). The forecast "
            "cannot tell which of them are worth more."
        ),
    }
    yield from _write_to(tables, currency, status="overdue_30", texts=texts, list_="overdue")


def _keep(tables: Tables, currency: str) -> Iterator[Task]:
    """Customers who will be overdue by the end of next month."""
    texts = {
        "each": _(
            "Write to the customers who will be overdue by the end of next month ({n}): without "
            "an order, {amount} less is expected of them in 12 months, {each} each."
        ),
        "one": _(
            "Write to the customers who will be overdue by the end of next month ({n}): without "
            "an order, {amount} less is expected of them in 12 months, {share} of it of one "
            "customer."
        ),
        "alike": _(
            "Write to the customers who will be overdue by the end of next month ({n}). The "
            "forecast cannot tell which of them are worth more."
        ),
    }
    yield from _write_to(
        tables, currency, status="overdue_soon", texts=texts, list_="entering_risk"
    )


def _write_to(
    tables: Tables, currency: str, *, status: str, texts: Mapping[str, str], list_: str
) -> Iterator[Task]:
    """A stage of the table leaving; not in a shop's first three months, when nobody knows what a
    customer is worth in a year. `texts`: what is said of "each" customer, where "one" decides, and
    where the forecast takes them to be "alike"."""
    table = tables.get("leaving")
    if table is None or len(tables.get("kpis_month", range(YOUNG))) < YOUNG:
        return
    for row in table[table["status"] == status].to_dict("records"):
        n, stake = int(row["customers"]), row["ltv_at_stake"]
        if n and stake > 0:
            amount, each = (
                formats.rough_sum(x, of=n, currency=currency) for x in (stake, stake / n)
            )
            if row.get("of") == "margin":
                amount = _("{amount} of margin").format(amount=amount)
            share = row.get("largest_share", float("nan"))
            kind = "one" if is_decisive(share, of=n) else "each"
            kind = "alike" if _are_alike(tables.get("backtest")) else kind
            figures = {"n": formats.count(n), "amount": amount, "each": each}
            said = texts[kind].format(share=formats.share(share), **figures)
            yield Task(said, _("customer relations"), "leaving", list_)


def _are_alike(backtest: pd.DataFrame | None) -> bool:
    """Whether the backtest found no model better at telling customers apart than one number."""
    if backtest is None or not {"kind", "skill"} <= set(backtest):
        return False
    skill = backtest.loc[backtest["kind"] == "model", "skill"].dropna()
    return len(skill) > 0 and bool((skill <= 0).all())


def _ask_why(tables: Tables, currency: str) -> Iterator[Task]:
    """The part that has clearly lowered revenue or margin most since last month, with an owner."""
    table = tables.get("drivers_previous")
    if table is None:
        return
    moved = "change_in_revenue" if "change_in_revenue" in table else "change_in_margin"
    lowered = table["verdict"].isin(["lowered", "lowered_margin"])
    owned = table[lowered & ~_is_empty(table["department"])]
    for row in owned.nsmallest(1, moved).to_dict("records"):
        text = _("Find out why: {what} ({amount} since last month).")
        amount = formats.difference(row[moved], "revenue", currency)
        what = name_move(row, _find_said(tables, row["leaf"], "label"))
        said = text.format(what=what, amount=amount)
        owner = _find_said(tables, row["leaf"], "owner") or formats.cell(row["department"], "word")
        yield Task(said, owner, "drivers_previous")


def _find_said(tables: Tables, leaf: str, column: str) -> str:
    """The owner or the label of a part of revenue in the shop's own tree; "" where it has none."""
    table = tables.get("drivers_owners")
    if table is None or column not in table:
        return ""
    named = table.loc[(table["leaf"] == leaf) & ~_is_empty(table[column]), column]
    return next(iter(named), "")


def _call(tables: Tables, currency: str) -> Iterator[Task]:
    """The best customers who have gone silent, unless so little is expected of each that a call
    costs more, a tenth of an order; and what is expected."""
    table = tables.get("rfm_segments")
    unwanted = table is None or _is_not_worth_a_call(tables.get("leaving"), currency)
    rows = pd.DataFrame() if unwanted else table[table["segment"] == "can't lose"]
    for row in rows.to_dict("records"):
        each, months = _find_expected(tables.get("ltv_segments"), row["segment"])
        if row["revenue"] > 0 and not each < CALL * row.get("average_order_value", 0.0):
            text = n_(
                "Call the good customer who has gone quiet (paid so far: {amount}).",
                "Call the best of {n} good customers who have gone quiet (paid so far: {amount}).",
                row["customers"],
            )
            amount = formats.money(row["revenue"], currency)
            said = text.format(n=formats.count(row["customers"]), amount=amount)
            if months:
                n = int(row["customers"])
                worth = formats.rough_sum(each * n, of=n, currency=currency)
                more = _("{amount} is expected of all of them in {n} months.")
                said += joining.go_on(more.format(amount=worth, n=months))
            yield Task(said, _("customer relations"), "rfm_segments", "segment can't lose")


def _find_expected(values: pd.DataFrame | None, segment: str) -> tuple[float, int]:
    """What is expected of each customer of a segment, and in how many months; NaN and 0 where that
    is not known."""
    if values is None or not {"group", "customers"} <= set(values):
        return float("nan"), 0
    column = next((c for c in values if re.fullmatch(r"ltv_\d+m", str(c))), None)
    row = values[values["group"] == segment]
    if column is None or row.empty:
        return float("nan"), 0
    return float(row[column].iloc[0]), int(str(column)[4:-1])


def _is_not_worth_a_call(leaving: pd.DataFrame | None, currency: str) -> bool:
    """Whether it is known that customers are overdue, and none is worth a unit of money."""
    if leaving is None:
        return False
    late = leaving[leaving["status"] != "overdue_soon"].to_dict("records")
    each = [row["ltv_at_stake"] / row["customers"] for row in late if row["customers"]]
    nothing = formats.money(0.0, currency)
    return bool(each) and all(x <= 0 or formats.money(x, currency) == nothing for x in each)


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
