"""Exports through `inspect`: what it proposes reads them rightly, or it asks.

Of shop systems, and what users of such tools report.
"""

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


def read_answered(source: str, seen: Any, answers: dict) -> Any:
    """The orders, once what was asked has been answered."""
    columns = dict(seen.columns) | answers.get("columns", {})
    columns = {name: header for name, header in columns.items() if header is not None}
    policies = dict(seen.policies) | answers.get("policies", {})
    return orders.read(source, columns=columns, policies=policies)


@pytest.mark.parametrize("name", CASES)
def test_an_export_is_read_rightly_or_asked_about(name):
    right, source = CASES[name], str(INPUTS / name)
    seen = proposals.inspect(source)
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
