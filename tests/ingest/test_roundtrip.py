"""The same orders in any encoding and format are the same orders; messy lines all have a place."""

from __future__ import annotations

import csv
import gzip
import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from ltvkit import orders
from ltvkit.engines.connection import connect
from ltvkit.engines.sql import quoted
from ltvkit.errors import LtvkitError
from ltvkit.ingest import readers
from ltvkit.ingest.readers import csv_files

pytestmark = pytest.mark.usefixtures("one_thread")

HEADER = ["customer_id", "order_id", "order_date", "amount", "product"]
# Each example opens many files, so that shrinking one would take minutes.
QUIET = settings(deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])

# What CP932 and EUC-JP can both write.
NAMES = st.text(st.sampled_from("aZ0 ,;|\t\"'\n茶ほゔアー髙級".replace("ゔ", "う")), max_size=8)
ROW = st.tuples(
    st.sampled_from(["007", "NA", "9007199254740993", "山田", " a b ", "１２３"]),
    st.sampled_from(["1", "C-2", "null"]),
    st.dates(pd.Timestamp("2023-12-30").date(), pd.Timestamp("2024-02-02").date()).map(str),
    st.sampled_from(["0", "1200", "1,200.5", "￥300", "△5", "-0.1"]),
    NAMES.filter(lambda name: name.strip() != ""),
)
SURE = ("z", "0", "2023-12-31", "1000", "tea")
TABLE = st.lists(ROW, max_size=8).map(lambda rows: [SURE, *rows])


def text(rows: list, delimiter: str = ",") -> str:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, lineterminator="\r\n").writerows([HEADER, *rows])
    return file.getvalue()


def packed(path: Path, rows: list) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("orders.csv", text(rows))


def by_month(folder: Path, rows: list) -> None:
    folder.mkdir()
    for month in {row[2][:7] for row in rows}:
        rest = [row for row in rows if row[2].startswith(month)]
        (folder / f"{month}.csv").write_text(text(rest), "utf-8", newline="")


def frame(rows: list) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=HEADER, dtype="str")


def as_text(encoding: str, delimiter: str = ",") -> Callable[[Path, list], None]:
    return lambda path, rows: path.write_bytes(text(rows, delimiter).encode(encoding))


WRITERS = {
    "utf8.csv": as_text("utf-8"),
    "bom.csv": as_text("utf-8-sig"),
    "utf16.csv": as_text("utf-16"),
    "cp932.csv": as_text("cp932"),
    "tab.tsv": as_text("utf-8", "\t"),
    "semicolon.csv": as_text("cp932", ";"),
    "bar.txt": as_text("utf-8", "|"),
    "packed.csv.gz": lambda path, rows: path.write_bytes(gzip.compress(text(rows).encode())),
    "packed.zip": packed,
    "sheet.xlsx": lambda path, rows: frame(rows).to_excel(path, index=False),
    "columns.parquet": lambda path, rows: frame(rows).to_parquet(path),
    "months": by_month,
}


