"""How many go on, and how soon: by hand, of known truth, and the same when the data are cut."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines
from hypothesis import given, settings
from hypothesis import strategies as st
from stub_funnel import make_events, sample

from ltvkit import funnel
from ltvkit.engines import frames
from ltvkit.errors import ParamsError, Undefined
from ltvkit.funnel import estimation
from ltvkit.ltv import order_steps
from ltvkit.samples import events as planted

KNOWN = {"export_begins": "opening"}
LINES = make_lines(
    ("a", "1", "2024-01-05", 5), ("b", "2", "2024-01-06", 5), ("b", "3", "2024-01-26", 5),
    ("z", "9", "2023-06-01", 5),
)  # fmt: skip
EVENTS = make_events(
    ("2024-01-01 10:00", "first_visit", "v1"),
    ("2024-01-01 11:00", "view_item", "v1"),  # on the same day
    ("2024-01-05 10:00", "purchase", "v1", {"customer_id": "a"}),
    ("2024-01-02 10:00", "first_visit", "v2"),
    ("2024-01-06 10:00", "purchase", "v2", {"order_id": "2"}),  # interest was skipped
    ("2024-01-03 10:00", "first_visit", "v3"),
    ("2024-01-28 10:00", "first_visit", "v4"),  # seen for three days
    ("2024-01-10 10:00", "first_visit", "", {"customer_id": "z"}),  # has bought long ago
    ("2024-01-31 10:00", "scroll", "v5"),
)
AS_OF = "2024-06-30"  # the events end before


def measure(on, lines=LINES, events=EVENTS, as_of=AS_OF, **options):
    joined = funnel.join_visitors(on(events), on(lines), as_of=as_of)
    return funnel.reach(on(lines), joined, as_of=as_of, **KNOWN, **options)


def test_rates_by_hand(on):
    table = funnel.summarize(measure(on), within=5).set_index("stage")
    row = table.loc["attention"]
    assert (row["next_stage"], row["people"], row["next_people"]) == ("interest", 4, 2)
    # On day 0 one of four goes on; after day 3 one was not seen; on day 4 one of two.
    assert row["next_stage_share"] == pytest.approx(1 - 3 / 4 * 1 / 2)
    assert row["median_days"] == 4
    assert row["horizon_days"] == 5
    assert bool(row["few"])
    row = table.loc["interest"]  # nobody compares here: the first order comes next
    assert (row["next_stage"], row["people"], row["next_stage_share"]) == ("purchase", 1, 1.0)
    assert pd.isna(table.loc["comparison", "people"])


def test_of_customers_by_hand(on):
    table = funnel.summarize(measure(on), within=30).set_index("next_stage")
    row = table.loc["second_order"]
    assert (row["people"], row["next_people"]) == (3, 1)
    assert row["next_stage_share"] == pytest.approx(1 / 3)
    assert row["median_days"] == 20
    # Reviews are not recorded, which is not 0.
    assert table.loc["advocating", ["people", "next_people", "next_stage_share"]].isna().all()


def test_series_by_hand(on):
    weeks = funnel.series(measure(on), every="week", within=3)
    rows = weeks[weeks["stage"] == "attention"].set_index("period")
    assert rows["people"].to_dict() == {
        "2024-W01": 3, "2024-W02": 0, "2024-W03": 0, "2024-W04": 1,
    }  # fmt: skip
    assert rows.loc["2024-W01", "next_stage_share"] == pytest.approx(1 / 3)
    assert np.isnan(rows.loc["2024-W02", "next_stage_share"])
    days = funnel.series(measure(on), every="day", within=4)
    rows = days[days["stage"] == "attention"].set_index("period")
    assert np.isnan(rows.loc["2024-01-28", "next_stage_share"])  # not seen for so long
    assert rows["people"].sum() == 4


def test_groups_by_hand(on):
    channels = EVENTS.assign(channel=["x", "x", "x", "y", "y", "x", "y", None, None])
    stages = measure(on, events=channels)
    table = funnel.summarize(stages, by="channel", within=3)
    rows = table[table["stage"] == "attention"].set_index("channel")
    assert rows["people"].to_dict() == {"x": 2, "y": 2}
    assert rows["next_stage_share"].to_dict() == {"x": 0.5, "y": 0.0}
    table = funnel.summarize(stages, by="cohort", every="year", within=3)
    rows = table[table["stage"] == "purchase"].set_index("cohort")
    assert rows[rows["next_stage"] == "second_order"]["people"].to_dict() == {"2023": 1, "2024": 2}
    with pytest.raises(Undefined, match="no channel is known"):
        funnel.summarize(measure(on), by="channel")
    with pytest.raises(ParamsError, match="by='region'"):
        funnel.summarize(stages, by="region")


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=1, max_size=60))
@settings(deadline=None)
def test_the_curve_is_that_of_lifelines(people):
    from lifelines import KaplanMeierFitter

    table = pd.DataFrame(people, columns=["time", "reached"]).assign(people=1, since=0, part=0)
    table.loc[table["time"] > 30, ["time", "reached"]] = [30, False]
    cells = table.astype(int)
    found = estimation.estimate(estimation.arrange(cells, None, within=30), draws=0)
    curve = KaplanMeierFitter().fit(table["time"], table["reached"])
    expected = 1 - float(curve.predict(30))
    if not (table["time"] >= 30).any() and expected < 1:
        assert np.isnan(found["next_stage_share"])
    else:
        assert found["next_stage_share"] == pytest.approx(expected)
        assert found["lowest_share"] <= expected + 1e-9 <= found["highest_share"] + 2e-9


@pytest.fixture(scope="module")
def reached():
    lines, events = sample()
    joined = funnel.join_visitors(events, lines, as_of="2024-09-30")
    return funnel.reach(lines, joined, as_of="2024-09-30", **KNOWN)


@pytest.fixture(scope="module")
def table(reached):
    return funnel.summarize(reached)


def test_the_true_rates_of_the_sample_are_recovered(reached):
    truth = planted.truth()
    found = funnel.summarize(reached, by="channel")
    inside = []
    for channel, rates in truth["rates"].items():
        for stage, rate in rates.items():
            row = found[(found["channel"] == channel) & (found["next_stage"] == stage)].iloc[0]
            inside.append(row["lowest_share"] <= rate <= row["highest_share"])
            assert row["next_stage_share"] == pytest.approx(rate, abs=0.045)
    assert len(inside) == 15
    assert sum(inside) >= 12  # of intervals that hold 95 in 100


def test_the_true_days_of_the_sample_are_recovered(table):
    for stage, mean in planted.truth()["mean_days"].items():
        row = table[table["next_stage"] == stage].iloc[0]
        true = np.ceil(mean * np.log(2)) - 1  # of an exponential time, rounded down
        assert row["median_days_low"] <= true <= row["median_days_high"]


def test_orders_go_on_as_elsewhere_in_the_kit(table):
    """Nearly the same by `ltv.order_steps`, which weighs in steps of five days."""
    lines, _events = sample()
    other = order_steps.rates(lines, as_of="2024-09-30", within=365, **KNOWN)
    own = table.set_index("next_stage").loc[["second_order", "third_order", "loyal"]]
    assert own["people"].tolist() == other["customers"].tolist()[:3]
    shares = own["next_stage_share"].to_numpy(dtype=float)
    assert shares == pytest.approx(other["next_order_share"].to_numpy()[:3], abs=0.012)


@pytest.mark.parametrize("cut", ["2024-03-31", "2024-06-30"])
def test_cutting_the_data_leaves_the_estimate_inside_its_interval(table, cut):
    """People who came lately are censored, and no failures."""
    lines, events = sample()
    joined = funnel.join_visitors(events, lines, as_of=cut)
    stages = funnel.reach(lines, joined, as_of=cut, **KNOWN)
    names = ["stage", "next_stage"]
    days = table.set_index(names)["horizon_days"]
    for within in days.unique():
        early = funnel.summarize(stages, within=int(within)).set_index(names)
        for key in days.index[days == within]:
            row, whole = early.loc[key], table.set_index(names).loc[key, "next_stage_share"]
            if row["next_stage_share"] == row["next_stage_share"]:
                assert row["lowest_share"] <= whole <= row["highest_share"], key


def test_totals_add_up(reached, table):
    by_month, by_channel = funnel.series(reached), funnel.summarize(reached, by="channel")
    for parts in (by_month, by_channel):
        sums = parts.groupby(["stage", "next_stage"])[["people", "next_people"]].sum()
        whole = table.set_index(["stage", "next_stage"])[["people", "next_people"]]
        pd.testing.assert_frame_equal(sums, whole.loc[sums.index], check_dtype=False)
    rows = frames.table(frames.lazy(reached.rows))
    assert (rows["stage"] == "attention").sum() == table["people"].iloc[0]


def test_who_reaches_a_stage_late_weighs_by_all_who_entered():
    """Of those who order again late, fewer order a third time: 0.5 of all do."""
    rng = np.random.default_rng(0)
    n, horizon = 4000, 30
    begin = pd.Timestamp("2022-01-01")
    enter, second = rng.integers(0, 731, n), rng.integers(1, 701, n)
    goes = rng.random(n) < np.where(second < 350, 0.8, 0.2)
    third = second + rng.integers(1, horizon + 1, n)
    rows = [
        (f"c{i}", f"{i}-{at}", begin + pd.Timedelta(days=int(enter[i] + at)), 1)
        for i in range(n)
        for at in (0, second[i], third[i])
        if enter[i] + at <= 730 and (at != third[i] or goes[i])
    ]
    stages = funnel.reach(make_lines(*rows), as_of="2024-01-01", lapse_days=900, **KNOWN)
    row = funnel.summarize(stages, within=horizon).set_index("next_stage").loc["third_order"]
    assert row["lowest_share"] <= 0.5 <= row["highest_share"]
    assert row["next_stage_share"] == pytest.approx(0.5, abs=0.06)
