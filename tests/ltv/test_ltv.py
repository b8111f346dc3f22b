from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines
from stub_shops import simulate

from ltvkit.errors import Alike, ColumnError, DataError, ParamsError, TooLittleData
from ltvkit.ingest.truncation import find_known_from
from ltvkit.ltv import contracts, curves, formulas, survival, unit_economics

# As of 2024-12-31 with 90 days to lapse, a and b have left (judged on 2024-10-02), c stays and
# d is too new to be judged. Half of revenue is margin.
BARE = make_lines(
    ("a", "1", "2024-01-01", 100, "web"),
    ("a", "2", "2024-03-01", 50, "shop"),
    ("b", "3", "2024-01-01", 30, "web"),
    ("c", "4", "2024-01-01", 60, "shop"),
    ("c", "5", "2024-12-01", 90, "shop"),
    ("c", "R", "2024-12-02", -10, "shop"),
    ("d", "6", "2024-11-30", 40, "shop"),
    extra=("channel",),
)
LINES = BARE.assign(margin=BARE["amount"] / 2)
# Five such shops in one: the same averages, and ten customers lost.
MANY = pd.concat(
    [
        LINES.assign(customer_id=LINES["customer_id"] + n, order_id=LINES["order_id"] + n)
        for n in "vwxyz"
    ],
    ignore_index=True,
)
AS_OF, LAPSE = "2024-12-31", 90
YEARS = (60 + 90 + 0 + 90) / 2 / 365.25  # a: 60 days, b: none, and 90 more each until gone
ARPU = 320 / ((150 + 90 + 365) / 30.4375)  # of d nobody could know yet
CHURN = 2 / ((150 + 90 + 365) / 30.4375)  # of a, b until gone; of c until today


def compared(lines, **changes) -> pd.DataFrame:
    return formulas.compare(lines, **{"as_of": AS_OF, "lapse_days": LAPSE} | changes)


def named(table: pd.DataFrame) -> pd.Series:
    return table.set_index("method")["value"]


def subscribers(customers: int = 3000) -> pd.DataFrame:
    """A box of 40 every 30 days, by customers whose chance to stop is Beta(2, 6)."""
    rng = np.random.default_rng(3)
    boxes = np.minimum(rng.geometric(rng.beta(2, 6, customers)), 40)
    born = rng.integers(0, 700, customers)
    days = np.concatenate([b + 30 * np.arange(n) for b, n in zip(born, boxes, strict=True)])
    dates = pd.Timestamp("2022-01-01") + pd.to_timedelta(days, "D")
    ids = np.repeat(np.arange(customers), boxes)
    rows = zip(
        ids.astype(str), np.arange(len(ids)).astype(str), dates, [40] * len(ids), strict=True
    )
    return make_lines(*rows)


def test_measures_by_hand(on):
    row = formulas.measures(on(LINES), as_of=AS_OF, lapse_days=LAPSE).iloc[0]
    assert row.to_dict() == pytest.approx(
        {
            "average_order_value": 360 / 6,
            "orders_per_year": 6 / 4,
            "years": YEARS,
            "monthly_arpu": ARPU,
            "monthly_churn_rate": CHURN,
            "customers_lost": 2,
            "months_spanned": 366 / 30.4375,
            "margin_rate": 0.5,
            "contract_periods": np.nan,
        },
        nan_ok=True,
    )


def test_every_method_by_hand(on):
    costs = {"acquisition_cost": 5, "retention_cost": 2}
    table = compared(on(MANY), discount=0.1, expected=pd.Series({12: 70, 24: 80}), **costs)
    schoolbook = 60 * 1.5 * YEARS
    i = 1.1 ** (1 / 12) - 1
    realised = 230 / 4 + 50 / 3 + 80 / 3
    assert table["value"].tolist() == pytest.approx(
        [
            schoolbook,
            schoolbook / 2,
            schoolbook / 2 - 5 - 2 * YEARS,
            ARPU / CHURN,
            ARPU / 2 / CHURN,
            ARPU / 2 * (1 - CHURN) / (i + CHURN),
            realised,
            realised / 2,
            70,
            80,
        ]
    )
    whole = [("revenue", "margin", "profit", "revenue", "margin", "margin"), ["whole life"] * 6]
    assert table["of"].tolist() == [*whole[0], "revenue", "margin", "revenue", "revenue"]
    ends = ["first 12 months", "first 12 months", "first 12 months", "first 24 months"]
    assert table["horizon"].tolist() == [*whole[1], *ends]
    assert not table[["definition", "why"]].isin([""]).any(axis=None)
    assert set(table["withheld"]) == {""}
    assert not table.astype(str).apply(lambda c: c.str.contains("[{}]")).any(axis=None)
    assert "10.0% a year" in table["definition"][5]


