"""A page explains how to read what it shows, and not what it could not show."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from ltvkit.display import tables
from ltvkit.report.pages import notebook_page

HELP = "**How to read it.** One line per month."


def render(*outputs: Any) -> str:
    step = new_code_cell("look()", outputs=list(outputs))
    return notebook_page.render_cells({"cells": [step, new_markdown_cell(HELP)]})


def shown(table: pd.DataFrame) -> Any:
    html = tables.show(table)._repr_html_()
    return new_output("display_data", {"text/html": html, "text/plain": ""})


def picture() -> Any:
    return new_output("display_data", {"image/png": "aGk="}, metadata={"image/png": {"alt": "x"}})


MONTHS = pd.DataFrame({"month": ["2024-01"], "revenue": [10.0]})


@pytest.mark.parametrize("output", [shown(MONTHS), picture()], ids=["table", "chart"])
def test_a_table_or_chart_keeps_its_help(output):
    assert "One line per month" in render(output)


def test_without_either_there_is_nothing_to_explain():
    said = new_output("stream", text="there are too few months\n")
    for outputs in ((), (said,), (shown(MONTHS.head(0)),)):
        assert "One line per month" not in render(*outputs)
    assert "One line per month" in render(said, shown(MONTHS))


def test_help_that_follows_text_stays():
    cells = [new_markdown_cell("Text."), new_markdown_cell(HELP)]
    assert "One line per month" in notebook_page.render_cells({"cells": cells})
