"""The quality gate: what passes, what warns, what stops."""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd
import pytest
import yaml
from conftest import make_lines

from ltvkit import orders, quality
from ltvkit.display import formats
from ltvkit.engines import frames
from ltvkit.errors import DataError, ParamsError
from ltvkit.ingest.book import Orders
from ltvkit.ingest.policies import Policies
from ltvkit.quality import measures
from ltvkit.quality.checks import CHECKS

pytestmark = pytest.mark.usefixtures("one_thread")

ROWS = [
    (f"C{n % 150}", f"{n}", f"2024-{1 + n % 6:02d}-{1 + n % 28:02d}", 10 + n % 7)
    for n in range(600)
]


def book(*more: tuple, drop: int = 0, **policies) -> Orders:
    rows = [*ROWS[drop:], *more]
    frame = pd.DataFrame(rows, columns=["customer_id", "order_id", "order_date", "amount"])
    return orders.read(frame.astype(str), policies=policies)


def results(found: Orders, *, as_of="2024-06-30", **policies) -> dict[str, str]:
    table = quality.check(found, as_of=as_of, policies=policies)
    return {row.check: row.result for row in table.itertuples() if row.result != "ok"}


def figure(found: Orders, check: str, *, as_of="2024-06-30", **policies) -> str:
    table = quality.check(found, as_of=as_of, policies=policies).set_index("check")
    return table.loc[check, "figure"]


UNTIL = {"data_until": "2024-06-30"}


def test_a_usual_shop_passes_on_every_engine_alike(on):
    found = book(**UNTIL)
    table = quality.check(found, as_of="2024-06-30", policies=UNTIL)
    same = quality.check(replace(found, lines=on(found.lines)), as_of="2024-06-30", policies=UNTIL)
    pd.testing.assert_frame_equal(same, table)
    assert set(table["result"]) == {"ok"}
    assert list(table["check"]) == list(CHECKS)
    assert quality.check_finding(table) == f"The data passed all {len(CHECKS)} checks."


@pytest.mark.parametrize("name", ["cdnow", "shop"])
def test_the_samples_pass(name):
    policies = {"cancelled_status": ["cancelled"], "data_until": "2024-09-30"}
    policies = policies if name == "shop" else {}
    found = orders.read(f"demo:{name}", policies=policies)
    assert results(found, as_of=found.as_of("last"), **policies) == {}


def test_too_many_unusable_lines_stop_with_the_three_most_frequent_reasons():
    bad = [("C1", "a", "2024-02-01", "x")] * 5 + [("C1", "b", "20x4", 1)] * 4
    bad += [("C1", "", "2024-02-01", 1)] * 3 + [("C1", "d", "", 1)] * 2
    found = book(*bad, drop=14, **UNTIL)
    table = quality.check(found, as_of="2024-06-30", policies=UNTIL)
    assert results(found, **UNTIL) == {"unusable_lines": "stop"}
    with pytest.raises(DataError) as error:
        quality.raise_on_stop(table, where="reports/x/quarantine.csv")
    text = str(error.value)
    assert "14 of 600 lines (2.3%) cannot be used, with about 1.0% of the money, and the" in text
    assert "and the limit is 1.0%" in text
    assert (
        "amount is unreadable (5), order_date is unreadable (4), order_id is missing (3)." in text
    )
    assert "order_date is missing" not in text
    assert "policies: max_quarantined" in text
    assert "reports/x/quarantine.csv" in text
    assert "\n" not in text
    assert results(found, max_quarantined=0.03, **UNTIL) == {}


def test_the_limit_itself_is_not_passed():
    found = book(*[("C1", "a", "2024-02-01", "x")] * 6, drop=6, **UNTIL)
    assert results(found, **UNTIL) == {}
    assert results(found, max_quarantined=0.0099, **UNTIL) == {"unusable_lines": "stop"}


def test_few_unusable_lines_that_hold_much_of_the_money_stop_too():
    kept = sum(row[3] for row in ROWS[3:])
    found = book(*[("C1", "a", "2024-02-01", "1,00,00.0 INR")] * 3, drop=3, **UNTIL)
    assert found.facts["unusable_money"] == pytest.approx(30000 / (30000 + kept))
    assert results(found, **UNTIL) == {"unusable_lines": "stop"}
    assert results(found, max_quarantined=0.9, **UNTIL) == {}
    assert figure(found, "unusable_lines", **UNTIL) == (
        "3 of 600 lines (0.5%) cannot be used, with about 79.4% of the money, and the limit is 1.0%"
        ": amount is unreadable (3)"
    )


def test_what_a_policy_sets_aside_is_not_unusable():
    aside = [("", "g", "2024-02-01", 5)] * 60 + [("C1", "a", "2024-07-01", 5)] * 60
    aside += [("new", f"r{n}", "2024-02-01", -5) for n in range(20)]
    assert results(book(*aside, **UNTIL), **UNTIL) == {}


