"""Exports of shop systems through `inspect`: what it proposes reads them rightly, or it asks."""

from pathlib import Path

import pytest
import yaml

from ltvkit import orders
from ltvkit.inspection import proposals

FOLDER = Path(__file__).parents[1] / "inputs" / "exports"
EXPECTED = yaml.safe_load((FOLDER / "expected.yaml").read_text("utf-8"))


@pytest.mark.parametrize("name", EXPECTED)
def test_an_export_is_read_rightly_or_asked_about(name):
    right = EXPECTED[name]
    seen = proposals.inspect(str(FOLDER / name))
    assert (seen.system.name if seen.system else None) == right["system"]
    if "missing" in right:
        assert list(seen.missing) == right["missing"]
        return
    assert set(right.get("asked", ())) <= set(seen.checks)
    assert len(seen.checks) <= 3, seen.checks
    answers = right.get("answers", {})
    columns = dict(seen.columns) | answers.get("columns", {})
    policies = dict(seen.policies) | answers.get("policies", {})
    book = orders.read(
        str(FOLDER / name),
        columns={n: h for n, h in columns.items() if h is not None},
        policies=policies,
    )
    sold = book.lines.df().query("amount >= 0")
    read = (sold["customer_id"].nunique(), sold["order_id"].nunique())
    wanted = (right.get("customers", read[0]), right["orders"])
    assert (*read, round(book.lines.df()["amount"].sum(), 2)) == (*wanted, right["revenue"])
