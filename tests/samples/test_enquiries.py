"""The enquiries of the sample shop: as they are made, and as their truth says."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ltvkit import samples
from ltvkit.samples import enquiries

KEPT = Path(samples.__file__).with_name("enquiries.parquet")


@pytest.fixture(scope="module")
def asked():
    return enquiries.simulate()


@pytest.fixture(scope="module")
def orders():
    lines = pd.read_parquet(KEPT.with_name("shop.parquet"))
    return lines[(lines["status"] == "shipped") & (lines["customer_id"] != "")]


def test_the_kept_file_is_what_the_generator_makes(asked):
    pd.testing.assert_frame_equal(pd.read_parquet(KEPT), asked)
    assert os.path.getsize(KEPT) < 400_000


def test_enquiries_come_after_their_orders(asked, orders):
    days = pd.to_datetime(orders.drop_duplicates("order_id").set_index("order_id")["order_date"])
    known = asked[asked["order_id"] != ""]
    assert (pd.to_datetime(known["enquiry_time"]) >= known["order_id"].map(days)).all()
    assert asked["enquiry_id"].is_unique
    assert asked["enquiry_time"].max() < "2024-10-01"


def test_there_are_hundreds_of_wordings_in_both_languages(asked):
    assert asked["text"].nunique() > 2000
    japanese = asked["text"].str.contains("[ぁ-ん]")
    assert 0.7 < japanese.mean() < 0.8


def test_the_rate_of_an_intent_is_the_true_one(asked, orders):
    n, rule = orders["order_id"].nunique(), enquiries.truth()["intents"]["receipt"]
    labelled = 1 - enquiries.truth()["unlabelled"]
    found = (asked["intent"] == "receipt").sum() / labelled
    assert found == pytest.approx(n * rule["rate"], rel=0.15)


def test_the_leak_is_in_its_lot_alone(asked):
    leaking = asked["text"].str.contains("漏れ|leaking")
    assert leaking.sum() >= 20
    assert asked.loc[leaking, "lot"].value_counts(normalize=True).iloc[0] > 0.9


def test_waiting_has_no_effect_and_solved_goes_with_staying(asked, orders):
    """Of enquiries whose 104 days are over: who came back, by waiting time and by outcome."""
    rule = enquiries.truth()["solved"]
    day = pd.to_datetime(asked["enquiry_time"]).dt.normalize()
    start = day + pd.Timedelta(days=rule["days_after"])
    end = start + pd.Timedelta(days=rule["within"])
    over = asked[(end <= enquiries.END) & (asked["customer_id"] != "")]
    own = {c: x.to_numpy() for c, x in pd.to_datetime(orders["order_date"]).groupby(
        orders["customer_id"])}  # fmt: skip
    stays = pd.Series(
        [((own[c] > start[i]) & (own[c] <= end[i])).any() for i, c in over["customer_id"].items()],
        index=over.index,
    )
    assert (over["solved"][stays] == "yes").mean() == pytest.approx(rule["stays"], abs=0.03)
    assert (over["solved"][~stays] == "yes").mean() == pytest.approx(rule["leaves"], abs=0.03)
    late = over["answer_minutes"] > over["answer_minutes"].median()
    error = np.sqrt(0.25 / late.sum() + 0.25 / (~late).sum())
    assert abs(stays[late].mean() - stays[~late].mean()) < 3 * error
