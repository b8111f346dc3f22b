"""Tables as people read them: labels, units, formats, and nothing that a page could not show."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from ltvkit.display import formats, tables
from ltvkit.errors import ParamsError

NAN, INF = float("nan"), float("inf")
DASH, MINUS = formats.MISSING, formats.MINUS


class Cells(HTMLParser):
    """The texts of an HTML table, row by row, and the classes of its cells."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows, self.classes, self.tags = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.classes.append(dict(attrs)["class"])

    def handle_data(self, data):
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.strip("\n")


def cells(display) -> list[list[str]]:
    return Cells(display._repr_html_()).rows


@pytest.mark.parametrize(
    ("column", "x", "label", "shown"),
    [
        ("revenue", 1234.0, "Revenue (USD)", "1,234"),
        ("average_order_value", 35.5, "Average order value (USD)", "35.50"),
        ("revenue_per_customer", 35.5, "Revenue per customer (USD)", "35.50"),
        ("ltv", 35.5, "LTV per customer (USD)", "35.50"),
        ("orders", 1234, "Orders", "1,234"),
        ("customers", 1234.0, "Customers", "1,234"),
        ("customers_share", 0.1234, "Share of customers", "12.3%"),
        ("repeat_rate", 0.1234, "Repeat rate", "12.3%"),
        ("within_90", 0.1234, "Within 90 days", "12.3%"),
        ("recency_days", 30.0, "Recency (days)", "30"),
        ("median_recency_days", 1030.4, "Median recency (days)", "1,030"),
        ("purchase_days", 3, "Purchase days", "3"),
        ("revenue_vs_previous", 0.052, "Revenue vs previous", "+5.2%"),
        ("orders_vs_last_year", -0.1, "Orders vs last year", MINUS + "10.0%"),
        ("repeat_rate_vs_previous", 0.012, "Repeat rate vs previous", "+1.2 pp"),
        ("last_order", pd.Timestamp("2024-09-30"), "Last order", "2024-09-30"),
        ("decile", 1, "Decile", "1"),
        ("class", "A", "Class", "A"),
        ("measure", "recency_days", "Measure", "Recency (days)"),
        ("up_to", 30.0, "Up to", "30"),
        ("up_to", 12.345, "Up to", "12.35"),
        ("up_to", float("inf"), "Up to", ""),
        ("partial_sum", 0.5, "partial sum", "0.5"),
        ("loyal", 12, "loyal", "12"),
        ("seen", True, "seen", "yes"),
        ("note", None, "note", ""),
    ],
)
def test_a_column_is_labelled_and_formatted_by_its_name(column, x, label, shown):
    display = tables.show(pd.DataFrame({column: [x]}), currency="USD")
    assert cells(display) == [[label], [shown]]


def test_money_of_one_column_has_one_number_of_decimals():
    display = tables.show(pd.DataFrame({"revenue": [1500.0, 3.25], "amount": [15.0, 3.25]}))
    assert cells(display)[1:] == [["1,500", "15.00"], ["3", "3.25"]]


def test_yen_has_no_decimals():
    display = tables.show(pd.DataFrame({"revenue": [15.4]}), currency="円")
    assert cells(display) == [["Revenue (円)"], ["15"]]


def test_a_missing_number_is_a_dash_that_the_caption_explains():
    table = pd.DataFrame({"segment": ["new", None], "revenue": [1.5, NAN]})
    html = tables.show(table, caption="Segments")._repr_html_()
    assert f'<caption>Segments <span class="ltv-note">({DASH} not available)' in html
    assert Cells(html).rows[2] == ["", DASH]
    assert "not available" not in tables.show(table.head(1))._repr_html_()


def test_zero_is_not_missing():
    assert cells(tables.show(pd.DataFrame({"revenue": [0.0], "orders": [0]})))[1] == ["0.00", "0"]


def test_everything_is_escaped():
    evil = "<script>alert('x')</script> & <b>"
    table = pd.DataFrame({"product": [evil], evil: [1], "order_id": ['"quoted"']})
    display = tables.show(table, caption=evil, currency="<i>")
    html = display._repr_html_()
    parsed = Cells(html)
    assert {"script", "b", "i"} & set(parsed.tags) == set()
    assert parsed.rows[1][0] == evil
    assert parsed.rows[0][1] == evil
    assert "&lt;script&gt;" in html


