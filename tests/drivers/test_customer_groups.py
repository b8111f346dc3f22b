"""A change by what was known of customers before it: by hand, on every engine."""

from __future__ import annotations

import pytest
from conftest import make_lines

from ltvkit import cohorts, customers, drivers, periods, rfm
from ltvkit.drivers.changes import find_spans
from ltvkit.errors import ColumnError, ParamsError

SPANS = find_spans(as_of="2024-02-29")
# a was won by tv, and buys on the web now; b on the web; c only in February.
LINES = make_lines(
    ("a", "1", "2023-12-05", 30, "tv"), ("a", "1", "2023-12-05", 5, "web"),
    ("a", "2", "2024-01-05", 40, "web"), ("a", "3", "2024-02-05", 70, "web"),
    ("b", "4", "2024-01-09", 20, "web"), ("b", "5", "2024-02-09", 10, "web"),
    ("c", "6", "2024-02-11", 100, "tv"),
    extra=("channel",),
)  # fmt: skip


def test_by_the_first_order_by_hand(on):
    table = drivers.split(on(LINES), by="first_channel", spans=SPANS).set_index("segment")
    assert table["change_in_revenue"].to_dict() == {"tv": 130, "web": -10}
    assert table.loc["tv", ["revenue_before", "revenue_after"]].tolist() == [40, 170]
    assert table.loc["tv", ["customers_before", "customers_after"]].tolist() == [1, 2]
    parts = drivers.share_out(table.reset_index())
    assert sum(parts.values()) == pytest.approx(120)
    with pytest.raises(ColumnError, match="no column 'colour'"):
        drivers.split(on(LINES), by="first_colour", spans=SPANS)


def test_who_may_have_bought_before_the_export_has_no_known_first_order(on, monkeypatch):
    table = drivers.split(on(LINES), by="first_channel", spans=SPANS, export_begins="later")
    assert table["segment"].tolist() == ["(not known)"]
    known = periods.index_of("2024-01-01", "month")  # a had come in December
    monkeypatch.setattr(cohorts, "find_known", lambda *_args, **_rule: known)
    table = drivers.split(on(LINES), by="first_channel", spans=SPANS).set_index("segment")
    assert table["change_in_revenue"].to_dict() == {"tv": 100, "(not known)": 30, "web": -10}


def test_segments_are_by_the_rules_of_rfm():
    """With fixed edges, and facts as in RFM, the segments of the day before are those of RFM."""
    cuts = {"recency_days": [1, 2, 3, 4], "orders": [1, 2, 3, 4], "revenue": [1, 2, 3, 4]}
    rule = {"lapse_days": 200, "recent_days": 0, "edges": "above"}
    table = drivers.split(LINES, by="rfm_segment", spans=SPANS, cuts=cuts, **rule)
    seen = customers.summarize(LINES, as_of="2024-01-31")
    facts = {"lapse_days": 200, "recent_days": 0}
    expected = rfm.segment(rfm.score(seen, cuts=cuts, edges="above"), **facts)
    after = table[table["customers_after"] > 0].set_index("segment")["customers_after"]
    assert after.to_dict() == expected["segment"].value_counts().to_dict() | {"(new)": 1}
    plain = drivers.split(LINES, by="rfm_segment", spans=SPANS)
    assert set(plain["segment"]) != set(table["segment"])


@pytest.mark.parametrize("by", ["first_customer_id", "first_order_id", "order_id", "amount"])
def test_no_column_that_tells_single_customers_or_orders(by):
    with pytest.raises(ParamsError, match=r"no customer ids|tells single orders"):
        drivers.split(LINES, by=by, spans=SPANS)


def test_by_the_segment_before_the_change(on):
    """c is new in February, b in January; what they buy in a month moves nobody in it."""
    table = drivers.split(on(LINES), by="rfm_segment", spans=SPANS).set_index("segment")
    assert table.loc["(new)", ["revenue_before", "revenue_after"]].tolist() == [20, 100]
    assert table["customers_before"].sum() == 2
    assert table["customers_after"].sum() == 3
    assert table["change_in_revenue"].sum() == pytest.approx(120)
    more = LINES.assign(amount=LINES["amount"].where(LINES["order_date"] < "2024-02-01", 9))
    other = drivers.split(on(more), by="rfm_segment", spans=SPANS).set_index("segment")
    assert other["customers_after"].to_dict() == table["customers_after"].to_dict()


def test_in_the_second_month_of_a_shop_nobody_was_there_before_the_first(on):
    table = drivers.split(on(LINES[3:]), by="rfm_segment", spans=SPANS).set_index("segment")
    assert table.loc["(new)", ["customers_before", "customers_after"]].tolist() == [1, 2]
    assert table["change_in_revenue"].sum() == pytest.approx(180 - 20)


def test_customers_who_are_at_risk_can_have_bought_in_the_earlier_span():
    """20 customers who were silent for 100 days buy in both months, beside 20 who never stop."""
    rows = [
        (f"s{n}", f"s{n}-{day}", day, 10)
        for n in range(20)
        for day in ("2023-09-01", "2023-09-10", "2024-01-10", "2024-02-10")
    ]
    rows += [
        (f"o{n}", f"o{n}-{m}", f"{m}-15", 10)
        for n in range(20)
        for m in ("2023-11", "2023-12", "2024-01", "2024-02")
    ]
    table = drivers.split(make_lines(*rows), by="rfm_segment", spans=SPANS).set_index("segment")
    assert "(new)" not in table.index
    assert table["revenue_before"].sum() == table["revenue_after"].sum() == 400
    assert len(table[table["revenue_before"] > 0]) >= 2


def test_a_column_of_that_name_comes_first(on):
    lines = on(LINES.assign(rfm_segment="own"))
    table = drivers.split(lines, by="rfm_segment", spans=SPANS)
    assert table["segment"].tolist() == ["own"]
