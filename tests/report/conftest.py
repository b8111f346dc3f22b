"""The browser that opens pages as a reader's does."""

from __future__ import annotations

import os

import pytest
import stub_browser


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Chromium; without it tests are skipped, or fail where LTVKIT_BROWSER says "required"."""
    if not (path := stub_browser.find()):
        if os.environ.get("LTVKIT_BROWSER") == "required":
            pytest.fail("LTVKIT_BROWSER=required, and there is no Chromium on PATH")
        pytest.skip("no Chromium on PATH; LTVKIT_BROWSER=required makes this a failure")
    opened = stub_browser.Browser(path, tmp_path_factory.mktemp("browser") / "profile")
    yield opened
    opened.close()
