"""Exports through `inspect`: what it proposes reads them rightly, or it asks.

Of shop systems, and what users of such tools report.
"""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from ltvkit import orders, quality
from ltvkit.inspection import proposals, stakes

INPUTS = Path(__file__).parents[1] / "inputs"
CASES = {
    f"{folder}/{name}": right
    for folder in ("exports", "field")
    for name, right in yaml.safe_load((INPUTS / folder / "expected.yaml").read_text()).items()
}


# Twelve orders as 22 systems export them.
TWELVE = (
    *("airregi", "base", "bigcommerce", "colorme_sales_all", "colorme_sales_detail", "eccube2"),
    *("eccube4", "etsy_sold_orders", "futureshop", "magento", "nextengine", "rakuten_rms"),
    *("shopify", "smaregi", "square_items", "squarespace", "stores", "stripe_payments", "wix"),
    *("woocommerce_advanced", "yahoo_orders", "amazon_all_orders"),
)


@cache
def inspect_once(name: str) -> Any:
    return proposals.inspect(str(INPUTS / name))


def read_answered(source: str, seen: Any, answers: dict) -> Any:
    """The orders, once what was asked has been answered."""
    columns = dict(seen.columns) | answers.get("columns", {})
    columns = {name: header for name, header in columns.items() if header is not None}
    policies = dict(seen.policies) | answers.get("policies", {})
    return orders.read(source, columns=columns, policies=policies)


@pytest.mark.parametrize("name", CASES)
def test_an_export_is_read_rightly_or_asked_about(name):
    right, source = CASES[name], str(INPUTS / name)
    seen = inspect_once(name)
    assert (seen.system.name if seen.system else None) == right.get(
        "system", seen.system and seen.system.name
    )
    if "missing" in right:
        assert list(seen.missing) == right["missing"]
        return
    assert set(right.get("asked", ())) <= set(seen.checks)
    assert len(seen.checks) <= 3, seen.checks
    answers = right.get("answers", {})
    book = read_answered(source, seen, answers) if answers else seen.book
    read = dict(zip(("customers", "orders", "revenue"), stakes.count_orders(book), strict=True))
    assert read == read | {n: v for n, v in right.items() if n in read}
    assert book.facts["last"] == right.get("last", book.facts["last"])
    if "stopped" in right:
        checks = quality.check(book, as_of=book.facts["last"], policies=seen.policies)
        stopped = checks.loc[checks["result"] == "stop", "check"].tolist()
        assert right["stopped"] in stopped


def test_of_twelve_orders_in_22_formats_few_are_asked_about():
    names = [n for n in CASES if n.startswith("exports/") and Path(n).stem in TWELVE]
    assert len(names) == 22
    asked = {name: len(inspect_once(name).checks) for name in names}
    assert max(asked.values()) <= 3
    assert sum(n == 0 for n in asked.values()) >= 6, asked
