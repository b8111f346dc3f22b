"""The charts of the front page: those that the notebooks have drawn and marked for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ltvkit.config.notebooks import read_tags
from ltvkit.report.pages.notebook_page import show_image

# Tags of cells, in the order of the front page: one chart of each, of the last page that has it.
TAGS = ("front-page-revenue", "front-page-customers", "front-page-change")


def find_charts(notebooks: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """Executed notebooks by their pages -> page, source (a data URL), alt, of each chart.

    A chart that a page could not draw is left out.

    >>> drawn = {"output_type": "display_data", "data": {"image/png": "iVBO"}, "metadata": {}}
    >>> cell = {"metadata": {"tags": ["front-page-change"]}, "outputs": [drawn]}
    >>> [chart["page"] for chart in find_charts({"07_drivers": {"cells": [cell]}})]
    ['07_drivers']
    """
    found = {}
    for page, notebook in notebooks.items():
        for cell in notebook["cells"]:
            for tag in {*TAGS} & {*read_tags(cell)}:
                for output in cell["outputs"]:
                    if image := show_image(output):
                        found[tag] = {"page": page, **image}
    return [found[tag] for tag in TAGS if tag in found]
