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


def test_nobody_is_praised_who_brings_nothing(on):
    """The best by their scores may send back all they buy."""
    segmented = rfm.segment(rfm.score(on(TEN.assign(revenue=TEN["revenue"] - 40))))
    table = rfm.summarize(segmented)
    at_a_loss = table["action"] == rfm.AT_A_LOSS
    assert at_a_loss.any()
    assert not at_a_loss.all()
    assert (at_a_loss == (table["revenue"] <= 0)).all()


def test_summary_adds_up_and_names_an_action(on):
    table = rfm.summarize(rfm.segment(rfm.score(on(TEN))))
    assert table["customers"].sum() == 10
    assert table["revenue"].sum() == TEN["revenue"].sum()
    assert table["revenue_share"].sum() == pytest.approx(1)
    assert table["action"].str.len().min() > 10
    new = table.set_index("segment").loc["new"]
    assert (new["customers"], new["revenue"], new["median_recency_days"]) == (2, 30, 1.5)
    assert new[["shortest_recency_days", "longest_recency_days"]].tolist() == [1, 2]
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
    assert moves.loc["new", "promising"] == 1  # R is 3, but the order is 30 days old: not asleep
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
    assert "all revenue together is below zero" in rfm.finding(table)
    given_away = rfm.summarize(rfm.segment(rfm.score(frame.assign(revenue=0.0))))
    assert rfm.finding(given_away) == "There is no revenue to share out."


def test_a_segment_that_returned_more_than_it_bought_has_no_share(on):
    frame = people([1, 400], [3, 1], [80.0, -20.0])
    table = rfm.summarize(rfm.segment(rfm.score(on(frame))))
    assert table["revenue"].tolist() == [80, -20]
    assert table["revenue_share"].tolist() == [1, 0]


# Facts come before scores.


def test_whoever_is_silent_for_years_is_not_new_loyal_or_a_champion(on):
    silent = people(range(1000, 1010), [1, 1, 1, 1, 1, 1, 2, 2, 3, 9], range(10))
    scored = rfm.score(on(silent))
    assert max(scores(scored, "r_score")) == 5
    assert set(scores(rfm.segment(scored), "segment")) == {"lost"}
    slow = rfm.segment(scored, lapse_days=300)
    assert set(scores(slow, "segment")) == {"at risk", "can't lose", "hibernating"}


def test_whoever_bought_this_week_is_not_at_risk_quiet_or_lost(on):
    week = people([0, 1, 2, 3, 4, 4, 4, 5, 6, 6], [1, 1, 1, 1, 1, 2, 3, 2, 3, 9], range(10))
    scored = rfm.score(on(week))
    assert min(scores(scored, "r_score")) == 1
    found = set(scores(rfm.segment(scored), "segment"))
    assert found <= {"champions", "loyal", "potential loyalist", "new", "promising"}


LIMITS = [  # days since the last order, orders, R and F scores -> segment
    (0, 1, 5, 1, "new"),
    (0, 1, 5, 5, "new"),
    (0, 14, 5, 1, "potential loyalist"),
    (30, 1, 1, 1, "promising"),
    (31, 1, 1, 1, "hibernating"),
    (179, 1, 1, 1, "hibernating"),
    (180, 1, 1, 1, "lost"),
    (179, 9, 5, 5, "champions"),
    (180, 9, 5, 5, "can't lose"),
    (719, 9, 1, 5, "can't lose"),
    (720, 9, 1, 5, "lost"),
    (720, 1, 5, 1, "lost"),
]


def test_the_facts_at_their_limits(on):
    columns = ["recency_days", "orders", "r_score", "f_score", "expected"]
    known = pd.DataFrame(LIMITS, columns=columns)
    known.insert(0, "customer_id", [f"c{n:02d}" for n in range(len(known))])
    frame = on(known)
    segmented = rfm.segment(frame)
    assert scores(segmented, "segment") == known["expected"].tolist()
    assert scores(segmented, "r_score") == known["r_score"].tolist()
    held = frames.table(frames.lazy(rfm.hold_to_facts(frame)).sort("customer_id"))
    pairs = held[["r_score", "f_score"]]
    assert rfm.segment(pairs)["segment"].tolist() == known["expected"].tolist()


def test_the_days_of_the_facts_are_the_shops(on):
    frame = on(people([40, 200], [1, 1], [1, 1]).assign(r_score=[1, 5], f_score=1))
    assert scores(rfm.segment(frame), "segment") == ["hibernating", "hibernating"]
    slow = rfm.segment(frame, recent_days=45, lapse_days=400)
    assert scores(slow, "segment") == ["promising", "new"]
    # A lapse shorter than what is recent comes first.
    assert scores(rfm.segment(frame, recent_days=60, lapse_days=40), "segment") == ["lost", "lost"]


def test_the_finding_says_how_long_ago_the_orders_are():
    frame = people([10, 20, 95, 170, 400, 700], [5, 4, 5, 4, 5, 1], [90, 80, 5, 5, 5, 5])
    cuts = {"recency_days": [20, 40, 60, 80], "orders": [1, 2, 3, 4], "revenue": [1, 2, 3, 4]}
    table = rfm.summarize(rfm.segment(rfm.score(frame, cuts=cuts)))
    spans = table.set_index("segment")[["shortest_recency_days", "longest_recency_days"]]
    assert spans.loc["champions"].tolist() == [10, 20]
    assert rfm.finding(table) == (
        "Champions (last order 10 to 20 days ago) are 33.3% of customers and bring in 89.5% of "
        "revenue so far. 3 good customers have gone quiet (last order 95 to 400 days ago). They "
        "account for 7.9% of all revenue so far."
    )
    alike = rfm.summarize(rfm.segment(rfm.score(people([22] * 5, [14] * 5, [15300] * 5))))
    assert rfm.finding(alike) == (
        "All customers are in one segment, 'potential loyalist' (last order 22 days ago)."
    )