def test_curves_by_the_channel_of_the_first_order_by_hand(on):
    """a and b came by web; c, whose later orders may have another channel, and d by the shop."""
    table = curves.ltv(on(LINES), as_of=AS_OF, by="channel", export_begins="opening")
    assert table.columns.tolist() == [
        "group", "age_months", "customers", "ltv", "low", "high", "few"
    ]  # fmt: skip
    assert table["group"].tolist() == ["shop"] * 12 + ["web"] * 12  # two each: by name
    shop, web = (table[table["group"] == name].reset_index() for name in ("shop", "web"))
    assert shop["customers"].tolist() == [2, 2, *[1] * 10]
    assert shop["ltv"].tolist() == pytest.approx([50.0] * 11 + [130.0])
    assert web["ltv"].tolist() == pytest.approx([65.0, 65.0] + [90.0] * 10)
    assert table["few"].all()
    assert table[["low", "high"]].isna().all(axis=None)


def test_a_curve_of_a_group_is_that_of_its_customers(on):
    lines = simulate(np.random.default_rng(4), won=lambda day: 1.0, days=400)
    lines["channel"] = np.where(lines["customer_id"] < "3", "web", "app")
    last = lines["order_date"].max()
    table = curves.ltv(on(lines), as_of=last, by="channel", export_begins="opening")
    for name in ("web", "app"):
        own = lines[lines["channel"] == name]
        alone = curves.ltv(on(own), as_of=last, export_begins="opening")
        found = table[table["group"] == name].reset_index(drop=True)
        assert found["customers"].tolist() == alone["customers"].tolist()
        assert found["ltv"].to_numpy() == pytest.approx(alone["ltv"].to_numpy())
        assert not found["few"].any()
        first = found[found["age_months"] < 6]  # lived by many: a band about the mean
        assert ((first["low"] < first["ltv"]) & (first["ltv"] < first["high"])).all()
    with pytest.raises(ColumnError, match="device"):
        curves.ltv(on(lines), as_of=last, by="device")


def test_discounting_is_the_sum_of_the_months_paid_at_their_end():
    months = np.arange(1, 2000)
    summed = (ARPU / 2 * (1 - CHURN) ** months / 1.2 ** (months / 12)).sum()
    found = named(compared(MANY, discount=0.2))["ARPU x margin / churn, discounted"]
    assert found == pytest.approx(summed)
    still = named(compared(MANY, discount=0))
    a_month_less = still["ARPU x margin / churn"] - ARPU / 2
    assert still["ARPU x margin / churn, discounted"] == pytest.approx(a_month_less)


def test_realised_in_twelve_months_leaves_out_what_came_later():
    later = make_lines(("a", "9", "2025-01-03", 999))
    lines = pd.concat([LINES, later.assign(channel="web", margin=0.0)])
    table = compared(lines, as_of="2025-01-31").set_index("method")
    assert table.loc["Realised LTV", "horizon"] == "first 12 months"
    assert "age 0 to 11" in table.loc["Realised LTV", "definition"]
    assert table.loc["Realised LTV", "value"] == pytest.approx(230 / 4 + 50 / 4 + 80 / 3)
    young = compared(LINES, as_of="2024-11-30").set_index("method")
    assert young.loc["Realised LTV", "horizon"] == "so far"
    assert "age 0 to 10" in young.loc["Realised LTV", "definition"]


def test_a_yearly_fee_is_once_in_the_first_twelve_months():
    """Three fees, on the same day of three years; the month of the first is one of the twelve."""
    years = [(c, f"{c}{y}", f"{y}-03-15", 60, "web") for c in "ab" for y in (2022, 2023, 2024)]
    lines = make_lines(*years, extra=("channel",))
    curve = curves.ltv(lines, as_of=AS_OF)
    assert curves.finding(curve, currency="USD").startswith(
        "In their first 12 months customers bring in 60.00 USD on average"
    )
    assert named(compared(lines))["Realised LTV"] == 60
    assert economics(lines, {"all": 80}, months=12).loc["web", "ltv"] == 60
    assert economics(lines, {"all": 80}, months=13).loc["web", "ltv"] == 120
    first = curves.finding(curve, currency="USD", months=1)
    assert first.startswith("In the month of their first order customers bring in 60.00 USD")


def test_no_margin_no_row_of_it(on):
    table = compared(on(BARE))
    assert table["of"].tolist() == ["revenue"] * 3
    assert np.isnan(formulas.measures(BARE, as_of=AS_OF, lapse_days=LAPSE)["margin_rate"][0])
    given = compared(on(BARE), margin_rate=0.5)
    pd.testing.assert_frame_equal(given, compared(LINES))


