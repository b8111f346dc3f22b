from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines
from hypothesis import given, settings
from hypothesis import strategies as st

from ltvkit import customers, rfm
from ltvkit.engines import frames
from ltvkit.errors import ParamsError


def people(recency, orders, revenue) -> pd.DataFrame:
    ids = [f"c{i:03d}" for i in range(len(recency))]
    table = pd.DataFrame({"customer_id": ids, "recency_days": recency, "orders": orders})
    return table.assign(revenue=np.array(revenue, float))


TEN = people(range(1, 11), [1, 1, 1, 1, 1, 1, 2, 2, 3, 9], range(10, 110, 10))


def scores(frame, column) -> list[int]:
    return frames.table(frames.lazy(frame)).sort_values("customer_id")[column].tolist()


def test_quantile_scores_by_hand(on):
    scored = rfm.score(on(TEN))
    assert scores(scored, "r_score") == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    assert scores(scored, "m_score") == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_heavy_ties_share_the_lowest_score_of_their_span(on):
    # Six of ten bought once: they fill the first three fifths and all score 1; 2 and 3 stay empty.
    assert scores(rfm.score(on(TEN)), "f_score") == [1, 1, 1, 1, 1, 1, 4, 4, 5, 5]
    table = rfm.thresholds(on(TEN)).query("measure == 'orders'")
    assert table["customers"].tolist() == [6, 0, 0, 2, 2]
    assert table["up_to"].tolist() == [1, 1, 1, 2, np.inf]


def test_given_cuts_hold_and_an_edge_belongs_below(on):
    cuts = {"recency_days": [3, 6], "orders": [1, 2], "revenue": [50, 90]}
    scored = rfm.score(on(TEN), cuts=cuts)
    assert scores(scored, "r_score") == [3, 3, 3, 2, 2, 2, 1, 1, 1, 1]
    assert scores(scored, "f_score") == [1, 1, 1, 1, 1, 1, 2, 2, 3, 3]
    assert scores(scored, "m_score") == [1, 1, 1, 1, 1, 2, 2, 2, 2, 3]


def test_thresholds_reproduce_the_scores_they_describe(on):
    frame = on(TEN)
    held = rfm.score(frame, cuts=rfm.thresholds(frame))
    for column in ("r_score", "f_score", "m_score"):
        assert scores(held, column) == scores(rfm.score(frame), column)


def test_every_pair_of_scores_belongs_to_exactly_one_segment():
    cells = Counter(
        cell
        for s in rfm.SEGMENTS
        for cell in product(range(s.r[0], s.r[1] + 1), range(s.f[0], s.f[1] + 1))
    )
    assert cells == Counter(product(range(1, 6), range(1, 6)))
    assert len(set(rfm.SEGMENT_NAMES)) == 11
    assert set(rfm.QUIET) <= set(rfm.SEGMENT_NAMES)


def test_segment_follows_the_table(on):
    cells = pd.DataFrame(list(product(range(1, 6), range(1, 6))), columns=["r_score", "f_score"])
    found = frames.table(frames.lazy(rfm.segment(on(cells))))
    for row in found.itertuples():
        fits = [
            s.name
            for s in rfm.SEGMENTS
            if s.r[0] <= row.r_score <= s.r[1] and s.f[0] <= row.f_score <= s.f[1]
        ]
        assert fits == [row.segment]


def test_summary_adds_up_and_names_an_action(on):
    table = rfm.summarize(rfm.segment(rfm.score(on(TEN))))
    assert table["customers"].sum() == 10
    assert table["revenue"].sum() == TEN["revenue"].sum()
    assert table["revenue_share"].sum() == pytest.approx(1)
    assert table["action"].str.len().min() > 10
    new = table.set_index("segment").loc["new"]
    assert (new["customers"], new["revenue"], new["median_recency_days"]) == (2, 30, 1.5)
    assert new["average_order_value"] == 15


def test_grid_counts_everyone(on):
    table = rfm.grid(rfm.score(on(TEN)))
    assert table["r_score"].tolist() == [5, 4, 3, 2, 1]
    assert table[[1, 2, 3, 4, 5]].to_numpy().sum() == 10


def test_migration_follows_each_customer_with_the_same_cuts(on):
    lines = on(
        make_lines(
            ("a", "1", "2024-01-30", 10),
            ("b", "2", "2024-01-30", 10),
            ("b", "3", "2024-02-20", 10),
            ("c", "4", "2024-02-25", 10),
        )
    )
    cuts = {"recency_days": [7, 14, 30, 60], "orders": [1, 2, 3, 4], "revenue": [1, 2, 3, 4]}
    before, after = (
        rfm.segment(rfm.score(customers.summarize(lines, as_of=day), cuts=cuts))
        for day in ("2024-01-31", "2024-02-29")
    )
    moves = rfm.migrate(before, after).set_index("before")
    assert moves.loc["new", "about to sleep"] == 1
    assert moves.loc["new", "potential loyalist"] == 1
    assert moves.loc["not yet a customer", "new"] == 1
    assert moves.to_numpy().sum() == 3


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(1, 4), st.sampled_from([0.0, 1.0, 2.5])),
        min_size=1,
        max_size=50,
    ),
    st.integers(2, 7),
)
def test_same_value_same_score_and_order_is_kept(rows, bins):
    frame = people(*zip(*rows, strict=True))
    scored = rfm.score(frame, bins=bins)
    for measure, column in rfm.MEASURES.items():
        pairs = scored[[measure, column]].drop_duplicates().sort_values(measure)
        assert pairs[measure].is_unique
        rising = pairs[column] if column != "r_score" else pairs[column].iloc[::-1]
        assert rising.is_monotonic_increasing
        assert scored[column].between(1, bins).all()
    counts = rfm.thresholds(frame, bins=bins).groupby("measure")["customers"].sum()
    assert (counts == len(frame)).all()


def test_bad_cuts_are_refused():
    with pytest.raises(ParamsError, match="no edges for revenue"):
        rfm.score(TEN, cuts={"recency_days": [1], "orders": [1]})
    with pytest.raises(ParamsError, match="must ascend"):
        rfm.score(TEN, cuts={"recency_days": [2, 1], "orders": [1, 2], "revenue": [1, 2]})
    with pytest.raises(ParamsError, match="2 or more"):
        rfm.score(TEN, bins=1)
    with pytest.raises(ParamsError, match="scores of 1 to 5"):
        rfm.segment(rfm.score(TEN, bins=10))


def test_of_no_revenue_there_are_no_shares():
    frame = people([1, 2, 3], [1, 2, 3], [-9.0, 4.0, 1.0])
    table = rfm.summarize(rfm.segment(rfm.score(frame)))
    assert table["revenue_share"].isna().all()
    assert table["customers_share"].sum() == 1
    assert rfm.finding(table) == "There is no revenue to share out."


def test_a_segment_that_customers_brought_along_is_not_taken_for_theirs(on):
    scored = rfm.score(on(TEN.assign(segment="lost", r_score=9)))
    known = rfm.segment(rfm.score(on(TEN)))
    assert scores(rfm.segment(scored), "segment") == scores(known, "segment")
