from __future__ import annotations

import duckdb
import pandas as pd
import pytest

from ltvkit.engines import sql
from ltvkit.ingest.parse import ids, values


@pytest.mark.parametrize(
    ("fold", "distinct"), [("none", 5), ("width", 2), ("case", 3), ("both", 1)]
)
def test_each_way_of_folding(fold, distinct):
    spellings = ["A1", "a1", "Ａ１", "ａ１", "A１"]
    listed = ", ".join(f"({sql.literal(s)})" for s in spellings)
    folded = ids.fold_id(values.parse_text("x", "VARCHAR"), fold)
    found = duckdb.sql(f"select distinct {folded} from (values {listed}) t(x)").fetchall()
    assert len(found) == distinct


def test_folding_keeps_zeros_and_joins_voiced_kana():
    texts = {"００７": "007", "ｶﾞｷﾞ": "ガギ", "ﾊﾟ": "パ", "Ｎａ": "na"}
    listed = ", ".join(f"({sql.literal(t)})" for t in texts)
    found = duckdb.sql(f"select {ids.fold_id('x', 'both')} from (values {listed}) t(x)").fetchall()
    assert [f for (f,) in found] == list(texts.values())


def test_collisions_are_the_ids_of_several_spellings(on):
    lines = pd.DataFrame(
        {
            "customer_id": ["a", "a", "a", "b", "b", "c", "c", None],
            "_written_customer": ["A", "a", "A", "b", "b", "C", "c", None],
        }
    )
    found = ids.list_collisions(on(lines), most=9)
    assert found.to_dict("list") == {
        "customer_id": ["a", "c"],
        "spellings": [2, 2],
        "written": ["A | a", "C | c"],
        "lines": [3, 2],
    }
    assert ids.list_collisions(on(lines.iloc[3:5]), most=9).empty