def test_dates_far_from_the_rest_warn_and_do_not_move_the_latest_month():
    late = book(("C1", "x", "2042-03-01", 5))
    assert str(late.as_of("last")) == str(book().as_of("last")) == "2024-05-31"
    assert late.facts["late"] == [1, 5.0, "2042-03-01"]
    assert results(late, as_of="2024-05-31") == {"late_dates": "warn"}
    said = figure(late, "late_dates", as_of="2024-05-31")
    assert "1 of 601 lines is dated" in said
    assert said.endswith("which end on 2024-06-28 (amount: 5.00)")
    early = book(("C1", "x", "1971-01-01", 5), **UNTIL)
    assert results(early, **UNTIL) == {"early_dates": "warn"}
    assert figure(early, "early_dates", **UNTIL).endswith("(amount: 5.00)")
    both_halves = book(*[("C1", f"x{n}", "2020-05-01", 5) for n in range(300)], **UNTIL)
    assert "early_dates" not in results(both_halves, **UNTIL)


def test_a_month_that_the_data_do_not_cover_to_its_end():
    assert results(book(), as_of="2024-06-28") == {"data_end": "warn"}
    assert results(book(), as_of="2024-05-31") == {}


def test_days_without_orders():
    rows = [(f"C{n % 150}", f"{n}", f"{day:%Y-%m-%d}", 9)
            for n, day in enumerate(pd.date_range("2024-01-01", "2024-06-30").repeat(8))
            if not "2024-03-04" <= f"{day:%Y-%m-%d}" <= "2024-03-09"]  # fmt: skip
    found = replace(book(**UNTIL), lines=make_lines(*rows))
    assert results(found, **UNTIL) == {"gap_days": "warn"}
    assert figure(found, "gap_days", **UNTIL) == "no orders on 2024-03-04 to 2024-03-09"
    assert results(found, as_of="2024-02-29", **UNTIL) == {}


def test_of_a_few_customers_nothing_is_said_of_how_the_first_compare_with_later_ones():
    orders_ = [f"{day:%Y-%m-%d}" for day in pd.date_range("2022-07-01", "2024-06-30", freq="5D")]
    for customers, said in ((3, "too few customers to tell"), (40, "customers who look new at")):
        rows = [(f"C{n % customers}", f"{n}", day, 9) for n, day in enumerate(orders_)]
        found = replace(book(**UNTIL), lines=make_lines(*rows))
        assert figure(found, "left_truncation", **UNTIL).startswith(said)


def test_where_nobody_came_later_there_is_nothing_to_compare_the_first_with():
    """Twenty came in the second half of two years, or one less."""
    same = "customers who look new at first "
    cases = (
        (19, "cannot be compared: hardly anybody came later"),
        (20, "are as many, or buy, like"),
    )
    for later, said in cases:
        late = [(f"L{n}", f"l{n}", "2023-12-15", 9) for n in range(later)]
        rows = [(f"C{n}", f"{n}", "2022-07-01", 9) for n in range(40)]
        found = replace(book(**UNTIL), lines=make_lines(*rows, *late))
        assert figure(found, "left_truncation", **UNTIL).startswith(same + said)


def test_a_return_under_an_id_of_its_own_is_no_order(on):
    rows = [("a", "1", "2024-06-01", 9), ("b", "2", "2024-06-01", 5), ("a", "R1", "2024-06-02", -9)]
    rows += [
        ("b", "R2", "2024-06-03", -5),
        ("b", "3", "2024-06-03", 4),
        ("b", "3", "2024-06-03", -1),
    ]
    days = measures._count_days(frames.lazy(on(make_lines(*rows))))
    assert days["lines"].tolist() == [2, 1, 3]
    assert days["orders"].tolist() == [2, 0, 1]
    assert days["revenue"].tolist() == [14, -9, -2]


def test_shares_of_guests_twins_and_returns():
    guests = book(*[("", f"g{n}", "2024-02-01", 5) for n in range(160)], **UNTIL)
    assert results(guests, **UNTIL) == {"guests": "warn"}
    twins = book(*ROWS[:20], **UNTIL)
    assert results(twins, **UNTIL) == {"duplicates": "warn"}
    returned = [(c, f"r{o}", day, -2 * a) for c, o, day, a in ROWS[::6]]
    back = book(*returned, **UNTIL)
    assert results(back, **UNTIL) == {"negative_amounts": "warn"}
    assert figure(back, "negative_amounts", **UNTIL).startswith("amounts below zero are 33.4% of")
    more = book(*[(c, f"r{o}", day, -2 * a) for c, o, day, a in ROWS], **UNTIL)
    assert re.fullmatch(
        r"amounts below zero \(([\d,.]+)\) are more than those above \(([\d,.]+)\)",
        figure(more, "negative_amounts", **UNTIL),
    )


def test_one_customer_with_a_large_share_is_told_without_the_id():
    wholesale = book(("HANA-0007", "w", "2024-03-01", 2000), **UNTIL)
    assert results(wholesale, **UNTIL) == {"one_customer": "warn"}
    assert figure(wholesale, "one_customer", **UNTIL) == "one customer has 20.4% of all revenue"
    everyone = [("POS", f"p{n}", f"2024-{1 + n % 6:02d}-{1 + n % 28:02d}", 0.01) for n in range(90)]
    assert figure(book(*everyone), "one_customer") == "one customer has 13.0% of all orders"
    few = book(drop=594, **UNTIL)
    assert "one_customer" not in results(few, **UNTIL)
    assert figure(few, "one_customer", **UNTIL) == "too few customers to tell"


