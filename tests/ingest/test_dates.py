from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltvkit.errors import ParamsError
from ltvkit.ingest.parse import date_formats, dates

CONNECTION = duckdb.connect()
QUICK = settings(max_examples=40, deadline=None)
ZONES = ("Asia/Tokyo", "UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata")


def read(texts: list, **options) -> list:
    frame = CONNECTION.from_arrow(pa.table({"x": pa.array(texts, pa.string())}))
    found = frame.project(dates.parse_date("x", "VARCHAR", **options))
    assert str(found.types[0]) == "TIMESTAMP"
    return [None if day is None else day.date() for (day,) in found.fetchall()]


def typed(value: str, **options):
    frame = CONNECTION.sql(f"select {value} as x")
    day = frame.project(dates.parse_date("x", str(frame.types[0]), **options)).fetchall()[0][0]
    return day and day.date()


FIFTH = [
    "2024-01-05", "2024-1-5", "2024/1/5", "2024/01/05", "2024.1.5", "20240105", "2024年1月5日",
    "2024年 1月 5日", "２０２４／０１／０５", "２０２４年１月５日", " 2024-01-05 ",
    "\u30002024/1/5\u3000",
    "\ufeff2024-01-05", "2024-01-05\t", "2024/01/05(金)", "2024年1月5日（金）",
    "2024-01-05 10:30", "2024-01-05 10:30:59", "2024-01-05T10:30:59", "2024-01-05T10:30:59.123456",
    "2024/1/5 9:05", "2024/01/05(金) 10:30", "20240105 10:30", "20240105T103059", "20240105103059",
    "2024年1月5日10時30分", "2024年1月5日 午後3時", "2024/1/5 午前10:30:59", "2024-01-05 10:30 PM",
    "2024-01-05 24:00:00", "2024年1月5日　１０：３０",
    "令和6年1月5日", "令和６年１月５日", "令和06年01月05日 10:30", "R6.1.5", "R06/01/05", "r6-1-5",
    "45296", "45296.0", "45296.9999", "４５２９６",
]  # fmt: skip


def test_every_form_of_a_day():
    assert read(FIFTH) == [date(2024, 1, 5)] * len(FIFTH)


UNREADABLE = [
    "03/04/2024", "3.4.2024", "24-01-05", "24/1/5 10:00", "'24-01-05", "240105", "2024101",
    "2024-01", "2024", "2024-02-30", "2023-02-29", "20240230", "2024-13-01", "2024年2月30日",
    "0024-01-05",
    "1899-12-31", "18991231", "1900-01-01", "1970/1/1", "1970-01-01T00:00:00Z", "9999-12-31",
    "9999/12/31 23:59:59", "2999-12-31", "2567-01-05", "2567/1/5 10:00",
    "0001-01-01 00:00:00", "12024-01-05", "12024-1-5", "-2024-01-05",
    "2024-01-05 (BC)", "99999-1-5", "2024-01-05 25:00", "2024-01-05 24:30", "2024-01-05 10:61",
    "2024-01-0510:30", "2024-01-05x", "2024-01-05 10:30 x", "epoch", "infinity", "-infinity", "now",
    "yesterday", "2024-01-05 10:00 +25:00", "2024-01-05 10:00 +09:60",
    "2024-01-05 10:00 Asia/Tokyo",
    "令和0年1月5日", "令和6年2月30日", "R6.13.1", "大正3年1月1日", "X6.1.5",
    "19999", "80001", "1704412800",
    "day 2024-01-05", "=2024-01-05",
]  # fmt: skip


def test_what_is_no_certain_day_is_not_read():
    assert read([*UNREADABLE, "", " ", None]) == [None] * (len(UNREADABLE) + 3)


@pytest.mark.parametrize(
    ("first", "last", "outside"),
    [
        (("昭和元年12月25日", "1926-12-25"), ("S64.1.7", "1989-01-07"), ["S1.12.24", "S64.1.8"]),
        (("平成元年1月8日", "1989-01-08"), ("H31.4.30", "2019-04-30"), ["H1.1.7", "H31.5.1"]),
        (("令和元年5月1日", "2019-05-01"), ("R31.4.30", "2049-04-30"), ["R1.4.30", "令和元.4.1"]),
    ],
)
def test_an_era_has_only_its_own_days(first, last, outside):
    days = [date.fromisoformat(day) for _, day in (first, last)]
    assert read([first[0], last[0], *outside]) == [*days, None, None]


