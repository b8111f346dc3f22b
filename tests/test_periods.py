from __future__ import annotations

import datetime as dt

import narwhals.stable.v2 as nw
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltvkit import periods
from ltvkit.errors import ParamsError

DATES = st.dates(dt.date(1950, 1, 1), dt.date(2090, 12, 31))


@given(date=DATES, every=st.sampled_from(periods.EVERY))
def test_a_period_holds_its_date_and_ends_the_day_before_the_next(date, every):
    index = periods.index_of(date, every)
    assert periods.start(index, every) <= pd.Timestamp(date) <= periods.end(index, every)
    assert periods.index_of(periods.end(index, every), every) == index
    assert periods.index_of(periods.end(index, every) + pd.Timedelta(days=1), every) == index + 1


@pytest.mark.parametrize("every", periods.EVERY)
def test_engines_and_python_agree_on_the_period(on, every):
    days = pd.date_range("1999-12-25", "2001-03-05", freq="D")
    frame = on(pd.DataFrame({"order_date": days}))
    found = nw.from_native(frame).lazy().select("order_date", i=periods.index("order_date", every))
    table = found.collect("pandas").to_native().sort_values("order_date")
    assert table["i"].tolist() == [periods.index_of(d, every) for d in days]


def test_weeks_are_iso_weeks_across_the_year_end():
    dates = ["2020-12-31", "2021-01-03", "2021-01-04", "2024-12-30"]
    names = [periods.label(periods.index_of(d, "week"), "week") for d in dates]
    assert names == ["2020-W53", "2020-W53", "2021-W01", "2025-W01"]


@pytest.mark.parametrize(
    ("month", "first", "until", "expected"),
    [
        ("last", "1997-01-01", "1998-06-30", "1998-06-30"),
        ("last", "2010-12-01", "2011-12-09", "2011-11-30"),
        ("last", "2024-03-05", "2024-03-20", "2024-03-20"),
        ("2011-12", "2010-12-01", "2011-12-09", "2011-12-09"),
        ("2011-02", "2010-12-01", "2011-12-09", "2011-02-28"),
    ],
)
def test_last_day_of_a_report(month, first, until, expected):
    assert periods.last_day(month, first=first, until=until).isoformat() == expected


@pytest.mark.parametrize("month", ["2012-01", "2010-11"])
def test_a_month_outside_the_data_is_refused_with_the_span(month):
    with pytest.raises(ParamsError, match="2010-12-01 to 2011-12-09"):
        periods.last_day(month, first="2010-12-01", until="2011-12-09")


@pytest.mark.parametrize("month", ["June", "2011-13", "2011-06-30", ""])
def test_a_month_that_is_none_is_refused(month):
    with pytest.raises(ParamsError, match="is not a month"):
        periods.last_day(month, first="2010-12-01", until="2011-12-09")
