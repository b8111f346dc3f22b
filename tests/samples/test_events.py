"""The sample's events agree with its orders, and with events.yaml."""

from __future__ import annotations

import pandas as pd
import pytest

from ltvkit.core import paths
from ltvkit.samples import events, shop

FILE = paths.package() / "samples" / "events.parquet"


@pytest.fixture(scope="module")
def orders():
    return shop.simulate()


@pytest.fixture(scope="module")
def export(orders):
    return events.simulate(orders)


def test_the_file_is_what_the_generator_gives(export):
    pd.testing.assert_frame_equal(pd.read_parquet(FILE), export)
    assert FILE.stat().st_size < 400_000


def test_purchases_are_those_of_the_shop(orders, export):
    bought = export[(export["event"] == "purchase") & (export["order_id"] != "")]
    known = orders.drop_duplicates("order_id").set_index("order_id")
    assert (bought["event_time"].str[:10] == bought["order_id"].map(known["order_date"])).all()
    named = bought[bought["customer_id"] != ""]
    assert (named["customer_id"] == named["order_id"].map(known["customer_id"])).all()
    assert not bought["order_id"].duplicated().any()


def test_codes_are_those_of_customers_who_had_bought(orders, export):
    named = export[export["referred_by"] != ""]
    first = orders[orders["customer_id"] != ""].groupby("customer_id")["order_date"].min()
    began, won = named["referred_by"].map(first), named["customer_id"].map(first)
    assert (began < won).all()
    assert named["referred_by"].nunique() >= 30
    assert ((pd.to_datetime(won) - pd.to_datetime(began)).dt.days <= 365).all()


def test_reviews_follow_orders_and_nothing_else(orders, export):
    """As many of each order's customers, however often they buy."""
    truth = events.truth()
    days = orders[(orders["status"] == "shipped") & (orders["customer_id"] != "")]
    placed = days.drop_duplicates("order_id")
    placed = placed[placed["order_date"].between(truth["first"], "2024-08-31")]
    reviews = export[export["event"] == "write_review"]
    share = len(reviews[reviews["event_time"] < "2024-09-16"]) / len(placed)
    assert share == pytest.approx(truth["review"], abs=0.015)


def test_some_names_have_no_stage_and_some_devices_two_customers(export):
    assert (export["event"] == "view_order_history").sum() > 1000
    both = export[(export["visitor_id"] != "") & (export["customer_id"] != "")]
    assert (both.groupby("visitor_id")["customer_id"].nunique() > 1).sum() >= 10