def era(day: date) -> str:
    name, begun = next((n, y) for n, y, d in ERAS if day >= d)
    return f"{name}{day.year - begun}年{day.month}月{day.day}日"


ERAS = [
    ("令和", 2018, date(2019, 5, 1)),
    ("平成", 1988, date(1989, 1, 8)),
    ("昭和", 1925, date(1926, 12, 25)),
]
FORMS = [
    *(lambda d, f=f: d.strftime(f) for f in ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d")),
    lambda d: f"{d.year}年{d.month}月{d.day}日",
    lambda d: f"{d.year}/{d.month}/{d.day}",
    era,
]
TIMES = ("", " 00:00:00", " 23:59", " 午後11時59分")


@QUICK
@given(st.dates(date(1926, 12, 25), date(2100, 12, 31)).filter(date(1970, 1, 1).__ne__))
def test_any_day_reads_back_from_any_form_and_time(day):
    texts = [form(day) + time for form in FORMS for time in TIMES]
    assert read(texts) == [day] * len(texts)


@QUICK
@given(st.integers(20000, 80000), st.floats(0, 0.999))
def test_serials_of_excel(serial, part):
    day = date(1899, 12, 30) + timedelta(serial)
    assert read([str(serial), f"{serial + part:.6f}"]) == [day, day]
    assert typed(f"{serial + part:.6f}::double") == typed(f"{serial}::bigint") == day


MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2037, 12, 31))
OFFSETS = st.integers(-12 * 4, 14 * 4).map(lambda quarters: timedelta(minutes=15 * quarters))


def offset(of: datetime) -> str:
    return of.isoformat()[-6:]


@QUICK
@given(MOMENTS, OFFSETS, st.sampled_from(ZONES))
def test_an_instant_counts_by_the_day_of_the_zone(moment, away, zone):
    instant = moment.replace(microsecond=0, tzinfo=timezone(away))
    day = instant.astimezone(ZoneInfo(zone)).date()
    short = offset(instant).replace(":", "")
    utc = instant.astimezone(UTC).replace(tzinfo=None)
    texts = [
        instant.isoformat(), instant.isoformat(" "), f"{instant:%Y-%m-%d %H:%M:%S} {short}",
        f"{instant:%Y/%m/%d %H:%M:%S}.999{short}", f"{utc.isoformat()}Z",
        f"{utc} UTC", f"{utc} GMT",
    ]  # fmt: skip
    assert read(texts, zone=zone) == [day] * len(texts)
    assert typed(f"'{instant}'::timestamptz", zone=zone) == day


@QUICK
@given(MOMENTS, OFFSETS)
def test_without_a_zone_the_day_counts_as_it_is_written(moment, away):
    instant = moment.replace(microsecond=0, tzinfo=timezone(away))
    short = offset(instant).replace(":", "")
    plain, slashes = f"{moment:%Y-%m-%d %H:%M:%S}", f"{moment:%Y/%m/%d %H:%M}"
    texts = [
        instant.isoformat(), instant.isoformat(" "), f"{plain} {short}", f"{slashes}{short}",
        f"{moment:%Y-%m-%dT%H:%M:%S}Z", f"{plain} UTC", f"{plain} GMT", f"{slashes} JST",
    ]  # fmt: skip
    assert read(texts) == [moment.date()] * len(texts)


@pytest.mark.parametrize("zone", ZONES)
def test_days_begin_when_the_zone_says_so_in_summer_and_winter(zone):
    """Every hour around the changes of the clock of 2024, and a second around each midnight."""
    starts = [datetime(2024, m, d, tzinfo=UTC) for m, d in ((3, 10), (3, 31), (10, 27), (11, 3))]
    hours = [s + timedelta(hours=h) for s in starts for h in range(-24, 48)]
    moments = [h - timedelta(seconds=s) for h in hours for s in (0, 1)]
    days = [m.astimezone(ZoneInfo(zone)).date() for m in moments]
    assert read([m.isoformat() for m in moments], zone=zone) == days


