from __future__ import annotations

import json

import duckdb
import numpy as np
import pandas as pd
import pytest

from ltvkit.core import csv_injection, pseudonyms
from ltvkit.engines import frames
from ltvkit.report import results

TABLE = pd.DataFrame({"name": ["NA", "001"], "value": [1.5, np.nan], "n": [1, 2]})


def test_results_come_back_as_they_were_kept(tmp_path):
    results.save(
        str(tmp_path),
        page="01_rfm",
        tables={"t": TABLE},
        findings=["so"],
        metrics={"m": 1},
        lists={"l": TABLE},
    )
    found = results.load(tmp_path)
    assert (found.page, found.findings, found.metrics, found.lists) == (
        "01_rfm",
        ["so"],
        {"m": 1.0},
        ["l"],
    )
    pd.testing.assert_frame_equal(found.tables["t"], TABLE, check_dtype=False)
    assert (tmp_path / "lists" / "l.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_the_marker_is_written_last(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "_csv", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        results.save(str(tmp_path), page="p", tables={"t": TABLE})
    assert not (tmp_path / results.FINISHED).exists()


def test_exploring_keeps_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    results.save("", page="01_rfm", tables={"t": TABLE})
    assert not list(tmp_path.iterdir())
    assert capsys.readouterr().out == "finished: 01_rfm\n"


def test_noise_of_summation_does_not_reach_the_file(tmp_path):
    noisy = pd.DataFrame({"v": [0.1 + 0.2]})
    results.save(str(tmp_path), page="p", tables={"t": noisy}, metrics={"m": 0.1 + 0.2})
    assert results.load(tmp_path).metrics == {"m": 0.3}
    assert (tmp_path / "tables" / "t.csv").read_text("utf-8-sig").splitlines()[1] == "0.3"
    assert json.loads((tmp_path / results.FINISHED).read_text())["tables"] == ["t"]


LISTED = """
select case when i % 7 > 0 then 'C' || i end as customer_id, i * 10000000000000 as whole,
    case when i % 3 > 0 then i end as some, i / 3 as part, cast(i * 1.25 as decimal(9, 2)) as money,
    date '2024-01-01' + cast(i as integer) as day,
    case when i % 2 > 0 then timestamp '2024-01-01 10:30:00' end as moment,
    case when i % 5 > 0 then i % 2 = 0 end as flag, '=1+' || i as "-name", 'a,"b"' as quoted
from range({n}) r(i) order by i desc
"""


@pytest.mark.parametrize("n", [0, 1, 25, 26])
@pytest.mark.parametrize("secret", ["", "k" * 40])
def test_a_list_of_a_database_is_the_same_in_parts(n, secret, tmp_path, monkeypatch):
    monkeypatch.setenv(pseudonyms.VARIABLE, secret)
    monkeypatch.setattr(results, "CHUNK", 10)
    relation = duckdb.connect().sql(LISTED.format(n=n))
    assert results.save_list(relation, tmp_path / "list.csv") == tmp_path / "list.csv"
    whole = csv_injection.escape_table(pseudonyms.apply(frames.table(frames.lazy(relation))))
    written = {"encoding": "utf-8-sig", "float_format": "%.12g", "lineterminator": "\r\n"}
    whole.to_csv(tmp_path / "whole.csv", index=False, date_format="%Y-%m-%d", **written)
    found = (tmp_path / "list.csv").read_bytes()
    assert found == (tmp_path / "whole.csv").read_bytes()
    assert found.count(b"\xef\xbb\xbf") == found.count(b"customer_id") == 1
    assert found.count(b"\n") == n + 1


def test_a_list_of_a_database_comes_in_parts():
    relation = duckdb.connect().sql("select i from range(250000) r(i)")
    sizes = [len(part) for part in frames.chunks(relation, rows=100_000)]
    assert (sizes[0], sum(sizes)) == (0, 250_000)
    assert max(sizes) <= 100_000


def test_a_list_is_the_same_from_every_engine(on, tmp_path):
    listed = pd.DataFrame({"customer_id": ["00017", "=1"], "ltv_12m": [0.1 + 0.2, np.nan]})
    listed["last_order"] = pd.to_datetime(["2024-01-05", None])
    results.save_list(on(listed), tmp_path / "l.csv")
    rows = ["customer_id,ltv_12m,last_order", "00017,0.3,2024-01-05", "'=1,,", ""]
    assert (tmp_path / "l.csv").read_bytes() == "\r\n".join(rows).encode("utf-8-sig")


def test_a_list_that_lies_elsewhere_is_named_so(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "save_list", lambda _frame, path: path.with_suffix(".txt"))
    results.save(str(tmp_path), page="p", tables={}, lists={"l": TABLE})
    assert (results.load(tmp_path).lists, results.load(tmp_path).elsewhere) == (["l"], ["l"])


MASKED = pd.DataFrame(
    {
        "check": ["warn", "a"], "revenue": [12.5, 7.0], "product": ["tea 12.5", "y" * 200_000],
        "period": ["1998-06", "x"], "partial": [True, False], "by 1,2": ['"', "7"],
    }
)  # fmt: skip


@pytest.mark.parametrize("secret", ["revenue", "warn", "12.5", "1998-06", "True", "1,2", "12.5,1"])
def test_a_secret_that_is_a_word_or_figure_of_the_kit_leaves_a_table(secret, tmp_path, monkeypatch):
    """Its gap would tell it; and a report whose tables lack a column cannot be built."""
    monkeypatch.setenv("PGPASSWORD", secret)
    results.save(str(tmp_path), page="p", tables={"t": MASKED})
    results.mask(tmp_path)
    found = results.load(tmp_path).tables["t"]
    assert list(found)[:5] == list(MASKED)[:5]
    own = ["check", "revenue", "period", "partial"]
    pd.testing.assert_frame_equal(found[own], MASKED[own], check_dtype=False)
    text = f"{list(found)[5]} {found.loc[0, 'product']}"
    assert secret not in text.split(" ")


def test_what_is_harmless_is_left_as_it_was_written(tmp_path):
    table = MASKED.assign(product=['a\rb, "c"', "me@example.org"])
    for kept in (MASKED, table):
        results.save(str(tmp_path), page="p", tables={"t": kept})
        before = (tmp_path / "tables" / "t.csv").read_bytes()
        results.mask(tmp_path)
        after = (tmp_path / "tables" / "t.csv").read_bytes()
        assert after == before.replace(b"me@example.org", b"***")
