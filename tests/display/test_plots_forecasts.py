"""Charts of forecasts and lifetimes: what is drawn is what the table says, and it can be read."""

from __future__ import annotations

import inspect

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection, QuadMesh
from stub_plots import illegible, legend, lines, words

from ltvkit.display import formats, plots
from ltvkit.errors import ColumnError, ParamsError, Undefined

NAN = float("nan")
MONTH = 30.4375


pytestmark = pytest.mark.usefixtures("agg")


def tracking(n: int = 60) -> pd.DataFrame:
    start, actual = pd.date_range("1997-01-06", periods=n, freq="7D"), 40.0 * np.arange(n)
    methods = {"bg_nbd": actual * 0.95, "run_rate": actual * 1.1}
    return pd.DataFrame({"start": start, "actual": actual, **methods})


def matrix(rows: int = 30, weeks: int = 39) -> pd.DataFrame:
    x, recency = np.arange(rows)[:, None], np.arange(weeks)[None, :]
    cells = np.where((x == 0) == (recency == 0), (recency + 1) / (weeks + x), NAN)
    table = pd.DataFrame(cells, columns=range(weeks))
    table.insert(0, "orders", range(rows))
    return table


def calibration() -> pd.DataFrame:
    predicted = np.array([420, 190, 120, 82, 61, 48, 33, 21, 12, 4.0])
    actual = predicted + np.array([9, -8, 7, -6, 5, -4, 3, -2, 1, 0])
    return pd.DataFrame({"decile": range(1, 11), "predicted": predicted, "actual": actual})


def ranges(scale: float = 1) -> pd.DataFrame:
    edges = [-np.inf, *(scale * np.array([0, 10, 50, 200, 1000])), np.inf]
    customers = np.array([5, 20, 40, 25, 8, 2])
    table = {"above": edges[:-1], "up_to": edges[1:], "customers": customers}
    return pd.DataFrame({**table, "customers_share": customers / 100})


def fan(past: int = 12, future: int = 6) -> pd.DataFrame:
    months = pd.period_range("2023-10", periods=past + future, freq="M").strftime("%Y-%m")
    i, none = np.arange(1, future + 1), [NAN] * past
    expected = {"existing_revenue": 8e4 * 0.93**i, "new_revenue": 9e3 * i}
    expected["expected"] = expected["existing_revenue"] + expected["new_revenue"]
    expected |= {"low": expected["expected"] - 6e3 * i, "high": expected["expected"] + 7e3 * i}
    actual = np.r_[1e5 + 9e3 * np.sin(np.arange(past)), [NAN] * future]
    later = {name: np.r_[none, values] for name, values in expected.items()}
    return pd.DataFrame({"month": months, "actual": actual, **later})


def survival(n: int = 18, period: float = MONTH) -> pd.DataFrame:
    tenure = np.arange(1, n + 1)
    left = 0.9**tenure
    spread = {"survival_low": left * 0.95, "survival_high": np.minimum(left * 1.05, 1)}
    models = {"sbg": left * 0.99, "bdw": left * 1.01}
    return pd.DataFrame({"tenure_days": tenure * period, "survival": left, **spread, **models})


def hazard(n: int = 18, period: float = MONTH) -> pd.DataFrame:
    tenure = np.arange(1, n + 1)
    at_risk = np.r_[np.linspace(900, 30, max(n - 3, 1)), 29, 10, 1][:n]
    return pd.DataFrame(
        {"tenure_days": tenure * period, "hazard": 0.3 / tenure, "at_risk": at_risk}
    )


def one_customer(n: int = 70) -> pd.DataFrame:
    dates = pd.date_range("2023-01-02", periods=n, freq="7D")
    ordered = np.isin(np.arange(n), [0, 3, 7, 30])
    return pd.DataFrame({"date": dates, "p_alive": 0.98 ** np.arange(n), "ordered": ordered})


