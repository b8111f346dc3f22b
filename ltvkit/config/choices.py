"""What a params file may choose from: values held against what the kit knows, before any notebook
runs. What only the data can tell is left to the reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ltvkit import abc_classes, cohorts, rfm
from ltvkit.engines import frames
from ltvkit.engines.spark.settings import Settings
from ltvkit.errors import ParamsError, check_share, one_of
from ltvkit.ingest import schema

MODELS = ("best", "bg_nbd", "mbg_nbd", "pareto_nbd")


def check(values: Mapping[str, Any]) -> None:
    """Params with their values -> nothing; raises `ParamsError` naming the key and its choices.

    >>> check({"rfm_lists": ["champion"]})
    Traceback (most recent call last):
    ltvkit.errors.ParamsError: rfm_lists='champion' is not one of 'champions', 'loyal', 'potential \
loyalist', 'new', 'promising', 'need attention', 'about to sleep', 'at risk', "can't lose", \
'hibernating', 'lost'. Did you mean 'champions'?
    """
    columns = dict.fromkeys((*schema.COLUMNS, *values.get("columns", ())))
    checks: dict[str, Callable[[Any], Any]] = {
        "abc_by": lambda names: _each("abc_by", names, columns),
        "abc_cuts": lambda cuts: abc_classes.check_cuts(cuts, "abc_cuts"),
        "acquisition_cost": _costs,
        "cohort_by": lambda name: one_of("cohort_by", name, _cohorts(columns)),
        "cost_by": lambda name: one_of("cost_by", name, ("", *columns)),
        "engine": lambda name: one_of("engine", name, frames.NAMES),
        "forecast_model": lambda name: one_of("forecast_model", name, MODELS),
        "ltv_of": lambda name: one_of("ltv_of", name, ("revenue", "margin")),
        "margin_rate": lambda rate: check_share("margin_rate", rate),
        "rfm_cuts": lambda cuts: rfm.fixed_edges(cuts, "rfm_cuts") if cuts else None,
        "rfm_lists": lambda names: _each("rfm_lists", names, rfm.SEGMENT_NAMES),
    }
    for name, holds in checks.items():
        if name in values:
            holds(values[name])
    if values.get("engine") == "spark":
        Settings.of(values.get("spark", {}))


def _cohorts(columns: Iterable[str]) -> list[str]:
    """What cohorts may be made of: the calendar, or what holds for a customer."""
    own = ("customer_id", "order_id", "order_date", *schema.NUMBERS)
    return [*cohorts.CALENDAR, *(name for name in columns if name not in own)]


def _each(name: str, values: list, known: Any) -> None:
    for value in values:
        one_of(name, value, known)


def _costs(costs: Mapping[str, Any]) -> None:
    for name, cost in costs.items():
        if isinstance(cost, bool) or not isinstance(cost, int | float) or not cost >= 0:
            raise ParamsError(f"acquisition_cost: {name}={cost!r}: give money, 0 or more.")
