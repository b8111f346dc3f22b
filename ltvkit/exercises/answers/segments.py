"""Deciles, segments and classes of products."""

from __future__ import annotations

import pandas as pd

from ltvkit import abc_classes, customers, deciles, rfm
from ltvkit.core.i18n import _
from ltvkit.errors import TooLittleData
from ltvkit.exercises.answers import Found
from ltvkit.ingest.book import Orders
from ltvkit.ltv import lapse

TENTH = 10  # customers, of whom each decile has one


def share_of_best_tenth(book: Orders, as_of: pd.Timestamp) -> Found:
    """Of all revenue so far, what the first decile brings."""
    buyers = customers.summarize(book.days, as_of=as_of)
    table = deciles.summarize(deciles.assign(buyers)).set_index("decile")
    if table["customers"].sum() < TENTH:
        raise TooLittleData(_("ten groups take ten customers."))
    wrong = {
        "best_fifth": table.loc[2, "cumulative_share"],
        "orders": table.loc[1, "orders"] / table["orders"].sum(),
        "customers": table.loc[1, "customers"] / table["customers"].sum(),
        "last_tenth": table["revenue_share"].iloc[-1],
        "all_others": 1 - table.loc[1, "revenue_share"],
    }
    return table.loc[1, "revenue_share"], wrong, {"n": int(table.loc[1, "customers"])}


def count_at_risk(book: Orders, as_of: pd.Timestamp) -> Found:
    """Customers in the segment "at risk", by the shop's own days."""
    buyers = customers.summarize(book.days, as_of=as_of)
    own = lapse.find(book.days, as_of=as_of)
    known = {"recent_days": own.recent_days, "lapse_days": own.lapse_days}
    table = rfm.summarize(rfm.segment(rfm.score(buyers), **known)).set_index("segment")
    number = table["customers"]
    wrong = {
        "cant_lose_too": number["at risk"] + number["can't lose"],
        "all_quiet": number[["at risk", "can't lose", "hibernating", "lost"]].sum(),
        "lost": number["lost"],
        "orders": table.loc["at risk", "orders"],
    }
    return number["at risk"], wrong, {}


def share_of_class_a(book: Orders) -> Found:
    """Of the products sold so far, those of class A."""
    if "product" not in book.lines.columns:
        raise TooLittleData(_("no column says which product was sold."))
    classed = abc_classes.classify(book.lines, by="product")
    table = abc_classes.summarize(classed).set_index("class")
    wrong = {
        "revenue": table.loc["A", "revenue_share"],
        "b": table["items_share"].get("B", float("nan")),
        "a_and_b": table["items_share"].reindex(["A", "B"]).sum(),
        "count": table.loc["A", "items"],
    }
    figures = {"n": int(table.loc["A", "items"]), "all": int(table["items"].sum())}
    return table.loc["A", "items_share"], wrong, figures
