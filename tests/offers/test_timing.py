"""When to act: curves by hand and of known truth, on every engine; what an offer may cost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines

from ltvkit import customers, offers
from ltvkit.engines import frames
from ltvkit.errors import ColumnError, ParamsError, TooLittleData, Undefined
from ltvkit.ingest import daily
from ltvkit.offers import timing

KNOWN = {"export_begins": "opening"}
# a: 40 and 60 days between orders, then none; b: 40, and an order 30 days before the end; c: one
# order, on the second day.
LINES = make_lines(
    ("a", "1", "2024-01-01", 5), ("a", "2", "2024-02-10", 5), ("a", "3", "2024-04-10", 5),
    ("b", "4", "2024-07-20", 5), ("b", "5", "2024-08-29", 5), ("b", "5", "2024-08-29", 7),
    ("c", "6", "2024-01-02", 5),
)  # fmt: skip
AS_OF = "2024-09-28"


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(timing, "FEWEST", 1)
    monkeypatch.setattr(timing, "LEAST", 1)


@pytest.mark.parametrize("daily_table", [False, True])
def test_curves_by_hand(on, few, daily_table):
    lines = daily.aggregate(on(LINES)) if daily_table else on(LINES)
    found = offers.measure_timing(lines, as_of=AS_OF, lapse_days=90, draws=20, **KNOWN)
    table = found.windows.set_index("order_number")
    assert table["orders"].tolist() == [6, 3, 2, 1, 0]
    assert table["followed"].tolist() == [3, 2, 1, 0, 0]
    # Gaps of 40, 40, 60; one open of 30, two longer than 90: of five, two; of three, one.
    assert table.loc[0, "leaving_rate"] == pytest.approx(3 / 5 * 2 / 3)
    assert table.loc[0, ["opens_days", "closes_days"]].tolist() == [40, 60]
    assert table.loc[1, "leaving_rate"] == pytest.approx(1 / 3)
    assert table.loc[2, "leaving_rate"] == 0  # the one that is open was waited for 30 days
    assert table.loc[[3, 4], "leaving_rate"].isna().all()
    risks = found.risks[found.risks["order_number"] == 0].set_index("silent_days")
    assert risks["risk"].tolist() == pytest.approx([0.4, 0.4, 1])
    assert risks["waiting"].tolist() == [6, 5, 2]
    assert risks["back_in_30_days"].tolist() == pytest.approx([0, 0.6, 0])


def test_a_lapse_must_fit_twice_into_the_orders(on):
    with pytest.raises(TooLittleData, match="orders that span 400 days or more; these span 272"):
        offers.measure_timing(on(LINES), as_of=AS_OF, lapse_days=200)
    with pytest.raises(TooLittleData, match="3 orders only"):
        offers.measure_timing(on(LINES), as_of=AS_OF)
    with pytest.raises(ParamsError, match="lapse_days=-1"):
        offers.measure_timing(on(LINES), as_of=AS_OF, lapse_days=-1)


def make_shop(rng: np.random.Generator, *, people: int = 800, days: int = 1100) -> pd.DataFrame:
    """After the first order 50% leave, later 20%; others come back after Gamma(3) days, 60 on
    average."""
    rows = []
    for n in range(people):
        at, number = rng.uniform(0, days), 1
        while at < days:
            rows.append((f"c{n:04d}", f"{n}-{at:.5f}", int(at), 1.0))
            if rng.random() < (0.5 if number == 1 else 0.2):
                break
            at, number = at + rng.gamma(3, 20), number + 1
    lines = pd.DataFrame(rows, columns=["customer_id", "order_id", "day", "amount"])
    dates = pd.Timestamp("2021-01-01") + pd.to_timedelta(lines.pop("day"), unit="D")
    return lines.assign(order_date=dates)


LAST = "2024-01-05"
SHOP = make_shop(np.random.default_rng(4))


def test_known_truth_is_within_its_interval_as_often_as_it_says():
    """The median of Gamma(3, 20) is 53.5 days, nine tenths are within 106.5."""
    truth = {"leaving_rate": 0.5, "opens_days": 53.5, "closes_days": 106.5}
    held = []
    for seed in range(15):
        lines = make_shop(np.random.default_rng(seed), people=300)
        found = offers.measure_timing(lines, as_of=LAST, draws=100, seed=seed, **KNOWN)
        row = found.windows.set_index("order_number").loc[1]
        # Days are whole, so a limit may be half a day off.
        held.append([row[f"{n}_low"] - 1 <= x <= row[f"{n}_high"] + 1 for n, x in truth.items()])
    assert np.mean(held) >= 0.85


def test_order_numbers_are_told_apart():
    found = offers.measure_timing(SHOP, as_of=LAST, **KNOWN)
    table = found.windows.set_index("order_number")["leaving_rate"]
    assert table[1] == pytest.approx(0.5, abs=0.06)
    assert table[[2, 3, 4]].tolist() == pytest.approx([0.2, 0.2, 0.2], abs=0.08)
    said = offers.describe_timing(found)
    assert "no other one follows within 365 days" in said
    assert "of first orders stay the last one, of the 4th and later ones" in said
    same = found.windows.assign(leaving_rate_low=0.1, leaving_rate_high=0.6)
    alike = timing.Timing(same, found.risks, found.curves, 365)
    assert "cannot be told from chance" in offers.describe_timing(alike)


def test_without_a_known_beginning_orders_have_no_number():
    found = offers.measure_timing(SHOP, as_of=LAST, export_begins="later")
    table = found.windows.set_index("order_number")
    whole = offers.measure_timing(SHOP, as_of=LAST, **KNOWN).windows.set_index("order_number")
    assert table.loc[0, "leaving_rate"] == whole.loc[0, "leaving_rate"]
    assert table.loc[1, "orders"] < whole.loc[1, "orders"]


@pytest.fixture(scope="module")
def known() -> pd.DataFrame:
    found = customers.summarize(SHOP, as_of=LAST)
    return found.assign(ltv_12m=1000.0 + found["recency_days"])


def test_who_enters_by_hand(on, known):
    """Those who are not there yet, and will be by the end of February if they do not order."""
    found = offers.measure_timing(SHOP, as_of=LAST, **KNOWN)
    opens = found.windows.set_index("order_number")["opens_days"]
    ahead = 26 + 29
    listed = frames.table(frames.lazy(offers.find_entering(on(known), found, as_of=LAST)))
    left = known["purchase_days"].clip(upper=4).map(opens) - known["recency_days"]
    expected = known[left.between(1, ahead)]
    assert set(listed["customer_id"]) == set(expected["customer_id"])
    assert listed["ltv_12m"].is_monotonic_decreasing
    assert (listed["risk"] < listed["risk_then"]).all()
    one = listed.iloc[0]
    curve = found.curves[min(one["purchase_days"], 4)]
    silent = int(one["recency_days"])
    assert one["risk"] == pytest.approx(curve[-1] / curve[silent])
    assert one["risk_then"] == pytest.approx(curve[-1] / curve[silent + ahead])
    none = offers.find_entering(on(known), found, as_of=LAST, until="2024-01-06")
    assert len(frames.table(frames.lazy(none))) < len(listed)
    with pytest.raises(ColumnError, match="no column 'worth'"):
        offers.find_entering(on(known), found, as_of=LAST, value="worth")
    with pytest.raises(ParamsError, match="give a day after"):
        offers.find_entering(on(known), found, as_of=LAST, until=LAST)


def test_what_an_offer_may_cost_by_hand(on):
    entering = pd.DataFrame({"customer_id": ["a", "b"], "ltv_12m": [1000.0, 3000.0],
                             "risk": [0.2, 0.4]})  # fmt: skip
    table = offers.weigh_incentives(on(entering), margin_rate=0.5)
    assert table["pays_up_to"].tolist() == pytest.approx([50, 100, 200])
    # 70% come back anyway, and use it.
    assert table["pays_up_to_used"].tolist() == pytest.approx([50 / 0.75, 100 / 0.8, 200 / 0.9])
    assert table["in_all"].tolist() == pytest.approx([100, 200, 400])
    assert offers.describe_incentives(table, currency="JPY") == (
        "2 customers reach this silence by the end of next month, and bring 1,000 JPY of margin "
        "each in 12 months if the forecast is right. An offer pays if it costs up to 50 JPY a "
        "customer and brings back 5 more of 100, or up to 200 JPY for 20 more (rather more, as the "
        "forecast reckons with some having left). How many it brings back, only a test can show."
    )
    nobody = offers.weigh_incentives(entering[:0])
    assert offers.describe_incentives(nobody) == (
        "Nobody reaches this silence by the end of next month."
    )
    with pytest.raises(Undefined, match="the margin is not known"):
        offers.weigh_incentives(entering, margin_rate=np.nan)
    loss = offers.weigh_incentives(entering.assign(ltv_12m=-5.0))
    assert "nothing is expected" in offers.describe_incentives(loss)
    assert loss["pays_up_to"].tolist() == [0, 0, 0]
    with pytest.raises(ParamsError, match="lifts: 5 is no share"):
        offers.weigh_incentives(entering, lifts=(5,))


def test_regular_payments_have_no_time_in_between_to_act():
    """A fee a month: who is silent for 32 days has missed it; nobody is to be reminded before."""
    days = [pd.Timestamp("2022-01-01") + pd.DateOffset(months=m) for m in range(30)]
    rows = [(f"c{n:03d}", day) for n in range(60) for day in days[: 6 + n % 24]]
    lines = pd.DataFrame(rows, columns=["customer_id", "order_date"]).assign(amount=980.0)
    lines["order_id"] = lines.index.astype(str)
    with pytest.raises(Undefined, match="in a regular rhythm, every 31 days"):
        offers.measure_timing(lines, as_of="2024-06-30", export_begins="opening")
