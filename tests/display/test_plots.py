"""Charts of finished tables: what is drawn is what the table says, legibly, and nothing else."""

from __future__ import annotations

import inspect
import itertools
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import nbformat
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from nbclient import NotebookClient
from test_plots_forecasts import CASES as FORECASTS
from test_plots_measures import CASES as MEASURES

from ltvkit import periods
from ltvkit.display import formats, plots
from ltvkit.errors import ColumnError, ParamsError

NAN = float("nan")
SEGMENTS = [
    "champions",
    "loyal",
    "potential loyalist",
    "new",
    "promising",
    "need attention",
    "about to sleep",
    "at risk",
    "can't lose",
    "hibernating",
    "lost",
]


pytestmark = pytest.mark.usefixtures("agg")


def kpis(n: int = 18, every: str = "month") -> pd.DataFrame:
    first = periods.index_of("2023-01-01", every)
    return pd.DataFrame(
        {
            "period": [periods.label(first + i, every) for i in range(n)],
            "start": [periods.start(first + i, every) for i in range(n)],
            "end": [periods.end(first + i, every) for i in range(n)],
            "partial": [False] * (n - 1) + [True],
            "revenue": 1e5 + 1e4 * np.sin(np.arange(n)),
            "repeat_rate": 0.4 + 0.1 * np.cos(np.arange(n)),
        }
    )


def customers_by_month(n: int = 18) -> pd.DataFrame:
    """Who is new is not known in the first three months."""
    customers = 100.0 + 10 * np.arange(n)
    new = np.where(np.arange(n) < 3, NAN, 40.0)
    return kpis(n).assign(customers=customers, new_customers=new)


def nodes() -> pd.DataFrame:
    rows = [
        ("revenue", "", "revenue", "1,000 JPY to 1,150 JPY", 150.0, ""),
        ("customers", "revenue", "customers", "10 to 9", -100.0, ""),
        ("days", "customers", "days", "31 to 30", -30.0, "lowered"),
        ("new_customers_a_day", "customers", "new_customers_a_day", "3 to 2", -70.0, "unclear"),
        ("order_value", "revenue", "A name of our own", "100 JPY to 128 JPY", 250.0, "raised"),
    ]
    columns = ["node", "parent", "label", "values", "change", "kind"]
    return pd.DataFrame(rows, columns=columns)


def summary(names: list[str] = SEGMENTS) -> pd.DataFrame:
    n = len(names)
    customers = np.arange(1, n + 1) / (n * (n + 1) / 2)
    table = {"segment": names, "customers_share": customers, "revenue_share": customers[::-1]}
    return pd.DataFrame(table)


def grid() -> pd.DataFrame:
    counts = np.arange(25).reshape(5, 5)
    return pd.DataFrame(counts, columns=range(1, 6)).assign(r_score=range(5, 0, -1))


def migration(names: list[str] = SEGMENTS) -> pd.DataFrame:
    n = len(names)
    counts = np.triu(np.arange(n * n + n).reshape(n + 1, n))
    return pd.DataFrame(counts, columns=names).assign(before=[*names, "not yet a customer"])


def deciles() -> pd.DataFrame:
    share = np.array([0.45, 0.2, 0.12, 0.08, 0.05, 0.04, 0.03, 0.02, 0.006, 0.004])
    shares = {"revenue_share": share, "cumulative_share": share.cumsum()}
    return pd.DataFrame({"decile": range(1, 11), **shares})


def lorenz() -> pd.DataFrame:
    x = np.linspace(0, 1, 101)
    return pd.DataFrame({"customers_share": x, "revenue_share": x**3})


def pareto() -> pd.DataFrame:
    y = 1 - (1 - np.arange(1, 101) / 100) ** 3
    classes = np.select([y <= 0.7, y <= 0.9], ["A", "B"], "C")
    return pd.DataFrame(
        {"items_share": np.arange(1, 101) / 100, "cumulative_share": y, "class": classes}
    )


def leaders(names: list[str] | None = None) -> pd.DataFrame:
    names = names or [f"item {n}" for n in range(10)]
    return pd.DataFrame(
        {
            "rank": range(1, 11),
            "product_id": [f"P{n:03d}" for n in range(10)],
            "product": names,
            "revenue": np.linspace(9e5, 1e5, 10),
            "class": list("AAAAAABBBC"),
        }
    )


def triangle(n: int = 6, *, money: bool = False, names: list[str] | None = None) -> pd.DataFrame:
    ages = np.arange(n)
    row = 40 + 8 * np.sqrt(ages) * 5 if money else np.where(ages == 0, 1.0, 0.3 / (ages + 1))
    cells = [np.where(ages < n - i, row * (1 + i / 100 * (ages > 0)), NAN) for i in range(n)]
    cohorts = names or list(pd.period_range("2022-01", periods=n, freq="M").strftime("%Y-%m"))
    wide = pd.DataFrame(cells, columns=list(range(n)))
    wide.insert(0, "cohort", cohorts)
    wide.insert(1, "customers", np.arange(n) * 700 + 60)
    return wide


def band(n: int = 6) -> pd.DataFrame:
    ltv = 40.0 + 10 * np.arange(n)
    return pd.DataFrame({"age_months": range(n), "ltv": ltv, "low": ltv * 0.9, "high": ltv * 1.1})


