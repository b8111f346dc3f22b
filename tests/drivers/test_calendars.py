"""What a day is worth: weekdays and public holidays, by hand, and none where there is none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines

from ltvkit import drivers, periods
from ltvkit.drivers import calendars
from ltvkit.errors import ParamsError, TooLittleData

KNOWN = {"export_begins": "opening", "draws": 50}
DATES = pd.date_range("2023-01-01", "2024-05-31")
HOLIDAYS = calendars.list_holidays("JP", first=2023, last=2024)
IS_HOLIDAY = np.isin([periods.number_of(day) for day in DATES], HOLIDAYS)


def make_shop(counts) -> pd.DataFrame:
    """So many orders on each of `DATES`, each of a new customer, for 10."""
    rows = [
        (f"c{day:%Y%j}-{n}", f"{day:%Y%j}-{n}", day, 10)
        for day, count in zip(DATES, counts, strict=True)
        for n in range(count)
    ]
    return make_lines(*rows)


HALF = make_shop(np.where(IS_HOLIDAY, 2, 4))


def test_a_holiday_that_brings_half_is_a_kind_of_day(on):
    """May 2024 has four holidays (3 to 6 May), April one (29 April): 27 x 4 + 4 x 2 orders, and
    29 x 4 + 2."""
    found = drivers.explain(on(HALF), as_of="2024-05-31", country="JP", **KNOWN)
    assert (found.before, found.after) == (1180, 1160)
    table = found.table.set_index("leaf")
    sides = ["value_before", "value_after"]
    assert table.loc["weekday_and_holiday_mix", sides].tolist() == pytest.approx(
        [29.5 / 30, 29 / 31]
    )
    assert table.loc["new_customers_a_day", sides].tolist() == pytest.approx([4, 4])
    # Two parts move, each at the mean of the other: 40 a full day.
    days, mix = table.loc[["days", "weekday_and_holiday_mix"], "change_in_revenue"]
    assert mix == pytest.approx(40 * 30.5 * (29 / 31 - 29.5 / 30))  # 58.2 less
    assert days == pytest.approx(40 * (29.5 / 30 + 29 / 31) / 2)
    assert days + mix == pytest.approx(-20)
    # From 3 June 2023: seven in 2023, and eleven up to May 2024.
    assert found.notes == (
        "On the 18 public holidays of the last 52 weeks there were 50.0% as many orders as on an "
        "average day.",
    )


def test_without_a_country_there_are_weekdays_alone():
    found = drivers.explain(HALF, as_of="2024-05-31", **KNOWN)
    assert "weekday_and_holiday_mix" not in found.formula.leaves
    assert found.notes == ()


def test_weekdays_are_learned_from_days_that_are_no_holidays():
    """A Sunday brings twice as much as another day, and any holiday half of that other day."""
    counts = np.where(IS_HOLIDAY, 2, np.where(DATES.day_of_week == 6, 8, 4))
    weights, _holidays, _note = calendars.learn(
        make_shop(counts), as_of="2024-05-31", country="JP", since="2024-04-01"
    )
    assert weights == pytest.approx([*[7 / 8] * 6, 14 / 8, 7 / 16])


def test_holidays_that_bring_what_their_weekday_does_have_no_part():
    """Of 30 shops, whose Sundays are strong, at most one in a hundred shows holidays by chance."""
    seen = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        days = pd.DataFrame(
            {
                "customer_id": [f"c{n}" for n in range(len(DATES))],
                "order_date": DATES,
                "orders": rng.poisson(np.where(DATES.day_of_week == 6, 40, 20)),
                "active": 1,
                "revenue": 1.0,
            }
        )
        found = calendars.learn(days, as_of="2024-05-31", country="JP")
        assert (len(found.weights) == 8) == bool(len(found.holidays))
        seen.append(len(found.holidays) > 0)
        if not seen[-1]:
            assert "so each counts as its weekday" in found.note
            plain = calendars.learn(days, as_of="2024-05-31")
            assert (found.weights == plain.weights).all()
    assert sum(seen) <= 2


def test_too_few_holidays_count_as_their_weekday_and_it_says_so():
    lines = HALF[HALF["order_date"] >= "2024-03-25"]
    found = drivers.explain(lines, as_of="2024-05-31", country="JP", **KNOWN)
    assert "weekday_and_holiday_mix" not in found.formula.leaves
    # 29 April, and 3 to 6 May.
    assert found.notes == (
        "There were 5 public holidays in the last 52 weeks; it takes 6 to learn what holidays "
        "bring, so each counts as its weekday.",
    )


@pytest.mark.parametrize(
    ("given", "near"),
    [("Japan", r"Near: JP \(Japan\)"), ("JPN", r"JP \(Japan\)"), ("jp", r"Near: JP \(Japan\)")],
)
def test_a_country_that_is_not_known_is_refused_with_the_nearest_codes(given, near):
    with pytest.raises(ParamsError, match=near):
        calendars.learn(HALF, as_of="2024-05-31", country=given)


def test_a_formula_of_the_shops_own_may_name_holidays():
    leaves = ("customers_a_day", "orders_per_customer", "order_value")
    given = {
        "formula": f"days * weekday_and_holiday_mix * {' * '.join(leaves)}",
        "leaves": {leaf: {"owner": "A"} for leaf in leaves},
    }
    tree = drivers.read_tree(given)
    rule = {"as_of": "2024-05-31", "kpi_tree": tree, **KNOWN}
    found = drivers.explain(HALF, country="JP", **rule).table.set_index("leaf")
    assert found.loc["customers_a_day", "value_after"] == pytest.approx(4)
    with pytest.raises(TooLittleData, match="no country is given"):
        drivers.explain(HALF, **rule)
