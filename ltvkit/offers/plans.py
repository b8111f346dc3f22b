"""From a type of customers to the test of an offer: a list, a hold-out, and a hypothesis whose
power is known before anybody gets anything."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import archetypes
from ltvkit.archetypes.texts import TEXTS as TYPE_TEXTS
from ltvkit.core import csv_injection, files
from ltvkit.core.i18n import _
from ltvkit.display import formats, joining
from ltvkit.engines import frames
from ltvkit.errors import ParamsError, TooLittleData, one_of
from ltvkit.hypotheses.design import assignment, power_analysis
from ltvkit.hypotheses.effects import customer_days
from ltvkit.hypotheses.hypothesis import TREATED, Hypothesis, Target
from ltvkit.hypotheses.registry import lists, store
from ltvkit.offers.texts import fill

OFFERED = tuple(TYPE_TEXTS["people"])  # types that say why LTV is high
FEWEST = 40  # customers: of fewer no test says anything
LARGE = 0.5  # of what customers bring: few offers do as much
METRIC = "revenue_per_customer"


class Plan(NamedTuple):
    """The file of a hypothesis, the list of who gets the offer, and what the test can show."""

    file: Path
    list: Path
    text: str


def plan_test(
    folder: Path,
    id: str,
    book: Any,
    *,
    archetype: str,
    given: Mapping[str, str],
    start: dt.date,
    days: int = 56,
    share: float = 0.5,
    seed: int = 1,
    active: bool = True,
    of: str = "revenue",
    smallest_effect: float = 0.0,
    cuts: Mapping[str, Any] | None = None,
    currency: str = "",
) -> Plan:
    """The orders of a shop -> an offer to the (active) customers of a type, written to a register's
    `folder` as a hypothesis to register: its file, `lists/<id>-customers.csv` (all of them) and
    `lists/<id>.csv`, in which `share` are drawn to be treated, within RFM segments; the others are
    the hold-out.

    `given`: measure (what customers get), owner, department. Judged is revenue per customer, with
    margin per customer as a guardrail where the orders have one. `smallest_effect`: the smallest
    one that matters, in money per customer; 0: what a test of so many `days` finds with a power of
    80%. `cuts`: rfm_cuts, abc_cuts. Raises `ParamsError` for another type, a start within the
    orders, or a file that is there already, and `TooLittleData` for fewer than 20 customers in a
    group or where the orders do not tell what a test can show; then nothing is written.
    """
    one_of("type", archetype, OFFERED)
    file = store.file_of(folder, id)
    if file.exists():
        raise ParamsError(fill("planned_already", file=file))
    until = _read_day(book.facts["until"])
    if start <= until:
        raise ParamsError(fill("starts_too_early", start=start, until=until))
    ids = list_customers(book, archetype=archetype, active=active, of=of)
    if len(ids) * min(share, 1 - share) < FEWEST / 2:
        name = "too_few_active" if active else "too_few_to_test"
        raise TooLittleData(fill(name, n=len(ids), least=FEWEST, share=share))
    fields = _fill_fields(id, archetype, given, until=until, start=start, days=days)
    fields |= {"treated_share": share, "guardrails": _choose_guardrails(book)}
    drafted = Hypothesis(
        **fields | {"guardrails": tuple(fields["guardrails"])},
        target=Target("customers", tuple(ids)),
        smallest_effect=smallest_effect or 1.0,
    )
    histories = customer_days.build(book.lines, as_of=until, **(cuts or {}))
    next_day = until + dt.timedelta(days=1)  # what a test can show is seen on the orders at hand
    soon = replace(drafted, start=next_day, end=next_day + dt.timedelta(days=days - 1))
    row = power_analysis.power(soon, histories, as_of=until, weeks=()).iloc[0]
    if not row["smallest_detectable"] > 0:
        raise TooLittleData(fill("plan_power_unknown"))
    effect = smallest_effect or _round_up(row["smallest_detectable"])
    listed = folder / lists.FOLDER / f"{id}-customers.csv"
    listed.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(listed) as part:
        table = csv_injection.escape_table(pd.DataFrame({"customer_id": ids}))
        table.to_csv(part, index=False)
    target = {"customers": f"{lists.FOLDER}/{listed.name}"}
    days_as_text = {name: str(fields[name]) for name in ("selected", "start", "end")}
    fields |= {"target": target, "smallest_effect": effect, **days_as_text}
    store.new(folder, **fields)
    drawn = assignment.draw(folder, id, book.lines, seed=seed, until=until, **(cuts or {}))
    return Plan(file, drawn, _describe(drawn, row, archetype, days, currency, active))


def list_customers(book: Any, *, archetype: str, active: bool = True, of: str) -> list[str]:
    """The ids of the (active) customers of a type on the last day of the orders, in order."""
    until, begins = book.facts["until"], {"export_begins": book.facts["export_begins"]}
    cuts = archetypes.choose_month_cuts(book.days, as_of=until, of=of, **begins)
    measured = archetypes.measure(book.days, as_of=until, **begins)
    typed = frames.lazy(archetypes.assign(measured, cuts=cuts, of=of))
    wanted = typed.filter(nw.col("archetype") == archetype)
    wanted = wanted.filter(nw.col("active")) if active else wanted
    return sorted(frames.table(wanted.select("customer_id"))["customer_id"].astype(str))


def _fill_fields(
    id: str,
    archetype: str,
    given: Mapping[str, str],
    *,
    until: Any,
    start: dt.date,
    days: int,
) -> dict[str, Any]:
    """The fields of the hypothesis, but for its target and effect."""
    selected = until
    people = TYPE_TEXTS["people"][archetype]
    return {
        "id": id,
        "title": fill("plan_title", type=formats.label(archetype), measure=given["measure"]),
        "hypothesis": fill("plan_hypothesis", people=_(people), measure=given["measure"]),
        **given,
        "selected": selected,
        "start": start,
        "end": start + dt.timedelta(days=days - 1),
        "metric": METRIC,
        "comparison": "randomized",
    }


def _read_day(until: Any) -> dt.date:
    return dt.date.fromisoformat(f"{until}"[:10])


def _choose_guardrails(book: Any) -> list[str]:
    has_margin = "margin" in frames.lazy(book.lines).collect_schema().names()
    return ["margin_per_customer"] if has_margin else ["orders_per_customer"]


def _round_up(effect: float) -> float:
    """An effect with two digits, rounded up; 1 where it is not known.

    >>> _round_up(1234.5), _round_up(0.123), _round_up(float("nan"))
    (1300.0, 0.13, 1.0)
    """
    if not effect > 0:
        return 1.0
    step = 10.0 ** (np.floor(np.log10(effect)) - 1)
    return float(f"{np.ceil(effect / step) * step:.12g}")


def _describe(
    drawn: Path, row: pd.Series, archetype: str, days: int, currency: str, active: bool
) -> str:
    """Who was drawn, and what the test can show."""
    table = pd.read_csv(drawn, dtype=str)
    treated = int((table["group"] == TREATED).sum())
    figures = {"n": len(table), "treated": treated, "held": len(table) - treated}
    people = _(TYPE_TEXTS["people"][archetype])
    said = [fill("plan_drawn_active" if active else "plan_drawn", people=people, **figures)]
    effect, base = float(row["smallest_detectable"]), float(row["baseline"])
    part = effect / base if base > 0 else np.inf
    money = {"effect": formats.money(_round_up(effect), currency)}
    money["baseline"] = formats.money(base, currency)
    said += [fill("plan_power", days=days, relative=formats.share(part, decimals=0), **money)]
    said += [fill("plan_large")] * (part > LARGE)
    return joining.sentences([*said, *[fill("plan_all")] * (part > LARGE and active)])