ALTS = {
    "tracking": "By the week of 1998-02-23: actual 2,360; "
    "BG/NBD 2,242, Rate of the last year 2,596. Customers won later do not count.",
    "matrix": "From 2.6% to 97.5%, which is at repeat orders: 1, weeks: 38.",
    "calibration": "Decile 1: predicted 420.00 USD, actual 429.00 USD. "
    "Of all deciles: 99.10 USD and 99.60 USD.",
    "ltv_distribution": "Largest group: an LTV from 10.00 USD to 50.00 USD (40, 40.0%).",
    "fan": "Expected in the months to come (6): 564,199 USD, "
    "375,199 USD of it from existing customers.",
    "survival": "After 548 days 15.0% are still there.",
    "hazard": "Most leave from day 0 to 30: 30.0% of those still there.",
    "one_customer": "On 2024-04-29 it is 24.8%. Days with an order: 4.",
}
CASES = {
    "tracking": (tracking(), {"split": "1997-09-30"}),
    "matrix": (matrix(), {"kind": "share", "title": "P(alive) by recency and orders"}),
    "calibration": (calibration(), {"currency": "USD"}),
    "ltv_distribution": (ranges(), {"currency": "USD"}),
    "fan": (fan(), {"currency": "USD"}),
    "survival": (survival(), {}),
    "hazard": (hazard(), {}),
    "one_customer": (one_customer(), {}),
}
each = pytest.mark.parametrize("name", CASES)


def drawn(name: str, **more) -> Axes:
    table, options = CASES[name]
    return getattr(plots, name)(table, **{**options, **more})


def heights(ax: Axes, bars: int) -> list[float]:
    return [float(bar.get_height()) for bar in ax.containers[bars]]


def band(ax: Axes) -> np.ndarray:
    """The corners of the one filled band."""
    (filled,) = [c for c in ax.collections if isinstance(c, FillBetweenPolyCollection)]
    return np.concatenate([path.vertices for path in filled.get_paths()])


# every chart


@each
def test_the_alternative_text_is_the_title_and_the_main_fact(name):
    ax = drawn(name)
    assert ax.figure.alt == f"{' '.join(ax.get_title(loc='left').split())}. {ALTS[name]}"


def test_the_fans_text_names_no_part_that_is_not_known():
    whole = fan().assign(existing_revenue=NAN, new_revenue=NAN)
    assert plots.fan(whole, currency="USD").figure.alt.endswith("to come (6): 564,199 USD.")
    assert plots.fan(fan(12, 0), currency="USD").figure.alt.endswith(
        "Actual in 2024-09: 91,000 USD."
    )


@each
def test_it_is_named_legible_and_without_side_effects(name, monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: pytest.fail("shown"))
    table, settings = CASES[name][0], mpl.rcParams.copy()
    copy = table.copy(deep=True)
    ax = drawn(name)
    assert (ax.figure.get_figwidth(), ax.figure.dpi) == (9, 110)
    assert all((ax.get_title(loc="left"), ax.get_xlabel(), ax.get_ylabel()))
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
    assert (first.name, first.kind) == ("table", first.POSITIONAL_OR_KEYWORD)
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
    ids = ["start", "orders", "decile", "above", "up_to", "month", "tenure_days", "date", "ordered"]
    values = [c for c in table.columns if c not in ids]
    blank = table.astype(dict.fromkeys(values, float))
    blank[values] = NAN
    for empty in (table.head(0), pd.DataFrame(), blank):
        _figure, ax = plt.subplots()
        getattr(plots, name)(empty, **options, ax=ax)
        assert words(ax) == ["There is nothing to show."]
        assert len(ax.patches) + len(ax.lines) + len(ax.collections) == 0


OPTIONAL = ("sbg", "bdw", "bg_nbd", "run_rate")
NEEDED = [(n, c) for n, (t, _) in CASES.items() for c in t if isinstance(c, str)]


@pytest.mark.parametrize(("name", "column"), [pair for pair in NEEDED if pair[1] not in OPTIONAL])
def test_a_missing_column_is_named(name, column):
    table, options = CASES[name]
    with pytest.raises(ColumnError, match=f"'{column}'"):
        getattr(plots, name)(table.drop(columns=column), **options)


