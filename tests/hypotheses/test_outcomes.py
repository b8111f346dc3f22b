"""Outcomes that are no orders: a table of visits joined to the customers, read as orders are."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import stub_register
from conftest import make_lines
from stub_hypotheses import assigned, hypothesis, steady

from ltvkit import hypotheses
from ltvkit.display import formats
from ltvkit.errors import DataError, ParamsError
from ltvkit.hypotheses.effects import customer_days
from ltvkit.hypotheses.registry import schema, store

APRIL = dt.date(2024, 4, 30)
PER, ANY = "visits_per_customer", "any_visits"


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    for name in ("params", "notebooks", "data"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("LTVKIT_ROOT", str(tmp_path))
    monkeypatch.setenv("LTVKIT_REPORTS", str(tmp_path / "reports"))
    return tmp_path


@pytest.fixture(scope="module")
def lines():
    return steady(customers=200)


def halves(lines):
    ids = sorted(lines["customer_id"].unique())
    return ids[::2], ids[1::2]


def write(project, table: pd.DataFrame, name="visits.csv") -> str:
    path = project / "data" / name
    table.to_parquet(path) if path.suffix == ".parquet" else table.to_csv(path, index=False)
    return f"data/{name}"


def visits(lines, *, more=1.0, start="2023-01-01", end="2024-04-30", seed=1) -> pd.DataFrame:
    """Each customer visits about every twenty days; the first half of them `more` in March."""
    rng, (treated, _control) = np.random.default_rng(seed), halves(lines)
    rows = [
        (who, day, 1)
        for day in pd.date_range(start, end)
        for who in lines["customer_id"].unique()
        if rng.random() < 0.05
    ]
    rows += [(who, pd.Timestamp("2024-03-10"), more - 1) for who in treated if more > 1]
    table = pd.DataFrame(rows, columns=["customer_id", "date", "value"])
    return table.assign(date=table["date"].dt.strftime("%Y-%m-%d"))


def tried(lines, outcomes, **more):
    given = {"comparison": "randomized", "assigned": assigned(*halves(lines)), "metric": PER}
    return hypothesis(**given | {"outcomes": outcomes, "smallest_effect": 0.1} | more)


def test_a_table_by_hand(project):
    """Treated t1, t2 and control c1, c2 of the orders; n is a stranger of the list, x nobody."""
    bought = make_lines(*((who, who, "2024-01-10", 10) for who in ("t1", "t2", "c1", "c2")))
    table = pd.DataFrame(
        [("t1", "2024-03-01", 2), ("t1", "2024-03-31", 3), ("n", "2024-03-02", 4),
         ("c1", "2024-03-05", 1), ("x", "2024-03-05", 9), ("t2", "2024-04-01", 50),
         ("c2", "2024-02-28", 5)],
        columns=["customer_id", "date", "value"],
    )  # fmt: skip
    about = hypothesis(
        comparison="randomized", assigned=assigned(["t1", "t2", "n"], ["c1", "c2"]),
        metric=PER, guardrails=(ANY,), outcomes=write(project, table),
    )  # fmt: skip
    found = hypotheses.evaluate(about, bought, as_of=APRIL).table.set_index("metric")
    assert found.loc[PER, ["after", "control_after"]].tolist() == [3.0, 0.5]
    assert found.loc[ANY, ["after", "control_after"]].tolist() == pytest.approx([2 / 3, 0.5])


@pytest.mark.parametrize("name", ["visits.csv", "visits.parquet"])
def test_an_effect_on_visits_is_found_and_said(project, lines, name):
    about = tried(lines, write(project, visits(lines, more=3.0), name), guardrails=(ANY,))
    known = customer_days.build(lines, as_of=APRIL)
    found = hypotheses.evaluate(about, known, as_of=APRIL)
    assert found.primary["lowest"] < 2 < found.primary["highest"]
    assert (found.grade, found.verdict) == ("A", "adopt")
    assert "in visits per customer (likely range +" in hypotheses.finding(found)
    check = found.checks.set_index("check").loc["outcomes"]
    assert check["holds"]
    assert check["found"].startswith("visits: ")
    months = hypotheses.timelines(found, known)["month"].query("group == 'treated'")
    assert months.set_index("period").loc["2024-03", "value"] == pytest.approx(
        found.primary["after"]
    )


def test_visits_are_replayed_like_orders(project, lines):
    """Nothing was done: a before and after on visits has replays, and no effect."""
    about = hypothesis(metric=ANY, outcomes=write(project, visits(lines)), smallest_effect=0.05)
    found = hypotheses.evaluate(about, lines, as_of=APRIL)
    assert len(found.natural) >= 6
    assert found.primary["lowest"] < 0 < found.primary["highest"]
    plan = hypotheses.power(about, lines[lines["order_date"] < "2024-03-01"], as_of="2024-02-29")
    assert plan["power"].between(0.05, 1).any()


def test_what_cannot_be_used_is_counted_and_said(project, lines):
    table = visits(lines, start="2024-02-01").astype({"value": object})
    bad = pd.DataFrame(
        [("c0001", "soon", 1), ("c0001", "2024-03-05", "many"), ("", "2024-03-05", 1),
         ("stranger", "2024-03-05", 1)],
        columns=table.columns,
    )  # fmt: skip
    outcomes = write(project, pd.concat([table, bad]))
    found = hypotheses.evaluate(tried(lines, outcomes), lines, as_of=APRIL)
    check = found.checks.set_index("check").loc["outcomes"]
    assert not check["holds"]
    n = table["customer_id"].nunique() + 1
    assert f"{len(table) + 4:,} rows of {n} customers" in check["found"]
    assert "; 1 of them are neither in the orders nor on the list" in check["found"]
    for reason in ("value is unreadable (1)", "date is unreadable (1)", "no customer_id (1)"):
        assert reason in check["found"]


def test_a_table_that_ends_early_is_said(project, lines):
    early = write(project, visits(lines, end="2024-03-15"))
    found = hypotheses.evaluate(tried(lines, early), lines, as_of=APRIL)
    assert not found.checks.set_index("check").loc["outcomes", "holds"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (None, "data/visits.csv must be a CSV or Parquet file with the columns customer_id, date"),
        ({"customer_id": ["c0001"], "day": ["2024-03-01"], "value": [1]}, "It has: customer_id, d"),
        ({"customer_id": ["1"], "date": ["2024-03-01"], "value": [1]}, "write customer_id in it"),
        ({"customer_id": ["c0001"], "date": ["2024-02-01"], "value": [1]}, "before the start"),
        ({"customer_id": ["c0001"], "date": ["2024-03-20"], "value": [1]}, "add earlier rows, or"),
        ({"customer_id": ["c0001"], "date": ["2024-08-20"], "value": [1]}, "after the last day"),
    ],
)  # fmt: skip
def test_errors_name_the_remedy(project, lines, table, message):
    name = "data/visits.csv" if table is None else write(project, pd.DataFrame(table))
    with pytest.raises(DataError, match=message):
        hypotheses.evaluate(tried(lines, name), lines, as_of=APRIL)


def test_a_metric_of_a_table_needs_the_table(tmp_path):
    fields = {"metric": PER, "smallest_effect": "0.1"}
    path = stub_register.write(tmp_path, **fields, outcomes="data/visits.csv")
    assert schema.read(path).metric == PER
    for more in ({}, {"outcomes": "data/calls.csv"}):
        path = stub_register.write(tmp_path, **fields, **more)
        with pytest.raises(ParamsError, match=f"metric: found {PER}.*named in outcomes"):
            schema.read(path)
    path = stub_register.write(tmp_path, outcomes="data/revenue.csv")
    with pytest.raises(ParamsError, match="taken by a metric of the orders"):
        schema.read(path)


def test_a_report_knows_when_the_table_changed(project):
    folder = project / "params" / "hypotheses" / "tea"
    table = pd.DataFrame({"customer_id": ["a"], "date": ["2024-03-01"], "value": [1]})
    outcomes = write(project, table)
    stub_register.write(folder, metric=ANY, outcomes=outcomes)
    before = store.digest(folder)
    assert store.digest(folder) == before
    write(project, table.assign(value=2))
    assert store.digest(folder) != before
    registered = schema.content_hash(folder / "mail.yaml")
    write(project, table)
    assert schema.content_hash(folder / "mail.yaml") == registered  # it grows after the start


def test_metrics_of_a_table_have_words_and_a_form():
    assert [formats.label(m) for m in (PER, ANY)] == ["visits per customer", "Share with visits"]
    assert formats.label("revenue_per_customer") == "Revenue per customer"
    assert formats.kind(ANY) == "share"
