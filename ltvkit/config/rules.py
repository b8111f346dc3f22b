"""The values of a params file, held against a table of rules before any notebook runs.

What only the data can tell, such as whether a column is there, is left to the steps that need it.
"""

from collections.abc import Mapping
from typing import Any

from ltvkit import abc_classes, cohorts, rfm
from ltvkit.archetypes import tiers
from ltvkit.core import files, i18n
from ltvkit.drivers import calendars, customer_groups, kpi_params
from ltvkit.engines import frames
from ltvkit.engines.spark.settings import Settings, check_types
from ltvkit.errors import ParamsError, check_grouping, collecting, is_number, one_of
from ltvkit.forecast import seasons
from ltvkit.hypotheses.registry import store
from ltvkit.ingest import records, schema
from ltvkit.ltv import order_steps, unit_economics

RULES: dict[str, dict[str, Any]] = files.read_yaml(__name__, "rules.yaml")


def check(values: Mapping[str, Any]) -> None:
    """Params with their values -> nothing; raises one `ParamsError`, with a line for each that is
    wrong: its key and what it takes.

    >>> check({"discount": -2})
    Traceback (most recent call last):
    ltvkit.errors.ParamsError: discount=-2: give a rate per year from 0 to 1, as 0.1 for 10%.
    """
    problems: list[str] = []
    sets = _sets(values.get("columns", ()))
    for name, rule in RULES.items():
        if name in values:
            with collecting(problems):
                _check(name, values[name], rule, sets)
    for span, factor in values.get("campaigns", {}).items():
        with collecting(problems):
            seasons.read_span(span, factor)
    for check_one in (
        _check_groups,
        _check_steps,
        _check_edges,
        _check_cluster,
        _check_register,
        _check_tree,
        _check_country,
        _check_tiers,
        _check_records,
    ):
        with collecting(problems):
            check_one(values)
    if problems:
        raise ParamsError("\n".join(dict.fromkeys(problems)))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _check_edges(values: Mapping[str, Any]) -> None:
    if "abc_cuts" in values:
        abc_classes.check_cuts(values["abc_cuts"], "abc_cuts")
    if values.get("rfm_cuts"):
        rfm.fixed_edges(values["rfm_cuts"], "rfm_cuts")


def _check_cluster(values: Mapping[str, Any]) -> None:
    check_cluster = Settings.of if values.get("engine") == "spark" else check_types
    check_cluster(values.get("spark", {}))


def _check_register(values: Mapping[str, Any]) -> None:
    if values.get("register") and "shop" in values:
        store.folder(values["shop"], values["register"])


def _check_tree(values: Mapping[str, Any]) -> None:
    kpi_params.read_tree(values.get("kpi_tree", {}), of=values.get("drivers_of", "revenue"))


def _check_country(values: Mapping[str, Any]) -> None:
    calendars.check_country(values.get("country", ""))


def _check_tiers(values: Mapping[str, Any]) -> None:
    if values.get("tiers"):
        tiers.read_tiers(values["tiers"])


def _check_records(values: Mapping[str, Any]) -> None:
    problems: list[str] = []
    for table in records.TABLES:
        with collecting(problems):
            records.check(values.get(table, {}), table=table)
    if problems:
        raise ParamsError("\n".join(problems))


def _check_steps(values: Mapping[str, Any]) -> None:
    for column in filter(_is_text, values.get("steps_by", ())):
        check_grouping("steps_by", column, order_steps.COLUMNS)


def _sets(mapped: Mapping[str, str]) -> dict[str, list[str]]:
    columns = list(dict.fromkeys((*schema.COLUMNS, *mapped)))
    groups = [column for column in columns if column not in schema.NO_GROUPS]
    named = [column for column in groups if column not in cohorts.CALENDAR]
    firsts = [f"{customer_groups.FIRST}{column}" for column in named]
    return {
        "columns": columns,
        "costs": ["", *named],
        "drivers": [*named, customer_groups.SEGMENT, *firsts],
        "cohorts": [*cohorts.CALENDAR, *groups],
        "engines": list(frames.NAMES),
        "segments": list(rfm.SEGMENT_NAMES),
        "languages": i18n.list_languages(),
    }


def _check_groups(values: Mapping[str, Any]) -> None:
    """Refuse columns that the tables by them would have twice, and two tables of one name."""
    check_grouping("cost_by", values.get("cost_by", ""), unit_economics.COLUMNS)
    tables: dict[str, str] = {}
    for column in filter(_is_text, values.get("abc_by", ())):
        check_grouping("abc_by", column, abc_classes.COLUMNS)
        table = abc_classes.table_name(column)
        if table in tables:
            raise ParamsError(
                f"abc_by: {tables[table]!r} and {column!r} would both be the table {table}. Name "
                "each once, and map yours under another name."
            )
        tables[table] = column


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
