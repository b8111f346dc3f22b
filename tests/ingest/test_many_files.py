"""A folder of many small files is read by few queries, and as if each were read alone."""

from __future__ import annotations

import pytest

from ltvkit import orders
from ltvkit.ingest import pipeline
from ltvkit.ingest.readers import gathering, open_source

pytestmark = pytest.mark.usefixtures("one_thread")

HEAD = "customer_id,order_id,order_date,amount"


def write(folder, name, rows, *, head=HEAD, encoding="utf-8", end="\n"):
    folder.mkdir(exist_ok=True)
    text = end.join([head, *rows, ""])
    (folder / name).write_bytes(text.encode(encoding))


@pytest.fixture
def folder(tmp_path):
    found = tmp_path / "exports"
    for n in range(250):
        rows = [f"C{n % 7},O{n}-{k},2024-{n % 12 + 1:02}-{k + 1:02},{n + k}" for k in range(3)]
        write(found, f"{n:03}.csv", rows)
    return found


@pytest.fixture
def mixed(tmp_path):
    """Neighbours alike but for what one file can have that others have not."""
    found, day = tmp_path / "mixed", "2024-01-05"
    for n in (0, 1, 3, 12):
        write(found, f"{n:02}.csv", [f"C{n % 3},O{n},{day},{n}.5", f"C9,P{n},{day},-1"])
    write(found, "02.csv", [f"A,1,{day},5", f"B,2,{day},6,7,8", f"C,3,{day},7"])
    write(found, "04.csv", [])
    write(found, "05.csv", [f"客,1,{day},5"], encoding="cp932")
    write(found, "06.csv", [f"A;1;{day};5"], head=HEAD.replace(",", ";"))
    write(found, "07.csv", [f"5,A,1,{day}"], head="amount,customer_id,order_id,order_date")
    write(found, "09.csv", [f"\u3000A ,1,{day},5", f'"B, b",2,{day},"6"'], encoding="utf-8-sig")
    write(found, "10.csv", [f"A,1,{day},5", "", f"B,O12,{day},n/a"], end="\r\n")
    write(found, "11.csv", [f'A,"1,{day},5'])
    write(found, "it's [1].csv", ["A,1,9999-12-31,5", "B,2,soon,5"])
    return found


def read(folder, **policies):
    book = orders.read(str(folder), policies=policies)
    tables = [frame.df() for frame in (book.lines, book.returns, book.quarantine)]
    by = ["file", "line"]
    return [*tables[:2], tables[2].sort_values(by, ignore_index=True), book.quality, book.facts]


def same(one, other):
    for a, b in zip(one, other, strict=True):
        assert a.equals(b) if hasattr(a, "equals") else a == b


def test_files_read_together_are_as_if_each_were_read_alone(mixed, monkeypatch):
    together = read(mixed)
    assert together[4]["lines_read"] == 21
    assert {"02.csv", "10.csv", "11.csv", "it's [1].csv"} < {*together[2]["file"]}
    monkeypatch.setattr(gathering, "MOST_FILES", 1)
    monkeypatch.setenv("LTVKIT_REPORTS", str(mixed.parent))
    same(read(mixed), together)


def test_a_file_with_a_fault_leaves_the_others_together(folder):
    write(folder, "120.csv", ["A,1,2024-01-05,5,6"])
    raw = open_source(str(folder))
    run = gathering.find_runs(raw.parts)[1]
    found = gathering.gather(raw.connection, run)
    assert sum(files for _part, files in found) == 100
    assert "120.csv" in [part.name for part, files in found if files == 1]
    assert len(found) < 10


def test_a_policy_that_looks_at_a_whole_file_reads_each_alone(tmp_path):
    for n in range(3):
        rows = [f"C{n},O{n},2024-01-05,1", ",,2024-01-05,2"][n == 1 :]
        write(tmp_path / "x", f"{n}.csv", rows)
    policies = {"fill_down": ["customer_id", "order_id"]}
    book = orders.read(str(tmp_path / "x"), policies=policies)
    ids = book.lines.df()["customer_id"]
    assert sorted(ids) == ["C0", "C0", "C2", "C2"]


def test_files_are_read_a_hundred_at_a_time(folder, monkeypatch):
    stored = []
    store = pipeline._store_part
    monkeypatch.setattr(
        pipeline, "_store_part", lambda *given: stored.append(given[1].name) or store(*given)
    )
    book = orders.read(str(folder))
    assert stored == ["000.csv to 099.csv", "100.csv to 199.csv", "200.csv to 249.csv"]
    assert book.facts["lines_read"] == 750
    placed = book.lines.df()
    assert placed["amount"].sum() == sum(n + k for n in range(250) for k in range(3))


def test_lines_left_out_name_their_file_and_line(folder):
    write(folder, "120.csv", ["A,1,2024-01-05,5", "B,2,soon,5", "C,3,2024-01-05,x"])
    left = orders.read(str(folder)).quarantine.df()
    assert left[["file", "line", "amount"]].values.tolist() == [
        ["120.csv", 3, "5"],
        ["120.csv", 4, "x"],
    ]


def test_the_frame_of_a_folder_is_of_few_queries(folder):
    raw = open_source(str(folder))
    assert raw.frame.aggregate("count(*), sum(amount::int)").fetchall() == [(750, 94125)]
    assert raw.frame.sql_query().count("gathered-") == 3


def test_large_files_and_too_many_cells_are_read_alone(folder, monkeypatch):
    parts = open_source(str(folder)).parts[:10]
    assert [len(run) for run in gathering.find_runs(parts)] == [10]
    monkeypatch.setattr(gathering, "MOST_CELLS", 5 * 3 * 4)
    assert [len(run) for run in gathering.find_runs(parts)] == [5, 5]
    monkeypatch.setattr(gathering, "MOST_LINES", 2)
    assert [len(run) for run in gathering.find_runs(parts)] == [1] * 10