def test_japanese_time_and_the_machines_own_zone():
    assert read(["2024-01-06 08:59 JST", "2024-01-06T09:00+0900"], zone="UTC") == [
        date(2024, 1, 5),
        date(2024, 1, 6),
    ]
    CONNECTION.execute("set timezone = 'America/New_York'")
    assert typed("'2024-01-05 16:00+00'::timestamptz", zone="Asia/Tokyo") == date(2024, 1, 6)
    assert read(["2024-01-05T16:00Z"], zone="Asia/Tokyo") == [date(2024, 1, 6)]
    CONNECTION.execute("reset timezone")


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("date '2024-01-05'", date(2024, 1, 5)),
        ("timestamp '2024-01-05 23:59:59'", date(2024, 1, 5)),
        ("'2024-01-05 23:59:59'::timestamp_ns", date(2024, 1, 5)),
        ("20240105::integer", date(2024, 1, 5)),
        ("20240105.0::double", date(2024, 1, 5)),
        ("date '0001-01-01'", None),
        ("date '9999-12-31'", None),
        ("timestamp '1970-01-01 00:00:00'", None),
        ("'infinity'::timestamp", None),
        ("'infinity'::timestamptz", None),
        ("time '10:00'", None),
        ("true", None),
        ("null::date", None),
    ],
)
def test_days_from_typed_columns(value, day):
    assert typed(value, zone="Asia/Tokyo") == day


def test_a_declared_form_is_the_only_one_read():
    texts = [
        "03/04/2024",
        "３/4/2024",
        " 31/12/2023 ",
        "2024-01-05",
        "31/02/2024",
        "3/4/24",
        "epoch",
    ]
    found = [date(2024, 4, 3), date(2024, 4, 3), date(2023, 12, 31), None, None, None, None]
    assert read([*texts, "", None], date_format="%d/%m/%Y") == [*found, None, None]
    assert read(["05/01/24"], date_format="%d/%m/%y") == [date(2024, 1, 5)]
    zoned = {"date_format": "%d/%m/%Y %H:%M %z", "zone": "Asia/Tokyo"}
    assert read(["05/01/2024 16:00 +0000"], **zoned) == [date(2024, 1, 6)]


DECLARED = {
    "%b-%d-%y": ["Jan-05-24", "jan.-5-24", "janv.-05-24"],
    "%b %d, %Y, %I:%M:%S %p": ["Jan 5, 2024, 03:04:05 PM", "January 5, 2024, 12:00:00 am"],
    "%d-%b-%y": ["05-janv.-24", "05-Jan.-24", "5-ENE-24", "05-sty-24"],
    "%d. %b %Y": ["5. Januar 2024", "5. jan. 2024"],
    "%d de %B de %Y": ["5 de enero de 2024", "5 de janeiro de 2024"],
    "%m/%d/%Y %H:%M:%S UTC": ["01/05/2024 23:59:59 UTC", "1/5/2024 00:00:00 UTC"],
    "%m/%d/%Y %I:%M %p %Z": ["01/05/2024 11:59 PM PST", "01/05/2024 12:00 AM PDT"],
    "%d/%m/%Y %H:%M %z": ["05/01/2024 23:59 -0700", "05/01/2024 00:00 +09:00"],
    "unix seconds": ["1704412800", "1704499199.9"],
    "unix milliseconds": ["1704412800000", "1704499199999"],
    "Buddhist %d/%m/%Y": ["05/01/2567"],
    "Buddhist year first": ["2567-01-05", "2567/1/5 10:00"],
    "%d/%m/%Y | year first | %d.%m.%y": ["05/01/2024", "2024-01-05", "5.1.24"],
}


@pytest.mark.parametrize("form", DECLARED)
def test_declared_forms_of_a_day(form):
    assert read(DECLARED[form], date_format=form) == [date(2024, 1, 5)] * len(DECLARED[form])


def test_a_month_alone_is_its_first_day():
    months = {
        "%Y-%m": "2024-05", "%Y/%m": "2024/5", "%b %Y": "May 2024", "%Y年%m月": "２０２４年５月",
        "%B %Y": "mai 2024",
    }  # fmt: skip
    for form, text in months.items():
        assert read([text], date_format=form) == [date(2024, 5, 1)]