@pytest.mark.parametrize("n", [2, 3, 17, 36, 53, 61, 104, 156])
def test_any_length_of_time_is_legible(n):
    assert illegible(plots.tracking(tracking(n), split="1997-09-30")) == []
    assert illegible(plots.fan(fan(n, max(1, n // 3)), currency="円")) == []
    assert illegible(plots.one_customer(one_customer(n))) == []
    assert illegible(plots.survival(survival(n))) == []
    assert illegible(plots.hazard(hazard(n, 7))) == []
    assert illegible(plots.matrix(matrix(n, n), kind="share", title="売上 $1 と $2")) == []


# tracking


def test_each_method_is_a_line_beside_what_came():
    ax, table = drawn("tracking"), tracking()
    assert legend(ax) == ["Actual", "BG/NBD", "Rate of the last year", "test period"]
    assert "of customers known before the test" in ax.get_title(loc="left") + ax.get_title()
    for label, column in (("Actual", "actual"), ("BG/NBD", "bg_nbd")):
        assert lines(ax)[label].tolist() == table[column].tolist()


def test_the_holdout_is_shaded_from_the_split():
    ax = plots.tracking(tracking(20), split=tracking(20)["start"][15])
    (shade,) = ax.patches
    assert (shade.get_x(), shade.get_width()) == (15, 4)
    between = plots.tracking(tracking(20), split="1997-01-16")  # 3 days into the second week
    assert between.patches[0].get_x() == pytest.approx(1 + 3 / 7)
    after = plots.tracking(tracking(20), split="1998-01-01")
    assert (len(after.patches), len(after.lines)) == (0, 3)
    assert plots.tracking(tracking(20), split="1996-01-01").patches[0].get_x() == 0
    assert between.lines[-1].get_linestyle() == "--"
    assert list(between.lines[-1].get_xdata()) == pytest.approx([1 + 3 / 7] * 2)


def test_of_eight_methods_no_two_lines_look_alike():
    table = tracking().assign(**{f"m{i}": 1.0 * i for i in range(6)})
    styles = [(x.get_linestyle(), x.get_color()) for x in plots.tracking(table, split="1998").lines]
    assert len(set(styles[1:9])) == 8


# matrix


def test_cells_are_the_tables_and_nothing_is_said_of_the_impossible():
    ax, table = drawn("matrix"), matrix().drop(columns="orders")
    (mesh,) = [c for c in ax.collections if isinstance(c, QuadMesh)]
    cells = np.ma.filled(mesh.get_array().astype(float), NAN).reshape(table.shape)
    np.testing.assert_array_equal(cells, table.to_numpy())
    assert (mesh.norm.vmin, mesh.norm.vmax) == (0, 1)
    low, high = ax.get_ylim()
    assert low < high  # more orders are further up
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Weeks from first to last order", "Repeat orders")
    assert ax.figure.axes[1].get_ylabel() == "Likely still active"


def test_few_cells_are_printed_each_with_its_own_value():
    ax, table = drawn("matrix"), matrix().drop(columns="orders")
    assert 20 <= len(ax.texts) <= 64
    for text in ax.texts:
        column, row = (int(place) for place in text.get_position())
        assert text.get_text() == formats.share(table.iloc[row, column], decimals=0)


def test_a_matrix_of_nothing_is_not_drawn():
    nothing = matrix(3, 3).assign(**{"1": np.nan})
    weeks = [c for c in nothing if c != "orders"]
    nothing[weeks] = nothing[weeks].where(nothing[weeks].isna(), 0.0)
    with pytest.raises(Undefined, match="all values are 0"):
        plots.matrix(nothing, kind="share", title="P(alive)")


def test_a_small_matrix_is_printed_whole_but_for_its_blanks():
    ax = plots.matrix(matrix(3, 3), kind="mean", title="Orders")
    assert sorted(words(ax)) == ["0.33", "0.40", "0.50", "0.60", "0.75"]
    assert ax.figure.axes[1].get_ylabel() == "Expected orders"


def test_an_unknown_kind_is_refused():
    with pytest.raises(ParamsError, match="money"):
        plots.matrix(matrix(), kind="money", title="")


# calibration and distribution


def test_predicted_and_actual_stand_side_by_side():
    ax = drawn("calibration")
    assert legend(ax) == ["Predicted", "Actual"]
    assert heights(ax, 0) == calibration()["predicted"].tolist()
    assert heights(ax, 1) == calibration()["actual"].tolist()
    left, right = ([b.get_x() for b in ax.containers[i]] for i in (0, 1))
    assert all(a < b for a, b in zip(left, right, strict=True))
    assert ax.get_ylabel() == "Revenue (USD)"
    assert plots.calibration(calibration(), value="orders", currency="USD").get_ylabel() == "Orders"


def test_a_range_of_money_names_each_bar():
    ax = drawn("ltv_distribution")
    named = [t.get_text().replace("\n", "") for t in ax.get_xticklabels()]
    assert named == ["up to0", "0–10", "10–50", "50–200", "200–1,000", "above1,000"]
    assert heights(ax, 0) == ranges()["customers"].tolist()
    assert words(ax) == ["5.0%", "20.0%", "40.0%", "25.0%", "8.0%", "2.0%"]
    assert ax.get_xlabel() == "LTV per customer (USD)"


def test_ranges_have_decimals_only_where_the_currency_has():
    for currency, name in (("USD", "0.00–2.50"), ("円", "0–2")):
        ax = plots.ltv_distribution(ranges(0.25), currency=currency)
        assert ax.get_xticklabels()[1].get_text().replace("\n", "") == name


def test_many_long_ranges_are_named_here_and_there():
    edges = np.arange(41) * 125_000.0
    table = pd.DataFrame({"above": edges[:-1], "up_to": edges[1:], "customers": 7})
    ax = plots.ltv_distribution(table.assign(customers_share=1 / 40), currency="円")
    assert 3 <= len(ax.get_xticklabels()) < 40
    for tick, text in zip(ax.get_xticks(), ax.get_xticklabels(), strict=True):
        assert text.get_text().startswith(f"{edges[int(tick)]:,.0f}–")
    assert illegible(ax) == []


# fan


def test_the_future_begins_where_the_past_ends():
    ax, table = drawn("fan"), fan()
    at = {name: np.flatnonzero(np.isfinite(y)).tolist() for name, y in lines(ax).items()}
    assert (at["Actual"], at["Expected"]) == (list(range(12)), list(range(12, 18)))
    corners = band(ax)
    assert (corners[:, 0].min(), corners[:, 0].max()) == (12, 17)
    assert corners[:, 1].max() == pytest.approx(table["high"].max())
    assert corners[:, 1].min() == pytest.approx(table["low"].min())


def test_the_year_before_is_a_line_of_its_own():
    before = np.arange(float(len(fan()))) + 5
    ax = plots.fan(fan().assign(last_year=before), currency="USD")
    [line] = [one for one in ax.lines if one.get_label() == "a year before"]
    assert line.get_ydata().tolist() == before.tolist()
    assert illegible(ax) == []
    unknown = plots.fan(fan().assign(last_year=NAN), currency="USD")
    assert "a year before" not in [one.get_label() for one in unknown.lines]


def test_existing_and_new_customers_stack_up_to_what_is_expected():
    ax, table = drawn("fan"), fan().tail(6)
    tops = [b.get_y() + b.get_height() for b in ax.containers[1]][12:]
    assert tops == pytest.approx(table["expected"].tolist())
    assert heights(ax, 0)[12:] == pytest.approx(table["existing_revenue"].tolist())
    faces = {c[0].get_facecolor() for c in ax.containers}
    assert len(faces) == 2
    names = ["Actual", "Expected", "95% range", "Existing customers", "New customers"]
    assert legend(ax) == names
    assert ax.get_ylabel() == "Revenue (USD)"


# survival and hazard


def test_survival_starts_with_everybody():
    ax, table = drawn("survival"), survival()
    for name in ("observed", "Shifted beta-geometric", "Beta-discrete-Weibull"):
        assert lines(ax)[name][0] == 1
    assert lines(ax)["observed"][1:].tolist() == table["survival"].tolist()
    (step,) = [x for x in ax.lines if x.get_label() == "observed"]
    assert step.get_drawstyle() == "steps-post"
    assert np.asarray(step.get_xdata()).tolist() == list(range(19))
    assert ax.get_xlabel() == "Months since the first order"
    assert band(ax)[:, 1].min() == pytest.approx(table["survival_low"].min())


def test_a_curve_without_models_or_with_unknown_ends_is_drawn_in_days():
    table = survival(10, 7).drop(columns=["sbg", "bdw"])
    table.loc[7:, ["survival_low", "survival_high"]] = NAN
    ax = plots.survival(table)
    assert legend(ax) == ["95% range", "observed"]
    assert band(ax)[:, 0].max() <= 56
    assert (ax.get_xlabel(), ax.lines[0].get_xdata()[-1]) == ("Tenure (days)", 70)


def test_a_hazard_is_as_wide_as_its_period_and_pale_where_few_are_at_risk():
    ax = plots.hazard(hazard(6, 90))
    bars = [bar for container in ax.containers for bar in container]
    assert [b.get_height() for b in bars] == pytest.approx((0.3 / np.arange(1, 7)).tolist())
    assert [b.get_x() * MONTH for b in bars] == pytest.approx([0, 90, 180, 270, 360, 450])
    assert [b.get_alpha() for b in bars] == [1, 1, 1, 0.3, 0.3, 0.3]  # 30 at risk is enough
    assert legend(ax) == ["30 customers or more", "fewer than 30 customers"]


def test_a_hazard_of_nobody_who_leaves_says_so():
    nobody = hazard(6).assign(hazard=0.0)
    assert plots.hazard(nobody).figure.alt.endswith("Nobody leaves.")
    late = nobody.assign(hazard=[0, 0, 0, 0, 0, 0.5], at_risk=[30, 30, 30, 30, 30, 2])
    assert plots.hazard(late).figure.alt.endswith(
        "from day 152 to 183: 50.0% of those still there."
    )


def test_shares_are_in_percent():
    for name in ("survival", "hazard", "one_customer"):
        ax = drawn(name)
        ax.figure.canvas.draw()
        shown = [t.get_text() for t in ax.get_yticklabels() if t.get_text()]
        assert all(text.endswith("%") for text in shown), name


# one customer


def test_days_with_an_order_are_marked():
    ax, table = drawn("one_customer"), one_customer()
    marks = [segment[0][0] for segment in ax.collections[0].get_segments()]
    days = mpl.dates.date2num(table.loc[table["ordered"], "date"])
    assert sorted(marks) == pytest.approx(sorted(days))
    assert lines(ax)["Likely still active"].tolist() == table["p_alive"].tolist()
    assert ax.get_ylim()[0] == 0
    assert legend(ax) == ["order", "Likely still active"]


# words


def test_new_names_have_labels_and_formats():
    names = "bg_nbd mbg_nbd pareto_nbd bg_bb run_rate cohort_curve rfm_cell boosting sbg bdw"
    names += " actual predicted expected existing_revenue p_alive hazard survival method"
    unknown = [n for n in names.split(" ") if formats.label(n) in (n, n.replace("_", " "))]
    assert unknown == []
    kinds = {
        "share": ["p_alive", "p_quiet", "hazard", "survival"],
        "money": ["mae", "predicted", "actual", "expected", "existing_revenue", "affordable_cost"],
        "mean": ["expected_orders"],
        "change": ["bias"],
    }
    assert {k: [n for n in ns if formats.kind(n) != k] for k, ns in kinds.items()} == {
        k: [] for k in kinds
    }
    assert formats.value(4, "payback_months") == "4"


def test_a_segment_keeps_its_name():
    assert formats.cell("new", "word") == "new"
    assert formats.kind("new") is None  # the migration of segments counts customers
