"""Frames of any engine: opened, ranked, and brought back as they came."""

from __future__ import annotations

import gc
import threading

import duckdb
import narwhals.stable.v2 as nw
import pandas as pd
import polars as pl
import pytest
from conftest import make_lines
from hypothesis import given
from hypothesis import strategies as st

from ltvkit import abc_classes, cohorts, customers, deciles, kpis, orders, rfm
from ltvkit.engines import frames, ranking, temporary_tables
from ltvkit.engines.connection import connect
from ltvkit.errors import ColumnError
from ltvkit.ingest import daily, preparing
from ltvkit.ingest.lines import select_until
from ltvkit.ltv import curves, survival


@pytest.mark.parametrize(
    ("name", "kind"),
    [("pandas", "DataFrame"), ("polars", "DataFrame"), ("duckdb", "DuckDBPyRelation")],
)
def test_prepared_orders_are_opened_on_the_engine_asked_for(name, kind):
    book = orders.read("demo:cdnow", engine=name)
    buyers = customers.summarize(book.lines, as_of="1998-06-30")
    for frame in (book.lines, buyers):
        assert type(frame).__module__.lstrip("_").startswith(name)
        assert type(frame).__name__ == kind
    totals = customers.totals(buyers)
    assert totals.iloc[0].tolist() == [23_570, 69_659, 2_500_315.63]


LINES = make_lines(
    ("a", "1", "2024-02-29", 5), ("a", "2", "2024-12-31", 7), ("b", "3", "2024-03-01", 1)
)
TIMED = LINES.assign(
    order_date=LINES["order_date"] + pd.to_timedelta(["10:30:00", "23:59:59.999999", "00:00:01"])
)
DATED = {
    "pandas, a time of day": lambda: TIMED,
    "polars, a time of day": lambda: pl.from_pandas(TIMED),
    "polars, a time in ns": lambda: pl.from_pandas(TIMED).cast({"order_date": pl.Datetime("ns")}),
    "duckdb, a time of day": lambda: duckdb.connect().from_df(TIMED),
    "duckdb, a time and a zone": lambda: (
        connect().from_df(TIMED).project("* replace (order_date::timestamptz as order_date)")
    ),
    "pandas, a time and a zone": lambda: TIMED.assign(
        order_date=TIMED["order_date"].dt.tz_localize("Asia/Tokyo")
    ),
    "polars, dates": lambda: pl.from_pandas(LINES).with_columns(pl.col("order_date").dt.date()),
    "polars, a zone": lambda: pl.from_pandas(LINES).with_columns(
        pl.col("order_date").dt.replace_time_zone("Asia/Tokyo")
    ),
    "pandas, a zone": lambda: LINES.assign(order_date=LINES["order_date"].dt.tz_localize("UTC")),
    "duckdb, dates": lambda: (
        duckdb.connect().from_df(LINES).project("* replace (order_date::date as order_date)")
    ),
}


@pytest.mark.parametrize("form", DATED)
def test_a_day_is_a_day_however_the_frame_holds_it(form):
    found = kpis.series(DATED[form](), as_of="2024-12-31", every="week")
    pd.testing.assert_frame_equal(found, kpis.series(LINES, as_of="2024-12-31", every="week"))


# A day with two orders, an order of two days, and a purchase in the last second of the last day.
BUSY = make_lines(
    ("a", "1", "2024-01-05 09:00:00", 10),
    ("a", "1", "2024-01-05 18:30:00", 5),
    ("a", "1", "2024-01-06 00:10:00", 1),
    ("a", "2", "2024-01-05 12:00:00", 7),
    ("a", "3", "2024-02-01 08:00:00", -2),
    ("b", "4", "2024-01-31 23:59:59", 3),
    ("b", "5", "2024-03-31 23:59:59", 4),
    ("c", "6", "2024-03-31 00:00:00", 9),
)
MEASURED = {
    "days": lambda lines: daily.aggregate(lines),
    "customers": lambda lines: customers.summarize(lines, as_of="2024-03-31"),
    "kpis": lambda lines: kpis.series(lines, as_of="2024-03-31", every="day"),
    "cohorts": lambda lines: cohorts.build(lines, as_of="2024-03-31"),
    "second orders": lambda lines: cohorts.second_order(lines, as_of="2024-03-31"),
    "ltv": lambda lines: curves.ltv(lines, as_of="2024-03-31", draws=5),
    "survivors": lambda lines: survival.survivors(lines, as_of="2024-03-31", lapse_days=20),
    "products": lambda lines: abc_classes.classify(lines, by="customer_id"),
    "lines": lambda lines: select_until(lines, as_of="2024-01-31"),
}