def second(n: int = 12) -> pd.DataFrame:
    cohorts = pd.period_range("2023-01", periods=n, freq="M").strftime("%Y-%m")
    table = pd.DataFrame({"cohort": cohorts, "customers": 100})
    for days, gone in ((30, 1), (60, 2), (90, 3), (180, 6)):
        table[f"within_{days}"] = [days / 400] * (n - gone) + [NAN] * gone
    return table


def steps(groups: tuple[str, ...] = ("web", "shop")) -> pd.DataFrame:
    names = ["F1 -> F2", "F2 -> F3", "F3 -> F4"]
    share = np.array([0.3, 0.5, 0.6])
    table = pd.DataFrame({"step": names, "customers": [900, 250, 110], "next_order_share": share})
    table = table.assign(lowest_share=share - 0.05, highest_share=share + 0.06, median_days=40)
    return pd.concat([table.assign(channel=group) for group in groups], ignore_index=True)


def change() -> pd.DataFrame:
    """From one month's revenue to the next one's."""
    rows = [
        ("August 2024", 1000.0, "level"),
        ("days", -60.0, "lowered"),
        ("items_per_order", 250.0, "raised"),
        ("price_per_item", -40.0, "unclear"),
        ("September 2024", 1150.0, "level"),
    ]
    return pd.DataFrame(rows, columns=["step", "amount", "kind"])


def differences(n: int = 6) -> pd.DataFrame:
    """The first is better, the second worse, all others unclear; the last has no range."""
    table = pd.DataFrame({"trait": "channel", "group": [f"c{i}" for i in range(n)]})
    table["ltv_difference"] = [900.0, -700.0, *np.linspace(50, -50, n - 2)]
    reach = pd.Series([300.0, 200.0, *[400.0] * (n - 2)])
    table = table.assign(low=table["ltv_difference"] - reach, high=table["ltv_difference"] + reach)
    table.loc[n - 1, ["low", "high"]] = NAN
    return table.assign(verdict=["better", "worse", *["unclear"] * (n - 2)])


def types() -> pd.DataFrame:
    rows = [
        ("all_round_best", 40, 3000.0, 1800.0, -300.0, 1500.0),
        ("long_relationship", 90, 2000.0, 2400.0, 100.0, -500.0),
        ("others", 900, -333.3, -300.0, 0.0, -33.3),
    ]
    parts = ["from_length", "from_frequency", "from_price"]
    return pd.DataFrame(rows, columns=["archetype", "customers", "ltv_above_mean", *parts])


def funnel_steps() -> pd.DataFrame:
    rows = [
        ("attention", "interest", 20825, 0.573, 0.567, 0.58, 2.0, 2.0, 2.0, False),
        ("interest", "our own stage", 11940, 0.535, 0.526, 0.544, 4.0, 3.0, 4.0, False),
        ("purchase", "second_order", 5000, 0.474, 0.458, 0.49, 95.0, 87.0, 103.0, False),
        ("quiet", "returned", 22, 0.363, 0.2, 0.55, 112.0, NAN, NAN, True),
        ("purchase", "advocating", 3364, 0.218, 0.204, 0.233, 20.0, 19.0, 21.0, False),
        ("purchase", "introducing", NAN, NAN, NAN, NAN, NAN, NAN, NAN, False),
    ]
    shares = ["next_stage_share", "lowest_share", "highest_share"]
    days = ["median_days", "median_days_low", "median_days_high"]
    columns = ["stage", "next_stage", "people", *shares, *days, "few"]
    return pd.DataFrame(rows, columns=columns)


def funnel_months() -> pd.DataFrame:
    rows = [
        (stage, after, f"2024-{month:02}", pd.Timestamp(2024, month, 1), share, month == 2)
        for stage, after, base in (("comparison", "purchase", 0.4), ("purchase", "loyal", 0.1))
        for month, share in enumerate((base, 0.9, base + 0.06, NAN), start=1)
    ]
    columns = ["stage", "next_stage", "period", "start", "next_stage_share", "few"]
    return pd.DataFrame(rows, columns=columns)


def risks() -> pd.DataFrame:
    risk = np.array([0.39, 0.5, 0.62, 0.75, 0.9, 1.0])
    ends = {"risk_low": risk - 0.03, "risk_high": np.minimum(risk + 0.03, 1)}
    return pd.DataFrame({"silent_days": np.arange(6) * 60, "risk": risk, **ends})


def answers() -> pd.DataFrame:
    verdicts = ["automatic", "needs_labels", "not_told_apart", "always_human"]
    names = ["delivery_status", "stock", "cancel_order", "complaint"]
    return pd.DataFrame({"intent": names, "labelled": [400, 90, 80, 30], "verdict": verdicts})


def days_after() -> pd.DataFrame:
    rows = [
        (kind, band, value, value - 1, value + 1)
        for kind, more in (("first_order", 2.0), ("later_order", 0.0))
        for band, value in (("0 to 2", 5 + more), ("3 to 7", 9 + more), ("8 to 14", NAN))
    ]
    names = ["order_kind", "days_after", "per_100_orders", "per_100_low", "per_100_high"]
    return pd.DataFrame(rows, columns=names)


