from __future__ import annotations

import datetime as dt
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltvkit import orders
from ltvkit.errors import DataError, ParamsError
from ltvkit.ingest.readers import databases
from ltvkit.ingest.readers.databases import postgresql, sqlite_file
from ltvkit.ingest.readers.state import look

SECRET = "correct-horse"
ROWS = [
    ("007", "A1", "2024-01-05", "1200.50", "1", 9007199254740993, "お茶"),
    ("007", "A2", "2024-02-29", "-300", "-1", 9007199254740993, "お茶"),
    ("NA", "B1", "2024-03-01", "0.1", "2", 17, 'it\'s "x", y'),
    ("9007199254740993", "00017", "2023-12-31", "98765432.01", "3", 18, None),
    (None, "C1", "2024-01-07", "5", "1", 18, "x"),
]
NAMES = ("customer_id", "order_id", "order_date", "amount", "quantity", "product_id", "product")
KINDS = ("text", "text", "date", "numeric(12,2)", "integer", "bigint", "varchar")


def create(table: str = "orders", kinds: tuple = KINDS) -> str:
    columns = ", ".join(map(" ".join, zip(NAMES, kinds, strict=True)))
    return f"create table {table} ({columns})"


def insert(table: str = "orders") -> str:
    def literal(value) -> str:
        return "null" if value is None else "'" + str(value).replace("'", "''") + "'"

    rows = ", ".join(f"({', '.join(map(literal, row))})" for row in ROWS)
    return f"insert into {table} values {rows}"


def sqlite(path: Path, *statements: str) -> str:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return f"sqlite:///{path}"


def duck(path: Path, *statements: str) -> str:
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    return f"duckdb:///{path}"


