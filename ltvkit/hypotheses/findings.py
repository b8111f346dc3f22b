"""What a hypothesis found, in sentences made from its figures, so that they cannot contradict them.

Only a comparison drawn at random says "caused"; a control segment "points to"; anything else "went
with", next to what is natural.
"""

from __future__ import annotations

import math

from ltvkit.core.i18n import N_, _
from ltvkit.display import formats
from ltvkit.hypotheses import evaluation as ev
from ltvkit.hypotheses import verdicts
from ltvkit.hypotheses.effects.validity import SIZE
from ltvkit.hypotheses.evaluation import Evaluation

SEEN = {
    "A": N_("The measure caused a change of {effect} in {metric} (95%: {low} to {high})."),
    "B": N_("The comparison points to a change of {effect} in {metric} (95%: {low} to {high})."),
    "C": N_(
        "The measure went with {effect} in {metric} beyond what is natural (95%: {low} to {high})."
    ),
}
UNSEEN = {
    "A": N_("No effect on {metric} can be told from chance: {effect} (95%: {low} to {high})."),
    "C": N_("What is left of it, {effect} (95%: {low} to {high}), cannot be told from chance."),
}
SEEN["D"], UNSEEN["B"], UNSEEN["D"] = SEEN["C"], UNSEEN["A"], UNSEEN["C"]
RULES = {
    "superiority": N_("better than without"),
    "superiority_by_margin": N_("better by the smallest effect worth having"),
    "non_inferiority": N_("no worse than without"),
}
FEW = 0.3  # of the effect: from here on the 1% who bought most are mentioned


def finding(found: Evaluation, *, currency: str = "") -> str:
    """One hypothesis in a few sentences: what was seen, what is natural, what is advised."""
    if found.status != ev.DRAFT and found.table.empty:
        return _("Dropped before it began.")
    if found.status == ev.DRAFT:
        text = _("Begins on {start} and runs for {days} days.")
        return text.format(start=found.hypothesis.start, days=found.hypothesis.days)
    sampled = [found.sampled] if found.sampled else []
    if found.status == ev.RUNNING:
        return " ".join([_so_far(found, currency), *sampled])
    said = [_primary(found, currency), *_guardrails(found, currency), *_top(found)]
    said += [_advice(found, currency), *_money(found, currency)]
    if not found.hypothesis.standing.in_time:
        said += [_("It was not on record, as it is now, before it began: this may fit by design.")]
    return " ".join([*said, *sampled])


def headline(found: Evaluation, *, currency: str = "") -> str:
    """One hypothesis in a line: its title, the verdict, and the effect with its interval."""
    said = [f"{found.hypothesis.title}: {_(found.verdict)}."]
    if found.table.empty or math.isnan(found.primary["lowest"]):
        return f"{said[0]} ({found.hypothesis.owner})"
    names = _figures(found, found.primary, currency) | {"grade": found.grade}
    text = _("{metric} {effect} (95%: {low} to {high}), evidence {grade}.").format(**names)
    harmed = found.table.loc[found.table["outcome"] == verdicts.HARMED, "metric"]
    said += [text[0].upper() + text[1:]]
    said += [_("Harmed: {metric}.").format(metric=formats.label(m).lower()) for m in harmed]
    said += [_("Not on record, as it is now, before it began.")] * (
        not found.hypothesis.standing.in_time
    )
    return " ".join([*said, f"({found.hypothesis.owner})"])


def _figures(found: Evaluation, row, currency: str) -> dict[str, str]:
    """The numbers of a row, in words."""
    metric = row["metric"]
    names = {"effect": "effect", "low": "lowest", "high": "highest", "natural": "natural_change"}
    names |= {"raw": "raw_effect", "raw_low": "raw_lowest", "raw_high": "raw_highest"}
    said = {
        name: formats.difference(row[column], metric, currency) for name, column in names.items()
    }
    return said | {
        "metric": formats.label(metric).lower(),
        "after": formats.value(row["after"], metric, currency),
        "without": formats.value(row["after"] - row["effect"], metric, currency),
        "n": formats.count(len(found.natural)),
    }


