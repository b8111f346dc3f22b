"""Past months that changed since they were reported on."""

from __future__ import annotations

import json

import pytest
from conftest import make_lines

from ltvkit.report.publishing import restated
from ltvkit.report.publishing.publish import Place

NOW = {"2024-01": [10, 1000.0], "2024-02": [20, 2000.0], "2024-03": [5, 500.0]}
PARAMS = {"currency": "JPY", "source": "a.csv", "policies": {}}


def test_months_are_lines_and_revenue_on_every_engine(on):
    lines = on(
        make_lines(
            ("A", "1", "2024-01-31", 10), ("A", "2", "2024-02-01", 5), ("B", "3", "2024-02-29", -2),
            ("B", "4", "2024-03-01", 9),
        )
    )  # fmt: skip
    assert restated.sum_months(lines, as_of="2024-02-29") == {
        "2024-01": [1, 10.0],
        "2024-02": [2, 3.0],
    }


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Publishes the manifest of a month of the shop."""
    monkeypatch.setenv("LTVKIT_REPORTS", str(tmp_path))

    def publish(month: str, as_of: str, months: dict, **params):
        folder = tmp_path / "shop" / month
        folder.mkdir(parents=True)
        manifest = {"month": month, "as_of": as_of, "months": months}
        manifest["parameters"] = PARAMS | params
        (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")

    return publish


def said(month: str = "2024-03") -> list[str]:
    return restated.find_changes(Place("shop", month), NOW, params=PARAMS)


def test_without_an_earlier_report_there_is_nothing_to_say(published):
    assert said() == []
    published("2024-04", "2024-04-30", {"2024-01": [1, 1.0]})
    assert said() == []


def test_what_did_not_change_is_not_said(published):
    published("2024-02", "2024-02-29", {"2024-01": [10, 1000.001], "2024-02": [20, 2000.0]})
    assert said() == []


def test_less_and_more_are_told_by_lines_and_money(published):
    published("2024-02", "2024-02-29", {"2024-01": [22, 35000.0], "2024-02": [19, 2300.0]})
    assert said() == [
        "January 2024 now has 12 fewer lines and 34,000 JPY less revenue than in the report for "
        "February 2024.",
        "February 2024 now has 1 more line and 300 JPY less revenue than in the report for "
        "February 2024.",
    ]


def test_a_month_that_was_not_over_is_left_out_and_one_that_came_or_went_is_not(published):
    published("2024-02", "2024-02-10", {"2023-12": [3, 30.0], "2024-02": [1, 1.0]})
    assert said() == [
        "December 2023 now has 3 fewer lines and 30 JPY less revenue than in the report for "
        "February 2024.",
        "January 2024 now has 10 more lines and 1,000 JPY more revenue than in the report for "
        "February 2024.",
    ]


def test_the_latest_report_up_to_this_month_counts_and_other_policies_are_named(published):
    published("2024-01", "2024-01-31", {"2024-01": [99, 1.0]})
    published("2024-03", "2024-03-31", NOW | {"2024-03": [5, 400.0]}, policies={"returns": "drop"})
    assert said() == [
        "March 2024 now has 100 JPY more revenue than in the report for March 2024.",
        "The source, columns or policies in the params file changed as well.",
    ]


def test_of_many_changes_the_largest_are_told(published):
    then = {f"2023-{m:02d}": [m, 100.0 * m] for m in range(1, 13)}
    published("2024-02", "2024-02-29", then | NOW)
    assert [text[:7] for text in said()] == ["October", "Novembe", "Decembe", "9 more "]
