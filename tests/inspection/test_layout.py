"""How the orders in an export are found: its encoding, its header line, its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from ltvkit.inspection import proposals

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("page", ["cp1252", "mac_roman"])
def test_a_code_page_is_proposed_and_asked_about_with_the_letters_it_gives(
    page, tmp_path, monkeypatch
):
    monkeypatch.setenv("LTVKIT_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    text = "customer,order date,product,total\na,2024-01-05,Smörgås,10\nb,2024-01-06,Müsli,11\n"
    Path("orders.csv").write_bytes(text.encode(page))
    seen = proposals.inspect("orders.csv")
    assert seen.policies["encoding"] == page
    assert seen.samples["product"] == ["Smörgås", "Müsli"]
    assert f"it may be {page} (with å ö ü)" in seen.checks["policies.encoding"]
    assert "a" not in seen.samples["customer_id"]
