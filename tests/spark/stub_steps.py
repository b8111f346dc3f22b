"""Every concept as one step from order lines to a table, for any engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import stub_funnel

from ltvkit import (
    abc_classes,
    archetypes,
    cohorts,
    customers,
    deciles,
    drivers,
    forecast,
    funnel,
    kpis,
    offers,
    periods,
    rfm,
    traits,
)
from ltvkit.archetypes import tiers
from ltvkit.engines import frames
from ltvkit.hypotheses.effects import customer_days
from ltvkit.ltv import curves, formulas, survival, unit_economics
from ltvkit.report.publishing import restated

CUTS = {"recency_days": [30, 90, 180, 365], "orders": [1, 2, 4, 9], "revenue": [20, 50, 100, 300]}


TIERS = {"silver": {"at_least": 40, "cost_rate": 0.02}, "gold": {"at_least": 9000}}


def assign_types(lines: Any, day: Any) -> tuple[pd.DataFrame, Any, pd.DataFrame]:
    """Cuts of types, customers with their type, and the types in numbers."""
    measured = archetypes.measure(lines, as_of=day)
    cuts = archetypes.find_cuts(measured)
    assigned = archetypes.assign(measured, cuts=cuts)
    return cuts, assigned, archetypes.summarize(assigned)


def listed(frame: Any, *keys: str) -> pd.DataFrame:
    """A frame of customers or items, in the order of their ids."""
    return frames.table(frames.lazy(frame)).sort_values(list(keys), ignore_index=True)


def segmented(buyers: Any, cuts: Any = None) -> Any:
    return rfm.segment(rfm.score(buyers, cuts=cuts))


def migration(lines: Any, buyers: Any, day: Any) -> pd.DataFrame:
    before = customers.summarize(lines, as_of=periods.month_before(day))
    return rfm.migrate(segmented(before, CUTS), segmented(buyers, CUTS))


def concentration(_lines: Any, buyers: Any, _day: Any) -> pd.DataFrame:
    named = {"gini": deciles.gini(buyers), "top": deciles.top_share(buyers)}
    return deciles.lorenz(buyers).assign(**named)


def classes(lines: Any, _buyers: Any, _day: Any, by: str = "customer_id") -> pd.DataFrame:
    return listed(abc_classes.classify(lines, by=by), by)


def changes(lines: Any, _buyers: Any, _day: Any) -> pd.DataFrame:
    classed = [
        abc_classes.classify(lines, by="customer_id", cuts=cuts)
        for cuts in ((0.7, 0.9), (0.5, 0.8))
    ]
    return abc_classes.changes(*classed, by="customer_id")


def predicted(_lines: Any, buyers: Any, _day: Any) -> pd.DataFrame:
    fitted = forecast.fit(buyers, model="pareto_nbd")
    return listed(forecast.predict(buyers, fitted, discount=0.1), "customer_id")


def outcomes(lines: Any, _buyers: Any, day: Any) -> pd.DataFrame:
    known = customer_days.build(lines, as_of=day)
    return known.customers_on(known.last).assign(customer_id=known.ids)


def first_orders(lines: Any, _buyers: Any, day: Any) -> pd.DataFrame:
    return listed(traits.collect(lines, as_of=day), "customer_id")


def traits_compared(lines: Any, _buyers: Any, day: Any) -> pd.DataFrame:
    return traits.compare(traits.follow(traits.collect(lines, as_of=day), lines, as_of=day))


def first_day_values(lines: Any, _buyers: Any, day: Any) -> pd.DataFrame:
    first = traits.collect(lines, as_of=day)
    value = traits.predict_first_day(traits.follow(first, lines, as_of=day))
    return listed(value.predict(first), "customer_id")


REACHED: dict[tuple[int, Any], tuple[Any, Any]] = {}


def reach_stages(lines: Any, day: Any) -> tuple[Any, Any]:
    """The sample's events in the engine of the lines, joined, and the stages reached; once for all
    steps of the same lines, which the module keeps."""
    key = id(lines), day
    if key not in REACHED:
        REACHED[key] = _reach_stages(lines, day)
    return REACHED[key]


def _reach_stages(lines: Any, day: Any) -> tuple[Any, Any]:
    _lines, events = stub_funnel.sample()
    texts = events.select_dtypes(exclude="datetime").columns
    filled = events.assign(**{name: events[name].fillna("").astype("str") for name in texts})
    held = frames.from_pandas(filled, like=lines).to_native()
    joined = funnel.join_visitors(held, lines, as_of=day)
    return joined, funnel.reach(lines, joined, as_of=day, export_begins="opening")


def stages_reached(lines: Any, _buyers: Any, day: Any) -> pd.DataFrame:
    return listed(reach_stages(lines, day)[1].rows, "person_id", "stage")


def referral(lines: Any, _buyers: Any, day: Any) -> pd.DataFrame:
    found = funnel.measure_referral(lines, *reach_stages(lines, day))
    return found.table.assign(**found.figures)


Step = Callable[[Any, Any, Any], pd.DataFrame]

CORE: dict[str, Step] = {
    "customers": lambda _lines, buyers, _day: listed(buyers, "customer_id"),
    "kpis": lambda lines, _buyers, day: kpis.series(lines, as_of=day, every="month"),
    "scores": lambda _lines, buyers, _day: listed(segmented(buyers), "customer_id"),
    "deciles": lambda _lines, buyers, _day: listed(deciles.assign(buyers), "customer_id"),
    "classes": classes,
    "cohorts": lambda lines, _buyers, day: cohorts.build(lines, as_of=day),
    "histories": lambda _lines, buyers, _day: forecast.histories(buyers),
}

ALL: dict[str, Step] = CORE | {
    **{
        f"kpis_{every}": lambda lines, _buyers, day, every=every: kpis.series(
            lines, as_of=day, every=every
        )
        for every in ("day", "week", "year")
    },
    "thresholds": lambda _lines, buyers, _day: rfm.thresholds(buyers),
    "fixed_thresholds": lambda _lines, buyers, _day: rfm.thresholds(buyers, cuts=CUTS),
    "segments": lambda _lines, buyers, _day: rfm.summarize(segmented(buyers)),
    "migration": migration,
    "tenths": lambda _lines, buyers, _day: deciles.summarize(deciles.assign(buyers)),
    "concentration": concentration,
    "class_changes": changes,
    "pareto": lambda lines, _buyers, _day: abc_classes.pareto(
        abc_classes.classify(lines, by="customer_id")
    ),
    "second_order": lambda lines, _buyers, day: cohorts.second_order(lines, as_of=day),
    "curve": lambda lines, _buyers, day: curves.ltv(lines, as_of=day),
    "survival": lambda lines, _buyers, day: survival.survivors(lines, as_of=day),
    "methods": lambda lines, _buyers, day: formulas.compare(lines, as_of=day),
    "economics": lambda lines, _buyers, day: unit_economics.summarize(
        lines, as_of=day, acquisition_cost={"all": 10}, by=""
    ),
    "drivers": lambda lines, _buyers, day: drivers.explain(lines, lines=lines, as_of=day).table,
    "drivers_holidays": lambda lines, _buyers, day: (
        drivers.explain(lines, lines=lines, as_of=day, country="JP").table
    ),
    "drivers_ltv": lambda lines, _buyers, day: drivers.explain_ltv(lines, as_of=day).table,
    "types": lambda lines, _buyers, day: assign_types(lines, day)[2],
    "types_cuts": lambda lines, _buyers, day: archetypes.choose_cuts(lines, as_of=day, months=3),
    "types_backtest": lambda lines, _buyers, day: (
        archetypes.backtest(lines, as_of=day, months=3, draws=20).table
    ),
    "types_profile": lambda lines, _buyers, day: archetypes.profile(
        lines, assign_types(lines, day)[1], as_of=day, level=1.0
    ),
    "types_stability": lambda lines, _buyers, day: archetypes.measure_stability(
        assign_types(lines, periods.month_before(day))[1], assign_types(lines, day)[1]
    ),
    "tiers": lambda lines, _buyers, day: tiers.weigh(
        lines, as_of=day, tiers=TIERS, margin_rate=0.4, months=3
    ),
    "tiers_compared": lambda lines, _buyers, day: tiers.compare(
        lines, as_of=day, tiers=TIERS, months=3, held_months=6
    ),
    "predicted": predicted,
    "backtest": lambda lines, _buyers, day: forecast.backtest(lines, as_of=day, draws=3).table,
    "outcomes": outcomes,
    "timing": lambda lines, _buyers, day: (
        offers.measure_timing(lines, as_of=day, draws=20, lapse_days=180).windows
    ),
    "months": lambda lines, _buyers, day: pd.DataFrame(restated.sum_months(lines, as_of=day)),
}

OF_COLUMNS: dict[str, Step] = {
    "products": lambda *orders: classes(*orders, by="product_id"),
    "leaders": lambda lines, _buyers, _day: abc_classes.leaders(
        abc_classes.classify(lines, by="product_id"), lines, by="product_id"
    ),
    "drivers_ltv_now": lambda lines, _buyers, day: drivers.measure_ltv(lines, as_of=day).table,
    "drivers_early": lambda lines, _buyers, day: drivers.find_link(lines, as_of=day).table,
    "drivers_by": lambda lines, _buyers, day: drivers.split(
        lines, by="channel", spans=drivers.find_spans(as_of=day)
    ),
    "drivers_margin": lambda lines, _buyers, day: (
        drivers.explain(lines, lines=lines, as_of=day, of="margin").table
    ),
    "drivers_margin_by": lambda lines, _buyers, day: drivers.split(
        lines, by="channel", spans=drivers.find_spans(as_of=day), of="margin"
    ),
    "first_orders": first_orders,
    "traits": traits_compared,
    "first_day_values": first_day_values,
    "channels": lambda lines, _buyers, day: cohorts.build(lines, as_of=day, by="channel"),
    "offers": lambda lines, _buyers, day: listed(
        offers.recommend(lines, as_of=day, kind="any", method="personal_then_knn", half_life=90),
        "customer_id",
        "rank",
    ),
    "offers_of_groups": lambda lines, buyers, day: listed(
        offers.recommend(
            lines, as_of=day, kind="new", method="group_best_sellers", groups=segmented(buyers)
        ),
        "customer_id",
        "rank",
    ),
    "offers_judged": lambda lines, _buyers, day: offers.compare(
        lines, as_of=day, days=90, k=3, draws=20, choice=offers.Choice(0, {}, pd.DataFrame())
    ),
    "stages_reached": stages_reached,
    "stage_rates": lambda lines, _buyers, day: funnel.summarize(
        reach_stages(lines, day)[1], by="channel"
    ),
    "stage_months": lambda lines, _buyers, day: funnel.series(reach_stages(lines, day)[1]),
    "stage_values": lambda lines, _buyers, day: funnel.value_stages(
        lines, reach_stages(lines, day)[1]
    ),
    "stages_ever": lambda lines, _buyers, day: funnel.compare_ever(
        lines, reach_stages(lines, day)[1]
    ),
    "stage_points": lambda lines, _buyers, day: funnel.value_points(
        lines, reach_stages(lines, day)[1]
    ),
    "referral": referral,
    "due": lambda lines, _buyers, day: listed(
        offers.find_due(lines, as_of=day, days=150), "customer_id", "product_id"
    ),
}