CASES = {
    "answering": (plots.answering, answers(), {}),
    "days_after": (plots.days_after, days_after(), {}),
    "differences": (plots.differences, differences(), {"currency": "JPY"}),
    "archetypes": (plots.archetypes, types(), {"currency": "JPY"}),
    "risk": (plots.risk, risks(), {}),
    "funnel": (plots.funnel, funnel_steps(), {}),
    "stage_days": (plots.stage_days, funnel_steps(), {}),
    "stage_series": (plots.stage_series, funnel_months(), {}),
    "kpi_series": (plots.kpi_series, kpis(), {}),
    "tree": (plots.tree, nodes(), {"currency": "JPY"}),
    "customer_kinds": (plots.customer_kinds, customers_by_month(), {}),
    "segments": (plots.segments, summary(), {}),
    "rfm_grid": (plots.rfm_grid, grid(), {}),
    "migration": (plots.migration, migration(), {}),
    "deciles": (plots.deciles, deciles(), {}),
    "lorenz": (plots.lorenz, lorenz(), {"gini": 0.5, "top20": 0.488}),
    "leaders": (plots.leaders, leaders(), {"currency": "JPY"}),
    "bridge": (plots.bridge, change(), {"currency": "JPY"}),
    "pareto": (plots.pareto, pareto(), {}),
    "triangle": (plots.triangle, triangle(), {}),
    "ltv_curves": (plots.ltv_curves, triangle(money=True), {"band": band()}),
    "second_order": (plots.second_order, second(), {}),
    "order_steps": (plots.order_steps, steps(), {}),
}
each = pytest.mark.parametrize("name", CASES)


def drawn(name: str, **more) -> Axes:
    draw, table, options = CASES[name]
    return draw(table, **{**options, **more})


def bars(ax: Axes) -> list[Rectangle]:
    return [bar for container in ax.containers for bar in container]


def mesh(ax: Axes) -> QuadMesh:
    return next(c for c in ax.collections if isinstance(c, QuadMesh))


def words(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def line_values(ax: Axes) -> list[list[float]]:
    return [
        list(np.asarray(line.get_ydata(), dtype=float))
        for line in ax.lines
        if len(line.get_ydata())
    ]


def tick_labels(axis) -> list[Text]:
    """The labels that are drawn: of ticks in view, and not empty."""
    low, high = sorted(axis.get_view_interval())
    ticks = [t for t in axis.get_major_ticks() if low <= t.get_loc() <= high]
    return [t.label1 for t in ticks if t.label1.get_text()]


def illegible(ax: Axes) -> list:
    """Tick labels of one axis whose boxes touch, and words that leave the figure, as drawn."""
    ax.figure.canvas.draw()
    renderer = ax.figure.canvas.get_renderer()
    return [*touching(ax, renderer), *outside(ax, renderer)]


def touching(ax: Axes, renderer) -> list[tuple[str, str]]:
    pairs = []
    for axis in (ax.xaxis, ax.yaxis):
        boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in tick_labels(axis)]
        pairs += [(a, b) for (a, x), (b, y) in itertools.combinations(boxes, 2) if x.overlaps(y)]
    return pairs


def outside(ax: Axes, renderer) -> list[str]:
    whole = ax.figure.bbox
    labels = [*tick_labels(ax.xaxis), *tick_labels(ax.yaxis), ax.title, ax._left_title, *ax.texts]
    texts = [t for t in (*labels, ax.xaxis.label, ax.yaxis.label) if t.get_text()]
    texts += ax.get_legend().get_texts() if ax.get_legend() else []
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in texts]
    return [
        text
        for text, box in boxes
        if box.x0 < -1 or box.y0 < -1 or box.x1 > whole.x1 + 1 or box.y1 > whole.y1 + 1
    ]


