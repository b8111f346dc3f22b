"""A change in sentences: what it was, and its reasons beyond chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ltvkit.core.i18n import _
from ltvkit.display import formats, joining
from ltvkit.drivers.change import Change
from ltvkit.drivers.factors import SIDES, add_up_factors
from ltvkit.drivers.leaves import LEAVES
from ltvkit.drivers.texts import fill
from ltvkit.errors import TooLittleData

NAMED, LARGE = 3, 0.1  # reasons in the sentence, and what of the largest part they are at least
SAME = 0.01  # a change of less is "about as much"
YEAR = 12  # months
BEYOND_CHANCE = 4  # standard errors of a difference of two counts
CLEAR = ("raised", "lowered", "raised_margin", "lowered_margin")


def describe_ltv(found: Change, *, currency: str = "") -> str:
    """What `measure_ltv` found: LTV, at which age, of whose cohorts."""
    figures = {"n": found.months, "cohorts": found.names[0]}
    return fill("ltv_measured", **figures, ltv=formats.money(found.after, currency))


def finding(found: Change, *, currency: str = "") -> str:
    """A change in a sentence; what orders and order value did; and the clear reasons: those for it
    first, then those against it."""
    first, last = found.names
    change = found.after - found.before
    figures: dict[str, Any] = {"last": last, "first": first, "n": found.months}
    figures["now"] = formats.money(found.after, currency)
    small = abs(change) < SAME * found.before or not change
    known = found.before > 0 and found.after >= 0
    share = joining.aside("", formats.change(change / found.before)) if known else ""
    amount = formats.money(abs(change), currency)
    kind = "ltv" if found.months else "shops" if found.shops else found.of
    kind += "_margin" * (kind == "shops" and found.of == "margin")
    figures["period"] = formats.period(found.periods[1])
    name = f"{kind}_same" if small else f"{kind}_rose" if change > 0 else f"{kind}_fell"
    if not found.before and found.after > 0 and not found.shops and not found.months:
        name = f"{kind}_from_nothing"
    said = fill(name, **figures, amount=amount, share=share)
    sign = 0.0 if small else float(np.sign(change))
    season = fill("other_seasons") if 0 < found.months < YEAR and not small else ""
    nobody = fill("nobody_bought", period=last) if _is_silent(found) else ""
    reasons = _describe_reasons(found, sign, currency)
    unknown = fill("no_margin", n=found.no_margin) if found.no_margin else ""
    return joining.sentences(
        filter(None, [nobody, said, _describe_factors(found, currency), reasons, season, unknown])
    )


def _is_silent(found: Change) -> bool:
    """Whether nobody bought in the second period: money then moved by what was sent back."""
    if found.shops:
        return False
    bought = found.table.loc[found.table["leaf"].map(_counts_customers), "value_after"]
    return len(bought) > 0 and bool((bought == 0).all())


def _counts_customers(leaf: str) -> bool:
    known = LEAVES.get(leaf, {})
    return known.get("factor") == "customers" and bool(known.get("department"))


def _describe_factors(found: Change, currency: str) -> str:
    """What orders and order value did; empty where nothing moved, or the leaves are no finer."""
    if not found.table[found.moved].any():
        return ""
    try:
        table = add_up_factors(found).set_index("factor")
    except TooLittleData:
        return ""
    if len(found.formula.leaves) == len(table):
        return ""
    parts = table[found.moved].to_dict()
    customers, often = parts["customers"], parts["orders_per_customer"]
    orders = table.loc[["customers", "orders_per_customer"], SIDES].prod()
    split = {"customers": customers, "often": often}
    split = {name: formats.difference(x, "revenue", currency) for name, x in split.items()}
    between = bool(found.shops)
    said = _describe_factor("orders", orders, customers + often, currency, between, **split)
    worth, change = table.loc["order_value", SIDES], parts["order_value"]
    other = _describe_factor("order_value", worth, change, currency, between)
    said = _("{one}; {other}").format(one=said, other=other)
    if found.of == "revenue":
        return said
    rate, change = table.loc["margin_rate", SIDES], parts["margin_rate"]
    return joining.sentences(
        [said, _describe_factor("margin_rate", rate, change, currency, between)]
    )


def _describe_factor(
    name: str, sides: pd.Series, change: float, currency: str, between: bool, **split: str
) -> str:
    old, new = (formats.value(sides[side], name, currency) for side in SIDES)
    way = "same" if old == new else "rose" if sides[SIDES[1]] > sides[SIDES[0]] else "fell"
    way = "between" if between else way
    amount = formats.difference(change, "revenue", currency)
    return fill(f"{name}_{way}", old=old, new=new, amount=amount, **split)


def _describe_reasons(found: Change, sign: float, currency: str) -> str:
    """What moved the figure beyond chance, in the direction of its change and against it."""
    table, moved = found.table, found.moved
    owned = table[(table["department"] != "") & (table[moved] != 0)]
    if len(owned) and owned["low"].isna().all():
        return _describe_few(found, sign)
    clear = table[table["verdict"].isin(CLEAR)]
    clear = clear[clear[moved].abs() >= LARGE * clear[moved].abs().max()]
    clear = clear.reindex(clear[moved].abs().sort_values(ascending=False).index).head(NAMED)
    with_it = clear[moved] * sign > 0
    said = [
        joining.items(_name_reason(found, row, currency) for _index, row in rows.iterrows())
        for rows in (clear[with_it], clear[~with_it])
    ]
    if not sign and said[1]:
        return fill("offsetting", reasons=said[1])
    none = fill("no_clear_reason") if sign else ""
    texts = [fill("reasons", reasons=said[0]) if said[0] else none]
    texts += [fill("against", reasons=said[1])] * bool(said[1])
    rest = table[(table[moved] != 0) & ~table["leaf"].isin(clear["leaf"])]
    if len(rest) and len(clear):
        amount = formats.difference(rest[moved].sum(), "revenue", currency)
        texts += [fill("rest", amount=amount)]
    return joining.sentences(texts)


def _describe_few(found: Change, sign: float) -> str:
    """That there are too few customers on a side; or that this is what moved the figure."""
    if _is_silent(found):
        return ""  # said before
    try:
        old, new = add_up_factors(found).set_index("factor").loc["customers", SIDES]
    except TooLittleData:
        return fill("too_few_to_tell")
    if found.shops or (new - old) * sign < BEYOND_CHANCE * np.sqrt(old + new):
        return fill("too_few_to_tell")
    counts = {"old": formats.count(old), "new": formats.count(new)}
    return fill("customers_collapsed" if new < old else "customers_appeared", **counts)


def _name_reason(found: Change, row: pd.Series, currency: str) -> str:
    amount = formats.difference(row[found.moved], "revenue", currency)
    old, new = (
        formats.value(row[side], row["leaf"], currency) for side in ("value_before", "value_after")
    )
    moved = _("{old} to {new}").format(old=old, new=new)
    return fill("reason", what=found.tree.describe_move(row), values=moved, amount=amount)
