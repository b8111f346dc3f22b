"""Exports that begin in the middle of a shop's life, and shops that only look like it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from stub_shops import START, simulate

from ltvkit.ingest import old_customers, truncation
from ltvkit.periods import day


def find(lines, days, **options):
    until = START + pd.Timedelta(days=days - 1)
    return truncation.find_truncation(lines, as_of=until, **options)


OPENED = {
    "steady": lambda t: 6,
    "growing": lambda t: 3 * np.exp(t / 200),
    "shrinking": lambda t: 9 * np.exp(-t / 300),
    "opened with a campaign": lambda t: 5 + 20 * np.exp(-t / 30),
    "opened in the season": lambda t: 5 + 10 * (t % 365 < 45),
    "won in one quarter": lambda t: 20 * (t < 90),
    "slower and slower": lambda t: 20 * np.exp(-t / 60),
}


@pytest.mark.parametrize("kind", OPENED)
def test_a_shop_that_opens_in_the_data_begins_with_its_first_customers(kind):
    rng = np.random.default_rng(11)
    for days in (200, 396, 730):
        assert find(simulate(rng, won=OPENED[kind], days=days), days) is None


@pytest.mark.parametrize("days", [240, 396, 730])
def test_an_older_shop_is_found_and_its_old_customers_counted(days):
    lines = simulate(np.random.default_rng(5), won=lambda t: 8, days=days, before=1500)
    found = find(lines, days)
    seem = lines.groupby("customer_id")["order_date"].min()
    first = (seem < START + pd.Timedelta(days=90)).sum()
    assert found.begins == START
    assert found.days == 90
    assert found.new == first
    assert found.old == pytest.approx(first - 90 * 8, rel=0.1)  # 8 a day are new
    assert START + pd.Timedelta(days=150) < found.known_from


def test_the_longer_the_export_the_surer_it_is_who_is_new():
    lines = simulate(np.random.default_rng(5), won=lambda t: 8, days=1100, before=1500)
    found = find(lines, 1100)
    known = (found.known_from - START).days
    assert 200 < known < 900
    assert known % old_customers.SPAN == 0
    soon = find(lines[lines["order_date"] < START + pd.Timedelta(days=240)], 240)
    assert soon.known_from == START + pd.Timedelta(days=240)  # not in these days


def test_a_fixed_group_of_customers_does_not_tell():
    rows = [(n % 150, str(n), START + pd.Timedelta(days=n // 8), 1.0) for n in range(8 * 365)]
    lines = pd.DataFrame(rows, columns=["customer_id", "order_id", "order_date", "amount"])
    assert find(lines.astype({"customer_id": str}), 365) is None


def test_every_engine_finds_the_same(on):
    lines = simulate(np.random.default_rng(5), won=lambda t: 8, days=300, before=1000)
    assert find(on(lines), 300) == find(lines, 300)


def test_a_wrong_date_long_before_all_others_hides_nothing():
    lines = simulate(np.random.default_rng(5), won=lambda t: 8, days=300, before=1000)
    wrong = lines[:1].assign(order_date=pd.Timestamp("1970-01-01"))
    there, here = find(pd.concat([lines, wrong]), 300), find(lines, 300)
    assert (there.begins, there.days, there.known_from) == (here.begins, here.days, here.known_from)
    assert there.old == pytest.approx(here.old, rel=0.01)


def test_what_is_declared_needs_no_finding():
    rng = np.random.default_rng(5)
    older = simulate(rng, won=lambda t: 8, days=300, before=1000)
    assert find(older, 300, export_begins="opening") is None
    opened = simulate(rng, won=lambda t: 8, days=300)
    assert find(opened, 300, export_begins="later").known_from > START
    short = find(opened[:5], 20, export_begins="later")
    assert short.known_from == START + pd.Timedelta(days=20)
    assert np.isnan(short.old)
    assert find(opened[:0], 20, export_begins="later") is None


def test_a_short_export_does_not_tell():
    lines = simulate(np.random.default_rng(5), won=lambda t: 8, days=179, before=1000)
    assert find(lines, 179) is None


def test_the_estimate_by_hand():
    """Purchases a day apart from ten a day: who bought before returns on the first day."""
    length = 180
    gaps, left = np.zeros(length), np.zeros(length)
    gaps[1], left[0] = 1000, 10
    counts = old_customers.Counts(np.zeros(length), np.full(length, 10.0), gaps, left)
    # Of those of a day before, 1000 of 1000 come back after exactly one day: all on the first.
    for estimate in old_customers.estimate_old(counts, growth=0.0):
        np.testing.assert_allclose(estimate, [10, 0, 0, 0, 0, 0], atol=1e-9)
    gaps[:], left[:] = 0, 0
    gaps[31], left[40] = 50, 50  # half of them come back after 31 days, half not in 40
    late = old_customers.Counts(np.zeros(length), np.full(length, 10.0), gaps, left)
    for estimate in old_customers.estimate_old(late, growth=0.0):
        np.testing.assert_allclose(estimate, [150, 5, 0, 0, 0, 0], atol=1e-9)


def test_what_comes_after_the_data_is_estimated_from_their_last_two_thirds():
    """One in ten comes back in the second third of 180 days, one in twenty in the last."""
    gaps, left = np.zeros(180), np.zeros(180)
    gaps[100], gaps[150], left[179] = 100, 50, 850
    counts = old_customers.Counts(np.zeros(180), np.full(180, 10.0), gaps, left)
    likely, cautious = old_customers.estimate_old(counts, growth=0.0)
    # Half as many in each third: another twentieth after the data, at ten a day for 30 days.
    assert likely[-1] == pytest.approx(10 * 30 * 0.05, rel=0.01)
    # As a power t^-a of the time with the same halving: (1.5^a - 1) / (3^a - 1.5^a) = 1 / 2.
    power = 0.28378
    assert (1.5**power - 1) / (3**power - 1.5**power) == pytest.approx(0.5, abs=1e-4)
    late = 10 * 30 * 0.05 / (1.5**power - 1)
    assert cautious[-1] == pytest.approx((likely[-1] + late) / 2, rel=0.02)


def test_days_are_read_as_days():
    assert truncation._date(0) == day("1970-01-01")


def test_of_a_growing_shop_fewer_customers_come_from_before():
    """Times between purchases of 100 days on average, and growth by one in 365 days a day: of the
    customers of before, 1 / (1 + 100 / 365) of those of a steady shop, by hand."""
    still = np.exp(-np.arange(3000) / 100)
    weighed = old_customers._weigh_past(still, 1 / 365)
    assert weighed[:500] / still[:500] == pytest.approx(1 / (1 + 100 / 365), rel=0.01)
    assert old_customers._weigh_past(still, 0.0) == pytest.approx(still)
    shrinking = old_customers._weigh_past(still, -1 / 365)
    assert shrinking[:500] / still[:500] == pytest.approx(1 / (1 - 100 / 365), rel=0.01)


def test_the_growth_of_purchases_is_that_of_their_trend():
    days = np.arange(720)
    assert old_customers.estimate_growth(50 * np.exp(0.001 * days)) == pytest.approx(
        0.001, rel=0.01
    )
    assert old_customers.estimate_growth(np.full(720, 50.0)) == pytest.approx(0, abs=1e-12)
    assert old_customers.estimate_growth(np.full(60, 50.0)) == 0, "too few months for a trend"
