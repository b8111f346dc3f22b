"""Enquiries in sentences: who answers, what causes them, what comes after them, and what to do."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from ltvkit.core.i18n import _
from ltvkit.display import formats, joining
from ltvkit.display.texts import describe_grade
from ltvkit.support import savings
from ltvkit.support.after_purchase import Guides
from ltvkit.support.causes import Causes
from ltvkit.support.routing import Router
from ltvkit.support.texts import fill

NAMED = 4
HOUR = 60  # minutes
LONG = 2  # years of enquiries about an intent: too many to wait for
SAME = 0.01  # a change of less is none
AFTER = {"lower": "", "higher": "_higher"}  # verdict -> how the name of its sentence ends


def finding(router: Router, *, minute_cost: float = 0.0, currency: str = "") -> str:
    """Which intents may be answered automatically, as it was tested, and what that saves a year."""
    table = savings.price(router.table, minute_cost=minute_cost)
    automatic = table[table["verdict"] == "automatic"]
    said = [_promise(router, automatic)]
    hours = float(automatic["minutes_saved"].sum(skipna=False)) / HOUR
    if len(automatic) and np.isfinite(hours):
        n = round(automatic["automatic_a_year"].sum())
        said.append(fill("hours_saved", n=n, hours=formats.count(hours)))
    if len(automatic) and automatic["money_saved"].notna().all():
        money = formats.money(float(automatic["money_saved"].sum()), currency)
        said.append(fill("money_saved", money=money))
    return joining.sentences(said)


def describe_labels(router: Router) -> str:
    """What the other intents lack: more labels, or texts that tell them apart; "" if nothing."""
    table, said = router.table, []
    more = table[table["verdict"] == "needs_labels"]
    if len(more):
        nearest = more.loc[more["more_labels"].idxmin()]
        n, pace = int(nearest["more_labels"]), _pace(router, int(nearest["labelled"]))
        figures = {"pace": formats.count(pace), "years": formats.number(n / pace, decimals=1)}
        said.append(fill("more_labels", name=_name(nearest["intent"]), n=n, **figures))
        said += [fill("too_rare")] * (n > LONG * pace)
    mixed = table.loc[table["verdict"] == "not_told_apart", "intent"]
    if len(mixed):
        said.append(fill("not_told_apart", names=_list(mixed)))
    return joining.sentences(said)


def _pace(router: Router, labelled: int) -> float:
    """So many labelled enquiries -> how many they are a year; one at least."""
    days = (router.parts["until"].max() - router.parts["start"].min()).days + 1
    return max(labelled * savings.YEAR / days, 1.0)


def _promise(router: Router, automatic: pd.DataFrame) -> str:
    shares = {"promise": router.promise, "confidence": router.confidence}
    told = {name: formats.share(x, decimals=0) for name, x in shares.items()}
    if automatic.empty:
        return fill("nothing_automatic", **told)
    least = router.parts.set_index("part").loc["test"]
    return fill(
        "automatic", names=_list(automatic["intent"]), n=len(automatic), **told,
        tested=int(automatic["tested"].sum()),
        start=least["start"].date(), until=least["until"].date(),
    )  # fmt: skip


def reconcile(intents: pd.DataFrame, router: Router) -> str:
    """Enquiries with a known intent, and how many of them the three parts of a router have."""
    known, used = int(intents["labelled"].sum()), int(router.parts["enquiries"].sum())
    return fill("intents_reconcile", known=f"{known}", used=f"{used}")


def describe_waiting(waiting: pd.DataFrame) -> str:
    """The table of `summarize_waiting` in a sentence."""
    n = int(waiting["enquiries"].sum())
    if not n:
        return fill("nobody_waits")
    people = waiting[waiting["reason"] != "automatic"]
    k = int(people["enquiries"].sum())
    said = fill("waits_none" if not k else "waits_all" if k == n else "waits", n=n, k=k)
    if not k:
        return said
    named = [
        fill("waiting_for", n=int(row.enquiries), reason=formats.cell(row.reason, "word"))
        for row in people.itertuples()
    ]
    return joining.sentences([said, fill("waiting_reasons", named=joining.items(named))])


def describe_causes(causes: Causes, rising: Causes) -> str:
    """The causes in a sentence each, the clearest first, and what is new since the last period."""
    new = rising.table[rising.table["kind"] == "new"]
    known = causes.table
    table = known[(known["place"] != "quarter") | ~known["phrases"].isin(new["phrases"])]
    if known.empty:
        said = [fill("no_cause")]
    else:
        said = [_describe_cause(row) for _n, row in table.head(NAMED).iterrows()]
        if len(table) > NAMED:
            said.append(fill("more_causes", n=len(table) - NAMED))
        said += [fill("no_proof")] * bool(len(table))
    for _n, row in new.head(NAMED).iterrows():
        since = row["first_seen"].date()
        figures = {"n": int(row["with_phrase"]), "customers": int(row["customers"])}
        said.append(fill("new_cause", phrases=row["phrases"], since=since, **figures))
    return joining.sentences(said)


def _describe_cause(row: pd.Series) -> str:
    where = fill("where", place=formats.label(row["place"]), group=row["group"])
    return fill(
        "cause", where=where, phrases=row["phrases"], n=int(row["with_phrase"]),
        of=round(row["with_phrase"] / row["share"]), share=float(row["share"]),
        others=float(row["share_of_others"]),
    )  # fmt: skip


def describe_after(table: pd.DataFrame, *, within: int = 90) -> str:
    """The table of `compare_after` in sentences, of unsolved enquiries and of long waits: each that
    is clear, and in one sentence those that chance may explain."""
    said, unclear = [], []
    for group, against in (("not_solved", "solved"), ("longer", "within_a_day")):
        rows = table[(table["case"] == group) & (table["against"] == against)]
        if rows.empty:
            continue
        row = rows.iloc[0]
        if row["verdict"] not in AFTER:
            unclear.append(fill(f"after_case_{group}"))
            continue
        figures = {"n": int(row["customers"]), "own": float(row["retention"]), "days": within}
        figures |= {"other": float(row["retention_of_others"])}
        low, high = row["retention_difference_low"], row["retention_difference_high"]
        ends = {"low": formats.points(low), "high": formats.points(high)}
        ends["difference"] = formats.points(row["retention_difference"])
        ends["grade"] = describe_grade(row["grade"])
        said.append(fill(group + AFTER[row["verdict"]], **figures, **ends))
    if unclear:
        said.append(fill("after_unclear", n=len(unclear), cases=joining.items(unclear)))
    return joining.sentences(said) or fill("after_not_recorded")


def describe_guides(guides: Guides, *, days: int = 30) -> str:
    """Which products need a guide with the first order, and how many customers to write to."""
    needing = guides.table[guides.table["verdict"] == "needs_guide"]
    if needing.empty:
        return fill("no_guide", n=len(guides.table), days=days)
    n = guides.customers["customer_id"].nunique()
    shown = [_describe_guide(row) for _n, row in needing.head(NAMED).iterrows()]
    rest = len(needing) - len(shown)
    named = joining.items([*shown, *([fill("and_more", n=rest)] if rest else [])])
    return fill("guide", named=named, n=n, days=days)


def _describe_guide(row: pd.Series) -> str:
    exact = stats.binomtest(int(row["asked"]), int(row["first_orders"])).proportion_ci()
    name = row["product"] if "product" in row and pd.notna(row["product"]) else row["product_id"]
    figures = {"share": float(row["asked_share"]), "others": float(row["share_of_others"])}
    return fill("guide_product", name=_name(name), low=exact.low, high=exact.high, **figures)


def describe_leaf(leaf: pd.DataFrame, *, days: int = 365) -> str:
    """The table of `measure_leaf` in a sentence: how the work changed, and what changed it."""
    rows = leaf.set_index("leaf")
    whole = rows.loc["minutes"]
    figures = {n: formats.count(whole[n] / HOUR) for n in ("before", "after")}
    if pd.isna(whole["before"]):
        return fill("leaf_alone", days=days, after=figures["after"])
    if abs(whole["minutes_changed"]) < SAME * whole["before"]:
        return fill("leaf_same", days=days, **figures)
    parts = rows["minutes_changed"].drop("minutes")
    most = str((parts * np.sign(whole["minutes_changed"])).idxmax())
    part = formats.difference(parts[most] / HOUR, "orders", decimals=0)
    return fill("leaf", days=days, name=_(_name(most)), part=part, **figures)


def _list(names: pd.Series) -> str:
    shown = [_name(name) for name in names.head(2 * NAMED)]
    rest = len(names) - len(shown)
    return joining.items([*shown, *([fill("and_more", n=rest)] if rest else [])])


def _name(name: str) -> str:
    return formats.line(str(name).replace("_", " "))
