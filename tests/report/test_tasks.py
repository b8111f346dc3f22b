"""What a report asks somebody to do, from its tables alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ltvkit.report.pages.tasks import MOST, Task, list_tasks

HYPOTHESES = pd.DataFrame(
    {
        "title": ["Coupon", "Leaflet", "Letter", "Set"],
        "owner": ["R. T.", "A. S.", "A. S.", "M. K."],
        "status": ["decided", "ended", "ended", "running"],
        "verdict": ["drop", "inconclusive", "adopt", "still running"],
        "decision": ["drop", np.nan, "", ""],
        "until": ["2024-08-31", "2024-06-30", "2024-05-31", "2024-11-30"],
    }
)
LEAVING = pd.DataFrame(
    {
        "status": ["overdue_soon", "overdue_30"],
        "customers": [194, 233],
        "ltv_at_stake": [42_263.0, 378_729.0],
    }
)
DRIVERS = pd.DataFrame(
    {
        "leaf": ["days", "won_back_a_day", "kept_customers_a_day", "order_value"],
        "change_in_revenue": [-999_999.0, -319_948.0, -500_000.0, 800_000.0],
        "verdict": ["lowered", "lowered", "unclear", "raised"],
        "department": [np.nan, "customer relations", "customer relations", "merchandising"],
        "value_before": [31.0, 4.26, 8.26, 10.0],
        "value_after": [30.0, 2.47, 7.67, 12.0],
    }
)
SEGMENTS = pd.DataFrame(
    {"segment": ["champions", "can't lose"], "customers": [9, 1], "revenue": [9.0, 5000.0]}
)
CHECKS = pd.DataFrame({"check": ["a", "b", "c"], "result": ["ok", "warn", "warn"]})


def test_a_change_of_margin_asks_as_one_of_revenue_does():
    words = {"lowered": "lowered_margin", "raised": "raised_margin"}
    table = DRIVERS.rename(columns={"change_in_revenue": "change_in_margin"})
    of_margin = {"drivers_previous": table.assign(verdict=table["verdict"].replace(words))}
    found = list_tasks(of_margin, currency="JPY")
    assert found == list_tasks({"drivers_previous": DRIVERS}, currency="JPY")
    assert len(found) == 1


def test_each_task_names_people_money_and_owner():
    tables = {"leaving": LEAVING, "drivers_previous": DRIVERS, "rfm_segments": SEGMENTS}
    tables |= {"data_checks": CHECKS, "hypotheses": HYPOTHESES.head(2)}
    assert list_tasks(tables, currency="JPY") == [
        Task(
            "Decide on Leaflet, which ended on 30 June 2024 (inconclusive).", "A. S.", "hypotheses"
        ),
        Task(
            "Find out why: fewer customers a day came back after a long silence "
            "(\N{MINUS SIGN}319,948 JPY since last month).",
            "customer relations",
            "drivers_previous",
        ),
        Task(
            "Win back the customers who became overdue in the last 30 days (233): 379,000 JPY is "
            "still expected of them in 12 months, 1,630 JPY each.",
            "customer relations",
            "leaving",
            "overdue",
        ),
        Task(
            "Write to the customers who will be overdue by the end of next month (194): without an "
            "order, 42,000 JPY less is expected of them in 12 months, 218 JPY each.",
            "customer relations",
            "leaving",
            "entering_risk",
        ),
        Task(
            "Call the good customer who has gone quiet (paid so far: 5,000 JPY).",
            "customer relations",
            "rfm_segments",
            "segment can't lose",
        ),
    ]
    assert list_tasks(tables | {"leaving": LEAVING.tail(1)})[-1] == (
        Task("Look into 2 warnings about the data.", "", "data_checks")
    )


def test_a_task_names_no_mean_where_one_customer_decides():
    """233 customers, of whom one has 90% of what is at stake; 194 alike, the largest with 3%."""
    found = list_tasks({"leaving": LEAVING.assign(largest_share=[0.03, 0.9])}, currency="JPY")
    assert [task.text for task in found] == [
        "Win back the customers who became overdue in the last 30 days (233): 379,000 JPY is "
        "still expected of them in 12 months, 90.0% of it of one customer.",
        "Write to the customers who will be overdue by the end of next month (194): without an "
        "order, 42,000 JPY less is expected of them in 12 months, 218 JPY each.",
    ]


@pytest.mark.parametrize("skill", [[0.1, -0.2], [-0.1, -0.2]])
def test_a_task_names_no_amount_where_the_backtest_says_not_to_choose_by_it(skill):
    tested = pd.DataFrame({"kind": ["model", "model", "simple"], "skill": [*skill, 0.3]})
    [first, second] = [t.text for t in list_tasks({"leaving": LEAVING, "backtest": tested})]
    told_apart = max(skill) > 0
    assert ("The forecast cannot tell which of them are worth more." in first) is not told_apart
    assert ("378" in first or "379" in first) is told_apart
    assert ("less is expected" in second) is told_apart


def test_enquiries_that_wait_for_a_person_are_asked_for():
    waiting = pd.DataFrame({"reason": ["automatic", "complaint"], "enquiries": [13, 2]})
    [task] = list_tasks({"support_waiting": waiting})
    assert task.text == "Answer 2 enquiries that wait for a person."
    assert task[1:] == ("customer support", "support_waiting", "enquiries_waiting")
    one = list_tasks({"support_waiting": waiting.assign(enquiries=1)})
    assert one[0].text == "Answer 1 enquiry that waits for a person."
    assert list_tasks({"support_waiting": waiting.head(1)}) == []


def test_they_are_at_most_five_and_none_without_a_cause():
    tables = {"leaving": LEAVING, "drivers_previous": DRIVERS, "rfm_segments": SEGMENTS}
    tables |= {"data_checks": CHECKS, "hypotheses": HYPOTHESES}
    assert len(list_tasks(tables)) == MOST
    assert [t.table for t in list_tasks(tables)][:2] == ["hypotheses"] * 2
    assert list_tasks({}) == []


@pytest.mark.parametrize(
    "tables",
    [
        {"leaving": LEAVING.assign(customers=0, ltv_at_stake=0.0)},
        {"leaving": LEAVING.assign(ltv_at_stake=-5.0)},
        {"leaving": LEAVING, "kpis_month": pd.DataFrame({"period": ["2024-01", "2024-02"]})},
        {"drivers_previous": DRIVERS.assign(verdict="unclear")},
        {"rfm_segments": SEGMENTS.assign(revenue=-1.0)},
        {"data_checks": CHECKS.assign(result="ok")},
        {"data_checks": CHECKS.assign(check="data_end")},
        {"hypotheses": HYPOTHESES.assign(status="running")},
        {"hypotheses": pd.DataFrame({"title": ["a"]})},
    ],
)
def test_nothing_is_asked_where_nothing_is_at_stake(tables):
    assert list_tasks(tables) == []


def test_a_part_that_fell_is_asked_of_whom_the_shop_names():
    owners = pd.DataFrame({"leaf": ["days", "won_back_a_day"], "owner": [np.nan, "A. Sato"]})
    tables = {"drivers_previous": DRIVERS, "drivers_owners": owners}
    assert [task.owner for task in list_tasks(tables)] == ["A. Sato"]
    tables["drivers_owners"] = owners.assign(label=[np.nan, "Returners"])
    [task] = list_tasks(tables)
    assert task.text.startswith("Find out why: less of: Returners (")
    tables["drivers_owners"] = owners.assign(owner=np.nan)
    assert [task.owner for task in list_tasks(tables)] == ["customer relations"]


STAGES = ["overdue_30", "overdue_longer"]


@pytest.mark.parametrize(
    ("people", "stakes", "called"),
    [
        ([233, 0], [27_960.0, 0.0], True),
        ([50, 500], [200_000.0, 0.0], True),
        ([50, 500], [200_000.0, -300_000.0], True),
        ([0, 0], [0.0, 0.0], True),  # nobody is overdue
        ([233, 10], [np.nan, np.nan], True),  # it is not known
        ([233, 10], [70.0, 0.0], False),
        ([233, 10], [-9320.0, -400.0], False),
    ],
)
def test_nobody_is_called_of_whom_nothing_is_expected(people, stakes, called):
    late = pd.DataFrame({"status": STAGES, "customers": people, "ltv_at_stake": stakes})
    found = list_tasks({"rfm_segments": SEGMENTS, "leaving": late}, currency="JPY")
    assert any("gone quiet" in task.text for task in found) == called


@pytest.mark.parametrize(
    ("each", "said"),
    [
        (600.0, "Call the good customer who has gone quiet (paid so far: 5,000 JPY). "),
        (499.0, ""),  # less than a tenth of an order of 5,000
    ],
)
def test_a_call_is_asked_for_only_where_it_can_pay(each, said):
    segments = SEGMENTS.assign(average_order_value=5000.0)
    worth = pd.DataFrame({"group": ["can't lose"], "customers": [1], "ltv_12m": [each]})
    found = list_tasks({"rfm_segments": segments, "ltv_segments": worth}, currency="JPY")
    assert "".join(task.text for task in found).startswith(said)
    assert len(found) == bool(said)
    if said:
        assert "600" in found[0].text
        assert found[0].text.endswith("is expected of all of them in 12 months.")


def test_margin_is_called_margin():
    [task] = list_tasks({"leaving": LEAVING.head(1).assign(of="margin")}, currency="JPY")
    assert "42,000 JPY of margin less is expected" in task.text
