"""Offers in sentences: which way to choose them is best, when to act, and whom to treat."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ltvkit.display import formats, joining
from ltvkit.offers.gaps import FEWEST, HIGH, LOW, YEAR
from ltvkit.offers.holdout import PLAIN
from ltvkit.offers.texts import fill
from ltvkit.offers.timing import ALL, Timing
from ltvkit.offers.uplift import Rule

AHEAD = "recall_vs_best_sellers"
NEARLY_ALL = 0.95  # of what was bought is among the best sellers
ROUGH = 0.1  # by which the coverage of intervals may be off without a warning


def finding(compared: pd.DataFrame) -> str:
    """The table of `compare` in a sentence for what was bought again, and one for what was bought
    for the first time: how much of it the method that an earlier day chose had among its offers,
    and whether that is more than best sellers had, by more than chance (95%)."""
    said = [_describe_kind(compared[compared["kind"] == kind], kind) for kind in ("again", "new")]
    return joining.sentences(said)


def _describe_kind(rows: pd.DataFrame, kind: str) -> str:
    if rows.empty or not rows["chosen"].any():
        return ""
    row = rows[rows["chosen"]].iloc[0]
    if np.isnan(row["recall"]):
        return ""
    shares = {n: float(row[n]) for n in ("recall", "recall_low", "recall_high")}
    when = fill(f"judged_by_{row['judged']}", days=int(row["days"]))
    first = fill(f"recall_{kind}", when=when, k=int(row["k"]), method=_name(row), **shares)
    if rows.loc[rows["method"] == PLAIN, "recall"].iloc[0] > NEARLY_ALL:
        return joining.sentences([first, fill("few_items", k=int(row["k"]))])
    if row["method"] == PLAIN:
        clear = rows[rows[f"{AHEAD}_low"] > 0]
        if clear.empty:
            return joining.sentences([first, fill("none_better")])
        best = clear.loc[clear[AHEAD].idxmax()]
        other = {"method": _name(best), "ahead": formats.points(best[AHEAD])}
        return joining.sentences([first, fill("other_better", **other)])
    low, high = row[f"{AHEAD}_low"], row[f"{AHEAD}_high"]
    name = "better" if low > 0 else "worse" if high < 0 else "not_better"
    ends = {"low": formats.points(low), "high": formats.points(high)}
    return joining.sentences([first, fill(name, ahead=formats.points(row[AHEAD]), **ends)])


def _name(row: pd.Series) -> str:
    """A method in words; a half-life belongs to those that weigh the customer's own purchases."""
    name = fill(f"by_{row['method']}")
    weighed = row["half_life"] > 0 and str(row["method"]).startswith("personal")
    return fill("recent_more", method=name) if weighed else name


def describe_due(checked: pd.DataFrame, *, days: int) -> str:
    """The table of `check_due` in a sentence, with a warning where the intervals missed their share
    or fewer came back than expected."""
    whole = checked[checked["item"] == "all"].iloc[-1]
    n = int(whole["came_back"])
    if n < FEWEST:
        return fill("few_bought_again", n=n, days=days)
    share = float(whole["coverage"])
    said = [fill("due_within", n=n, share=share, days=days, expected=HIGH - LOW)]
    if abs(share - (HIGH - LOW)) > ROUGH:
        said.append(fill("due_rough"))
    ratio = n / float(whole["expected_again"]) - 1
    if abs(ratio) > ROUGH:
        name = "more_again" if ratio > 0 else "fewer_again"
        said.append(fill(name, expected=round(float(whole["expected_again"])), n=n))
    return joining.sentences(said)


def describe_wait(days: int) -> str:
    """The days of `choose_wait` in a sentence."""
    return fill("waited_for", n=days, half="" if days == YEAR else fill("half_of_the_orders"))


