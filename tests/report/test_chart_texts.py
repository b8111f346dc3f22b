"""The alternative text of a chart: from the figure through the notebook to the page."""

from __future__ import annotations

import pandas as pd
import pytest

from ltvkit.display import plots
from ltvkit.report.pages import notebook_page

pytestmark = pytest.mark.usefixtures("agg")


def page(metadata: dict) -> str:
    output = {"output_type": "display_data", "data": {"image/png": "AA=="}, "metadata": metadata}
    cell = {"cell_type": "code", "source": "draw();", "metadata": {}, "outputs": [output]}
    return notebook_page.render_cells({"cells": [cell]})


def test_the_shell_keeps_the_text_of_a_figure_beside_its_picture():
    from IPython.core.formatters import DisplayFormatter
    from IPython.core.pylabtools import print_figure
    from matplotlib.figure import Figure

    shares = {"decile": [1, 2], "revenue_share": [0.8, 0.2], "cumulative_share": [0.8, 1.0]}
    figure = plots.deciles(pd.DataFrame(shares)).figure
    shown = DisplayFormatter()
    shown.formatters["image/png"].for_type(Figure, print_figure)
    data, metadata = shown.format(figure, include={"image/png"})
    assert data["image/png"]
    assert metadata["image/png"]["alt"].endswith("By decile: 1: 80.0%, 2: 20.0%.")


def test_a_page_shows_the_text_of_each_chart_escaped():
    assert 'alt="By decile: 1: 80.0%"' in page({"image/png": {"alt": "By decile: 1: 80.0%"}})
    hostile = page({"image/png": {"alt": '"><script>alert(1)</script>'}})
    assert "<script>" not in hostile
    assert "&#34;&gt;&lt;script&gt;" in hostile


def test_a_chart_of_somebody_else_has_the_general_text():
    assert 'alt="Chart; the text around it explains how to read it."' in page({})