def legend(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


@each
def test_a_chart_of_its_own_is_named_legible_and_without_side_effects(name, monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: pytest.fail("shown"))
    _draw, table, options = CASES[name]
    frames = [table, *(o for o in options.values() if isinstance(o, pd.DataFrame))]
    copies, settings = [frame.copy(deep=True) for frame in frames], mpl.rcParams.copy()
    ax = drawn(name)
    assert (ax.figure.get_figwidth(), ax.figure.dpi) == (9, 110)
    assert ax.get_title(loc="left")
    assert ax.get_xlabel()
    assert ax.get_ylabel() or name in (
        "segments",
        "leaders",
        "bridge",
        "tree",
        "differences",
        "archetypes",
        "funnel",
        "stage_days",
        "answering",
    )  # whose rows are named
    assert illegible(ax) == []
    assert {k for k, v in mpl.rcParams.items() if settings[k] != v} == set()
    for frame, copy in zip(frames, copies, strict=True):
        pd.testing.assert_frame_equal(frame, copy)


ALTS = {
    "answering": "Of intents (4) 1 may be answered automatically; 66.7% of enquiries are about "
    "them.",
    "days_after": "Most: 11, in days after it: 3 to 7 (First order).",
    "differences": "More than the rest: 1, less: 1, unclear: 3. "
    "The largest: Channel: c0, +900 JPY.",
    "archetypes": "Most above the mean: All-round best, +3,000 JPY (length +1,800 JPY, "
    "frequency \N{MINUS SIGN}300 JPY, price +1,500 JPY).",
    "risk": "After 0 silent days 39.0%, after 300 days 100.0%.",
    "funnel": "The lowest: First order to review or post, 21.8%.",
    "stage_days": "The longest: Gone quiet to came back, 112 days.",
    "stage_series": "In 2024-03: Cart to first order, 46.0%.",
    "kpi_series": "2024-05: 97,121. All whole ones: 90,000 (2023-12) to 109,906 (2024-03).",
    "tree": "Revenue: +150 JPY. Of it: Customers −100 JPY, A name of our own +250 JPY.",
    "customer_kinds": "Last whole month, 2024-05: 260, 40 of them new.",
    "segments": "Largest share of revenue: champions, 16.7%, from 1.5% of customers.",
    "rfm_grid": "Largest cell: R 1 and F 5 (24). With the highest of both: 4.",
    "migration": "The largest move (109) is from hibernating to lost.",
    "deciles": "4: 8.0%, 5: 5.0%, 6: 4.0%, 7: 3.0%, 8: 2.0%, 9: 0.6%, 10: 0.4%.",
    "lorenz": "The best 20% of customers bring 48.8% of revenue.",
    "leaders": "The highest: item 0, 900,000 JPY.",
    "bridge": "From 1,000 JPY to 1,150 JPY. The largest change: Items per order, +250 JPY.",
    "pareto": "brings 3.0% of revenue. Class A, 33.0% of items, brings 69.9%.",
    "triangle": "Cohorts: 6. At age 1: 15.0% (2022-01) to 15.6% (2022-05).",
    "ltv_curves": "Cohorts: 6. Average by age 5: 90.00.",
    "order_steps": "web F1 -> F2 30.0%, F2 -> F3 50.0%, F3 -> F4 60.0%.",
    "second_order": "Within 180 days: 45.0%; the latest is 45.0% (2023-06).",
}


@each
def test_the_alternative_text_is_the_title_and_the_main_fact(name):
    ax = drawn(name)
    alt, title = ax.figure.alt, " ".join(ax.get_title(loc="left").split())
    assert alt.startswith(title)
    assert alt.endswith(ALTS[name])
    data, metadata = ax.figure._repr_mimebundle_()
    assert (data, metadata) == ({}, {"image/png": {"alt": alt}})


def test_each_difference_is_a_dot_within_its_range():
    ax, table = drawn("differences"), differences().head(5)
    dots = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    assert dots == table["ltv_difference"].tolist()
    ends = [tuple(c.get_segments()[0][:, 0]) for c in ax.collections]
    assert ends == list(table[["low", "high"]].itertuples(index=False, name=None))
    assert "One more row is in the table." in ax.get_xlabel()
    many = plots.differences(differences(60))
    assert len([line for line in many.lines if line.get_marker() == "o"]) == 24
    assert "36 more rows are in the table." in many.get_xlabel()
    assert many.figure.alt.endswith("The largest: Channel: c0, +900.00.")


def test_the_parts_of_a_type_add_up_to_its_diamond():
    ax, table = drawn("archetypes"), types()
    parts = [[bar.get_width() for bar in container] for container in ax.containers]
    (diamonds,) = [line for line in ax.lines if line.get_marker() == "D"]
    assert list(np.sum(parts, axis=0)) == pytest.approx(table["ltv_above_mean"].tolist())
    assert list(diamonds.get_xdata()) == table["ltv_above_mean"].tolist()
    assert next(t.get_text() for t in tick_labels(ax.yaxis)) == "All-round best (40)"


def test_two_charts_of_one_kind_have_different_alternative_texts():
    tables = (kpis(), kpis(12)), ("revenue", "repeat_rate")
    alts = {plots.kpi_series(t, measure=m).figure.alt for t, m in itertools.product(*tables)}
    assert len(alts) == 4


def test_nobody_who_moved_and_nothing_to_show_are_said():
    still = pd.DataFrame({"before": ["new", "lost"], "new": [3, 0], "lost": [0, 4]})
    assert plots.migration(still).figure.alt.endswith(
        "(7 customers). Nobody is in another segment than before."
    )
    assert plots.deciles(deciles().head(0)).figure.alt.endswith("There is nothing to show.")
    few = plots.pareto(pareto().assign(**{"class": "none"}))
    assert few.figure.alt.endswith("brings 3.0% of revenue. No item has a class.")
    unknown = plots.segments(summary().assign(revenue_share=NAN))
    assert "The largest segment: lost, 16.7% of customers." in unknown.figure.alt
    assert "unknown" in plots.lorenz(lorenz(), gini=NAN, top20=NAN).get_title(loc="left")


@each
def test_it_draws_on_the_axes_given_in_the_words_of_the_catalogue(name, monkeypatch):
    monkeypatch.setattr("ltvkit.display.plots._style._", lambda text: f"[{text}]")
    figure, (mine, other) = plt.subplots(1, 2)
    assert drawn(name, ax=mine) is mine
    assert plt.get_fignums() == [figure.number]
    assert not other.has_data()
    assert "[" in mine.get_title(loc="left")


@each
def test_it_takes_the_table_first_and_the_rest_by_name(name):
    first, *rest = inspect.signature(CASES[name][0]).parameters.values()
    assert first.kind is first.POSITIONAL_OR_KEYWORD
    assert {p.kind for p in rest} == {inspect.Parameter.KEYWORD_ONLY}
    assert rest[-1].name == "ax"


def test_importing_the_charts_changes_no_setting():
    code = (
        "import sys, ltvkit; assert not {'matplotlib', 'seaborn', 'pandas'} & set(sys.modules);"
        "import matplotlib, matplotlib.pyplot; before = matplotlib.rcParams.copy();"
        "import ltvkit.display.plots; after = matplotlib.rcParams;"
        "assert {k for k in after if k != 'backend' and after[k] != before[k]} == set()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


@each
def test_one_row_is_drawn(name):
    draw, table, options = CASES[name]
    ax = draw(table.head(1), **options)
    assert ax.has_data()
    assert illegible(ax) == []


@each
def test_nothing_to_show_is_said_in_words(name):
    draw, table, options = CASES[name]
    ids = ["period", "start", "end", "partial", "segment", "r_score", "before", "class", "cohort"]
    ids += ["rank", "product_id", "product", "step", "channel", "kind"]
    ids += ["node", "parent", "label", "values", "trait", "group", "verdict", "archetype"]
    ids += ["stage", "next_stage", "people", "few"]
    ids += ["intent", "order_kind", "days_after"]
    ids += [] if name == "customer_kinds" else ["customers"]  # there they are what is drawn
    kept = [c for c in (*ids, "decile") if c in table]
    blank = table.astype({c: float for c in table.columns if c not in kept}).copy()
    blank.loc[:, [c for c in blank.columns if c not in kept]] = NAN
    for empty in (table.head(0), pd.DataFrame(), blank):
        _figure, ax = plt.subplots()
        assert words(draw(empty, **options, ax=ax)) == ["There is nothing to show."]
        assert len(ax.patches) + len(ax.lines) + len(ax.collections) == 0


def test_a_missing_column_is_named():
    with pytest.raises(ColumnError, match=r"'cumulative_share'.*decile, revenue_share"):
        plots.deciles(deciles().drop(columns="cumulative_share"))


# tree


def test_each_box_has_its_name_its_values_and_its_money():
    ax = drawn("tree", currency="JPY")
    assert words(ax)[::2] == [
        "Revenue\n1,000 JPY to 1,150 JPY",
        "Customers\n10 to 9",
        "Days\n31 to 30",
        "New customers a day\n3 to 2",
        "A name of our own\n100 JPY to 128 JPY",
    ]
    assert words(ax)[1::2] == ["+150", "−100", "−30", "−70",
                               "+250"]  # fmt: skip
    assert illegible(ax) == []


# customer_kinds


def test_new_customers_stand_on_those_who_had_bought_before():
    table = customers_by_month()
    ax = drawn("customer_kinds")
    assert legend(ax) == ["not known who is new", "new", "returning"]
    tops = np.zeros(len(table))
    for bar in bars(ax):
        top, place = bar.get_y() + bar.get_height(), round(bar.get_x() + bar.get_width() / 2)
        tops[place] = max(tops[place], np.nan_to_num(top))
    assert tops.tolist() == table["customers"].tolist()
    untold = plots.customer_kinds(table.head(3).assign(partial=False)).figure.alt
    assert untold.endswith("2023-03: 120; it is not known how many of them are new.")


# kpi_series


def test_a_bar_per_period_and_a_hollow_one_for_the_partial():
    ax = drawn("kpi_series", currency="USD")
    hatched = [bar.get_hatch() for bar in bars(ax)]
    assert sorted(bar.get_height() for bar in bars(ax)) == sorted(kpis()["revenue"])
    assert hatched.count("////") == 1
    assert legend(ax) == ["partial"]
    assert words(ax) == []
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Month", "Revenue (USD)")
    assert ax.get_title(loc="left") == "Revenue (USD) by month, 2023-01 to 2024-06"


def test_few_bars_carry_their_values():
    assert words(plots.kpi_series(kpis(4)))[:2] == ["100,000", "108,415"]
    assert words(plots.kpi_series(kpis(4), measure="repeat_rate")) == []


def test_a_period_without_a_value_is_not_drawn():
    series = kpis()
    series.loc[[2, 5], ["revenue", "repeat_rate"]] = NAN
    heights = [bar.get_height() for bar in bars(plots.kpi_series(series))]
    assert np.flatnonzero(np.isnan(heights)).tolist() == [2, 5]
    ax = plots.kpi_series(series, measure="repeat_rate")
    solid = line_values(ax)[-1]
    assert np.flatnonzero(np.isnan(solid)).tolist() == [2, 5, 17]  # the last one is partial


def test_where_all_is_whole_or_nothing_is_all_is_said():
    for partial in (False, True):
        assert " All: 9" in plots.kpi_series(kpis().assign(partial=partial)).figure.alt


def test_negative_revenue_hangs_below_zero():
    series = kpis()
    series.loc[3, "revenue"] = -20000.0
    ax = plots.kpi_series(series)
    assert min(bar.get_height() for bar in bars(ax)) == -20000
    assert ax.get_ylim()[0] < -20000


@pytest.mark.parametrize(
    ("every", "n", "measure"),
    [
        ("day", 70, "revenue"),
        ("week", 53, "repeat_rate"),
        ("month", 36, "revenue"),
        ("quarter", 13, "repeat_rate"),
        ("year", 2, "revenue"),
    ],
)
def test_time_axes_are_named_at_any_length(every, n, measure):
    ax = plots.kpi_series(kpis(n, every), measure=measure)
    named = [t.get_text() for t in ax.get_xticklabels()]
    assert set(named) <= set(kpis(n, every)["period"])
    assert len(named) >= min(n, 5)
    assert illegible(ax) == []
    assert ax.get_xlabel() == every.capitalize()
    assert f" by {every}, {kpis(n, every)['period'][0]} to " in ax.get_title(loc="left")


# segments, grid, migration


def test_a_dot_per_share_and_the_largest_revenue_on_top():
    ax = drawn("segments")
    dots = [c for c in ax.collections if isinstance(c, PathCollection)]
    assert [len(c.get_offsets()) for c in dots] == [11, 11]
    assert next(t.get_text() for t in ax.get_yticklabels()) == "champions"
    assert ax.yaxis_inverted()
    assert legend(ax) == ["Share of customers", "Share of revenue"]
    assert sorted(dots[0].get_offsets()[:, 0]) == sorted(summary()["customers_share"])


def test_grid_cells_print_their_counts_and_leave_nobody_blank():
    ax = drawn("rfm_grid")
    assert mesh(ax).get_array().shape == (5, 5)
    assert words(ax) == [str(n) for n in range(1, 25)]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["5", "4", "3", "2", "1"]
    assert ax.get_ylabel() == "Recency score (5 = most recent)"


def test_migration_colours_shares_of_rows_and_prints_counts():
    ax = drawn("migration")
    counts = migration().set_index("before")
    colours = mesh(ax).get_array()
    assert colours.count() == (counts > 0).sum().sum() == len(words(ax))
    np.testing.assert_allclose(colours.sum(axis=1).compressed(), 1)
    assert "11" not in words(ax)  # it lies below the diagonal
    assert len(ax.patches) == len(SEGMENTS) - 1  # who stayed is outlined: no champion did
    assert len(ax.get_xticklabels()) == len(SEGMENTS)


@pytest.mark.parametrize("columns", [2, 12])
def test_all_segments_are_named_however_many(columns):
    names = [*SEGMENTS, "gone"][:columns]
    ax = plots.migration(migration(names))
    assert len(ax.get_xticklabels()) == columns
    assert illegible(ax) == []


# deciles, lorenz, pareto


def test_a_bar_per_decile_and_the_shares_added_up():
    ax = drawn("deciles")
    assert [bar.get_height() for bar in bars(ax)] == list(deciles()["revenue_share"])
    assert line_values(ax)[0] == list(deciles()["cumulative_share"])
    assert words(ax)[:2] == ["45.0%", "20.0%"]
    assert legend(ax) == ["Cumulative share"]


def test_the_lorenz_curve_marks_the_best_fifth():
    ax = drawn("lorenz")
    assert line_values(ax)[1] == list(lorenz()["revenue_share"])
    assert list(ax.lines[2].get_xdata()) == [0.8, 0.8]
    assert line_values(ax)[2] == pytest.approx([1 - 0.488, 1])
    assert legend(ax)[-1] == "the best 20% of customers bring 48.8%"
    title = "Share of revenue so far by share of customers (Gini of revenue per customer: 0.50)"
    assert ax.get_title(loc="left") == title


def test_of_fewer_than_ten_customers_no_fifth_is_marked():
    points = pd.DataFrame(
        {"customers_share": [0, 1 / 3, 2 / 3, 1], "revenue_share": [0, 0.1, 0.4, 1]}
    )
    ax = plots.lorenz(points, gini=0.33, top20=0.6)
    assert legend(ax) == ["if all brought the same", "as it is"]
    assert ax.figure.alt.endswith("Customers: 3. The best one brings 60.0% of revenue.")


def test_without_a_share_of_the_best_fifth_none_is_marked():
    assert len(drawn("lorenz", top20=NAN).lines) == 2


def test_a_curve_of_no_revenue_says_that_there_is_nothing():
    points = lorenz().assign(revenue_share=NAN)
    ax = plots.lorenz(points, gini=NAN, top20=NAN)
    assert words(ax) == ["There is nothing to show."]
    assert not ax.lines


def test_the_pareto_zones_are_named_with_their_share_of_items():
    ax = drawn("pareto", cuts=(0.6, 0.9))
    assert legend(ax) == ["A: 33.0% of items", "B: 20.0% of items", "C: 47.0% of items"]
    assert len(ax.collections) == 3
    ticks = [t.get_text() for t in ax.get_yticklabels()]
    assert {"60%", "90%"} <= set(ticks)


def test_items_without_revenue_are_a_zone_of_their_own():
    none = pd.DataFrame({"items_share": [1.0], "cumulative_share": [1.0], "class": ["none"]})
    points = pareto().assign(items_share=pareto()["items_share"] * 0.8)
    ax = plots.pareto(pd.concat([points, none], ignore_index=True))
    assert legend(ax)[-1] == "none: 20.0% of items"


def test_each_step_of_a_change_begins_where_the_one_before_ended():
    ax = drawn("bridge")
    ends = {round(b.get_y() + b.get_height() / 2): (b.get_x(), b.get_width()) for b in bars(ax)}
    assert [ends[n] for n in range(5)] == [
        (0, 1000),
        (1000, -60),
        (940, 250),
        (1190, -40),
        (0, 1150),
    ]
    said = [text.get_text() for text in ax.texts]
    assert said == ["1,000", "\N{MINUS SIGN}60", "+250", "\N{MINUS SIGN}40", "1,150"]
    assert legend(ax) == ["raised revenue", "lowered revenue", "unclear"]
    low = plots.bridge(change().assign(amount=[100.0, -300.0, 50.0, 0.0, -150.0]))
    assert low.get_xlim()[0] == -200


def test_a_change_of_margin_says_margin():
    words = {"raised": "raised_margin", "lowered": "lowered_margin"}
    table = change().assign(kind=change()["kind"].replace(words))
    ax = plots.bridge(table, of="margin", currency="JPY")
    assert legend(ax) == ["raised margin", "lowered margin", "unclear"]
    assert ax.get_title(loc="left") == "Margin, and what changed it"
    assert ax.get_xlabel() == "Margin (JPY)"


def test_the_leaders_have_their_names_from_the_top_and_the_colour_of_their_class():
    ax = drawn("leaders")
    assert [t.get_text() for t in ax.get_yticklabels()] == [f"item {n}" for n in range(10)]
    assert ax.yaxis_inverted()
    assert [bar.get_width() for bar in bars(ax)] == list(leaders()["revenue"])
    assert legend(ax) == ["A", "B", "C"]
    assert ax.get_xlabel() == "Revenue (JPY)"
    nameless = plots.leaders(leaders().drop(columns=["product", "product_id"]), currency="JPY")
    assert [t.get_text() for t in nameless.get_yticklabels()] == [str(n) for n in range(1, 11)]


def test_names_in_japanese_are_drawn_with_glyphs():
    """A glyph that is missing is a warning, and so an error."""
    names = [
        "煎茶 髙級①",
        "ほうじ茶",
        "玄米茶 200g",
        "㈱の茶筒",
        "羊羹",
        "カステラ",
        "土鍋",
        "ﾏｸﾞ",
        "化粧水",
        "甘酒～",
    ]
    ax = plots.leaders(leaders(names), currency="円")
    ax.figure.canvas.draw()
    assert [t.get_text() for t in ax.get_yticklabels()] == names


# triangle, curves, second order


def test_cells_to_come_are_blank():
    ax = drawn("triangle")
    cells = mesh(ax).get_array()
    assert cells.shape == (6, 6)
    assert cells.count() == 21 == len(words(ax))
    assert ax.get_xlabel() == "Age (months)"
    assert ax.get_ylabel() == "Cohort (customers)"
    assert [t.get_text() for t in ax.get_yticklabels()][:2] == ["2022-01 (60)", "2022-02 (760)"]


def test_the_first_column_of_retention_is_left_out_of_the_colours():
    cells = triangle().set_index("cohort").drop(columns=["customers", 0])
    assert mesh(drawn("triangle")).norm.vmax == pytest.approx(cells.max().max())
    money = plots.triangle(triangle(money=True), kind="money")
    assert mesh(money).norm.vmin == pytest.approx(40)


def test_values_are_printed_up_to_18_and_explained_by_a_bar_beyond():
    small, large = plots.triangle(triangle(18)), plots.triangle(triangle(30))
    assert len(words(small)) == 171
    assert len(small.figure.axes) == 1
    assert words(large) == []
    assert len(large.figure.axes) == 2
    for ax in (small, large):
        assert illegible(ax) == []


def test_large_money_is_explained_by_a_bar_with_its_unit():
    wide = triangle(18, money=True)
    wide[list(range(18))] *= 15000
    ax = plots.triangle(wide, kind="money", currency="円", title="売上")
    assert ax.figure.axes[1].get_ylabel() == "LTV per customer (円)"
    assert ax.get_title(loc="left") == "売上"


def test_what_is_not_over_is_hatched():
    partial = triangle().assign(**{"1": [False] * 4 + [True, True]}).drop(columns=[*range(6)])
    ax = plots.triangle(triangle(), partial=partial)
    assert [p.get_xy() for p in ax.patches] == [(1, 4)]  # (1, 5) is not observable
    assert ax.get_xlabel() == "Age (months); hatched: period not over yet"


def test_ages_are_named_in_the_unit_of_the_cohorts():
    weeks = [f"2024-W{i:02d}" for i in range(1, 7)]
    assert plots.triangle(triangle(names=weeks)).get_xlabel() == "Age (weeks)"


def test_an_unknown_kind_is_refused():
    with pytest.raises(ParamsError, match="percent"):
        plots.triangle(triangle(), kind="percent")


def test_a_line_per_cohort_and_the_band_over_them():
    ax = drawn("ltv_curves", currency="USD")
    known = [np.isfinite(values).sum() for values in line_values(ax)]
    assert (len(known), sum(known[:-1])) == (7, 21)
    assert line_values(ax)[-1] == list(band()["ltv"])
    assert ax.get_ylabel() == "LTV per customer (USD)"
    assert legend(ax)[-1] == "all cohorts"


def test_of_many_cohorts_the_legend_names_every_nth():
    ax = plots.ltv_curves(triangle(30, money=True))
    assert len(line_values(ax)) == 30
    assert legend(ax)[:2] == ["2022-01", "2022-05"]
    assert illegible(ax) == []


def test_a_line_per_span_of_days_ending_where_it_can_be_known():
    ax = drawn("second_order")
    assert len(line_values(ax)) == 4
    assert [int(np.isfinite(v).sum()) for v in line_values(ax)] == [11, 10, 9, 6]
    assert legend(ax) == [f"Within {n} days" for n in (180, 90, 60, 30)]
    assert illegible(plots.second_order(second(40))) == []


# words of any script


def test_japanese_and_dollars_are_drawn_as_written(recwarn):
    names = [f"$5 手拭い 桜柄 $10 とても長い名前の商品 {i}" for i in range(8)]
    for ax in (
        plots.triangle(triangle(8, names=names), title="売上 $1 と $2"),
        plots.ltv_curves(triangle(8, money=True, names=names), currency="$"),
        plots.segments(summary(names)),
        plots.migration(migration(names)),
        plots.kpi_series(kpis(), currency="円"),
    ):
        assert illegible(ax) == []
        assert not any(t.get_parse_math() for t in (*ax.texts, *ax.get_yticklabels(), ax.title))
    assert [str(w.message) for w in recwarn] == []


def test_the_callers_axes_show_japanese_too():
    _figure, ax = plt.subplots()
    plots.triangle(triangle(3), title="売上", ax=ax)
    ax.figure.canvas.draw()


def test_large_tables_fit_small_axes():
    figure, panels = plt.subplots(2, 2, figsize=(9, 7))
    plots.triangle(triangle(30), ax=panels[0, 0])
    plots.kpi_series(kpis(60), ax=panels[0, 1])
    plots.migration(migration(), ax=panels[1, 0])
    plots.second_order(second(36), ax=panels[1, 1])
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    assert [touching(ax, renderer) for ax in panels.flat] == [[], [], [], []]


def test_the_public_charts_are_named():
    public = {n for n, thing in vars(plots).items() if inspect.isfunction(thing) and n[0] != "_"}
    assert public == set(plots.__all__) == set(CASES) | set(FORECASTS) | set(MEASURES)
    assert all(getattr(plots, name).__doc__ for name in plots.__all__)
    assert formats.label("within_30") in legend(drawn("second_order"))


def test_order_steps_have_a_point_with_its_interval_for_each_group():
    ax = drawn("order_steps")
    assert line_values(ax)[0] == [0.3, 0.5, 0.6]
    assert len(ax.containers) == 2
    assert legend(ax) == ["web", "shop"]
    ends = ax.containers[0].lines[2][0].get_segments()
    assert [end[:, 1].round(2).tolist() for end in ends] == [
        [0.25, 0.36],
        [0.45, 0.56],
        [0.55, 0.66],
    ]
    alone = plots.order_steps(steps(("all",)).drop(columns="channel"))
    assert len(alone.containers) == 1
    assert alone.get_legend() is None


DRAWN = """
from matplotlib.layout_engine import ConstrainedLayoutEngine
import pandas as pd
from ltvkit.display import plots
laid_out = []
lay_out = ConstrainedLayoutEngine.execute
ConstrainedLayoutEngine.execute = lambda *args: laid_out.append(1) or lay_out(*args)
table = pd.DataFrame({"orders": [0, 1], 0: [1.0, None], 10: [None, 0.5]})
"""


@pytest.mark.parametrize("ages", [12, 36, 72])
def test_names_below_a_heatmap_stay_upright(ages):
    cohorts = [f"2024-{n:02}" for n in range(1, 9)]
    table = pd.DataFrame(0.5, index=range(8), columns=range(ages)).assign(cohort=cohorts)
    ax = plots.triangle(table, kind="share")
    assert {label.get_rotation() for label in ax.get_xticklabels()} == {0.0}


LORENZ = "plots.lorenz(pd.DataFrame({'customers_share': [0, 1], 'revenue_share': [0, 1]}), "


@pytest.mark.parametrize(
    "chart", ["plots.matrix(table, kind='share', title='A')", f"{LORENZ} gini=0.0, top20=0.2)"]
)
def test_a_notebook_lays_a_chart_out_for_its_picture_alone(chart):
    cells = [nbformat.v4.new_code_cell(c) for c in (DRAWN, f"{chart};", "print(len(laid_out))")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, kernel_name="python3").execute()
    _first, shown, count = notebook.cells
    assert [o for o in shown.outputs if "image/png" in o.get("data", {})]
    assert count.outputs[0]["text"] == "1\n"


def test_each_verdict_on_an_intent_has_its_colour():
    ax = drawn("answering")
    colours = [bar.get_facecolor() for bar in bars(ax)]
    assert len(set(colours)) == 4
    assert sorted(bar.get_width() for bar in bars(ax)) == [30, 80, 90, 400]
    assert "1 may be answered automatically; 66.7%" in ax.figure.alt


def test_days_that_are_not_known_are_not_drawn():
    ax = drawn("days_after")
    values = sorted(y for line in line_values(ax) for y in line)
    assert values == [5, 7, 9, 11]
    assert "Most: 11, in days after it: 3 to 7 (First order)" in ax.figure.alt
