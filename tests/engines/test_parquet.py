from __future__ import annotations

import duckdb
import pandas as pd
import pytest

from ltvkit.engines import parquet
from ltvkit.errors import ParamsError

SCORES = pd.DataFrame({"customer_id": ["b", "a", "=c"], "decile": [2, 1, 3]}, index=[7, 8, 9])


def read(folder) -> list[tuple]:
    return duckdb.sql(f"select * from read_parquet('{folder}/*.parquet')").fetchall()


def test_a_frame_of_each_engine_is_kept_as_it_is(on, tmp_path):
    folder = tmp_path / "it's here" / "deciles"
    parquet.write(on(SCORES), folder)
    assert duckdb.read_parquet(f"{folder}/*.parquet").columns == list(SCORES)
    assert duckdb.read_parquet(f"{folder}/*.parquet").fetchall() == [("b", 2), ("a", 1), ("=c", 3)]


def test_a_relative_folder_is_the_projects(tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_ROOT", str(tmp_path))
    parquet.write(SCORES, "scores/2024-06")
    assert len(read(tmp_path / "scores" / "2024-06")) == 3


def test_a_folder_that_is_there_is_not_touched(on, tmp_path):
    (tmp_path / "scores").mkdir()
    with pytest.raises(ParamsError, match="exists already"):
        parquet.write(on(SCORES), tmp_path / "scores")
    assert not list((tmp_path / "scores").iterdir())


def test_what_cannot_be_computed_leaves_nothing(tmp_path):
    broken = duckdb.connect().sql("select cast(x as integer) n from (values ('1'), ('b')) t(x)")
    with pytest.raises(duckdb.ConversionException):
        parquet.write(broken, tmp_path / "scores")
    assert not list(tmp_path.iterdir())


def test_an_address_is_for_a_cluster(on):
    with pytest.raises(ParamsError, match="only a frame on a Spark cluster"):
        parquet.write(on(SCORES), "s3a://shop/scores")
