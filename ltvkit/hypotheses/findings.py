"""What a hypothesis found, in sentences made from its figures, so that the two always agree.

Only a comparison drawn at random says "caused"; a control segment "points to"; anything else "went
with", next to what would have happened anyway. The sentences are in `texts.yaml`; "likely range" is
the 95% interval. How exactly figures are shown, `precision` decides, for tables too.
"""

import math

import pandas as pd

from ltvkit.display import formats, joining
from ltvkit.hypotheses import evaluation as ev
from ltvkit.hypotheses import money_words, precision, verdicts
from ltvkit.hypotheses.effects.validity import NATURAL, SIZE
from ltvkit.hypotheses.evaluation import Evaluation
from ltvkit.hypotheses.precision import Precision
from ltvkit.hypotheses.texts import fill

TOP_SHARE = 0.3  # of the effect: from here on the 1% who bought most are mentioned


def finding(found: Evaluation, *, currency: str = "") -> str:
    """One hypothesis in a few sentences, a line per paragraph: what was seen, and what to do."""
    plan = found.hypothesis
    if found.status == ev.DRAFT:
        return fill("starts", start=plan.start, days=fill("days", n=plan.days))
    if found.table.empty:
        return fill("stopped")
    if found.status == ev.RUNNING:
        return joining.sentences([*_describe_running(found, currency), found.sampled])
    effect = [_describe_effect(found, currency), *_describe_guardrails(found, currency)]
    share = found.extras["top_share"]
    if found.clear and TOP_SHARE < share <= 1:
        effect.append(fill("top", share=formats.share(share, decimals=0)))
    verdict = [*_describe_verdict(found, currency), money_words.describe(found, currency=currency)]
    if not plan.record.preregistered:
        verdict.append(fill("not_preregistered"))
    paragraphs = [*effect, *_describe_mixed(found)], [*verdict, found.sampled]
    return "\n".join(joining.sentences(sentences) for sentences in paragraphs)


def headline(found: Evaluation, *, currency: str = "") -> str:
    """One hypothesis in a line: its title, the verdict, the effect with its likely range, and what
    it brought in money."""
    plan, verdict = found.hypothesis, formats.cell(found.verdict, "word")
    waits = fill("and_waits") if found.status == ev.ENDED else ""
    sentences = [joining.stop(joining.colon(plan.title, f"{verdict}{waits}"))]
    if not (found.table.empty or math.isnan(found.primary["lowest"])):
        sentences.append(_describe_briefly(found, currency))
        if not plan.record.preregistered:
            sentences.append(fill("headline_not_preregistered"))
    elif not found.table.empty and found.status != ev.RUNNING:
        sentences.append(fill("headline_unknown", grade=found.grade))
    return joining.sentences([*sentences, joining.aside("", plan.owner).strip()])


def _describe_briefly(found: Evaluation, currency: str) -> str:
    """The effect, what is harmed, the money, what is not proven safe, and the grade."""
    fell, unclear = (_name_guardrails(found, o) for o in (verdicts.HARMED, verdicts.UNCLEAR))
    words = _words(found, found.primary, currency) | {"grade": found.grade}
    words |= {"but": fill("but_fell", metrics=fell) if fell else ""}
    words |= {"money": money_words.mention(found, currency=currency, after_but=bool(fell))}
    ended = unclear and found.status != ev.RUNNING
    words |= {"unclear": fill("but_unclear", metrics=unclear) if ended else ""}
    return _capitalize(fill("headline", **words))


def _name_guardrails(found: Evaluation, outcome: str) -> str:
    metrics = found.table.loc[found.table["outcome"] == outcome, "metric"]
    return fill("and").join(formats.label_inside(m) for m in metrics)


def _capitalize(text: str) -> str:
    return text[0].upper() + text[1:]


def _precision(found: Evaluation, row: pd.Series, currency: str) -> Precision:
    marks = precision.find_marks(row, found.hypothesis)
    return precision.of_row(row, marks, currency=currency)


def _words(found: Evaluation, row: pd.Series, currency: str) -> dict[str, str]:
    """The numbers of a row, in words."""
    shown = _precision(found, row, currency)
    return {
        "metric": formats.label_inside(row["metric"]),
        "effect": shown.change(row["effect"]),
        "range": _describe_range(shown, row["lowest"], row["highest"]),
        "after": shown.level(row["after"]),
        "without": shown.level(row["after"] - row["effect"]),
    }


def _describe_range(shown: Precision, low: float, high: float) -> str:
    return fill("likely_range", low=shown.change(low), high=shown.change(high))


