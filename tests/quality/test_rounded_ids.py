"""Ids that a spreadsheet has rounded."""

from __future__ import annotations

import pytest
from conftest import make_lines

from ltvkit.engines import frames
from ltvkit.quality import rounded_ids


def find(ids, column="order_id", on=lambda frame: frame):
    rows = [(f"c{n}", i, "2024-01-05", 10) for n, i in enumerate(ids)]
    lines = make_lines(*rows)
    if column == "customer_id":
        lines = lines.rename(columns={"customer_id": "order_id", "order_id": "customer_id"})
    return rounded_ids.find_rounded(frames.lazy(on(lines)), ["customer_id", "order_id"])


def test_a_long_number_as_a_spreadsheet_writes_it(on):
    found = find(["1.23457E+11", "1.23457E+11", "1E+12", "A-7"], on=on)
    assert found == [rounded_ids.Rounded("order_id", lines=3, ids=2, amount=30)]
    found, figure = rounded_ids.check_rounded(found)
    assert found
    assert figure.startswith("order_id of 3 lines (30.00) was rounded by a spreadsheet")
    assert find(["1.23457E+11"], column="customer_id")[0].column == "customer_id"


def test_eighteen_digits_that_end_in_zeros(on):
    rounded = [f"{123456789012345 + n}000" for n in range(3)]
    assert find(rounded, on=on) == [rounded_ids.Rounded("order_id", lines=3, ids=3, amount=30)]


@pytest.mark.parametrize(
    "ids",
    [
        [f"{123456789012345 + n}00{n}" for n in range(9)],  # as written: only one ends in 000
        ["123456789012345000"],  # one alone, by chance
        ["1234567890123000", "1234567890124000", "1234567890125000"],  # three of ten end in 0
        ["1E5", "2e10", "E+11", "12.5E+3x"],  # other ids
        [f"{n}000" for n in range(1000, 1009)],  # short ones keep all digits
    ],
)
def test_other_ids_were_not_rounded(ids):
    assert find(ids) == []
    assert not rounded_ids.check_rounded([])[0]


def test_an_id_with_its_year_is_seen_as_well():
    assert find(["1.23457E+11 2024", "1.23457E+11 2025"])[0].lines == 2