def test_the_html_has_no_inline_style_and_no_id():
    html = tables.show(pd.DataFrame({"revenue": [1.0]}), caption="c")._repr_html_()
    assert html.startswith('<table class="ltv-table">')
    assert not re.search(r"\b(style|id|width|bgcolor)=", html)


def test_numbers_stand_right_and_words_left():
    table = pd.DataFrame({"segment": ["new"], "orders": [1], "last_order": [pd.Timestamp("2024")]})
    parsed = Cells(tables.show(table)._repr_html_())
    assert parsed.classes == ["ltv-text", "ltv-number", "ltv-text"] * 2


def test_ages_are_formatted_by_kind_and_explained():
    wide = pd.DataFrame({"cohort": ["2024-01", "2024-02"], "customers": [5, 7]})
    wide[0], wide[1] = [1.0, 1.0], [0.25, NAN]
    display = tables.show(wide, kind="share")
    assert cells(display)[1:] == [
        ["2024-01", "5", "100.0%", "25.0%"],
        ["2024-02", "7", "100.0%", DASH],
    ]
    assert "columns 0 to 1: Age (months)" in repr(display)
    assert cells(tables.show(wide, kind="money"))[1] == ["2024-01", "5", "1.00", "0.25"]
    assert "Age (months), USD" in repr(tables.show(wide, kind="money", currency="USD"))


def test_ages_are_in_the_unit_of_the_cohorts():
    wide = pd.DataFrame({"cohort": ["2024-W01"], 0: [1.0], 1: [2.0]})
    assert "Age (weeks)" in repr(tables.show(wide, kind="count"))
    assert "Age (years)" in repr(tables.show(wide.assign(cohort="2024"), kind="count"))
    assert "Age (months)" in repr(tables.show(wide.assign(cohort="web"), kind="count"))


def test_ages_share_their_decimals():
    wide = pd.DataFrame({"cohort": ["2024-01"], 0: [20.5], 1: [2000.0]})
    assert cells(tables.show(wide, kind="money"))[1] == ["2024-01", "20", "2,000"]


@pytest.mark.parametrize("kind", [None, "percent"])
def test_ages_without_a_known_kind_are_refused(kind):
    with pytest.raises(ParamsError, match="kind"):
        tables.show(pd.DataFrame({"cohort": ["2024-01"], 0: [1.0]}), kind=kind)


def test_an_index_that_says_something_is_shown():
    grid = pd.DataFrame({1: [3, 4], 2: [5, 6]}, index=pd.Index([2, 1], name="r_score"))
    assert cells(tables.show(grid, kind="count")) == [
        ["R score", "1", "2"],
        ["2", "3", "5"],
        ["1", "4", "6"],
    ]


def test_rows_limits_what_is_shown_and_says_so():
    table = pd.DataFrame({"decile": range(1, 11), "revenue": [1.0] * 10})
    display = tables.show(table, rows=2)
    assert len(cells(display)) == 3
    assert "(8 more rows)" in display._repr_html_()
    assert repr(display).splitlines()[-1] == "(8 more rows)"
    assert "more rows" not in repr(tables.show(table, rows=10))


def test_a_partial_period_is_starred():
    table = pd.DataFrame({"period": ["2024-01", "2024-02"], "partial": [False, True]})
    display = tables.show(table.assign(orders=[3, 1]))
    assert cells(display) == [["Period", "Orders"], ["2024-01", "3"], ["2024-02*", "1"]]
    assert "* partial" in display._repr_html_()
    assert "* partial" not in repr(tables.show(table, rows=1))


