"""Charts of measures: what is drawn is what the table says, and it can be read."""

from __future__ import annotations

import inspect

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import same_color, to_hex
from stub_plots import illegible, legend, lines, words

from ltvkit import periods
from ltvkit.display import formats, plots
from ltvkit.errors import ColumnError

NAN = float("nan")
SPAN = {"start": "2024-04-01", "end": "2024-06-30"}
METRICS = {
    "revenue_per_customer": ("Revenue per customer (USD)", "money"),
    "margin_per_customer": ("Margin per customer (USD)", "money"),
    "average_order_value": ("Average order value (USD)", "money"),
    "orders_per_customer": ("Orders per customer", "mean"),
    "retention_rate": ("Retention", "share"),
    "second_order_rate": ("Second-order rate", "share"),
}


pytestmark = pytest.mark.usefixtures("agg")


def timeline(n: int = 9, every: str = "month", *, groups=("treated", "control")) -> pd.DataFrame:
    first = periods.index_of("2024-01-01", every)
    rows = [
        (periods.label(i, every), periods.start(i, every), group, 10.0 + i - first, i == first)
        for group in groups
        for i in range(first, first + n)
    ]
    columns = ["period", "start", "group", "value", "partial"]
    table = pd.DataFrame(rows, columns=columns)
    table.loc[table["group"] == "control", "value"] += 0.5
    return table


def board() -> pd.DataFrame:
    rows = [
        ("Win-back mail", "A", "ended", "adopt", 0.12, 0.04, 0.20),
        ("再来店クーポンと電話" * 4, "C", "running", "still running", 0.05, -0.1, 0.2),
        ("Free shipping, $5 off $50", "B", "decided", "drop", -0.15, -0.25, -0.05),
        ("Loyalty card", "D", "ended", "inconclusive", 0.02, -0.1, 0.14),
        ("Draft", "A", "draft", "not started", NAN, NAN, NAN),
    ]  # fmt: skip
    names = ["title", "grade", "status", "verdict"]
    return pd.DataFrame(
        rows, columns=[*names, "relative_effect", "relative_lowest", "relative_highest"]
    )


def natural(n: int = 8) -> pd.DataFrame:
    back = 28 * np.arange(1, n + 1)
    table = {"back": back, "start": 19_800 - back, "customers": 400}
    return pd.DataFrame({**table, "change": 0.01 * np.arange(n), "se": 0.01})


ALTS = {
    "timeline": "In 2024-09: treated 18.00 USD, control 18.50 USD.",
    "effects": "Above zero: 1, below: 1, unclear: 2. "
    "The largest: Free shipping, $5 off $50, \u221215.0%.",
    "replays": "This time +9.0 pp; on past dates (8) from 0.0 pp to +7.0 pp.",
}
CASES = {
    "timeline": (timeline(), {"metric": "revenue_per_customer", "currency": "USD", **SPAN}),
    "effects": (board(), {}),
    "replays": (natural(), {"change": 0.09, "metric": "retention_rate"}),
}
each = pytest.mark.parametrize("name", CASES)


def drawn(name: str, **more) -> Axes:
    table, options = CASES[name]
    return getattr(plots, name)(table, **{**options, **more})


def named(axis) -> list[str]:
    axis.get_figure().canvas.draw()
    low, high = sorted(axis.get_view_interval())
    ticks = [t for t in axis.get_major_ticks() if low <= t.get_loc() <= high]
    return [t.label1.get_text() for t in ticks if t.label1.get_text()]


# every chart


@each
def test_the_alternative_text_is_the_title_and_the_main_fact(name):
    ax = drawn(name)
    assert ax.figure.alt == f"{' '.join(ax.get_title(loc='left').split())}. {ALTS[name]}"


@each
def test_it_is_named_legible_and_without_side_effects(name, monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: pytest.fail("shown"))
    table, settings = CASES[name][0], mpl.rcParams.copy()
    copy = table.copy(deep=True)
    ax = drawn(name)
    assert (ax.figure.get_figwidth(), ax.figure.dpi) == (9, 110)
    assert all((ax.get_title(loc="left"), ax.get_xlabel()))
    assert illegible(ax) == []
    assert {k for k, v in mpl.rcParams.items() if settings[k] != v} == set()
    pd.testing.assert_frame_equal(table, copy)


