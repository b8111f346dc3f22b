"""The metrics that a hypothesis may be about; `metrics.yaml` defines them."""

from typing import NamedTuple

from ltvkit.core import files


class Metric(NamedTuple):
    """The sum of `of` divided by the sum of `per`, over a group and a window of days."""

    of: str
    per: str
    definition: str


_ENTRIES = files.read_yaml(__name__, "metrics.yaml")
METRICS = {name: Metric(**entry) for name, entry in _ENTRIES.items()}
