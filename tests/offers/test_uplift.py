"""Whom to treat: figures by hand, on every engine; no rule where there is none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ltvkit import offers
from ltvkit.engines import frames, sampling
from ltvkit.errors import ColumnError, DataError, ParamsError, TooLittleData
from ltvkit.offers.uplift import Rule


def make_measure(
    rng: np.random.Generator, *, n: int = 3000, lift: float = 0.0, everywhere: float = 0.0
) -> pd.DataFrame:
    """A mail to half of the customers; `lift` for those of segment b, a fifth of all."""
    segment, treated = rng.choice([*"abcde"], n), rng.random(n) < 0.5
    outcome = rng.gamma(0.5, 2000, n) * (rng.random(n) < 0.4)
    return pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in rng.permutation(n)],
            "group": np.where(treated, "treated", "control"),
            "outcome": outcome + treated * (everywhere + lift * (segment == "b")),
            "segment": segment,
            "channel": rng.choice([*"xyz"], n),
            "first": rng.choice([f"v{i}" for i in range(9)], n),
        }
    )


BY = ("segment", "channel", "first")


def test_figures_by_hand(on):
    """Outcome 10 without; treated 30 in b, 10 in a: the effect is 20 in b, 0 in a."""
    n = 2000
    frame = pd.DataFrame({"customer_id": [f"c{i}" for i in range(n)]})
    frame["segment"] = np.where(np.arange(n) % 4 == 0, "b", "a")
    frame["group"] = np.where(np.arange(n) // 4 % 2 == 0, "treated", "control")
    frame["outcome"] = 10.0 + 20 * ((frame["segment"] == "b") & (frame["group"] == "treated"))
    frame["noise"] = frame["outcome"] + np.arange(n) % 5  # so that there is a spread
    rule = offers.find_rule(on(frame), by=("segment",), outcome="noise", draws=200, cost=5.0)
    assert (rule.column, rule.values, rule.named, rule.selective) == ("segment", ("b",), True, True)
    assert rule.figures["effect_in"] == pytest.approx(20, abs=0.5)
    assert rule.figures["effect_out"] == pytest.approx(0, abs=0.5)
    exact = offers.find_rule(on(frame), by=("segment",), draws=50, cost=5.0)
    share = exact.share
    assert exact.figures["difference"] == pytest.approx(20)
    assert exact.curve["segment"].tolist() == ["b", "a"]
    assert exact.curve["share"].tolist() == pytest.approx([share, 1])
    b = frame[(frame["segment"] == "b")]
    assert share == pytest.approx(len(b) / n, abs=0.03)
    assert exact.curve["gain"].iloc[0] == pytest.approx(20 * share)
    assert exact.curve["net"].tolist() == pytest.approx(
        [15 * share, exact.figures["effect_all"] - 5]
    )
    area = share * 20 * share / 2 + (1 - share) * (20 * share + exact.figures["effect_all"]) / 2
    assert exact.figures["qini"] == pytest.approx(area - exact.figures["effect_all"] / 2)
    said = offers.describe_rule(exact, unit="JPY")
    assert said.startswith("Treat these customers (Segment): b, ")
    assert "leave them out." in said


def test_all_engines_find_the_same(on):
    frame = make_measure(np.random.default_rng(1), lift=700)
    expected = offers.find_rule(frame, by=BY, draws=50)
    found = offers.find_rule(on(frame), by=BY, draws=50)
    assert (found.column, found.values) == (expected.column, expected.values) == ("segment", ("b",))
    assert found.figures == pytest.approx(expected.figures)
    pd.testing.assert_frame_equal(found.curve, expected.curve)
    shuffled = offers.find_rule(frame.sample(frac=1, random_state=3), by=BY, draws=50)
    assert shuffled.figures == pytest.approx(expected.figures)


def test_no_rule_is_named_where_the_measure_works_alike_and_one_where_it_does_not():
    """One in twenty of the first is to be expected; see also benchmarks/bench_offers.py."""
    named = [
        offers.find_rule(make_measure(np.random.default_rng(n), everywhere=100), by=BY, draws=100)
        for n in range(24)
    ]
    assert np.mean([rule.named for rule in named]) <= 0.125
    said = [offers.describe_rule(rule) for rule in named if not rule.named]
    assert all(text.startswith("Nobody can tell whom to treat") for text in said)
    found = [
        offers.find_rule(make_measure(np.random.default_rng(n), lift=800), by=BY, draws=100)
        for n in range(12)
    ]
    assert np.mean([rule.named and "b" in rule.values for rule in found]) >= 0.8


def test_who_finds_a_rule_does_not_judge_it():
    """Outcomes of the judging half change its figures, and nothing of the search."""
    frame = make_measure(np.random.default_rng(6), lift=700)
    rule = offers.find_rule(frame, by=BY, draws=50)
    groups = sampling.deal(frames.lazy(frame[["customer_id"]]))
    dealt = frames.table(groups)["group"].map(lambda digits: int(digits, 16))
    searching = np.random.default_rng(1).permutation(sampling.GROUPS)[: sampling.GROUPS // 2]
    judged = ~dealt.isin(searching).to_numpy()
    other = frame.assign(outcome=frame["outcome"].where(~judged, 7.0))
    found = offers.find_rule(other, by=BY, draws=50)
    pd.testing.assert_frame_equal(found.tried, rule.tried)
    assert found.customers == judged.sum()
    assert (found.figures["effect_in"], found.named) == (0, False)


def test_a_budget_by_hand():
    frame = make_measure(np.random.default_rng(2), lift=900)
    rule = offers.find_rule(frame, by=("segment",), cost=50.0)
    table = offers.spend_budget(rule, customers=1000, budget=5000.0).set_index("who")
    assert table["treated"].to_dict() == {"by_rule": 100, "at_random": 100, "everybody": 1000}
    assert table["spent"].tolist() == [5000, 5000, 50_000]
    assert table.loc["at_random", "gain"] == pytest.approx(100 * rule.figures["effect_all"])
    # A tenth of all lies within the first value of the curve, which is straight up to it.
    first = rule.curve.iloc[0]
    assert table.loc["by_rule", "gain"] == pytest.approx(
        first["gain"] / first["share"] * 0.1 * 1000
    )
    assert (table["net"] == table["gain"] - table["spent"]).all()
    unknown = offers.find_rule(make_measure(np.random.default_rng(3)), by=("channel",), cost=50.0)
    assert not unknown.named
    alike = offers.spend_budget(unknown, customers=1000, budget=5000.0).set_index("who")
    assert alike.loc["by_rule", "gain"] == alike.loc["at_random", "gain"]
    with pytest.raises(ParamsError, match="give all above 0"):
        offers.spend_budget(unknown, customers=1000, budget=0)


def test_small_groups_are_taken_together_and_no_id_is_a_rule():
    frame = make_measure(np.random.default_rng(4))
    with pytest.raises(ParamsError, match="'customer_id' has 3,000 values"):
        offers.find_rule(frame, by=("customer_id",))
    with pytest.raises(TooLittleData, match="no column has two values"):
        offers.find_rule(frame.assign(segment="same"), by=("segment",))
    rare = frame.assign(segment=frame["segment"].where(frame.index > 20, "rare"))
    rule = offers.find_rule(rare, by=("segment",))
    assert "rare" not in rule.curve["segment"].tolist()


def test_what_cannot_be_judged_is_refused(on):
    frame = make_measure(np.random.default_rng(5), n=100)
    with pytest.raises(TooLittleData, match="30 treated and 30 control customers in each half"):
        offers.find_rule(on(frame), by=("segment",))
    with pytest.raises(ColumnError, match="no column 'region'"):
        offers.find_rule(on(frame), by=("region",))
    with pytest.raises(DataError, match="'group' has control, mail; it takes"):
        offers.find_rule(on(frame.replace({"group": {"treated": "mail"}})), by=("segment",))
    with pytest.raises(DataError, match="has empty values; write 0"):
        offers.find_rule(on(frame.assign(outcome=np.nan)), by=("segment",))
    with pytest.raises(ParamsError, match="name one segment column"):
        offers.find_rule(on(frame), by=())


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({"difference": (5, -1, 9), "effect_all": (9, 6, 12)}, "is more than the treatment costs."),
        (
            {"difference": (-5, -9, -1), "effect_all": (1, 0, 2)},
            "is less than the treatment costs.",
        ),
        ({"difference": (5, -1, 9), "effect_all": (5, 1, 9)}, "whether it pays is not clear."),
        ({"difference": (5, 1, 9), "effect_in": (9, 6, 12)}, "Treat these customers (Segment): b"),
        ({"difference": (5, 1, 9), "effect_in": (5, 1, 9)}, "whether that pays is not clear."),
        ({"difference": (5, 1, 9), "effect_in": (1, 0, 2)}, "is less than the treatment costs."),
    ],
)
def test_nobody_is_told_to_treat_at_a_loss(figures, said):
    names = ("difference", "effect_in", "effect_out", "effect_all", "qini")
    whole = dict.fromkeys(names, (3, 1, 5)) | figures
    flat = {f"{n}{end}": float(x) for n, row in whole.items()
            for end, x in zip(("", "_low", "_high"), row, strict=True)}  # fmt: skip
    table = pd.DataFrame({"column": ["segment"]})
    rule = Rule("segment", ("b",), flat, table, table, 100, 0.2, 4.0)
    text = offers.describe_rule(rule)
    assert said in text
    assert ("Nobody can tell" in text) == (figures["difference"][1] <= 0)
    assert ("Treat these" in text) == (said.startswith("Treat"))