def test_a_line_without_a_margin_is_left_out_of_the_rate(on):
    lines = LINES.assign(margin=LINES["margin"].where(LINES["customer_id"] != "a"))
    row = formulas.measures(on(lines), as_of=AS_OF, lapse_days=LAPSE).iloc[0]
    assert row["margin_rate"] == pytest.approx(0.5)


def test_orders_of_less_than_a_year_are_scaled_up_to_one():
    row = formulas.measures(LINES, as_of="2024-06-30", lapse_days=LAPSE).iloc[0]
    assert row["orders_per_year"] == pytest.approx(4 / 3 / (182 / 366))


def test_the_day_a_window_begins_after_is_not_in_it_nor_any_day_after_as_of(on):
    edges = make_lines(
        ("a", "1", "2023-12-31", 10),
        ("a", "2", "2024-01-01", 10),
        ("a", "3", "2024-10-02", 10),  # 90 days before: a has left
        ("a", "4", "2025-01-01", 99),
    ).assign(margin=[2, 2, 2, 99])
    row = formulas.measures(on(edges), as_of=AS_OF, lapse_days=LAPSE).iloc[0]
    assert row["monthly_arpu"] == pytest.approx(30 / ((276 + 90 - 1) / 30.4375), rel=0.01)
    assert row[["orders_per_year", "margin_rate"]].tolist() == pytest.approx([2, 0.2])
    assert row["years"] == pytest.approx((276 + 90) / 365.25)


def test_what_nobody_has_left_to_show_is_not_yet_observable():
    lines = make_lines(("a", "1", "2024-01-01", 10), ("a", "2", "2024-12-20", 10))
    table = compared(lines, margin_rate=0.5)
    assert table["value"].isna().tolist() == [True] * 6 + [False] * 2
    assert "No formula covers a whole life: no customer counts as gone yet." in formulas.finding(
        table, currency="USD"
    )


def test_a_shop_that_nobody_buys_from_any_more_has_no_orders_a_year(on):
    row = formulas.measures(on(LINES), as_of="2026-12-31", lapse_days=LAPSE).iloc[0]
    assert np.isnan(row["orders_per_year"])
    assert row["monthly_arpu"] / row["monthly_churn_rate"] == pytest.approx(360 / 4)
    assert row["years"] == pytest.approx(((60 + 0 + 335 + 0) / 4 + 90) / 365.25)


def test_a_contract_is_its_price_by_the_periods_to_expect(on):
    lines = subscribers()
    how = {"as_of": "2023-12-31", "lapse_days": 45}
    table = compared(on(lines), contract_days=30, **how).set_index("method")
    row = table.loc["Unit price x contract periods"]
    assert (row["of"], row["horizon"]) == ("revenue", "first 10 years")
    curve = contracts.fit(survival.survivors(lines, period_days=30, **how), model="sbg").survival(
        np.arange(121)
    )
    assert row["value"] == pytest.approx(40 * curve.sum())
    truth = contracts.Contract("sbg", pd.Series({"alpha": 2.0, "beta": 6.0}), 0.0)
    assert row["value"] == pytest.approx(40 * truth.survival(np.arange(121)).sum(), rel=0.1)


def test_a_model_is_withheld_where_the_orders_span_less_than_a_fifth_of_its_time():
    span = formulas.measures(MANY, as_of="2024-04-30", lapse_days=LAPSE)["months_spanned"].iloc[0]
    assert 12 / 5 <= span < 24 / 5
    table = compared(MANY, as_of="2024-04-30", expected=pd.Series({12: 70, 24: 99}))
    assert table["value"].tail(2).tolist() == pytest.approx([70, np.nan], nan_ok=True)
    assert table["withheld"].iloc[-2] == ""
    assert table["withheld"].iloc[-1].endswith(" months, less than a fifth of 24")


def test_the_finding_is_the_tables():
    table = compared(MANY, expected=pd.Series({12: 70, 24: 9999}), acquisition_cost=5)
    text = formulas.finding(table, currency="USD")
    assert text.startswith(
        "Customers spent 100.83 USD each on average (first 12 months). The formulas"
    )
    assert "29.57 USD (Order value x orders a year x years) to 160.00 USD (ARPU / churn)." in text
    assert "too low" not in text  # too few customers for a range of what they spent
    sure = [formulas.finding(table.assign(lowest=low), currency="USD") for low in (29, 30)]
    assert "too low" not in sure[0]
    assert sure[1].endswith(
        "A formula that gives less than 30.00 USD, the low end of the likely range of what "
        "customers spent, is too low for this shop."
    )


