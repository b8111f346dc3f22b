"""Each badly written export of tests/inputs/records, against what was worked out by hand."""

from __future__ import annotations

import csv
import gzip
import io
import sqlite3
from pathlib import Path

import pandas as pd
import pytest
import yaml

from ltvkit.errors import LtvkitError
from ltvkit.ingest import records

pytestmark = pytest.mark.usefixtures("one_thread")

FILE = Path(__file__).parents[1] / "inputs" / "records" / "cases.yaml"
CASES = yaml.safe_load(FILE.read_text("utf-8"))["cases"]
OPTIONS = ("columns", "stages", "format")


def write(case: dict, folder: Path) -> str:
    """The file of a case -> its name as a source; `repeat`: its first row so often, by id."""
    text, kind = case.get("content", ""), case.get("as", "utf-8")
    if "repeat" in case:
        head, first, *rest = text.splitlines()
        more = [first.replace("1,", f"1{n},", 1) for n in range(1, case["repeat"])]
        text = "\n".join([head, first, *rest, *more, ""])
    if not text:
        return "missing.csv"
    table = pd.DataFrame()
    if kind in ("xlsx", "parquet", "sqlite"):
        head, *rows = csv.reader(io.StringIO(text))
        table = pd.DataFrame(rows, columns=head, dtype="str")
    if kind == "xlsx":
        table.to_excel(folder / "a.xlsx", index=False)
    elif kind == "parquet":
        table.to_parquet(folder / "a.parquet", index=False)
    elif kind == "sqlite":
        with sqlite3.connect(folder / "a.db") as made:
            table.to_sql("a", made, index=False)
        made.close()
        return "sqlite:///a.db"
    elif kind == "gz":
        (folder / "a.csv.gz").write_bytes(gzip.compress(text.encode()))
    else:
        (folder / "a.csv").write_bytes(text.encode(kind))
    return next(path.name for path in folder.glob("a.*"))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_file_gives_what_was_worked_out_by_hand(case, tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_ROOT", str(tmp_path))
    monkeypatch.setenv("LTVKIT_REPORTS", str(tmp_path / "reports"))
    source = write(case, tmp_path)
    given = {"source": source, "policies": {"max_quarantined": 1} | case.get("policies", {})}
    given |= {name: case[name] for name in OPTIONS if name in case}
    if "error" in case:
        with pytest.raises(LtvkitError) as caught:
            records.read(given, table=case["table"])
        assert str(caught.value).startswith(case["error"].replace("{file}", source))
        return
    found = records.read(given, table=case["table"])
    rows, quarantine = found.rows.df(), found.quarantine.df()
    assert found.facts["lines_read"] == len(rows) + len(quarantine)
    refused = {r: sorted(q["line"]) for r, q in quarantine.groupby("reason")}
    assert (len(rows), refused) == (case["kept"], case.get("quarantined", {}))
    for column, values in case.get("values", {}).items():
        shown = [None if pd.isna(x) else x for x in rows[column].astype("object")]
        assert sorted(map(say, shown)) == sorted(map(say, values)), column
    assert {f: found.facts[f] for f in case.get("facts", {})} == case.get("facts", {})
    assert not set(case.get("absent", ())) & set(rows)
    for line, cells in case.get("written", {}).items():
        row = quarantine.set_index("line").loc[line]
        assert {name: row[name] for name in cells} == cells


def say(value: object) -> str:
    return str(value).removesuffix(" 00:00:00")


def test_there_are_enough_cases_and_none_stands_twice():
    names = [case["name"] for case in CASES]
    assert len(set(names)) == len(names) >= 60
    assert {case["table"] for case in CASES} == set(records.TABLES)
