"""Records that are read by blocks are those that are read one by one, whatever the file."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltvkit import orders
from ltvkit.ingest import readers
from ltvkit.ingest.readers import csv_batches, csv_blocks, csv_files
from ltvkit.ingest.readers.csv_records import LONGEST, NOT_CLOSED, parse_records

HEADER = ["a", "b", "c"]
ENDS = ["\n", "\n", "\r\n", "\r"]
# What lines are made of; a comma stands for the delimiter.
PIECES = ["x", "茶", "合計", ",", ",", '"', '""', '","', " ", "  ", ' "', '" ', "\0", "\ufeff"]
PIECES += ["\u3000", *ENDS]
LINES = ["1,2,3", '"1","2","3"', '1,"2\n2",3', '1,"2,2",3', '1,"say ""so""",3', '1,2,"3', '4",5,6']
LINES += ["1, 2,3", '1, "2",3', '1,"2" ,3', '"1, 2",3,4', "1,2", "1,2,3,4", "1,2,3,,", "合計,,9,9"]
LINES += [",,", "", " ", '1,2"2,3', '1,""2,3', '"1\n\n\n1",2,3', '1,"2\r2\r\n2",3']


def one_by_one(path, *, width: int, **form) -> list[tuple]:
    records = csv_files.iterate_records(path, width=width, **form)
    return [(r.line, r.fault, r.text, *(r.fields or [None] * width)) for r in records]


def by_blocks(path, *, width: int, size: int, **form) -> list[tuple]:
    columns = [f"column {n}" for n in range(width)]
    batches = csv_batches.read_batches(path, columns, size=size, **form)
    return [row for b in batches for row in zip(*(c.to_pylist() for c in b.columns), strict=True)]


wild = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
likely = st.lists(st.tuples(st.sampled_from(LINES), st.sampled_from(ENDS)), max_size=30).map(
    lambda rows: "".join(line + end for line, end in rows)
)


@settings(max_examples=200, deadline=None)
@given(
    body=wild | likely,
    above=st.lists(st.sampled_from(["x\n", '"\n', "\r", "é\r\n"]), max_size=2),
    header=st.sampled_from(["a,b,c\n", 'a,"b",c\r\n', 'a,"b\nb",c\n', " a, b, c\r"]),
    delimiter=st.sampled_from(",\t;|"),
    mark=st.booleans(),
    size=st.integers(1, 60),
)
def test_blocks_give_what_records_one_by_one_give(
    tmp_path_factory, body, above, header, delimiter, mark, size
):
    path = tmp_path_factory.getbasetemp() / "blocks.csv"
    text = "".join(above) + (header + body).replace(",", delimiter)
    path.write_bytes(("\ufeff" * mark + text).encode())
    form = {"delimiter": delimiter, "first": len(above) + 1, "width": len(HEADER)}
    assert by_blocks(path, size=size, **form) == one_by_one(path, **form)


@pytest.mark.parametrize("lines", [2, LONGEST, LONGEST + 1])
def test_a_record_of_many_lines_is_one_wherever_blocks_end(tmp_path, lines):
    path = tmp_path / "a.csv"
    long = '1,2,"3' + "\n" * (lines - 1) + '"\n'
    path.write_text("a,b,c\n" + "1,2,3\n" * 20 + long + "4,5,6\n", newline="")
    form = {"delimiter": ",", "first": 1, "width": 3}
    found = one_by_one(path, **form)
    assert [row[1] for row in found if row[0] == 22] == [None if lines <= LONGEST else NOT_CLOSED]
    assert found[-1] == (22 + lines, None, None, "4", "5", "6")
    for size in (50, 1000, csv_blocks.SIZE):
        assert by_blocks(path, size=size, **form) == found


def test_a_long_field_is_a_record_or_not_wherever_it_stands():
    """It was one where it began at the start of the lines that are read at once."""
    long = ['1,"2\n', *["x\n"] * (LONGEST - 1), '2"\n']
    for above in ([], ["1,2\n"] * 10):
        records = list(parse_records([*above, *long], delimiter=",", width=2))
        assert records[len(above)].fault == NOT_CLOSED


def test_a_line_of_tabs_is_a_record_of_empty_fields_also_beside_a_fault():
    lines = ["\t\t\n", "\0\n", "\t\t\n", " \n", "\n"]
    found = [(r.line, r.fields) for r in parse_records(lines, delimiter="\t", width=3)]
    assert found == [(1, ["", "", ""]), (2, None), (3, ["", "", ""])]


def test_only_lines_in_doubt_are_parsed_one_by_one(tmp_path, monkeypatch):
    path, parsed = tmp_path / "a.csv", []
    rows = ['1,"2, 2",3', "1, 2,3", "1,2,3"] * 50
    rows[30], rows[60], rows[90] = "1,2", '1,"2,3', "1,2,3,4"
    path.write_text("\n".join(["a,b,c", *rows]) + "\n")
    parse = csv_blocks.parse_next

    def note(first, below, **form):
        parsed.append(form["line"])
        return parse(first, below, **form)

    monkeypatch.setattr(csv_blocks, "parse_next", note)
    found = by_blocks(path, size=300, delimiter=",", first=1, width=3)
    assert len(found) == len(rows)
    assert set(parsed) == {32, 62, 92}


@pytest.mark.parametrize("delimiter", ["、", "|"])
def test_a_faulty_file_has_any_delimiter(tmp_path, delimiter):
    rows = ["customer_id,order_date,amount", "a,2024-01-05,1", "b,2024-01-06", "c,2024-01-07,3"]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(rows).replace(",", delimiter), "utf-8")
    book = orders.read(str(path), policies={"delimiter": delimiter, "max_quarantined": 1})
    assert book.quarantine.df()["line"].tolist() == [3]
    assert book.lines.df()["amount"].tolist() == [1.0, 3.0]


@pytest.mark.parametrize(
    ("row", "plain"), [("1,2,3", True), ('1,"2\n",3', False), ("1,2\u3000,3", False)]
)
def test_values_of_a_faulty_file_are_plain_where_no_blanks_but_spaces_are_in_it(
    tmp_path, row, plain
):
    """Trimming them is quick then."""
    path = tmp_path / "a.csv"
    path.write_text(f"a,b,c\n1,2\n{row}\n", "utf-8")
    raw = readers.open_source(str(path))
    assert raw.parts[0].exact().plain is plain
