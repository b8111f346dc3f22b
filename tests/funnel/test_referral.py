"""Who brought whom: by hand, no sale counted twice, and known truth recovered."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import make_lines
from stub_funnel import make_events, sample

from ltvkit import funnel
from ltvkit.engines import frames
from ltvkit.errors import NotRecorded, TooLittleData
from ltvkit.funnel import referral
from ltvkit.samples import events as planted

KNOWN = {"export_begins": "opening"}
LINES = make_lines(
    ("a", "1", "2024-01-01", 100), ("b", "2", "2024-01-11", 10), ("b", "3", "2024-02-01", 20),
    ("c", "4", "2024-01-21", 5), ("d", "5", "2024-01-31", 7), ("e", "6", "2024-01-01", 1),
)  # fmt: skip
EVENTS = make_events(
    ("2024-01-01 09:00", "scroll", "v"),
    ("2024-01-11 09:00", "referred", "", {"customer_id": "b", "referred_by": "a"}),
    ("2024-01-12 09:00", "referred", "", {"customer_id": "b", "referred_by": "e"}),  # later
    ("2024-01-21 09:00", "referred", "", {"customer_id": "c", "referred_by": "b"}),
    ("2024-01-31 09:00", "referred", "", {"customer_id": "d", "referred_by": "a"}),
    ("2024-01-01 09:00", "referred", "", {"customer_id": "e", "referred_by": "e"}),  # himself
    ("2024-01-01 09:00", "referred", "", {"customer_id": "a", "referred_by": "b"}),  # came later
    ("2024-02-15 09:00", "referred", "", {"customer_id": "x", "referred_by": "a"}),  # no order
    ("2024-03-01 09:00", "scroll", "v"),
)
AS_OF = "2024-03-01"


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(referral, "LEAST_CODES", 2)


def measure(lines, events, as_of=AS_OF, **options):
    joined = funnel.join_visitors(events, lines, as_of=as_of)
    stages = funnel.reach(lines, joined, as_of=as_of, **KNOWN)
    return funnel.measure_referral(lines, joined, stages, **options)


def test_referral_by_hand(on, few):
    found = measure(on(LINES), on(EVENTS), within=30)
    table = found.table.set_index("kind")
    assert table["customers"].to_dict() == {
        "both": 1, "were_brought": 2, "bring_others": 1, "neither": 1,
    }  # fmt: skip
    assert table.loc["both", ["revenue", "revenue_brought"]].tolist() == [30, 5]
    assert table.loc["bring_others", ["revenue", "customers_brought"]].tolist() == [100, 2]
    assert table.loc["bring_others", "ltv_with_brought_so_far"] == 137
    assert table["revenue"].sum() == LINES["amount"].sum()  # no sale counts twice
    figures = found.figures
    assert [figures[n] for n in ("codes", "brought", "left_out")] == [2, 3, 3]
    # Five were there at each age; a brings two (ages 10, 30), b one (age 10). LTV in 30 days:
    # 100, 10 + 20 (age 21), 5, 7, 1 of five each.
    assert figures["k"] == pytest.approx(3 / 5)
    assert figures["ltv"] == pytest.approx(143 / 5)
    assert figures["k_high"] >= 1
    assert np.isnan(figures["multiplier"])
    others = round(100 * figures["k_high"])
    assert f"100 new customers may bring {others} others or more" in found.refused


def test_a_customer_counts_for_as_long_as_he_was_there(on, few):
    found = measure(on(LINES), on(EVENTS), within=45)
    # d is not there at age 31 and later, but nobody comes then.
    assert found.figures["k"] == pytest.approx(3 / 5)
    late = measure(on(LINES), on(EVENTS), as_of="2024-01-31", within=30)
    # At age 10 four are there (d has just come), two come; at age 30 a and e, one comes.
    assert late.figures["k"] == pytest.approx(2 / 4 + 1 / 2)


def test_too_few_codes(on):
    with pytest.raises(TooLittleData, match="takes 30 who brought somebody; there are 2"):
        measure(on(LINES), on(EVENTS))
    stages = funnel.reach(on(LINES), as_of=AS_OF, **KNOWN)
    with pytest.raises(NotRecorded, match="Who brings whom is not recorded"):
        funnel.measure_referral(on(LINES), None, stages)


@pytest.fixture(scope="module")
def found():
    return measure(*sample(), as_of="2024-09-30")


def test_the_sample(found):
    lines, events = sample()
    figures, table = found.figures, found.table
    assert figures["codes"] >= 30
    assert table["revenue"].sum() == pytest.approx(lines["amount"].sum())
    brought = table[table["kind"].isin(("were_brought", "both"))]
    assert table["revenue_brought"].sum() == pytest.approx(brought["revenue"].sum())
    assert table["customers_brought"].sum() == brought["customers"].sum() == figures["brought"]
    named = events["referred_by"].notna().sum()
    assert figures["brought"] + figures["left_out"] == named
    assert not found.refused
    assert figures["multiplier"] == pytest.approx(1 / (1 - figures["k"]))
    assert figures["ltv_with_brought"] == pytest.approx(figures["ltv"] * figures["multiplier"])


def test_k_of_the_sample_is_what_its_truth_gives(found):
    """Expected: of customers who come by referral and name a code, each is brought by somebody of
    the last 365 days, all of them alike."""
    lines, _events = sample()
    truth = planted.truth()
    first = lines.groupby("customer_id").agg(day=("order_date", "min"), by=("channel", "first"))
    day = first["day"].to_numpy().astype("M8[D]").astype(int)
    since = np.datetime64(truth["first"]).astype(int)
    end, within = day.max(), int(found.figures["horizon_days"])
    came = np.zeros(within + 1)
    for on_day in day[(first["by"] == "referral") & (day >= since)]:
        ages = on_day - day
        could = (ages > 0) & (ages <= truth["code_days"])
        seen = ages[could & (day >= since) & (ages <= within)]
        np.add.at(came, seen, truth["names_code"] / max(could.sum(), 1))
    there = [((day >= since) & (day <= end - age)).sum() for age in range(within + 1)]
    expected = (came / there).sum()
    assert found.figures["k_low"] <= expected <= found.figures["k_high"]


def test_the_same_on_every_engine(on, found):
    lines, events = sample()
    other = measure(on(lines), on(events), as_of="2024-09-30")
    assert other.figures == pytest.approx(found.figures)


def test_referral_in_words(found, few):
    said = funnel.describe_referral(found, currency="JPY")
    assert said.startswith("292 customers were introduced by 272 others.")
    assert "100 new customers introduce" in said
    assert "JPY with the customers who follow" in said
    refused = measure(LINES, EVENTS, within=30)
    assert funnel.describe_referral(refused).endswith(refused.refused)


def make_old_shop(*, within_events: str):
    """60 customers of whom 31 introduce one each, who comes in the days of the events."""
    old = [(f"c{n}", f"{n}", within_events, 10) for n in range(60)]
    new = [(f"n{n}", f"n{n}", "2024-05-01", 10) for n in range(31)]
    by = [("2024-05-01", "referred", "", {"customer_id": f"n{n}", "referred_by": f"c{n}"})
          for n in range(31)]  # fmt: skip
    ends = [("2024-01-01", "scroll", "v"), ("2024-12-30", "scroll", "v")]
    return make_lines(*old, *new), make_events(*by, *ends)


def test_introducers_who_were_won_before_codes_say_nothing_of_new_customers(on):
    lines, events = make_old_shop(within_events="2022-01-01")
    found = measure(on(lines), on(events), as_of="2024-12-30")
    assert [found.figures[n] for n in ("codes", "codes_followed")] == [31, 0]
    assert np.isnan([found.figures[n] for n in ("k", "k_high", "multiplier")]).all()
    assert found.figures["ltv"] == 10
    said = funnel.describe_referral(found)
    assert said.endswith("takes 30 who were won since events began and introduced somebody; "
                         "there are 0.")  # fmt: skip
    lines, events = make_old_shop(within_events="2024-02-01")
    assert measure(lines, events, as_of="2024-12-30").figures["k"] > 0


def test_nobody_seen_for_so_long_is_said(on):
    lines, events = make_old_shop(within_events="2024-02-01")
    found = measure(on(lines), on(events), as_of="2024-12-30", within=400)
    assert np.isnan(found.figures["k"])
    assert found.refused == "no new customer has been seen for 400 days yet."
    assert "–" not in funnel.describe_referral(found)


def test_who_names_himself_is_no_introducer(on):
    events = make_events(
        ("2024-01-11", "referred", "", {"customer_id": "b", "referred_by": "a"}),
        ("2024-01-12", "referred", "", {"customer_id": "e", "referred_by": "e"}),
    )
    joined = funnel.join_visitors(on(events), on(LINES), as_of=AS_OF)
    rows = funnel.reach(on(LINES), joined, as_of=AS_OF, **KNOWN).rows
    table = frames.table(frames.lazy(rows))
    assert set(table[table["stage"] == "introducing"]["customer_id"]) == {"a"}
