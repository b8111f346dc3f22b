"""Which mark is the decimal one, by all amounts of a column."""

from __future__ import annotations

from functools import partial

import duckdb
import pytest

from ltvkit.engines import connection
from ltvkit.ingest.parse import decimal_marks

CONNECTION = duckdb.connect()


def count(*texts: str) -> decimal_marks.Marks:
    CONNECTION.execute("create or replace table written as select unnest(?) as a", [list(texts)])
    ask = partial(connection.ask, CONNECTION, "select a, null::varchar as b from written")
    return decimal_marks.count_marks(ask, ["a", "b"])


@pytest.mark.parametrize(
    "texts",
    ["1.137,50 €", "12,5", "0,500", "1234,500", "1 234,500", "1'234,500", "1.234.567", "1.234,567"],
)
def test_a_decimal_comma_shows(texts):
    found = count(texts, "25.500", "500")
    assert (found.comma, found.point, found.undecided) == (1, 0, "")
    turned = texts.translate(str.maketrans(",.", ".,"))
    found = count(turned, "25,500", "500")
    assert (found.comma, found.point, found.undecided) == (0, 1, "")


@pytest.mark.parametrize("text", ["1,25,007.00", "1,25,007", "12,34,567"])
def test_grouping_as_in_india_shows_a_decimal_point(text):
    assert (count(text).comma, count(text).point) == (0, 1)


@pytest.mark.parametrize("mark", [".", ","])
def test_one_mark_before_three_digits_leaves_it_open(mark):
    found = count(f"25{mark}500", f"Rp 1{mark}000", f"−100{mark}250", "500", "999", "-", "")
    assert (found.comma, found.point, found.open) == (0, 0, 3)
    assert (found.undecided, found.example) == (mark, f"1{mark}000")


def test_amounts_without_marks_show_nothing_and_leave_nothing_open():
    assert count("500", "1200", "500.-", "500,-", "abc", "") == (0, 0, 0, 0, None)
    assert count("500").undecided == ""


@pytest.mark.parametrize(
    ("mark", "currencies", "meant"),
    [
        (".", ["IDR"], "group"), (".", ["VND", "CLP"], "group"), (".", ["KWD"], "decimal"),
        (".", ["EUR"], ""), (".", ["USD"], ""), (".", ["JPY"], ""), (".", ["COP", "ARS"], ""),
        (".", [], ""), (",", ["JPY"], "group"), (",", ["USD", "INR"], "group"),
        (",", ["IDR"], "group"), (",", ["EUR"], ""), (",", ["KWD"], ""),
        (",", ["USD", "BRL"], "group"), (",", ["BRL", "USD"], ""),
        (".", ["CLP", "IDR"], "group"),
    ],
)  # fmt: skip
def test_a_currency_tells_only_where_its_country_leaves_no_choice(mark, currencies, meant):
    assert decimal_marks.decide(mark, currencies) == meant