def test_partial_cells_are_starred_whatever_the_type_of_the_ages():
    wide = pd.DataFrame({"cohort": ["2024-01"], "customers": [5], 0: [1.0], 1: [0.5]})
    for one in (1, "1"):
        partial = pd.DataFrame({"cohort": ["2024-01"], "customers": [5], one: [True]})
        shown = cells(tables.show(wide, kind="share", partial=partial))[1]
        assert shown == ["2024-01", "5", "100.0%", "50.0%*"]
    assert cells(tables.show(wide, kind="share", partial=[True]))[1][0] == "2024-01*"


def test_the_text_form_is_short_and_aligned():
    table = pd.DataFrame(
        {
            "product": ["手拭い 桜柄", "mug", "a name that goes on and on and on, and then some"],
            "revenue": [15.0, NAN, -3.5],
        }
    )
    text = repr(tables.show(table, currency="USD", caption="Products"))
    assert text == "\n".join(
        [
            "Products",
            "Product                                   Revenue (USD)",
            "手拭い 桜柄                                       15.00",
            f"mug                                                   {DASH}",
            f"a name that goes on and on and on, and …          {MINUS}3.50",
            f"({DASH} not available)",
        ]
    )


def test_a_wide_or_long_table_stays_readable_as_text():
    wide = pd.DataFrame({f"column_{i}": ["x" * 12] * 50 for i in range(20)})
    text = repr(tables.show(wide)).splitlines()
    assert max(map(len, text)) <= tables.TEXT_WIDTH
    assert len(text) == 1 + tables.TEXT_ROWS + 2
    assert text[-2:] == ["(30 more rows)", "(13 more columns)"]
    assert len(cells(tables.show(wide))) == 51


@pytest.mark.parametrize("table", [pd.DataFrame(), pd.DataFrame({"revenue": []})])
def test_an_empty_table_says_so(table):
    display = tables.show(table, caption="Orders")
    assert repr(display).splitlines()[-1] == "There is nothing to show."
    assert "(There is nothing to show.)" in display._repr_html_()


def test_all_nan_and_mixed_columns():
    table = pd.DataFrame({"revenue": [NAN, NAN], "x": [1, "two"], "y": [0.123456, "z"]})
    assert cells(tables.show(table))[1:] == [[DASH, "1", "0.1235"], [DASH, "two", "z"]]


def test_two_columns_of_one_name():
    table = pd.DataFrame([[1, 2]], columns=["orders", "orders"])
    assert cells(tables.show(table)) == [["Orders", "Orders"], ["1", "2"]]


def test_showing_changes_nothing_and_is_the_same_twice():
    table = pd.DataFrame({"period": ["2024-01"], "partial": [True], "revenue": [1.23456]})
    before = table.copy(deep=True)
    first, second = tables.show(table), tables.show(table)
    pd.testing.assert_frame_equal(table, before)
    assert (repr(first), first._repr_html_()) == (repr(second), second._repr_html_())


def test_words_go_through_the_catalogue(monkeypatch):
    for module in (formats, tables):
        monkeypatch.setattr(module, "_", lambda words: words.upper())
    table = pd.DataFrame({"segment": ["new", ""], "revenue": [NAN, 1.0]})
    text = repr(tables.show(table, currency="USD"))
    assert "SEGMENT  REVENUE (USD)" in text
    assert "NEW" in text
    assert "(– NOT AVAILABLE)" in text


def test_what_is_not_finite_is_a_dash_with_its_reason():
    known = {"above": [-INF, 1.0], "revenue": [INF, 1.0], "revenue_share": [-INF, 0.5]}
    known |= {"revenue_vs_previous": [INF, NAN], "orders": [NAN, 2.0], "weight": [-INF, 1.0]}
    shown = tables.show(pd.DataFrame(known).astype("Float64"))
    assert shown.body[0] == ("", *[DASH] * 5)
    assert not re.search("inf|nan", repr(shown) + shown._repr_html_(), flags=re.I)
    assert f"({DASH} not available, or divided by zero)" in repr(shown)
    finite = tables.show(pd.DataFrame({"above": [-INF], "orders": [NAN]}))
    assert finite.notes == (f"{DASH} not available",)
    named = tables.show(pd.DataFrame({"product": ["inf", "NaN"], "orders": 1}))
    assert [row[0] for row in named.body] == ["inf", "NaN"]  # a product may be called so