def test_what_was_realised_has_the_low_end_of_the_curve(on):
    lines = monthly(40, 20)
    lowest = compared(on(lines)).set_index("method")["lowest"].dropna()
    curve = curves.ltv(lines, as_of=AS_OF).set_index("age_months")
    assert lowest.to_dict() == {"Realised LTV": curve.loc[11, "low"]}


def monthly(customers: int, lost: int, months: int = 24, amount: float = 30.0) -> pd.DataFrame:
    """Customers who order every month; `lost` of them stop after the sixth."""
    start = pd.Timestamp("2023-01-05")
    rows = [
        (f"C{c}", f"{c} {m}", start + pd.DateOffset(months=m), amount)
        for c in range(customers)
        for m in range(6 if c < lost else months)
    ]
    return make_lines(*rows)


def whole_life(lines: pd.DataFrame, **changes) -> pd.DataFrame:
    table = compared(lines, as_of="2024-12-31", **changes).set_index("method")
    return table[table["horizon"] == "whole life"]


@pytest.mark.parametrize(
    ("customers", "lost", "reason"),
    [
        (40, 0, "no customer counts as gone yet"),
        (40, 1, "only 1 customer has left yet, and it takes 10 to tell"),
        (40, 9, "only 9 customers have left yet"),
        (40, 10, ""),
        (800, 10, "at this churn customers would stay 157.7 years on average, but the orders span"),
    ],
)
def test_a_whole_life_is_given_where_enough_customers_were_lost(customers, lost, reason):
    """Of 800: (790 x 726 days + 10 lost after 151 + 90 days) / 10 lost = 157.7 years each."""
    table = whole_life(monthly(customers, lost))
    row = table.loc["ARPU / churn"]
    assert row["withheld"].startswith(reason) if reason else row["withheld"] == ""
    assert np.isnan(row["value"]) == bool(reason)
    text = formulas.finding(compared(monthly(customers, lost)), currency="USD")
    assert (reason.split(",")[0] in text) if reason else ("Not given" not in text)


def test_contract_periods_that_are_not_known_have_a_reason():
    """Nobody has left, so nothing says how many months a contract lasts."""
    rows = compared(monthly(40, 0), contract_days=30).set_index("method")
    row = rows.loc["Unit price x contract periods"]
    assert np.isnan(row["value"])
    assert row["withheld"].startswith("customers leave at too similar a rate, or too few periods")
    assert "Unit price x contract periods" not in set(compared(monthly(40, 0))["method"])


def test_contracts_of_customers_alike_have_their_periods():
    """A fee every 30 days of 500 who leave by one chance of 0.2: 1 / 0.2 periods. The sBG has no
    estimate for customers who do not differ."""
    rng = np.random.default_rng(8)
    paid = np.minimum(rng.geometric(0.2, 500), 23)
    start = pd.Timestamp("2023-01-05")
    rows = [
        (f"C{c}", f"{c} {m}", start + pd.Timedelta(days=30 * m), 10.0)
        for c in range(500)
        for m in range(paid[c])
    ]
    rule = {"as_of": "2024-12-31", "lapse_days": 45}
    with pytest.raises(Alike):
        contracts.fit(survival.survivors(make_lines(*rows), **rule, period_days=30), model="sbg")
    parts = formulas.measures(make_lines(*rows), **rule, contract_days=30).iloc[0]
    assert parts["contract_periods"] == pytest.approx(5, rel=0.05)
    row = compared(make_lines(*rows), contract_days=30, **rule).set_index("method")
    row = row.loc["Unit price x contract periods"]
    assert row["value"] == pytest.approx(10 * parts["contract_periods"])
    assert not row["withheld"]


def test_where_ever_more_leave_no_rate_is_carried_on():
    """2, 4, 9 and 17% at the renewals seen: at 7% each, they would stay for thirteen periods."""
    rising = pd.DataFrame({"at_risk": [600, 588, 564, 514], "lost": [12, 24, 50, 86]})
    with pytest.raises(TooLittleData) as caught:
        contracts.fit(rising, model="sbg")
    assert not isinstance(caught.value, Alike)


def test_the_part_of_a_life_that_was_seen_decides_on_both_sides():
    """Seen of a value are 1 - exp(-churn x months): a fifth at a churn of 0.94% in 23.8 months."""
    for lost, stands in ((38, False), (43, True)):
        lines = monthly(200, lost)
        parts = formulas.measures(lines, as_of="2024-12-31", lapse_days=LAPSE).iloc[0]
        seen = 1 - np.exp(-parts["monthly_churn_rate"] * parts["months_spanned"])
        assert (seen > 0.2) == stands
        assert np.isfinite(whole_life(lines).loc["ARPU / churn", "value"]) == stands


