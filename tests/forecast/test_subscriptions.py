"""Months ahead of shops whose customers pay in a regular rhythm."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ltvkit.errors import ColumnError, ParamsError, TooLittleData
from ltvkit.forecast.renewals import summarize_renewals
from ltvkit.forecast.subscriptions import METHODS, forecast_months

JANUARY = np.datetime64("2023-01")


def pay(who, first, count, *, every=1, day=1, price=100.0) -> dict[str, np.ndarray]:
    """A customer who pays `count` times from month `first` (0: January 2023) on."""
    months = JANUARY + first + every * np.arange(count)
    ends = (months + 1).astype("datetime64[D]") - 1
    dates = np.minimum(months.astype("datetime64[D]") + day - 1, ends).astype("datetime64[us]")
    ids, amounts = np.full(count, str(who), dtype=object), np.full(count, price)
    return {"customer_id": ids, "order_date": dates, "amount": amounts}


def shop(*customers: dict[str, np.ndarray]) -> pd.DataFrame:
    names = ("customer_id", "order_date", "amount")
    columns = {name: np.concatenate([each[name] for each in customers]) for name in names}
    lines = pd.DataFrame(columns).astype({"customer_id": str})
    return lines.assign(order_id=np.arange(len(lines)).astype(str))


def join(*lines: pd.DataFrame) -> pd.DataFrame:
    both = pd.concat(lines, ignore_index=True)
    return both.assign(order_id=np.arange(len(both)).astype(str))


def fees(*, day=1, **more) -> pd.DataFrame:
    """100 customers of January: of those left, 1 of 10 leaves at each renewal, as whole as can be.

    90, 81, 73, 66, 59 are left after 1 to 5 renewals; the last day is 30 June.
    """
    left = [90, 81, 73, 66, 59]
    paid = np.add.outer(np.arange(100), np.zeros(5)) < left
    return shop(*(pay(f"c{i:03d}", 0, 1 + n, day=day, **more) for i, n in enumerate(paid.sum(1))))


def forecast(lines, *, as_of="2023-06-30", **how):
    return forecast_months(lines, as_of=as_of, **how)


def test_the_day_of_the_month_does_not_matter():
    tables = [forecast(fees(day=day)).table for day in (1, 15, 31)]
    pd.testing.assert_frame_equal(tables[0], tables[1])
    pd.testing.assert_frame_equal(tables[0], tables[2])


def test_monthly_fees_by_hand(on):
    """41 of 410 renewals were lost: with all alike, 59 x 0.9, ..."""
    found = forecast(on(fees(day=31)), months=3)
    assert found.renewals["at_risk"].tolist() == [100, 90, 81, 73, 66]
    assert found.renewals["lost"].tolist() == [10, 9, 8, 7, 7]
    assert found.table["customers"].tolist() == pytest.approx([53.1, 47.8, 43.0], abs=0.1)
    np.testing.assert_allclose(found.table["revenue"], 100 * found.table["customers"])
    assert found.new["age_months"].tolist() == [0, 1, 2, 3]
    assert found.new["customers"].tolist() == pytest.approx([1, 0.9, 0.81, 0.729], abs=1e-3)
    assert found.new["revenue"].tolist() == pytest.approx([100, 90, 81, 72.9], abs=0.1)


def test_what_comes_later_is_not_looked_at():
    lines = fees()
    later = join(lines, shop(*(pay(f"new{i}", 6, 1) for i in range(50)), pay("c099", 7, 3)))
    pd.testing.assert_frame_equal(forecast(later).table, forecast(lines).table)
    pd.testing.assert_frame_equal(
        forecast(lines, as_of="2023-05-31").table, forecast(lines, as_of="2023-06-29").table
    )  # June is not over


def test_a_yearly_fee_is_due_once_a_year():
    """Of 90 who joined in March, 60 renewed once, and 40 twice; the next fee is due in March."""
    counts = np.repeat([1, 2, 3], [30, 20, 40])
    lines = shop(*(pay(i, 2, n, every=12, day=31) for i, n in enumerate(counts)))
    found = forecast(lines, as_of="2025-12-31", months=14, method="sbg")
    assert found.renewals["at_risk"].tolist() == [90, 60]
    due = found.table.set_index("month")["customers"]
    assert due[due > 0].index.tolist() == [3]
    assert due[3] == pytest.approx(40 * 2 / 3, abs=1.5)  # 50 of 150 renewals were lost
    assert found.new.loc[found.new["customers"] > 0, "age_months"].tolist() == [0, 12]


def test_intervals_may_differ_between_customers():
    monthly = [pay(f"m{i}", 0, 3 + i % 8) for i in range(80)]
    two_months = [pay(f"t{i}", 0, 2 + i % 4, every=2) for i in range(80)]
    table = forecast(shop(*monthly, *two_months), as_of="2023-10-31", months=2).table
    # Today's: 10 monthly ones (10 payments), due in both months; 20 of two months (5 payments:
    # January to September), due in November only.
    assert 20 < table["customers"][0] < 30
    assert table["customers"][1] < 10


def test_payments_are_worth_the_last_and_the_step_after_a_trial():
    """A price that rose from 100 to 120 for all, and a first delivery at 20."""
    trial = fees(price=100.0).sort_values("order_date")
    trial.loc[~trial.duplicated("customer_id"), "amount"] = 20.0
    trial.loc[trial["order_date"] >= "2023-06-01", "amount"] = 120.0
    found = forecast(join(trial, shop(pay("new", 5, 1, price=20.0))), months=1)
    paying = found.table["customers"][0]
    assert found.table["revenue"][0] / paying == pytest.approx((59 * 120 + 100) / 60, rel=0.02)
    assert found.new["revenue"][1] / found.new["customers"][1] == pytest.approx(100)


def test_contracts_count_by_themselves(on):
    lines = fees().assign(contract="a")
    second = lines[lines["customer_id"] < "c050"].assign(contract="b")
    single = forecast(on(lines), months=2)
    both = forecast(on(join(lines, second)), months=2, contract="contract")
    assert both.renewals["at_risk"].iloc[0] == 150
    assert both.table["revenue"].sum() > 1.4 * single.table["revenue"].sum()
    assert both.table["customers"][0] < both.table["revenue"][0] / 100  # contracts
    with pytest.raises(ColumnError):
        forecast(on(lines), contract="nowhere")


def test_the_number_of_a_delivery_is_known_where_the_orders_begin_later():
    """Members of 7 to 11 renewals by June, seen since April only."""
    lines = fees()
    number = lines.groupby("customer_id").cumcount()
    lines = lines.assign(delivery=number + 7)
    seen = lines[lines["order_date"] >= "2023-04-01"]
    found = forecast(seen, months=1, number="delivery")
    assert found.renewals["period"].max() == 11
    assert found.renewals.query("at_risk > 0")["period"].min() == 10
    others = seen.assign(delivery=None)
    with pytest.raises(TooLittleData):
        forecast(others, number="delivery")


def test_a_first_payment_is_number_one_and_not_the_first_that_is_seen(on):
    """A trial at 500, then 3,000: an export of four months begins amid the contracts of most."""
    lines = join(fees(price=3000.0), shop(*(pay(f"new{i}", 4, 2, price=3000.0) for i in range(30))))
    number = lines.groupby("customer_id").cumcount() + 1
    lines = lines.assign(delivery=number, amount=np.where(number == 1, 500.0, 3000.0))
    once = join(lines, shop(pay("once", 5, 1, price=500.0)).assign(delivery=1))
    seen = on(once[once["order_date"] >= "2023-03-01"])
    found = forecast(seen, months=2, number="delivery")
    np.testing.assert_allclose(found.table["revenue"], 3000 * found.table["customers"])
    np.testing.assert_allclose(found.new["revenue"], [500, 3000, 3000] * found.new["customers"])
    assert found.price == pytest.approx(3000)
    late = lines[(lines["order_date"] >= "2023-03-01") & (lines["customer_id"] < "d")]
    found = forecast(on(late), months=1, number="delivery")
    np.testing.assert_allclose(found.table["revenue"], 3000 * found.table["customers"])
    assert found.new["revenue"].isna().all()  # no first payment is seen


def test_an_export_of_those_who_were_still_there_is_seen_through():
    """Nobody leaves for 12 months, then 1 of 10 each month: the forecast follows the latter."""
    paid = 12 + np.random.default_rng(3).geometric(0.1, 400).clip(max=6)  # 18: up to June 2024
    lines = shop(*(pay(i, 0, n) for i, n in enumerate(paid)))
    found = forecast(lines, as_of="2024-06-30", months=6)
    left = [(paid == n).sum() / (paid >= n).sum() for n in range(13, 18)]
    next_month = found.table["customers"][0] / (paid == 18).sum()
    assert next_month == pytest.approx(1 - np.mean(left), abs=0.02)
    assert "Nobody left before 2024-02" in found.notes[0]


def test_where_nobody_left_or_nobody_is_regular_it_says_so():
    with pytest.raises(TooLittleData, match="all of 245 renewals were paid"):
        forecast(shop(*(pay(i, 0, 6) for i in range(49))))
    rng = np.random.default_rng(2)
    lines = [pay(i, m, 1) for i in range(60) for m in np.flatnonzero(rng.random(18) < 0.3)]
    lines = shop(*lines)
    with pytest.raises(TooLittleData, match="do not pay in a regular rhythm"):
        forecast(lines, as_of="2024-06-30")
    assert forecast(lines, as_of="2024-06-30", method="bg_bb").table["customers"].gt(0).all()
    with pytest.raises(TooLittleData, match="0 renewals are known"):
        forecast(lines, as_of="2022-06-30")
    three = shop(*(pay(i, 0, 18 - i) for i in range(3)))
    with pytest.raises(TooLittleData, match="3 customers paid three times or more; to know how"):
        forecast(three, as_of="2024-06-30")
    with pytest.raises(TooLittleData, match="0 renewals are known"):
        forecast(lines, as_of="2022-06-30", method="bg_bb")
    with pytest.raises(ParamsError):
        forecast(lines, months=0)


@pytest.mark.parametrize("method", METHODS)
def test_simulated_subscribers_are_forecast(method):
    """1,500 subscribers over 30 months, chances to leave ~ Beta(1, 12): 12 months held out."""
    rng = np.random.default_rng(8)
    n = 1500
    born, price = rng.integers(0, 18, n), rng.choice([80.0, 120.0], n)
    paid = np.minimum(rng.geometric(rng.beta(1, 12, n)), 30 - born)
    who = np.repeat(np.arange(n), paid)
    month = born[who] + np.concatenate([np.arange(k) for k in paid])
    dates = (JANUARY + month).astype("datetime64[us]")
    lines = pd.DataFrame({"customer_id": who.astype(str), "order_date": dates})
    lines = lines.assign(amount=price[who], order_id=np.arange(len(who)).astype(str))
    found = forecast(lines, as_of="2024-06-30", method=method)
    after = lines[month >= 18].groupby(month[month >= 18])["amount"].agg(["size", "sum"])
    error = found.table["customers"].to_numpy() / after["size"].to_numpy() - 1
    assert np.abs(error).max() < 0.08
    assert found.table["revenue"].sum() == pytest.approx(after["sum"].sum(), rel=0.05)


def test_a_rate_of_leaving_that_rises_and_falls_is_followed():
    """A term of two months, then most leave: sBG knows falling rates only."""
    rng = np.random.default_rng(6)
    hazard = np.array([0.0, 0.3, 0.15, *[0.05] * 20])
    lines = []
    for who in range(600):
        first = int(rng.integers(0, 10))
        lasts = np.append(np.flatnonzero(rng.random(23) < hazard), 22)[0] + 1
        lines.append(pay(who, first, min(lasts, 12 - first)))
    truth = np.cumprod(1 - hazard[:6])
    error = {
        method: np.abs(
            forecast(shop(*lines), as_of="2023-12-31", months=6, method=method)
            .new["customers"]
            .to_numpy()[1:]
            - truth
        ).max()
        for method in ("renewal_rates", "sbg")
    }
    assert error["renewal_rates"] < 0.04 < error["sbg"]


# What the page shows.


def test_renewals_are_shown_as_they_were_seen():
    found = summarize_renewals(fees(), as_of="2023-06-30", months=3)
    assert found.table["survival"].tolist() == pytest.approx([0.9, 0.81, 0.73, 0.66, 0.59])
    assert found.table["survival_low"].lt(found.table["survival"]).all()
    assert found.ahead["customers"].tolist() == pytest.approx([53.1, 47.8, 43.0], abs=0.1)
    value = found.value.set_index("renewals")
    assert value.loc[0, "expected_periods"] == pytest.approx(9, rel=0.02)  # 0.9 / (1 - 0.9)
    np.testing.assert_allclose(value["value"], 100 * value["expected_periods"])
    assert found.text.startswith(
        "Customers pay every month; 10.0% leave at each due payment (410 payments). Of 100 new "
        "customers, 53 are still there after 6 renewals and 28 after 12. Of today's customers, 53 "
        "are expected to pay in July 2023, and 43 in September 2023."
    )


def test_as_many_months_are_compared_as_a_payment_is_for():
    """Of 90 quarterly customers who began in January, February or March, 1 of 10 leaves a time."""
    counts = np.tile(np.repeat([1, 2, 3, 4], [3, 3, 2, 22]), 3)
    first = np.repeat([0, 1, 2], 30)
    lines = shop(
        *(pay(i, m, n, every=3) for i, (m, n) in enumerate(zip(first, counts, strict=True)))
    )
    found = summarize_renewals(lines, as_of="2023-12-31", months=12)
    paying = found.ahead["customers"]
    assert paying[:3].sum() > paying[9:].sum() > 2 * paying[0]
    assert (
        f"{paying[:3].sum():.0f} are expected to pay in the next 3 months (from January 2024 on), "
        f"and {paying[9:].sum():.0f} in the last 3 of 12 months."
    ) in found.text


def test_the_next_month_is_named_and_a_year_is_not_compared_with_itself():
    running = summarize_renewals(fees(), as_of="2023-07-15", months=1).text
    assert "are expected to pay in July 2023. The renewals" in running


def test_later_money_is_worth_less():
    plain, less = (summarize_renewals(fees(), as_of="2023-06-30", discount=d) for d in (0, 0.2))
    assert less.value["value"].lt(plain.value["value"]).all()
    pd.testing.assert_series_equal(less.value["expected_periods"], plain.value["expected_periods"])


def test_contracts_and_numbers_are_found_by_their_names():
    lines = fees().assign(contract_id="a")
    number = lines.groupby("customer_id").cumcount() + 4
    found = summarize_renewals(lines.assign(delivery_number=number), as_of="2023-06-30")
    assert found.table.loc[found.table["at_risk"] > 0, "period"].min() == 4
    assert found.table["survival"].isna().all()  # of those who joined earlier, only some are seen


def test_a_shop_without_renewals_is_told_so():
    found = summarize_renewals(shop(*(pay(i, 0, 6) for i in range(49))), as_of="2023-06-30")
    assert found.table.empty
    assert found.text.startswith("Renewals are not forecast here: nobody has left yet")
