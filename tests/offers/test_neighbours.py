"""Item-kNN: cosines by hand, the same as those of the whole matrix, and bounded."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ltvkit.engines import frames
from ltvkit.offers import neighbours


def own_of(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["customer_id", "place", "weight"]).astype({"weight": float})


# 1 bought by a, b, c; 2 by a, b; 3 by a, c; 4 by d.
OWN = own_of(("a", 1, 3), ("a", 2, 1), ("a", 3, 1), ("b", 1, 1), ("b", 2, 2), ("c", 1, 1),
             ("c", 3, 1), ("d", 4, 5))  # fmt: skip


def test_cosines_by_hand(on):
    found = neighbours.find_neighbours(frames.lazy(on(OWN)), least=1)
    table = frames.table(found.sort("place", "cosine", "other", descending=[False, True, False]))
    assert table[["place", "other"]].to_numpy().tolist() == [[1, 2], [1, 3], [2, 1], [2, 3], [3, 1],
                                                             [3, 2]]  # fmt: skip
    assert table["cosine"].tolist() == pytest.approx(
        [2 / 6**0.5, 2 / 6**0.5, 2 / 6**0.5, 0.5, 2 / 6**0.5, 0.5]
    )
    few = frames.table(neighbours.find_neighbours(frames.lazy(on(OWN)), least=2))
    assert sorted(few[["place", "other"]].to_numpy().tolist()) == [[1, 2], [1, 3], [2, 1], [3, 1]]
    nearest = frames.table(neighbours.find_neighbours(frames.lazy(on(OWN)), least=1, nearest=1))
    assert sorted(nearest[["place", "other"]].to_numpy().tolist()) == [[1, 2], [2, 1], [3, 1]]


def test_scores_weigh_what_was_bought(on, monkeypatch):
    monkeypatch.setattr(neighbours, "LEAST", 1)
    monkeypatch.setattr(neighbours.find_neighbours, "__kwdefaults__", {"nearest": 20, "least": 1})
    found = neighbours.score_neighbours(frames.lazy(on(OWN)), like=on(OWN))
    scores = frames.table(found).set_index(["customer_id", "place"])["score"]
    assert scores["a", 2] == pytest.approx(3 * 2 / 6**0.5 + 0.5)
    assert scores["b", 3] == pytest.approx(2 / 6**0.5 + 2 * 0.5)
    assert "d" not in scores.index.get_level_values(0)


def test_they_are_those_of_the_whole_matrix():
    rng = np.random.default_rng(3)
    bought = (rng.random((80, 30)) < rng.uniform(0.05, 0.4, 30)).astype(float)
    who, what = np.nonzero(bought)
    own = pd.DataFrame({"customer_id": [f"c{n}" for n in who], "place": what + 1, "weight": 1.0})
    table = frames.table(neighbours.find_neighbours(frames.lazy(own), nearest=30, least=1))
    norms = np.sqrt(bought.sum(axis=0))
    whole = bought.T @ bought / np.outer(norms, norms)
    assert table["cosine"].to_numpy() == pytest.approx(
        whole[table["place"] - 1, table["other"] - 1]
    )
    assert len(table) == (whole - np.diag(np.diag(whole)) > 0).sum()


def test_a_customer_of_many_items_brings_a_bounded_number_of_pairs(on):
    """The most often bought are compared; equal: the better sellers."""
    own = own_of(*[("a", n, 2 if n > 40 else 1) for n in range(1, 51)])
    kept = frames.table(neighbours.select_most_bought(frames.lazy(on(own))))
    assert sorted(kept["place"]) == [*range(1, 21), *range(41, 51)]
