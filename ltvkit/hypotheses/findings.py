"""What a hypothesis found, in sentences made from its figures, so that the two always agree.

Only a comparison drawn at random says "caused"; a control segment "points to"; anything else "went
with", next to what would have happened anyway.
"""

from __future__ import annotations

import math

import pandas as pd

from ltvkit.core.i18n import N_, _, n_
from ltvkit.display import formats
from ltvkit.hypotheses import evaluation as ev
from ltvkit.hypotheses import verdicts
from ltvkit.hypotheses.effects.validity import SIZE
from ltvkit.hypotheses.evaluation import Evaluation

CLEAR = {
    "A": N_(
        "The measure caused a change of {effect} in {metric} ({range}): {after} with it, "
        "{without} without."
    ),
    "B": N_("The comparison points to a change of {effect} in {metric} ({range})."),
    "C": N_(
        "The measure went with a change of {effect} in {metric} on top of what would have "
        "happened anyway ({range})."
    ),
}
UNCLEAR = {
    "A": N_("No clear effect on {metric}: {effect} ({range}); {after} with it, {without} without."),
    "B": N_("No clear effect on {metric}: {effect} ({range})."),
    "C": N_("What is left, {effect} ({range}), is no clear effect."),
}
CLEAR["D"], UNCLEAR["D"] = CLEAR["C"], UNCLEAR["C"]
RULES = {
    "superiority": N_("adopt what is better than without"),
    "superiority_by_margin": N_("adopt what is better by the smallest effect that matters"),
    "non_inferiority": N_("adopt what is no worse than without"),
}
TOP_SHARE = 0.3  # of the effect: from here on the 1% who bought most are mentioned


def finding(found: Evaluation, *, currency: str = "") -> str:
    """One hypothesis in a few sentences: what was seen, what it means, what to do.

    "Likely range" is the 95% interval.
    """
    plan = found.hypothesis
    if found.status == ev.DRAFT:
        days = n_("{n} day", "{n} days", plan.days).format(n=plan.days)
        return _("Starts on {start} and runs for {days}.").format(start=plan.start, days=days)
    if found.table.empty:
        return _("Stopped before it started.")
    if found.status == ev.RUNNING:
        sentences = _describe_running(found, currency)
    else:
        sentences = [_describe_effect(found, currency), *_describe_harm(found, currency)]
        sentences += [*_describe_top(found), _describe_verdict(found, currency)]
        sentences += _describe_money(found, currency)
        if not plan.record.preregistered:
            sentences += [
                _(
                    "It was not registered in this form before it started, so it may have been "
                    "written to fit the result."
                )
            ]
    return " ".join(filter(None, [*sentences, found.sampled]))


def headline(found: Evaluation, *, currency: str = "") -> str:
    """One hypothesis in a line: its title, the verdict, and the effect with its likely range."""
    title, verdict = found.hypothesis.title, formats.cell(found.verdict, "word")
    sentences = [f"{title}: {verdict}."]
    if not (found.table.empty or math.isnan(found.primary["lowest"])):
        harmed = found.table.loc[found.table["outcome"] == verdicts.HARMED, "metric"]
        but = _(", but {metrics} fell").format(metrics=_list(harmed)) if len(harmed) else ""
        text = _("{metric} {effect} ({range}){but}. Evidence: {grade}.")
        texts = _texts(found, found.primary, currency) | {"but": but, "grade": found.grade}
        sentences.append(_capitalized(text.format(**texts)))
        if not found.hypothesis.record.preregistered:
            sentences.append(_("Not registered in this form before it started."))
    return " ".join([*sentences, f"({found.hypothesis.owner})"])


def _list(metrics: pd.Series) -> str:
    return _(" and ").join(formats.label(m).lower() for m in metrics)


def _capitalized(text: str) -> str:
    return text[0].upper() + text[1:]


def _texts(found: Evaluation, row: pd.Series, currency: str) -> dict[str, str]:
    """The numbers of a row, in words."""
    metric = row["metric"]
    change = {
        n: formats.difference(row[n], metric, currency)
        for n in ("effect", "lowest", "highest", "natural_change", "raw_lowest", "raw_highest")
    }
    span = _("likely range {low} to {high}")
    return change | {
        "metric": formats.label(metric).lower(),
        "range": span.format(low=change["lowest"], high=change["highest"]),
        "raw_range": span.format(low=change["raw_lowest"], high=change["raw_highest"]),
        "after": formats.value(row["after"], metric, currency),
        "without": formats.value(row["after"] - row["effect"], metric, currency),
    }


