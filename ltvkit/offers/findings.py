"""Offers in sentences: which way to choose them was right most often, and where none is better."""

from __future__ import annotations

import pandas as pd

from ltvkit.display import formats
from ltvkit.offers.holdout import PLAIN
from ltvkit.offers.reorders import FEWEST, HIGH, LOW
from ltvkit.offers.texts import fill

AHEAD = "recall_vs_best_sellers"
NEARLY_ALL = 0.95  # of what was bought is among the best sellers
ROUGH = 0.1  # by which the coverage of intervals may be off without a warning


def finding(compared: pd.DataFrame) -> str:
    """The table of `compare` in a sentence for what was bought again, and one for what was bought
    for the first time: how much of it the method that an earlier day chose had among its offers,
    and whether that is more than best sellers had, by more than chance (95%)."""
    said = [_describe_kind(compared[compared["kind"] == kind], kind) for kind in ("again", "new")]
    return " ".join(filter(None, said))


def _describe_kind(rows: pd.DataFrame, kind: str) -> str:
    if rows.empty or not rows["chosen"].any():
        return ""
    row = rows[rows["chosen"]].iloc[0]
    shares = {n: float(row[n]) for n in ("recall", "recall_low", "recall_high")}
    when = fill(f"judged_by_{row['judged']}", days=int(row["days"]))
    first = fill(f"recall_{kind}", when=when, k=int(row["k"]), method=_name(row), **shares)
    if rows.loc[rows["method"] == PLAIN, "recall"].iloc[0] > NEARLY_ALL:
        return f"{first} {fill('few_items', k=int(row['k']))}"
    if row["method"] == PLAIN:
        clear = rows[rows[f"{AHEAD}_low"] > 0]
        if clear.empty:
            return f"{first} {fill('none_better')}"
        best = clear.loc[clear[AHEAD].idxmax()]
        other = {"method": _name(best), "ahead": formats.points(best[AHEAD])}
        return f"{first} {fill('other_better', **other)}"
    low, high = row[f"{AHEAD}_low"], row[f"{AHEAD}_high"]
    name = "better" if low > 0 else "worse" if high < 0 else "not_better"
    ends = {"low": formats.points(low), "high": formats.points(high)}
    return f"{first} {fill(name, ahead=formats.points(row[AHEAD]), **ends)}"


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
    return " ".join(said)