@pytest.mark.parametrize("name", MEASURED)
def test_orders_with_a_time_of_day_count_by_their_day(on, name):
    by_day = BUSY.assign(order_date=BUSY["order_date"].dt.normalize())
    timed, dated = (frames.lazy(MEASURED[name](on(lines))) for lines in (BUSY, by_day))
    found, expected = (
        frames.table(opened.sort(*opened.collect_schema().names())) for opened in (timed, dated)
    )
    assert len(expected)
    pd.testing.assert_frame_equal(found, expected)


def test_tables_of_the_user_are_not_taken_for_the_kits():
    connection = duckdb.connect()
    connection.execute("create table result as select 1 as x")
    connection.execute("create table content as select 1 as r_score, 1 as f_score, 'no' as segment")
    buyers = customers.summarize(connection.from_df(LINES), as_of="2024-12-31")
    segmented = frames.table(frames.lazy(rfm.segment(rfm.score(buyers))))
    expected = rfm.segment(rfm.score(customers.summarize(LINES, as_of="2024-12-31")))
    columns = ["customer_id", "orders", "segment"]
    pd.testing.assert_frame_equal(segmented[columns], expected[columns], check_dtype=False)


def test_days_leave_no_table_behind_but_their_own():
    connection = duckdb.connect()
    found = daily.aggregate(connection.from_df(LINES))
    tables = connection.sql("select estimated_size from duckdb_tables()").fetchall()
    assert tables == [(len(found),)]


def tables_of(connection):
    """Names of the temporary tables of a connection."""
    return {name for (name,) in connection.sql("select table_name from duckdb_tables()").fetchall()}


def chain(connection):
    buyers = customers.summarize(connection.from_df(LINES), as_of="2024-12-31")
    segmented = rfm.segment(rfm.score(buyers))
    return buyers, segmented, rfm.summarize(segmented)


def test_temporary_tables_go_with_the_results_that_read_them():
    connection = duckdb.connect()
    before = tables_of(connection)
    for _ in range(4):
        buyers, segmented, summary = chain(connection)
    assert len(tables_of(connection)) == 4  # those of the last two chains
    pd.testing.assert_frame_equal(rfm.summarize(segmented), summary)
    assert tables_of(connection) == {buyers.alias, segmented.alias}
    del buyers, segmented
    gc.collect()
    temporary_tables.drop_unread()
    assert tables_of(connection) == before


DERIVED = {
    "filtered": lambda connection, made: made.filter("orders > 0").order("customer_id"),
    "query": lambda connection, made: made.query("v", "from v order by customer_id"),
    "sql": lambda connection, made: connection.sql("from made order by customer_id"),
    "joined": lambda connection, made: (
        connection.sql("select 1 as one").join(made, "true").order("customer_id")
    ),
    "opened": lambda connection, made: (
        frames.lazy(made).with_columns(nw.col("orders") + 1).sort("customer_id").to_native()
    ),
    "until": lambda connection, made: frames.to_native(
        frames.lazy(made).sort("customer_id"), like=made
    ),
    "in a loop": lambda connection, made: [made.limit(2)][0].order("customer_id"),
}


@pytest.mark.parametrize("form", DERIVED)
def test_what_is_derived_from_a_result_keeps_its_table(form):
    connection = duckdb.connect()
    lines = connection.from_df(LINES)
    derived = DERIVED[form](connection, customers.summarize(lines, as_of="2024-12-31"))
    for _ in range(3):  # each makes a table, and drops what nothing reads
        gc.collect()
        customers.summarize(lines, as_of="2024-12-31")
    assert derived.select("customer_id").fetchall() == [("a",), ("b",)]
    del derived
    gc.collect()
    temporary_tables.drop_unread()
    assert not tables_of(connection)


def test_a_closed_connection_does_not_hinder_another():
    closed, connection = duckdb.connect(), duckdb.connect()
    left = chain(closed)
    closed.close()
    del left
    gc.collect()
    assert len(chain(connection)[2]) == len(chain(connection)[2])


def test_a_list_is_read_to_its_end_though_nothing_else_holds_it():
    connection = duckdb.connect()
    parts = frames.chunks(
        customers.summarize(connection.from_df(LINES), as_of="2024-12-31"), rows=1
    )
    found = [next(parts)]
    gc.collect()
    assert pd.concat([*found, *parts])["customer_id"].tolist() == ["a", "b"]


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=30), st.booleans())
def test_ranks_and_running_sums_are_those_of_a_sorted_list(values, ascending):
    frame = pd.DataFrame({"id": [f"{n:02}" for n in range(len(values))], "paid": values})
    found = frames.table(
        ranking.rank(
            nw.from_native(frame).lazy(),
            by="paid",
            ties="id",
            ascending=ascending,
            running=["paid"],
        )
    )
    ordered = frame.sort_values(["paid", "id"], ascending=[ascending, True], kind="stable")
    by_id = found.set_index("id").loc[ordered["id"]]
    assert by_id["rank"].tolist() == list(range(1, len(values) + 1))
    assert by_id["paid_upto"].tolist() == ordered["paid"].cumsum().tolist()


