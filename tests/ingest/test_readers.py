from __future__ import annotations

import hashlib
import os
import zipfile

import narwhals.stable.v2 as nw
import pandas as pd
import pytest

from ltvkit import orders
from ltvkit.core import locks
from ltvkit.errors import DataError, ParamsError
from ltvkit.ingest import readers
from ltvkit.ingest.readers import archives

TEXT = (
    "customer_id,order_date,amount,product\n"
    '007,2024-01-05,"1,200",お茶 髙級①\n'
    '008,2024-02-06,300,"two\nlines"\n'
)


@pytest.mark.parametrize(
    ("encoding", "recorded"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("cp932", "cp932")]
)
def test_each_encoding_gives_the_same_orders_and_is_recorded(tmp_path, encoding, recorded):
    path = tmp_path / "orders.csv"
    path.write_bytes(TEXT.encode(encoding))
    book = orders.read(str(path), columns={"product": "product"})
    assert book.lines.df()["product"].tolist() == ["お茶 髙級①", "two\nlines"]
    assert book.facts["encoding"] == recorded
    assert book.facts["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_format_gives_the_same_orders(tmp_path):
    (tmp_path / "a.csv").write_text(TEXT, "utf-8")
    frame = pd.read_csv(tmp_path / "a.csv", dtype=str)
    frame.to_csv(tmp_path / "b.tsv", sep="\t", index=False)
    frame.to_csv(tmp_path / "c.txt", sep=";", index=False)
    frame.to_parquet(tmp_path / "d.parquet")
    frame.to_excel(tmp_path / "e.xlsx", index=False)
    books = [orders.read(str(p)).lines.df() for p in sorted(tmp_path.iterdir())]
    assert len(books) == 5
    for lines in books[1:]:
        pd.testing.assert_frame_equal(
            lines.drop(columns="order_id"), books[0].drop(columns="order_id")
        )


def test_line_numbers_are_those_of_the_file_and_ragged_records_are_quarantined(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(
        'customer_id,order_date,amount\na,2024-01-05,1\n\nb,2024-01-06\n"c\nc",2024-01-07,x\nd,2024-01-08,2,9\n'
    )
    quarantine = orders.read(str(path)).quarantine.df()
    assert quarantine["line"].tolist() == [4, 5, 7]
    assert quarantine["reason"].tolist() == [
        "number of fields differs from the header",
        "amount is unreadable",
        "number of fields differs from the header",
    ]
    assert quarantine["text"].tolist()[2] == "d,2024-01-08,2,9"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.csv", b"", "is empty"),
        ("bytes.csv", b"a,b\n\xff\xfe\x81,1\n", "none of UTF-8.*as UTF-8, line 2 holds bytes"),
        ("orders.doc", b"", "'.doc' cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=says):
        readers.open_source(str(tmp_path / name))


def test_a_missing_file_names_the_nearest(tmp_path):
    (tmp_path / "orders.csv").write_text(TEXT)
    with pytest.raises(DataError, match=r"no file at .*Did you mean 'orders.csv'"):
        readers.open_source(str(tmp_path / "order.csv"))


def test_orders_are_prepared_once_and_again_when_anything_changes(tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_REPORTS", str(tmp_path / "reports"))
    path = tmp_path / "orders.csv"
    path.write_text(TEXT, "utf-8")
    first = orders.read(str(path))
    made = (first.folder / "rows-0.parquet").stat().st_mtime_ns
    again = orders.read(str(path))
    assert again.key == first.key
    assert (again.folder / "rows-0.parquet").stat().st_mtime_ns == made
    assert orders.read(str(path), policies={"same_day": "one_order"}).key != first.key
    path.write_text(TEXT + "009,2024-03-01,1,x\n", "utf-8")
    changed = orders.read(str(path))
    assert changed.key != first.key
    assert len(changed.lines.df()) == 3


@pytest.mark.parametrize("threads", ["1", "3"])
def test_a_kernel_takes_the_cores_it_is_given(tmp_path, monkeypatch, threads):
    monkeypatch.setenv("LTVKIT_REPORTS", str(tmp_path / "reports"))
    monkeypatch.setenv("LTVKIT_THREADS", threads)
    path = tmp_path / "orders.csv"
    path.write_text(TEXT, "utf-8")
    taken = orders.read(str(path)).lines.query("x", "select current_setting('threads')")
    assert taken.fetchall() == [(int(threads),)]


def test_a_preparation_is_what_reading_gives(tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_REPORTS", str(tmp_path / "reports"))
    path = tmp_path / "orders.csv"
    path.write_text(TEXT + "009,never,1,x\n", "utf-8")
    read, opened = orders.read(str(path)), orders.read(str(path))
    pd.testing.assert_frame_equal(opened.lines.df(), read.lines.df())
    pd.testing.assert_frame_equal(opened.quarantine.df(), read.quarantine.df())
    pd.testing.assert_frame_equal(opened.quality, read.quality, check_dtype=False)
    assert opened.facts == read.facts
    assert not list(opened.folder.parent.glob(".*"))


def _csv(path, *rows: str, header: str = "customer_id,order_date,amount", end: str = "\n"):
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([header, *rows]) + end, "utf-8")
    return str(path)


def test_a_name_with_marks_of_a_pattern_is_that_file(tmp_path):
    _csv(tmp_path / "a1.csv", "wrong,2024-01-05,1")
    right = _csv(tmp_path / "a[1].csv", "right,2024-01-05,1")
    pd.read_csv(tmp_path / "a1.csv").to_parquet(tmp_path / "a1.parquet")
    pd.read_csv(right).to_parquet(tmp_path / "a[1].parquet")
    for source in (right, str(tmp_path / "a[1].parquet")):
        assert orders.read(source).lines.df()["customer_id"].tolist() == ["right"]


def test_entries_of_one_name_keep_their_lines_apart(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for month in ("01", "02"):
            text = f"customer_id,order_date,amount\nx,2024-{month}-05,1\n"
            archive.writestr(f"2024-{month}/orders.csv", text)
    ids = orders.read(str(tmp_path / "a.zip")).lines.df()["order_id"]
    assert sorted(ids) == ["a.zip/2024-01/orders.csv line 2", "a.zip/2024-02/orders.csv line 2"]


def test_the_entries_of_an_archive_are_bounded_together(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "SMALL", 1_000_000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(3):
            archive.writestr(f"{n}.csv", "0" * 700_000)
    with pytest.raises(DataError, match="unpacks to more than"):
        orders.read(str(tmp_path / "a.zip"))


@pytest.mark.parametrize("blank", ["\u3000", "\u00a0", "\ufeff", "\t"])
def test_a_blank_at_the_very_end_of_a_file_is_no_part_of_an_id(tmp_path, blank):
    header = "amount,order_date,customer_id"
    source = _csv(tmp_path / "a.csv", "1,2024-01-05,x", f"1,2024-01-06,x{blank}", header=header,
                  end="")  # fmt: skip
    assert orders.read(source).lines.df()["customer_id"].tolist() == ["x", "x"]


FILLED = {"fill_down": ["order_id", "order_date", "customer_id"]}


def test_filling_down_keeps_what_a_line_says(tmp_path):
    rows = ["1,2024-01-05,a,10", "1,,b,20", ",\u3000,\u3000,30"]
    source = _csv(tmp_path / "a.csv", *rows, header="order_id,order_date,customer_id,amount")
    lines = orders.read(source, policies=FILLED).lines.df().sort_values("amount")
    assert lines["customer_id"].tolist() == ["a", "b", "a"]
    assert lines["order_id"].tolist() == ["1"] * 3


def test_filling_down_takes_nothing_from_an_earlier_order_of_the_same_number(tmp_path):
    rows = ["1,2023-01-05,a,10", "1,,,20", "1,2024-01-05,b,30", "1,,,40"]
    source = _csv(tmp_path / "a.csv", *rows, header="order_id,order_date,customer_id,amount")
    book = orders.read(source, policies={**FILLED, "order_id_restarts": "year"})
    lines = book.lines.df().sort_values("amount")
    assert lines["customer_id"].tolist() == ["a", "a", "b", "b"]
    assert lines["order_id"].tolist() == ["1 2023"] * 2 + ["1 2024"] * 2


def test_filling_down_makes_no_order_line_of_a_total_or_an_empty_row(tmp_path):
    rows = ["1,2024-01-05,a,tea,10", ",,,,", ",,,合計,10"]
    header = "order_id,order_date,customer_id,product,amount"
    book = orders.read(_csv(tmp_path / "a.csv", *rows, header=header), policies=FILLED)
    assert book.quarantine.df()["reason"].tolist() == ["empty row", "total row"]
    assert book.lines.df()["amount"].tolist() == [10.0]


def test_one_of_two_headers_that_differ_in_case_can_be_mapped(tmp_path):
    header = "customer_id,order_date,amount,Amount"
    source = _csv(tmp_path / "a.csv", "x,2024-01-05,5,6", header=header)
    book = orders.read(source, columns={"amount": "Amount (1)"})
    assert book.lines.df()["amount"].tolist() == [5.0]


@pytest.mark.parametrize(
    ("encoding", "message"),
    [("base64", "is no encoding"), ("rot13", "is no encoding"), ("utf-16", "is not utf-16")],
)
def test_a_declared_encoding_that_cannot_be_is_refused(tmp_path, encoding, message):
    with pytest.raises((ParamsError, DataError), match=message):
        orders.read(_csv(tmp_path / "a.csv", "x,2024-01-05,5"), policies={"encoding": encoding})


def test_what_would_be_left_out_of_a_folder_or_an_archive_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.csv").write_text(TEXT, "utf-8")
    (tmp_path / "a" / "2.xls").write_bytes(b"old")
    with pytest.raises(DataError, match=r"2\.xls cannot be read"):
        orders.read(str(tmp_path / "a"))
    for inside, says in (("2.xls", "cannot be read"), ("2.csv.gz", "packed once more")):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("1.csv", TEXT)
            archive.writestr(inside, b"x")
        with pytest.raises(DataError, match=says):
            orders.read(str(tmp_path / "a.zip"))


@pytest.mark.parametrize("name", ["_line", "_fault", "_text", "_LINE", "file_row_number"])
def test_columns_named_as_the_kits_own_are_read(tmp_path, name):
    columns = {"customer_id": ["a"], "order_id": ["1"], "order_date": ["2024-01-05"], "amount": [1]}
    frame = pd.DataFrame(columns | {name: ["x"]})
    frame.to_parquet(tmp_path / "a.parquet")
    for source in (frame, str(tmp_path / "a.parquet")):
        lines = orders.read(source, columns={"other": name}).lines
        assert nw.from_native(lines).lazy().collect()["other"].to_list() == ["x"]


def test_what_a_killed_run_left_goes_and_what_a_process_holds_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_REPORTS", str(tmp_path / "reports"))
    path = tmp_path / "orders.csv"
    path.write_text(TEXT, "utf-8")
    home = tmp_path / "reports" / ".cache"
    left = [home / "reading" / "tmpold", home / "orders" / ".key-1.part"]
    for folder in left:
        (folder / "in").mkdir(parents=True)
    held = home / "reading" / "tmpheld"
    held.mkdir()
    os.utime(held, (0, 0))
    with locks.hold(held):
        orders.read(str(path))
    assert [folder.exists() for folder in (*left, held)] == [False, False, True]
