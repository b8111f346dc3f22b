"""The metrics that a hypothesis may be about; `metrics.yaml` defines them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import yaml


class Metric(NamedTuple):
    """The sum of `of` divided by the sum of `per`, over a group and a window of days."""

    of: str
    per: str
    definition: str


METRICS = {
    name: Metric(**entry)
    for name, entry in yaml.safe_load(
        Path(__file__).with_suffix(".yaml").read_text("utf-8")
    ).items()
}
