"""The findings on first orders in sentences, none of which says more than its table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.display import formats, joining
from ltvkit.traits.acquisition_costs import DEAR, EVERYBODY, ROOM
from ltvkit.traits.comparison import BETTER, PARTS_OF_LTV, UNCLEAR, WORSE, YES
from ltvkit.traits.first_day_values import MODELS, FirstDayValue
from ltvkit.traits.first_orders import PREFIX
from ltvkit.traits.following import Followed
from ltvkit.traits.texts import TEXTS, fill

NAMED = 3  # values in one sentence
OWN_PARTS = [name.removeprefix(PREFIX) for name in PARTS_OF_LTV]


def finding(compared: pd.DataFrame, followed: Followed, *, currency: str = "") -> str:
    """A table of `compare`, and the customers it was made of -> who brought more, and who less.

    The largest clear differences are named, at most three each way, with their range; a sentence of
    its own is on the amount of the first order, with which LTV begins. Where nothing is clear, it
    says so, and how many values were compared.
    """
    parts = compared["trait"].isin(OWN_PARTS)
    clear = compared[compared["verdict"] != UNCLEAR]
    traits = clear[~parts[clear.index]]
    tried = int(compared.loc[~parts, "q"].notna().sum())
    said = [_describe_scope(followed, currency)]
    for verdict in (BETTER, WORSE):
        rows = traits[traits["verdict"] == verdict]
        said += [_describe_rows(rows, verdict, currency)] if len(rows) else []
    if traits.empty:
        said.append(fill("no_trait", n=tried) if tried else fill("no_values"))
    else:
        said.append(fill("no_cause", n=tried))
    rows = clear[parts[clear.index] & (clear["verdict"] == BETTER)]
    said += [_describe_parts(rows, currency)] if len(rows) else []
    return joining.sentences([*said, followed.note])


def describe_pairs(pairs: pd.DataFrame, *, currency: str = "") -> str:
    """A table of `combine` -> which combinations bring more or less than both values alone say."""
    if pairs.empty:
        return fill("no_pairs")
    beyond = np.where(pairs["ltv"] > pairs["ltv_expected"], BETTER, WORSE)
    clear = pairs[(pairs["verdict"] == beyond) & (pairs["more_than_both"] == YES)]
    n, judged = len(pairs), int((pairs["verdict"] != UNCLEAR).sum())
    if clear.empty:
        return fill("pairs_say_no_more" if judged else "no_pair", n=n)
    said = []
    for verdict in (BETTER, WORSE):
        rows = clear[clear["verdict"] == verdict].sort_values("worth", key=abs, ascending=False)
        if len(rows):
            named = joining.clauses(
                _name_pair(row, currency) for _i, row in rows.head(NAMED).iterrows()
            )
            said.append(fill(f"pairs_{verdict}", named=named))
    return joining.sentences([*said, fill("pairs_tried", n=n)])


def describe_costs(
    table: pd.DataFrame, *, by: str = "channel", months: int, currency: str = ""
) -> str:
    """A table of `afford` -> which values of `by` bring back what they cost, and which do not;
    without such values, whether all customers together do."""
    known = table[table["acquisition_cost"].notna() & table["affordable_cost"].notna()]
    rows = known[known["trait"] == by]
    rows = known[known["trait"] == EVERYBODY] if rows.empty else rows
    if rows.empty:
        return fill("no_costs")
    said = []
    for verdict in (ROOM, DEAR, UNCLEAR):
        chosen = rows[rows["verdict"] == verdict].sort_values("headroom", ascending=verdict == DEAR)
        if len(chosen):
            named = joining.clauses(
                _name_cost(row, currency) for _i, row in chosen.head(NAMED).iterrows()
            )
            left = len(chosen) - NAMED
            more = joining.go_on(fill("more_values", n=left)) if left > 0 else ""
            said.append(fill(f"costs_{verdict}", named=named, more=more, months=months))
    return joining.sentences(said)


def describe_value(value: FirstDayValue, *, currency: str = "") -> str:
    """A `FirstDayValue` -> which model won, how well it did, and what the best tenth brought."""
    own = value.table.set_index("method").loc[value.model]
    figures: dict[str, Any] = {
        "model": fill(f"model_{value.model}"),
        "n": int(own["customers"]),
        "from": formats.date(value.split),
        "months": value.months,
    }
    if value.model == MODELS[0]:
        return fill("value_mean", **figures)
    best = value.deciles.iloc[0]
    money = {name: formats.money(best[name], currency) for name in ("predicted", "actual")}
    figures["best"] = int(best["customers"])
    said = fill("value_won", saved=float(own["error_saved"]), **figures, **money)
    mape = float(own["decile_mape"])
    return said if np.isnan(mape) else joining.sentences([said, fill("value_tenths", mape=mape)])


def name_value(trait: str, group: str) -> str:
    """A value of a trait in words.

    >>> name_value("weekday", "Monday"), name_value("channel", "search")
    ('on a Monday', 'channel search')
    """
    key = f"named_{trait}"
    return (
        fill(key, group=group)
        if key in TEXTS
        else fill("named", trait=formats.label_inside(trait), group=group)
    )


def _describe_scope(followed: Followed, currency: str) -> str:
    born = followed.table["born"]
    first, last = (formats.month(periods.label(int(n), "month")) for n in (born.min(), born.max()))
    mean = formats.money(followed.table["ltv"].mean(), currency)
    return fill(
        "scope", n=len(born), first=first, last=last, mean=mean, of=followed.unit,
        months=followed.months,
    )  # fmt: skip


def _describe_rows(rows: pd.DataFrame, verdict: str, currency: str) -> str:
    ordered = rows.sort_values("ltv_difference", key=abs, ascending=False)
    named = joining.clauses(
        _name_row(row, currency) for _index, row in ordered.head(NAMED).iterrows()
    )
    left = len(rows) - NAMED
    more = joining.go_on(fill("more_values", n=left)) if left > 0 else ""
    return fill(verdict, named=named, more=more)


def _name_row(row: pd.Series, currency: str) -> str:
    sign = -1 if row["verdict"] == WORSE else 1
    ends = sorted(abs(row[n]) for n in ("low", "high"))
    later = fill("seen_later" if row["seen_later"] == YES else "not_sure_later")
    figures = _show(sign * row["ltv_difference"], *ends, currency=currency)
    named = name_value(row["trait"], row["group"])
    return fill("row", named=named, share=float(row["customers_share"]), later=later, **figures)


def _name_pair(row: pd.Series, currency: str) -> str:
    ends = sorted(abs(row[n]) for n in ("low", "high"))
    both = (name_value(row["trait"], row["group"]), name_value(row["trait_2"], row["group_2"]))
    figures = _show(abs(row["ltv_difference"]), *ends, currency=currency)
    worth = formats.money(abs(row["worth"]), currency)
    one, two = both
    return fill("pair", one=one, two=two, n=int(row["customers"]), worth=worth, **figures)


def _name_cost(row: pd.Series, currency: str) -> str:
    figures = ("acquisition_cost", "affordable_cost", "high")
    money = {n: formats.money(row[n], currency) for n in figures}
    return fill(f"cost_{row['verdict']}", named=name_value(row["trait"], row["group"]), **money)


def _describe_parts(rows: pd.DataFrame, currency: str) -> str:
    """The best value of each trait that is part of LTV, the largest difference first."""
    best = rows.sort_values("ltv_difference", ascending=False).drop_duplicates("trait")
    names = ("parts", *["more_parts"] * (len(best) - 1))
    return joining.sentences(
        fill(
            name,
            named=name_value(row["trait"], row["group"]),
            amount=formats.money(row["ltv_difference"], currency),
        )
        for name, row in zip(names, best.to_dict("records"), strict=True)
    )


def _show(*amounts: float, currency: str) -> dict[str, str]:
    names: Sequence[str] = ("amount", "low", "high")
    return {name: formats.money(x, currency) for name, x in zip(names, amounts, strict=True)}
