"""What an inspection proposes, asks and says of the days of orders."""

from __future__ import annotations

from pathlib import Path

import pytest

from ltvkit import orders
from ltvkit.ingest import readers
from ltvkit.inspection import proposals, result, zones

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def look(dates: list[str], *, amount: int = 100) -> result.Inspection:
    """An inspection of one order of `amount` on each of the dates, by one customer each."""
    lines = [f'c{n},{n},"{date}",{amount}' for n, date in enumerate(dates)]
    text = "\n".join(["customer_id,order_id,order_date,amount", *lines])
    Path("orders.csv").write_text(f"{text}\n", "utf-8")
    return proposals.inspect("orders.csv")


@pytest.mark.parametrize(
    ("dates", "first", "last"),
    [
        (["Jan 1, 2024, 3:00:00 AM", "May 17, 2024, 1:00:00 PM"], "2024-01-01", "2024-05-17"),
        (["01/01/2024 03:00:00 UTC", "05/17/2024 23:00:00 UTC"], "2024-01-01", "2024-05-17"),
        (["05-oct.-26", "17-nov.-26"], "2026-10-05", "2026-11-17"),
        (["1704412800", "1715904000"], "2024-01-05", "2024-05-17"),
        (["13/01/2567", "01/05/2567"], "2024-01-13", "2024-05-01"),
        (["2024-01", "2024-05"], "2024-01-01", "2024-05-01"),
    ],
)
def test_a_form_is_found_from_the_dates(dates, first, last):
    seen = look(dates)
    assert not seen.refusal
    assert (seen.book.facts["first"], seen.book.facts["last"]) == (first, last)


def test_a_form_that_cannot_be_told_is_asked_about_with_what_it_moves():
    seen = look(["03/04/2024", "04/04/2024", "01/01/2024"])
    assert seen.book is None
    assert seen.checks["policies.date_format"] == (
        '01/01/2024 can be read as "%d/%m/%Y" or "%m/%d/%Y": choose one. With "%m/%d/%Y" instead '
        'of "%d/%m/%Y": another day for 1 order (100.00 USD), another month for 1 order '
        "(100.00 USD)."
    )


def test_the_form_by_which_lines_are_in_order_of_time_is_named():
    days = [f"0{month}/0{day}/2024" for month in range(1, 7) for day in range(1, 10)]
    for order in (days, days[::-1]):
        said = look(order).checks["policies.date_format"]
        assert said.endswith(' Only with "%m/%d/%Y" are the lines in order of time.')
    assert (
        "in order of time" not in look(["03/04/2024", "04/03/2024"]).checks["policies.date_format"]
    )


def test_two_forms_are_read_and_it_is_said_which_lines_have_them():
    seen = look(["01/30/2024", "02/01/2024", "2024-02-02", "2024-02-03", "2024-02-04"])
    assert seen.policies["date_format"] == "%m/%d/%Y | year first"
    assert len(seen.book.lines) == 5
    assert seen.notes == (
        'Dates are written in several forms: "%m/%d/%Y" on 2 lines, from 2024-01-30 to 2024-02-01; '
        '"year first" on 3 lines, from 2024-02-02 to 2024-02-04.',
    )


def test_two_forms_that_both_fit_a_date_are_asked_about():
    seen = look(["13/01/2024", "03/04/2024", "04/13/2024"])
    said = seen.checks["policies.date_format"]
    assert '"%d/%m/%Y | %m/%d/%Y" or "%m/%d/%Y | %d/%m/%Y"' in said
    assert "another day for 1 order (100.00 USD)" in said


def test_months_and_buddhist_years_are_said():
    assert "no day" in look(["2024-01", "2024-02"]).checks["policies.date_format"]
    assert "2567 is 2024" in look(["2567-01-05", "2567-02-05"]).checks["policies.date_format"]
    assert "policies.date_format" not in look(["2024-01-05"]).checks


def test_days_in_utc_are_asked_about_with_the_orders_that_move():
    for end in (" UTC", "Z", "+00:00"):
        seen = look([f"2024-01-31 20:00:00{end}", f"2024-02-10 20:00:00{end}"])
        said = seen.checks["policies.timezone"]
        assert "Times are in UTC" in said
        assert (
            "Asia/Tokyo: another day for 2 orders (200.00 USD), another month for 1 order "
            "(100.00 USD)"
        ) in said
        assert "New_York" not in said  # 15:00 on the same day


def test_a_header_that_says_utc_is_asked_about_and_the_zone_that_is_declared_counts():
    Path("utc.csv").write_text(
        "customer_id,Created (UTC),amount\na,2024-01-31 20:00,100\nb,2024-02-10 20:00,100\n"
    )
    columns = {"customer_id": "customer_id", "order_date": "Created (UTC)", "amount": "amount"}
    told = {"columns": columns, "policies": {"timezone": "Asia/Tokyo"}}
    assert orders.read("utc.csv", **told).facts["first"] == "2024-02-01"
    assert orders.read("utc.csv", columns=columns).facts["first"] == "2024-01-31"
    raw = readers.open_source("utc.csv")
    assert zones.list_zones(raw, "Created (UTC)") == {"UTC"}


def test_a_written_offset_counts_on_its_own_day_and_is_asked_about_where_days_differ():
    seen = look(["2024-05-31T23:10:00-07:00", "2024-05-01 00:30:00 -0700"])
    assert seen.book.facts["last"] == "2024-05-31"
    said = seen.checks["policies.timezone"]
    assert "(-0700), and their day counts as it is written" in said
    assert "UTC: another day for 1 order (100.00 USD), another month for 1 order" in said
    assert "policies.timezone" not in look(["2024-05-31T10:10:00-07:00"]).checks


def test_the_zone_of_tokyo_is_declared_and_not_asked_about():
    for end in ("+09:00", " +0900", " JST"):
        seen = look([f"2024-05-31 23:10:00{end}"])
        assert seen.policies["timezone"] == "Asia/Tokyo"
        assert "policies.timezone" not in seen.checks


def test_days_that_mean_none_are_left_out_and_said_with_their_money():
    seen = look(["2024-01-05", "9999-12-31", "1900-01-01", "1970-01-01 00:00:00", "soon"])
    assert len(seen.book.lines) == 1
    assert seen.notes == (
        "3 lines (300.00 USD) are dated 1900-01-01, 1970-01-01, 9999-12-31, which programs write "
        "where there is no date: they are left out. Correct them, if they are orders.",
    )


def test_a_lone_late_date_does_not_move_the_latest_month_and_is_asked_about():
    usual = [f"2024-{month:02}-{day:02}" for month in (1, 2) for day in range(1, 30)]
    seen = look([*usual, "2042-03-01"])
    assert seen.book.facts["last"] == "2024-02-29"
    said = seen.checks["policies.data_until"]
    assert "1 line (100.00 USD) is dated 2042-03-01 or later" in said
    assert "end on 2024-02-29" in said
