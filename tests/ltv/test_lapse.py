"""When a customer counts as gone, and who decides an average alone."""

from __future__ import annotations

import pandas as pd
import pytest
from conftest import make_lines

from ltvkit import cohorts, customers, rfm
from ltvkit.ltv import curves, lapse, largest, order_steps


def every(days: int, *, buyers: int = 20, orders: int = 3) -> pd.DataFrame:
    """Customers who begin a day after each other, and buy every so many days."""
    start = pd.Timestamp("2020-01-01")
    rows = [
        (f"c{c}", f"{c} {n}", start + pd.Timedelta(days=c + days * n), 60)
        for c in range(buyers)
        for n in range(orders)
    ]
    return make_lines(*rows)


def uneven(*gaps: int) -> pd.DataFrame:
    """As many customers of each of these gaps."""
    parts = [every(gap) for gap in gaps]
    return pd.concat([p.assign(customer_id=p["customer_id"] + str(n)) for n, p in enumerate(parts)])


def test_a_usual_gap_beyond_the_days_given_takes_their_place(on):
    found = lapse.find(on(every(200)), as_of="2022-12-31", lapse_days=180, recent_days=30)
    assert found[:2] == (220, 200)
    assert found.text == (
        "Customers who order again usually do so after 200 days, so 180 days without an order are "
        "no sign that one has left: here a customer counts as gone after 220 days."
    )


@pytest.mark.parametrize(
    ("lines", "as_of"),
    [
        (uneven(100, 100, 160), "2022-12-31"),
        (every(200, buyers=14), "2022-12-31"),  # 28 gaps
        (every(200, buyers=9, orders=5), "2023-12-31"),  # 36 gaps of nine customers
        (every(200, orders=1), "2022-12-31"),
        (every(200), "2020-02-01"),  # before anybody could come back
    ],
)
def test_usual_gaps_within_the_days_given_and_few_gaps_change_nothing(lines, as_of):
    assert lapse.find(lines, as_of=as_of, lapse_days=180, recent_days=30) == (180, 30, "")


def test_of_uneven_gaps_half_and_nine_of_ten_count():
    """Twenty gaps of 200 days, sixteen of 250, four of 900: the usual one, and a tenth over 250."""
    lines = pd.concat(
        [
            made.assign(customer_id=made["customer_id"] + name)
            for name, made in {
                "a": every(200, buyers=20, orders=2),
                "b": every(250, buyers=16, orders=2),
                "c": every(900, buyers=4, orders=2),
            }.items()
        ]
    )
    assert lapse.find(lines, as_of="2023-12-31")[:2] == (275, 200)


@pytest.mark.parametrize(
    ("lines", "own", "usual"),
    [(every(30), 41, 30), (every(7), 14, 7), (every(160), 180, 30), (uneven(30, 30, 38), 180, 30)],
)
def test_who_misses_a_regular_payment_is_gone_sooner(on, lines, own, usual):
    """A quarter more than 30 is 37, and a tenth of that 4; of 160 it is 220, later than given."""
    found = lapse.find(on(lines), as_of="2022-12-31", lapse_days=180, recent_days=30)
    assert found[:2] == (own, usual)
    assert ("regularly, usually after" in found.text) == (own < 180)


@pytest.mark.parametrize(("days", "orders"), [(1, 601), (365, 101)])
def test_one_customer_of_very_many_orders_does_not_decide_for_all(on, days, orders):
    """Sixty have one gap of 100 days each, so 125 and a tenth; one has more gaps than they."""
    one = every(days, buyers=1, orders=orders).assign(customer_id="one")
    lines = pd.concat([every(100, buyers=60, orders=2), one])
    assert lapse.find(on(lines), as_of="2125-12-31")[:2] == (138, 100)


def test_nobody_has_gone_quiet_who_pays_once_a_year():
    lines = every(365, buyers=40)
    known = customers.summarize(lines, as_of="2022-08-01")
    own = lapse.find(lines, as_of="2022-08-01")
    named = {
        days: rfm.segment(rfm.score(known), recent_days=recent, lapse_days=days)["segment"]
        for days, recent in ((180, 30), own[:2])
    }
    assert "lost" in set(named[180])
    assert not set(named[402]) & {*rfm.QUIET, "lost", "hibernating", "about to sleep"}


def test_one_customer_who_brings_a_quarter_is_said(on):
    def say(*revenue: float) -> str:
        return largest.finding(on(pd.DataFrame({"revenue": revenue})))

    others = [5.0] * 15
    assert say(25, *others).startswith("One customer brought 25.0% of all revenue: averages,")
    assert say(25, *others).endswith(" customers brought 5.00 each on average so far.")
    assert say(24, *others) == say(25, 25, 25, 25) == say(99, 1) == ""
    assert say(100) == say(0, 0) == say(-5, -5) == ""
    assert "100.0%" in say(100, *([-9] * 15))


def test_who_pays_once_a_year_is_followed_for_longer_than_a_year():
    """A fee on the same day of each year comes after 365 days, or 366 of a leap year."""
    rows = [
        (f"c{c}", f"{c} {y}", pd.Timestamp(f"{y}-01-01") + pd.Timedelta(days=c), 60)
        for c in range(40)
        for y in range(2019, 2025)
    ]
    steps = order_steps.rates(make_lines(*rows), as_of="2024-12-31")
    assert set(steps["horizon_days"]) == {420}
    assert steps["next_order_share"].tolist() == [1.0] * 5
    second = cohorts.second_order(make_lines(*rows), as_of="2024-12-31")
    assert cohorts.finding(second) == "No new customer has ordered again within 180 days."


def test_an_amount_that_is_always_the_same_has_no_range():
    curve = pd.DataFrame({"age_months": [11], "customers": 90, "ltv": 9800.0})
    text = curves.finding(curve.assign(low=9800.0, high=9800.0), currency="JPY")
    assert text == "In their first 12 months customers bring in 9,800 JPY on average."
