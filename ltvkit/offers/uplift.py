"""Whom to treat, after a randomized measure: rules of one segment column, found and judged apart.

Half of the customers find the rule, the other half judge it; a rule that is judged by those it was
found on looks better than it is. Where none does better than treating customers at random, by more
than chance, the answer is "cannot tell whom", which is what to expect: effects differ less between
customers than their orders do. The Qini curve is that of N. J. Radcliffe (2007, Direct Marketing
Analytics Journal, 14-21): the outcome gained by treating the best so many, by the rule's order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ltvkit.engines import resampling, sampling
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, TooLittleData
from ltvkit.offers import rule_search
from ltvkit.offers.texts import fill

COVERED = 0.9  # of intervals: 5% of rules that do nothing are named


@dataclass(frozen=True)
class Rule:
    """The best rule of the half that searched, and what the other half says of it.

    `column`, `values`: treat customers with one of these values. On the judging half, per customer,
    each with `_low` and `_high` (90%): `figures` has effect_in (of the treatment, among customers
    of the rule), effect_out (among the others), `difference` (in less out), effect_all, and qini
    (the mean height of the curve above that of treating at random, per customer); and `p`, of one
    side: the share of draws in which the difference is zero or less. `named`: whether
    the difference is above zero by more than chance; else nobody can tell whom. `curve`, `tried`:
    see `find_rule`. `customers`: of the judging half.
    """

    column: str
    values: tuple[str, ...]
    figures: dict[str, float]
    curve: pd.DataFrame
    tried: pd.DataFrame
    customers: int
    share: float
    cost: float

    @property
    def named(self) -> bool:
        """Whether customers of the rule gain more than the others by more than chance."""
        return self.figures["difference_low"] > 0

    @property
    def selective(self) -> bool:
        """Whether treating the others as well loses money by more than chance."""
        return self.named and self.figures["effect_out_high"] < self.cost


def find_rule(
    frame: Frame,
    *,
    by: tuple[str, ...],
    outcome: str = "outcome",
    group: str = "group",
    cost: float = 0.0,
    draws: int = 1000,
    seed: int = 1,
) -> Rule:
    """Customers of a randomized measure -> the `Rule` whom to treat.

    `frame`: a row per customer with customer_id, `group` ("treated" or "control"), `outcome` (such
    as margin after the start) and the segment columns `by`, known before it. `cost`: of one treated
    customer, in the unit of the outcome.

    Customers are dealt into 256 groups by a hash of their id; half of these, drawn by `seed`,
    search. They choose the column whose values differ most in their effect (the smallest p of
    Cochran's Q, which reckons with how many values there are), put its values in the order of their
    effect, and cut where the difference of effects over its standard error is largest. The other
    half judges this rule alone. Values with fewer than 30 treated or 30 control customers in the
    searching half are taken together. `tried`, of the searching half: column, values (of its best
    cut), difference, p.

    `curve`, of the judging half: segment (the next value of the rule's column, the best first),
    `share` (of customers treated up to it), `gain` (outcome gained per customer of all, against
    treating nobody), gain_low, gain_high (90%), `at_random` (of as many drawn at random) and `net`
    (gain less cost). Raises `ColumnError`, `DataError` for other names of groups, `TooLittleData`
    where a half has fewer than 30 treated or control customers.
    """
    if not by:
        raise ParamsError("by: name one segment column at least, as by=('segment',).")
    halves = rule_search.count(frame, by=by, outcome=outcome, group=group)
    rng = np.random.default_rng(seed)
    searching = rng.permutation(sampling.GROUPS)[: sampling.GROUPS // 2]
    judging = np.setdiff1d(np.arange(sampling.GROUPS), searching)
    rule_search.check_size(halves[by[0]], searching, judging)
    tried, ordered = [], {}
    for column in by:
        found = rule_search.search(halves[column], searching)
        if found:
            ordered[column] = found.pop("order")
            tried.append({"column": column, **found})
    if not tried:
        raise TooLittleData(fill("no_segments", least=rule_search.LEAST))
    table = pd.DataFrame(tried)
    best = table.loc[table["p"].idxmin()]
    column, values = str(best["column"]), tuple(best["values"])
    sums = _arrange(halves[column], ordered[column], judging)
    weights = resampling.draw_weights(draws=draws, seed=seed + 1, groups=len(judging))
    figures, curve = _judge(sums, len(values), weights, names=ordered[column], cost=cost)
    people = int(sums[..., [0, 2]].sum())
    return Rule(column, values, figures, curve, table, people, figures.pop("share"), cost)


def spend_budget(rule: Rule, *, customers: int, budget: float, cost: float = 0.0) -> pd.DataFrame:
    """A rule, how many customers there are, and a budget -> what treating within it brings.

    A row each for "by_rule", "at_random" and "everybody": `who`, `treated` (customers, as many as
    the budget pays for at `cost` each; the rule's first; everybody: with no limit), `spent`, `gain`
    (outcome gained by treating them) and `net`. Where the rule is not named, `by_rule` is as
    at_random: nobody can tell whom. Rough, as effects are measured on the judging half.
    """
    cost = cost or rule.cost
    if not cost > 0 or not budget > 0 or customers < 1:
        raise ParamsError(f"budget={budget}, cost={cost}, customers={customers}: give all above 0.")
    treated = min(int(budget / cost), customers)
    share = treated / customers
    everybody = rule.figures["effect_all"] * customers
    curve = np.interp(share, np.r_[0, rule.curve["share"]], np.r_[0, rule.curve["gain"]])
    gains = {
        "by_rule": (treated, float(curve) * customers if rule.named else everybody * share),
        "at_random": (treated, everybody * share),
        "everybody": (customers, everybody),
    }
    rows = [(who, n, n * cost, gain, gain - n * cost) for who, (n, gain) in gains.items()]
    return pd.DataFrame(rows, columns=["who", "treated", "spent", "gain", "net"])


def _arrange(table: pd.DataFrame, ordered: Any, judging: np.ndarray) -> np.ndarray:
    """rule_search.SUMS of the judging half, by group of customers and value, in the rule's
    order."""
    order, named = ordered
    place = {name: n for n, name in enumerate(order)}
    value = (
        table["value"]
        .where(table["value"].isin(named), rule_search.SMALL)
        .map(place)
        .to_numpy(dtype=int)
    )
    number = table["group"].map(lambda digits: int(digits, 16)).to_numpy(dtype=int)
    sums = np.zeros((sampling.GROUPS, len(order), len(rule_search.SUMS)))
    np.add.at(sums, (number, value), table[list(rule_search.SUMS)].to_numpy(dtype=float))
    return sums[judging]


def _judge(
    sums: np.ndarray, cut: int, weights: np.ndarray, *, names: Any, cost: float
) -> tuple[dict[str, float], pd.DataFrame]:
    whole = _measure(sums.sum(axis=0), cut)
    drawn = _measure(np.tensordot(weights, sums, axes=1), cut)
    figures = {"share": float(whole["share"])}
    for name in ("effect_in", "effect_out", "difference", "effect_all", "qini"):
        low, high = resampling.find_limits(drawn[name], covered=COVERED)
        figures |= {name: float(whole[name]), f"{name}_low": low, f"{name}_high": high}
    figures["p"] = float((1 + (drawn["difference"] <= 0).sum()) / (1 + len(weights)))
    ends = [resampling.find_limits(column, covered=COVERED) for column in drawn["gain"].T]
    curve = pd.DataFrame({"segment": names[0], "share": whole["shares"], "gain": whole["gain"]})
    curve[["gain_low", "gain_high"]] = ends
    curve["at_random"] = curve["share"] * whole["effect_all"]
    curve["net"] = curve["gain"] - cost * curve["share"]
    kept = np.diff(np.r_[0.0, curve["share"]]) > 0
    return figures, curve[kept].reset_index(drop=True)


def _measure(sums: np.ndarray, cut: int) -> dict[str, np.ndarray]:
    """rule_search.SUMS by value (the last axis but one), in order -> effects, the curve and the
    area above that of treating at random."""
    upto = sums.cumsum(axis=-2)
    whole = upto[..., -1, :]
    people = upto[..., 0] + upto[..., 2]
    shares = people / people[..., -1:]
    effects = _effect(upto)
    gain = np.where(np.isfinite(effects), effects, 0.0) * shares
    all_ = _effect(whole)
    start = np.zeros_like(shares[..., :1])
    x, y = np.concatenate([start, shares], axis=-1), np.concatenate([start, gain], axis=-1)
    area = ((y[..., 1:] + y[..., :-1]) / 2 * np.diff(x, axis=-1)).sum(axis=-1)
    inside = upto[..., cut - 1, :]
    within, outside = _effect(inside), _effect(whole - inside)
    return {
        "share": shares[..., cut - 1],
        "shares": shares,
        "gain": gain,
        "effect_in": within,
        "effect_out": outside,
        "difference": within - outside,
        "effect_all": all_,
        "qini": area - all_ / 2,
    }


def _effect(sums: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums[..., 1] / sums[..., 0] - sums[..., 3] / sums[..., 2]
