"""Shops too small, too alike or too empty for a method: the pages stand, and say what is missing.

The notebooks' own cells run here as a report runs them, in one shell without a kernel.
"""

from __future__ import annotations

import re

import pandas as pd
import pytest
from stub_pages import NOTEBOOKS, run

from ltvkit.report import results

# The pages that could mind.
PAGES = {"one-line": "012345", "all-alike": "15", "all-zero": "02345", "two-customers": "145"}
PAGES |= {"no-columns": "345", "no-margin": "345"}
MONTHS = [f"2024-{month:02d}" for month in range(1, 13)]
SHOPS = {
    "one-line": [("A", "1", "2024-03-05", 100)],
    "all-alike": [(f"C{n}", f"{n} {m}", f"{m}-05", 100) for n in range(120) for m in MONTHS],
    "all-zero": [(f"C{n % 8}", f"{n}", f"{MONTHS[n % 6]}-0{1 + n % 5}", 0) for n in range(40)],
    "no-columns": [(f"C{n}", f"{n}", f"{MONTHS[n % 11]}-0{1 + n % 5}", n) for n in range(40)],
    "no-margin": [(f"C{n % 9}", f"{n}", f"{MONTHS[n % 12]}-0{1 + n % 5}", n) for n in range(40)],
    "two-customers": [
        ("A", "1", "2024-03-05", 100),
        ("A", "2", "2024-04-05", 100),
        ("B", "3", "2024-03-07", 50),
        ("B", "4", "2024-04-30", 80),
    ],
}
# What a report of the shop must hold, and what it cannot.
CAN = {
    "one-line": {"rfm_segments", "deciles", "abc_customers", "cohort_ltv"},
    "all-alike": {"rfm_segments", "forecast_revenue", "survival", "ltv_methods"},
    "all-zero": {"kpis_month", "deciles", "ltv_curve", "ltv_methods"},
    "two-customers": {"rfm_segments", "ltv_curve", "ltv_methods", "unit_economics"},
    "no-margin": {"cohort_customers", "second_order", "unit_economics"},
    "no-columns": {"abc_customers", "second_order", "survival", "ltv_methods"},
}
CANNOT = {
    "one-line": {"backtest", "forecast_parameters", "ltv_curve", "survival", "ltv_methods"},
    "all-alike": {"backtest", "forecast_calibration"},
    "all-zero": {"backtest", "forecast_parameters", "forecast_revenue", "survival"},
    "two-customers": {"backtest", "forecast_parameters", "forecast_revenue", "survival"},
    "no-columns": {"abc_products", "cohort_retention", "unit_economics"},
    "no-margin": {"cohort_ltv", "ltv_curve", "abc_category"},
}
# Params that ask for columns which the orders do not have.
ASKED = {
    "no-columns": {
        "abc_by": ["product_id", "category", "customer_id"],
        "cohort_by": "channel",
        "cost_by": "channel",
        "acquisition_cost": {"search": 15},
    },
    "no-margin": {"abc_by": ["category"], "ltv_of": "margin", "acquisition_cost": {"all": 15}},
}


@pytest.fixture(scope="module")
def plt():
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    return pyplot


@pytest.mark.parametrize("shop", SHOPS)
def test_each_page_shows_what_can_be_computed(shop, plt, tmp_path, capsys):
    columns = ["customer_id", "order_id", "order_date", "amount"]
    pd.DataFrame(SHOPS[shop], columns=columns).to_csv(tmp_path / "orders.csv", index=False)
    given = {"shop": shop, "source": str(tmp_path / "orders.csv"), "columns": {}, "policies": {}}
    given |= {"abc_by": ["customer_id"], "acquisition_cost": {}, "cost_by": "", "month": "last"}
    given |= ASKED.get(shop, {})
    saved: set[str] = set()
    for notebook in sorted(NOTEBOOKS.glob(f"0[{PAGES[shop]}]*.ipynb")):
        run(notebook, given | {"out": str(tmp_path / notebook.stem)})
        output = capsys.readouterr()
        assert output.err == "", notebook.stem
        words = [text.get_text() for n in plt.get_fignums() for text in _texts(plt.figure(n))]
        plt.close("all")
        found = results.load(tmp_path / notebook.stem)
        for text in (output.out, *words, *found.findings):
            assert not re.search(r"\b(nan|inf|None)\b", text), f"{notebook.stem}: {text}"
        assert found.findings
        assert not any("\N{EN DASH}" in said for said in found.findings)
        saved |= set(found.tables)
    assert saved >= CAN[shop]
    assert not saved & CANNOT[shop]


def _texts(figure):
    from matplotlib.text import Text

    return figure.findobj(Text)
