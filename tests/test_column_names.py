"""A column of the shop that is named like one of the kit's changes no figure, on any engine."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ltvkit import abc_classes, cohorts, customers, deciles, kpis, orders, rfm, transitions
from ltvkit.engines import frames
from ltvkit.errors import ParamsError
from ltvkit.forecast import estimation, predictions
from ltvkit.hypotheses.effects import targets
from ltvkit.hypotheses.hypothesis import Target
from ltvkit.ingest.policies import RESERVED
from ltvkit.ltv import curves, formulas, survival, unit_economics
from ltvkit.quality import summary

AS_OF = "2024-06-30"
# Columns of results, and of what leads to them. DuckDB and Spark take `Class` for `class`.
NAMES = (
    *("Class", "rank", "revenue", "Revenue_Share", "cumulative_share", "items", "copies"),
    *("customers", "orders", "Decile", "Segment", "r_score", "F_Score", "m_score", "first"),
    *("_first", "last", "Active", "bought", "largest", "days", "period", "_period", "age", "born"),
    *("cohort", "gap", "item", "value", "counted", "counted_upto", "revenue_upto", "n", "n_upto"),
    *("before", "_before", "after", "Frequency", "t_x_days", "P_Alive", "expected_spend", "_12"),
    *("ltv_12m", "group", "paid", "ended", "left", "label", "all", "of", "partial", "squares"),
)
GROUPING = (
    *("class", "Rank", "revenue", "cumulative_share", "customers", "of", "first", "_first"),
    *("item", "value", "counted", "cohort", "born"),
)


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    size = 300
    return pd.DataFrame(
        {
            "customer_id": [f"c{n:02d}" for n in rng.integers(0, 40, size)],
            "order_id": [f"o{n:03d}" for n in range(size)],
            "order_date": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(np.sort(rng.integers(0, 182, size)), unit="D"),
            "amount": rng.integers(1, 90, size).astype(float),
            "channel": rng.choice(["shop", "web"], size),
            "product_id": rng.choice(["tea", "cup", "pot"], size),
        }
    )


def with_columns(frame: pd.DataFrame, names) -> pd.DataFrame:
    """The frame with a column of text for each name that it does not have."""
    found = {column.casefold() for column in frame}
    new = [name for name in names if name.casefold() not in found]
    letters = [f"letter {'xyz'[n % 3]}" for n in range(len(frame))]
    return frame.assign(**dict.fromkeys(new, letters))


def table(frame) -> pd.DataFrame:
    return frames.table(frames.lazy(frame))


def of_lines(lines) -> dict[str, pd.DataFrame]:
    """What every concept says of order lines."""
    classified = abc_classes.classify(lines, by="product_id")
    until = {"as_of": AS_OF}
    chosen = Target("channel", ("web",))
    return {
        "customers": table(customers.summarize(lines, **until)),
        "kpis": kpis.series(lines, **until),
        "classified": table(classified),
        "leaders": abc_classes.leaders(classified, lines, by="product_id"),
        "changes": abc_classes.changes(classified, classified, by="product_id"),
        "cohorts": cohorts.build(lines, **until),
        "channels": cohorts.build(lines, **until, by="channel"),
        "second": cohorts.second_order(lines, **until),
        "curve": curves.ltv(lines, **until, draws=20),
        "survivors": survival.survivors(lines, **until, lapse_days=60),
        "formulas": formulas.compare(lines, **until, margin_rate=0.4, lapse_days=60),
        "economics": unit_economics.summarize(lines, **until, acquisition_cost={"all": 5.0}),
        "target": targets.select_all(lines, chosen, on=AS_OF),
    }


def of_customers(known, fitted) -> dict[str, pd.DataFrame]:
    """What every concept says of customers, without the columns that they brought along."""
    segmented, assigned = rfm.segment(rfm.score(known)), deciles.assign(known)
    predicted = predictions.predict(known, fitted)
    added = ["customer_id", "segment", "r_score", "f_score", "m_score"]
    return {
        "thresholds": rfm.thresholds(known),
        "segmented": table(segmented).sort_values("customer_id")[added],
        "segments": rfm.summarize(segmented),
        "grid": rfm.grid(segmented),
        "migration": rfm.migrate(segmented, segmented),
        "members": table(rfm.members(segmented, segment="champions"))[added],
        "assigned": table(assigned).sort_values("customer_id")[["customer_id", "rank", "decile"]],
        "deciles": deciles.summarize(assigned),
        "profile": deciles.profile(assigned),
        "lorenz": deciles.lorenz(known),
        "gini": pd.DataFrame({"gini": [deciles.gini(known)], "top": [deciles.top_share(known)]}),
        "classes": table(abc_classes.classify(known, by="customer_id")),
        "histories": estimation.histories(known),
        "predicted": table(predicted)[["customer_id", "p_alive", "expected_spend", "ltv_12m"]],
    }


def same(found: dict[str, pd.DataFrame], expected: dict[str, pd.DataFrame]) -> None:
    for name in expected:
        left, right = (t[name].reset_index(drop=True) for t in (found, expected))
        pd.testing.assert_frame_equal(left, right, check_dtype=False, obj=name)


@pytest.fixture(scope="module")
def plain(lines) -> tuple:
    """What every concept says of the lines, and of their customers, with no other column."""
    known = customers.summarize(lines, as_of=AS_OF)
    fitted = estimation.fit(known, model="bg_nbd")
    return of_lines(lines), known, fitted, of_customers(known, fitted)


def test_columns_of_lines_named_like_the_kits_change_nothing(on, lines, plain):
    same(of_lines(on(with_columns(lines, NAMES))), plain[0])


def test_columns_of_customers_named_like_the_kits_change_nothing(on, plain):
    _of_lines, known, fitted, expected = plain
    same(of_customers(on(with_columns(known, NAMES)), fitted), expected)


@pytest.mark.parametrize("name", GROUPING)
def test_a_grouping_column_of_any_name_groups_or_is_refused(on, lines, name):
    renamed = on(lines.rename(columns={"product_id": name}))
    expected = abc_classes.classify(lines, by="product_id").rename(columns={"product_id": name})
    if name.casefold() in abc_classes.COLUMNS:
        with pytest.raises(ParamsError, match=f"by='{name}'.* Give yours another name"):
            abc_classes.classify(renamed, by=name)
        return
    found = abc_classes.classify(renamed, by=name)
    pd.testing.assert_frame_equal(table(found), expected, check_dtype=False)
    assert abc_classes.summarize(found).equals(abc_classes.summarize(expected))
    moves = abc_classes.changes(found, found, by=name)
    assert moves.equals(abc_classes.changes(expected, expected, by=name))
    assert abc_classes.leaders(found, renamed, by=name)[name].tolist() == expected[name].tolist()
    assert abc_classes.pareto(found).equals(abc_classes.pareto(expected))


@pytest.mark.parametrize("name", GROUPING)
def test_cohorts_and_costs_by_a_column_of_any_name(on, lines, name):
    renamed = on(lines.rename(columns={"channel": name}))
    by_channel = cohorts.build(lines, as_of=AS_OF, by="channel")
    pd.testing.assert_frame_equal(cohorts.build(renamed, as_of=AS_OF, by=name), by_channel)
    costs = {"as_of": AS_OF, "acquisition_cost": {"web": 10.0}}
    if name.casefold() in unit_economics.COLUMNS:
        with pytest.raises(ParamsError, match=f"by='{name}'.* Give yours another name"):
            unit_economics.summarize(renamed, **costs, by=name)
        return
    found = unit_economics.summarize(renamed, **costs, by=name)
    expected = unit_economics.summarize(lines, **costs, by="channel")
    pd.testing.assert_frame_equal(found, expected.rename(columns={"channel": name}))


@pytest.mark.parametrize("item", ["n", "_before", "before", "_after", "label", "item"])
def test_what_is_counted_from_label_to_label_has_any_name(on, item):
    moved = [on(pd.DataFrame({item: list("abc"), "kind": list(k)})) for k in ("xxy", "xyy")]
    names = {"item": item, "label": "kind", "labels": ["x", "y"], "absent": ("new", "gone")}
    matrix = transitions.count(*moved, **names)
    assert matrix.to_dict("list") == {"before": ["x", "y"], "x": [1, 0], "y": [1, 1]}


@pytest.mark.parametrize("engine", ["duckdb", "pandas", "polars"])
def test_orders_are_read_and_their_duplicates_found(tmp_path, lines, engine):
    names = [name for name in NAMES if name not in RESERVED and name[0] != "_"]
    raw = pd.concat([lines, lines.head(3)])
    raw.assign(**{f"their {name}": "x" for name in names}).to_csv(tmp_path / "orders.csv")
    columns = {name: f"their {name}" for name in names}
    named = orders.read(str(tmp_path / "orders.csv"), columns=columns, engine=engine)
    plain = orders.read(str(tmp_path / "orders.csv"), engine=engine)
    assert table(named.lines)[names].eq("x").all(axis=None)
    same({"lines": table(named.lines)[list(lines)]}, {"lines": table(plain.lines)[list(lines)]})
    assert named.quality.equals(plain.quality)
    assert summary.list_duplicates(named)["copies"].tolist() == [2, 2, 2]
