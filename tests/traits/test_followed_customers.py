"""What customers brought in their first months, by hand and as cohorts have it."""

from __future__ import annotations

import sys

import pandas as pd
import pytest
from conftest import make_lines

from ltvkit import cohorts, orders, traits
from ltvkit.engines import frames
from ltvkit.errors import ColumnError, ParamsError, TooLittleData
from ltvkit.ingest import daily
from ltvkit.traits import following, groups

KNOWN = {"export_begins": "opening"}
LINES = make_lines(
    ("a", "1", "2024-01-31", 100, 40, "web"), ("a", "2", "2024-03-31", 50, 20, "web"),
    ("a", "3", "2024-04-01", 999, 9, "web"),  # at an age that does not count
    ("b", "4", "2024-03-01", 60, 24, "shop"), ("b", "R", "2024-05-31", -20, -5, "shop"),
    ("c", "5", "2024-04-01", 70, 7, "shop"),  # too young
    extra=("margin", "channel"),
)  # fmt: skip


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(groups, "FEWEST", 1)
    monkeypatch.setattr(following, "LEAST", 2)


@pytest.mark.parametrize("daily_table", [False, True])
def test_ltv_by_hand(on, few, daily_table):
    customers = traits.collect(on(LINES), as_of="2024-05-31", **KNOWN)
    days = daily.aggregate(on(LINES)) if daily_table else on(LINES)
    found = traits.follow(customers, days, as_of="2024-05-31")
    assert (found.months, found.whole, found.of, found.note) == (3, 2, "revenue", "")
    assert found.table["ltv"].tolist() == [150, 40]
    assert found.table["first_channel"].tolist() == ["web", "shop"]
    margin = traits.follow(customers, days, as_of="2024-05-31", of="margin")
    assert margin.table["ltv"].tolist() == [60, 19]
    given = traits.follow(customers, days, as_of="2024-05-31", of="margin", margin_rate=0.5)
    assert given.table["ltv"].tolist() == [75, 20]
    one = traits.follow(customers, days, as_of="2024-05-31", months=2)
    assert one.table["ltv"].tolist() == [100, 60, 70]


def test_what_it_cannot_do_it_says(on, few, monkeypatch):
    customers = traits.collect(on(LINES), as_of="2024-05-31", **KNOWN)
    bare = on(LINES.drop(columns="margin"))
    with pytest.raises(ColumnError, match="no column 'margin'"):
        traits.follow(customers, bare, as_of="2024-05-31", of="margin")
    with pytest.raises(ParamsError, match="margin_rate=50"):
        traits.follow(customers, on(LINES), as_of="2024-05-31", margin_rate=50)
    with pytest.raises(TooLittleData, match="takes 5 whole months .* there are 4"):
        traits.follow(customers, on(LINES), as_of="2024-04-30")
    monkeypatch.setattr(following, "LEAST", 3)
    with pytest.raises(TooLittleData, match="takes 3 whose first 3 months are over, .* are 2"):
        traits.follow(customers, on(LINES), as_of="2024-05-31")


def test_it_is_the_ltv_of_cohorts(on):
    book = orders.read("demo:shop", policies={"cancelled_status": ["cancelled"]}, engine="pandas")
    lines = on(book.lines)
    found = traits.follow(
        traits.collect(lines, as_of="2024-09-30", **KNOWN), lines, as_of="2024-09-30"
    )
    built = cohorts.build(book.days, as_of="2024-09-30", **KNOWN)
    built = built[(built["age"] < 12) & (built["cohort"] <= "2023-10")]
    assert found.months == 12
    assert found.table["ltv"].sum() == pytest.approx(built["revenue"].sum())
    assert len(found.table) == built.loc[built["age"] == 0, "customers"].sum()


def test_of_very_many_customers_a_sample_is_followed(on, monkeypatch):
    monkeypatch.setattr(following, "MAX_CUSTOMERS", 500)
    book = orders.read("demo:shop", policies={"cancelled_status": ["cancelled"]}, engine="pandas")
    lines = on(book.lines)
    customers = traits.collect(lines, as_of="2024-09-30", **KNOWN)
    found = traits.follow(customers, lines, as_of="2024-09-30")
    assert 400 < len(found.table) < 600
    assert found.note == f"Based on a sample of {len(found.table):,} of 2,748 customers."
    assert found.note in traits.finding(traits.compare(found), found)


def test_only_summaries_and_the_sample_come_to_pandas(monkeypatch):
    """Of 5,000 customers in DuckDB: rows of all that is brought out on the way to a value."""
    monkeypatch.setattr(following, "MAX_CUSTOMERS", 300)
    book = orders.read("demo:shop", policies={"cancelled_status": ["cancelled"]})
    rows, to_pandas = [], frames.table

    def count(result):
        found, caller = to_pandas(result), sys._getframe(1).f_globals["__name__"]
        rows.extend([len(found)] if caller.startswith("ltvkit.traits") else [])
        return found

    monkeypatch.setattr(frames, "table", count)
    customers = traits.collect(book.lines, as_of="2024-09-30", **KNOWN)
    followed = traits.follow(customers, book.days, as_of="2024-09-30")
    traits.predict_first_day(followed).predict(customers)
    traits.compare(followed)
    traits.combine(followed)
    assert len(followed.table) < 400
    assert sorted(rows)[-1] == len(followed.table)
    assert sorted(rows)[-2] <= groups.MOST + 1


def test_a_customer_is_followed_once_whatever_comes_later():
    lines = pd.concat([LINES] * 40, ignore_index=True)
    number = (lines.index // len(LINES)).astype(str)
    lines = lines.assign(
        customer_id=lines["customer_id"] + number, order_id=lines.index.astype(str)
    )
    customers = traits.collect(lines, as_of="2024-05-31", **KNOWN)
    with pytest.raises(TooLittleData, match="takes 100 .* are 80"):
        traits.follow(customers, lines, as_of="2024-05-31")
