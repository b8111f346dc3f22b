"""A value on the day of the first order: learned from customers won first, tried on later ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ltvkit import orders, traits
from ltvkit.engines import frames
from ltvkit.errors import TooLittleData
from ltvkit.traits import first_day_values
from ltvkit.traits.following import Followed


def make(n: int = 900, *, seed: int = 1, slope: float = 0.0, channel: float = 0.0) -> Followed:
    rng = np.random.default_rng(seed)
    amount, web = rng.gamma(2, 20, n), rng.random(n) < 0.4
    table = pd.DataFrame(
        {
            "born": np.arange(n) // 300,
            "first_order": pd.Timestamp("2023-01-01") + pd.to_timedelta(np.arange(n) // 10, "D"),
            "amount": amount,
            "first_channel": np.where(web, "web", "shop"),
            "first_weekday": rng.choice(["Monday", "Friday"], n),
            "ltv": 80 + slope * amount + channel * web + rng.gamma(2, 10, n),
        }
    )
    return Followed(table, ("first_channel", "first_weekday"), 12, "revenue", n)


def test_customers_won_first_teach_and_the_others_try():
    followed = make(slope=2.0)
    found = traits.predict_first_day(followed)
    assert found.split == pd.Timestamp("2023-01-01") + pd.Timedelta(60, "D")
    assert found.table["customers"].tolist() == [300] * 4
    assert found.deciles["customers"].sum() == 300
    known = followed.table["first_order"] < found.split
    # What comes later teaches nothing: other values of the last third change no prediction.
    other = followed.table.assign(ltv=followed.table["ltv"].where(known, 0.0))
    again = traits.predict_first_day(replace(followed, table=other))
    assert again.table["bias"].isna().all()
    learned = first_day_values.learn(followed.table[known], ["amount"])
    mean = first_day_values.apply(learned, followed.table[~known]).mean()
    actual = followed.table.loc[~known, "ltv"].mean()
    rows = found.table.set_index("method")
    assert rows.loc["by_first_amount", "bias"] == pytest.approx(mean / actual - 1)


@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        ({}, "mean_of_all"),
        ({"channel": 40.0}, "mean_by_channel"),
        ({"slope": 2.0}, "by_first_amount"),
        ({"slope": 2.0, "channel": 40.0}, "linear_regression"),
    ],
)
def test_the_simplest_model_that_nothing_clearly_beats_is_chosen(given, chosen):
    found = traits.predict_first_day(make(**given))
    assert found.model == chosen
    assert found.table.loc[0, ["method", "error_saved", "gini"]].tolist() == ["mean_of_all", 0, 0]
    said = traits.describe_value(found)
    assert said.startswith("On the day of the first order")
    assert ("nobody can tell" in said) == (chosen == "mean_of_all")


def test_weights_add_up_to_the_values_of_every_engine(on):
    followed = make(slope=2.0, channel=40.0)
    found = traits.predict_first_day(followed)
    columns = ["amount", "first_channel", "first_weekday"]
    customers = followed.table[columns].assign(customer_id=[f"{n:03d}" for n in range(900)])
    valued = frames.table(frames.lazy(found.predict(on(customers)))).sort_values("customer_id")
    expected = first_day_values.apply(found.weights, followed.table)
    assert valued["first_day_value"].to_numpy() == pytest.approx(expected)
    web = found.weights.set_index(["trait", "group"])["weight"]
    assert web[("amount", "")] == pytest.approx(2, abs=0.1)
    apart = web[("first_channel", "web")] - web[("first_channel", "shop")]
    assert apart == pytest.approx(40, abs=3)
    assert expected.mean() == pytest.approx(followed.table["ltv"].mean())


def test_a_value_that_is_new_is_neither_web_nor_shop():
    found = traits.predict_first_day(make(slope=2.0, channel=40.0))
    customers = pd.DataFrame(
        {"amount": [10.0], "first_channel": ["mail"], "first_weekday": ["Friday"]}
    )
    assert np.isfinite(found.predict(customers)["first_day_value"]).all()


def test_least_squares_are_those_of_numpy():
    followed = make(slope=2.0, channel=40.0)
    table = followed.table
    learned = first_day_values.learn(table, ["amount", "first_channel"])
    x = np.column_stack([np.ones(900), table["amount"], table["first_channel"] == "web"])
    expected = x @ np.linalg.lstsq(x, table["ltv"].to_numpy(), rcond=None)[0]
    assert first_day_values.apply(learned, table) == pytest.approx(expected)


def test_tenths_by_hand():
    actual = np.arange(20.0)[::-1] + 1
    deciles = first_day_values.average_by_decile(actual * 1.1, actual)
    assert deciles["actual"].tolist() == [19.5 - 2 * n for n in range(10)]
    assert first_day_values.measure_mape(deciles) == pytest.approx(0.1)
    same = first_day_values.average_by_decile(np.full(20, 5.0), actual)
    assert same[["customers", "actual"]].to_numpy().tolist() == [[20, 10.5]]
    assert np.isnan(first_day_values.measure_mape(same))


def test_how_well_it_ranks():
    actual = np.array([4.0, 3.0, 2.0, 1.0])
    assert first_day_values._rank(actual**2, actual) == pytest.approx(1)
    assert first_day_values._rank(-actual, actual) == pytest.approx(-1)
    assert first_day_values._rank(np.ones(4), actual) == pytest.approx(0)


def test_too_few_customers_to_try_it_on():
    with pytest.raises(TooLittleData, match="takes 50 of them.* there are 40"):
        traits.predict_first_day(make(110))


def test_tenths_of_cdnow_are_off_by_12_percent_at_most():
    book = orders.read("demo:cdnow")
    customers = traits.collect(book.lines, as_of="1998-06-30")
    followed = traits.follow(customers, book.days, as_of="1998-06-30")
    assert (followed.months, followed.whole) == (12, 23_570)
    found = traits.predict_first_day(followed)
    rows = found.table.set_index("method")
    assert rows.loc[found.model, "decile_mape"] <= 0.12
    assert rows.loc["linear_regression", "decile_mape"] <= 0.12
    assert abs(rows.loc[found.model, "bias"]) < 0.03
    assert found.deciles["actual"].iloc[0] > 5 * found.deciles["actual"].iloc[-1]