def _describe_effect(found: Evaluation, currency: str) -> str:
    row = found.primary
    if math.isnan(row["lowest"]):
        shown = _precision(found, row, currency)
        span = _describe_range(shown, row["raw_lowest"], row["raw_highest"])
        moved = _describe_move(row, shown)
        if not (row["raw_lowest"] or row["raw_highest"]):  # nobody has a figure: no interval
            return joining.sentences([joining.stop(moved), _describe_unknown(found)])
        return joining.sentences(
            [fill("from_chance", moved=moved, range=span), _describe_unknown(found)]
        )
    grade = found.grade.replace("D", "C")
    natural = _describe_natural(found, currency)
    if found.hypothesis.comparison == "randomized" and grade != "A":
        grade = "B"  # nothing is natural between two groups that were drawn
    clear = "clear" if found.clear else "unclear"
    return joining.sentences([natural, fill(f"{clear}_{grade}", **_words(found, row, currency))])


def _describe_unknown(found: Evaluation) -> str:
    """Why nothing can be concluded."""
    checks = found.checks.set_index("check")
    if found.hypothesis.comparison == "randomized" or SIZE in checks.index:
        return fill("too_little")
    if found.hypothesis.lists and NATURAL in checks.index and not checks.loc[NATURAL, "holds"]:
        return fill("no_history", why=checks.loc[NATURAL, "found"])
    return fill("anyway_unknown")


def _describe_move(row: pd.Series, shown: Precision) -> str:
    """Which way the metric went as observed, and by how much."""
    name = "rose" if row["raw_effect"] > 0 else "fell" if row["raw_effect"] else "same"
    metric, amount = formats.label_inside(row["metric"]), shown.amount(row["raw_effect"])
    return _capitalize(fill(name, metric=metric, amount=amount))


def _describe_natural(found: Evaluation, currency: str) -> str:
    """How much of the observed change was to be expected, judging by the past dates."""
    row, n = found.primary, len(found.natural)
    natural, raw = row["natural_change"], row["raw_effect"]
    if math.isnan(natural):
        return ""
    shown = _precision(found, row, currency)
    name, amount = "expected_anyway", shown.change(natural)
    if raw and 0 < natural / raw <= 1:
        name, amount = "partly_anyway", shown.amount(natural)
    listed = bool(found.hypothesis.lists)
    dates = fill("past_dates_like" if listed else "past_dates", n=n)
    text = fill(name, moved=_describe_move(row, shown), amount=amount, dates=dates)
    return joining.sentences([text, fill("unknown_reasons")]) if listed else text


def _describe_running(found: Evaluation, currency: str) -> list[str]:
    sentences = [fill("running", until=found.hypothesis.until)]
    if not math.isnan(found.primary["lowest"]):
        sentences.append(fill("so_far", **_words(found, found.primary, currency)))
        sentences += _describe_guardrails(found, currency)
        sentences.append(money_words.describe(found, currency=currency))
    return [*sentences, *_describe_mixed(found)]


def _describe_guardrails(found: Evaluation, currency: str) -> list[str]:
    """What is harmed; at the end also what may be."""
    said = {verdicts.HARMED: "harmed"}
    if found.status != ev.RUNNING:
        said |= {verdicts.UNCLEAR: "unclear"}
    sentences = []
    for _i, row in found.table[found.table["outcome"].isin(said)].iterrows():
        words = _words(found, row, currency)
        loss = precision.tolerated_loss(row, found.hypothesis)
        words |= {"loss": _precision(found, row, currency).amount(loss)}
        known = "" if pd.notna(row["lowest"]) else "_unknown"
        sentences.append(fill(said[row["outcome"]] + known, **words))
    return sentences


def _describe_mixed(found: Evaluation) -> list[str]:
    """Whose effect it may be as well."""
    if not found.mixed:
        return []
    name = "shared" if found.shared >= verdicts.MOST_SHARED else "mixed"
    return [fill(name, titles=fill("and").join(found.mixed))]


def _describe_verdict(found: Evaluation, currency: str) -> list[str]:
    plan, against = found.hypothesis, found.objections
    alone = verdicts.apply_rule(plan, found.table, q=found.q)
    words = {"rule": fill(plan.decision_rule), "verdict": formats.cell(found.verdict, "word")}
    if found.verdict == alone or not against:
        sentences = [fill("rule", **words)]
    else:
        words |= {"alone": formats.cell(alone, "word"), "why": fill(f"because_{_key(against[0])}")}
        sentences = [fill("rule_overruled", **words)]
    if found.q > verdicts.ALPHA >= found.primary["p"]:
        sentences.append(fill("not_among_all"))
    if alone == verdicts.DROP and plan.decision_rule != "non_inferiority":
        shown = _precision(found, found.primary, currency)
        sentences.append(fill("too_small", least=shown.change(plan.smallest_effect)))
    return sentences


def _key(objection: str) -> str:
    return objection.replace(" ", "_")