def test_the_range_is_of_the_formulas_that_stand():
    table = compared(monthly(800, 10))
    text = formulas.finding(table, currency="USD")
    assert "The one formula that holds for a whole life gives 237.54 USD (Order value" in text
    assert "Not given: ARPU / churn (at this churn customers would stay" in text
    assert not table["value"].gt(2000).any()


def test_more_returned_than_bought_leaves_nothing_to_carry_on():
    lines = pd.concat([monthly(40, 20), monthly(40, 20, amount=-45).assign(order_id="R")])
    table = whole_life(lines, margin_rate=0.3)
    assert table["value"].isna().all()
    assert set(table["withheld"]) == {
        "more was returned than bought, so there is no revenue to carry on"
    }
    text = formulas.finding(compared(lines), currency="USD")
    assert text.startswith("Customers returned more than they bought: ")


def test_a_churn_of_more_than_all_customers_is_not_discounted_by_the_month():
    """Who buys once counts as gone after 5 days: 6.1 lost a month for each that stayed."""
    table = whole_life(monthly(40, 0, months=1), lapse_days=5, margin_rate=0.5)
    assert (
        "a churn of 608.8% a month would leave fewer than no customers"
        in table.loc["ARPU x margin / churn, discounted", "withheld"]
    )


def test_a_margin_below_zero_is_a_loss(on):
    lines = monthly(40, 20).assign(margin=-10.0)
    table = whole_life(on(lines))
    revenue, margin = table.loc[["ARPU / churn", "ARPU x margin / churn"], "value"]
    assert margin == pytest.approx(-revenue / 3)
    text = formulas.finding(compared(lines), currency="USD")
    assert "The margin is below zero, so the more they buy, the more the shop loses." in text
    assert "margin" not in formulas.finding(compared(monthly(40, 20)), currency="USD")


def test_what_cannot_be_compared_is_said():
    with pytest.raises(ParamsError, match="margin_rate=35: give a share"):
        compared(LINES, margin_rate=35)
    with pytest.raises(ParamsError, match="discount=-0.1"):
        compared(LINES, discount=-0.1)
    assert compared(LINES, lapse_days=400)["value"].isna().tolist() == [True] * 6 + [False] * 2


def economics(lines, cost, **changes) -> pd.DataFrame:
    given = {"as_of": AS_OF, "acquisition_cost": cost} | changes
    return unit_economics.summarize(lines, **given).set_index(given.get("by", "channel") or "all")


def test_unit_economics_by_hand(on):
    table = economics(on(LINES), {"web": 40, "shop": 70})
    assert table["customers"].to_dict() == {"shop": 2, "web": 2}
    # shop: (60 + 40) / 2 / 2 at age 0, and (90 - 10) / 2 at 11, which c alone has reached.
    assert table["ltv"].to_dict() == {"shop": 65, "web": 45}
    assert table["affordable_cost"].equals(table["ltv"])
    assert table["ltv_to_cost"].to_dict() == pytest.approx({"shop": 65 / 70, "web": 45 / 40})
    assert table["payback_months"].to_dict() == pytest.approx(
        {"shop": np.nan, "web": 2}, nan_ok=True
    )
    assert economics(on(BARE), {"all": 0}, margin_rate=0.5)["ltv"].equals(table["ltv"])


def test_a_group_pays_best_only_if_it_pays_back():
    shops = [LINES.assign(customer_id=LINES["customer_id"] + str(n)) for n in range(30)]
    found = [
        unit_economics.finding(economics(pd.concat(shops), cost).reset_index(), currency="USD")
        for cost in ({"web": 20, "shop": 70}, {"web": 90, "shop": 70}, {"web": 50})
    ]
    assert found == [
        "Web pays best: 20.00 USD to win a customer, 45.00 USD of margin in 12 months.",
        "No group pays back within 12 months. Shop comes closest: 70.00 USD to win a customer, "
        "65.00 USD of margin.",
        "Winning a customer costs 50.00 USD and brings 45.00 USD of margin in 12 months.",
    ]


