"""Why revenue changed: leaves by hand, on every engine, and how sure they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines

from ltvkit import drivers, kpis, orders
from ltvkit.drivers import calendars, leaves, segments
from ltvkit.drivers.change import describe_values
from ltvkit.drivers.changes import find_spans
from ltvkit.errors import ColumnError, ParamsError, TooLittleData
from ltvkit.ingest import daily

LINES = make_lines(
    ("a", "1", "2023-09-05", 100, 2, "tea"),
    ("b", "2", "2024-01-10", 60, 3, "tea"),
    ("b", "2", "2024-01-10", 40, 1, "mugs"),
    ("c", "3", "2024-01-20", 100, 4, "tea"),
    ("a", "4", "2024-02-01", 300, 5, "mugs"),  # won back after 149 days
    ("b", "5", "2024-02-02", 50, 1, "tea"),
    ("b", "6", "2024-02-20", 50, 1, "tea"),
    ("b", "R", "2024-02-25", -20, 1, "tea"),
    ("d", "7", "2024-02-28", 100, 2, "sets"),
    extra=("quantity", "category"),
)
KNOWN = {"export_begins": "opening"}


def explain(on, lines=LINES, **options):
    given = {"as_of": "2024-02-29", "lapse_days": 100, **KNOWN, **options}
    return drivers.explain(on(lines), lines=on(lines), **given)


def test_leaves_by_hand(on):
    found = explain(on)
    table = found.table.set_index("leaf")
    assert found.formula.text == (
        "days * (new_customers_a_day + kept_customers_a_day + won_back_a_day) "
        "* orders_per_customer * items_per_order * price_per_item * (1 - returned_share)"
    )
    sides = table[["value_before", "value_after"]].round(6).T.to_dict("list")
    assert sides["days"] == [31, 29]
    assert sides["new_customers_a_day"] == [round(2 / 31, 6), round(1 / 29, 6)]  # b and c; d
    assert sides["kept_customers_a_day"] == [0, round(1 / 29, 6)]  # b, twice
    assert sides["won_back_a_day"] == [0, round(1 / 29, 6)]  # a
    assert sides["orders_per_customer"] == [1, round(4 / 3, 6)]
    assert sides["items_per_order"] == [4, 2.25]
    assert sides["price_per_item"] == [25, round(500 / 9, 6)]
    assert sides["returned_share"] == [0, 0.04]
    assert (found.before, found.after) == (200, 480)
    assert table["change_in_revenue"].sum() == pytest.approx(280)
    assert found.periods == ("2024-01", "2024-02")


def test_values_are_shown_in_the_unit_of_their_leaf():
    shown = explain(lambda frame: frame).show(currency="JPY").set_index("leaf")
    assert shown.loc[["days", "returned_share", "price_per_item"], "values"].tolist() == [
        "31 to 29", "0.0% to 4.0%", "25 JPY to 56 JPY",
    ]  # fmt: skip
    assert list(shown)[-2:] == ["values", "department"]


def test_days_give_the_same_as_lines_where_no_line_tells_more(on):
    days = daily.aggregate(on(LINES))
    found = drivers.explain(days, as_of="2024-02-29", lapse_days=100, **KNOWN)
    assert found.formula.leaves[-1] == "order_value"
    assert found.table["change_in_revenue"].sum() == pytest.approx(280)
    also = drivers.explain(on(LINES), as_of="2024-02-29", lapse_days=100, **KNOWN)
    pd.testing.assert_frame_equal(found.table, also.table)


def test_a_line_without_its_number_of_items_leaves_the_order_value_whole(on):
    lines = LINES.assign(quantity=LINES["quantity"].where(LINES["order_id"] != "7"))
    found = explain(on, lines)
    assert "order_value" in found.formula.leaves
    assert found.table["change_in_revenue"].sum() == pytest.approx(280)


def test_against_the_same_month_of_last_year_and_a_month_that_is_not_over(on):
    lines = pd.concat([make_lines(("z", "0", "2023-08-31", 1)), LINES])
    found = drivers.explain(on(lines), as_of="2024-09-10", against="last_year", **KNOWN)
    assert found.periods == ("2023-09", "2024-09")
    assert found.names[1] == "the first 10 days of September 2024"
    assert found.table.set_index("leaf").loc["days", ["value_before", "value_after"]].tolist() == [
        10,
        10,
    ]
    assert (found.before, found.after) == (100, 0)
    assert found.table["change_in_revenue"].sum() == pytest.approx(-100)


def test_who_is_new_is_one_leaf_where_nobody_can_tell(on):
    found = explain(on, export_begins="later")
    assert "customers_a_day" in found.formula.leaves
    assert not set(leaves.BY_DAY.values()) & set(found.formula.leaves)
    assert found.table["change_in_revenue"].sum() == pytest.approx(280)


def test_a_period_that_is_not_in_the_data_is_refused(on):
    with pytest.raises(TooLittleData, match="do not hold the whole of August 2023"):
        explain(on, as_of="2023-09-30")


def test_returns_that_are_more_than_what_was_sold_are_an_amount(on):
    lines = make_lines(
        ("a", "1", "2024-01-01", 100), ("b", "2", "2024-01-02", 100), ("a", "R", "2024-02-05", -50)
    )
    found = explain(on, lines)
    assert found.formula.text.endswith("order_value - sent_back")
    table = found.table.set_index("leaf")["change_in_revenue"]
    assert table["sent_back"] == pytest.approx(-50)
    assert table.drop(["sent_back", "days"]).sum() + table["days"] == pytest.approx(-200)
    assert "(" not in drivers.finding(found).split(" from ")[0]  # by no share of all of it


def test_revenue_without_an_order_is_refused(on):
    lines = make_lines(("a", "1", "2024-01-31", 100), ("a", "1", "2024-02-01", 50))
    early = pd.concat([make_lines(("z", "0", "2024-01-01", 1)), lines])
    with pytest.raises(TooLittleData, match="in February 2024 no order was begun"):
        drivers.explain(on(early), as_of="2024-02-29", **KNOWN)


def make_change(*rows, before=1000.0, after=1500.0):
    columns = ["leaf", "change_in_revenue", "low", "high", "verdict", "department"]
    table = pd.DataFrame(rows, columns=columns).assign(value_before=1.0, value_after=2.0)
    return drivers.Change(table, drivers.Formula("days"), ("2024-01", "2024-02"), before, after)


@pytest.mark.parametrize(
    ("rows", "after", "said"),
    [
        (
            [("order_value", 600.0, 1, 2, "raised", "m"), ("days", -100.0, 1, 2, "lowered", "")],
            1500.0,
            "Clear reasons, the largest first: a higher order value, 1.00 to 2.00 (+600.00). "
            "Against it: more days, 1 to 2 (\N{MINUS SIGN}100.00).",
        ),
        (
            [("order_value", 600.0, -1, 2, "unclear", "m"), ("days", -100.0, 1, 2, "lowered", "")],
            1500.0,
            "No reason for it stands out from chance. Against it: more days, 1 to 2 "
            "(\N{MINUS SIGN}100.00). All other parts together: +600.00.",
        ),
        (
            [("order_value", 90.0, 1, 2, "raised", "m"), ("days", -90.0, 1, 2, "lowered", "")],
            1000.0,
            "Clear changes within it, the largest first: a higher order value, 1.00 to 2.00 "
            "(+90.00), more days, 1 to 2 (\N{MINUS SIGN}90.00).",
        ),
        (
            [("order_value", 600.0, 1, 2, "raised", "m"), ("days", -50.0, 1, 2, "lowered", "")],
            1550.0,
            "Clear reasons, the largest first: a higher order value, 1.00 to 2.00 (+600.00). All "
            "other parts together: \N{MINUS SIGN}50.00.",
        ),
        (
            [
                ("order_value", 600.0, np.nan, np.nan, "unclear", "m"),
                ("days", 9.0, 1, 2, "raised", ""),
            ],
            1609.0,
            "There are too few customers to tell a reason from chance.",
        ),
    ],
)
def test_reasons_are_for_the_change_or_against_it(rows, after, said):
    text = drivers.finding(make_change(*rows, after=after))
    assert text.split(". ", 1)[1].split(" ", 1)[1].endswith(said) or text.endswith(said)


@pytest.mark.parametrize("against", ["last_month", "2024-02", "2024-03", "2024-13", "2024"])
def test_what_is_no_earlier_month_is_refused(against):
    with pytest.raises(ParamsError, match="against"):
        drivers.explain(LINES, as_of="2024-02-29", against=against)


def test_any_earlier_month_can_be_compared_with(on):
    lines = pd.concat([make_lines(("z", "0", "2023-08-31", 1)), LINES])
    found = explain(on, lines, against="2023-09")
    assert (found.periods, found.before) == (("2023-09", "2024-02"), 100)
    assert found.table["change_in_revenue"].sum() == pytest.approx(380)


def make_shop(rng, *, months, customers=400, orders=0.5, value=40.0) -> pd.DataFrame:
    """A purchase a customer and day at most; months are factors of (orders, value)."""
    rows = []
    for n, (often, much) in enumerate(months):
        times = rng.poisson(orders * often, customers)
        who = np.repeat(np.arange(customers), times)
        amounts = rng.gamma(4, value * much / 4, len(who)) + 0.01
        day = rng.integers(0, 28, len(who))
        date = pd.Timestamp(2024, 1 + n, 1) + pd.to_timedelta(day, "D")
        rows.append(pd.DataFrame({"who": who, "date": date, "amount": amounts}))
    both = pd.concat(rows, ignore_index=True)
    return pd.DataFrame(
        {
            "customer_id": "c" + both["who"].astype(str),
            "order_id": "o" + both.index.astype(str),
            "order_date": both["date"],
            "amount": both["amount"],
        }
    )


def test_intervals_hold_the_truth_as_often_as_they_say():
    """24 shops whose orders fell by 20% and whose order value rose by 10%; each leaf is held to
    what it is in a shop of 40,000 customers."""
    months = [(1.0, 1.0), (1.0, 1.0), (0.8, 1.1)]

    def parts(seed, customers):
        lines = make_shop(np.random.default_rng(seed), months=months, customers=customers)
        found = drivers.explain(lines, as_of="2024-03-31", draws=400, **KNOWN)
        return found.table.set_index("leaf")

    many = parts(0, 40_000)["change_in_revenue"] / 100
    tried = ["new_customers_a_day", "kept_customers_a_day", "orders_per_customer", "order_value"]
    held = []
    for seed in range(1, 25):
        table = parts(seed, 400).loc[tried]
        held += list((table["low"] <= many[tried]) & (many[tried] <= table["high"]))
    assert 0.82 <= np.mean(held) <= 0.97, np.mean(held)


def make_steady_shop(rng) -> pd.DataFrame:
    """600 customers who are known, and in each month of 31 days a quarter of them, and new ones."""
    rows = [(f"c{n}", "2023-12-01", 40.0) for n in range(600)]
    for month in ("2024-01", "2024-03"):
        buyers = [f"c{n}" for n in np.flatnonzero(rng.random(600) < 0.25)]
        buyers += [f"{month}-{n}" for n in range(rng.poisson(60))]
        for who in np.repeat(buyers, 1 + rng.poisson(0.2, len(buyers))):
            rows.append((who, f"{month}-{rng.integers(1, 32):02d}", rng.gamma(4, 10.0)))
    return make_lines(*((who, f"o{n}", day, much) for n, (who, day, much) in enumerate(rows)))


def test_where_nothing_changed_a_comparison_seldom_has_a_clear_reason():
    """All parts of a comparison together: one in ten is to be expected."""
    said = []
    for seed in range(40):
        lines = make_steady_shop(np.random.default_rng(seed))
        found = drivers.explain(lines, as_of="2024-03-31", against="2024-01", draws=600, **KNOWN)
        owned = found.table[found.table["department"] != ""]
        said.append(owned["verdict"].isin(["raised", "lowered"]).any())
    assert np.mean(said) <= 0.2, np.mean(said)


def test_few_customers_have_no_interval():
    table = explain(lambda frame: frame).table
    assert table[["low", "high"]].isna().all(axis=None)
    assert set(table.loc[table["department"] != "", "verdict"]) == {"unclear"}


def test_a_sunday_that_sells_twice_as_much_is_weighed():
    dates = pd.date_range("2023-01-01", "2024-03-31")
    rows = [
        (f"c{day:%Y%j}-{n}", f"{day:%Y%j}-{n}", day, 10)
        for day in dates
        for n in range(4 if day.weekday() == 6 else 2)
    ]
    lines = make_lines(*rows)
    weights = calendars.weigh_weekdays(lines, as_of="2024-03-31")
    assert weights[:6] == pytest.approx(np.full(6, 7 / 8))
    assert weights[6] == pytest.approx(14 / 8)
    found = drivers.explain(lines, as_of="2024-03-31", **KNOWN)
    table = found.table.set_index("leaf")
    # March 2024 has five Sundays in 31 days, February four in 29.
    days, mix = table.loc[["days", "weekday_mix"], "change_in_revenue"]
    assert (days, mix) == (pytest.approx(45.98, abs=0.01), pytest.approx(14.02, abs=0.01))
    assert (found.before, found.after) == (660, 720)


def test_a_monthly_fee_does_not_depend_on_the_days_of_a_month():
    rows = [
        (f"c{n}", f"{n}-{month:%Y%m}", month + pd.Timedelta(n % 28, "D"), 980)
        for n in range(60)
        for month in pd.date_range("2023-01-01", "2024-02-01", freq="MS")
        if n < 50 or month >= pd.Timestamp("2024-02-01")
    ]
    found = drivers.explain(make_lines(*rows), as_of="2024-02-29", **KNOWN)
    assert found.formula.text == (
        "(new_customers + kept_customers + won_back_customers) * orders_per_customer * order_value"
    )
    table = found.table.set_index("leaf")
    assert table["change_in_revenue"].round(6).tolist() == [9800, 0, 0, 0, 0]
    weekly = [
        (f"c{n}", f"{n}-{week}", pd.Timestamp("2024-01-01") + pd.Timedelta(7 * week, "D"), 10)
        for n in range(60)
        for week in range(9)
    ]
    assert (
        "days" in drivers.explain(make_lines(*weekly), as_of="2024-02-29", **KNOWN).formula.leaves
    )


def test_a_fee_is_not_taken_for_regular_where_days_matter():
    """Yearly fees spread over the year; a month that is not over; who comes every few days."""
    rng = np.random.default_rng(1)
    yearly = [
        (f"c{n}", f"{n} {y}", pd.Timestamp(2022 + y, 1, 1) + pd.Timedelta(n % 365, "D"), 10)
        for n in range(3650)
        for y in range(2)
    ]
    assert (
        "days"
        in drivers.explain(
            make_lines(*yearly), as_of="2023-02-28", lapse_days=400, **KNOWN
        ).formula.leaves
    )
    monthly = [
        (f"c{n}", f"{n} {m}", pd.Timestamp(2024, m, 1 + n % 28), 10)
        for n in range(300)
        for m in range(1, 10)
    ]
    found = drivers.explain(make_lines(*monthly), as_of="2024-09-10", **KNOWN)
    assert found.after == found.before
    assert (found.table["change_in_revenue"] == 0).all()
    often = [
        (f"c{n}", f"{n} {d}", pd.Timestamp("2024-06-01") + pd.Timedelta(int(d), "D"), 10)
        for n in range(100)
        for d in np.cumsum(rng.integers(1, 6, 40))
        if d < 100
    ]
    for as_of, every in (("2024-09-04", "month"), ("2024-09-08", "week")):
        found = drivers.explain(make_lines(*often), as_of=as_of, every=every, **KNOWN)
        assert "days" in found.formula.leaves


@pytest.mark.parametrize("every", ["day", "week", "quarter", "year"])
def test_any_kind_of_period_adds_up(on, every):
    dates = pd.date_range("2022-01-01", "2023-12-31", freq="3D")
    rows = [(f"c{n % 37}", f"o{n}", day, 10 + n % 7) for n, day in enumerate(dates)]
    lines = on(make_lines(*rows))
    for against in ("previous", "last_year"):
        found = drivers.explain(lines, as_of="2023-12-29", every=every, against=against, **KNOWN)
        change = found.after - found.before
        assert found.table["change_in_revenue"].sum() == pytest.approx(change, abs=1e-6)


def test_a_price_that_does_not_move_is_not_moved_by_rounding():
    rows = [
        (f"c{n}", f"{m}-{n}", f"2024-0{m}-{1 + n % 28:02d}", 9.99)
        for m in (1, 2)
        for n in range(60 + 7 * m)
    ]
    table = drivers.explain(make_lines(*rows), as_of="2024-02-29", **KNOWN).table.set_index("leaf")
    assert table.loc["order_value", ["change_in_revenue", "verdict"]].tolist() == [0, "unmoved"]


def test_a_quantity_that_is_no_number_is_not_known(on):
    lines = LINES.assign(quantity=LINES["quantity"].astype(float))
    lines.loc[lines["order_id"] == "7", "quantity"] = np.nan
    found = explain(lambda frame: on(frame), lines)
    assert "order_value" in found.formula.leaves


def test_weekdays_are_seen_whatever_the_season():
    rng = np.random.default_rng(3)
    dates = pd.date_range("2023-01-02", "2023-12-31")
    level = 20 + 15 * np.sin(2 * np.pi * np.arange(len(dates)) / 364)
    kind = np.array([0.94, 1.0, 1.0, 1.0, 1.17, 1.32, 0.57])[dates.day_of_week]
    counts = rng.poisson(level * kind)
    rows = [
        (f"c{day:%j}-{n}", f"{day:%j}-{n}", day, 10)
        for day, count in zip(dates, counts, strict=True)
        for n in range(count)
    ]
    found = calendars.weigh_weekdays(make_lines(*rows), as_of="2023-12-31")
    assert found == pytest.approx([0.94, 1.0, 1.0, 1.0, 1.17, 1.32, 0.57], abs=0.1)


def test_weekdays_that_differ_by_chance_are_not_weighed():
    rng = np.random.default_rng(1)
    dates = pd.date_range("2023-01-01", "2023-12-31")
    rows = [(f"c{n}", f"{day:%j}{n}", day, 10) for day in dates for n in range(rng.poisson(3))]
    assert (calendars.weigh_weekdays(make_lines(*rows), as_of="2023-12-31") == 1).all()


def test_the_sample_shop_says_what_the_end_of_the_coupon_did():
    book = orders.read(
        "demo:shop",
        policies={"cancelled_status": ["cancelled"], "returns": "net", "data_until": "2024-09-30"},
    )
    found = drivers.explain(
        book.days,
        lines=book.lines,
        as_of="2024-09-30",
        export_begins=book.facts["export_begins"],
    )
    history = kpis.series(book.days, as_of="2024-09-30").set_index("period")
    assert found.after == pytest.approx(history.loc["2024-09", "revenue"])
    assert found.before == pytest.approx(history.loc["2024-08", "revenue"])
    table = found.table.set_index("leaf")
    assert table["change_in_revenue"].sum() == pytest.approx(found.after - found.before, abs=0.5)
    assert table.loc["items_per_order", "verdict"] == "raised"
    assert table.loc["won_back_a_day", "verdict"] == "lowered"
    said = drivers.finding(found, currency="JPY")
    assert said.startswith("Revenue rose by 228,085 JPY (+7.8%) from August 2024 to September 2024")
    minus = "\N{MINUS SIGN}"
    assert (
        f" Orders fell from 625 to 532 ({minus}491,416 JPY: {minus}556,053 JPY from the number of "
        "customers, +64,638 JPY from orders per customer); order value rose from 4,663 JPY to "
        "5,907 JPY (+719,501 JPY). Clear reasons"
    ) in said
    assert "more items per order, 4.38 to 5.55 (+719,069 JPY)" in said
    assert "fewer customers a day came back after a long silence, 4.26 to 2.47 (" in said
    assert said.endswith("All other parts together: \N{MINUS SIGN}71,091 JPY.")


def test_segments_by_hand(on):
    spans = find_spans(as_of="2024-02-29")
    table = segments.split(on(LINES), by="category", spans=spans).set_index("segment")
    assert list(table.index) == ["mugs", "sets", "tea"]
    assert table["status"].tolist() == ["", "new", ""]
    columns = ["customers_before", "customers_after", "revenue_before", "revenue_after"]
    assert table.loc["tea", columns].tolist() == [2, 1, 160, 80]
    assert table["change_in_revenue"].tolist() == [260, 100, -80]
    assert table.loc["tea", ["from_customers", "from_value"]].tolist() == [-80, 0]
    assert table.loc["sets", ["from_customers", "from_value"]].tolist() == [100, 0]
    whole = segments.share_out(table)
    assert sum(whole.values()) == pytest.approx(280)


def test_a_mix_that_alone_changes_is_the_reason():
    """As many customers as before, who bring as much in each segment: more of them in the dear."""
    rows = [
        (f"{side}{kind}{n}", f"{side}{kind}{n}", day, amount, kind)
        for side, day, counts in (("b", "2024-01-05", (30, 10)), ("a", "2024-02-05", (20, 20)))
        for kind, amount, count in zip(("cheap", "dear"), (10, 50), counts, strict=True)
        for n in range(count)
    ]
    lines = make_lines(*rows, extra=("kind",))
    table = segments.split(lines, by="kind", spans=find_spans(as_of="2024-02-29"))
    found = segments.share_out(table)
    assert found == {"customers": 0, "mix": pytest.approx(400), "value": pytest.approx(0)}


def test_many_segments_are_gathered_and_add_up(on):
    rows = [
        (f"c{n}", f"{m}-{n}", f"2024-0{m}-03", 10 + n * m, f"p{n:02d}")
        for m in (1, 2)
        for n in range(30)
    ]
    lines = on(make_lines(*rows, extra=("product",)))
    table = segments.split(lines, by="product", spans=find_spans(as_of="2024-02-29"))
    assert len(table) == 12
    assert (table["segment"] == segments.OTHERS).sum() == 1
    assert table["change_in_revenue"].sum() == pytest.approx(sum(range(30)))
    parts = table["from_customers"] + table["from_value"]
    assert parts.to_numpy() == pytest.approx(table["change_in_revenue"].to_numpy())


def test_a_segment_without_a_name_and_columns_that_are_not_there(on):
    lines = LINES.assign(category=LINES["category"].where(LINES["category"] != "sets"))
    table = segments.split(on(lines), by="category", spans=find_spans(as_of="2024-02-29"))
    assert segments.NONE in set(table["segment"])
    with pytest.raises(ColumnError, match="no column 'colour'"):
        segments.split(on(LINES), by="colour", spans=find_spans(as_of="2024-02-29"))
    with pytest.raises(ParamsError, match="no customer ids"):
        segments.split(on(LINES), by="customer_id", spans=find_spans(as_of="2024-02-29"))


def test_revenue_after_none_is_no_rise(on):
    """A single order after a month in which what came back was as much as what was bought."""
    lines = make_lines(
        ("a", "1", "2024-01-01", 100), ("a", "R", "2024-01-05", -100), ("b", "2", "2024-02-02", 70)
    )
    said = drivers.finding(explain(on, lines), currency="JPY")
    assert said.startswith("Revenue was 70 JPY in February 2024; in January 2024 there was none.")


def test_where_nobody_bought_that_comes_first(on):
    lines = make_lines(
        ("a", "1", "2024-01-01", 100), ("b", "2", "2024-01-02", 100), ("a", "R", "2024-02-05", -50)
    )
    assert drivers.finding(explain(on, lines)).startswith("Nobody bought in February 2024. Revenue")


@pytest.mark.parametrize(
    ("january", "february", "said"),
    [
        (200, 2, "The number of customers fell by more than chance: from 200 to 2. So few cannot"),
        (2, 200, "The number of customers rose by more than chance: from 2 to 200. Before, they"),
        (9, 3, "There are too few customers to tell a reason from chance."),
    ],
)
def test_a_collapse_is_no_lack_of_customers(january, february, said):
    rows = [
        (f"{month}{n}", f"{month}{n}", f"2024-{month}-{1 + n % 28:02}", 10 + n % 3)
        for month, count in (("01", january), ("02", february))
        for n in range(count)
    ]
    found = drivers.explain(make_lines(*rows), as_of="2024-02-29", **KNOWN)
    assert said in drivers.finding(found)


def test_fewer_customers_are_no_reason_for_more_revenue():
    rows = [(f"1{n}", f"1{n}", f"2024-01-{1 + n % 28:02}", 10) for n in range(200)]
    rows += [(f"2{n}", f"2{n}", f"2024-02-{1 + n % 28:02}", 900) for n in range(20)]
    text = drivers.finding(drivers.explain(make_lines(*rows), as_of="2024-02-29", **KNOWN))
    assert text.startswith("Revenue rose")
    assert "There are too few customers to tell a reason from chance." in text


def test_what_stayed_has_no_reason():
    text = drivers.finding(make_change(("order_value", 1.0, -2, 3, "unclear", "m"), after=1001.0))
    assert "reason" not in text


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (np.nan, 2.0, "none to 2.00"),
        (2.0, np.nan, "2.00 to none"),
        (1.0, 2.0, "1.00 to 2.00"),
    ],
)
def test_a_mean_of_nothing_is_no_dash(before, after, said):
    assert describe_values("orders_per_customer", before, after) == said
