"""The values of a params file, held against a table of rules before any notebook runs.

What only the data can tell, such as whether a column is there, is left to the steps that need it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ltvkit import abc_classes, cohorts, rfm
from ltvkit.engines import frames
from ltvkit.engines.spark.settings import Settings
from ltvkit.errors import ParamsError, is_number, one_of
from ltvkit.hypotheses.registry import store
from ltvkit.ingest import schema

# Where cohorts by a column would be of orders, or of amounts, and not of customers.
NO_COHORTS = ("customer_id", "order_id", "order_date", *schema.NUMBERS)


def check(values: Mapping[str, Any]) -> None:
    """Params with their values -> nothing; raises `ParamsError` naming the key and what it takes.

    >>> check({"discount": -2})
    Traceback (most recent call last):
    ltvkit.errors.ParamsError: discount=-2: give a rate per year from 0 to 1, as 0.1 for 10%.
    """
    sets = _sets(values.get("columns", ()))
    for name, rule in rules().items():
        if name in values:
            _check(name, values[name], rule, sets)
    if "abc_cuts" in values:
        abc_classes.check_cuts(values["abc_cuts"], "abc_cuts")
    if values.get("rfm_cuts"):
        rfm.fixed_edges(values["rfm_cuts"], "rfm_cuts")
    if values.get("engine") == "spark":
        Settings.of(values.get("spark", {}))
    if values.get("register"):
        store.folder(values["shop"], values["register"])


@cache
def rules() -> dict[str, dict[str, Any]]:
    """The rule of each parameter; see the head of rules.yaml."""
    return yaml.safe_load(Path(__file__).with_name("rules.yaml").read_text("utf-8"))


def _sets(mapped: Mapping[str, str]) -> dict[str, list[str]]:
    columns = list(dict.fromkeys((*schema.COLUMNS, *mapped)))
    return {
        "columns": columns,
        "costs": ["", *columns],
        "cohorts": [*cohorts.CALENDAR, *(c for c in columns if c not in NO_COHORTS)],
        "engines": list(frames.NAMES),
        "segments": list(rfm.SEGMENT_NAMES),
    }


def _check(name: str, value: Any, rule: Mapping[str, Any], sets: Mapping[str, list]) -> None:
    if "of" in rule:
        one_of(name, value, sets[rule["of"]] if isinstance(rule["of"], str) else rule["of"])
    broken = "min" in rule and not is_number(value, rule["min"], rule.get("max"))
    if "size" in rule:
        few, many = rule["size"]
        broken = not (isinstance(value, str | list | Mapping) and few <= len(value) <= many)
    if broken:
        raise ParamsError(f"{name}={value!r}: give {rule['give']}.")
    if "each" in rule:
        named = value.items() if isinstance(value, Mapping) else ((None, each) for each in value)
        for key, each in named:
            _check(f"{name}: {key}" if key is not None else name, each, rule["each"], sets)
