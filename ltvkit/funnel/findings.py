"""The funnel in sentences: where people stop, what stages are worth, and what referral brings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ltvkit.display import formats, joining
from ltvkit.display.texts import describe_grade
from ltvkit.funnel.landmark import LESS, MORE, TOO_FEW
from ltvkit.funnel.referral import Referral
from ltvkit.funnel.stages import FIXED, OF_EVENTS
from ltvkit.funnel.texts import TEXTS, fill
from ltvkit.ingest.records.facts import OTHER

FEW, MOST_NAMES = 30, 5


def finding(table: pd.DataFrame) -> str:
    """The table of `summarize` in sentences: of each half of the funnel the step that most people
    do not take, and how soon half of those do who take it."""
    known = table[table["next_stage_share"].notna() & ~table["few"].astype(bool)]
    second = known["next_stage"].isin(("second_order", "third_order", "loyal"))
    first = ~known["stage"].isin(("purchase", "quiet")) & ~second
    said = [_describe_worst(known[half]) for half in (first, second)]
    back = known[known["next_stage"] == "returned"]
    said += [fill("back", **_figures(row)) for row in back.to_dict("records")]
    return joining.sentences(said) or fill("too_few_steps")


def _describe_worst(rows: pd.DataFrame) -> str:
    if rows.empty:
        return ""
    row = rows.loc[rows["next_stage_share"].idxmin()].to_dict()
    half = "late" if row["next_stage"] in ("second_order", "third_order", "loyal") else "early"
    name = f"worst_{half}" if len(rows) > 1 else "only_step"
    return fill(name, **_figures(row)) + (fill("half_by", **_figures(row)) if _goes(row) else ".")


def _goes(row: dict[str, Any]) -> bool:
    return not formats.is_missing(row["median_days"])


def _figures(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "people": int(row["people"]), "share": float(row["next_stage_share"]),
        "low": float(row["lowest_share"]), "high": float(row["highest_share"]),
        "days": int(row["horizon_days"]), "stage": _at(row["stage"]), "to": _to(row["next_stage"]),
        "half": formats.count(row["median_days"]) if _goes(row) else "",
    }  # fmt: skip


def _at(stage: str) -> str:
    """A stage as what people did: "placed a first order"."""
    name = f"at_{stage}"
    return fill(name) if name in TEXTS else fill("at_own", stage=formats.label(stage))


def _to(stage: str) -> str:
    name = f"to_{stage}"
    return fill(name) if name in TEXTS else fill("to_own", stage=formats.label(stage))


def reconcile(monthly: pd.DataFrame, steps: pd.DataFrame) -> str:
    """The tables of `series` and `summarize` -> whether the months of each step add up to it."""
    keys, sums = ["stage", "next_stage"], ["people", "next_people"]
    by_month = monthly.groupby(keys, sort=False)[sums].sum()
    whole = steps.dropna(subset=["people"]).set_index(keys)[sums]
    equal = bool((by_month == whole.loc[by_month.index]).all(axis=None))
    return fill("months_add_up" if equal else "months_do_not_add_up")


def describe_match(table: pd.DataFrame) -> str:
    """The table of `Joined` in sentences: who could be joined, and what that means."""
    row = table.set_index("kind")
    said = []
    for kind in ("visitors_bought", "new_customers"):
        n, share = int(row["people"][kind]), row["joined_share"][kind]
        if n:
            said.append(fill(kind, n=n, share=float(share)))
    shared = int(row["people"]["shared_devices"])
    said += [fill("shared_devices", n=shared)] if shared else []
    strange = int(row["people"]["named_customers"] - row["joined"]["named_customers"])
    if strange:
        said += [fill("strange_ids", n=strange, of=int(row["people"]["named_customers"]))]
    return joining.sentences(said) or fill("nobody_bought")


def describe_unmapped(names: pd.DataFrame, *, first_half: Sequence[str] = ()) -> str:
    """The table of `records.list_events` -> which names have no stage, the most frequent first; and
    with the stages of the `first_half`, which have one that this funnel does not show."""
    known = names.dropna(subset="stage")
    other = known[~known["stage"].isin([*first_half, *FIXED])] if first_half else known.iloc[:0]
    said = [_describe_open(names)]
    if len(other):
        shown = joining.items(map(str, other["event"].head(MOST_NAMES)))
        said.append(fill("not_shown", n=int(other["events"].sum()), names=shown))
    return joining.sentences(said)


def _describe_open(names: pd.DataFrame) -> str:
    open_ = names[names["stage"].isna()].sort_values(["events", "event"], ascending=[False, True])
    if open_.empty:
        return fill("all_mapped")
    share, n = float(open_["events"].sum() / names["events"].sum()), int(open_["names"].sum())
    told = open_[open_["event"] != OTHER]
    first = (told if len(told) else open_).head(MOST_NAMES)
    rest = n - int(first["names"].sum())
    more = fill("more_names", n=rest) if rest else ""
    shown = joining.items(map(str, first["event"]))
    return fill("not_mapped", n=n, share=share, names=shown) + more


def describe_value(table: pd.DataFrame, *, ever: pd.DataFrame, currency: str = "") -> str:
    """The table of `value_stages`, and that of `compare_ever`, in sentences: of stages that events
    tell, whether customers brought more than others like them; of orders, how much more they bring
    who order again. What chance may explain is told in one sentence, and so is what the simple
    comparison would have said of these."""
    rows, naive = table.set_index("stage"), ever.set_index("stage")
    said, unclear = [], []
    for name in (n for n in rows.index if n in OF_EVENTS):
        row = rows.loc[name]
        if row["verdict"] == TOO_FEW:
            said.append(fill("value_too_few", stage=_at(name), n=int(row["customers"]), least=FEW))
            continue
        if row["verdict"] not in (MORE, LESS):
            unclear.append(name)
            continue
        money = {
            "gap": formats.difference(row["ltv_difference"], "ltv", currency),
            "low": formats.difference(row["low"], "ltv", currency),
            "high": formats.difference(row["high"], "ltv", currency),
            "grade": describe_grade(row["grade"]),
        }
        figures = {"at": int(row["at_days"]), "days": int(row["horizon_days"])}
        said.append(fill(f"value_{row['verdict']}", stage=_at(name), **money, **figures))
    said += _describe_unclear(rows.loc[unclear], naive, currency) if unclear else []
    if "second_order" in rows.index and rows["verdict"]["second_order"] != TOO_FEW:
        row = rows.loc["second_order"]
        money = {
            "later": formats.money(float(row["ltv_later"]), currency),
            "rest": formats.money(float(row["ltv_of_similar"]), currency),
            "low": formats.difference(row["low"], "ltv", currency),
            "high": formats.difference(row["high"], "ltv", currency),
            "grade": describe_grade(row["grade"]),
        }
        second = fill(
            "value_second", at=int(row["at_days"]), days=int(row["horizon_days"]), **money
        )
        said = [second, *said] if row["verdict"] in (MORE, LESS) else [*said, second]
    return joining.sentences(said) or fill("value_nothing")


def _describe_unclear(rows: pd.DataFrame, naive: pd.DataFrame, currency: str) -> list[str]:
    """Stages whose customers may bring as much as others; and the stage of these to which the
    simple comparison gives the most, where it is sure of it."""
    row, n = rows.iloc[0], len(rows)
    stages = joining.items(map(_at, rows.index))
    figures = {"at": int(row["at_days"]), "days": int(row["horizon_days"])}
    said = [fill("value_unclear", n=n, stages=stages, **figures)]
    sure = naive.loc[rows.index].query("low > 0")
    if len(sure):
        most = sure["ltv_difference"].idxmax()
        gap = formats.difference(sure["ltv_difference"][most], "ltv", currency)
        said.append(fill("value_naive", stage=_at(str(most)), naive=gap))
    return said


def describe_referral(found: Referral, *, currency: str = "") -> str:
    """Who brings whom, in sentences: k, and LTV with the customers brought."""
    figures = found.figures
    names = {n: formats.number(100 * figures[n], decimals=1) for n in ("k", "k_low", "k_high")}
    days, codes = int(figures["horizon_days"]), int(figures["codes"])
    said = [fill("brought", n=int(figures["brought"]), codes=codes)]
    if not formats.is_missing(figures["k"]):
        said += [fill("introduces", days=days, **names)]
    if found.refused:
        return joining.sentences([*said, found.refused[:1].upper() + found.refused[1:]])
    worth = {
        n: formats.money(figures[n], currency)
        for n in ("ltv", "ltv_with_brought", "ltv_with_brought_low", "ltv_with_brought_high")
    }
    return joining.sentences([*said, fill("with_brought", days=days, **worth)])


def describe_points(table: pd.DataFrame, *, currency: str = "") -> str:
    """The table of `value_points` in a sentence for each half: where a point is worth the most."""
    known = table[table["worth_a_year"].notna() & (table["low"] > 0)]
    if known.empty:
        return fill("no_points")
    said = []
    for row in known.sort_values("worth_a_year", ascending=False).head(2).to_dict("records"):
        names = {"worth": "worth_a_year", "low": "low", "high": "high"}
        money = {n: formats.money(float(row[of]), currency) for n, of in names.items()}
        who = row["owner"] or row["department"]
        said.append(
            fill("point", stage=_at(row["stage"]), to=_to(row["next_stage"]), who=who, **money)
        )
    return joining.sentences([*said, fill("points_limit")])
