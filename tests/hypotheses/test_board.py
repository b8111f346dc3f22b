"""All hypotheses together, before they begin, and over time; and what is said of them."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import stub_register
from scipy import stats
from statsmodels.stats.power import TTestIndPower
from stub_hypotheses import EVERYBODY, assigned, hypothesis, steady

from ltvkit import hypotheses
from ltvkit.errors import DataError, NothingYet, ParamsError
from ltvkit.hypotheses import board, figures, findings, timeline, verdicts
from ltvkit.hypotheses.board import Board
from ltvkit.hypotheses.design import assignment, detection, power_analysis
from ltvkit.hypotheses.effects import customer_days, targets
from ltvkit.hypotheses.hypothesis import Decision, Record, Target
from ltvkit.hypotheses.registry import store
from ltvkit.hypotheses.registry.store import Registry
from ltvkit.periods import number_of

APRIL = dt.date(2024, 4, 30)


@pytest.fixture(scope="module")
def lines():
    return steady(customers=600)


def half(lines):
    ids = sorted(lines["customer_id"].unique())
    return assigned(ids[::2], ids[1::2])


def register(*tried) -> Registry:
    return Registry(Path("nowhere"), tuple(tried))


def spoiled(lines):
    """Half of the customers spend more in March."""
    treated = set(half(lines).query("group == 'treated'")["customer_id"])
    march = lines["order_date"].between("2024-03-01", "2024-03-31")
    hit = lines["customer_id"].isin(treated) & march
    return lines.assign(amount=lines["amount"].where(~hit, lines["amount"] * 3))


# --- the board


def test_one_that_cannot_be_evaluated_is_a_problem_and_the_others_stand(lines):
    lost = hypothesis(id="lost", target=Target("channel", ("fax",)))
    fine = hypothesis(id="fine")
    found = hypotheses.evaluate_all(register(lost, fine), lines, as_of=APRIL)
    assert [e.hypothesis.id for e in found.evaluations] == ["fine"]
    [[file, problem]] = found.problems.to_numpy().tolist()
    assert file == "lost.yaml"
    assert "widen the target" in problem
    none = hypotheses.evaluate_all(register(lost), lines, as_of=APRIL)
    assert none.text == "No hypothesis can be evaluated. 1 problem in the register."


def test_many_hypotheses_are_corrected_together(lines):
    """One that works among nineteen that do nothing: q = 20 p where it is the smallest."""
    ids = sorted(lines["customer_id"].unique())
    rng = np.random.default_rng(3)
    tried = [hypothesis(id="works", comparison="randomized", assigned=half(lines))]
    for n in range(19):
        mixed = rng.permutation(ids)
        drawn = assigned(mixed[:300], mixed[300:])
        tried.append(hypothesis(id=f"h{n:02d}", comparison="randomized", assigned=drawn))
    found = hypotheses.evaluate_all(register(*tried), spoiled(lines), as_of=APRIL)
    p = np.array([e.primary["p"] for e in found.evaluations])
    q = np.array([e.q for e in found.evaluations])
    np.testing.assert_allclose(q, stats.false_discovery_control(p))
    assert found.evaluations[0].verdict == "adopt"
    for one in found.evaluations[1:]:
        alone = verdicts.reach_verdict(one.hypothesis, one.table)
        assert one.verdict == (alone if one.q <= 0.05 or alone != "adopt" else "inconclusive")


def test_an_effect_that_does_not_stand_among_many_is_not_said_to_be_caused(lines):
    tried = hypothesis(comparison="randomized", assigned=half(lines))
    alone = hypotheses.evaluate(tried, spoiled(lines), as_of=APRIL)
    assert "caused" in findings.finding(alone)
    among = board._adjust(alone, 0.2)
    assert among.verdict == "inconclusive"
    assert "caused" not in findings.finding(among)
    assert "not among all that were tested" in findings.finding(among)


def test_customers_treated_twice_at_once_are_told(lines):
    both = [hypothesis(id="one", title="One"), hypothesis(id="two", title="Two")]
    apart = hypothesis(
        id="web", title="Web", target=Target("channel", ("web",)), start=dt.date(2024, 4, 1),
        end=dt.date(2024, 4, 20), selected=dt.date(2024, 3, 31),
    )  # fmt: skip
    found = hypotheses.evaluate_all(register(*both, apart), lines, as_of=APRIL)
    checks = found.checks[found.checks["check"] == "other measures"]
    assert checks[["id", "found"]].to_numpy().tolist() == [
        ["one", "100.0% of the treated were also treated by: Two"],
        ["two", "100.0% of the treated were also treated by: One"],
    ]


def test_a_month_that_is_rebuilt_knows_nothing_of_later_decisions(lines):
    known = dt.date(2024, 2, 1)
    later = (
        Decision("extend", dt.date(2024, 4, 5), "few", until=dt.date(2024, 5, 31)),
        Decision("drop", dt.date(2024, 6, 3), "no"),
    )
    tried = hypothesis(record=Record(registered=known, decisions=later))
    march, april = (
        hypotheses.evaluate_all(register(tried), lines, as_of=day) for day in ("2024-03-31", APRIL)
    )
    assert (march.evaluations[0].status, april.evaluations[0].status) == ("ended", "running")
    assert march.learned.empty
    assert april.learned["decision"].tolist() == ["extend"]
    before = hypotheses.evaluate_all(
        register(hypothesis(record=Record(registered=known))), lines, as_of="2024-03-31"
    )
    pd.testing.assert_frame_equal(march.table, before.table)


def test_win_rate_and_learned():
    def one(id, status, verdict, *decisions):
        made = tuple(Decision(what, dt.date(2024, 5, n), why) for n, (what, why) in decisions)
        record = Record(registered=dt.date(2024, 2, 1), decisions=made)
        tried = hypothesis(id=id, title=id.upper(), record=record)
        table = pd.DataFrame([dict.fromkeys(figures.COLUMNS, np.nan)])
        return board.Evaluation(tried, APRIL, status, "D", verdict, table=table)

    found = Board(
        Path("nowhere"),
        (
            one("a", "decided", "adopt", (2, ("adopt", "works"))),
            one("b", "decided", "inconclusive", (1, ("extend", "few")), (3, ("drop", "no"))),
            one("c", "ended", "drop"),
            one("d", "running", "still running"),
            replace(
                one("e", "decided", "not started"), table=pd.DataFrame(columns=figures.COLUMNS)
            ),
        ),
        pd.DataFrame(),
        None,
    )
    assert found.win_rate == pytest.approx(1 / 3)
    assert found.learned[["title", "decision", "reason"]].to_numpy().tolist() == [
        ["B", "drop", "no"], ["A", "adopt", "works"], ["B", "extend", "few"],
    ]  # fmt: skip
    assert found.text == (
        "5 hypotheses: 1 running, 1 waiting for you, 3 decided. "
        "Waiting for your decision: C (x; ended 2024-03-31). "
        "3 registered tests have finished; the verdict is to adopt for 1 (33%)."
    )
    assert found.metrics["hypotheses_decided"] == 3


def test_nothing_yet_says_how_to_begin(tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_ROOT", str(tmp_path))
    with pytest.raises(NothingYet, match="ltvkit hypothesis new params/tea.yaml first-idea"):
        hypotheses.of_shop("tea")
    stub_register.write(tmp_path / "params" / "hypotheses" / "tea")
    assert len(hypotheses.of_shop("tea").hypotheses) == 1
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "bad.yaml").write_text("title: only\n")
    assert len(hypotheses.of_shop("tea", "own").problems) == 1


# --- words


CAUSED, POINTS, WENT = "caused", "points to", "went with"


@pytest.mark.parametrize(
    ("grade", "comparison", "verb"),
    [
        ("A", "randomized", CAUSED), ("B", "control_segment", POINTS),
        ("C", "control_segment", WENT), ("C", "same_period_last_year", WENT),
        ("D", "before_after", WENT),
    ],
)  # fmt: skip
@pytest.mark.parametrize("low", [0.5, -0.5])
def test_only_a_grade_says_what_it_may(lines, grade, comparison, verb, low):
    tried = hypothesis(comparison="randomized", assigned=half(lines))
    found = hypotheses.evaluate(tried, lines, as_of=APRIL)
    table = found.table.assign(effect=1.5, lowest=low, highest=2.5, natural_change=0.25, p=0.01)
    tried = replace(tried, comparison=comparison)
    text = findings.finding(replace(found, hypothesis=tried, grade=grade, table=table))
    said = {word for word in (CAUSED, POINTS, WENT) if word in text}
    assert said == ({verb} if low > 0 else set())
    if low < 0:
        assert "no clear effect" in text.lower()
    if grade != "A":
        assert "anyway" in text


def test_numbers_of_a_finding_are_those_of_the_table(lines):
    tried = hypothesis(comparison="randomized", assigned=half(lines), cost=100.0)
    found = hypotheses.evaluate(tried, spoiled(lines), as_of=APRIL)
    row, text = found.primary, findings.finding(found, currency="USD")
    assert f"{row['after'] - row['effect']:.2f} USD without" in text
    for name in ("effect", "lowest", "highest", "after"):
        assert f"{abs(row[name]):.2f} USD" in text, name
    assert f"{found.returns['net']:,.0f} USD" in text
    assert f"{found.verdict}." in text


def test_an_unknown_natural_change_concludes_nothing(lines):
    best = lines.groupby("customer_id")["amount"].sum().nlargest(40).index
    tried = hypothesis(target=Target("customers", tuple(best)))
    text = findings.finding(hypotheses.evaluate(tried, lines, as_of=APRIL))
    assert "No history will help, so nothing can be concluded" in text
    assert not re.search(f"{CAUSED}|{POINTS}|{WENT}", text)


# --- before it begins


def test_power_is_that_of_statsmodels(lines):
    """Equal groups, an error that the effect does not change: the t test of two samples."""
    seen = detection.PowerInputs(baseline=10.0, se=0.5, df=198, customers=200)
    row = power_analysis._compute_power(
        hypothesis(comparison="randomized", smallest_effect=1.4), seen, 31
    )
    known = TTestIndPower().power(1.4 / (0.5 * np.sqrt(200 / 4)), nobs1=100, alpha=0.05)
    assert row["power"] == pytest.approx(known, abs=1e-6)
    least = power_analysis._compute_power(
        hypothesis(comparison="randomized", smallest_effect=row["smallest_detectable"]), seen, 31
    )
    assert least["power"] == pytest.approx(0.8, abs=0.002)
    assert least["customers_needed"] == pytest.approx(200, abs=1)


def test_the_error_grows_with_the_effect():
    seen = detection.PowerInputs(baseline=10.0, se=0.5, df=198, customers=200, growth=0.2)
    row = power_analysis._compute_power(
        hypothesis(comparison="randomized", smallest_effect=2.0), seen, 31
    )
    assert row["error"] == pytest.approx(np.sqrt(0.25 + 0.4))
    least = row["smallest_detectable"]
    again = power_analysis._compute_power(
        hypothesis(comparison="randomized", smallest_effect=least), seen, 31
    )
    assert again["power"] == pytest.approx(0.8, abs=0.002)


@pytest.mark.parametrize("comparison", ["randomized", "before_after", "control_segment"])
def test_what_is_foreseen_is_what_comes(lines, comparison):
    """The error foreseen in February is near the one that March then has."""
    drawn = half(lines) if comparison == "randomized" else None
    control = Target("channel", ("web",)) if comparison == "control_segment" else None
    target = Target("channel", ("shop",)) if control else EVERYBODY
    tried = hypothesis(comparison=comparison, assigned=drawn, target=target, control=control)
    past = lines[lines["order_date"] <= "2024-02-29"]
    plan = hypotheses.power(tried, past, as_of=dt.date(2024, 2, 29), weeks=(2,))
    assert plan["weeks"].tolist() == [2, 31 / 7]
    row = hypotheses.evaluate(tried, lines, as_of=APRIL).primary
    reach = (row["highest"] - row["lowest"]) / 2
    seen = power_analysis.estimate_inputs(
        customer_days.build(past, as_of=dt.date(2024, 2, 29)), tried, tried.metric, length=31
    )
    assert seen.se * stats.t.ppf(0.975, seen.df) == pytest.approx(reach, rel=0.35)


@pytest.mark.parametrize(("comparison", "shops"), [("randomized", 8), ("before_after", 16)])
def test_power_that_is_foreseen_is_the_share_of_shops_in_which_it_is_seen(comparison, shops):
    """A few small shops, one more order from 30% of the treated (the rest: bench_power)."""
    foreseen, seen = [], []
    for seed in range(shops):
        lines, rng = steady(customers=200, seed=seed), np.random.default_rng(seed)
        drawn = half(lines) if comparison == "randomized" else None
        tried = hypothesis(comparison=comparison, assigned=drawn, smallest_effect=12.0)
        ids = sorted(lines["customer_id"].unique())
        treated = ids if drawn is None else drawn.query("group == 'treated'")["customer_id"]
        hit = rng.choice(treated, round(0.3 * len(treated)), replace=False)
        more = pd.DataFrame({"customer_id": hit, "order_id": [f"m{n}" for n in range(len(hit))],
                             "order_date": pd.Timestamp("2024-03-15"), "channel": "web",
                             "amount": rng.gamma(4, 10, len(hit))})  # fmt: skip
        past = lines[lines["order_date"] <= "2024-02-29"]
        plan = hypotheses.power(tried, past, as_of=dt.date(2024, 2, 29), weeks=())
        found = hypotheses.evaluate(tried, pd.concat([lines, more]), as_of=APRIL)
        foreseen.append(plan["power"].iloc[0])
        seen.append(found.primary["p"] < 0.05)
    error = np.hypot(stats.sem(foreseen), np.sqrt(0.25 / len(seen)))
    assert abs(np.mean(foreseen) - np.mean(seen)) < 2.5 * error
    assert 0.2 < np.mean(foreseen) < 0.98


def test_orders_that_do_not_reach_back_foresee_nothing(lines):
    young = lines[lines["order_date"] >= "2024-02-10"]
    plan = hypotheses.power(hypothesis(), young, as_of=dt.date(2024, 2, 29))
    assert plan["power"].isna().all()
    said = power_analysis.finding(plan, hypothesis())
    assert "do not reach back far enough" in said


def test_drafts_are_those_that_have_not_begun(lines):
    soon = hypothesis(id="soon", start=dt.date(2024, 4, 1), end=dt.date(2024, 4, 30))
    found = hypotheses.drafts(register(hypothesis(), soon), lines, as_of=dt.date(2024, 3, 31))
    assert found[["title", "weeks"]].to_numpy().tolist() == [["x", 30 / 7]]
    assert hypotheses.drafts(register(hypothesis()), lines, as_of=APRIL).empty


def test_a_list_of_strangers_is_not_named_in_an_error(lines):
    """Errors stand on pages, and customers on none."""
    soon = {"start": dt.date(2024, 6, 1), "end": dt.date(2024, 6, 30)}
    tried = hypothesis(target=Target("customers", ("Taro-Yamada", "Jiro-Sato")), **soon)
    for step in (hypotheses.power, lambda h, x, as_of: hypotheses.candidates(h, x)):
        with pytest.raises(DataError, match="none of the 2 customers of the list") as caught:
            step(tried, lines, as_of=APRIL)
        assert "Taro" not in str(caught.value)


def test_a_draft_that_nobody_fits_does_not_hide_the_others(lines):
    soon = {"start": dt.date(2024, 6, 1), "end": dt.date(2024, 6, 30)}
    lost = hypothesis(id="lost", target=Target("channel", ("fax",)), **soon)
    fine = hypothesis(id="fine", **soon)
    found = hypotheses.drafts(register(lost, fine), lines, as_of=APRIL)
    assert found["power"].isna().tolist() == [True, False]
    bare = hypotheses.drafts(register(lost), lines.drop(columns="channel"), as_of=APRIL)
    assert bare["power"].isna().tolist() == [True]


# --- drawing


def test_drawing_is_even_within_strata_and_independent_of_the_order():
    table = pd.DataFrame(
        {"customer_id": [f"{n:03d}" for n in range(100)], "segment": ["a"] * 31 + ["b"] * 69}
    )
    drawn = assignment.assign(table, seed=5)
    counts = drawn.groupby("segment")["group"].value_counts().unstack()
    assert (counts["treated"] - counts["control"]).abs().max() == 1
    again = assignment.assign(table.sample(frac=1, random_state=1), seed=5)
    pd.testing.assert_frame_equal(again, drawn)
    assert not assignment.assign(table, seed=6)["group"].equals(drawn["group"])
    third = assignment.assign(table, seed=5, share=1 / 3)
    assert 32 <= (third["group"] == "treated").sum() <= 34


def test_every_customer_is_as_likely_to_be_treated():
    table = pd.DataFrame({"customer_id": list("abcde"), "segment": "x"})
    treated = sum(
        (assignment.assign(table, seed=s)["group"] == "treated").to_numpy() for s in range(2000)
    )
    assert np.abs(treated / 2000 - 0.5).max() < 0.045  # four standard errors


def test_a_list_is_drawn_once_and_kept(tmp_path, lines):
    text = {"comparison": "randomized", "assignment": "lists/mail.csv", "control": None}
    stub_register.write(tmp_path, **text, target={"channel": "web"}, selected="2024-02-29")
    path = assignment.draw(tmp_path, "mail", lines, seed=9)
    kept = pd.read_csv(path, dtype=str)
    assert list(kept) == ["customer_id", "group", "segment", "seed"]
    assert set(kept["seed"]) == {"9"}
    on = customer_days.build(lines, as_of=dt.date(2024, 2, 29))
    who = targets.select(on, Target("channel", ("web",)), on=number_of("2024-02-29"))
    assert set(kept["customer_id"]) == set(on.ids[who])
    assert store.read(tmp_path, "mail").assigned["group"].tolist() == kept["group"].tolist()
    with pytest.raises(ParamsError, match="is there already.*nobody has been treated"):
        assignment.draw(tmp_path, "mail", lines, seed=1)


def test_there_must_be_somebody_to_draw(tmp_path, lines):
    text = {"comparison": "randomized", "assignment": "lists/mail.csv", "control": None}
    stub_register.write(tmp_path, **text, target={"channel": "fax"}, selected="2024-02-29")
    with pytest.raises(DataError, match="nobody is in the target"):
        assignment.draw(tmp_path, "mail", lines, seed=9)


def test_only_a_randomized_comparison_is_drawn(tmp_path, lines):
    stub_register.write(tmp_path)
    with pytest.raises(ParamsError, match="expected randomized: only there"):
        assignment.draw(tmp_path, "mail", lines, seed=9)


# --- over time


def test_a_timeline_adds_up_to_the_figures(lines):
    tried = hypothesis(comparison="randomized", assigned=half(lines))
    known = customer_days.build(lines, as_of=APRIL)
    found = hypotheses.evaluate(tried, known, as_of=APRIL)
    told = hypotheses.timelines(found, known)
    row = found.primary
    for every in ("day", "month"):
        table = told[every]
        march = table[table["start"].between("2024-03-01", "2024-03-31")]
        sums = march.groupby("group")["value"].sum()
        assert sums["treated"] == pytest.approx(row["after"])
        assert sums["control"] == pytest.approx(row["control_after"])
    assert told["year"]["partial"].tolist() == [True, False, True] * 2
    assert told["month"].columns.tolist() == [
        "period",
        "start",
        "group",
        "metric",
        "value",
        "partial",
    ]


def test_last_year_stands_beside_this_year(lines):
    tried = hypothesis(comparison="same_period_last_year")
    known = customer_days.build(lines, as_of=APRIL)
    found = hypotheses.evaluate(tried, known, as_of=APRIL)
    table = timeline.build(found, known, every="day")
    march = table[table["start"].between("2024-03-01", "2024-03-31")]
    sums = march.groupby("group")["value"].sum()
    assert sums["control"] == pytest.approx(found.primary["control_after"])


def test_a_rate_is_counted_by_customers_and_not_by_days(lines):
    tried = hypothesis(metric="retention_rate")
    known = customer_days.build(lines, as_of=APRIL)
    found = hypotheses.evaluate(tried, known, as_of=APRIL)
    months = timeline.build(found, known, every="month").set_index("period")["value"]
    assert months["2024-03"] == pytest.approx(found.primary["after"])
    assert timeline.build(replace(found), known, every="year")["value"].max() <= 1


def test_a_draft_has_no_timeline(lines):
    known = customer_days.build(lines, as_of=dt.date(2024, 2, 1))
    found = hypotheses.evaluate(hypothesis(), known, as_of=dt.date(2024, 2, 1))
    assert hypotheses.timelines(found, known) == {}


def test_an_error_that_few_windows_foretell_is_averaged_over():
    """Against draws: an error between chi-squared limits, an effect, and its t test."""
    inputs = detection.PowerInputs(se=1.0, df=5, customers=200, foreseen_df=10)
    rng, draws = np.random.default_rng(1), 200_000
    true = 1 / np.sqrt(rng.chisquare(10, draws) / 10)
    for effect in (1.0, 3.0, 4.5):
        found = effect + true * rng.standard_normal(draws)
        t = found / (true * np.sqrt(rng.chisquare(5, draws) / 5))
        seen = (np.abs(t) > stats.t.ppf(0.975, 5)).mean()
        assert detection.compute_power(inputs, effect) == pytest.approx(seen, abs=0.006)
    least = detection.find_smallest(inputs)
    assert detection.compute_power(inputs, least) == pytest.approx(0.8, abs=1e-6)
    assert least > 1.05 * detection.find_smallest(inputs._replace(foreseen_df=np.inf))
    assert np.isnan(detection.find_smallest(detection.PowerInputs()))


def test_the_power_of_an_overwhelming_effect_is_one():
    """SciPy has no far tail of the noncentral t: the power was NaN."""
    inputs = detection.PowerInputs(se=1.0, df=5, customers=200)
    effects = np.linspace(0, 40, 401)
    power = np.array([detection.compute_power(inputs, effect) for effect in effects])
    assert power[0] == pytest.approx(0.05)
    assert (np.diff(power) >= 0).all()
    assert power[-1] > 0.9999
    edge = stats.t.ppf(0.975, 5)
    near = stats.nct.sf(edge, 5, 3.0) + stats.nct.cdf(-edge, 5, 3.0)
    assert detection.compute_power(inputs, 3.0) == pytest.approx(near, abs=1e-9)