def test_long_results_of_duckdb_keep_the_order_they_are_sorted_in():
    """A list is read in this order, and so comes out the same each time."""
    connection = connect(threads=4)
    lines = connection.sql(
        "select 'c' || hash(i) as customer_id, i::double as paid from range(400000) r(i)"
    )
    ordered = frames.materialize(frames.lazy(lines).sort("customer_id"), like=lines)
    found = pd.concat(frames.chunks(ordered, rows=50_000))["customer_id"]
    assert found.is_monotonic_increasing
    assert len(found) == 400_000


def test_rows_without_a_line_are_numbered_as_they_were_read(tmp_path):
    """A file of many megabytes is read by several threads at once."""
    path = tmp_path / "long.csv"
    path.write_text("n\n" + "\n".join(f"{n:>20}" for n in range(2, 1_000_002)) + "\n")
    connection = connect(threads=4)
    preparing.set_folder(connection, tmp_path)
    # As small as a buffer can be: then it takes several, as it does of a large file.
    read = f"select * from read_csv('{path}', columns = {{'n': 'BIGINT'}}, max_line_size = 4096)"
    kept = preparing._store(connection, connection.sql(read), "rows", 2)
    wrong = connection.sql(f"select count(*) from ({kept}) where n <> _line")
    assert wrong.fetchall() == [(0,)]


def test_a_table_of_a_busy_connection_goes_once_it_is_free():
    busy, other = duckdb.connect(), duckdb.connect()
    left = chain(busy)
    reader = busy.sql("from range(100_000)").to_arrow_reader(1_000)
    next(iter(reader))
    del left
    gc.collect()
    chain(other)  # tries to drop the tables of both
    del reader
    temporary_tables.drop_unread()
    assert not tables_of(busy)


def test_tables_of_threads_that_ended_go_too():
    connection, failed = duckdb.connect(), []

    def work(own):
        try:
            for _ in range(3):
                chain(own)
        except Exception as error:
            failed.append(error)

    cursors = [connection.cursor() for _ in range(4)]
    threads = [threading.Thread(target=work, args=[own]) for own in cursors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gc.collect()
    temporary_tables.drop_unread()
    assert not failed
    assert not any(map(tables_of, cursors))


def test_a_missing_column_is_traced_to_the_step_that_adds_it():
    lines = make_lines(("a", "1", "2024-01-05", 10), ("b", "2", "2024-02-05", 20))
    buyers = customers.summarize(lines, as_of="2024-02-29")
    scored = rfm.score(buyers)
    made = {
        "customers.summarize": buyers,
        "rfm.score": scored,
        "rfm.segment": rfm.segment(scored),
        "deciles.assign": deciles.assign(buyers),
        "abc_classes.classify": abc_classes.classify(lines, by="customer_id"),
    }
    for step, table in made.items():
        assert set(frames.STEPS[step]) <= set(table.columns), step
    with pytest.raises(ColumnError, match=r"no column 'r_score'.* the result of rfm\.score"):
        rfm.segment(buyers)
    with pytest.raises(ColumnError, match=r"the result of customers\.summarize, which has it"):
        rfm.score(lines)
    with pytest.raises(ColumnError, match=r"no column 'channel'.*Map it under `columns:`"):
        cohorts.build(lines, as_of="2024-02-29", by="channel")


def test_an_empty_table_of_texts_can_be_joined(on):
    """Of no values nothing says that they are texts, and Polars refuses to join what it holds."""
    lines = on(LINES)
    empty = frames.from_pandas(
        pd.DataFrame({"customer_id": pd.Series([], dtype="str")}), like=lines
    )
    assert frames.count(frames.lazy(lines).join(empty, on="customer_id")) == 0


def test_a_relation_of_another_connection_can_be_brought():
    one, other = duckdb.connect(), duckdb.connect()
    numbers = other.sql("select range as a from range(250000)")
    like = one.sql("select 7 as a, 'x' as b")
    brought = frames.lazy(frames.bring(numbers, like=like))
    assert frames.count(brought.to_native()) == 250_000
    found = frames.table(brought.join(frames.lazy(like), on="a"))
    assert found.to_dict("records") == [{"a": 7, "b": "x"}]
    assert frames.bring(like, like=brought.to_native()) is like
    table = pd.DataFrame({"a": [1]})
    assert frames.bring(table, like=table) is table
