"""One expression, four engines: pandas, Polars, DuckDB and a Spark cluster give the same tables."""

from __future__ import annotations

from typing import Any, NamedTuple

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from stub_orders import FRAMES, raw
from stub_steps import ALL, CORE, OF_COLUMNS

from ltvkit import customers, orders
from ltvkit.engines import frames
from ltvkit.errors import LtvkitError
from ltvkit.ingest.lines import select_until
from ltvkit.quality import gate, summary

OPTIONS = {"shop": {"policies": {"cancelled_status": ["cancelled"]}}, "cdnow": {}}
ENGINES = ("pandas", "polars", "duckdb", "spark")
STEPS = [("cdnow", name) for name in CORE] + [("shop", name) for name in ALL | OF_COLUMNS]


class Known(NamedTuple):
    lines: Any
    buyers: Any
    day: Any


@pytest.fixture(scope="module")
def books(cluster, session):
    """The samples on every engine."""
    found = {}
    for shop, options in OPTIONS.items():
        for name in ENGINES:
            book = orders.read(f"demo:{shop}", **options, engine=name, spark=cluster.spark)
            day = book.as_of("last")
            buyers = customers.summarize(book.lines, as_of=day)
            found[shop, name] = Known(book.lines, buyers, day)
    return found


def assert_same(found: pd.DataFrame, expected: pd.DataFrame, name: str) -> None:
    """Equal but for the last digits of what is computed from money."""
    options = {"rtol": 1e-9, "atol": 1e-9, "check_dtype": False, "obj": name}
    pd.testing.assert_frame_equal(found, expected, **options)


@pytest.mark.parametrize(("shop", "step"), STEPS)
def test_a_sample_gives_the_same_table(books, shop, step):
    work = (ALL | OF_COLUMNS)[step]
    expected = work(*books[shop, "pandas"])
    assert len(expected)
    for name in ENGINES[1:]:
        assert_same(work(*books[shop, name]), expected, name)


def tried(step: Any, known: Known) -> pd.DataFrame | str:
    """What a step gives, or how it refuses."""
    try:
        return step(*known)
    except LtvkitError as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("make", FRAMES)
def test_orders_that_engines_might_disagree_on(session, make):
    frame = make(np.random.default_rng(7))
    day = frame["order_date"].max().date()
    frames = {
        "pandas": frame,
        "polars": pl.from_pandas(frame),
        "duckdb": duckdb.connect().from_df(frame),
        "spark": session.createDataFrame(pa.Table.from_pandas(frame)),
    }
    known = {n: Known(f, customers.summarize(f, as_of=day), day) for n, f in frames.items()}
    for step, work in CORE.items():
        expected = tried(work, known["pandas"])
        for name in ENGINES[1:]:
            found = tried(work, known[name])
            if isinstance(expected, str):
                assert found == expected, (step, name)
            else:
                assert_same(found, expected, f"{step} on {name}")


POLICIES = [
    {"timezone": "Asia/Tokyo", "cancelled_prefix": "C", "guest_ids": ["guest"]},
    {"returns": "separate", "fold_ids": "both", "same_day": "one_order"},
    {"returns": "drop", "zero_amounts": "drop", "data_until": "2024-06-30"},
    {"fold_ids": "all", "order_id_restarts": "month", "repeated_orders": "keep"},
]


@pytest.mark.parametrize("policies", POLICIES)
@pytest.mark.parametrize("files", [1, 2])
def test_the_door_on_the_workers_judges_as_the_door_here(
    cluster, session, tmp_path, policies, files
):
    whole = raw(np.random.default_rng(3))
    for number, chosen in enumerate(np.array_split(np.arange(len(whole)), files)):
        whole.iloc[chosen].to_parquet(tmp_path / f"part-{number}.parquet")
    source, policies = str(tmp_path), policies | {"max_quarantined": 1.0}
    if files == 1:
        source += "/part-0.parquet"
    here = orders.read(source, policies=policies)
    there = orders.read(source, policies=policies, engine="spark", spark=cluster.spark)
    assert there.as_of("last") == here.as_of("last")
    assert_same(there.quality, here.quality, "quality")
    for name in ("lines", "returns", "quarantine", "refused"):
        tables = [rows(getattr(book, name)) for book in (there, here)]
        assert_same(*tables, name)
    day = here.as_of("last")
    assert_same(summary.summarize(there, as_of=day), summary.summarize(here, as_of=day), "report")
    checks = [gate.check(book, as_of=day, policies=policies) for book in (there, here)]
    assert_same(*checks, "checks")
    if here.spelled is not None:
        assert_same(summary.list_folded_ids(there), summary.list_folded_ids(here), "folded")


def rows(frame: Any) -> pd.DataFrame:
    """All rows, ordered by all that they hold."""
    table = frames.table(frames.lazy(frame))
    ordered = table.sort_values(list(table), ignore_index=True)
    return ordered.astype(object).where(ordered.notna(), None)  # missing is missing


def test_until_a_day_is_the_same_day(books):
    counts = {
        name: len(rows(select_until(known.lines, as_of="2023-06-30")))
        for (shop, name), known in books.items()
        if shop == "shop"
    }
    assert len(set(counts.values())) == 1