@pytest.mark.parametrize(
    ("high", "costs", "said"),
    [
        ([50, 70], [20, 20], "B pays best: 20.00 USD"),  # 60 -+ 10 and 40 -+ 10
        ([56, 76], [20, 20], "No group clearly pays best. B comes first, but that may be chance: "),
        ([50, 70], [80, 80], "No group pays back within 12 months. B comes closest: 80.00 USD"),
        ([56, 76], [80, 80], "No group pays back within 12 months. B comes closest, but that may"),
        ([50, 74], [40, 20], "B pays best: 20.00 USD"),  # 3 -+ 0.7 and 1 -+ 0.25
        ([np.nan, 70], [20, 20], "B is the only group compared: 20.00 USD to win a customer"),
        ([np.nan, np.nan], [20, 20], "No group clearly pays best"),
    ],
)
def test_that_a_group_pays_best_is_said_only_where_it_is_more_than_chance(high, costs, said):
    ltv, high = np.array([40, 60]), np.array(high)
    table = pd.DataFrame({"channel": ["a", "b"], "customers": 99, "of": "revenue", "ltv": ltv})
    table = table.assign(ltv_low=2 * ltv - high, ltv_high=high, acquisition_cost=costs)
    table["ltv_to_cost"] = table["ltv"] / table["acquisition_cost"]
    assert unit_economics.finding(table, currency="USD").startswith(said)


def test_a_very_wide_range_is_told_with_the_best_group():
    """One customer brought nearly all of what group b did."""
    table = pd.DataFrame({"channel": ["a", "b"], "customers": 99, "of": "revenue"})
    table = table.assign(ltv=[40.0, 4000.0], ltv_low=[30.0, 20.0], ltv_high=[50.0, 12000.0])
    table = table.assign(acquisition_cost=20, ltv_to_cost=table["ltv"] / 20)
    text = unit_economics.finding(table, currency="USD")
    assert text.endswith(" Its likely range is 20.00 USD to 12,000 USD: a few customers decide.")
    even = table.assign(ltv=[40.0, 60.0], ltv_low=[30.0, 50.0], ltv_high=[50.0, 70.0])
    assert "likely range" not in unit_economics.finding(even, currency="USD")


def test_of_one_customer_no_cost_of_the_next_one_follows(on):
    table = economics(on(LINES[LINES["customer_id"] != "d"]), {"all": 20})
    assert table["customers"].to_dict() == {"shop": 1, "web": 2}
    assert table.loc["shop", ["ltv_to_cost", "payback_months", "affordable_cost"]].isna().all()
    assert table.loc["shop", "ltv"] == 70
    assert table.loc["web", "affordable_cost"] == 45


def test_groups_that_are_too_small_to_compare_are_counted():
    """The table shows that one of them pays back, and the finding speaks of the large one alone."""
    table = pd.DataFrame({"channel": list("abc"), "customers": [99, 40, 9], "of": "revenue"})
    table = table.assign(ltv=60.0, ltv_low=[50, np.nan, np.nan], ltv_high=[70, np.nan, np.nan])
    table["ltv_to_cost"] = table["ltv"] / table.assign(cost=[80, 20, 20])["cost"]
    table["acquisition_cost"] = [80, 20, 20]
    alone = "A is the only group compared: 80.00 USD to win a customer, 60.00 USD of revenue in 12"
    for rows, rest in (
        (table, " 2 groups are not compared: too few of their customers have been customers for"),
        (table.head(2), " 1 group is not compared: too few of its customers have been customers"),
        (table.head(1).assign(customers=30), ""),
    ):
        found = unit_economics.finding(rows, currency="USD")
        assert found.startswith(alone if rest else "Winning a customer costs 80.00 USD")
        assert rest in found
        assert ("not compared" in found) == bool(rest)
        assert "No group pays back" not in found


def test_ranges_that_nobody_is_old_enough_for_are_numbers():
    first = LINES["order_date"].min()
    table = economics(LINES, {"all": 40}, as_of=first + pd.Timedelta(days=150))
    assert table[["ltv_low", "ltv_high"]].isna().all(axis=None)
    assert set(table[["ltv_low", "ltv_high"]].dtypes) == {np.dtype("float64")}


@pytest.mark.parametrize("of", ["margin", "revenue"])
def test_no_group_that_loses_money_comes_closest(of):
    table = pd.DataFrame({"channel": ["a", "b"], "customers": 99, "of": of, "ltv": [-9, -8]})
    table = table.assign(ltv_low=-12.0, ltv_high=-5.0, acquisition_cost=20.0)
    table["ltv_to_cost"] = table["ltv"] / table["acquisition_cost"]
    assert unit_economics.finding(table, currency="USD") == (
        f"No group pays back within 12 months: in each, the {of} of a customer is below zero."
    )


