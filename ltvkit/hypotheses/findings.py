"""What a hypothesis found, in sentences made from its figures, so that the two always agree.

Only a comparison drawn at random says "caused"; a control segment "points to"; anything else "went
with", next to what would have happened anyway. The sentences are in `texts.yaml`; "likely range" is
the 95% interval.
"""

import math

import pandas as pd

from ltvkit.display import formats
from ltvkit.hypotheses import evaluation as ev
from ltvkit.hypotheses import verdicts
from ltvkit.hypotheses.effects.validity import SIZE
from ltvkit.hypotheses.evaluation import Evaluation
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
        return " ".join(filter(None, [*_describe_running(found, currency), found.sampled]))
    effect = [_describe_effect(found, currency), *_describe_harm(found, currency)]
    share = found.extras["top_share"]
    if _is_clear(found) and TOP_SHARE < share <= 1:
        effect.append(fill("top", share=formats.share(share, decimals=0)))
    verdict = [*_describe_verdict(found, currency), _describe_money(found, currency)]
    if not plan.record.preregistered:
        verdict.append(fill("not_preregistered"))
    paragraphs = effect, [*verdict, found.sampled]
    return "\n".join(" ".join(filter(None, sentences)) for sentences in paragraphs)


def headline(found: Evaluation, *, currency: str = "") -> str:
    """One hypothesis in a line: its title, the verdict, and the effect with its likely range."""
    title, verdict = found.hypothesis.title, formats.cell(found.verdict, "word")
    sentences = [f"{title}: {verdict}."]
    if not (found.table.empty or math.isnan(found.primary["lowest"])):
        harmed = found.table.loc[found.table["outcome"] == verdicts.HARMED, "metric"]
        metrics = fill("and").join(formats.label(m).lower() for m in harmed)
        but = fill("but_fell", metrics=metrics) if metrics else ""
        words = _words(found.primary, currency) | {"but": but, "grade": found.grade}
        sentences.append(_capitalize(fill("headline", **words)))
        if not found.hypothesis.record.preregistered:
            sentences.append(fill("headline_not_preregistered"))
    return " ".join([*sentences, f"({found.hypothesis.owner})"])


def _capitalize(text: str) -> str:
    return text[0].upper() + text[1:]


def _words(row: pd.Series, currency: str) -> dict[str, str]:
    """The numbers of a row, in words."""
    metric = row["metric"]
    return {
        "metric": formats.label(metric).lower(),
        "effect": formats.difference(row["effect"], metric, currency),
        "range": _describe_range(row[["lowest", "highest"]], metric, currency),
        "after": formats.value(row["after"], metric, currency),
        "without": formats.value(row["after"] - row["effect"], metric, currency),
    }


def _describe_range(ends: pd.Series, metric: str, currency: str) -> str:
    low, high = (formats.difference(end, metric, currency) for end in ends)
    return fill("likely_range", low=low, high=high)


def _describe_effect(found: Evaluation, currency: str) -> str:
    row = found.primary
    if math.isnan(row["lowest"]):
        span = _describe_range(row[["raw_lowest", "raw_highest"]], row["metric"], currency)
        too_few = (found.checks["check"] == SIZE).any()
        drawn = found.hypothesis.comparison == "randomized"
        reason = fill("too_little" if drawn or too_few else "anyway_unknown")
        return fill("from_chance", moved=_describe_move(row, currency), range=span) + " " + reason
    grade = found.grade.replace("D", "C")
    clear = "clear" if _is_clear(found) else "unclear"
    text = fill(f"{clear}_{grade}", **_words(row, currency))
    return text if grade == "A" else f"{_describe_natural(found, currency)} {text}"


def _describe_move(row: pd.Series, currency: str) -> str:
    """Which way the metric went as observed, and by how much."""
    name = "rose" if row["raw_effect"] >= 0 else "fell"
    amount = _amount(row["raw_effect"], row, currency)
    return _capitalize(fill(name, metric=formats.label(row["metric"]).lower(), amount=amount))


def _amount(change: float, row: pd.Series, currency: str) -> str:
    """A change without its sign."""
    return formats.difference(abs(change), row["metric"], currency).removeprefix("+")


def _describe_natural(found: Evaluation, currency: str) -> str:
    """How much of the observed change was to be expected, judging by the past dates."""
    row, n = found.primary, len(found.natural)
    natural, raw = row["natural_change"], row["raw_effect"]
    name, amount = "expected_anyway", formats.difference(natural, row["metric"], currency)
    if raw and 0 < natural / raw <= 1:
        name, amount = "partly_anyway", _amount(natural, row, currency)
    moved, dates = _describe_move(row, currency), fill("past_dates", n=n)
    return fill(name, moved=moved, amount=amount, dates=dates)


def _is_clear(found: Evaluation) -> bool:
    """Whether the effect differs from chance, by itself and among all that was tested."""
    row = found.primary
    return (row["lowest"] > 0 or row["highest"] < 0) and not found.q > verdicts.ALPHA


def _describe_running(found: Evaluation, currency: str) -> list[str]:
    sentences = [fill("running", until=found.hypothesis.until)]
    if not math.isnan(found.primary["lowest"]):
        sentences.append(fill("so_far", **_words(found.primary, currency)))
        sentences += _describe_harm(found, currency)
    return sentences


def _describe_harm(found: Evaluation, currency: str) -> list[str]:
    harmed = found.table[found.table["outcome"] == verdicts.HARMED]
    return [fill("harmed", **_words(row, currency)) for _i, row in harmed.iterrows()]


def _describe_verdict(found: Evaluation, currency: str) -> list[str]:
    plan, verdict = found.hypothesis, formats.cell(found.verdict, "word")
    sentences = [fill("rule", rule=fill(plan.decision_rule), verdict=verdict)]
    if found.q > verdicts.ALPHA >= found.primary["p"]:
        sentences.append(fill("not_among_all"))
    harmed = (found.table["outcome"] == verdicts.HARMED).any()
    if found.verdict == verdicts.DROP and not harmed and plan.decision_rule != "non_inferiority":
        least = formats.value(plan.smallest_effect, plan.metric, currency)
        sentences.append(fill("too_small", least=least))
    return sentences


def _describe_money(found: Evaluation, currency: str) -> str:
    result = found.returns
    if math.isnan(result["net_lowest"]):
        return ""
    ends = {"net": "net", "low": "net_lowest", "high": "net_highest", "cost": "cost"}
    amounts = {name: formats.money(result[column], currency) for name, column in ends.items()}
    of = fill("of_margin" if result["money"].startswith("margin") else "of_revenue")
    return fill("net_after_cost" if result["cost"] else "net_result", of=of, **amounts)
