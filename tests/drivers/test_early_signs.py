"""Second orders as an early sign of LTV: by hand, and no link where there is none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines

from ltvkit import drivers
from ltvkit.errors import ColumnError

KNOWN = {"export_begins": "opening"}
# Won in January 2023: a comes back on day 90, b a day too late. Won in February: c alone, until the
# month in which a year ends; d is won when nobody has had 90 days.
LINES = make_lines(
    ("a", "1", "2023-01-10", 100), ("a", "2", "2023-04-10", 50), ("a", "3", "2024-01-05", 999),
    ("b", "4", "2023-01-31", 60), ("b", "5", "2023-05-02", 30),
    ("c", "6", "2023-02-01", 80), ("c", "7", "2024-01-20", 40),
    ("d", "8", "2023-12-20", 70), ("d", "9", "2023-12-28", 10),
)  # fmt: skip


def test_cohorts_by_hand(on):
    link = drivers.find_link(on(LINES), as_of="2024-01-25", **KNOWN)
    table = link.table.set_index("cohort")
    assert table["customers"].tolist() == [2, 1, 1]
    assert table["second_order_share"].tolist() == pytest.approx([0.5, 0, np.nan], nan_ok=True)
    # January's year is over, February's ends with January. Of 120 on average, b's second order
    # came in the fifth month.
    assert table["ltv_12m"].tolist() == pytest.approx([120, np.nan, np.nan], nan_ok=True)
    assert table["later_value"].tolist() == pytest.approx([15, np.nan, np.nan], nan_ok=True)
    over = drivers.find_link(on(LINES), as_of="2024-01-31", **KNOWN)
    assert over.table["ltv_12m"].tolist()[:2] == [120, 120]


def test_too_few_say_how_many_are_needed():
    link = drivers.find_link(LINES, as_of="2024-01-31", **KNOWN)
    assert not link.found
    assert drivers.describe_link(link) == (
        "Whether early second orders go with what comes later cannot be told yet: it takes 8 "
        "monthly cohorts of 30 customers or more who have been customers for 12 months, and there "
        "are 0."
    )
    young = drivers.find_link(LINES, as_of="2023-06-30", **KNOWN)
    assert young.table["ltv_12m"].isna().all()
    with pytest.raises(ColumnError, match="margin"):
        drivers.find_link(LINES, as_of="2024-01-31", of="margin", **KNOWN)


def make_cohorts(rng: np.random.Generator, *, slope: float, many: int = 15) -> pd.DataFrame:
    share = rng.uniform(0.15, 0.35, many)
    return pd.DataFrame(
        {
            "cohort": [f"{2020 + n // 12}-{n % 12 + 1:02d}" for n in range(many)],
            "customers": 100,
            "second_order_share": share,
            "later_value": 5000 + slope * share + rng.normal(0, 100, many),
        }
    )


def test_no_link_is_found_where_there_is_none_and_one_where_there_is():
    """One in twenty of the first is to be expected."""
    rng = np.random.default_rng(1)
    said = [drivers.measure_link(make_cohorts(rng, slope=0), draws=400).found for _ in range(200)]
    assert np.mean(said) <= 0.09
    held = []
    for _shop in range(50):
        link = drivers.measure_link(make_cohorts(rng, slope=3000), draws=400)
        assert link.found
        held.append(link.slope[1] <= 300 <= link.slope[2])
    assert np.mean(held) >= 0.84


def test_second_orders_are_no_link_by_being_a_part_of_ltv():
    """Cohorts of one population, whose early orders say nothing of later ones."""
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        rows = []
        for month in range(16):
            first = pd.Timestamp("2022-01-05") + pd.DateOffset(months=month)
            for n in range(40):
                again = [("2", 40)] * (rng.random() < 0.3) + [("3", 200)] * (rng.random() < 0.3)
                rows += [
                    (f"{month} {n}", f"{month} {n} {name}", first + pd.Timedelta(days=day), 50)
                    for name, day in [("1", 0), *again]
                ]
        link = drivers.find_link(make_lines(*rows), as_of="2024-04-30", draws=200, **KNOWN)
        assert link.cohorts == 16
        found.append(link.found)
    assert np.mean(found) <= 0.15


def test_a_link_is_told_as_what_went_together():
    table = make_cohorts(np.random.default_rng(2), slope=3000)
    said = drivers.describe_link(drivers.measure_link(table), currency="JPY")
    assert "also brought more in their months 5 to 12: ten points more went with +" in said
    falling = table.assign(later_value=-table["later_value"])
    assert "brought less in their months 5 to 12" in drivers.describe_link(
        drivers.measure_link(falling)
    )
    noise = make_cohorts(np.random.default_rng(3), slope=0)
    assert (
        "No link with what customers brought in their months 5 to 12 can be told"
        in drivers.describe_link(drivers.measure_link(noise))
    )
    same = drivers.measure_link(table.assign(second_order_share=0.2))
    assert "so there is no link to measure" in drivers.describe_link(same)