@each
def test_it_draws_on_the_axes_given_in_the_words_of_the_catalogue(name, monkeypatch):
    monkeypatch.setattr("ltvkit.display.plots._style._", lambda text: f"[{text}]")
    figure, (mine, other) = plt.subplots(1, 2)
    assert drawn(name, ax=mine) is mine
    assert plt.get_fignums() == [figure.number]
    assert not other.has_data()
    assert "[" in mine.get_title(loc="left")


@each
def test_it_is_public_and_takes_the_table_first_and_the_rest_by_name(name):
    assert name in plots.__all__
    first, *rest = inspect.signature(getattr(plots, name)).parameters.values()
    assert first.kind == first.POSITIONAL_OR_KEYWORD
    assert {p.kind for p in rest} == {inspect.Parameter.KEYWORD_ONLY}
    assert rest[-1].name == "ax"


@each
def test_one_row_is_drawn(name):
    table, options = CASES[name]
    ax = getattr(plots, name)(table.head(1), **options)
    assert ax.has_data()
    assert illegible(ax) == []


@each
def test_nothing_to_show_is_said_in_words(name):
    table, options = CASES[name]
    blank = table.copy()
    numbers = [c for c in table if c.startswith("relative_") or c in ("value", "change")]
    blank[numbers] = NAN
    for empty in (table.head(0), pd.DataFrame(), blank):
        _figure, ax = plt.subplots()
        getattr(plots, name)(empty, **options, ax=ax)
        assert words(ax) == ["There is nothing to show."]
        assert len(ax.patches) + len(ax.lines) + len(ax.collections) == 0


NEEDED = [(n, c) for n, (t, _) in CASES.items() for c in t if c not in ("back", "customers")]


@pytest.mark.parametrize(("name", "column"), NEEDED)
def test_a_missing_column_is_named(name, column):
    table, options = CASES[name]
    with pytest.raises(ColumnError, match=f"'{column}'"):
        getattr(plots, name)(table.drop(columns=column), **options)


# timeline


@pytest.mark.parametrize("every", ["day", "week", "month", "year"])
@pytest.mark.parametrize("n", [1, 3, 26, 61, 120, 400])
def test_a_timeline_of_any_length_is_legible(every, n):
    table = timeline(min(n, 60) if every == "year" else n, every)
    table["value"] *= 12_345
    ax = plots.timeline(table, metric="average_order_value", currency="円", **SPAN)
    assert illegible(ax) == []
    assert ax.get_xlabel().lower() == every
    assert ax.get_title(loc="left").startswith(f"Average order value (円) by {every}, 2024")


def test_a_line_per_group_with_a_gap_where_there_is_no_value():
    table = timeline()
    table.loc[4, "value"] = NAN
    got = lines(plots.timeline(table, metric="revenue_per_customer", **SPAN))
    treated = got["treated"]
    assert np.flatnonzero(np.isnan(treated)).tolist() == [0, 4]  # the first is partial
    assert treated[[1, 3, 8]].tolist() == [11, 13, 18]
    assert got["control"][1:].tolist() == [11.5 + i for i in range(8)]


def test_periods_of_one_group_alone_are_gaps_of_the_other_and_rows_come_in_any_order():
    table = timeline().drop(index=[2, 17]).sample(frac=1, random_state=1)
    ax = plots.timeline(table, metric="revenue_per_customer", **SPAN)
    got = lines(ax)
    assert np.flatnonzero(np.isnan(got["treated"])).tolist() == [0, 2]
    assert np.flatnonzero(np.isnan(got["control"])).tolist() == [0, 8]
    assert named(ax.xaxis)[0] == "2024-01"


def test_groups_differ_in_colour_and_in_style():
    ax = drawn("timeline")
    looks = {x.get_label(): (to_hex(x.get_color()), x.get_linestyle()) for x in ax.lines}
    assert looks["treated"] == ("#2f6690", "-")
    assert looks["control"] == ("#d98a29", "--")
    assert legend(ax) == ["treated", "control", "measure", "partial"]


