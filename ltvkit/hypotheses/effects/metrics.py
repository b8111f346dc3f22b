"""The metrics that a hypothesis may be about; `metrics.yaml` defines those of orders.

A table of outcomes (see `outcomes`) adds two of its own, by its name.
"""

import re
from pathlib import Path
from typing import NamedTuple

from ltvkit.core import files


class Metric(NamedTuple):
    """The sum of `of` divided by the sum of `per`, over a group and a window of days."""

    of: str
    per: str
    definition: str


METRICS = {name: Metric(**e) for name, e in files.read_yaml(__name__, "metrics.yaml").items()}
ANY, PER = "any_", "_per_customer"  # metrics of a table: any_visits, visits_per_customer


def find(name: str) -> Metric:
    """The definition of a metric, of the orders or of a table of outcomes.

    >>> find("visits_per_customer")[:2], find("any_visits")[:2]
    (('visits', 'customers'), ('any_visits', 'customers'))
    """
    return METRICS.get(name) or Metric(name.removesuffix(PER), "customers", "")


def table_of(name: str) -> str:
    """The table of outcomes that a metric is of; "" for one of the orders.

    >>> table_of("any_visits"), table_of("visits_per_customer"), table_of("retention_rate")
    ('visits', 'visits', '')
    """
    if name in METRICS:
        return ""
    return name.removeprefix(ANY) if name.startswith(ANY) else name.removesuffix(PER)


def name_table(path: str) -> str:
    """The name of a table of outcomes in its metrics: that of its file.

    >>> name_table("data/web-visits.parquet")
    'web_visits'
    """
    return re.sub(r"\W", "_", Path(path).stem).lower()


def list_of(path: str) -> tuple[str, ...]:
    """The metrics that a table adds; none without one.

    >>> list_of("data/visits.csv")
    ('visits_per_customer', 'any_visits')
    """
    name = name_table(path)
    return (f"{name}{PER}", f"{ANY}{name}") if path else ()