def _primary(found: Evaluation, currency: str) -> str:
    row = found.primary
    said = _figures(found, row, currency)
    if math.isnan(row["lowest"]):
        text = _("{metric}: a change of {raw} (95%: {raw_low} to {raw_high}, by chance alone). ")
        why = _("What would have happened anyway is not known, so nothing is concluded.")
        if found.hypothesis.comparison == "randomized" or not _enough(found):
            why = _("That is too little, or too doubtful, to conclude anything from.")
        text = text.format(**said) + why
        return text[0].upper() + text[1:]
    text = _((SEEN if _seen(found) else UNSEEN)[found.grade]).format(**said)
    if found.grade == "A":
        return text + " " + _("With it {after}, without it {without}.").format(**said)
    before = _(
        "{metric}: a change of {raw} as it stands; {natural} is natural, by the same comparison "
        "on {n} past dates when nothing was done."
    ).format(**said)
    return f"{before[0].upper()}{before[1:]} {text}"


def _enough(found: Evaluation) -> bool:
    return not (found.checks["check"] == SIZE).any()


def _seen(found: Evaluation) -> bool:
    """Whether the effect can be told from chance, by itself and among all that was tried."""
    row = found.primary
    return (row["lowest"] > 0 or row["highest"] < 0) and not found.q > verdicts.ALPHA


def _so_far(found: Evaluation, currency: str) -> str:
    row = found.primary
    said = _figures(found, row, currency) | {"until": found.hypothesis.until}
    text = _("Still running until {until}: there is no verdict before the end.").format(**said)
    if math.isnan(row["lowest"]):
        return text
    more = _("So far {effect} in {metric} ({low} to {high}, valid however often one looks).")
    harmed = _guardrails(found, currency)
    return " ".join([text, more.format(**said), *harmed])


def _guardrails(found: Evaluation, currency: str) -> list[str]:
    text = _("Guardrail harmed: {effect} in {metric} (95%: {low} to {high}).")
    harmed = found.table[found.table["outcome"] == verdicts.HARMED]
    return [text.format(**_figures(found, row, currency)) for _i, row in harmed.iterrows()]


def _top(found: Evaluation) -> list[str]:
    share = found.extras["top_share"]
    if not _seen(found) or not FEW < share <= 1:
        return []
    text = _("The 1% of customers who bought most make up {share} of the change as it stands.")
    return [text.format(share=formats.share(share, decimals=0))]


def _advice(found: Evaluation, currency: str) -> str:
    rule = _(RULES[found.hypothesis.decision_rule])
    said = _("By its rule ({rule}): {verdict}.").format(rule=rule, verdict=_(found.verdict))
    if found.q > verdicts.ALPHA >= found.primary["p"]:
        said += " " + _("Alone it would stand, but not among all the hypotheses that were tried.")
    if found.verdict == verdicts.DROP and not (found.table["outcome"] == verdicts.HARMED).any():
        known = found.hypothesis
        least = formats.value(known.smallest_effect, known.metric, currency)
        text = _("Even the upper end lies below {least}, the smallest effect worth having.")
        if known.decision_rule != "non_inferiority":
            said += " " + text.format(least=least)
    return said


def _money(found: Evaluation, currency: str) -> list[str]:
    known = found.returns
    if math.isnan(known["net_lowest"]):
        return []
    money = {
        name: formats.money(known[column], currency)
        for name, column in (("net", "net"), ("low", "net_lowest"), ("high", "net_highest"))
    }
    of = _("margin") if known["money"].startswith("margin") else _("revenue")
    text = _("Effect times all treated customers: {net} of {of} (95%: {low} to {high}).")
    if known["cost"]:
        text = _(
            "Effect times all treated customers, less the cost of {cost}: {net} of {of} "
            "(95%: {low} to {high})."
        )
    cost = formats.money(known["cost"], currency)
    return [text.format(of=of, cost=cost, **money)]