def test_without_a_control_one_line_is_drawn():
    for table in (timeline(groups=("treated",)), timeline().replace({"value": {10.5: NAN}})):
        table.loc[table["group"] == "control", "value"] = NAN
        ax = plots.timeline(table, metric="retention_rate", **SPAN)
        assert legend(ax) == ["treated", "measure", "partial"]


def test_what_is_partial_is_hollow():
    (hollow, *_rest) = [x for x in drawn("timeline").lines if x.get_label() == "partial"]
    assert np.flatnonzero(np.isfinite(hollow.get_ydata())).tolist() == [0]
    assert (hollow.get_markerfacecolor(), hollow.get_linestyle()) == ("#ffffff", "None")
    whole = timeline().assign(partial=False)
    ax = plots.timeline(whole, metric="retention_rate", **SPAN)
    assert legend(ax) == ["treated", "control", "measure"]
    assert len(ax.lines) == 2


def test_the_days_of_the_measure_are_shaded_from_edge_to_edge():
    def places(*given):
        table, (start, end) = timeline(given[1], given[0]), given[2:]
        ax = plots.timeline(table, metric="revenue_per_customer", start=start, end=end)
        return [(p.get_x(), p.get_x() + p.get_width()) for p in ax.patches]

    assert places("month", 9, "2024-04-01", "2024-06-30") == [(2.5, 5.5)]  # April to June, whole
    assert places("day", 30, "2024-01-03", "2024-01-03") == [(1.5, 2.5)]
    ((left, right),) = places("month", 9, "2024-04-16", "2024-12-31")
    assert (left, right) == (2.5 + 15 / 30, 8.5)  # it ends where the periods end
    assert places("year", 3, "2024-01-01", "2024-12-30") == [(-0.5, pytest.approx(0.5 - 1 / 366))]
    assert places("month", 9, "2025-01-01", "2025-02-01") == []
    assert places("month", 9, "2023-01-01", "2023-02-01") == []


@pytest.mark.parametrize("metric", METRICS)
def test_the_axis_is_in_the_unit_of_the_metric(metric):
    label, kind = METRICS[metric]
    table = timeline().assign(value=0.25)
    ax = plots.timeline(table, metric=metric, currency="USD", **SPAN)
    assert (ax.get_ylabel(), formats.kind(metric)) == (label, kind)
    shown = named(ax.yaxis)
    assert all(text.endswith("%") for text in shown) == (kind == "share")
    assert ax.get_ylim()[0] == 0


def test_values_below_zero_are_shown():
    table = timeline()
    table.loc[3, "value"] = -5
    assert plots.timeline(table, metric="margin_per_customer", **SPAN).get_ylim()[0] < -5
    zero = plots.timeline(timeline().assign(value=0.0), metric="retention_rate", **SPAN)
    assert zero.get_ylim() == (0, 1)


# effects


def dots(ax: Axes) -> list:
    return [x for x in ax.lines if x.get_marker() == "o"]


def test_each_effect_is_a_dot_within_its_interval():
    ax, table = drawn("effects"), board()
    assert [x.get_xdata()[0] for x in dots(ax)] == [0.12, 0.05, -0.15, 0.02]
    ends = [tuple(c.get_segments()[0][:, 0]) for c in ax.collections]
    assert ends == list(zip(*table.iloc[:4, 5:7].to_numpy().T, strict=True))
    assert words(ax) == ["adopt", "still running", "drop", "inconclusive"]
    (zero,) = [x for x in ax.lines if x.get_marker() == "None"]
    assert list(zero.get_xdata()) == [0, 0]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first row on top


def test_colour_says_where_the_interval_lies_and_what_runs_is_hollow():
    colours = ["#2f6690", "#9aa5b1", "#d98a29", "#9aa5b1"]
    found = dots(drawn("effects"))
    assert all(same_color(x.get_color(), c) for x, c in zip(found, colours, strict=True))
    hollow = [same_color(x.get_markerfacecolor(), "#ffffff") for x in found]
    assert hollow == [False, True, False, False]


