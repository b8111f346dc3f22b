"""Odd shops: what their pages may not say.

`tests/benchmarks/bench_odd_shops.py` builds all of them with all pages.
"""

from __future__ import annotations

import pandas as pd
import pytest
from stub_odd_shops import SHOPS, describe
from stub_pages import (
    NOTEBOOKS,
    find_faults,
    find_metric_faults,
    find_table_faults,
    run,
)

from ltvkit.report import results

# The pages that a shop could mislead.
PAGES = {
    "one_customer": "2",
    "one_day": "3",
    "net_negative": "23",
    "giant_outlier": "2",
    "two_products": "3",
    "one_month_only": "2",
    "three_companies": "23",
}


@pytest.mark.parametrize(
    "text",
    [
        "1 customers bought again, and the model needs 10 or more.",
        "Revenue is down 571.4% on December 2022.",
        "0 customers bought in December 2023 (0 orders); – had bought before.",
        "The lower half brings in 101.4% of revenue.",
        "The best 10% bring in −76.0% of revenue.",
        "The formulas give 0 JPY (ARPU / churn) to 0 JPY (ARPU x margin / churn).",
        "A customer is worth inf JPY.",
        "We expect 0 JPY in the next 12 months, likely 0 JPY to 3,300 billion JPY.",
        "On the last 6 months, it was 60.4% too high. A simple method did about as well.",
    ],
)
def test_a_sentence_that_cannot_be_is_found(text):
    assert list(find_faults([text]))


def test_usual_sentences_pass():
    texts = ["11 customers bought; 100.0% had bought before.", "Revenue is up 1,446.3% on July."]
    texts += ["A change of −4.5% (−10.0% to +1.0%) of 1 customer.", "0 JPY to 10 JPY; down 100.0%."]
    texts += ["Revenue rose from 1,300 JPY to 1,300,000 JPY."]
    assert list(find_faults(texts)) == []


def test_a_figure_that_cannot_be_is_found():
    table = pd.DataFrame({"share": [1.2], "revenue": [1e9], "low": [3.0], "high": [2.0]})
    table = table.assign(expected=5.0, up_to=float("inf"))
    assert len(list(find_table_faults("made up", table, sales=1000.0))) == 4
    ahead = pd.DataFrame({"actual": [10.0, None], "expected": [None, 90.0]})
    assert len(list(find_table_faults("forecast_revenue", ahead, sales=100.0))) == 1
    new = {"segment": ["new"], "customers": [1], "orders": [40], "median_recency_days": [900]}
    assert len(list(find_table_faults("rfm_segments", pd.DataFrame(new), sales=1.0))) == 2
    assert len(list(find_metric_faults({"gini": -0.76, "top20_share": float("nan")}))) == 1


@pytest.mark.parametrize("shop", PAGES)
def test_no_page_says_what_cannot_be(shop, tmp_path):
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    given, sales = describe(shop, tmp_path), SHOPS[shop]()["amount"].clip(lower=0).sum()
    for notebook in sorted(NOTEBOOKS.glob(f"0[{PAGES[shop]}]*.ipynb")):
        run(notebook, given | {"out": str(tmp_path / notebook.stem)})
        plt.close("all")
        found = results.load(tmp_path / notebook.stem)
        faults = [*find_faults(found.findings), *find_metric_faults(found.metrics)]
        for name, table in found.tables.items():
            faults += find_table_faults(name, table, sales=sales)
        assert not faults