def _describe_effect(found: Evaluation, currency: str) -> str:
    row = found.primary
    texts = _texts(found, row, currency)
    if math.isnan(row["lowest"]):
        reason = _("What would have happened anyway is not known, so nothing can be concluded.")
        too_few = (found.checks["check"] == SIZE).any()
        if found.hypothesis.comparison == "randomized" or too_few:
            reason = _("That is too little, or too doubtful, to conclude anything.")
        text = _("{moved} ({raw_range}, from chance alone).")
        return text.format(moved=_describe_move(row, texts, currency), **texts) + " " + reason
    text = _((CLEAR if _is_clear(found) else UNCLEAR)[found.grade]).format(**texts)
    if found.grade == "A":
        return text
    return f"{_describe_natural(found, row, texts, currency)} {text}"


def _describe_move(row: pd.Series, texts: dict[str, str], currency: str) -> str:
    """Which way the metric went as observed, and by how much."""
    rose = row["raw_effect"] >= 0
    text = _("{metric} rose by {amount}") if rose else _("{metric} fell by {amount}")
    amount = formats.difference(abs(row["raw_effect"]), row["metric"], currency).removeprefix("+")
    return _capitalized(text.format(metric=texts["metric"], amount=amount))


def _describe_natural(
    found: Evaluation, row: pd.Series, texts: dict[str, str], currency: str
) -> str:
    """How much of the observed change was to be expected, judging by the past dates."""
    natural, raw, n = row["natural_change"], row["raw_effect"], len(found.natural)
    amount = texts["natural_change"]
    text = _("{moved}; a change of {amount} was to be expected anyway, judging by {dates}.")
    if raw and 0 < natural / raw <= 1:
        amount = formats.difference(abs(natural), row["metric"], currency).removeprefix("+")
        text = _("{moved}, but {amount} of that would have happened anyway, judging by {dates}.")
    dates = n_("{n} past date", "{n} past dates", n).format(n=n)
    return text.format(moved=_describe_move(row, texts, currency), amount=amount, dates=dates)


def _is_clear(found: Evaluation) -> bool:
    """Whether the effect differs from chance, by itself and among all that was tested."""
    row = found.primary
    return (row["lowest"] > 0 or row["highest"] < 0) and not found.q > verdicts.ALPHA


def _describe_running(found: Evaluation, currency: str) -> list[str]:
    text = _("Running until {until}: there is no verdict before the end.")
    sentences = [text.format(until=found.hypothesis.until)]
    if not math.isnan(found.primary["lowest"]):
        so_far = _("So far {effect} in {metric} ({range}, valid however often you look).")
        sentences.append(so_far.format(**_texts(found, found.primary, currency)))
        sentences += _describe_harm(found, currency)
    return sentences


def _describe_harm(found: Evaluation, currency: str) -> list[str]:
    text = _("Harmed: {metric}, by {effect} ({range}).")
    harmed = found.table[found.table["outcome"] == verdicts.HARMED]
    return [text.format(**_texts(found, row, currency)) for _i, row in harmed.iterrows()]


def _describe_top(found: Evaluation) -> list[str]:
    share = found.extras["top_share"]
    if not _is_clear(found) or not TOP_SHARE < share <= 1:
        return []
    text = _("The 1% of customers who bought most account for {share} of the observed change.")
    return [text.format(share=formats.share(share, decimals=0))]


def _describe_verdict(found: Evaluation, currency: str) -> str:
    plan = found.hypothesis
    text = _("Its rule ({rule}) says: {verdict}.")
    rule, verdict = _(RULES[plan.decision_rule]), formats.cell(found.verdict, "word")
    sentences = [text.format(rule=rule, verdict=verdict)]
    if found.q > verdicts.ALPHA >= found.primary["p"]:
        sentences.append(
            _(
                "Alone it would pass, but not among all that were tested (p-values are adjusted "
                "for the number of tests)."
            )
        )
    harmed = (found.table["outcome"] == verdicts.HARMED).any()
    if found.verdict == verdicts.DROP and not harmed and plan.decision_rule != "non_inferiority":
        least = formats.value(plan.smallest_effect, plan.metric, currency)
        text = _("Even the upper end is below {least}, the smallest effect that matters.")
        sentences.append(text.format(least=least))
    return " ".join(sentences)


def _describe_money(found: Evaluation, currency: str) -> list[str]:
    result = found.returns
    if math.isnan(result["net_lowest"]):
        return []
    net, low, high = (
        formats.money(result[name], currency) for name in ("net", "net_lowest", "net_highest")
    )
    of = _("margin") if result["money"].startswith("margin") else _("revenue")
    text = _("Net result for all who were treated: {net} of {of} (likely range {low} to {high}).")
    if result["cost"]:
        text = _("Net result after a cost of {cost}: {net} of {of} (likely range {low} to {high}).")
    cost = formats.money(result["cost"], currency)
    return [text.format(of=of, cost=cost, net=net, low=low, high=high)]