def test_rows_are_named_with_their_grade_and_those_left_out_are_counted():
    ax = drawn("effects")
    names = named(ax.yaxis)
    assert sorted(names)[:3] == [
        "Free shipping, $5 off $50 (B)", "Loyalty card (D)", "Win-back mail (A)",
    ]  # fmt: skip
    (long,) = [n for n in names if n.endswith("(C)")]
    assert "…" in long
    assert formats.width(long) <= 45
    assert ax.get_xlabel().splitlines()[1] == "1 not shown: its range in percent is not known"
    assert "\n" not in plots.effects(board().head(3)).get_xlabel()
    assert all(text.endswith("%") for text in named(ax.xaxis))


def test_what_is_left_out_is_counted_even_if_it_is_all():
    ax = plots.effects(board().tail(1))
    assert words(ax) == ["There is nothing to show."]
    assert ax.get_xlabel() == "1 not shown: its range in percent is not known"


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_the_height_grows_with_the_rows(n):
    ax = plots.effects(pd.concat([board().head(1)] * n, ignore_index=True))
    assert ax.figure.get_figheight() == pytest.approx(1.6 + 0.38 * n)
    assert illegible(ax) == []


# replays


def test_past_changes_are_grey_with_their_intervals_and_this_time_is_blue():
    ax, table = drawn("replays"), natural()
    assert ax.get_ylabel() == "Change: Retention (percentage points)"
    past, now = dots(ax)
    assert past.get_ydata().tolist() == pytest.approx((100 * table["change"]).tolist())
    assert same_color(past.get_color(), "#9aa5b1")
    assert (list(now.get_ydata()), to_hex(now.get_color())) == ([9.0], "#2f6690")
    assert legend(ax) == ["this time", "past dates, likely range (95%)"]
    bars = ax.collections[0].get_segments()
    assert np.ptp(bars[0][:, 1]) == pytest.approx(2 * 1.96 * 1)
    assert any(list(x.get_ydata()) == [0, 0] for x in ax.lines)


@pytest.mark.parametrize("columns", [["back"], []])
def test_this_time_stands_one_window_after_the_last(columns):
    table = natural().drop(columns=columns)
    past, now = dots(plots.replays(table, change=0.1, metric="orders_per_customer"))
    assert mpl.dates.date2num(past.get_xdata()).max() == 19_800 - 28
    assert mpl.dates.date2num(now.get_xdata()).tolist() == [19_800]


def test_money_is_in_its_currency():
    ax = plots.replays(natural(), change=0.1, metric="revenue_per_customer", currency="円")
    assert ax.get_ylabel() == "Change: Revenue per customer (円)"
    assert illegible(ax) == []


@pytest.mark.parametrize("n", [1, 2, 12])
def test_any_number_of_replays_is_legible(n):
    assert illegible(plots.replays(natural(n), change=0.1, metric="retention_rate")) == []


# words


def test_new_names_have_labels_and_formats():
    names = "title id owner department comparison grade metric role effect raw_effect outcome"
    names += " natural_change relative_effect relative_lowest relative_highest control_before"
    names += " control_after check holds found until verdict decision cost gain net roi p q"
    unknown = [n for n in names.split() if n not in formats.LABELS and n != "id"]
    assert unknown == []
    assert formats.value(0.12, "relative_lowest") == "+12.0%"
    assert formats.value(120.0, "natural_change") == "120"
    assert formats.value(0.0123, "p") == "0.012"
    assert formats.value(-3.5, "net_lowest", "USD") == "−3.50 USD"
    assert formats.cell("retention_rate", formats.kind("metric")) == "Retention"


@pytest.mark.parametrize(
    ("x", "column", "shown"),
    [
        (0.031, "retention_rate", "+3.1 pp"),
        (-0.031, "retention_rate", "−3.1 pp"),
        (12.5, "revenue_per_customer", "+12.50 USD"),
        (-1234.5, "margin_per_customer", "−1,234 USD"),
        (0.001, "average_order_value", "0.00 USD"),
        (0.25, "orders_per_customer", "+0.25"),
        (NAN, "retention_rate", "–"),
        (NAN, "revenue_per_customer", "–"),
        (NAN, "orders_per_customer", "–"),
    ],
)
def test_a_difference_is_signed(x, column, shown):
    assert formats.difference(x, column, "USD") == shown