@pytest.mark.parametrize("n", [1, 4])
def test_so_few_customers_are_not_compared(n):
    """One would be a "potential loyalist" to lead to the next order, whatever they do."""
    few = people([22] * n, [14] * n, [15300] * n)
    table = rfm.summarize(rfm.segment(rfm.score(few)))
    assert "too few to compare" in rfm.finding(table)
    assert set(table["action"]) == {rfm.TOO_FEW}


def test_five_customers_are_compared():
    table = rfm.summarize(rfm.segment(rfm.score(people([22] * 5, [14] * 5, [15300] * 5))))
    assert rfm.TOO_FEW not in set(table["action"])


# Published: the example of R's package rfm, read from its README (recency in days, transactions,
# amount, and the three scores), with the thresholds of its own documentation.
PUBLISHED = [
    (205, 6, 472, 3, 4, 3),
    (140, 3, 340, 4, 1, 2),
    (194, 4, 405, 3, 2, 3),
    (132, 5, 448, 4, 3, 3),
    (90, 9, 843, 5, 5, 5),
    (84, 9, 763, 5, 5, 5),
    (281, 8, 699, 3, 5, 5),
    (246, 4, 157, 3, 2, 1),
    (349, 3, 363, 2, 1, 2),
    (619, 4, 196, 1, 2, 1),
]
PUBLISHED_CUTS = {
    "recency_days": [115, 181, 297, 482],
    "orders": [4, 5, 6, 8],
    "revenue": [256, 382, 506, 666],
}


def test_edges_above_are_those_of_rs_package(on):
    known = pd.DataFrame(PUBLISHED, columns=["recency_days", "orders", "revenue", "r", "f", "m"])
    frame = on(people(known["recency_days"], known["orders"], known["revenue"]))
    scored = rfm.score(frame, cuts=PUBLISHED_CUTS, edges="above")
    for column, published in zip(("r_score", "f_score", "m_score"), "rfm", strict=True):
        assert scores(scored, column) == known[published].tolist()
    below = rfm.score(frame, cuts=PUBLISHED_CUTS)
    assert scores(below, "f_score") != known["f"].tolist()
    # Whole numbers up to 114 are those below 115.
    whole = {measure: [e - 1 for e in edges] for measure, edges in PUBLISHED_CUTS.items()}
    same = rfm.score(frame, cuts=whole)
    assert scores(same, "f_score") == known["f"].tolist()


def test_a_table_of_edges_above_says_so_and_keeps_the_rule(on):
    frame = on(TEN)
    cuts = {"recency_days": [3, 6], "orders": [1, 2], "revenue": [50, 90]}
    table = rfm.thresholds(frame, cuts=cuts, edges="above")
    assert list(table.columns) == ["measure", "score", "from", "below", "customers"]
    orders = table[table["measure"] == "orders"]
    assert orders["customers"].tolist() == [0, 6, 4]
    held = rfm.score(frame, cuts=table)
    for column in ("r_score", "f_score", "m_score"):
        expected = scores(rfm.score(frame, cuts=cuts, edges="above"), column)
        assert scores(held, column) == expected
        counts = table[table["measure"].map(rfm.MEASURES) == column].set_index("score")["customers"]
        assert counts[counts > 0].to_dict() == dict(Counter(expected))
    with pytest.raises(ParamsError, match="'upper' is not one of 'below', 'above'"):
        rfm.score(frame, cuts=cuts, edges="upper")
    # Quintiles are values that occur: those on an edge belong below it, whatever is asked.
    assert scores(rfm.score(frame, edges="above"), "r_score") == scores(rfm.score(frame), "r_score")


def test_a_segment_that_customers_brought_along_is_not_taken_for_theirs(on):
    scored = rfm.score(on(TEN.assign(segment="lost", r_score=9)))
    known = rfm.segment(rfm.score(on(TEN)))
    assert scores(rfm.segment(scored), "segment") == scores(known, "segment")


def test_actions_of_subscribers_and_of_a_shop_at_a_loss():
    """Who paid lately has nothing to be reminded of; and at a loss nobody is worth an offer."""
    frame = people([10, 20, 95, 170, 400, 700], [5, 4, 5, 4, 5, 1], [90, 80, 5, 5, 5, 5])
    cuts = {"recency_days": [20, 40, 60, 80], "orders": [1, 2, 3, 4], "revenue": [1, 2, 3, 4]}
    segmented = rfm.segment(rfm.score(frame, cuts=cuts))
    paying = rfm.summarize(segmented, regular=True).set_index("segment")["action"]
    assert paying["champions"] == rfm.PAYS
    assert set(paying.drop("champions")) == {rfm.GONE}
    at_a_loss = rfm.summarize(segmented, regular=True, margin_rate=-0.1)
    assert set(at_a_loss["action"]) == {rfm.LOSES}
    assert rfm.finding(at_a_loss).endswith("change prices or goods first.")
    assert "good customers" not in rfm.finding(at_a_loss)
    assert rfm.summarize(segmented, margin_rate=0.1).equals(rfm.summarize(segmented))