def test_the_range_of_a_group_is_that_of_its_own_customers(on):
    """A group apart has the band that the whole curve has of its customers alone."""
    lines = make_lines(
        *[(f"{n}", f"{n}", "2023-01-05", 10 * (n % 7), "xxy"[n % 3]) for n in range(99)],
        extra=("channel",),
    )
    table = economics(on(lines), {"all": 40})
    limits = table[["ltv_low", "ltv_high"]]
    assert (table["ltv"].between(limits["ltv_low"], limits["ltv_high"])).all()
    alone = lines[lines["channel"] == "x"]
    curve = curves.ltv(alone, as_of=AS_OF).set_index("age_months").loc[11]
    width = limits.loc["x", "ltv_high"] - limits.loc["x", "ltv_low"]
    assert width == pytest.approx(curve["high"] - curve["low"], rel=0.15)
    half = economics(on(lines), {"all": 40}, margin_rate=0.5)
    assert half["ltv_high"].to_numpy() == pytest.approx(limits["ltv_high"].to_numpy() / 2)
    few = economics(on(lines[lines["customer_id"].astype(int) < 80]), {"all": 40})
    assert few["ltv_low"].isna().to_dict() == {"x": False, "y": True}


def test_no_group_pays_best_where_all_are_alike():
    lines = make_lines(
        *[(f"{n}", f"{n}", "2023-01-05", 60, "xy"[n % 2]) for n in range(60)],
        extra=("channel",),
    )
    table = economics(lines, {"all": 40}).reset_index()
    assert len(table) == 2
    assert unit_economics.finding(table, currency="USD") == (
        "Winning a customer costs 40.00 USD and brings 60.00 USD of revenue in 12 months."
    )
    few = economics(lines.iloc[2:], {"all": 40}).reset_index()
    assert unit_economics.finding(few, currency="USD") == (
        "No group has more than 29 customers, too few to say whether winning them pays."
    )


def test_without_a_customer_old_enough_or_a_cost_the_finding_says_so():
    young = economics(LINES, {"all": 10}, months=24).reset_index()
    assert unit_economics.finding(young, currency="USD", months=24) == (
        "No customer of known cost has been one for 24 months yet, so it is not known what they "
        "bring in that time."  # not: whether it pays, as the table may show it paid back before
    )
    free = economics(LINES, {"all": 0}).reset_index()
    assert unit_economics.finding(free, currency="USD").startswith("No cost of winning a customer")


def test_customers_who_returned_more_than_they_bought_cost_the_shop():
    row = {"age_months": 11, "ltv": -30.2, "low": -46.7, "high": -12.5}
    text = curves.finding(pd.DataFrame([row]), currency="USD")
    assert text == (
        "In their first 12 months customers cost the shop 30.20 USD each on average "
        "(likely range 12.50 USD to 46.70 USD)."
    )


def test_where_all_is_sent_back_no_customer_has_a_value(on):
    """Sent back in the month after: by age, what is sent back is shared by fewer customers."""
    bought = [(f"C{n}", f"{n}", f"2024-0{1 + n % 8}-20", 100) for n in range(400)]
    sent = [(f"C{n}", f"R{n}", f"2024-0{2 + n % 8}-03", -100) for n in range(400)]
    lines, rule = on(make_lines(*bought, *sent)), {"as_of": "2024-12-31"}
    for compute in (
        lambda: curves.ltv(lines, **rule),
        lambda: unit_economics.summarize(lines, **rule, acquisition_cost={"all": 5}, by=""),
    ):
        with pytest.raises(TooLittleData, match="customers sent back as much as they bought"):
            compute()
    table = formulas.compare(lines, **rule, lapse_days=LAPSE)
    assert table["value"].isna().all()
    assert set(table["withheld"]) == {
        "as much was returned as was bought, so there is no revenue to carry on"
    }
    kept = on(make_lines(*bought, *sent[1:]))
    assert curves.ltv(kept, **rule)["ltv"].iloc[-1] == pytest.approx(100 / 400)


@pytest.mark.parametrize(
    ("customers", "why"),
    [
        ([1, 1], "there is only 1 customer to tell from"),
        ([29, 29], "there are only 29 customers to tell from"),
        ([900, 29], "few are that old yet"),
    ],
)
def test_a_curve_without_a_range_says_why(customers, why):
    ages = {"age_months": [0, 11], "customers": customers, "ltv": [20.0, 30.0]}
    text = curves.finding(pd.DataFrame(ages | {"low": np.nan, "high": np.nan}), currency="USD")
    assert text == f"In their first 12 months customers bring in 30.00 USD on average; {why}."


def test_a_customer_who_loses_money_may_cost_nothing():
    table = economics(LINES.assign(margin=-LINES["margin"]), {"all": 10})
    assert (table["ltv"] < 0).all()
    assert table["affordable_cost"].tolist() == [0, 0]


