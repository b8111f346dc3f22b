"""The metrics that a hypothesis may be about; `metrics.yaml` defines them."""

from typing import NamedTuple

from ltvkit.core import files


class Metric(NamedTuple):
    """The sum of `of` divided by the sum of `per`, over a group and a window of days."""

    of: str
    per: str
    definition: str


METRICS = {name: Metric(**e) for name, e in files.read_yaml(__name__, "metrics.yaml").items()}