def describe_list(due: pd.DataFrame, *, days: int = 30) -> str:
    """The table of `summarize_due` in a sentence: how many purchases are due, or why none is."""
    n = int(due["customers"].sum())
    return fill("somebody_due", n=n, days=days) if n else fill("nobody_due", days=days)


def describe_timing(timing: Timing) -> str:
    """The window of all orders in a sentence, and of which order it is the latest or the
    soonest."""
    row = timing.windows.set_index("order_number").loc[ALL]
    said = [
        fill(
            "leaving_rate", rate=float(row["leaving_rate"]), lapse=timing.lapse_days,
            low=float(row["leaving_rate_low"]), high=float(row["leaving_rate_high"]),
        )
    ]  # fmt: skip
    days = {
        n: int(row[n]) for n in ("opens_days", "closes_days", "opens_days_low", "opens_days_high")
    }
    said += [fill("window", **days, lapse=timing.lapse_days)]
    each = timing.windows.dropna().set_index("order_number").drop(index=ALL, errors="ignore")
    if 1 in each.index and len(each) > 1:
        first, later = each.loc[1], each.loc[each.index.max()]
        more = first["leaving_rate_low"] > later["leaving_rate_high"]
        fewer = first["leaving_rate_high"] < later["leaving_rate_low"]
        name = "first_orders_leave" if more else "later_orders_leave" if fewer else "orders_alike"
        rates = {"first": float(first["leaving_rate"]), "later": float(later["leaving_rate"])}
        said += [fill(name, n=int(each.index.max()), **rates)]
    return joining.sentences(said)


def describe_incentives(table: pd.DataFrame, *, currency: str = "") -> str:
    """The table of `weigh_incentives` in a sentence."""
    n = int(table["customers"].iloc[0])
    if not n:
        return fill("nobody_enters")
    if not table["stake"].iloc[0] > 0:
        return fill("nothing_at_stake", n=n)
    stake = formats.money(float(table["stake"].iloc[0]), currency)
    first, last = table.iloc[0], table.iloc[-1]
    figures: dict[str, Any] = {"n": n, "stake": stake}
    for name, row in (("low", first), ("high", last)):
        figures[f"lift_{name}"] = formats.number(100 * row["lift_share"])
        figures[f"cost_{name}"] = formats.money(float(row["pays_up_to"]), currency)
    return fill("incentive", **figures)


def describe_rule(rule: Rule, *, named: bool | None = None, unit: str = "") -> str:
    """The rule in sentences: whom the measure works for better, or that nobody can tell.

    `unit`: of the outcome, such as "JPY"; `named`: whether it may be named, where several rules are
    looked at together (None: as if it were the only one)."""
    figures = {n: formats.difference(x, "revenue", unit) for n, x in rule.figures.items()}
    tried = fill("rules_tried", n=len(rule.tried))
    if not (rule.named if named is None else named):
        pays = {"pays": "treat_all", "loses": "treat_nobody", "unclear": "unclear_for_all"}
        of_all = fill(pays[_weigh(rule, "effect_all")], **figures)
        why = "cannot_tell_of_several" if rule.named else "cannot_tell_whom"
        return joining.sentences([fill(why, **figures), of_all, tried])
    who = {"column": formats.label(rule.column), "values": joining.items(rule.values)}
    whom = {"pays": "tell_whom", "loses": "better_but_loses", "unclear": "better_but_unclear"}
    name = "less_harm" if rule.figures["effect_in"] < 0 else whom[_weigh(rule, "effect_in")]
    said = fill(name, share=rule.share, **who, **figures)
    rest = "others_lose" if rule.selective else "others_unclear"
    return joining.sentences([said, fill(rest, **figures), tried])


def _weigh(rule: Rule, name: str) -> str:
    """Whether an effect is more than the treatment costs: "pays", "loses", or "unclear"."""
    if rule.figures[f"{name}_low"] > rule.cost:
        return "pays"
    return "loses" if rule.figures[f"{name}_high"] < rule.cost else "unclear"