@settings(QUIET, max_examples=3)
@given(rows=TABLE)
@example(
    rows=[("007", "1", "2024-01-05", "1,200", "髙級\n茶"), ("a", "2", "2024-02-01", "5", 'x"')]
)
def test_the_same_orders_in_each_encoding_and_format_are_the_same(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("formats")
    found = {}
    for name, write in WRITERS.items():
        write(folder / name, rows)
        lines = orders.read(str(folder / name), policies={"returns": "separate"})
        both = pd.concat([lines.lines.df(), lines.returns.df()])
        found[name] = both.sort_values(list(both)).reset_index(drop=True)
    for name, lines in found.items():
        pd.testing.assert_frame_equal(lines, found["utf8.csv"], obj=name)


@settings(QUIET, max_examples=3)
@given(rows=TABLE)
def test_orders_in_euc_jp_are_those_in_utf_8(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("eucjp")
    written = text(rows).replace("髙", "高")
    (folder / "utf8.csv").write_text(written, "utf-8", newline="")
    (folder / "eucjp.csv").write_bytes((written + "x,9,2024-01-01,1,ほうじ茶\r\n").encode("euc_jp"))
    known, raw = (readers.open_source(str(folder / name)) for name in ("utf8.csv", "eucjp.csv"))
    assert raw.facts["encoding"] == "euc_jp"
    assert raw.frame.fetchall()[:-1] == known.frame.fetchall()


# A line, and what may come of it: it is an order, or has its own reason, or is blank.
LINES = {
    "a,1,2024-01-05,100,tea": None,
    '007,2,2024-01-06,"1,200","green\ntea"': None,
    "b,3,2024-01-07,△300,tea": None,
    "b,3,2024-01-07,300,tea,,": None,
    "c,4,never,300,tea": "order_date is unreadable",
    "c,5,2024-01-07,x,tea": "amount is unreadable",
    ",6,2024-01-07,70,tea": "guest: no customer_id",
    "d,,2024-01-07,5,tea": "order_id is missing",
    "d,7,,5,tea": "order_date is missing",
    "d,7,2024-01-07,,tea": "amount is missing",
    "d,8,2024-01-07": "number of fields differs from the header",
    "d,8,2024-01-07,1,tea,more": "number of fields differs from the header",
    'd,9,2024-01-07,1,"tea" pot': "text after a closing quotation mark",
    "d,9,2024-01-07,1,\0": "NUL character",
    "合計,,,100,": "total row",
    ",,,,": "empty row",
    ",".join(HEADER): "repeated header",
    "": "blank",
}
MESSY = st.lists(st.sampled_from(list(LINES)), max_size=25)
KNOWN = {"100": 100, '"1,200"': 1200, "△300": -300, "300": 300, "70": 70, "5": 5, "1": 1}


@settings(QUIET, max_examples=25)
@given(lines=MESSY, end=st.sampled_from(["\n", "\r\n", "\r"]), seed=st.integers(0, 9))
def test_messy_lines_are_kept_or_quarantined_whatever_their_order(
    lines, end, seed, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("messy")
    books = []
    for name in ("as_is.csv", "shuffled.csv"):
        written = end.join([",".join(HEADER), ",".join(SURE), *lines, ""])
        (folder / name).write_text(written, "utf-8", newline="")
        books.append(orders.read(str(folder / name), policies={"returns": "separate"}))
        random.Random(seed).shuffle(lines)
    want = pd.Series([LINES[line] for line in lines], dtype="object").value_counts().to_dict()
    blank = want.pop("blank", 0)
    for book in books:
        quarantine = book.quarantine.df()
        assert quarantine["reason"].value_counts().to_dict() == want
        kept = len(book.lines.df()) + len(book.returns.df())
        assert kept + len(quarantine) == book.facts["lines_read"] == len(lines) + 1 - blank
        money = book.quality.groupby("status")["amount"].sum()
        assert money["read"] == pytest.approx(money["kept"] + money.get("quarantined", 0))
        assert money["kept"] == 1000 + sum(_amount(line) for line in lines if not LINES[line])


def _amount(line: str) -> float:
    return next(KNOWN[known] for known in KNOWN if f",{known}," in line)


PIECES = st.sampled_from(
    [
        "a",
        "1",
        "2024-01-05",
        ",",
        ",",
        ",",
        '"',
        '""',
        "\n",
        "\n",
        "\r\n",
        "\r",
        "\0",
        ";",
        " ",
        "茶",
    ]
)


@settings(QUIET, max_examples=300)
@given(body=st.lists(PIECES, max_size=25).map("".join), header=st.sampled_from(["a,b", "a,b,c\n"]))
def test_the_quick_way_gives_what_the_exact_one_gives_or_declines(body, header, tmp_path_factory):
    connection, work = CONNECTION, tmp_path_factory.mktemp("ways")
    path = work / "x.csv"
    path.write_text(header.rstrip("\n") + "\n" + body, "utf-8", newline="")
    try:
        part = csv_files.read(connection, readers.archives.File(path, "x.csv"), work, POLICIES)
    except LtvkitError:  # few bytes of which some are NUL may pass for UTF-16
        return
    sure = part.resolve(connection)
    if sure is part and part.exact:
        exact = part.exact()
        assert rows(part, connection) == rows(exact, connection)
        told = connection.sql(f"select _line, _fault from ({exact.sql})").fetchall()
        assert told == [(n, None) for n in range(part.first, part.first + len(told))]


def rows(part: readers.Part, connection) -> list:
    chosen = ", ".join(f"coalesce(trim({quoted(c)}, ' \t'), '')" for c in part.columns)
    return connection.sql(f"select {chosen} from ({part.sql})").fetchall()


CONNECTION, POLICIES = connect(), readers.Policies()
