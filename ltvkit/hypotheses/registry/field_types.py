"""The kinds of fields of a hypothesis file: each checks a YAML value and converts it."""

import datetime as dt
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from ltvkit.abc_classes import CLASSES
from ltvkit.core.slugs import SLUG
from ltvkit.errors import is_number, nearest
from ltvkit.hypotheses.effects import metrics
from ltvkit.hypotheses.effects.metrics import METRICS
from ltvkit.hypotheses.hypothesis import COMPARISONS, DECISION_RULES, RULES, Target
from ltvkit.rfm import SEGMENT_NAMES

# What a rule may select by, where that can be listed.
CHOICES = {"segment": SEGMENT_NAMES, "decile": tuple(map(str, range(1, 11))), "abc_class": CLASSES}

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_TABLE = re.compile(r".*[A-Za-z][^/]*\.(csv|tsv|txt|parquet)")
_COHORT = re.compile(r"(19|20)\d\d(-(0[1-9]|1[0-2])|-Q[1-4]|-W\d\d)?")
_LIKE_COHORT = re.compile(r"\d{4}([-/]\d{1,2}|[-/ ]?[QqWw]\d{0,2})")


class Invalid(Exception):
    """A value does not fit its field; `found` is the wrong part of it, if not all is wrong."""

    def __init__(self, expected: str, *, found: str = "", hint: str = "") -> None:
        super().__init__(expected)
        self.expected, self.found, self.hint = expected, found, hint


def parse_text(value: Any) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise Invalid("text; put it in quotes")
    return value.strip()


def parse_slug(value: Any) -> str:
    """A name that is safe in files and links.

    >>> parse_slug("win-back")
    'win-back'
    """
    if not isinstance(value, str) or not SLUG.fullmatch(value):
        raise Invalid("small letters, digits, - and _, as in win-back-2024")
    return value


def parse_day(value: Any) -> dt.date:
    """A day.

    >>> parse_day("2024-03-01")
    datetime.date(2024, 3, 1)
    """
    try:
        if _DAY.fullmatch(value):
            return dt.date.fromisoformat(value)
    except (TypeError, ValueError):
        pass
    raise Invalid("a date, as in 2024-03-01")


def parse_choice(choices: tuple[str, ...], value: Any) -> str:
    """One of `choices`."""
    if value not in choices:
        raise Invalid(f"one of {', '.join(choices)}", hint=nearest(value, choices))
    return value


def parse_number(fits: Callable[[float], bool], expected: str, value: Any) -> float:
    """A finite number that `fits`."""
    if not is_number(value) or not fits(value):
        raise Invalid(expected)
    return float(value)


def parse_metric(value: Any) -> str:
    """A metric of the orders, or one that may be of a table (`schema` knows whether there is one).

    >>> parse_metric("any_visits")
    'any_visits'
    """
    return value if _may_be_of_table(value) else parse_choice(tuple(METRICS), value)


def _may_be_of_table(value: Any) -> bool:
    text = value if isinstance(value, str) else ""
    return text.startswith(metrics.ANY) or text.endswith(metrics.PER)


def parse_table(value: Any) -> str:
    """The file of a table of outcomes; its name becomes that of its metrics."""
    text = parse_text(value)
    taken = set(METRICS) & set(metrics.list_of(text))
    if not _TABLE.fullmatch(text) or taken:
        hint = " Its name is taken by a metric of the orders; rename it." if taken else ""
        raise Invalid("a CSV or Parquet file, as in data/visits.csv", hint=hint)
    return text


def parse_metrics(value: Any) -> tuple[str, ...]:
    """Several metrics, each once."""
    if not isinstance(value, list):
        raise Invalid("a list, as in [retention_rate]")
    known = tuple(METRICS)
    for name in value:
        own = (isinstance(name, str) and name.startswith(metrics.ANY)) or f"{name}".endswith(
            metrics.PER
        )
        if not (name in known or own) or value.count(name) > 1:
            hint = "" if name in known else nearest(name, known)
            raise Invalid(f"each once, of {', '.join(known)}", found=str(name), hint=hint)
    return tuple(value)


def parse_target(value: Any) -> Target:
    """Who: one rule and what it selects by. A list of customers is still the name of its file.

    >>> parse_target({"decile": [9, 10]})
    Target(rule='decile', values=('9', '10'))
    """
    if not isinstance(value, dict) or len(value) != 1:
        known = value is None or isinstance(value, dict | list)
        known = known or any(value in names for names in CHOICES.values())
        expected = "one rule and its values, as in {segment: [at risk, can't lose]}"
        raise Invalid(expected, found="" if known else "a word")  # or an id
    [(rule, given)] = value.items()
    if rule not in RULES:
        hint = nearest(rule, RULES)
        found = rule if hint else "another word"
        raise Invalid(f"a rule of {', '.join(RULES)}", found=found, hint=hint)
    values = given if isinstance(given, list) else [given]
    if not values or (rule == "customers" and len(values) > 1):
        many = "one file" if rule == "customers" else f"a {rule} or several"
        raise Invalid(f"{many} after {rule}", found="several" if values else "an empty list")
    return Target(rule, tuple(dict.fromkeys(_parse_value(rule, v) for v in values)))


def _parse_value(rule: str, value: Any) -> str:
    """One value of a rule, as the kit's tables have it."""
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        hidden = rule == "customers"  # it may be an id, and errors are shown on pages
        shown = "nothing" if value in (None, "") else "another value" if hidden else f"{value}"
        raise Invalid(f"text after {rule}; put it in quotes", found=shown)
    word = str(value).strip()
    if rule in CHOICES and word not in CHOICES[rule]:
        listed, hint = ", ".join(CHOICES[rule]), nearest(word, CHOICES[rule])
        shown = word if hint or len(word) < 3 else "another word"  # it may be an id
        raise Invalid(f"{rule} of {listed}", found=shown, hint=hint)
    if rule == "cohort" and not _is_cohort(word):
        shown = word if _LIKE_COHORT.fullmatch(word) else "another word"
        raise Invalid("a cohort as in 2024-03, 2024-Q1, 2024-W09 or 2024", found=shown)
    return word


def _is_cohort(label: str) -> bool:
    try:
        return bool(_COHORT.fullmatch(label)) and (
            "W" not in label or bool(dt.date.fromisoformat(f"{label}-1"))
        )
    except ValueError:
        return False


KINDS = {
    "text": parse_text,
    "slug": parse_slug,
    "day": parse_day,
    "target": parse_target,
    "metric": parse_metric,
    "table": parse_table,
    "metrics": parse_metrics,
    "comparison": partial(parse_choice, COMPARISONS),
    "decision_rule": partial(parse_choice, DECISION_RULES),
    "open_share": partial(parse_number, lambda x: 0 < x < 1, "a share between 0 and 1, as in 0.5"),
    "share": partial(parse_number, lambda x: 0 <= x < 1, "a share from 0 to below 1, as in 0.05"),
    "effect": partial(parse_number, lambda x: x > 0, "a number above 0, in the unit of the metric"),
    "amount": partial(parse_number, lambda x: x >= 0, "an amount of 0 or more"),
}
