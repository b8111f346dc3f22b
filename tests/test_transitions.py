from __future__ import annotations

import pandas as pd

from ltvkit import transitions

NAMES = {"item": "id", "label": "kind", "labels": ["x", "y"], "absent": ("new", "gone")}


def kinds(**labels: str) -> pd.DataFrame:
    return pd.DataFrame({"id": list(labels), "kind": list(labels.values())})


def test_everyone_is_counted_once_with_the_new_and_the_gone(on):
    before, after = on(kinds(a="x", b="x", c="y")), on(kinds(a="x", b="y", d="y"))
    matrix = transitions.count(before, after, **NAMES).set_index("before")
    assert matrix.loc["x"].to_dict() == {"x": 1, "y": 1, "gone": 0}
    assert matrix.loc["y"].to_dict() == {"x": 0, "y": 0, "gone": 1}
    assert matrix.loc["new"].to_dict() == {"x": 0, "y": 1, "gone": 0}


def test_nobody_new_and_nobody_gone_leave_no_empty_row_or_column(on):
    same = on(kinds(a="x", b="y"))
    matrix = transitions.count(same, same, **NAMES)
    assert matrix.to_dict("list") == {"before": ["x", "y"], "x": [1, 0], "y": [0, 1]}


def test_moves_are_those_who_did_not_stay_the_most_first():
    before, after = kinds(a="x", b="x", c="x", d="y"), kinds(a="x", b="y", c="y", d="y", e="x")
    table = transitions.moves(transitions.count(before, after, **NAMES))
    assert table[["before", "after", "customers"]].to_numpy().tolist() == [
        ["x", "y", 2],
        ["new", "x", 1],
    ]
    assert table["share"].tolist() == [2 / 3, 1]
