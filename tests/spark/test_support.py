"""Enquiries of the sample on a Spark cluster and on pandas: the same tables and lists."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from ltvkit import orders, support
from ltvkit.engines import frames

AS_OF = "2024-09-30"
SOURCE = {"source": "demo:enquiries"}


@pytest.fixture(scope="module")
def known(cluster, session):
    """Enquiries with the names of products, and orders, on both engines."""
    found = {}
    for name in ("pandas", "spark"):
        options = {"engine": name, "spark": cluster.spark}
        book = orders.read("demo:shop", policies={"cancelled_status": ["cancelled"]}, **options)
        rows = support.read_enquiries(SOURCE, **options).rows
        found[name] = (support.name_products(rows, book.lines), book)
    return found


def train(rows: Any, book: Any) -> pd.DataFrame:
    best = support.choose_high_value(
        frames.lazy(book.days).group_by("customer_id").agg(ltv_12m=_sum()).to_native()
    )
    return support.train(rows, high_value=best).table


def _sum() -> Any:
    import narwhals.stable.v2 as nw

    return nw.col("revenue").sum()


STEPS = {
    "train": train,
    "causes": lambda rows, _book: support.find_causes(rows, as_of=AS_OF).table,
    "rising": lambda rows, _book: support.find_rising(rows, as_of=AS_OF).table,
    "rates": lambda rows, book: support.count_rates(rows, book.lines, as_of=AS_OF, by="product"),
    "months": lambda rows, book: support.count_rates(rows, book.lines, as_of=AS_OF, by="month"),
    "after": lambda rows, book: support.compare_after(rows, book.days, as_of="2023-03-31"),
    "days": lambda rows, book: support.measure_days(rows, book.lines, as_of=AS_OF),
    "guides": lambda rows, book: support.find_guides(rows, book.lines, as_of=AS_OF).table,
    "guides_list": lambda rows, book: support.find_guides(rows, book.lines, as_of=AS_OF).customers,
    "leaf": lambda rows, book: support.measure_leaf(rows, book.lines, as_of=AS_OF),
    "until": lambda rows, _book: frames.table(
        frames.lazy(support.select_until(rows, as_of="2022-05-31")).select("enquiry_id", "text")
    ).sort_values("enquiry_id", ignore_index=True),
}


@pytest.mark.parametrize("step", STEPS)
def test_the_sample_gives_the_same_table(known, step):
    expected = STEPS[step](*known["pandas"])
    found = STEPS[step](*known["spark"])
    assert len(expected)
    options = {"rtol": 1e-9, "atol": 1e-9, "check_dtype": False}
    pd.testing.assert_frame_equal(found, expected, **options)