def kept(url: str, table: str = "") -> tuple[dict, dict, dict]:
    """Facts, types and values of a table as it is kept."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "table.parquet"
        facts = databases.export_table(url, target, table=table)
        with duckdb.connect() as connection:
            rows = connection.read_parquet(str(target))
            types = dict(zip(rows.columns, map(str, rows.types), strict=True))
            return facts, types, rows.to_arrow_table().to_pydict()


# --- A server of the tests' own


def programs() -> Path | None:
    """Where the server's programs are: on the path, or where Debian keeps them."""
    found = shutil.which("initdb")
    places = (
        [Path(found).resolve()]
        if found
        else sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    )
    return places[-1].parent if places else None


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL server on loopback, as (folder of its socket, port); gone afterwards."""
    where = programs()
    if where is None:
        assert os.environ.get("LTVKIT_POSTGRES") != "required", "there is no PostgreSQL server"
        pytest.skip("no PostgreSQL server is installed here")
    # It refuses to run as root.
    as_user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    home = Path(tempfile.mkdtemp(prefix="ltvkit-pg-"))
    if as_user:
        shutil.chown(home, **as_user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (home / "password").write_text(SECRET)
    (home / "password").chmod(0o644)

    def run(program: str, *options: str) -> None:
        subprocess.run(
            [where / program, "-D", home / "data", *options],
            cwd=home, check=True, capture_output=True, timeout=60, **as_user,
        )  # fmt: skip

    try:
        run("initdb", "-U", "shop", "-A", "scram-sha-256", "--auth-local=trust", "-N", "-E", "UTF8",
            "--locale=C", f"--pwfile={home / 'password'}")  # fmt: skip
        options = f"-c port={port} -c listen_addresses=127.0.0.1 -c fsync=off -k {home}"
        run("pg_ctl", "start", "-w", "-l", str(home / "log"), "-o", options)
        try:
            yield home, port
        finally:
            run("pg_ctl", "stop", "-m", "immediate")
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def postgres(server, monkeypatch):
    """Runs statements in the emptied database of the server; returns its URL."""
    import adbc_driver_postgresql.dbapi as adbc

    home, port = server
    monkeypatch.setenv("PGUSER", "shop")
    monkeypatch.setenv("PGPASSWORD", SECRET)

    def fresh(*statements: str, database: str = "postgres") -> str:
        address = f"postgresql:///{database}?host={home}&port={port}&client_encoding=UTF8"
        with adbc.connect(address, autocommit=True) as connection, connection.cursor() as cursor:
            for statement in (
                "drop schema if exists old, public cascade",
                "create schema public",
                *statements,
            ):
                cursor.execute(statement)
        return f"postgresql://127.0.0.1:{port}/{database}"

    return fresh


# --- The same orders, wherever they are kept


@pytest.fixture
def everywhere(tmp_path):
    frame = pd.DataFrame(ROWS, columns=NAMES).astype({"product_id": str})
    frame.to_csv(tmp_path / "orders.csv", index=False)
    frame.to_parquet(tmp_path / "orders.parquet")
    loose = ("text", "text", "date", "numeric", "integer", "integer", "text")
    return [
        str(tmp_path / "orders.csv"),
        str(tmp_path / "orders.parquet"),
        sqlite(tmp_path / "shop.db", create(kinds=loose), insert()),
        duck(tmp_path / "shop.duckdb", create(), insert()),
    ]


def same_orders(sources: list[str]) -> None:
    books = [orders.read(source) for source in sources]
    lines, quarantine = books[0].lines.df(), books[0].quarantine.df()[["reason"]]
    assert lines["customer_id"].tolist() == ["007", "007", "NA", "9007199254740993"]
    assert lines["product_id"].tolist()[0] == "9007199254740993"
    assert lines["amount"].tolist() == [1200.5, -300, 0.1, 98765432.01]
    assert quarantine.to_numpy().tolist() == [["guest: no customer_id"]]
    for book in books[1:]:
        pd.testing.assert_frame_equal(book.lines.df(), lines)
        pd.testing.assert_frame_equal(book.quarantine.df()[["reason"]], quarantine)
        pd.testing.assert_frame_equal(book.quality, books[0].quality)


def test_files_and_database_files_give_the_same_orders(everywhere):
    same_orders(everywhere)


def test_postgresql_gives_the_same_orders_as_files(everywhere, postgres):
    same_orders([everywhere[0], postgres(create(), insert())])


def test_a_time_with_a_zone_counts_by_the_day_of_the_shop(tmp_path, postgres):
    def made(kind: str, at: str) -> tuple[str, str]:
        return (
            f"create table t (customer_id text, order_date {kind}, amount numeric)",
            f"insert into t values ('a', {at}, 1)",
        )

    late = "'2024-01-05 23:30+00'"
    for url in (
        sqlite(tmp_path / "a.db", *made("datetime", "1704497400")),
        duck(tmp_path / "a.duckdb", *made("timestamptz", late)),
        postgres(*made("timestamptz", late)),
    ):
        for zone, day in (("UTC", "2024-01-05"), ("Asia/Tokyo", "2024-01-06")):
            lines = orders.read(url, policies={"timezone": zone}).lines.df()
            assert lines["order_date"].astype(str).tolist() == [day]


def test_facts_say_what_was_read(tmp_path, postgres):
    for url, version in [
        (sqlite(tmp_path / "a.db", create(), insert()), "SQLite 3."),
        (duck(tmp_path / "a.duckdb", create(), insert()), f"DuckDB {duckdb.__version__}"),
        (postgres(create(), insert()), "PostgreSQL 1"),
    ]:
        facts = kept(url)[0]
        assert facts["source"] == url
        assert facts["rows"] == len(ROWS)
        assert facts["table"].endswith(".orders")
        assert facts["database"].startswith(version)
        assert dt.datetime.fromisoformat(facts["read_at"]).utcoffset() == dt.timedelta(0)


def test_the_digest_is_that_of_the_rows_and_not_of_their_order(tmp_path, monkeypatch):
    def digest(name: str, *rows: str) -> str:
        made = "create table t (a, b text)"
        return kept(sqlite(tmp_path / name, made, *(f"insert into t values {r}" for r in rows)))[0][
            "digest"
        ]

    first = digest("1.db", "(1, 'x')", "(2, null)")
    assert digest("2.db", "(2, null)", "(1, 'x')") == first
    assert digest("3.db", "(1, 'x')", "(2, '')") != first
    assert digest("4.db", "(1, 'x')", "(2, null)", "(2, null)") != first
    assert digest("5.db", "('1', 'x')", "('2', null)") != first
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    zoned = duck(
        tmp_path / "z.duckdb", "create table t as select timestamptz '2024-01-05 23:30Z' t"
    )
    here = kept(zoned)[0]["digest"]
    monkeypatch.setenv("TZ", "America/New_York")
    assert kept(zoned)[0]["digest"] == here


# --- Types


def test_a_sqlite_column_of_one_kind_is_numbers_and_of_several_is_text(tmp_path):
    url = sqlite(
        tmp_path / "a.db",
        "create table t (id, price numeric, mixed, big, huge, blob, void int, strict integer)",
        "insert into t values (7, 1200, 17, 9007199254740993, 9007199254740993, x'00ff', null, 1)",
        "insert into t values (8, 0.1, 'x17', -3, 1.5, 'a', null, 2)",
        "insert into t values (9, null, 2.50, 0, null, null, null, 3.0)",
    )
    _facts, types, values = kept(url)
    assert types == {
        "id": "BIGINT", "price": "DOUBLE", "mixed": "VARCHAR", "big": "BIGINT", "huge": "VARCHAR",
        "blob": "VARCHAR", "void": "VARCHAR", "strict": "BIGINT",
    }  # fmt: skip
    assert values["price"] == [1200, 0.1, None]
    assert values["mixed"] == ["17", "x17", "2.5"]
    assert values["big"] == [9007199254740993, -3, 0]
    assert values["huge"] == ["9007199254740993", "1.5", None]
    assert values["blob"] == ["00ff", "a", None]


def test_numbers_in_a_date_column_of_sqlite_are_unix_time_or_julian_days(tmp_path):
    at = dt.datetime(2024, 1, 5, 23, 30, tzinfo=dt.UTC).timestamp()
    url = sqlite(
        tmp_path / "a.db",
        "create table t (at datetime, day date, plain integer)",
        f"insert into t values ({at:.0f}, {at:.0f}, {at:.0f})",
        f"insert into t values ({at * 1000:.0f}, 20240105, 1)",
        "insert into t values (2460315.4791666665, 2460314.5, 1)",
        "insert into t values ('2024-01-05 23:30', '2024-01-05', 1)",
        "insert into t values (null, null, null)",
    )
    _facts, types, values = kept(url)
    assert values["at"] == ["2024-01-05T23:30:00Z"] * 3 + ["2024-01-05 23:30", None]
    assert values["day"] == ["2024-01-05", "20240105", "2024-01-05", "2024-01-05", None]
    assert types["plain"] == "BIGINT"


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.none()
        | st.integers(-(2**63), 2**63 - 1)
        | st.floats(allow_nan=False)
        | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
        max_size=8,
    )
)
def test_no_value_of_sqlite_is_lost(values):
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("create table t (v)")
        connection.executemany("insert into t values (?)", [(v,) for v in values])
        schema, batches = sqlite_file.read_table(connection, "main", "t")
        found = [v for batch in batches for v in batch["v"].to_pylist()]
    if schema.field("v").type == "string":
        numbers = zip(found, values, strict=True)
        found = [type(w)(v) if isinstance(w, int | float) else v for v, w in numbers]
    assert found == values


def test_sqlite_is_read_in_batches(tmp_path, monkeypatch):
    url = sqlite(tmp_path / "a.db", create(), insert())
    whole = kept(url)
    monkeypatch.setattr(sqlite_file, "BATCH", 2)
    assert kept(url)[2] == whole[2]
    assert kept(url)[0]["digest"] == whole[0]["digest"]


def test_types_of_duckdb(tmp_path):
    url = duck(
        tmp_path / "a.duckdb",
        "create table t as select 170141183460469231731687303715884105727::hugeint as huge, "
        "0.1::float as f, 1.50::decimal(10,2) as d, timestamptz '2024-01-05 23:30+09' as tz, "
        "timestamp_ns '2024-01-05 23:30:00' as ns, 'infinity'::date as never, [1] as many, "
        "'a'::enum('a') as e, uuid '00000000-0000-0000-0000-000000000001' as id",
    )
    _facts, types, values = kept(url)
    assert (types["d"], types["ns"]) == ("DECIMAL(10,2)", "TIMESTAMP")
    assert types["tz"] == "TIMESTAMP WITH TIME ZONE"
    assert values["tz"] == [dt.datetime(2024, 1, 5, 14, 30, tzinfo=dt.UTC)]
    assert [values[n][0] for n in ("huge", "f", "never", "many", "e", "id")] == [
        "170141183460469231731687303715884105727", 0.1, None, "[1]", "a",
        "00000000-0000-0000-0000-000000000001",
    ]  # fmt: skip


def test_types_of_postgresql(postgres):
    url = postgres(
        "create domain yen as numeric(12,0)",
        "create type mood as enum ('fine')",
        "create table t (m money, n numeric, id numeric(20,0), y yen, e mood, r real, c char(4), "
        "tz timestamptz, ts timestamp, never date, j jsonb, b boolean, v text)",
        "insert into t values ('1200.50', 1.50, 9007199254740993, 1200, 'fine', 0.1, '07', "
        "'2024-01-05 23:30+09', '2024-01-05 23:30', 'infinity', '{\"a\": 1}', true, '007')",
        "insert into t (id, n) values ('NaN', 'NaN')",
    )
    _facts, types, values = kept(url)
    assert types["tz"] == "TIMESTAMP WITH TIME ZONE"
    assert (types["id"], types["y"]) == ("DECIMAL(20,0)", "DECIMAL(12,0)")
    assert values["tz"][0] == dt.datetime(2024, 1, 5, 14, 30, tzinfo=dt.UTC)
    assert values["ts"][0] == dt.datetime(2024, 1, 5, 23, 30)
    assert [values[n][0] for n in ("m", "n", "id", "y", "e", "r", "c", "never", "j", "b", "v")] == [
        "1200.50", "1.50", 9007199254740993, 1200, "fine", 0.1, "07", None, '{"a": 1}', True, "007",
    ]  # fmt: skip
    assert (values["id"][1], values["n"][1]) == (None, "NaN")


def test_a_server_with_another_encoding_gives_the_same_text(postgres):
    url = postgres(
        "drop database if exists euc",
        "create database euc encoding 'EUC_JP' locale 'C' template template0",
    )
    postgres(create(), insert(), database="euc")
    assert kept(url.replace("/postgres", "/euc"))[2]["product"][0] == "お茶"


# --- Which table


def test_the_table_is_named_or_the_only_one(tmp_path, postgres):
    made = [create(), insert(), "create schema old", create("old.orders"), create("returns")]
    for url, first in [(duck(tmp_path / "a.duckdb", *made), "main"), (postgres(*made), "public")]:
        assert kept(url, f"{first}.orders")[0]["rows"] == len(ROWS)
        assert kept(url, "old.orders")[0]["rows"] == 0
        assert kept(url, "returns")[0]["table"] == f"{first}.returns"
        listed = (
            f"It has: {', '.join(sorted([f'{first}.orders', f'{first}.returns', 'old.orders']))}."
        )
        with pytest.raises(DataError, match=f"has 3 tables: say `policies: table`. {listed}"):
            kept(url)
        with pytest.raises(DataError, match=f"several tables 'orders': say which schema. {listed}"):
            kept(url, "orders")


def test_a_table_that_is_not_there_names_the_nearest(tmp_path):
    url = sqlite(tmp_path / "a.db", create(), "create view sales as select * from orders")
    assert kept(url, "sales")[0]["rows"] == 0
    says = r"has no table 'order'\. Did you mean 'orders'\? It has: orders, sales\."
    with pytest.raises(DataError, match=says):
        kept(url, "order")
    with pytest.raises(DataError, match="It has none to read"):
        kept(sqlite(tmp_path / "b.db", "pragma user_version = 1"))


def test_the_policy_names_the_table(tmp_path):
    url = sqlite(tmp_path / "a.db", create(), insert(), create("old"))
    assert orders.read(url, policies={"table": "orders"}).facts["table"] == "main.orders"


# --- What goes wrong


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite:///{}/shp.db", r"no file at .*shp\.db\. Did you mean 'shop\.db'"),
        ("duckdb:///{}/shop.duckdb", "no file at"),
        ("sqlite://shop.db", "write three slashes, as in sqlite:///shop.db"),
        ("sqlite:///{}/broken.db", r"broken\.db cannot be read as a SQLite database: file is not"),
        (
            "duckdb:///{}/broken.db",
            r"broken\.db cannot be read as a DuckDB database: .*not a valid",
        ),
        ("sqlite:///{}/cut.db", r"cut\.db cannot be read as a SQLite database: .*malformed"),
        ("sqlite:///{}/latin.db", r"SQLite database: Could not decode to UTF-8 column \*\*\*"),
        ("duckdb:///{}/outside.duckdb", "Cannot access file"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_in_one_line(tmp_path, url, says):
    sqlite(tmp_path / "shop.db", create(), insert())
    (tmp_path / "broken.db").write_bytes(b"no database at all " * 300)
    rows = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000)"
    sqlite(tmp_path / "cut.db", "create table t (a)", f"insert into t {rows} select i from n")
    whole = (tmp_path / "cut.db").read_bytes()
    (tmp_path / "cut.db").write_bytes(whole[:8192] + b"\xff" * 8192 + whole[16384:])
    sqlite(
        tmp_path / "latin.db", "create table t (a)", "insert into t values (cast(x'83e9' as text))"
    )
    (tmp_path / "a.csv").write_text("a\n1\n")
    outside = f"create view v as select * from read_csv('{tmp_path}/a.csv')"
    duck(tmp_path / "outside.duckdb", outside)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(DataError, match=says) as caught:
        kept(url.format(tmp_path))
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before


def test_a_damaged_block_of_a_duckdb_file_is_no_lock(tmp_path):
    """A bit is flipped in the rows of a file that nobody has open."""
    path = tmp_path / "a.duckdb"
    url = duck(path, "create table orders as select range as customer_id from range(100000)")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.duckdb cannot be read as a DuckDB database: Corrupt"):
        databases.export_table(url, tmp_path / "rows.parquet")


@pytest.mark.parametrize(
    "amount",
    [
        "mail::int", "strptime(mail, '%Y')", "error('bad row of ' || mail)", "mail::date",
        "('{\"a\": \"' || mail)::json", "2147483647::int + length(mail)::int",
    ],
)  # fmt: skip
def test_rows_of_a_view_that_cannot_be_read_are_not_quoted(tmp_path, amount):
    url = duck(
        tmp_path / "a.duckdb",
        "create table t as select 'hanako@example.com' as mail",
        f"create view v as select {amount} as amount from t",
    )
    with pytest.raises(DataError, match=r"a\.duckdb cannot be read .* Error: .*\*\*\*") as caught:
        kept(url, "v")
    assert not any(part in str(caught.value) for part in ("hanako", "2147483647"))


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ('[libpq] x: ERROR:  invalid input syntax for type integer: "ha\nna"', "type integer"),
        (
            'ERROR: value "hana"ko" is out of range for type integer',
            " is out of range for type integer",
        ),
        ('ERROR: date/time field value out of range: "hanako"', "value out of range"),
        ("Could not convert 'hana' with type str: tried to convert to int64", "Could not convert"),
        ("Integer value 31415 out of range: -128 to 127", "Integer value *** out of range"),
        ('ERROR: "hanako', "***"),
        ("ERROR: division by zero", "division by zero"),
        ("Permission Error: Cannot access file", "Cannot access file"),
    ],
)
def test_a_message_about_a_row_leaves_its_values_out(message, said):
    text = databases.describe_failure(OSError(message))
    assert said in text
    assert not any(part in text for part in ("hana", "31415", "\n"))


def test_four_slashes_are_hinted_at(tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_ROOT", str(tmp_path / "project"))
    path = tmp_path / "shop.db"
    sqlite(path, create())
    with pytest.raises(DataError, match=f"Did you mean 'sqlite:///{path}'"):
        kept(f"sqlite://{path}")


def test_a_database_that_another_program_writes_to_says_so(tmp_path, monkeypatch):
    url = duck(tmp_path / "a.duckdb", create())
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "a.duckdb"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as other:  # fmt: skip
        other.stdout.readline()
        with pytest.raises(DataError, match=r"a\.duckdb is open elsewhere.*close it there"):
            kept(url)
        other.communicate(b"\n")
    assert kept(url)[0]["rows"] == 0
    with (
        duckdb.connect(str(tmp_path / "a.duckdb")),
        pytest.raises(DataError, match="is open elsewhere"),
    ):
        kept(url)

    url = sqlite(tmp_path / "a.db", create())
    monkeypatch.setattr(sqlite_file, "_WAIT", 0)
    with closing(sqlite3.connect(tmp_path / "a.db")) as writer:
        writer.execute("begin exclusive")
        with pytest.raises(DataError, match="database is locked"):
            kept(url)


def test_reading_changes_no_file(tmp_path):
    urls = [sqlite(tmp_path / "a.db", create(), insert()), duck(tmp_path / "a.duckdb", create())]
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in tmp_path.iterdir()}
    for url in urls:
        kept(url)
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in tmp_path.iterdir()} == before


def test_columns_that_differ_in_case_only_are_refused(postgres):
    with pytest.raises(DataError, match="differ in case only: id, ID"):
        kept(postgres('create table t (id int, "ID" int)'))


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://shop:{SECRET}@127.0.0.1/shop",
        f"postgresql://shop:{SECRET}?/#@{SECRET}@127.0.0.1/shop",
        f"postgres://shop:/{SECRET}@127.0.0.1/shop",
        f"postgresql://127.0.0.1/shop?PASSWORD={SECRET}",
        f"postgresql://shop@h/shop?sslmode=require&sslpassword={SECRET}",
    ],
)
def test_a_password_in_the_url_is_refused_and_not_repeated(url):
    with pytest.raises(ParamsError, match="set PGPASSWORD") as caught:
        kept(url)
    assert SECRET not in str(caught.value)


def test_a_server_that_refuses_says_why_and_no_secret(postgres, monkeypatch):
    url = postgres(create())
    monkeypatch.setenv("PGPASSWORD", "wrong-and-secret")
    with pytest.raises(DataError, match="cannot be reached: password authentication failed") as one:
        kept(url)
    assert "PGPASSFILE" in str(one.value)
    assert not any(hidden in str(one.value) for hidden in ("wrong-and-secret", SECRET, "\n"))
    monkeypatch.setenv("PGPASSWORD", SECRET)
    with pytest.raises(DataError, match="cannot be reached: database \*\*\* does not exist"):
        kept(url + "2")
    with pytest.raises(DataError, match="cannot be reached: .*Connection refused"):
        kept("postgresql://127.0.0.1:1/shop")


def test_a_server_that_does_not_answer_is_given_up_on(monkeypatch):
    assert "connect_timeout=30" in postgresql._address("postgresql://db.example/shop")
    monkeypatch.setattr(postgresql, "_WAIT", "2")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(DataError, match="cannot be reached: .*timeout expired"):
            kept(f"postgresql://127.0.0.1:{port}/shop")


def test_the_environment_cannot_lead_to_another_host_than_the_url(postgres, monkeypatch):
    url = postgres(create(), insert())
    monkeypatch.setenv("PGHOSTADDR", "192.0.2.1")
    assert kept(url)[0]["rows"] == len(ROWS)


def test_nothing_can_be_written_to_postgresql(postgres):
    url = postgres(
        create(),
        "create function f() returns int language sql as "
        "$$ insert into orders (order_id) values ('x') returning 1 $$",
        "create view v as select f() as a",
    )
    with pytest.raises(DataError, match="cannot execute INSERT in a read-only transaction"):
        kept(url, "v")
    assert kept(url, "orders")[0]["rows"] == 0


def test_a_failure_amid_the_rows_is_one_line(postgres):
    url = postgres("create view v as select 1 / (90000 - i) as a from generate_series(1, 100000) i")
    with pytest.raises(DataError, match=r"cannot be read: division by zero\.$"):
        kept(url)


# --- When to read anew


def test_the_state_of_a_file_has_its_log_and_a_server_has_none(tmp_path):
    url = sqlite(tmp_path / "a.db", "pragma journal_mode = wal", create())
    first = look(partial(databases.list_files, url))
    assert kept(url)[0]["rows"] == 0
    assert first.find_change() == ""  # though SQLite has made an empty log to read it
    with closing(sqlite3.connect(tmp_path / "a.db")) as writer:
        writer.execute(insert())
        writer.commit()
        assert first.find_change() == "a.db-wal"  # it is in the log as yet
        assert kept(url)[0]["rows"] == len(ROWS)
    assert databases.list_files("postgresql://host/shop") == []


def test_a_table_of_a_server_is_prepared_anew_when_its_rows_change(postgres):
    moved = "update orders set amount = amount where order_id = 'A1'"  # now the last one
    first = orders.read(postgres(create(), insert()))
    assert orders.read(postgres(create(), insert(), moved)).key == first.key
    more = orders.read(postgres(create(), insert(), "update orders set quantity = 2"))
    assert more.key != first.key
    assert set(more.lines.df()["quantity"]) == {2}


def test_a_database_writes_its_numbers_with_a_point(tmp_path):
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table t (customer_id text, order_date text, amount text)")
        connection.execute("insert into t values ('x', '2024-01-05', '1.200')")
        connection.commit()
    lines = orders.read(f"sqlite:///{path}", policies={"decimal": ","}).lines.df()
    assert lines["amount"].tolist() == [1.2]
