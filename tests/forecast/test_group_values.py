"""What groups are worth: sums that agree with `predict`, and ranges that hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from test_predictions import a_shop

from ltvkit import forecast
from ltvkit.errors import ColumnError, ParamsError
from ltvkit.forecast import uncertainty


@pytest.fixture(scope="module")
def shop() -> pd.DataFrame:
    """Three labels at random, one of them for few, and some customers without one."""
    made = a_shop(3, size=1500)
    label = np.random.default_rng(3).choice(["a", "b", "few"], len(made), p=[0.6, 0.39, 0.01])
    return made.assign(segment=np.where(made.index < 100, None, label))


@pytest.fixture(scope="module")
def fitted(shop) -> forecast.Fitted:
    return forecast.fit(shop, model="mbg_nbd")


def test_groups_add_up_to_all_customers(on, shop, fitted):
    table = forecast.value_groups(on(shop), fitted, by="segment", margin_rate=0.5, discount=0.1)
    assert sorted(table["group"]) == ["(none)", "a", "b", "few"]
    assert table["customers"].sum() == len(shop)
    assert table["ltv_12m"].is_monotonic_decreasing
    predicted = forecast.predict(shop, fitted, months=(12,), margin_rate=0.5, discount=0.1)
    for name, rows in predicted.groupby(predicted["segment"].fillna("(none)")):
        row = table[table["group"] == name].iloc[0]
        assert row["customers"] == len(rows)
        assert row["ltv_12m"] == pytest.approx(rows["ltv_12m"].mean())
        assert row["ltv_so_far"] == pytest.approx(rows["revenue"].mean() / 2)
    few = table["group"] == "few"
    assert table.loc[few, "customers"].item() < 30
    assert table.loc[few, ["low", "high"]].isna().all(axis=None)
    known = table[~few]
    assert ((known["low"] < known["ltv_12m"]) & (known["ltv_12m"] < known["high"])).all()


def test_ranges_hold_what_such_customers_bring(shop, fitted):
    """Of 40 groups of 100 customers, in 20 futures each: 95%, but for what chance allows."""
    made = a_shop(4, size=4000).assign(segment=lambda t: t.index % 40)
    table = forecast.value_groups(made, fitted, by="segment")
    rng, held = np.random.default_rng(5), []
    for row in table.to_dict("records"):
        own = made[made["segment"] == int(row["group"])]
        each = forecast.histories(own).assign(squares=lambda t: t["revenue"] ** 2 / t["customers"])
        rows, _scale = uncertainty.draw_customers(each, rng, size=100)
        span = np.array([365.25])
        futures = uncertainty.simulate_futures(rows, fitted, span, rng=rng, draws=20)
        held += list(futures[:, :, 0].mean(axis=1) >= row["low"])
        held += list(futures[:, :, 0].mean(axis=1) <= row["high"])
    inside = 1 - 2 * (1 - np.mean(held))
    assert 0.92 < inside < 0.98


def test_parameters_widen_ranges_and_more_customers_narrow_them(shop, fitted):
    drawn = forecast.parameters(fitted, draws=20)
    by_chance = forecast.value_groups(shop, fitted, by="segment").set_index("group")
    with_both = forecast.value_groups(shop, fitted, drawn, by="segment").set_index("group")

    def width(table: pd.DataFrame) -> pd.Series:
        return (table["high"] - table["low"]) / table["ltv_12m"]

    known = ["a", "b", "(none)"]
    assert (width(with_both)[known] > width(by_chance)[known]).all()
    assert width(by_chance)["a"] < width(by_chance)["(none)"]
    again = forecast.value_groups(shop.sample(frac=1, random_state=1), fitted, by="segment")
    pd.testing.assert_frame_equal(again.set_index("group"), by_chance)


def test_groups_at_a_loss_have_their_range_the_right_way_round(shop, fitted):
    table = forecast.value_groups(shop, fitted, by="segment", margin_rate=-0.2).dropna()
    assert ((table["low"] < table["ltv_12m"]) & (table["ltv_12m"] < table["high"])).all()


def test_impossible_groups_are_refused(shop, fitted):
    with pytest.raises(ColumnError, match="channel"):
        forecast.value_groups(shop, fitted, by="channel")
    with pytest.raises(ParamsError, match="customers_of_shop"):
        forecast.value_groups(shop, fitted, by="customers")


def test_several_columns_have_the_rows_of_each(on, shop, fitted):
    both = shop.assign(channel=np.where(shop.index % 3, "web", "shop"))
    table = forecast.value_groups(on(both), fitted, by=["channel", "segment"])
    assert table["grouping"].tolist() == ["channel"] * 2 + ["segment"] * 4
    for column in ("channel", "segment"):
        rows = table[table["grouping"] == column].drop(columns="grouping").reset_index(drop=True)
        pd.testing.assert_frame_equal(rows, forecast.value_groups(both, fitted, by=column))