def test_a_buddhist_leap_day_and_forms_tried_in_order():
    assert read(["29/02/2567"], date_format="Buddhist %d/%m/%Y") == [date(2024, 2, 29)]
    assert read(["29/02/2024"], date_format="Buddhist %d/%m/%Y") == [None]
    assert read(["03/04/2024"], date_format="%d/%m/%Y | %m/%d/%Y") == [date(2024, 4, 3)]
    assert read(["03/04/2024"], date_format="%m/%d/%Y | %d/%m/%Y") == [date(2024, 3, 4)]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("01/31/2024 20:00:00 UTC", "%m/%d/%Y %H:%M:%S UTC"),
        ("01/31/2024 12:00 PM PST", "%m/%d/%Y %I:%M %p %Z"),
        ("01/31/2024 12:00 -0800", "%m/%d/%Y %H:%M %z"),
        ("1706731200", "unix seconds"),
    ],
)
def test_declared_times_with_a_zone_count_on_the_day_of_the_zone(text, form):
    """All are 20:00 on 31 January in UTC."""
    assert read([text], date_format=form, zone="UTC") == [date(2024, 1, 31)]
    assert read([text], date_format=form, zone="Asia/Tokyo") == [date(2024, 2, 1)]


def test_times_are_of_utc_where_the_header_says_so():
    told = {"zone": "Asia/Tokyo", "in_utc": True}
    texts = [
        "2024-01-31 16:00",
        "2024-01-31 16:00:00",
        "2024-01-31 14:00",
        "2024-01-31T16:00+09:00",
    ]
    days = [date(2024, 2, 1), date(2024, 2, 1), date(2024, 1, 31), date(2024, 1, 31)]
    assert read([*texts, "2024-01-31"], **told) == [*days, date(2024, 1, 31)]
    assert read(texts, in_utc=True) == [date(2024, 1, 31)] * 4
    form = "%m/%d/%Y %I:%M %p | %m/%d/%Y"
    texts = ["01/31/2024 04:00 PM", "01/31/2024"]
    assert read(texts, date_format=form, **told) == [date(2024, 2, 1), date(2024, 1, 31)]
    for value in ("timestamp '2024-01-31 16:00:00'", "timestamptz '2024-01-31 16:00:00+00'"):
        assert typed(value, **told) == date(2024, 2, 1)
    assert typed("date '2024-01-31'", **told) == date(2024, 1, 31)


def test_every_months_name_has_one_month_and_no_accent():
    names = [name for names in date_formats._NAMES["months"].values() for name in names]
    assert len(names) == len(set(names))
    assert all(name == date_formats.strip_accents(name).lower() for name in names)
    days = read([f"5 {name}. 2024" for name in names], date_format="%d %b %Y")
    months = [month for month, names in date_formats._NAMES["months"].items() for _ in names]
    assert [f"{day:%b}" for day in days] == months


@QUICK
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("0123年月日-/:RT+ "))
    )
)
def test_no_text_is_an_error_or_a_year_of_two_digits(texts):
    forms = ("", "%d/%m/%Y", "%d %b %Y %H:%M %Z", "unix seconds", "Buddhist %d/%m/%Y | year first")
    for options in [{"date_format": form} for form in forms]:
        assert all(day is None or day.year >= 1900 for day in read(texts, **options))


def test_zones_and_formats_are_checked():
    for zone in ZONES:
        dates.check_timezone(zone)
    for form in [
        "%d/%m/%Y", "%m/%d/%y %H:%M", "%Y年%m月%d日", "%b %d, %Y", "%d/%m/%Y %H:%M %z", "%Y-%m",
        "%B %Y", "%m/%d/%Y %H:%M:%S UTC", "%m/%d/%Y %I:%M %p %Z", "unix seconds", "year first",
        "Buddhist %d/%m/%Y", "Buddhist year first", "%d/%m/%Y | year first | unix milliseconds",
    ]:  # fmt: skip
        date_formats.check_format(form)
    with pytest.raises(ParamsError, match="Did you mean 'Asia/Tokyo'"):
        dates.check_timezone("Asia/Tokio")
    for form in ("dd/mm/yyyy", "%d/%m", "%q", "%", "%Y", "unix", "%d/%m/%Y | ", "year first | %d"):
        with pytest.raises(ParamsError, match="date_format"):
            date_formats.check_format(form)
