"""No frame of order or customer grain crosses to pandas: every crossing is counted, and named."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from stub_notebooks import as_long, crossings, grown, write_orders

HOME = Path(__file__).parents[1] / "ltvkit"
FEW, MANY = 1600, 4800  # customers


@pytest.fixture(scope="module")
def most(tmp_path_factory):
    """The most rows that each function brings to pandas, of a small shop and of a large one."""
    home = tmp_path_factory.mktemp("crossing")
    found = []
    for customers in (FEW, MANY):
        folder = home / str(customers)
        folder.mkdir()
        write_orders(folder / "orders.parquet", customers=customers)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LTVKIT_REPORTS", str(folder / "reports"))
            found.append(crossings(folder / "orders.parquet", out=folder))
    return found


def test_what_crosses_does_not_grow_with_the_customers(most):
    few, many = most
    assert set(many) == set(few)
    assert not grown(few, many)


def test_nothing_that_crosses_has_as_many_rows_as_there_are_customers(most):
    _few, many = most
    assert not as_long(many, customers=MANY)


# The modules that may turn rows of an engine into rows of Python, beside `engines.frames`, and what
# these rows are.
CONVERTS = {
    "collect": {
        "engines.sampling": "ids of a frame that is in memory already",
        "ingest.records.reading": "one row, to see whether the workers can read",
        "ingest.spark.orders": "one amount, to see whether the workers can read",
    },
    "df": {
        "ingest.records.facts": "the reconciliation",
        "ingest.records.validation": "a row per day",
        "ingest.parse.currencies": "the table of rates",
        "ingest.unmapped": "the head of an export",
        "inspection.proposals": "the head of an export",
    },
    "ask": {
        "inspection.days": "samples of dates, up to a limit, counts",
        "inspection.meaning": "some of the values of a column, up to a limit",
        "inspection.money": "currencies, up to a limit, and sums",
        "inspection.zones": "names of zones, up to a limit",
    },
    "fetchall": {
        "engines.connection": "what `ask` is asked for",
        "ingest.parse.dates": "names of time zones",
        "ingest.pipeline": "a count",
        "ingest.records.facts": "counts, the span, names of events and reasons",
        "ingest.records.rows": "counts",
        "ingest.records.scales": "counts",
        "ingest.records.validation": "whether there are any",
        "quality.records": "ten lines of each reason",
        "inspection.questions": "counts and sums",
        "inspection.stakes": "counts and sums",
        "inspection.suspicions": "counts and sums",
        "ingest.parse.ids": "ids named in params, counts",
        "inspection.date_forms": "days of samples, up to a limit, and counts of formats",
        "inspection.day_counts": "counts and sums",
        "inspection.days": "samples of dates, up to a limit, counts",
        "inspection.layout": "a count",
        "ingest.undecided_amounts": "sums",
        "ingest.readers.databases": "a count and a sum",
        "ingest.readers.databases.duckdb_file": "names of tables",
        "ingest.readers.databases.postgresql": "names of tables and columns",
        "ingest.readers.databases.sqlite_file": "names of columns",
        "ingest.readers.json_files": "how its records are built",
        "ingest.readers.nested": "names of keys, up to a limit",
        "ingest.readers.parquet_files": "names of columns, and which are text",
        "ingest.readers.join": "a count",
        "ingest.readers.part": "a count",
        "ingest.readers.gathering": "counts, a row per file",
    },
    "fetchone": {
        "ingest.parse.date_formats": "a test of one date",
        "ingest.readers.databases.postgresql": "the version of a server",
        "ingest.readers.databases.sqlite_file": "kinds and ends of a column",
    },
    "fetchmany": {
        "ingest.readers.databases.sqlite_file": "a batch of what is read, on its way to DuckDB"
    },
    "fetch_record_batch": {
        "ingest.readers.databases.postgresql": "what is read, on its way to DuckDB"
    },
    "from_df": {"quality.spellings": "ids of a frame that is in memory already"},
    "iter_rows": {"ingest.readers.excel": "rows of a workbook, on their way to DuckDB"},
    "to_arrow": {"ingest.readers": "a frame that is in memory already, on its way to DuckDB"},
    "to_arrow_reader": {
        "engines.spark.workers": "what a worker makes of its part, on its way to Spark",
        "inspection.questions": "orders on their way from one connection of DuckDB to another",
    },
    "to_arrow_table": {"ingest.records.rows": "texts of a batch, to be masked by Python"},
    "to_pylist": {
        "engines.spark.lists": "ids of a batch, on a worker",
        "ingest.records.masking": "texts of a batch, on their way back to DuckDB",
    },
}
NAMES = {
    *CONVERTS,
    *("arrow", "fetchdf", "fetch_arrow_reader", "fetch_arrow_table", "fetch_df", "fetch_df_chunk"),
    *("fetchnumpy", "pl", "tf", "toArrow", "toLocalIterator", "toPandas", "to_arrow_table"),
    *("to_df", "to_dicts", "to_pandas", "to_polars", "to_pydict", "torch"),
}


def test_only_named_modules_turn_rows_of_an_engine_into_rows_of_python():
    found: dict[str, set[str]] = {name: set() for name in CONVERTS}
    for path in sorted(HOME.rglob("*.py")):
        module = ".".join(path.relative_to(HOME).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            called = getattr(node.func, "attr", "") if isinstance(node, ast.Call) else ""
            if called in NAMES and module != "engines.frames":
                found.setdefault(called, set()).add(module)
    assert found == {name: set(modules) for name, modules in CONVERTS.items()}


def test_functions_of_frames_are_called_by_their_full_name():
    """Or what they bring to pandas would not be counted. Types may be imported."""
    for path in sorted(HOME.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "ltvkit.engines.frames":
                assert [name.name for name in node.names] == ["Frame"], path