def test_a_cost_for_all_and_a_cost_for_none():
    table = economics(LINES, {"all": 32.5, "shop": 0.0})
    assert table["acquisition_cost"].to_dict() == {"shop": 0, "web": 32.5}
    assert table["payback_months"].to_dict() == {"shop": 0, "web": 0}
    assert np.isnan(table.loc["shop", "ltv_to_cost"])
    partly = economics(LINES, {"web": 40}).loc["shop"]
    assert partly[["acquisition_cost", "ltv_to_cost", "payback_months"]].isna().all()
    assert partly["ltv"] == 65


def test_an_age_that_nobody_has_reached_is_not_yet_observable():
    table = economics(LINES, {"all": 1}, months=13)
    assert table[["ltv", "affordable_cost", "ltv_to_cost"]].isna().all(axis=None)


def test_a_month_that_is_not_over_counts_not_at_all():
    half = economics(LINES, {"all": 1}, as_of="2024-12-15", months=11)
    whole = economics(LINES, {"all": 1}, as_of="2024-11-30", months=11)
    pd.testing.assert_frame_equal(half, whole)
    assert whole.loc["shop", "ltv"] == 25


def test_all_customers_are_one_group_where_costs_do_not_differ():
    table = economics(LINES, {"all": 40}, by="")
    assert table["customers"].to_dict() == {"all": 4}


def test_costs_and_columns_that_are_not_there_are_named():
    with pytest.raises(ParamsError, match="'tv' is none of shop, web"):
        economics(LINES, {"tv": 40})
    assert economics(BARE, {"web": 40})["of"].tolist() == ["revenue", "revenue"]
    assert economics(LINES, {"web": 40})["of"].tolist() == ["margin", "margin"]
    with pytest.raises(ColumnError, match="no column 'region'"):
        economics(LINES, {"all": 40}, by="region")
    with pytest.raises(ParamsError, match="give a column"):
        economics(LINES, {"all": 40}, by="week")
    with pytest.raises(ParamsError, match="margin_rate=35"):
        economics(LINES, {"all": 40}, margin_rate=35)
    with pytest.raises(DataError, match="end of a calendar month"):
        economics(LINES, {"all": 40}, as_of="2024-01-15")


def test_survival_is_of_customers_who_are_known_to_be_new():
    """Of an export that begins in the middle of a shop's life, old customers are left out."""
    lines = simulate(np.random.default_rng(1), won=lambda t: 2.0, days=900, before=1500)
    rule = {"as_of": "2025-06-18", "lapse_days": 120}
    known = find_known_from(lines, as_of=rule["as_of"], export_begins="later")
    first = lines.groupby("customer_id")["order_date"].transform("min")
    found = survival.survivors(lines, export_begins="later", **rule)
    alone = survival.survivors(lines[first >= known], export_begins="opening", **rule)
    pd.testing.assert_frame_equal(found, alone)
    assert len(found) < len(survival.survivors(lines, export_begins="opening", **rule))


def test_customers_who_cannot_count_as_lost_yet_are_not_in_arpu_and_churn():
    """Nobody comes back: a customer is worth the one order, however many are new."""
    rows = [(f"c{n}", f"o{n}", f"2024-{m:02d}-15", 50) for n, m in enumerate([*range(1, 13)] * 5)]
    table = compared(make_lines(*rows)).set_index("method")
    assert table.loc["ARPU / churn", "value"] == pytest.approx(50)
    assert "won 90 days ago or earlier" in table.loc["ARPU / churn", "definition"]


@pytest.mark.parametrize(("returned", "text"), [(1.0, "as much as"), (1.2, "returned more than")])
def test_what_was_all_sent_back_is_worth_nothing_and_more_than_that_less(returned, text):
    bought = monthly(40, 20)
    lines = pd.concat([bought, bought.assign(amount=-30.0 * returned, order_id="R")])
    assert text in formulas.finding(compared(lines), currency="USD")


def test_a_range_around_zero_is_no_loss():
    rows = {"age_months": [0, 11], "customers": 90, "ltv": [2.0, -15.0]}
    curve = pd.DataFrame(rows | {"low": [1.0, -58.0], "high": [3.0, 41.0]})
    assert curves.finding(curve, currency="USD") == (
        "It is not clear that customers bring in anything in their first 12 months: −15.00 USD "
        "each on average (likely range −58.00 USD to 41.00 USD)."
    )
    first = curves.finding(curve.head(1), currency="USD")
    assert first.startswith("In the month of their first order customers bring in 2.00 USD")