def test_ids_that_differ_only_in_how_they_are_written_are_counted_and_not_shown(on):
    twice = [("c1", "x1", "2024-02-01", 5), ("Ｃ２", "x2", "2024-02-01", 5)]
    found = book(*twice, ("c２", "x3", "2024-02-01", 5), **UNTIL)
    found = replace(found, lines=on(found.lines))
    assert results(found, **UNTIL) == {"spelled_ids": "warn"}
    said = figure(found, "spelled_ids", **UNTIL)
    paid = sum(a for c, _o, _d, a in ROWS if c in ("C1", "C2")) + 15
    assert said == (
        "2 customers are written in more than one way: 5 ids with a revenue of "
        f'{paid}.00, which fold_ids "both" would join'
    )
    assert results(book(*twice, fold_ids="both", **UNTIL), fold_ids="both", **UNTIL) == {}
    said = figure(book(*twice, fold_ids="width", **UNTIL), "spelled_ids", fold_ids="width", **UNTIL)
    assert said.startswith("1 customer is written in more than one way: 2 ids")


def test_severities_are_set_by_name():
    found = book(*[("", f"g{n}", "2024-02-01", 5) for n in range(160)], **UNTIL)
    assert results(found, checks={"guests": "stop"}, **UNTIL) == {"guests": "stop"}
    assert results(found, checks=yaml.safe_load("{guests: off}"), **UNTIL) == {"guests": "off"}
    with pytest.raises(ParamsError, match="Did you mean 'guests'"):
        Policies(checks={"guest": "warn"})
    with pytest.raises(ParamsError, match="'off', 'warn', 'stop'"):
        Policies(checks={"guests": "halt"})
    with pytest.raises(ParamsError, match="mapping"):
        Policies(checks=["guests"])


def test_what_is_said_follows_the_table():
    found = book(*[("", f"g{n}", "2024-02-01", 5) for n in range(160)], **UNTIL)
    table = quality.check(found, as_of="2024-06-30", policies=UNTIL)
    assert quality.check_finding(table) == f"1 of {len(CHECKS)} data checks needs a look: guests."
    assert set(table.loc[table["result"] == "ok", "meaning"]) == {""}
    assert not table["meaning"].str.contains("`").any()
    assert quality.describe(table)[0].startswith(
        "guests: 21.1% of the lines (800.00) name no customer. They "
    )
    quality.raise_on_stop(table)


@pytest.mark.parametrize("returns", ["net", "separate", "drop"])
def test_a_shop_of_one_line_is_judged(returns):
    found = book(drop=599, returns=returns)
    assert set(results(found, as_of=found.as_of("last"))) <= {"data_end"}


@pytest.mark.parametrize("early", [1, 3])
@pytest.mark.parametrize(
    "as_of", ["1971-01-31", "1971-01-01", "1970-12-31", "1999-06-30", "2023-12-31"]
)
def test_a_month_before_the_usual_days_is_checked(early, as_of):
    """A few early lines lie apart: reports of their month, or of one before all others, work."""
    found = book(*[("C1", f"x{n}", f"1971-01-0{1 + n}", 5) for n in range(early)], **UNTIL)
    table = quality.check(found, as_of=as_of, policies=UNTIL).set_index("check")
    assert table.loc["early_dates", "result"] == "warn"
    assert set(table["result"].drop("early_dates")) == {"ok"}
    assert table.loc["gap_days", "figure"] == "too short a history to tell"
    assert table.loc["sudden_changes", "figure"] == "too short a history to tell"
    assert table.loc["one_customer", "figure"] == "too few customers to tell"
    summary = quality.summarize(found, as_of=as_of)
    assert quality.finding(summary) == f"{600 + early} of {600 + early} lines are used (100.0%)."


def test_lines_of_days_after_the_report_are_counted():
    """600 lines are of 2023 and 2024; a report of January 1971 has one line in its figures."""
    found = book(("C1", "x", "1971-01-01", 5), **UNTIL)
    summary = quality.summarize(found, as_of="1971-01-31")
    assert quality.describe_later(summary) == (
        "600 of them are of days after this report, and count in later ones only."
    )
    assert quality.describe_later(quality.summarize(found, as_of=found.as_of("last"))) == ""


@pytest.mark.parametrize("as_of", ["2024-01-01", "2024-01-02", "2024-01-31", "2030-01-31"])
def test_the_first_days_and_a_month_after_the_last_are_checked(as_of):
    found = book(("C1", "x", "1971-01-01", 5), ("C1", "y", "2042-03-01", 5))
    table = quality.check(found, as_of=as_of).set_index("check")
    assert dict(table["result"][["early_dates", "late_dates"]]) == {
        "early_dates": "warn",
        "late_dates": "warn",
    }


def test_checks_are_shown_by_the_names_that_policies_take():
    assert [formats.cell(name, formats.kind("check")) for name in CHECKS] == list(CHECKS)
