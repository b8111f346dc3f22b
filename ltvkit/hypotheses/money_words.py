"""What a measure brought in money, in words: a net gain or loss, or a result before costs."""

from __future__ import annotations

import math

from ltvkit.display import formats, joining
from ltvkit.hypotheses import evaluation as ev
from ltvkit.hypotheses.evaluation import Evaluation
from ltvkit.hypotheses.texts import fill


def describe(found: Evaluation, *, currency: str = "") -> str:
    """The result in money in a sentence or two; where the figure and the money go opposite ways, or
    the money rose by less than the cost, it says so. While a measure runs, what it has brought so
    far, before costs."""
    result = found.returns
    if math.isnan(result["gain_lowest"]):
        return "" if result["cost"] is None else _unknown(found, currency)
    part = _part(found)
    words = _words(found, currency)
    sentences = []
    if found.status != ev.RUNNING and (direction := _name_direction(found)):
        sentences.append(fill(direction))
    sentences.append(fill(_name(found, "result"), **words))
    if result[f"{part}_lowest"] < 0 < result[f"{part}_highest"] and found.status != ev.RUNNING:
        sentences.append(fill("money_unclear"))
    return joining.sentences(sentences)


def mention(found: Evaluation, *, currency: str = "", after_but: bool = False) -> str:
    """The result in money as the end of a sentence about the effect; "" where it is not known.

    `after_but`: the sentence has said "but" already.
    """
    if math.isnan(found.returns["gain_lowest"]):
        return ""
    joint = "joint_but" if _disagrees(found) and not after_but else "joint"
    return fill(joint, money=fill(_name(found, "money"), **_words(found, currency)))


def _part(found: Evaluation) -> str:
    """Net, or before costs: where the cost is not declared, and while a part of the effect is yet
    to come."""
    before = found.returns["cost"] is None or found.status == ev.RUNNING
    return "gain" if before else "net"


def _name(found: Evaluation, kind: str) -> str:
    """The text that fits: a gain or a loss, net or before costs."""
    part = _part(found)
    sign = "gain" if found.returns[part] >= 0 else "loss"
    if part == "net":
        return f"{kind}_{sign}_free" if found.returns["cost"] == 0 else f"{kind}_{sign}"
    running = found.status == ev.RUNNING and kind == "result"
    return f"{kind}_{sign}_{'so_far' if running else 'before_costs'}"


def _words(found: Evaluation, currency: str) -> dict[str, str]:
    """Amounts of one result, all as exact as it takes to see on which side of zero they lie."""
    result, part = found.returns, _part(found)
    ends = [result[name] for name in (part, f"{part}_lowest", f"{part}_highest")]
    least = formats.money_decimals(ends, currency)
    decimals = formats.distinct_decimals(ends, [0], least=least)
    amounts = {
        name: formats.money(x, currency, decimals=decimals)
        for name, x in zip(("amount", "low", "high"), (abs(ends[0]), *ends[1:]), strict=True)
    }
    cost = result["cost"]
    words = {"range": fill("likely_range", low=amounts["low"], high=amounts["high"])}
    words |= {"cost": "" if cost is None else formats.money(cost, currency)}
    words |= {"of": _describe_kind(result)}
    return amounts | words


def _describe_kind(result: dict) -> str:
    """What money: margin, margin by a rate, or revenue, of which goods are yet to be paid."""
    return fill(f"of_{result['of'].replace(' ', '_')}", rate=result["rate"])


def _disagrees(found: Evaluation) -> bool:
    """Whether the figure clearly moved, and the result in money has the opposite sign."""
    return found.clear and found.primary["effect"] * found.returns[_part(found)] < 0


def _name_direction(found: Evaluation) -> str:
    """The text for money that clearly went the other way than the figure, or the same, but by less
    than the cost; "" for others."""
    result, effect = found.returns, found.primary["effect"]
    if not found.clear or result["gain_lowest"] < 0 < result["gain_highest"]:
        return ""
    if effect * result["gain"] < 0:
        return "rose_but" if effect > 0 else "fell_but"
    lost = result["gain"] > 0 and result["net_highest"] < 0
    return "rose_less" if lost else ""


def _unknown(found: Evaluation, currency: str) -> str:
    """The cost is spent; what it brought is not known."""
    if found.status == ev.RUNNING or not found.returns["cost"]:
        return ""
    return fill("money_unknown", cost=formats.money(found.returns["cost"], currency))
