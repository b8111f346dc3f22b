from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from ltvkit import results

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
