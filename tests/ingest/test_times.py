"""Times of day are read on the days that dates are read on, by the clock that is written."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence

import pytest

from ltvkit.engines.connection import connect
from ltvkit.engines.sql import literal
from ltvkit.ingest.parse import dates, times

FORMS = (
    *("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %H:%M", "%Y%m%d%H%M%S", "%Y%m%d %H:%M"),
    *("%Y年%m月%d日 %H時%M分%S秒", "%Y.%m.%d %H:%M:%S", "%Y-%m-%d %I:%M:%S %p", "%Y-%m-%d"),
    *("%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%d %H:%M:%S+09:00", "%Y-%m-%d %H:%M:%S -0500"),
    *("%Y-%m-%d %H:%M:%S UTC", "２０２４年%m月%d日"),
)
DECLARED = (
    *("%d/%m/%Y %H:%M", "%m-%d-%y %H:%M:%S", "%d %b %Y %H:%M", "%d.%m.%Y", "%d/%m/%Y %I:%M %p"),
    *("%d/%m/%Y %H:%M:%S %z", "%b %d, %Y %H:%M %Z", "%a, %d %b %Y %H:%M:%S %z"),
)
RNG = random.Random(4)
MOMENTS = [
    dt.datetime(2024, RNG.randint(1, 12), RNG.randint(1, 28), *map(RNG.randrange, (24, 60, 60)))
    for _ in range(12)
]


def read(texts: Sequence[str], **how: str) -> list[tuple[dt.datetime | None, dt.datetime | None]]:
    """Texts -> each as a time and as a day."""
    time = times.parse_time("x", "VARCHAR", **how)
    day = dates.parse_date("x", "VARCHAR", **how)
    rows = ", ".join(f"({n}, {literal(x)})" for n, x in enumerate(texts))
    sql = f"select {time}, {day} from (values {rows}) v(n, x) order by n"
    return connect(threads=1).execute(sql).fetchall()


@pytest.mark.parametrize("zone", ["", "Asia/Tokyo", "America/New_York"])
def test_a_time_is_on_the_day_that_orders_would_be(zone):
    texts = [moment.strftime(form) for form in FORMS for moment in MOMENTS]
    for text, (time, day) in zip(texts, read(texts, zone=zone), strict=True):
        assert day is not None, text
        assert time.replace(hour=0, minute=0, second=0, microsecond=0) == day, text


@pytest.mark.parametrize("zone", ["", "Asia/Tokyo"])
@pytest.mark.parametrize("form", DECLARED)
def test_so_it_is_by_a_declared_format(form, zone):
    texts = [moment.replace(tzinfo=dt.UTC).strftime(form) for moment in MOMENTS]
    found = read(texts, zone=zone, date_format=form)
    for moment, (time, day) in zip(MOMENTS, found, strict=True):
        assert time.replace(hour=0, minute=0, second=0, microsecond=0) == day
        if not zone and ("%H" in form or "%I" in form):
            assert (time.hour, time.minute) == (moment.hour, moment.minute)


def test_what_is_written_is_read_back():
    seconds = [int(moment.replace(tzinfo=dt.UTC).timestamp()) for moment in MOMENTS]
    ways = (
        *(lambda m, s: str(m), lambda m, s: m.isoformat(), lambda m, s: f"{m.isoformat()}.25Z"),
        *(lambda m, s: f"{m:%Y%m%d%H%M%S}", lambda m, s: str(s), lambda m, s: f"{s}000"),
        *(lambda m, s: f"{s}000000", lambda m, s: f"{m:%Y/%m/%d %p%I:%M:%S}"),
    )
    for way in ways:
        found = read([way(m, s) for m, s in zip(MOMENTS, seconds, strict=True)])
        assert [time.replace(microsecond=0) for time, _day in found] == MOMENTS


def test_a_time_with_a_zone_is_moved_to_the_clock_asked_for():
    ahead = dt.timedelta(hours=9)
    texts = [f"{moment.isoformat()}Z" for moment in MOMENTS]
    found = [time for time, _day in read(texts, zone="Asia/Tokyo")]
    assert found == [moment + ahead for moment in MOMENTS]
    utc = times.parse_time("x", "VARCHAR", zone="Asia/Tokyo", in_utc=True)
    rows = ", ".join(f"({literal(str(moment))})" for moment in MOMENTS)
    asked = connect(threads=1).execute(f"select {utc} from (values {rows}) v(x)").fetchall()
    assert [time for (time,) in asked] == [moment + ahead for moment in MOMENTS]


def test_what_is_no_day_is_no_time():
    texts = ["", "soon", "25:00", "2024-13-01 10:00", "1970-01-01", "17044488", 17 * "9"]
    assert read(texts) == [(None, None)] * len(texts)
